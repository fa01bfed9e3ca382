"""Random and mutated records: never anything but a reading or an InputError, never a fact that no resource could give."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_support import FILES, PATIENT, SUBJECT, compiled, mapping
from guidelog.diagnostics import InputError
from guidelog.fhir import FhirReading, read_records
from guidelog.fhir.reading.readers import READERS
from guidelog.patients import Patient, close
from guidelog.semantics.background import Contradiction, propagate

CODES = [
    (address, code.code)
    for code in mapping().codes.values()
    for address, short in mapping().systems.items()
    if short == code.system and "http" in address
]
NAMES = [
    *compiled().names.vocabulary.findings,
    *compiled().names.vocabulary.measures,
    *compiled().names.vocabulary.screens,
]
DAYS = [
    "2025",
    "2025-10",
    "2025-11-01",
    "2025-11-10T10:00:00Z",
    "2025-11-10T10:00:00+23:59",
    "1850-01-01",
    "9999-12-31",
    "0001",
    "2025-02-30",
    "",
    "soon",
    7,
    None,
]
WORDS = [
    "active",
    "resolved",
    "completed",
    "final",
    "confirmed",
    "refuted",
    "unconfirmed",
    "entered-in-error",
    "in-progress",
    "not-done",
    "stopped",
    "order",
    "POS",
    "NEG",
    "52101004",
    "2667000",
    "LA33-6",
    "finished",
    "available",
    "amended",
    "26643006",
    "24484000",
]
KEYS = [
    "status",
    "code",
    "subject",
    "patient",
    "clinicalStatus",
    "verificationStatus",
    "onsetDateTime",
    "recordedDate",
    "effectiveDateTime",
    "effectivePeriod",
    "performedDateTime",
    "performedPeriod",
    "authoredOn",
    "authored",
    "period",
    "intent",
    "valueBoolean",
    "valueCodeableConcept",
    "valueQuantity",
    "valueInteger",
    "interpretation",
    "component",
    "conclusionCode",
    "procedureCode",
    "type",
    "medicationCodeableConcept",
    "medicationReference",
    "contained",
    "item",
    "dosageInstruction",
    "severity",
    "bodySite",
    "dataAbsentReason",
    "abatementDateTime",
    "focus",
    "meta",
    "id",
    "dispenseRequest",
    "ingredient",
]

codings = st.builds(
    lambda pair, display: {"system": pair[0], "code": pair[1], "display": display},
    st.sampled_from(CODES),
    st.text(max_size=5),
)
words = st.builds(lambda w: {"system": "http://snomed.info/sct", "code": w}, st.sampled_from(WORDS))
concepts = st.builds(lambda found: {"coding": found}, st.lists(codings | words, max_size=2))
days = st.sampled_from(DAYS)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-10, 110)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | days
    | st.text(max_size=5)
)
anything = st.recursive(
    scalars
    | concepts
    | st.just(SUBJECT)
    | st.builds(lambda a, b: {"start": a, "end": b}, days, days)
    | st.builds(lambda v, u: {"value": v, "code": u}, scalars, st.sampled_from(["wk", "d", "", "mm", "{score}"]))
    | st.builds(
        lambda n, v: {"linkId": n, "answer": [{"valueBoolean": v, "valueDecimal": 3}]},
        st.sampled_from(NAMES),
        st.booleans(),
    )
    | st.sampled_from([{"reference": "#a"}, {"reference": "Medication/a"}, {"reference": "Patient/p2"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
resources = st.builds(
    lambda kind, id_, code, status, fields: {
        "resourceType": kind,
        "id": id_,
        "subject": SUBJECT,
        "patient": SUBJECT,
        "status": status,
        "code": code,
        "medicationCodeableConcept": code,
        "intent": "order",
        "type": [code],
        "procedureCode": [code],
        **fields,
    },
    st.sampled_from([*READERS, "Medication", "ServiceRequest", "Basic"]),
    st.sampled_from("abcde"),
    concepts,
    st.sampled_from(WORDS),
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=5),
)


def attempt(data: Any) -> FhirReading | None:
    """A reading, or None where the record was refused in the way that it should be."""
    try:
        return read_records(data, mapping(), compiled().names.vocabulary)
    except InputError as error:
        found = error
    assert all(d.code.startswith("GL45") for d in found.diagnostics), found
    return None


def check(reading: FhirReading) -> None:
    """What has to hold of every reading."""
    record = reading.patient
    for name in (*record.findings, *record.measures, *record.screens):
        assert record.sources[name], name
    given_names = {n for u in reading.used for n in u.names}
    assert given_names == {n for n, v in record.findings.items() if v is not None} | {
        n for n, v in record.measures.items() if v is not None
    } | set(record.screens)
    assert {o.name for o in reading.open} == {n for n, v in record.findings.items() if v is None} | {
        n for n, v in record.measures.items() if v is None
    }
    json.dumps(reading.to_json())
    assert isinstance(propagate(compiled().ground, close(record, compiled().names.vocabulary)), tuple | Contradiction)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(st.lists(resources, max_size=5))
def test_random_resources(found: list[dict[str, Any]]) -> None:
    reading = attempt([PATIENT, *found])
    if reading is not None:
        check(reading)
        again = attempt([*reversed(found), PATIENT])
        assert again is not None
        assert known(again.patient) == known(reading.patient)


def known(patient: Patient) -> tuple[object, ...]:
    """What a record is taken to say; a resource without an id is called by its place, which the order changes."""
    speaks_of = {entry.speaks_of for entry in patient.not_read}
    return dict(patient.findings), dict(patient.measures), patient.screens, speaks_of


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["resourceType", "entry", "resource", "link", *KEYS]), inner)
        ),
        max_leaves=12,
    )
)
def test_random_json(value: Any) -> None:
    attempt(json.dumps(value, allow_nan=False))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes(data: bytes) -> None:
    attempt(data)


JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**18,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"coding": 3},
    {"coding": [3]},
    {"reference": 3},
    {"reference": "#x"},
    {"start": 3},
    "2025-13-99",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(p for key, item in inside for p in places(item, (*path, key)))]


def mutated(content: Any, chance: random.Random) -> Any:
    changed = copy.deepcopy(content)
    for _ in range(chance.randint(1, 4)):
        path = chance.choice(places(changed)[1:])
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        match chance.randrange(4):
            case 0:
                del holder[path[-1]]
            case 1:
                holder[path[-1]] = copy.deepcopy(chance.choice(JUNK))
            case 2 if isinstance(holder, list):
                holder.append(copy.deepcopy(chance.choice(holder)))
            case _:
                holder[path[-1]] = chance.choice(WORDS) if isinstance(holder[path[-1]], str) else [holder[path[-1]]]
        if not isinstance(changed, dict) or len(places(changed)) < 2:
            return changed
    return changed


@pytest.mark.parametrize("name", ["seed", "refuted-cauda-equina", "messy"])
def test_mutated_bundles(name: str) -> None:
    content = json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))
    chance = random.Random(name)
    refused = 0
    for _ in range(100):
        reading = attempt(json.dumps(mutated(content, chance)))
        refused += reading is None
        if reading is not None:
            check(reading)
    assert 0 < refused < 100


@pytest.mark.parametrize("name", ["seed", "messy"])
def test_texts_with_bytes_changed(name: str) -> None:
    data = (FILES / f"{name}.json").read_bytes()
    chance = random.Random(name)
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        attempt(bytes(broken))


@pytest.mark.slow
@settings(max_examples=5_000, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(resources, max_size=8))
def test_random_resources_for_long(found: list[dict[str, Any]]) -> None:
    reading = attempt([PATIENT, *found])
    if reading is not None:
        check(reading)
