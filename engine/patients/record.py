"""Node -> Patient: what a record says, checked against the names of a guideline.

Every name, value and date that is not exactly right is reported with its place, all in one reading. Nothing is guessed,
closed or computed (that is `facts`). Contradictions with background rules are not seen here, because nothing here knows
rules; `Patient.spans` lets whoever finds one point at the lines. `remarks` warns of what can be read and is odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from guidelog.diagnostics import Diagnostic, Label, Severity
from guidelog.language.vocabulary import Vocabulary
from guidelog.source import Source, Span

from .content import as_json, content_of, sha256_of
from .document import compose
from .from_yaml import plain_meaning
from .node import Entry, MapNode, Node, Problems, ScalarNode, did_you_mean, quoted, suggestion
from .not_read import NotRead, read_not_read
from .values import ISO_DAY, AsOf, Interval, MeasureValue, Since, read_date, read_measure

__all__ = ["Interval", "MeasureValue", "Patient", "Since", "patient_from_content", "read_patient"]

_PARTS = ("patient", "as_of", "findings", "measures", "screens", "not_read", "origin", "sources", "expect")
_FINDING_VALUES: Mapping[str, bool | None] = {"present": True, "absent": False, "unknown": None}
_SCREEN_VALUES: Mapping[str, bool] = {"complete": True, "incomplete": False}
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
_ANY_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_PLACES_SHOWN = 3

_Value = TypeVar("_Value")

_FARTHEST_EAST = timedelta(hours=14)
"""Where a day begins first, ahead of UTC: a date that has begun somewhere is no mistake."""


@dataclass(frozen=True)
class Patient:
    """One patient's record as written: what is not listed is not here.

    `findings`: present (True), absent (False), listed as unknown (None). `screens`: the complete ones, in order of
    declaration. `content`: the record as plain JSON data without `expect`; dates are ISO strings, the id is text even
    when written as a number, a measure's number is what `json.loads` gives for its text (`8` an integer, `8.0` a
    float). `sha256`: of the content's canonical JSON (docs/certificates.md). `expect`: kept unread for vignettes.
    `not_read`: what a source said and nobody understood, so that no screen closes over it. The part `origin` of the
    content binds what a record was read from (for FHIR a digest of the resources).
    `spans`: the place of each listed finding, measure and screen; `dated`: that of `as_of`. Two records are equal when
    they say the same, wherever it is written.
    """

    id: str
    as_of: date | None
    findings: Mapping[str, bool | None]
    measures: Mapping[str, MeasureValue]
    screens: tuple[str, ...]
    sources: Mapping[str, str]
    content: Mapping[str, Any]
    sha256: str
    not_read: tuple[NotRead, ...] = ()
    expect: Node | None = field(default=None, compare=False, repr=False)
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)
    dated: Span | None = field(default=None, compare=False, repr=False)


def read_patient(source: Source, vocabulary: Vocabulary) -> Patient:
    """The record in a YAML or JSON text. Raises InputError with all problems of the text (at most `MAX_PROBLEMS`)."""
    problems = Problems()
    return _RecordReader(compose(source, problems), vocabulary, problems).patient()


def patient_from_content(content: Mapping[str, Any], vocabulary: Vocabulary, name: str = "<patient>") -> Patient:
    """The record in plain data (as `Patient.content`; `date` objects too). `name` stands for the file in messages.

    Raises InputError as `read_patient` does; the places are those of the data written as JSON.
    """
    return read_patient(Source(name, as_json(content)), vocabulary)


class _Home(NamedTuple):
    """Where the names of one kind belong in a record; interventions belong nowhere."""

    names: Mapping[str, object]
    kind: str
    part: str | None

    @property
    def advice(self) -> str:
        return "a record does not list interventions" if self.part is None else f"put it under `{self.part}`"


class _RecordReader:
    """Reads one record; each part is read even when another one is wrong."""

    def __init__(self, node: Node, vocabulary: Vocabulary, problems: Problems) -> None:
        self.node = node
        self.vocabulary = vocabulary
        self.problems = problems
        self.as_of = AsOf()
        self.spans: dict[str, Span] = {}
        self.homes = (
            _Home(vocabulary.findings, "finding", "findings"),
            _Home(vocabulary.measures, "measure", "measures"),
            _Home(vocabulary.screens, "screen", "screens"),
            _Home(vocabulary.interventions, "intervention", None),
        )

    def patient(self) -> Patient:
        record = self.node
        if not isinstance(record, MapNode):
            hint = "write one `name: value` a line, the first of them `patient:`"
            self.problems.fatal("GL410", "a patient file holds names with values", record.span, hint=hint)
        self.check_parts(record)
        identity = self.read_id(record)
        self.read_as_of(record)
        findings = dict(self.read_words(record, self.homes[0], _FINDING_VALUES, "GL414"))
        measures = dict(self.read_measures(record))
        screens = dict(self.read_words(record, self.homes[2], _SCREEN_VALUES, "GL419"))
        sources = dict(self.read_sources(record))
        for entry in self.entries(record, "origin"):
            self.read_text(entry.value, f"{quoted(entry.key.text)} of the origin")
        known = {home.kind: tuple(home.names) for home in self.homes[:3]}
        not_read = read_not_read(_part(record, "not_read"), known, self.problems)
        if self.as_of.wanted:
            message = "a start date needs `as_of`, the day that the record describes"
            places = self.as_of.wanted[:_PLACES_SHOWN]
            self.problems.add("GL418", message, *places, hint="add a line such as `as_of: 2025-11-13`")
        self.problems.check()
        content = content_of(record)
        complete = tuple(screen for screen in self.vocabulary.screens if screens.get(screen))
        return Patient(
            identity,
            self.as_of.day,
            findings,
            measures,
            complete,
            sources,
            content,
            sha256_of(content),
            not_read,
            _part(record, "expect"),
            self.spans,
            self.as_of.span,
        )

    def check_parts(self, record: MapNode) -> None:
        for key in (entry.key for entry in record.entries if entry.key.text not in _PARTS):
            home = self.home(key.text)
            if home is not None:
                message = f"{quoted(key.text)} is {_article(home.kind)}, not a part of a patient file"
                self.problems.add("GL413", message, key.span, hint=home.advice)
            else:
                hint = did_you_mean(suggestion(key.text, _PARTS)) or f"the parts are {', '.join(_PARTS)}"
                self.problems.add("GL411", f"a patient file has no part {quoted(key.text)}", key.span, hint=hint)

    def read_id(self, record: MapNode) -> str:
        value = _part(record, "patient")
        if value is None:
            begin = record.entries[0].key.span if record.entries else record.span
            self.problems.add("GL410", "`patient` is missing", begin, hint="add a line such as `patient: case-1`")
            return ""
        text = self.read_text(value, "the patient's id", whole_numbers=True) or ""
        if "\n" in text:
            self.problems.add("GL410", "the patient's id has more than one line", value.span)
        return text

    def read_as_of(self, record: MapNode) -> None:
        value = _part(record, "as_of")
        if value is not None:
            self.as_of = AsOf(read_date(value, self.problems), value.span)

    def read_words(
        self, record: MapNode, home: _Home, words: Mapping[str, _Value], code: str
    ) -> Iterator[tuple[str, _Value]]:
        """The entries of a part whose values are fixed words."""
        allowed = _either(tuple(words))
        for name, node in self.read_part(record, home):
            match node:
                case ScalarNode(text=word) if word in words:
                    yield name, words[word]
                case ScalarNode(text="", span=span):
                    self.problems.add(code, f"{quoted(name)} has no value", span, hint=f"write {allowed}")
                case ScalarNode(text=word, plain=True, span=span) if plain_meaning(word) == "true or false":
                    message = f"{quoted(word)} is not a value of {quoted(name)}"
                    self.problems.add(code, message, span, hint=f"write {_either(tuple(words)[:2])}")
                case ScalarNode(text=word, span=span):
                    hint = did_you_mean(suggestion(word, tuple(words))) or f"write {allowed}"
                    self.problems.add(code, f"{quoted(word)} is not a value of {quoted(name)}", span, hint=hint)
                case wrong:
                    message = f"{quoted(name)} has a list or mapping for a value"
                    self.problems.add(code, message, wrong.span, hint=f"write {allowed}")

    def read_measures(self, record: MapNode) -> Iterator[tuple[str, MeasureValue]]:
        for name, node in self.read_part(record, self.homes[1]):
            yield name, read_measure(node, self.vocabulary.measures[name], self.as_of, self.problems)

    def read_sources(self, record: MapNode) -> Iterator[tuple[str, str]]:
        for entry in self.entries(record, "sources"):
            name = entry.key.text
            home = self.home(name)
            if home is None:
                self.unknown_name(entry.key, "finding, measure or screen", self.homes[:3])
            elif home.part is None:
                message = f"{quoted(name)} is an intervention, which has no source"
                self.problems.add("GL413", message, entry.key.span, hint=home.advice)
            else:
                text = self.read_text(entry.value, f"the source of {quoted(name)}")
                if text is not None:
                    yield name, text

    def read_part(self, record: MapNode, home: _Home) -> Iterator[tuple[str, Node]]:
        """The entries of a part whose names belong there; the others are reported."""
        if home.part is None:
            return
        for entry in self.entries(record, home.part):
            name = entry.key.text
            if name in home.names:
                self.spans[name] = entry.span
                yield name, entry.value
            elif (other := self.home(name)) is not None:
                message = f"{quoted(name)} is {_article(other.kind)}, not {_article(home.kind)}"
                self.problems.add("GL413", message, entry.key.span, hint=other.advice)
            else:
                self.unknown_name(entry.key, home.kind, (home, *self.homes))

    def entries(self, record: MapNode, part: str) -> tuple[Entry, ...]:
        match _part(record, part):
            case None:
                return ()
            case MapNode(entries=entries):
                return entries
            case ScalarNode(text=text, plain=True, span=span) if plain_meaning(text) == "empty":
                here = record.get(part)
                place = here.key.span if here is not None else span
                hint = f"leave it out, or write `{part}: {{}}`"
                self.problems.add("GL410", f"`{part}` has no entries", place, hint=hint)
            case wrong:
                message = f"`{part}` holds names with values"
                self.problems.add("GL410", message, wrong.span, hint="write one `name: value` a line")
        return ()

    def read_text(self, node: Node, what: str, *, whole_numbers: bool = False) -> str | None:
        """A text with something in it. A day without quotes is its text; a whole number only for ids."""
        hint = None
        if not isinstance(node, ScalarNode):
            message = f"{what} is text, and not a list or mapping"
        elif not node.text.strip() or (node.plain and plain_meaning(node.text) == "empty"):
            message = f"{what} is empty"
        elif node.plain and not _is_text(node.text, whole_numbers=whole_numbers):
            message = f"{quoted(node.text)} is not text"
            hint = f'put {what} in quotes: "{node.text[:60]}"'
        else:
            return node.text
        self.problems.add("GL420", message, node.span, hint=hint)
        return None

    def unknown_name(self, key: ScalarNode, kind: str, homes: tuple[_Home, ...]) -> None:
        """Report a name that is not declared, with the nearest one of the first kind that has one near."""
        near = suggestion(key.text, *(tuple(home.names) for home in homes))
        home = None if near is None else self.home(near)
        hint = did_you_mean(near) or "`guidelog names` lists what it has"
        if home is not None and home.kind not in kind:
            hint += f" that is {_article(home.kind)}: {home.advice}"
        self.problems.add("GL412", f"there is no {kind} {quoted(key.text)} in this guideline", key.span, hint=hint)

    def home(self, name: str) -> _Home | None:
        return next((home for home in self.homes if name in home.names), None)


def _part(record: MapNode, name: str) -> Node | None:
    entry = record.get(name)
    return None if entry is None else entry.value


def _is_text(plain: str, *, whole_numbers: bool) -> bool:
    """Whether a word without quotes is text for a reader of any YAML version, or a day, or an allowed whole number."""
    if ISO_DAY.fullmatch(plain) or (whole_numbers and _WHOLE_NUMBER.fullmatch(plain)):
        return True
    return plain_meaning(plain) is None and not _ANY_NUMBER.fullmatch(plain)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _either(words: tuple[str, ...]) -> str:
    *most, last = (f"`{word}`" for word in words)
    return f"{', '.join(most)} or {last}"


def remarks(patient: Patient, now: datetime | None = None) -> tuple[Diagnostic, ...]:
    """Warnings about a record: that it describes a day which is still to come."""
    latest = ((now or datetime.now(UTC)).astimezone(UTC) + _FARTHEST_EAST).date()
    if patient.as_of is None or patient.as_of <= latest:
        return ()
    place = () if patient.dated is None else (Label(patient.dated),)
    message = f"the record describes {patient.as_of}, a day that is still to come"
    hint = "the answers are as of that day; correct the date if it is mistyped"
    return (Diagnostic("GL422", message, place, Severity.WARNING, hint=hint),)
