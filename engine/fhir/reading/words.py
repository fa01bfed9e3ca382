"""What answers mean in any guideline: yes, no, present, absent, positive, negative, severe; and units of time.

Codes of FHIR itself and the usual answer codes of SNOMED CT, LOINC and HL7. Whatever is not listed means nothing here
and is left to the reader to report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    (SNOMED, "261665006"): None,  # Unknown
    (LOINC, "LA33-6"): True,  # Yes
    (LOINC, "LA32-8"): False,  # No
    (LOINC, "LA9633-4"): True,  # Present
    (LOINC, "LA9634-2"): False,  # Absent
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
INTERPRETATIONS: Mapping[str, bool | None] = {"POS": True, "DET": True, "NEG": False, "ND": False, "IND": None}
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


def answer(concept: Any) -> bool | str | None:
    """True, False or None (unknown) for an answer code, and `other` for what is none."""
    for system, code, _ in codings(concept):
        if (system, code) in ANSWERS:
            return ANSWERS[system, code]
        if not system and code.casefold() in WORDS:
            return WORDS[code.casefold()]
    return "other"


def status_code(concept: Any) -> str:
    """The code of a status given as a CodeableConcept; empty where there is none."""
    return next((code for _, code, _ in codings(concept)), "")
