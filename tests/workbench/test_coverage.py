"""Coverage: what counts as covered, what is named as missing, and that the witnesses for it are real."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from guidelog.compiled import Compiled
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from guidelog.workbench.vignettes.coverage import CRITERION, RULE, THRESHOLD, Coverage, coverage
from guidelog.workbench.vignettes.reports import coverage_page
from guidelog.workbench.vignettes.runner import Outcome, run
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files
from toy_guideline import FULL, RULES, TOML

Make = Callable[..., tuple[Compiled, list[Outcome], Coverage]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(*records: str, rules: str = RULES) -> tuple[Compiled, list[Outcome], Coverage]:
        (tmp_path / "guideline.toml").write_text(TOML, encoding="utf-8")
        (tmp_path / "rules.dl").write_text(rules, encoding="utf-8")
        (tmp_path / "vignettes").mkdir(exist_ok=True)
        for number, record in enumerate(records):
            text = f"patient: v{number}\n{record}\nexpect: {{why: because}}\n"
            (tmp_path / "vignettes" / f"v{number}.yaml").write_text(text, encoding="utf-8")
        compiled = compile_guideline(load_guideline(str(tmp_path)))
        outcomes = list(
            run(compiled, read_vignettes(vignette_files(compiled.guideline), compiled.names), certified=False)
        )
        return compiled, outcomes, coverage(compiled.ground, compiled.program.rules, outcomes)

    return build


def _missing(found: Coverage) -> set[tuple[str | None, str]]:
    return {(u.rule.id, u.what) for u in found.missing}


def test_everything_that_some_patient_can_reach_is_covered(make: Make) -> None:
    _, _, found = make(*FULL)
    assert _missing(found) == set()
    assert found.percent() == 100
    # Where C and B are present, ALARM-B holds as well: ALARM-C alone can decide nothing.
    impossible = {(u.rule.id, u.what) for u in found.units if u.impossible}
    assert ("ALARM-C", "`finding(P, sign_c)` is what makes it hold") in impossible
    assert ("ALARM-C", "`finding(P, sign_c)` alone is missing") in impossible


@pytest.mark.parametrize(
    ("left_out", "rule", "what"),
    [
        (0, "DO", "fires"),
        (1, "DO", "`W >= 6` alone is missing"),
        (1, "DO", "`waiting` just below 6"),
        (2, "DO", "`in_scope(P)` alone is missing"),
        (2, "SCOPE", "is withheld"),
    ],
)
def test_each_vignette_left_out_leaves_a_named_gap(make: Make, left_out: int, rule: str, what: str) -> None:
    _, _, found = make(*(v for i, v in enumerate(FULL) if i != left_out))
    assert (rule, what) in _missing(found)
    unit = next(u for u in found.missing if (u.rule.id, u.what) == (rule, what))
    assert unit.place.split(":")[0].endswith("rules.dl")
    assert found.percent() < 100


def test_the_patient_named_for_a_gap_closes_it(make: Make) -> None:
    _, _, found = make(FULL[3])
    gaps = [u for u in found.missing if u.patient]
    assert len(gaps) > 5
    for gap in gaps:
        assert gap.patient is not None
        record = "\n".join(f"{key}: {json.dumps(value)}" for key, value in gap.patient.items())
        _, _, after = make(FULL[3], record)
        assert (gap.rule.id, gap.what) not in _missing(after), (gap.what, gap.patient)


def test_unknown_is_neither_fired_nor_withheld(make: Make) -> None:
    _, _, found = make("findings: {sign_a: unknown}")
    assert {(u.rule.id, u.what) for u in found.units if u.kind == RULE and u.covered} == set()


def test_a_threshold_needs_exact_values_on_both_sides(make: Make) -> None:
    _, _, found = make("measures: {waiting: {at_least: 6}}", "measures: {waiting: 30}")
    assert [u.covered for u in found.units if u.kind == THRESHOLD] == [False, False]
    _, _, found = make("measures: {waiting: 5}", "measures: {waiting: 7}")
    assert [u.covered for u in found.units if u.kind == THRESHOLD] == [True, True]


def test_the_page_escapes_what_authors_write(make: Make) -> None:
    compiled, outcomes, found = make(*FULL, rules=RULES.replace('"DO"', '"DO<script>"'))
    page = coverage_page(found, outcomes, compiled.guideline)
    assert "<script>" not in page
    assert "DO&lt;script&gt;" in page
    assert "src=" not in page
    assert "http" not in page


def test_the_gate_of_the_command(make: Make, tmp_path: Path) -> None:
    _, _, found = make(FULL[0])
    assert 0 < found.percent() < 90
    code = "from guidelog.cli import main; main()"
    page = tmp_path / "coverage.html"

    def run_test(least: str) -> subprocess.CompletedProcess[str]:
        arguments = ["test", "-g", str(tmp_path), "--min", least, "--html", str(page), "--format", "json"]
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)

    low, high = run_test("10"), run_test("90")
    assert (low.returncode, high.returncode) == (0, 1), low.stderr + high.stderr
    assert json.loads(high.stdout)["coverage"]["percent"] == round(found.percent(), 2)
    assert "<table>" in page.read_text(encoding="utf-8")


def test_the_bundled_guideline() -> None:
    compiled = compile_guideline(load_guideline(str(Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy")))
    vignettes = read_vignettes(vignette_files(compiled.guideline), compiled.names)
    found = coverage(compiled.ground, compiled.program.rules, list(run(compiled, vignettes, certified=False)))
    assert _missing(found) == set()
    assert found.counts(CRITERION)[1] > 150
    assert len(found.not_in_force) == 8
