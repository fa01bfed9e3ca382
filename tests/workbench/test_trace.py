"""The matrix: complete both ways, committed as docs/trace.md, and honest about what is missing."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from guidelog.workbench.trace.build import Trace, trace
from guidelog.workbench.trace.matrix import render_csv, render_html, render_markdown
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files
from toy_guideline import FULL, RULES, TOML

ROOT = Path(__file__).parents[2]
KB = ROOT / "kb" / "lumbar_radiculopathy"


@pytest.fixture(scope="module")
def found() -> Trace:
    compiled = compile_guideline(load_guideline(str(KB)))
    return trace(compiled, read_vignettes(vignette_files(compiled.guideline), compiled.names))


def test_the_page_in_docs_is_what_the_command_writes(found: Trace) -> None:
    page = (ROOT / "docs" / "trace.md").read_text(encoding="utf-8")
    written = render_markdown(found, "guidelog trace --format markdown")
    assert page == written, "run: guidelog trace --format markdown --out docs/trace.md"


def test_both_ways_agree(found: Trace) -> None:
    forth = {(s.id, rule) for s in found.statements for rule in s.rules}
    back = {(statement, r.id) for r in found.rules for statement in r.statements}
    assert forth == back
    assert len(forth) > 80
    assert found.complete


def test_csv_has_every_pair_once(found: Trace) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(found))))
    pairs = [(r["statement"], r["rule"]) for r in rows if r["rule"]]
    assert sorted(pairs) == sorted({(s.id, rule) for s in found.statements for rule in s.rules})
    assert {"urgent", "S11"} <= {r["gives"].split()[-1] for r in rows} | {r["statement"] for r in rows}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.targets.append(str(value))


def test_html_links_lead_somewhere(found: Trace) -> None:
    page = _Links()
    page.feed(render_html(found))
    assert len(page.ids) == len(set(page.ids)) == len(found.statements) + len(found.rules) + len(found.decisions)
    assert page.targets
    assert {t.removeprefix("#") for t in page.targets} <= set(page.ids)


def _folder(folder: Path, rules: str) -> Path:
    (folder / "guideline.toml").write_text(TOML, encoding="utf-8")
    (folder / "rules.dl").write_text(rules, encoding="utf-8")
    (folder / "vignettes").mkdir()
    record = f"patient: one\n{FULL[0]}\nexpect: {{statements: [S1], answers: {{step_a: recommended}}}}\n"
    (folder / "vignettes" / "one.yaml").write_text(record, encoding="utf-8")
    return folder


def _guidelog(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from guidelog.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_what_is_missing_is_named_and_fails_the_command(tmp_path: Path) -> None:
    rules = RULES.replace('#[id = "SCOPE", statements = ["S1"]]', '#[id = "SCOPE"]') + (
        '.statement S2 "nobody encodes this"\n    kind(note) cites()\n'
        '.statement S3 "nor this"\n    kind(note) cites()\n    norule("it is about history")\n'
        '.decision Q1 "open"\n    decided("so")\n'
    )
    done = _guidelog("trace", "-g", str(_folder(tmp_path, rules)), "--format", "json")
    assert done.returncode == 1, done.stderr
    gaps = json.loads(done.stdout)["gaps"]
    assert gaps["statements that no rule encodes"] == ["S2"]
    assert gaps["rules without a source"] == ["SCOPE"]
    assert gaps["statements without a vignette"] == ["S2"]
    assert gaps["decisions that no rule refers to"] == ["Q1"]
    assert gaps["rules that hold in no vignette"] == ["ALARM-B", "ALARM-C"]


def test_the_command_is_silent_when_all_is_well(tmp_path: Path) -> None:
    done = _guidelog("trace", "-g", str(_folder(tmp_path, RULES)))
    assert done.returncode == 0, done.stderr
    assert "statements that no rule encodes: none" in done.stdout
