"""Appropriateness ratings of draft orders (Argonaut CDS Hooks for PAMA), as system actions.

A rating is given only where the guideline decides: `appropriate`, `not-appropriate`, or `no-criteria-apply` outside the
guideline. Undetermined, conflicting or emergency answers get none. The order is returned whole, and nothing in it is
changed but its extensions. guidelog is no qualified mechanism of CMS, so no G-code is claimed.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from guidelog.explain.answers import Answer
from guidelog.semantics.status import Status

from .request import DraftOrder

EXTENSION = "http://fhir.org/argonaut/Extension/"
SYSTEM = "http://fhir.org/argonaut/CodeSystem/pama-rating"
RATING: Mapping[Status, str] = {
    Status.URGENT: "appropriate",
    Status.RECOMMENDED: "appropriate",
    Status.CONSIDER: "appropriate",
    Status.NOT_NOW: "not-appropriate",
    Status.AVOID: "not-appropriate",
    Status.OUTSIDE_GUIDELINE: "no-criteria-apply",
}


def rated(order: DraftOrder, answer: Answer, criteria: str) -> dict[str, Any] | None:
    """The action that attaches the rating; `criteria` is the address of what was applied."""
    rating = RATING.get(answer.status)
    if rating is None or not order.reference:
        return None
    given = order.resource.get("extension")
    before = [e for e in given if not _is_rating(e)] if isinstance(given, list) else []
    coding = {"system": SYSTEM, "code": rating}
    extensions = [
        {"url": f"{EXTENSION}pama-rating", "valueCodeableConcept": {"coding": [coding]}},
        {"url": f"{EXTENSION}pama-rating-consult-id", "valueUri": f"urn:uuid:{uuid.uuid4()}"},
        {"url": f"{EXTENSION}pama-rating-auc-applied", "valueUri": criteria},
    ]
    return {
        "type": "update",
        "description": f"Record the rating {rating}",
        "resource": {**order.resource, "extension": [*before, *extensions]},
    }


def _is_rating(extension: Any) -> bool:
    """A rating that an earlier answer attached."""
    url = extension.get("url") if isinstance(extension, dict) else None
    return isinstance(url, str) and url.startswith(f"{EXTENSION}pama-rating")
