"""Reading a FHIR record of 1 MB: parsing and mapping to facts, beside orjson, json and fhir.resources, in one run.

`python benchmarks/records.py [MEGABYTES]`. (Not called fhir.py, because that would hide the package of that name.)
"""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from typing import Any

import orjson
from measure import side_by_side, table

from guidelog.fhir import load_mapping, read_records
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SUBJECT = {"reference": "Patient/p1"}


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def record(size: int) -> bytes:
    """A Bundle of that many bytes: years of visits and vital signs, and the few resources that matter."""
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1971-01-01"},
        {
            "resourceType": "Condition",
            "id": "c1",
            "subject": SUBJECT,
            "onsetDateTime": "2025-02-03",
            "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "M54.17", "Radiculopathy, lumbosacral region"),
        },
        {
            "resourceType": "Observation",
            "id": "n1",
            "status": "final",
            "subject": SUBJECT,
            "effectiveDateTime": "2025-11-10",
            "code": concept(LOINC, "72514-3", "Pain severity"),
            "valueQuantity": {"value": 7, "code": "{score}"},
        },
        {
            "resourceType": "Procedure",
            "id": "t1",
            "status": "completed",
            "subject": SUBJECT,
            "performedPeriod": {"start": "2025-06-01", "end": "2025-07-20"},
            "code": concept(SNOMED, "91251008", "Physical therapy procedure (regime/therapy)"),
        },
    ]
    bytes_, day, number = 0, date(2010, 1, 1), 0
    while bytes_ < size:
        number, day = number + 1, day + timedelta(days=1)
        pressure = [
            {
                "code": concept(LOINC, code, name),
                "valueQuantity": {
                    "value": 70 + number % 50,
                    "unit": "mmHg",
                    "system": "http://unitsofmeasure.org",
                    "code": "mm[Hg]",
                },
            }
            for code, name in (("8480-6", "Systolic blood pressure"), ("8462-4", "Diastolic blood pressure"))
        ]
        more: list[dict[str, Any]] = [
            {
                "resourceType": "Observation",
                "id": f"o{number}",
                "status": "final",
                "subject": SUBJECT,
                "category": [concept(CATEGORY, "vital-signs", "Vital Signs")],
                "effectiveDateTime": f"{day}T09:00:00+01:00",
                "issued": f"{day}T09:00:00.123+01:00",
                "code": concept(LOINC, "85354-9", "Blood pressure panel"),
                "component": pressure,
            },
            {
                "resourceType": "Encounter",
                "id": f"e{number}",
                "status": "finished",
                "subject": SUBJECT,
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                "type": [concept(SNOMED, "185349003", "Encounter for check up (procedure)")],
                "period": {"start": f"{day}T08:50:00+01:00", "end": f"{day}T09:10:00+01:00"},
            },
        ]
        resources += more
        bytes_ += sum(len(orjson.dumps(r)) + 60 for r in more)
    entries = [{"fullUrl": f"http://example.org/fhir/{r['resourceType']}/{r['id']}", "resource": r} for r in resources]
    made = "2025-11-13T12:00:00Z"
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "timestamp": made, "entry": entries})


def main() -> None:
    size = int(float(sys.argv[1]) * 1_000_000) if len(sys.argv) > 1 else 1_000_000
    data = record(size)
    compiled = compile_guideline(load_guideline("lumbar_radiculopathy"))
    vocabulary = compiled.names.vocabulary
    mapping = load_mapping(compiled.guideline, vocabulary)
    reading = read_records(data, mapping, vocabulary)
    count = len(json.loads(data)["entry"])
    print(f"{len(data):,} bytes, {count:,} resources; facts: {', '.join(reading.patient.findings)}\n")
    contenders: dict[str, Any] = {
        "orjson alone": lambda: orjson.loads(data),
        "json alone": lambda: json.loads(data),
        "guidelog: read, map, record": lambda: read_records(data, mapping, vocabulary),
    }
    try:
        from fhir.resources.R4B.bundle import Bundle
    except ModuleNotFoundError:
        print("fhir.resources is not installed: pip install 'guidelog[fhir]'\n")
    else:
        contenders["fhir.resources: models only"] = lambda: Bundle.model_validate_json(data)
    print(table(side_by_side(contenders, rounds=9, warm=1), base="guidelog: read, map, record"))


if __name__ == "__main__":
    main()
