"""Remarks: entries that cannot be so are set aside when a record is read, and everything else is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.language.guideline import load_guideline
from guidelog.patients import patient_from_content
from programs import compiled_of

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
CORE = {"chronic_radiculopathy": "present", "level_l5_s1": "present"}


@pytest.fixture(scope="module")
def lumbar() -> Compiled:
    return pipeline.compile_guideline(load_guideline(str(KB)))


def answered(compiled: Compiled, **content: Any) -> Answers:
    patient = patient_from_content({"patient": "p", "as_of": "2025-11-13", **content}, compiled.names.vocabulary)
    return pipeline.ask(compiled, pipeline.without_contradictions(compiled, patient))


def said(answers: Answers) -> dict[frozenset[str], str]:
    return {frozenset(entry.speaks_of): entry.reason for entry in answers.patient.not_read}


@pytest.mark.parametrize(
    ("measures", "findings", "entries"),
    [
        ({"conservative_care_weeks": 8, "symptom_weeks": 5.9}, {}, {"conservative_care_weeks", "symptom_weeks"}),
        (
            {"physical_therapy_weeks": 10, "conservative_care_weeks": 3},
            {},
            {"physical_therapy_weeks", "conservative_care_weeks"},
        ),
        (
            {"first_line_drug_weeks": 10, "conservative_care_weeks": 3},
            {},
            {"first_line_drug_weeks", "conservative_care_weeks"},
        ),
        (
            {"physical_therapy_weeks": 0},
            {"physical_therapy_completed": "present"},
            {"physical_therapy_weeks", "physical_therapy_completed"},
        ),
        ({"symptom_weeks": 3}, {}, {"symptom_weeks", "chronic_radiculopathy"}),
    ],
)
def test_what_cannot_be_is_named_and_a_red_flag_is_answered_all_the_same(
    lumbar: Compiled, measures: dict[str, float], findings: dict[str, str], entries: set[str]
) -> None:
    answers = answered(lumbar, findings={**CORE, **findings, "saddle_anesthesia": "present"}, measures=measures)
    assert entries in [set(names) for names in said(answers)]
    statuses = {a.intervention: a.status.value for a in answers.answers}
    assert (statuses["mri_lumbar"], statuses["surgical_referral"]) == ("urgent", "emergency_pathway")
    assert all(a.certified for a in answers.answers)


def test_what_rests_on_it_is_open_and_what_does_not_is_answered(lumbar: Compiled) -> None:
    """Ten weeks of therapy in three weeks of care: whether care has failed is open, bed rest is not."""
    tried = dict.fromkeys(
        ("symptoms_persist", "formal_physical_therapy", "physical_therapy_completed", "nsaid_tried"), "present"
    )
    answers = answered(
        lumbar,
        findings={**CORE, **tried},
        measures={"physical_therapy_weeks": 10, "conservative_care_weeks": 3},
        screens={"red_flags": "complete"},
    )
    statuses = {a.intervention: a.status.value for a in answers.answers}
    assert (statuses["nerve_root_injection"], statuses["bed_rest"]) == ("undetermined", "avoid")
    assert "cannot have lasted longer" in " ".join(said(answers).values())


@pytest.mark.parametrize("weeks", [3, 10])
def test_what_can_be_so_is_left_alone(lumbar: Compiled, weeks: int) -> None:
    answers = answered(
        lumbar,
        findings=CORE,
        measures={"physical_therapy_weeks": weeks, "conservative_care_weeks": 10, "symptom_weeks": 12},
    )
    assert not answers.patient.not_read


def test_what_is_not_known_is_not_remarked(lumbar: Compiled) -> None:
    answers = answered(
        lumbar, findings=CORE, measures={"conservative_care_weeks": {"at_least": 1}, "symptom_weeks": 20}
    )
    assert not answers.patient.not_read


def test_a_remark_on_a_rule_is_refused() -> None:
    text = '.finding a "a"\n.concept c(P: patient) true("c") false("no c")\n#[id = "A", remark = "no"]\nc(P) :- finding(P, a).\n'
    with pytest.raises(InputError) as problem:
        compiled_of(text)
    assert [d.code for d in problem.value.diagnostics] == ["GL317"]
