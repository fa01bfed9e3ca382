"""How each type of resource is read: by which reader, or why it says nothing by design.

A resource that is none of both and has a code of the guideline's list speaks of something and is not understood. So is
one that is marked by an extension which may turn its meaning around.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..terminology.mapping import CodeMapping
from .bundle import Entry
from .conditions import read_condition
from .drugs import read_drug
from .evidence import Evidence
from .observations import MODIFIED, read_observation
from .procedures import read_procedure
from .questionnaires import read_questionnaire

READERS: Mapping[str, Callable[[Entry, Evidence], None]] = {
    "Condition": read_condition,
    "AllergyIntolerance": read_condition,
    "Observation": read_observation,
    "QuestionnaireResponse": read_questionnaire,
    "Procedure": read_procedure,
    "DiagnosticReport": read_procedure,
    "ImagingStudy": read_procedure,
    "Encounter": read_procedure,
    "EpisodeOfCare": read_procedure,
    "MedicationStatement": read_drug,
    "MedicationRequest": read_drug,
    "MedicationDispense": read_drug,
    "MedicationAdministration": read_drug,
}
_ORDER, _BILL, _PROGRAM = (
    "an order, and nothing that was done",
    "a bill, and no finding",
    "an answer of a program, not a fact",
)
_WHO = "it says who, where or with what, and nothing of its own"
_RECORD = "it keeps the record in order, and says nothing of the patient"
_REASONS: Mapping[str, str] = {
    **dict.fromkeys(
        ("ServiceRequest", "NutritionOrder", "DeviceRequest", "VisionPrescription", "SupplyRequest"), _ORDER
    ),
    **dict.fromkeys(("CommunicationRequest", "ImmunizationRecommendation"), _ORDER),
    **dict.fromkeys(("CarePlan", "RequestGroup", "Goal"), "a plan, and nothing that was done"),
    **dict.fromkeys(("Appointment", "AppointmentResponse"), "an appointment, and nothing that was done"),
    "Task": "a task, and nothing that was done",
    "FamilyMemberHistory": "about a relative, not the patient",
    "RelatedPerson": "about a relative, not the patient",
    **dict.fromkeys(("DetectedIssue", "GuidanceResponse"), _PROGRAM),
    **dict.fromkeys(("Claim", "ClaimResponse", "ExplanationOfBenefit", "Coverage", "Account", "Invoice"), _BILL),
    **dict.fromkeys(("CoverageEligibilityRequest", "CoverageEligibilityResponse", "ChargeItem", "Contract"), _BILL),
    **dict.fromkeys(("Patient", "Person", "Practitioner", "PractitionerRole", "Organization", "Location"), _WHO),
    **dict.fromkeys(("CareTeam", "HealthcareService", "Endpoint", "Device", "DeviceUseStatement", "Specimen"), _WHO),
    **dict.fromkeys(("Medication", "Substance", "BodyStructure", "Group"), "it counts through what refers to it"),
    **dict.fromkeys(("Provenance", "AuditEvent", "MessageHeader", "List", "Consent", "Basic", "Linkage"), _RECORD),
    **dict.fromkeys(("Questionnaire", "ValueSet", "CodeSystem", "StructureDefinition", "Library"), _RECORD),
    **dict.fromkeys(
        ("DocumentReference", "Composition", "Binary", "Media", "Communication"), "a document in words: not read"
    ),
    **dict.fromkeys(("Immunization", "ImmunizationEvaluation"), "a vaccination, which the guideline does not ask for"),
}
"""Types of resource that say nothing by design, and why."""

_DEEPEST_SEARCH = 12
_MOST_SEARCHED = 2_000

_POSITIVE: Mapping[str, Mapping[str, Any]] = {
    kind: {"verificationStatus": None, "clinicalStatus": None} for kind in ("Condition", "AllergyIntolerance")
}
"""What is changed to see all that a resource may be about that was not understood."""


def read_entry(entry: Entry, unnamed: str, evidence: Evidence) -> None:
    """Read one resource, or say why it says nothing, or leave open what it may be about."""
    content = entry.content
    if entry.type in READERS:
        if content.get("modifierExtension") or content.get("implicitRules"):
            evidence.unread_as(entry, MODIFIED, **_POSITIVE.get(entry.type, {}))
        elif unnamed:
            evidence.unread_as(entry, unnamed)
        else:
            READERS[entry.type](entry, evidence)
    elif entry.type in _REASONS:
        evidence.ignore(entry, _REASONS[entry.type])
    elif names := dict.fromkeys(n for c in _codes_in(content, evidence.mapping) for n in evidence.mapping.names_of(c)):
        reason = f"a {entry.type} has a code of the guideline's list, and resources of this kind are not read"
        evidence.not_understood(entry.reference, evidence.called(entry), names, reason)
    else:
        evidence.ignore(entry, "resources of this kind say nothing here")


def _codes_in(content: Any, mapping: CodeMapping) -> Iterable[str]:
    """The concepts of all codes that stand anywhere in a resource."""
    found: dict[str, None] = {}
    stack: list[tuple[Any, int]] = [(content, 0)]
    looked = 0
    while stack and looked < _MOST_SEARCHED:
        part, depth = stack.pop()
        looked += 1
        if isinstance(part, Mapping):
            system, code = part.get("system"), part.get("code")
            if isinstance(system, str) and isinstance(code, str) and (known := mapping.find(system, code)) is not None:
                found.setdefault(known.concept)
        if depth < _DEEPEST_SEARCH:
            inside = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
            stack += [(item, depth + 1) for item in inside if isinstance(item, dict | list)]
    return found


def open_rivals(versions: Sequence[Entry], evidence: Evidence) -> None:
    """Versions of one resource that disagree, and none is the newer: what any of them says is left open."""
    versions = sorted(
        versions, key=lambda v: (not evidence.called(v), json.dumps(v.content, sort_keys=True, default=str))
    )
    first = versions[0]  # whatever order they were sent in
    reason = "it stands in the record twice with different content"
    trial = evidence.trial()
    for version in versions:
        if version.type in READERS:
            READERS[version.type](version, trial)
    evidence.open_all(trial, first.reference, evidence.called(first), reason)
    if first.reference not in evidence.unread_entries:
        evidence.ignore(first, reason)
