"""Every element that FHIR R4 marks as a modifier and that lies on a path which is read: what it marks is never used as if it were not there."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_support import concept, condition, findings, observation, prescription, procedure, questionnaire, read

EXTENSION = {"modifierExtension": [{"url": "http://example.org/not", "valueBoolean": True}]}
RULES = {"implicitRules": "http://example.org/rules"}
VER = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
SADDLE = "snomed:449813001"
PART = {"code": concept("snomed:267064002"), "valueBoolean": True}
MEDICATION = {"resourceType": "Medication", "id": "med", "code": concept("rxnorm:310431")}


def by_reference(**more: Any) -> dict[str, Any]:
    made = prescription("m", "rxnorm:1", medicationReference={"reference": "#med"}, contained=[MEDICATION | more])
    del made["medicationCodeableConcept"]
    return made


def report(**more: Any) -> dict[str, Any]:
    made = observation("r", "loinc:24968-0", **{"conclusionCode": [concept("snomed:274152003")], **more})
    return made | {"resourceType": "DiagnosticReport"}


# element, the finding it marks, the resource without it and with it
MODIFIERS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    *(
        (f"{base['resourceType']}.{next(iter(mark))}", name, base, base | mark)
        for mark in (EXTENSION, RULES)
        for name, base in (
            ("saddle_anesthesia", condition("c", SADDLE)),
            ("saddle_anesthesia", observation("o", SADDLE, valueBoolean=True)),
            ("mri_done", procedure("p", "loinc:24968-0", performedDateTime="2025-10-01")),
            ("gabapentinoid_tried", prescription("m", "rxnorm:310431")),
            ("mri_correlates", questionnaire(mri_correlates=True)),
            ("spondylolisthesis_documented", report()),
        )
    ),
    ("Condition.verificationStatus", "saddle_anesthesia", condition("c", SADDLE), condition("c", SADDLE, "refuted")),
    (
        "Condition.clinicalStatus",
        "saddle_anesthesia",
        condition("c", SADDLE),
        condition("c", SADDLE, clinical="resolved"),
    ),
    (
        "Observation.status",
        "saddle_anesthesia",
        observation("o", SADDLE, valueBoolean=True),
        observation("o", SADDLE, valueBoolean=True, status="entered-in-error"),
    ),
    (
        "Observation.component.modifierExtension",
        "urinary_retention",
        observation("o", "loinc:99999-9", component=[PART]),
        observation("o", "loinc:99999-9", component=[PART | EXTENSION]),
    ),
    (
        "Quantity.comparator",
        "symptoms_persist",
        observation("o", "loinc:72514-3", valueQuantity={"value": 5, "code": "{score}"}),
        observation("o", "loinc:72514-3", valueQuantity={"value": 5, "code": "{score}", "comparator": "<"}),
    ),
    (
        "Procedure.status",
        "mri_done",
        procedure("p", "loinc:24968-0", performedDateTime="2025-10-01"),
        procedure("p", "loinc:24968-0", status="not-done", performedDateTime="2025-10-01"),
    ),
    ("DiagnosticReport.status", "spondylolisthesis_documented", report(), report(status="entered-in-error")),
    (
        "MedicationRequest.status",
        "gabapentinoid_tried",
        prescription("m", "rxnorm:310431"),
        prescription("m", "rxnorm:310431", status="entered-in-error"),
    ),
    (
        "MedicationRequest.intent",
        "gabapentinoid_tried",
        prescription("m", "rxnorm:310431"),
        prescription("m", "rxnorm:310431", intent="proposal"),
    ),
    (
        "MedicationRequest.doNotPerform",
        "gabapentinoid_tried",
        prescription("m", "rxnorm:310431"),
        prescription("m", "rxnorm:310431", doNotPerform=True),
    ),
    ("Medication.status", "gabapentinoid_tried", by_reference(), by_reference(status="entered-in-error")),
    ("Medication.modifierExtension", "gabapentinoid_tried", by_reference(), by_reference(**EXTENSION)),
    (
        "QuestionnaireResponse.status",
        "mri_correlates",
        questionnaire(mri_correlates=True),
        questionnaire(status="entered-in-error", mri_correlates=True),
    ),
]


@pytest.mark.parametrize(("element", "name", "plain", "marked"), MODIFIERS, ids=[m[0] for m in MODIFIERS])
def test_a_modifier_is_honoured(element: str, name: str, plain: dict[str, Any], marked: dict[str, Any]) -> None:
    assert findings(read(plain))[name] is True, element
    assert findings(read(marked)).get(name) is not True, element


@pytest.mark.parametrize("part", ["item", "answer"])
def test_modifiers_of_a_form_are_honoured(part: str) -> None:
    made = questionnaire(mri_correlates=True)
    item = made["item"][0]
    (item if part == "item" else item["answer"][0]).update(EXTENSION)
    reading = read(made)
    assert findings(reading) == {"mri_correlates": None}
    assert "changes what it means" in reading.not_read[0].reason
