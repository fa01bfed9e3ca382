"""What the guideline wants to know and a record does not say, by its names, and whether codes could say it.

Every declared finding and measure is asked for, in order of declaration. Nothing is answered here.
"""

from __future__ import annotations

from dataclasses import dataclass

from guidelog.compiled import Compiled
from guidelog.patients import Patient, close
from guidelog.wording import label_of, question

from ..terminology.code_file import read_mapping
from ..terminology.mapping import CodeMapping
from .assemble import FhirReading


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name that is not known; `has_codes` says whether the mapping has codes for it."""

    name: str
    label: str
    has_codes: bool
    ask: str


def wanted(compiled: Compiled, patient: Patient, reading: FhirReading | None) -> tuple[Wanted, ...]:
    """The findings and measures of the guideline that a record leaves unknown and does not list as left open."""
    names = compiled.names
    facts = close(patient, names.vocabulary)
    mapping, _ = read_mapping(compiled.guideline, names.vocabulary)
    coded = names_with_codes(mapping)
    left_open = {o.name for o in reading.open} if reading else set()
    declared = (*names.vocabulary.findings, *names.vocabulary.measures)
    asked = [n for n in declared if not facts.known(n) and n not in left_open]
    partly = {n for n in patient.measures if patient.measures[n] is not None}
    return tuple(Wanted(n, label_of(n, names), n in coded, question(n, names)) for n in asked if n not in partly)


def names_with_codes(mapping: CodeMapping) -> frozenset[str]:
    """The names that a record can give by codes alone."""
    found = {name for concept in mapping.concepts.values() for fact in concept.facts for name in fact.names}
    found |= {a.finding for a in mapping.all_of} | {w.finding for w in mapping.worsening}
    return frozenset(found | {o.measure for o in mapping.overlaps})
