"""What single resources say, before it is put together: statements about findings and measures, courses, series.

Plain data. A `Evidence` is where the readers of the single kinds of resource (`conditions`, `observations`, `drugs`,
`deeds`, `questionnaires`) put what they find; whatever they make nothing of goes to `ignored` with the reason.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from guidelog.language.vocabulary import Vocabulary

from ..terminology.mapping import Code, CodeMapping, Concept, Fact
from .bundle import Entry
from .dates import DAYS_A_WEEK, When
from .subject import tail
from .words import codings, label

_BAD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_LONGEST_LABEL = 100
DOUBT = "is not verified"
"""How an assumption says that a code is used on request only."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The resource (or component, or answer) that something comes from."""

    reference: str
    label: str
    when: When | None = None

    def __str__(self) -> str:
        told = ", ".join(t for t in (self.label, str(self.when) if self.when else "") if t)
        return f"{self.reference} ({told})" if told else self.reference


@dataclass(frozen=True, slots=True)
class Statement:
    """A finding is present, absent, or left open by a resource.

    `standing`: it is said of the present as long as it stands in the record (a condition), and not of a day.
    """

    name: str
    value: bool | None
    origin: Origin
    standing: bool = False
    assumes: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OneOf:
    """At least one of several findings is present."""

    names: tuple[str, ...]
    origin: Origin
    assumes: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A measure in days, or in its own unit for measures that are no time; None is open on that side.

    `since`: counted from a start. `said_on`: the day on which it was so; without it, that of the record.
    """

    name: str
    low: float | None
    high: float | None
    origin: Origin
    since: tuple[date, date] | None = None
    said_on: When | None = None
    assumes: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """Something that went on for a time, or one session of it (`whole` False). `end` is None while it goes on."""

    concept: str
    start: When
    end: When | None
    whole: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class Point:
    """One dated observation of a series."""

    concept: str
    series: tuple[str, ...]
    value: bool | float
    origin: Origin


@dataclass(slots=True)
class Evidence:
    """The mapping, the day, and everything found so far."""

    mapping: CodeMapping
    vocabulary: Vocabulary
    as_of: date | None
    unverified: bool = False
    by_reference: Mapping[str, Entry] = field(default_factory=dict)
    statements: dict[str, list[Statement]] = field(default_factory=lambda: defaultdict(list))
    one_ofs: list[OneOf] = field(default_factory=list)
    amounts: dict[str, list[Amount]] = field(default_factory=lambda: defaultdict(list))
    screens: dict[str, list[Origin]] = field(default_factory=lambda: defaultdict(list))
    courses: list[Course] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    ignored: list[tuple[str, str, str]] = field(default_factory=list)
    entries_ignored: list[tuple[Entry, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ignore(self, entry: Entry, reason: str) -> None:
        """Nothing follows from a resource, and why. Its label is made later: most of a record is ignored."""
        self.entries_ignored.append((entry, reason))

    def say(self, statement: Statement) -> None:
        self.statements[statement.name].append(statement)

    def codes(self, concept: Any) -> tuple[list[Code], list[Code]]:
        """The known codes of a CodeableConcept that may be used, and those that are not verified."""
        found = self.mapping.find_all(concept)
        if not found:
            return [], []
        used = [c for c in found if c.verified or self.unverified]
        return used, [c for c in found if not c.verified and not self.unverified]

    def concepts(self, codes: list[Code]) -> list[tuple[Concept, bool, bool, str]]:
        """Each concept of some codes; whether they can show that it is present, and absent; what that assumes."""
        found = []
        for name in dict.fromkeys(c.concept for c in codes):
            matches = {c.match for c in codes if c.concept == name}
            present = bool(matches & {"exact", "narrower"})
            absent = "narrower" not in matches
            loose = ", ".join(f"{c.system} {c.code}" for c in codes if c.concept == name and not c.verified)
            doubt = f"the code {loose} {DOUBT}" if loose else ""
            found.append((self.mapping.concepts[name], present, absent, doubt))
        return found

    def later(self, when: When | None) -> bool:
        """Whether something is dated after the day of the record."""
        return when is not None and self.as_of is not None and when.first > self.as_of

    def older(self, when: When | None, weeks: int | None) -> bool:
        """Whether something may be older than some weeks on the day of the record."""
        if weeks is None or when is None or self.as_of is None:
            return False
        return when.first < self.as_of - timedelta(days=weeks * DAYS_A_WEEK)

    def resolve(self, reference: Any, holder: Entry) -> Mapping[str, Any] | None:
        """The resource that a Reference names: contained, or in the record."""
        name = reference.get("reference") if isinstance(reference, Mapping) else None
        if not isinstance(name, str):
            return None
        if name.startswith("#"):
            contained = holder.content.get("contained")
            return next(
                (
                    c
                    for c in (contained if isinstance(contained, list) else ())
                    if isinstance(c, Mapping) and c.get("id") == name[1:]
                ),
                None,
            )
        found = self.by_reference.get(name) or self.by_reference.get(tail(name))
        return None if found is None else found.content


def label_of(entry: Entry) -> str:
    """What a resource calls itself, or its first code."""
    content = entry.content
    bare = ""
    for key in ("code", "medicationCodeableConcept", "vaccineCode", "type", "category", "valueCodeableConcept"):
        value = content.get(key)
        for concept in value if isinstance(value, list) else (value,):
            if found := label(concept):
                return found
            bare = bare or next((code for _, code, _ in codings(concept)), "")
    return bare


def origin_of(entry: Entry, when: When | None, codes: Sequence[Code] = (), said: str = "") -> Origin:
    """The origin of what a resource says, under its own words or those of its codes."""
    called = said or next((label(entry.content[k]) for k in ("code", "type") if k in entry.content), "")
    called = called or next((c.display for c in codes if c.display), "") or label_of(entry)
    return Origin(safe(entry.reference), safe(called), when)


def both(*assumptions: str) -> str:
    """Assumptions together."""
    return "; ".join(dict.fromkeys(a for a in assumptions if a))


def safe(text: str) -> str:
    """Text of a record that may be shown: one line, nothing that a terminal would act on, not long."""
    clean = " ".join(_BAD.sub(" ", text).split())
    return clean if len(clean) <= _LONGEST_LABEL else clean[: _LONGEST_LABEL - 1] + "…"


def facts_of(concept: Concept, *whens: str) -> list[Fact]:
    """The facts of a concept of some kinds."""
    return [fact for fact in concept.facts if fact.when in whens]
