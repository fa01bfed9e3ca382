"""Building FHIR resources for tests, short: every one is about `Patient/p1` unless it says otherwise."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from guidelog.cli import main
from guidelog.compiled import Compiled
from guidelog.fhir import CodeMapping, FhirReading, load_mapping, read_records
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parents[1] / "fhir"
SYSTEMS = {
    "snomed": "http://snomed.info/sct",
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "loinc": "http://loinc.org",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
SUBJECT = {"reference": "Patient/p1"}
PATIENT = {"resourceType": "Patient", "id": "p1"}
AS_OF = "2025-11-13"


@cache
def compiled() -> Compiled:
    return compile_guideline(load_guideline("lumbar_radiculopathy"))


@cache
def mapping() -> CodeMapping:
    return load_mapping(compiled().guideline, compiled().names.vocabulary)


def concept(code: str, **more: Any) -> dict[str, Any]:
    """`snomed:267064002`."""
    system, _, value = code.partition(":")
    return {"coding": [{"system": SYSTEMS.get(system, system), "code": value}], **more}


def resource(kind: str, id_: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": id_, "subject": SUBJECT, **fields}


def condition(
    id_: str, code: str, verification: str = "confirmed", clinical: str = "active", **fields: Any
) -> dict[str, Any]:
    ver = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    clin = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return resource(
        "Condition",
        id_,
        code=concept(code),
        verificationStatus=concept(f"{ver}:{verification}") | {"coding": [{"system": ver, "code": verification}]},
        clinicalStatus={"coding": [{"system": clin, "code": clinical}]},
        **fields,
    )


def observation(
    id_: str, code: str, on: str | None = "2025-11-10", status: str = "final", **fields: Any
) -> dict[str, Any]:
    dated = {"effectiveDateTime": on} if on else {}
    return resource("Observation", id_, status=status, code=concept(code), **dated, **fields)


def interpretation(code: str) -> list[dict[str, Any]]:
    return [
        concept(f"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation:{code}")
        | {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": code}]}
    ]


def procedure(id_: str, code: str, status: str = "completed", **fields: Any) -> dict[str, Any]:
    return resource("Procedure", id_, status=status, code=concept(code), **fields)


def prescription(
    id_: str, code: str, on: str | None = "2025-09-01", status: str = "active", intent: str = "order", **fields: Any
) -> dict[str, Any]:
    dated = {"authoredOn": on} if on else {}
    return resource(
        "MedicationRequest",
        id_,
        status=status,
        intent=intent,
        medicationCodeableConcept=concept(code),
        **dated,
        **fields,
    )


def questionnaire(id_: str = "q1", on: str | None = AS_OF, status: str = "completed", **answers: Any) -> dict[str, Any]:
    """Answers by linkId: True, a number, or a whole answer object."""

    def given(value: Any) -> dict[str, Any]:
        match value:
            case bool():
                return {"valueBoolean": value}
            case int() | float():
                return {"valueDecimal": value}
            case str():
                return {"valueString": value}
        return value

    items = [{"linkId": name, "answer": [given(value)]} for name, value in answers.items()]
    dated = {"authored": on} if on else {}
    return resource("QuestionnaireResponse", id_, status=status, item=items, **dated)


def bundle(*resources: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found = {"resourceType": "Bundle", "type": "collection", "timestamp": f"{AS_OF}T12:00:00Z", **fields}
    return {
        **found,
        "entry": [
            {"fullUrl": f"http://example.org/fhir/{r['resourceType']}/{r.get('id', 'x')}", "resource": r}
            for r in resources
        ],
    }


def read(*resources: dict[str, Any], **options: Any) -> FhirReading:
    """The reading of a Bundle of these resources with the patient."""
    return read_records(json.dumps(bundle(PATIENT, *resources)), mapping(), compiled().names.vocabulary, **options)


def findings(reading: FhirReading) -> dict[str, bool | None]:
    return dict(reading.patient.findings)


def reasons(reading: FhirReading) -> dict[str, str]:
    return {i.reference: i.reason for i in reading.ignored}


@dataclass
class Done:
    stdout: str
    stderr: str


def guidelog(*words: str, text: str = "", code: int = 0) -> Done:
    """The command as `guidelog` runs it, in this process, because starting one is most of its time."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
        patch.chdir(ROOT)
        with pytest.raises(SystemExit) as ended:
            main(words)
    done = Done(*(stream.buffer.getvalue().decode() for stream in (out, err) if stream.flush() is None))
    assert (ended.value.code or 0) == code, done.stderr[-2000:]
    return done
