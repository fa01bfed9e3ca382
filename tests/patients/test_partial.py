"""A part of a record that cannot be used never takes away what does not depend on it."""

from __future__ import annotations

import pytest

from explaining import lumbar
from guidelog import pipeline
from guidelog.diagnostics import InputError, Severity
from guidelog.explain.description import describe
from guidelog.patients import Patient
from guidelog.patients.partial import read_as_far_as_possible
from guidelog.semantics.status import Status
from guidelog.source import Source

EMERGENCY = "patient: p\nas_of: 2025-11-13\n"
FINDINGS = "chronic_radiculopathy: present, level_l5_s1: present, saddle_anesthesia: present"


def read(text: str) -> Patient:
    compiled = lumbar()
    patient, _ = read_as_far_as_possible(Source("p.yaml", text), compiled.names.vocabulary)
    return pipeline.without_contradictions(compiled, patient)


@pytest.mark.parametrize(
    ("rest", "speaks_of"),
    [
        (f"findings: {{{FINDINGS}, mri_done: maybe}}", {"mri_done"}),
        (f"findings: {{{FINDINGS}, mri_done: [present]}}", {"mri_done"}),
        (f"findings: {{{FINDINGS}}}\nmeasures: {{conservative_care_weeks: abc}}", {"conservative_care_weeks"}),
        (f"findings: {{{FINDINGS}}}\nmeasures: {{conservative_care_weeks: '8.'}}", {"conservative_care_weeks"}),
        (f"findings: {{{FINDINGS}}}\nmeasures: {{conservative_care_weeks: -3}}", {"conservative_care_weeks"}),
        (f"findings: {{{FINDINGS}}}\nscreens: {{imaging: done}}", {"imaging"}),
        (
            f"findings: {{{FINDINGS}, home_exercise_only: present, formal_physical_therapy: present}}",
            {"home_exercise_only", "formal_physical_therapy"},
        ),
    ],
)
def test_an_emergency_is_answered_whatever_else_is_wrong(rest: str, speaks_of: set[str]) -> None:
    answers = pipeline.ask(lumbar(), read(EMERGENCY + rest + "\n"), ["nerve_root_injection"])
    found = describe(answers)
    assert found.emergency is not None
    assert found.not_read
    assert {name for entry in answers.patient.not_read for name in entry.speaks_of} == speaks_of
    assert all(answer.certified for answer in (*answers.answers, *answers.alerts))


def test_what_depends_on_it_stays_open() -> None:
    flags = "screens: {red_flags: complete, treatment_history: complete, imaging: complete}"
    base = f"patient: p\nfindings: {{chronic_radiculopathy: present, level_l5_s1: present}}\n{flags}\n"
    weeks = "measures: {conservative_care_weeks: WEEKS}\n"
    certain = pipeline.ask(lumbar(), read(base + weeks.replace("WEEKS", "0")), ["mri_lumbar"])
    assert certain.answers[0].status is not Status.UNDETERMINED
    unread = read(base + weeks.replace("WEEKS", "0 or so"))
    assert unread.measures == {"conservative_care_weeks": unread.measures["conservative_care_weeks"]}
    doubtful = pipeline.ask(lumbar(), unread, ["nerve_root_injection"])
    assert doubtful.answers[0].status in (Status.UNDETERMINED, Status.NOT_NOW)
    assert describe(doubtful).not_read


def test_a_red_flag_that_cannot_be_read_is_not_absent() -> None:
    text = (
        "patient: p\nfindings: {chronic_radiculopathy: present, level_l5_s1: present, saddle_anesthesia: perhaps}\n"
        "screens: {red_flags: complete}\nmeasures: {conservative_care_weeks: 0}\n"
    )
    answers = pipeline.ask(lumbar(), read(text), ["mri_lumbar"])
    assert answers.answers[0].status is Status.UNDETERMINED


def test_an_assumed_absence_gives_way_to_what_is_recorded() -> None:
    """A finding that presupposes an MRI, and a complete imaging screen that does not list one."""
    text = "patient: p\nfindings: {mri_correlates: present}\nscreens: {imaging: complete}\n"
    patient = read(text)
    assert patient.not_read == ()
    facts, _ = pipeline.settle(lumbar(), patient)
    assert facts.findings["mri_done"] is True
    assert facts.findings["mri_correlates"] is True


@pytest.mark.parametrize(
    "text",
    ["patient: p\nfindings: {no_such_finding: present}\n", "patient: [p]\n", "- a list\n", "patient: p\nfindings: 3\n"],
)
def test_a_record_that_cannot_be_trusted_as_a_whole_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read(text)


def test_each_unread_value_is_a_warning_at_its_place() -> None:
    text = "patient: p\nfindings: {mri_done: maybe}\nmeasures: {conservative_care_weeks: x}\n"
    _, warnings = read_as_far_as_possible(Source("p.yaml", text), lumbar().names.vocabulary)
    assert [(d.code, d.severity) for d in warnings] == [("GL414", Severity.WARNING), ("GL415", Severity.WARNING)]
    assert all(d.labels for d in warnings)
