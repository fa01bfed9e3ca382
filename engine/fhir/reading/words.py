"""What answers mean in any guideline: yes, no, present, absent, positive, negative, severe; and units of time.

Codes of FHIR itself and the usual answer codes of SNOMED CT, LOINC and HL7. Whatever is not listed means nothing here
and is left to the reader to report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
_V2_YES_NO = ("http://terminology.hl7.org/CodeSystem/v2-0136", "http://hl7.org/fhir/v2/0136")

ANSWERS: Mapping[tuple[str, str], bool | None] = {
    (SNOMED, "52101004"): True,  # Present
    (SNOMED, "2667000"): False,  # Absent
    (SNOMED, "10828004"): True,  # Positive
    (SNOMED, "260385009"): False,  # Negative
    (SNOMED, "373066001"): True,  # Yes
    (SNOMED, "373067005"): False,  # No
    (SNOMED, "260373001"): True,  # Detected
    (SNOMED, "260415000"): False,  # Not detected
    (SNOMED, "410515003"): True,  # Known present
    (SNOMED, "410516002"): False,  # Known absent
    (SNOMED, "410605003"): True,  # Confirmed present
    (SNOMED, "410594000"): False,  # Definitely not present
    (SNOMED, "261665006"): None,  # Unknown
    (LOINC, "LA33-6"): True,  # Yes
    (LOINC, "LA32-8"): False,  # No
    (LOINC, "LA9633-4"): True,  # Present
    (LOINC, "LA9634-2"): False,  # Absent
    (LOINC, "LA6576-8"): True,  # Positive
    (LOINC, "LA6577-6"): False,  # Negative
    (LOINC, "LA11882-0"): True,  # Detected
    (LOINC, "LA11883-8"): False,  # Not detected
    (LOINC, "LA4489-6"): None,  # Unknown
    **{(system, code): value for system in _V2_YES_NO for code, value in (("Y", True), ("N", False))},
}
WORDS: Mapping[str, bool | None] = {
    "present": True,
    "absent": False,
    "unknown": None,
    "yes": True,
    "no": False,
    "true": True,
    "false": False,
}
_INTERPRETATION = (
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://hl7.org/fhir/v3/ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v2-0078",
    "http://hl7.org/fhir/v2/0078",
)
INTERPRETATIONS: Mapping[tuple[str, str], bool | None] = {
    (system, code): value
    for system in (*_INTERPRETATION, "")
    for code, value in (("POS", True), ("DET", True), ("NEG", False), ("ND", False), ("IND", None))
}
_HL7 = "http://terminology.hl7.org/CodeSystem/"
CLINICAL: Mapping[tuple[str, str], str] = {
    (system, code): code
    for system in (
        f"{_HL7}condition-clinical",
        f"{_HL7}allergyintolerance-clinical",
        "http://hl7.org/fhir/condition-clinical",
        "",
    )
    for code in ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
}
VERIFICATION: Mapping[tuple[str, str], str] = {
    (system, code): code
    for system in (
        f"{_HL7}condition-ver-status",
        f"{_HL7}allergyintolerance-verification",
        "http://hl7.org/fhir/condition-ver-status",
        "",
    )
    for code in ("unconfirmed", "provisional", "differential", "presumed", "confirmed", "refuted", "entered-in-error")
} | {
    (SNOMED, "410605003"): "confirmed",  # Confirmed present
    (SNOMED, "410516002"): "refuted",  # Known absent
    (SNOMED, "410594000"): "refuted",  # Definitely not present
    (SNOMED, "415684004"): "provisional",  # Suspected
}
SEVERE = frozenset({(SNOMED, "24484000"), (LOINC, "LA6750-9")})

DAYS: Mapping[str, tuple[float, float]] = {
    "d": (1, 1),
    "day": (1, 1),
    "days": (1, 1),
    "wk": (7, 7),
    "week": (7, 7),
    "weeks": (7, 7),
    "mo": (28, 31),
    "month": (28, 31),
    "months": (28, 31),
    "a": (365, 366),
    "year": (365, 366),
    "years": (365, 366),
}
"""Units of time in days, from the shortest to the longest."""


def codings(concept: Any) -> Iterator[tuple[str, str, str]]:
    """System, code and display of each coding of a CodeableConcept; what is not text is left out."""
    if not isinstance(concept, dict):
        return
    found = concept.get("coding")
    for coding in found if isinstance(found, list) else ():
        if isinstance(coding, dict):
            system, code, display = coding.get("system"), coding.get("code"), coding.get("display")
            if isinstance(code, str):
                yield system if isinstance(system, str) else "", code, display if isinstance(display, str) else ""


def label(concept: Any) -> str:
    """What a CodeableConcept calls itself: its text, or a display."""
    if isinstance(concept, dict) and isinstance(concept.get("text"), str) and concept["text"].strip():
        return str(concept["text"])
    return next((display for _, _, display in codings(concept) if display), "")


OTHER = "other"


def answer(concept: Any) -> bool | str | None:
    """What the answer codes of a CodeableConcept say: True, False, None (unknown, or several that contradict).

    `OTHER` where none of them is an answer code.
    """
    said = {
        ANSWERS[key] if key in ANSWERS else WORDS[key[1].casefold()]
        for key in ((system, code) for system, code, _ in codings(concept))
        if key in ANSWERS or (not key[0] and key[1].casefold() in WORDS)
    }
    if not said:
        return OTHER
    return next(iter(said)) if len(said) == 1 else None


def interpretation(content: Mapping[str, Any]) -> bool | str | None:
    """What the interpretation of an observation says, over all its codings; None where they contradict.

    `OTHER` where there is none that says positive or negative: high and low are not about presence.
    """
    found = content.get("interpretation")
    said = {
        INTERPRETATIONS[system, code]
        for concept in (found if isinstance(found, list) else (found,))
        for system, code, _ in codings(concept)
        if (system, code) in INTERPRETATIONS
    }
    if not said:
        return OTHER
    return next(iter(said)) if len(said) == 1 else None


def strange_interpretation(content: Mapping[str, Any]) -> bool:
    """Whether there is an interpretation, and none of its codings is of a system that is known here."""
    found = content.get("interpretation")
    listed = [c for concept in (found if isinstance(found, list) else (found,)) for c in codings(concept)]
    return bool(found) and not any(system in _INTERPRETATION for system, _, _ in listed)


@dataclass(frozen=True, slots=True)
class Status:
    """A status as it was found: its code, empty where there is none; `strange` says why it was not understood."""

    code: str = ""
    strange: str = ""


def status_of(concept: Any, known: Mapping[tuple[str, str], str], what: str) -> Status:
    """The status that a CodeableConcept gives in a system that is known, whichever of its codings that is."""
    if concept is None or concept in ({}, []):
        return Status()
    said = sorted({known[system, code] for system, code, _ in codings(concept) if (system, code) in known})
    if len(said) == 1:
        return Status(said[0])
    if said:
        return Status("", f"its {what} status is both {' and '.join(said)}")
    called = label(concept) or next((code for _, code, _ in codings(concept)), "")
    return Status("", f"its {what} status `{called[:60]}` is not one of FHIR's codes")


def texts_of(concept: Any) -> str:
    """All that a CodeableConcept says in words."""
    if not isinstance(concept, dict):
        return ""
    words = [concept["text"]] if isinstance(concept.get("text"), str) else []
    return " ; ".join((*words, *(display for _, _, display in codings(concept) if display)))
