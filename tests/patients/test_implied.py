"""The background comes before the closing of screens: what a listed finding implies is not assumed absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from guidelog import pipeline
from guidelog.diagnostics import InputError
from guidelog.language.guideline import load_guideline
from guidelog.patients import close
from programs import BACKENDS, compiled_of, on, patient_of

TEXT = """
.screen imaging "imaging"
.finding scan "scan done" screen(imaging)
.finding match "scan matches" screen(imaging)
.finding lesion "lesion" screen(imaging)
.intervention cut "surgery"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("out of scope")
#[id = "SCOPE"]
in_scope(P) :- patient(P).
#[id = "CUT", statements = ["S1"], cites = [], says = "Cut"]
advise(P, cut, do) :- in_scope(P), finding(P, scan), !finding(P, lesion).
#[id = "BG"]
:- finding(P, match), !finding(P, scan).
"""
FORMS = ("finding(P, match), !finding(P, scan)", "!finding(P, scan), finding(P, match)")


@pytest.mark.parametrize("body", FORMS)
def test_what_is_implied_is_filled_in_and_certified(body: str) -> None:
    compiled = compiled_of(TEXT.replace(FORMS[0], body))
    patient = patient_of(compiled, findings={"match": "present"}, screens={"imaging": "complete"})
    assert close(patient, compiled.names.vocabulary).closed == {"imaging": ("lesion",)}
    for backend in BACKENDS:
        answers = pipeline.ask(on(compiled, backend), patient)
        assert [(a.status.value, a.certified) for a in answers.answers] == [("recommended", True)]
        assert [(p.name, p.value, p.denial.rule.id) for p in answers.propagated] == [("scan", True, "BG")]


def test_what_is_said_to_be_absent_still_contradicts() -> None:
    compiled = compiled_of(TEXT)
    patient = patient_of(compiled, findings={"match": "present", "scan": "absent"}, screens={"imaging": "complete"})
    with pytest.raises(InputError, match="contradicts"):
        pipeline.ask(compiled, patient)


def test_without_the_other_finding_the_screen_closes_as_ever() -> None:
    compiled = compiled_of(TEXT)
    patient = patient_of(compiled, findings={"match": "absent"}, screens={"imaging": "complete"})
    assert close(patient, compiled.names.vocabulary).closed == {"imaging": ("scan", "lesion")}


def test_the_lumbar_record_that_was_refused() -> None:
    """Findings of an MRI beside a complete imaging record that does not list the MRI itself."""
    compiled = pipeline.compile_guideline(
        load_guideline(str(Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"))
    )
    patient = patient_of(
        compiled,
        findings=dict.fromkeys(("chronic_radiculopathy", "level_l5_s1", "mri_correlates"), "present"),
        screens={"imaging": "complete"},
    )
    answers = pipeline.ask(compiled, patient, ["surgical_referral"])
    assert answers.facts.findings["mri_done"] is True
    assert "mri_done" not in answers.facts.closed["imaging"]
