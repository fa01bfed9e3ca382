"""The cautions of a claim, recomputed by the checker from certificates made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from certificates_by_hand import answers, document, record, step
from guidelog.checker import Rejected, check, read_rules

Json = Any

TEXT = """\
.finding a "a"
.finding b "b"
.finding c "c"
.intervention go "go"
.concept in_scope(P: patient)
#[id = "SC"] in_scope(P) :- finding(P, c).
#[id = "S"] advise(P, go, STANCE) :- finding(P, b).
#[id = "H2", unsettled = "Ask for a."] advise(P, go, hold) :- in_scope(P), finding(P, a).
#[id = "H1", unsettled = "Ask for a, too."] advise(P, go, hold) :- in_scope(P), finding(P, a), finding(P, c).
"""


def problem(stance: str, status: str, cautions: list[str] | None, **findings: str) -> str | None:
    files = {"m.dl": TEXT.replace("STANCE", stance)}
    patient = record(findings={"b": "present", "c": "present", **findings})
    inside = patient["findings"]["c"] == "present"
    scope = step("in_scope()", "T", "SC", {}, [None]) if inside else step("in_scope()", "F", fails=[["SC", {}, 0]])
    place = 1 if inside else 0
    hold = step("advise(go,hold)", "F", fails=[["H2", {}, place], ["H1", {}, place]])
    if patient["findings"]["b"] == "present":
        advice = step(f"advise(go,{stance})", "T", "S", {}, [None])
    else:
        advice = step(f"advise(go,{stance})", "F", fails=[["S", {}, 0]])
    certificate = answers("go", status, None, kept=[[scope, advice, hold]])
    if cautions is not None:
        certificate["claim"]["unsettled"] = cautions
    try:
        check(document(patient, certificate, files=files), read_rules(files, {}), patient)
    except Rejected as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("stance", "status"), [("do", "recommended"), ("consider", "consider"), ("avoid", "avoid"), ("defer", "not_now")]
)
def test_what_would_come_first_is_said_sorted(stance: str, status: str) -> None:
    assert problem(stance, status, ["H1", "H2"]) is None
    for other in (None, [], ["H1"], ["H2"], ["H2", "H1"], ["H1", "H1", "H2"], ["S"]):
        assert problem(stance, status, other) is not None
    assert problem(stance, status, None, a="absent") is None
    assert problem(stance, status, ["H1", "H2"], a="absent") is not None


@pytest.mark.parametrize(("stance", "status"), [("urgent", "urgent"), ("emergency", "emergency_pathway")])
def test_what_comes_before_everything_carries_none(stance: str, status: str) -> None:
    assert problem(stance, status, None) is None
    assert problem(stance, status, ["H1", "H2"]) is not None


def test_outside_of_the_guideline_there_is_none() -> None:
    assert problem("do", "outside_guideline", None, b="absent", c="absent") is None
    assert problem("do", "outside_guideline", ["H2"], b="absent", c="absent") is not None


def test_a_proof_is_for_ends_of_its_own() -> None:
    files = {"m.dl": TEXT.replace("STANCE", "do")}
    patient = record(findings={"a": "absent", "b": "present", "c": "present"})
    steps = [
        step("in_scope()", "T", "SC", {}, [None]),
        step("advise(go,do)", "T", "S", {}, [None]),
        step("advise(go,hold)", "F", fails=[["H2", {}, 1], ["H1", {}, 1]]),
    ]
    certificate = answers("go", "recommended", None, kept=[steps])
    book = read_rules(files, {})
    assert check(document(patient, certificate, files=files), book, patient) == [certificate["claim"]]
    certificate["proofs"] *= 2
    with pytest.raises(Rejected, match="two proofs"):
        check(document(patient, certificate, files=files), book, patient)
