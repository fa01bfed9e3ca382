"""A patient record as the fields of a web form, both ways.

`read_form` takes what a browser posted, bounded and only for names of the guideline; `content` makes the record of it
or says field by field what is wrong; `entry_of` fills a form from a record that was read from a file. What nobody said
stays unsaid: an empty field is left out of the record, and nothing is guessed. Nothing is evaluated here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from guidelog.diagnostics import InputError
from guidelog.language.vocabulary import TICKS_PER_UNIT, Measure, Vocabulary
from guidelog.patients import Patient, patient_from_content
from guidelog.patients.values import ISO_DAY, number_from_text

FINDING_VALUES = ("present", "absent", "unknown")
MODES = ("exact", "at_least", "at_most", "between", "since", "since_between", "unknown")
_PARTS = ("low", "high", "first", "last")
_KINDS = ("patient", "as_of", "f", "s", "m", "source", "not_read")
_LONGEST, _LONGEST_SOURCE = 400, 4000
_NUMBER_FORMS = {"exact": ("low",), "at_least": ("low",), "at_most": ("low",), "between": ("low", "high")}
_DATE_FORMS = {"since": ("first",), "since_between": ("first", "last")}


class BadForm(Exception):
    """What was posted is not what the form sends; the message is shown (status 400)."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What was typed for a measure: how it is meant, up to two numbers, up to two dates."""

    mode: str = "exact"
    low: str = ""
    high: str = ""
    first: str = ""
    last: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return self.mode != "unknown" and not any(getattr(self, part) for part in _used(self.mode))


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the form."""

    patient: str = ""
    as_of: str = ""
    findings: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, Amount] = field(default_factory=dict)
    screens: frozenset[str] = frozenset()
    sources: Mapping[str, str] = field(default_factory=dict)
    not_read: tuple[str, ...] = ()
    """What the file behind the form says and nobody understood, each a JSON object as in a record."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a field; `name` is a finding, measure, `patient` or `as_of`, or empty."""

    name: str
    says: str


def modes_of(measure: Measure) -> tuple[str, ...]:
    """How a measure can be said; only what is counted in days or weeks has a start date."""
    dated = measure.unit in TICKS_PER_UNIT
    return tuple(m for m in MODES if dated or m not in _DATE_FORMS)


def read_form(fields: Iterable[tuple[str, str]], vocabulary: Vocabulary) -> Entry:
    """What was posted. Raises BadForm for fields that the form does not have."""
    single: dict[str, str] = {}
    findings: dict[str, str] = {}
    screens: set[str] = set()
    measures: dict[str, dict[str, str]] = {}
    sources: dict[str, str] = {}
    not_read: list[str] = []
    for key, text in fields:
        kind, _, name = key.partition(":")
        if kind not in _KINDS:
            continue  # buttons, tokens and view settings are somebody else's
        value = text.strip()
        longest = _LONGEST_SOURCE if kind in ("source", "not_read") else _LONGEST
        if len(value) > longest:
            raise BadForm(f"a field has more than {longest} characters")
        match kind:
            case "patient" | "as_of" if not name:
                single[kind] = value
            case "not_read" if not name:
                not_read.append(_an_object(value))
            case "f" if name in vocabulary.findings and value in ("", *FINDING_VALUES):
                findings[name] = value
            case "s" if name in vocabulary.screens and value in ("", "complete"):
                screens |= {name} if value else set()
            case "m":
                name, _, part = name.partition(":")
                if name not in vocabulary.measures or part not in ("mode", *_PARTS):
                    raise BadForm("the form has a field that this guideline does not have")
                if part == "mode" and value not in modes_of(vocabulary.measures[name]):
                    raise BadForm("the form has a value that this guideline does not have")
                measures.setdefault(name, {})[part] = value
            case "source" if name in vocabulary.findings or name in vocabulary.measures or name in vocabulary.screens:
                sources[name] = value
            case _:
                raise BadForm("the form has a field or value that this guideline does not have")
    amounts = {name: Amount(**parts) for name, parts in measures.items()}
    return Entry(
        single.get("patient", ""),
        single.get("as_of", ""),
        {n: findings[n] for n in vocabulary.findings if findings.get(n)},
        {n: amounts[n] for n in vocabulary.measures if n in amounts and not amounts[n].empty},
        frozenset(screens),
        {n: s for n, s in sources.items() if s},
        tuple(not_read),
    )


def said(entry: Entry, name: str, value: str) -> Entry:
    """The form with one question answered: a finding's value, or a screen that is complete."""
    if name.startswith("screen:"):
        return replace(entry, screens=entry.screens | {name.removeprefix("screen:")})
    return replace(entry, findings={**entry.findings, name: value})


def reopened(entry: Entry, screen: str) -> Entry:
    """The form with a screen that is not complete after all."""
    return replace(entry, screens=entry.screens - {screen})


def cleared(entry: Entry, names: Iterable[str]) -> Entry:
    """The form without what was said about some findings, measures and screens."""
    gone = set(names)
    return replace(
        entry,
        findings={n: v for n, v in entry.findings.items() if n not in gone},
        measures={n: v for n, v in entry.measures.items() if n not in gone},
        screens=entry.screens - gone,
        sources={n: v for n, v in entry.sources.items() if n not in gone},
    )


def read_record(entry: Entry, vocabulary: Vocabulary) -> tuple[Patient | None, tuple[Problem, ...]]:
    """The record that the form says, and all that is wrong with its fields.

    A field that cannot be read is not guessed and not dropped: it counts as not known, so that no screen closes over
    it, and the other fields stay. The record is None only where a problem belongs to no field.
    """
    problems: list[Problem] = []
    base: dict[str, Any] = {"patient": entry.patient}
    if not entry.patient:
        problems.append(Problem("patient", "the record needs a name or number"))
        base["patient"] = "unnamed"
    elif wrong := _tried(base, "patient", vocabulary):
        problems += wrong
        base["patient"] = "unnamed"
    if entry.as_of:
        wrong = _tried({"patient": "unnamed", "as_of": entry.as_of}, "as_of", vocabulary)
        problems += wrong
        base |= {} if wrong else {"as_of": entry.as_of}
    measures: dict[str, Any] = {}
    for name, amount in entry.measures.items():
        value, wrong_number = _value(amount)
        content = {"patient": "unnamed", "measures": {name: value}} | {k: v for k, v in base.items() if k == "as_of"}
        wrong = [Problem(name, wrong_number)] if wrong_number else _tried(content, name, vocabulary)
        problems += wrong
        measures[name] = "unknown" if wrong else value
    content = base | {
        "findings": dict(entry.findings),
        "measures": measures,
        "screens": {n: "complete" for n in vocabulary.screens if n in entry.screens},
        "sources": dict(entry.sources),
        "not_read": [json.loads(text) for text in entry.not_read],
    }
    try:
        return patient_from_content({k: v for k, v in content.items() if v}, vocabulary), tuple(problems)
    except InputError as error:  # a source with characters that no record may hold
        return None, (*problems, *(Problem("", d.message) for d in error.diagnostics))


def entry_of(patient: Patient) -> Entry:
    """A form filled from a record."""
    content = patient.content
    screens = content.get("screens", {})
    return Entry(
        patient.id,
        patient.as_of.isoformat() if patient.as_of else "",
        dict(content.get("findings", {})),
        {name: _amount(value) for name, value in content.get("measures", {}).items()},
        frozenset(n for n, value in screens.items() if value == "complete"),
        dict(content.get("sources", {})),
        tuple(json.dumps(unread.to_json(), ensure_ascii=False) for unread in patient.not_read),
    )


def _an_object(text: str) -> str:
    """A JSON object as it was sent; what stands in it is the reader of records' to judge. Raises BadForm."""
    try:
        if isinstance(json.loads(text), dict):
            return text
    except (ValueError, RecursionError):
        pass
    raise BadForm("the form has a field or value that this guideline does not have")


def _used(mode: str) -> tuple[str, ...]:
    return _NUMBER_FORMS.get(mode) or _DATE_FORMS.get(mode) or ()


def _value(amount: Amount) -> tuple[Any, str]:
    """The value as a record has it, or what is wrong with what was typed."""
    if amount.mode == "unknown":
        return "unknown", ""
    typed = [getattr(amount, part) for part in _used(amount.mode)]
    if not all(typed):
        return None, "both ends are needed"
    if amount.mode in _DATE_FORMS:
        wrong = next((t for t in typed if not ISO_DAY.fullmatch(t)), None)
        if wrong is not None:
            return None, f"`{wrong}` is not a date such as 2025-11-13"
        return {"since": typed[0] if len(typed) == 1 else {"between": typed}}, ""
    numbers = []
    for text in typed:
        number = number_from_text(text) if len(text) <= 18 else None
        if number is None:
            hint = f": write {text.replace(',', '.')} with a point" if re.fullmatch(r"[0-9]+,[0-9]+", text) else ""
            return None, f"`{text}` is not a number such as 8 or 8.5{hint}"
        numbers.append(number)
    match amount.mode:
        case "exact":
            return numbers[0], ""
        case "between":
            return {"between": numbers}, ""
        case _:
            return {amount.mode: numbers[0]}, ""


def _tried(content: Mapping[str, Any], name: str, vocabulary: Vocabulary) -> list[Problem]:
    """What the reader of records says about one part."""
    try:
        patient_from_content(content, vocabulary)
    except InputError as error:
        return [Problem(name, d.message + (f" ({d.hint})" if d.hint else "")) for d in error.diagnostics[:1]]
    return []


def _amount(value: Any) -> Amount:
    match value:
        case "unknown":
            return Amount("unknown")
        case {"since": {"between": [first, last]}}:
            return Amount("since_between", first=str(first), last=str(last))
        case {"since": first}:
            return Amount("since", first=str(first))
        case {"between": [low, high]} | {"at_least": low, "at_most": high}:
            return Amount("between", str(low), str(high))
        case {"at_least": low}:
            return Amount("at_least", str(low))
        case {"at_most": low}:
            return Amount("at_most", str(low))
        case _:
            return Amount("exact", str(value))
