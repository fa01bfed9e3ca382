"""What is not understood is never "no": from any record that is understood, make any positive unreadable in any way."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_support import (
    PATIENT,
    compiled,
    concept,
    condition,
    findings,
    interpretation,
    mapping,
    observation,
    prescription,
    procedure,
    questionnaire,
)
from guidelog.diagnostics import InputError
from guidelog.fhir import FhirReading, read_records
from guidelog.pipeline import ask, settle
from guidelog.semantics.one_patient import circuits_of
from guidelog.semantics.status import Status

Resource = dict[str, Any]
AS_OF = "2025-11-13"

POSITIVES: list[Callable[[str], Resource]] = [
    lambda i: condition(i, "snomed:267064002", recordedDate="2025-11-10"),
    lambda i: condition(i, "icd:M46.47", recordedDate="2025-11-01"),
    lambda i: condition(i, "icd:C79.51", "provisional"),
    lambda i: condition(i, "snomed:192970008", recordedDate="2025-11-12"),
    lambda i: condition(i, "icd:S32.010A", recordedDate="2025-11-02"),
    lambda i: observation(i, "snomed:449813001", valueBoolean=True),
    lambda i: observation(i, "snomed:165232002", valueCodeableConcept=concept("snomed:410515003")),
    lambda i: observation(i, "snomed:267064002", interpretation=interpretation("POS")),
    lambda i: observation(i, "loinc:72514-3", valueQuantity={"value": 7, "code": "{score}"}),
    lambda i: observation(i, "loinc:97909-6", valueQuantity={"value": 48, "code": "%"}),
    lambda i: procedure(i, "snomed:91251008", performedPeriod={"start": "2025-06-01", "end": "2025-09-01"}),
    lambda i: procedure(i, "loinc:24968-0", performedDateTime="2025-10-01"),
    lambda i: prescription(i, "rxnorm:310431", "2025-07-01"),
    lambda i: prescription(i, "rxnorm:5640", "2025-08-01", status="completed"),
    lambda i: questionnaire(i, urinary_incontinence=True),
    lambda i: questionnaire(i, symptoms_persist=True, conservative_care_weeks=9),
    lambda i: questionnaire(i, suspected_fracture=True),
]
DENIALS: list[Callable[[str], Resource]] = [
    lambda i: observation(i, "snomed:267064002", "2025-11-11", valueBoolean=False),
    lambda i: questionnaire(i, saddle_anesthesia=False, suspected_infection=False, urinary_retention=False),
    lambda i: questionnaire(i, "2025-11-01", suspected_cancer=False, suspected_fracture=False, symptoms_persist=False),
    lambda i: condition(i, "snomed:165232002", "refuted", recordedDate="2025-11-05"),
]
ALWAYS: list[Resource] = [
    condition("chronic", "icd:M51.17", onsetDateTime="2025-01-10"),
    questionnaire("screens", "2025-11-12", red_flags=True, treatment_history=True, imaging=True),
    questionnaire("rest", "2025-11-12", low_back_pain=True, intervention_candidate=True),
]


def _codes(part: Any, change: Callable[[dict[str, Any]], None]) -> None:
    """Change each coding of a code of what a resource is about."""
    for key in ("code", "medicationCodeableConcept"):
        for coding in part.get(key, {}).get("coding", ()):
            change(coding)


def _no_code(r: Resource) -> None:
    if "valueQuantity" in r:  # a number under a code that is not listed says nothing, as most of a record does
        _value(r)
        return
    _codes(r, lambda c: c.update(code="unheard-of"))


def _another_system(r: Resource) -> None:
    if "valueQuantity" in r:
        _value(r)
        return
    _codes(r, lambda c: c.update(system="http://example.org/local", code="17"))


def _words(r: Resource) -> None:
    """The code gone, its words left."""
    if "valueQuantity" in r:
        _value(r)
        return
    for key in ("code", "medicationCodeableConcept"):
        for coding in r.get(key, {}).get("coding", ()):
            known = mapping().find(coding["system"], coding["code"])
            assert known is not None
            r[key] = {"text": known.display}


def _modified(r: Resource) -> None:
    r["modifierExtension"] = [{"url": "http://example.org/not", "valueBoolean": True}]


def _rules(r: Resource) -> None:
    r["implicitRules"] = "http://example.org/rules"


def _status(r: Resource) -> None:
    if "status" in r:
        r["status"] = "whatever"
    else:
        r["verificationStatus"] = {"text": "likely"}


def _clinical(r: Resource) -> None:
    if r["resourceType"] == "Condition":
        r["clinicalStatus"] = {"coding": [{"system": "http://example.org", "code": "A"}], "text": "ongoing"}
    else:
        _status(r)


def _nobody(r: Resource) -> None:
    r["subject"] = {"display": "the patient"}


def _value(r: Resource) -> None:
    """The value in words, in another unit, or of another code system."""
    for key in [k for k in r if k.startswith("value")] + ["interpretation"]:
        given_ = r.pop(key, None)
        if key == "valueQuantity" and given_ is not None:
            r[key] = given_ | {"code": "furlong"}
    if r["resourceType"] == "Observation" and "valueQuantity" not in r:
        r["valueString"] = "clearly so"
    for item in r.get("item", ()):
        item["answer"] = [{"valueString": "since Tuesday"}]
    if r["resourceType"] not in ("Observation", "QuestionnaireResponse"):
        _no_code(r)


def _several(r: Resource) -> None:
    for item in r.get("item", ()):
        item["answer"] = [*item["answer"], {"valueString": "and more"}]
    if "item" not in r:
        _modified(r)


def _misspelt(r: Resource) -> None:
    for item in r.get("item", ()):
        item["linkId"] = item["linkId"][:-1]
    if "item" not in r:
        _another_system(r)


def _elsewhere(r: Resource) -> None:
    """A drug by a reference to what was not sent."""
    if r.pop("medicationCodeableConcept", None) is None:
        _rules(r)
    else:
        r["medicationReference"] = {"reference": "Medication/elsewhere"}


WAYS = [
    _no_code,
    _another_system,
    _words,
    _modified,
    _rules,
    _status,
    _clinical,
    _nobody,
    _value,
    _several,
    _misspelt,
    _elsewhere,
]


def _read(resources: list[Any]) -> FhirReading:
    from datetime import date

    return read_records([PATIENT, *resources], mapping(), compiled().names.vocabulary, as_of=date.fromisoformat(AS_OF))


def _statuses(resources: list[Any]) -> dict[str, Status] | None:
    """The status of each intervention; None for a record that contradicts itself."""
    try:
        facts, _ = settle(compiled(), _read(resources).patient)
    except InputError:
        return None
    return dict(circuits_of(compiled().ground).statuses(facts))


def _open(status: Status) -> bool:
    return status is Status.UNDETERMINED


def _cautioned(resources: list[Any], intervention: str) -> bool:
    """Whether an answer is given with a caution: what is not known yet is part of it."""
    [answer] = ask(compiled(), _read(resources).patient, [intervention]).answers
    return bool(answer.cautions)


records = st.tuples(
    st.lists(st.integers(0, len(POSITIVES) - 1), min_size=1, max_size=5, unique=True),
    st.lists(st.integers(0, len(DENIALS) - 1), max_size=3, unique=True),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records, st.sampled_from(WAYS), st.randoms(use_true_random=False))
def test_no_answer_comes_out_that_what_was_not_read_would_have_changed(
    record: tuple[list[int], list[int]], way: Callable[[Resource], None], chance: random.Random
) -> None:
    chosen, denied = record
    positives = [POSITIVES[n](f"p{n}") for n in chosen]
    others = [*ALWAYS, *(DENIALS[n](f"d{n}") for n in denied)]
    understood = _statuses([*others, *positives])
    victim = chance.randrange(len(positives))
    broken = copy.deepcopy(positives)
    way(broken[victim])
    unread = _statuses([*others, *broken])
    if understood is None or unread is None:
        return
    for name, status in unread.items():
        if not _open(status) and status is not understood[name]:
            assert _cautioned([*others, *broken], name), (
                name,
                json.dumps(broken[victim]),
                findings(_read([*others, *broken])),
            )


@pytest.mark.parametrize("positive", range(len(POSITIVES)))
@pytest.mark.parametrize("how", ["next page", "outcome", "two versions"])
def test_what_was_not_sent_changes_no_answer_either(positive: int, how: str) -> None:
    made = POSITIVES[positive]("p")
    understood = _statuses([*ALWAYS, made])
    page: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    match how:
        case "next page":
            other = copy.deepcopy(made) | {"id": "other", "status": "entered-in-error"}
            if made["resourceType"] == "Condition":
                other = made | {
                    "id": "other",
                    "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status:x"),
                }
                other["verificationStatus"]["coding"] = [
                    {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "entered-in-error"}
                ]
            page |= {"link": [{"relation": "next", "url": "http://example.org/2"}], "entry": [{"resource": other}]}
            sent: list[Any] = [*ALWAYS, page]
        case "outcome":
            issue = [{"severity": "error", "code": "timeout"}]
            sent = [*ALWAYS, page | {"entry": [{"resource": {"resourceType": "OperationOutcome", "issue": issue}}]}]
        case _:
            sent = [*ALWAYS, made, made | {"language": "en"}]
    unread = _statuses(sent)
    assert understood is not None
    assert unread is not None
    assert _read(sent).not_read
    for name, status in unread.items():
        assert _open(status) or status is understood[name] or _cautioned(sent, name), name
