"""`guidelog generate`: the suite shows what it claims, and what is out of reach is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guidelog.pipeline import ask
from guidelog.solver.literals import Budget
from guidelog.verify.suite.generate import Suite, generate
from verify_support import advise, lumbar, tiny


@pytest.fixture(scope="module")
def suite() -> Suite:
    return generate(lumbar(), ask)


def test_few_patients_reach_everything_that_can_be_reached(suite: Suite) -> None:
    # Background rule BG-1 implies the one; where the other alone would fail, HOLD-1 gives the same conclusion.
    assert [o.name for o in suite.unreachable] == ["CRIT-C, condition 1", "HOLD-3, condition 3"]
    assert suite.undecided == ()
    assert suite.obligations > 250
    assert len(suite.patients) <= 25
    assert suite.reached == sum(len(p.shows) for p in suite.patients) == suite.obligations - len(suite.unreachable)


def test_every_patient_is_certified_and_confirmed_by_the_engine(suite: Suite) -> None:
    for patient in suite.patients:
        assert all(a.certified for a in patient.answers.answers)
        assert all(o.confirmed(patient.answers.world) for o in patient.shows)


def test_an_obligation_is_not_confirmed_by_just_any_patient(suite: Suite) -> None:
    """The confirmation can fail: each obligation is denied by some patient of the suite."""
    conditions = [o for p in suite.patients for o in p.shows if o.kind == "condition"]
    worlds = [p.answers.world for p in suite.patients]
    assert all(any(not o.confirmed(w) for w in worlds) for o in conditions)


def test_each_threshold_is_just_reached_and_just_missed(suite: Suite) -> None:
    shown = {o.name for p in suite.patients for o in p.shows if o.kind == "threshold"}
    assert {
        "FAIL-1, conservative_care_weeks 6",
        "FAIL-1, conservative_care_weeks 5.9",
        "TRIAL-KEPT, conservative_care_weeks 12",
        "TRIAL-KEPT, conservative_care_weeks 11.9",
        "TRIAL-KEPT, conservative_care_weeks 26",
        "TRIAL-KEPT, conservative_care_weeks 25.9",
        "MON-3, weeks_since_review 4",
        "MON-3, weeks_since_review 4.1",
    } <= shown


def test_numbers_of_several_measures_fit_together(tmp_path: Path) -> None:
    body = "in_scope(P), measure(P, days, D), measure(P, others, E), D + E >= 5, D < E + 2"
    suite = generate(tiny(tmp_path, advise("A", "scan", "do", body)), ask)
    assert not suite.undecided
    assert {o.name for p in suite.patients for o in p.shows} >= {"A", "A, condition 4", "A, condition 5"}


def test_without_time_nothing_is_called_out_of_reach() -> None:
    suite = generate(lumbar(), ask, budget=Budget(0))
    assert suite.unreachable == ()
    assert len(suite.undecided) == suite.obligations


@pytest.mark.parametrize("blank", [True, False])
def test_the_files_are_unreviewed_vignettes_that_guidelog_reads(
    tmp_path: Path, blank: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    from guidelog.cli import main
    from guidelog.workbench.vignettes.runner import run
    from guidelog.workbench.vignettes.vignette import read_vignettes

    folder = tmp_path / "generated"
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "generate",
                "-g",
                "kb/lumbar_radiculopathy",
                "--out",
                str(folder),
                "--format",
                "json",
                *(["--blank"] if blank else []),
            ]
        )
    assert stop.value.code == 0
    report = json.loads(capsys.readouterr().out)
    files = sorted(folder.glob("*.yaml"))
    assert len(files) == len(report["patients"])
    assert all("unreviewed" in file.read_text(encoding="utf-8") for file in files)
    compiled = lumbar()
    vignettes = read_vignettes(files, compiled.names)
    assert all(bool(v.expected.answers) is not blank for v in vignettes)
    if not blank:
        assert not [o for o in run(compiled, vignettes[:3]) if getattr(o, "mismatches", ())]
