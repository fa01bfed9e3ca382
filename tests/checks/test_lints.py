"""Advice to authors, silencing, fixes, exports and the catalogue of codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from guidelog.checks import check_program
from guidelog.checks.codes import Code
from guidelog.diagnostics import Diagnostic, Label, Severity
from guidelog.ground.grounder import ground
from guidelog.language import parse
from guidelog.language.guideline import load_guideline
from guidelog.language.names import names_of
from guidelog.source import Source, Span
from guidelog.workbench.lints.advice import LINTS, Advice, lint
from guidelog.workbench.lints.catalogue import CODES, render_catalogue
from guidelog.workbench.lints.collect import review
from guidelog.workbench.lints.exports import github, sarif
from guidelog.workbench.lints.suppressions import silence
from guidelog.workbench.scaffold import scaffold

ROOT = Path(__file__).parents[2]
KB = ROOT / "kb" / "lumbar_radiculopathy"


def advice(text: str, holding: dict[str, list[str]] | None = None) -> list[Advice]:
    source = Source("example.dl", text)
    program, problems = parse(source)
    names = names_of(program)
    wrong = [d for d in (*problems, *check_program(program, names)) if d.severity is Severity.ERROR]
    assert wrong == []
    return silence(lint(program, names, ground(program, names, {}), holding), [source])


def codes(text: str, holding: dict[str, list[str]] | None = None) -> set[str]:
    return {a.diagnostic.code for a in advice(text, holding)}


@pytest.mark.parametrize("code", LINTS, ids=lambda c: c.code)
def test_bad_example_gives_its_code(code: Code) -> None:
    holding: dict[str, list[str]] | None = {"SCOPE": ["v"]} if code.code == "GL906" else None
    assert code.code in codes(code.bad, holding)


@pytest.mark.parametrize("code", LINTS, ids=lambda c: c.code)
def test_good_example_does_not(code: Code) -> None:
    holding = {"SCOPE": ["v"], "DO": ["v"]} if code.code == "GL906" else None
    assert code.code not in codes(code.good, holding)


def test_the_scaffold_needs_no_advice(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    scaffold(folder)
    assert [a.diagnostic.message for a in review(load_guideline(str(folder)))] == []


def test_the_bundled_guideline() -> None:
    found = {a.diagnostic.message for a in review(load_guideline(str(KB))) if a.diagnostic.code.startswith("GL9")}
    assert found == set(), "what does not apply is silenced where it stands, with a reason"


UNUSED = '.finding sign_z "sign Z"\n'
REST = LINTS[0].good


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNUSED + REST, {"GL901"}),
        ("% allow GL901: kept for the record\n" + UNUSED + REST, set()),
        ("% allow GL901: kept for the record\n% and more words\n" + UNUSED + REST, set()),
        ("% allow GL901: about another statement\n\n" + UNUSED + REST, {"GL901"}),
        ("% allow GL901\n" + UNUSED + REST, {"GL901", "GL910"}),
        ("% allow GL902: wrong code\n" + UNUSED + REST, {"GL901", "GL911"}),
        ("% allow GL901: first\n" + UNUSED + UNUSED.replace("sign_z", "sign_y") + REST, {"GL901"}),
        (REST + '\n.finding q "% allow GL901: in a string"\n', {"GL901"}),
    ],
)
def test_silencing_speaks_for_one_statement_and_needs_a_reason(text: str, expected: set[str]) -> None:
    assert codes(text) == expected


def _guidelog(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from guidelog.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_fix_mends_what_is_mechanical_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    scaffold(folder)
    rules = folder / "rules.dl"
    before = rules.read_text(encoding="utf-8")
    text = before.replace(
        "in_scope(P) :- finding(P, condition).", "in_scope(P) :- finding(P, condition), finding(P, Xx)."
    )
    text = text.replace(".decl alarm", "% allow GL903: nothing\n.decl alarm")
    rules.write_text(text, encoding="utf-8")
    done = _guidelog("check", "-g", str(folder), "--fix", "--no-lint")
    assert "mended 1 place" in done.stderr, done.stderr  # the silencing; without advice nothing is said of the variable
    done = _guidelog("check", "-g", str(folder), "--fix")
    assert done.returncode == 0, done.stdout
    mended = rules.read_text(encoding="utf-8")
    assert mended == before.replace("finding(P, condition).", "finding(P, condition), finding(P, _).")
    assert "GL902" not in _guidelog("check", "-g", str(folder)).stdout


def test_exit_codes(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    scaffold(folder)
    assert _guidelog("check", "-g", str(folder), "--strict").returncode == 0
    with (folder / "rules.dl").open("a", encoding="utf-8") as rules:
        rules.write(UNUSED)
    assert _guidelog("check", "-g", str(folder)).returncode == 0
    assert _guidelog("check", "-g", str(folder), "--strict").returncode == 1
    assert _guidelog("check", "-g", str(folder), "--strict", "--no-lint").returncode == 0
    with (folder / "rules.dl").open("a", encoding="utf-8") as rules:
        rules.write("x(((.\n")
    assert _guidelog("check", "-g", str(folder)).returncode == 1


def test_sarif_points_at_the_place(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    scaffold(folder)
    with (folder / "rules.dl").open("a", encoding="utf-8") as rules:
        rules.write('.finding sign_z "ä😀" screem(x)\n')
    done = _guidelog("check", "-g", str(folder), "--format", "sarif")
    assert done.returncode == 1
    (run,) = json.loads(done.stdout)["runs"]
    result = next(r for r in run["results"] if r["ruleId"] == "GL102")
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == (folder / "rules.dl").as_uri()
    region = place["region"]
    assert (region["startColumn"], region["endColumn"]) == (23, 29)  # the emoji is two units
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "GL102"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["shortDescription"]["text"] == CODES["GL102"].title
    assert sarif([], [], "1")["runs"][0]["results"] == []
    source = Source("my rules/ä.dl", UNUSED)
    (below,) = sarif([Diagnostic("GL901", "x", (Label(Span(source, 9, 15)),))], [], "1")["runs"][0]["results"]
    assert below["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20rules/%C3%A4.dl"


def test_github_annotations_escape_line_ends(tmp_path: Path) -> None:
    found = [a.diagnostic for a in advice(UNUSED + REST)]
    (line,) = github(found).splitlines()
    assert line.startswith(
        "::warning file=example.dl,line=1,endLine=1,col=10,endColumn=16,title=GL901::finding `sign_z`"
    )


def test_every_code_in_the_engine_has_a_page_and_every_page_a_code() -> None:
    reported = {
        code
        for path in (ROOT / "engine").rglob("*.py")
        for code in re.findall(r'"(GL[0-9]{3})"', path.read_text(encoding="utf-8"))
    }
    assert reported - set(CODES) == set(), "reported and not explained"
    assert set(CODES) - reported == set(), "explained and reported by nobody"
    assert all(len(code.text) > 20 and code.title for code in CODES.values())


def test_the_page_in_docs_is_what_the_command_writes() -> None:
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    assert page == render_catalogue(), "run: guidelog explain --all > docs/codes.md"


def test_explain() -> None:
    done = _guidelog("explain", "gl203")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "## GL203: wrong number of arguments")
    wrong = _guidelog("explain", "GL20x")
    assert wrong.returncode == 2
    assert "did you mean" in wrong.stderr
