"""A record of which a part cannot be used: what can be used is, and the rest is unknown and said.

One value that nobody can read, or two findings that exclude each other, must not take every answer away, least of all
an urgent one that has nothing to do with them. So such an entry counts as unknown and is named in the record's part
`not_read`, which no completed screen closes over and which every surface shows. Only answers that depend on it stay
open. Where the record as a whole cannot be trusted (it is not a record, a name is not the guideline's) it is refused as
ever. Vignettes and tables are read strictly: there a fault is the author's, and is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from guidelog.diagnostics import Diagnostic, InputError, Severity
from guidelog.language.vocabulary import Vocabulary
from guidelog.source import Source, Span

from .content import content_of
from .document import compose
from .node import MapNode, Problems, visible
from .not_read import NotRead
from .record import Patient, patient_from_content, read_patient

_OF_ONE_VALUE = frozenset({"GL414", "GL415", "GL416", "GL417", "GL418", "GL419"})
"""Codes of problems that are about the value of one entry, and about nothing else in the record."""

_INSTEAD: Mapping[str, str] = {"findings": "unknown", "measures": "unknown", "screens": "incomplete"}
"""What stands for a value that cannot be read, by the part of the record."""


def read_as_far_as_possible(source: Source, vocabulary: Vocabulary) -> tuple[Patient, tuple[Diagnostic, ...]]:
    """The record in a text, and warnings about the values in it that could not be read and count as unknown.

    Raises InputError where something is wrong that does not concern the value of one entry.
    """
    try:
        return read_patient(source, vocabulary), ()
    except InputError as error:
        problems = error.diagnostics
        if not {d.code for d in problems} <= _OF_ONE_VALUE:
            raise
        record = compose(source, Problems())
        assert isinstance(record, MapNode), "a record with a problem in one value is a record"
        found = [(_entry_at(record, d), d) for d in problems]
        if any(entry is None for entry, _ in found):
            raise
    content = content_of(record)
    unread = []
    for entry, problem in found:
        assert entry is not None
        part, name, text = entry
        content[part] = {**content[part], name: _INSTEAD[part]}
        declared = vocabulary.findings.get(name) or vocabulary.measures.get(name) or vocabulary.screens[name]
        unread.append(NotRead(declared.label, text, (name,), problem.message))
    patient = patient_from_content(with_not_read(content, unread), vocabulary, source.name)
    return patient, tuple(replace(d, severity=Severity.WARNING) for d in problems)


def set_aside(
    patient: Patient,
    names: Iterable[str],
    reason: str,
    vocabulary: Vocabulary,
    source: str = "the record contradicts itself",
) -> Patient:
    """The record with these findings and measures unknown, because they cannot all be true; they are named in it."""
    listed = tuple(names)
    content = _unknown(patient.content, listed, vocabulary)
    labels = [(vocabulary.findings.get(n) or vocabulary.measures[n]).label for n in listed]
    entry = NotRead(source, ", ".join(labels), listed, reason)
    later = patient_from_content(with_not_read(content, [entry]), vocabulary)
    return replace(later, spans=patient.spans, dated=patient.dated)


def remarked(patient: Patient, names: Iterable[str], reason: str, vocabulary: Vocabulary) -> Patient:
    """The record with these findings and measures unknown, because the guideline remarks that they cannot be so."""
    return set_aside(patient, names, reason, vocabulary, source="cannot be so")


def opened(patient: Patient, names: Iterable[str], vocabulary: Vocabulary) -> Patient:
    """The record with these inputs listed as unknown, so that no completed screen closes over them."""
    later = patient_from_content(_unknown(patient.content, names, vocabulary), vocabulary)
    return replace(later, spans=patient.spans, dated=patient.dated)


def _unknown(content: Mapping[str, Any], names: Iterable[str], vocabulary: Vocabulary) -> dict[str, Any]:
    changed = dict(content)
    for name in names:
        part = "findings" if name in vocabulary.findings else "measures"
        changed[part] = {**changed.get(part, {}), name: _INSTEAD[part]}
    return changed


def with_not_read(content: Mapping[str, Any], entries: Iterable[NotRead]) -> dict[str, Any]:
    """The content of a record with more entries that were not read."""
    return {**content, "not_read": [*content.get("not_read", ()), *(entry.to_json() for entry in entries)]}


def _entry_at(record: MapNode, problem: Diagnostic) -> tuple[str, str, str] | None:
    """Part, name and text of the entry that a problem points at."""
    places = [label.span for label in problem.labels]
    for part in _INSTEAD:
        here = record.get(part)
        for entry in here.value.entries if here is not None and isinstance(here.value, MapNode) else ():
            if any(_inside(place, entry.span) for place in places):
                text = visible(" ".join(_text(entry.value.span).split()))
                return part, entry.key.text, text[:60]
    return None


def _inside(place: Span, whole: Span) -> bool:
    return whole.start <= place.start <= place.end <= whole.end


def _text(span: Span) -> str:
    return span.source.text[span.start : span.end]
