"""CDS Hooks requests for tests, put together from FHIR resources."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

DAY = date(2025, 11, 13)
OWN = "urn:guidelog:lumbar-radiculopathy"
SNOMED, LOINC, CPT = "http://snomed.info/sct", "http://loinc.org", "http://www.ama-assn.org/go/cpt"
IDS = {
    hook: f"lumbar-radiculopathy-{end}"
    for hook, end in (("patient-view", "view"), ("order-select", "select"), ("order-sign", "sign"))
}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources]}


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def condition(system: str, code: str, name: str = "c1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": name,
        "subject": {"reference": "Patient/1"},
        "code": coded(system, code),
        "clinicalStatus": {"coding": [{"code": "active"}]},
        **more,
    }


def order(code: str, system: str = LOINC, name: str = "o1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": name,
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "code": coded(system, code),
        **more,
    }


MRI = order("24968-0")
RADICULOPATHY = condition(SNOMED, "2415007", onsetDateTime="2025-03-01")


def answers(**given: bool | int) -> dict[str, Any]:
    """A QuestionnaireResponse in the guideline's own names; `__` stands for the colon of a screen."""
    items = [
        {
            "linkId": name.replace("__", ":"),
            "answer": [{"valueBoolean": value} if isinstance(value, bool) else {"valueInteger": value}],
        }
        for name, value in given.items()
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "q1",
        "status": "completed",
        "authored": "2025-11-10",
        "subject": {"reference": "Patient/1"},
        "item": items,
    }


def request(
    hook: str, *orders: dict[str, Any], prefetch: dict[str, Any] | None = None, **context: Any
) -> dict[str, Any]:
    found = {"userId": "Practitioner/1", "patientId": "1", **context}
    if hook != "patient-view":
        found.setdefault("draftOrders", bundle(*orders))
    if hook == "order-select":
        found.setdefault("selections", [f"{o['resourceType']}/{o['id']}" for o in orders])
    whole = {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": found}
    return whole if prefetch is None else {**whole, "prefetch": prefetch}


def steady(response: Any) -> Any:
    """The response with everything that differs from call to call replaced."""
    text = json.dumps(response)
    text = re.sub(
        r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
        "00000000-0000-4000-8000-000000000000",
        text,
    )
    return json.loads(re.sub(r"/explain/[A-Za-z0-9_-]+", "/explain/TOKEN", text))
