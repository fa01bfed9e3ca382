"""What single resources say, before it is put together: statements about findings and measures, courses, series.

Plain data. An `Evidence` is where the readers of the single kinds of resource (`conditions`, `observations`, `drugs`,
`procedures`, `questionnaires`) note what they find. What a reader makes nothing of is one of two things: it says
nothing by design (`ignore`), or it may speak of something and was not understood (`not_understood`, `unread_as`), and
then that is left open.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, tzinfo
from typing import Any

from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import NotRead

from ..terminology.mapping import Code, CodeMapping, Concept, Fact
from .bundle import Entry
from .dates import DAYS_A_WEEK, When, first_day_anywhere, last_day_anywhere, period, when
from .words import codings, label

_BAD = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_LONGEST_LABEL = 100
_LONGEST_REASON = 200
CONCEPT = "concept:"
"""Marks statements about concepts of the mapping, which are no names of the guideline."""

DOUBT = "is not verified"
"""How an assumption says that a code is used on request only."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The resource (or component, or answer) that something comes from."""

    reference: str
    label: str
    when: When | None = None
    of: tuple[str, ...] = field(default=(), compare=False)
    """The references of the whole resources it comes from."""

    def __str__(self) -> str:
        told = ", ".join(t for t in (self.label, str(self.when) if self.when else "") if t)
        return f"{self.reference} ({told})" if told else self.reference


@dataclass(frozen=True, slots=True)
class Statement:
    """A finding is present, absent, or left open by a resource.

    `standing`: it is said of the present as long as it stands in the record (a condition), and not of a day.
    `unread`: something that was not understood may say that it is present. `weak`: so may something that is too broad
    to tell; any answer to the question itself settles that.
    """

    name: str
    value: bool | None
    origin: Origin
    standing: bool = False
    assumes: str = ""
    reason: str = ""
    unread: bool = False
    weak: bool = False


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
    """The mapping, the day, and everything found so far.

    `made`: the instant at which the record was put together, where it says so. `zone`: the clinic's time zone, where it
    is given. `asked_for`: the day was given by the caller, and is not that of the record itself. `readers`: how each
    type of resource is read. `trying`: it is only tried out what something would say, if its status were understood.
    """

    mapping: CodeMapping
    vocabulary: Vocabulary
    as_of: date | None
    unverified: bool = False
    find: Callable[[str, Entry], Entry | None] = field(default=lambda *_: None)
    made: float | None = None
    zone: tzinfo | None = None
    asked_for: bool = False
    readers: Mapping[str, Callable[[Entry, Evidence], None]] = field(default_factory=dict)
    trying: bool = False
    statements: dict[str, list[Statement]] = field(default_factory=lambda: defaultdict(list))
    one_ofs: list[OneOf] = field(default_factory=list)
    amounts: dict[str, list[Amount]] = field(default_factory=lambda: defaultdict(list))
    screens: dict[str, list[Origin]] = field(default_factory=lambda: defaultdict(list))
    courses: list[Course] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    ignored: list[tuple[str, str, str]] = field(default_factory=list)
    entries_ignored: list[tuple[Entry, str]] = field(default_factory=list)
    unread: list[NotRead] = field(default_factory=list)
    unread_measures: dict[str, list[tuple[Origin, str]]] = field(default_factory=lambda: defaultdict(list))
    unread_entries: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def ignore(self, entry: Entry, reason: str) -> None:
        """Nothing follows from a resource, and why. Its label is made later: most of a record is ignored."""
        self.entries_ignored.append((entry, reason))

    def say(self, statement: Statement) -> None:
        self.statements[statement.name].append(statement)

    def not_understood(
        self,
        source: str,
        display: str,
        names: Iterable[str],
        reason: str,
        *,
        of: str = "",
        when: When | None = None,
        standing: bool = False,
        weak: bool = False,
    ) -> None:
        """Something may speak of some names (of anything, when there are none) and was not understood: they stay open.

        `of` is the whole resource where the source is a part of one. `weak`: whatever else speaks of a name settles it.
        """
        vocabulary = self.vocabulary
        listed = tuple(dict.fromkeys(names))
        shown = NotRead(safe(source), safe(display), listed, safe(reason, _LONGEST_REASON))
        self.unread.append(shown)
        self.unread_entries.add(of or source)
        origin = Origin(shown.source, shown.display, when, (of or source,))
        for name in listed or (*vocabulary.findings, *vocabulary.measures):
            self._open(name, origin, shown.reason, standing=standing, weak=weak)

    def _open(self, name: str, origin: Origin, reason: str, *, standing: bool, weak: bool = False) -> None:
        if name in self.vocabulary.findings:
            self.say(Statement(name, None, origin, standing=standing, reason=reason, unread=not weak, weak=weak))
        elif name in self.vocabulary.measures and not weak:
            self.unread_measures[name].append((origin, reason))

    def unread_as(self, entry: Entry, reason: str, *, denials: bool = True, **changes: Any) -> None:
        """A resource was not understood: what it would say, read with some of its parts changed, is left open.

        A part that is changed to None is left out. Where nothing would follow in any case, nothing is open. Without
        `denials` only what it says to be present counts.
        """
        content = {k: v for k, v in {**entry.content, **changes}.items() if v is not None}
        for key in ("modifierExtension", "implicitRules"):
            content.pop(key, None)
        trial = self.trial()
        self.readers[entry.type](replace(entry, content=content), trial)
        if not denials:
            for name, said in trial.statements.items():
                trial.statements[name] = [s for s in said if s.value is not False]
        self.open_all(trial, entry.reference, self.called(entry), reason)
        if entry.reference not in self.unread_entries:
            why = next((why for _, why in trial.entries_ignored), "nothing follows from it in any case")
            self.ignore(entry, f"{reason}; {why}")

    def trial(self) -> Evidence:
        """Evidence with nothing in it yet, to see what something would say."""
        given = (self.mapping, self.vocabulary, self.as_of, self.unverified, self.find, self.made, self.zone)
        return Evidence(*given, self.asked_for, self.readers, trying=True)

    @property
    def anything(self) -> bool:
        """Whether anything was said or left open."""
        return any((self.statements, self.one_ofs, self.amounts, self.courses, self.points, self.unread))

    def open_all(self, trial: Evidence, source: str, display: str, reason: str, of: str = "") -> None:
        """Leave open whatever another reading says, as not understood; `of` is the whole resource of a part."""
        names: dict[str, None] = {}
        found: list[tuple[str, Origin, bool]] = []
        for name, said in trial.statements.items():
            if not name.startswith(CONCEPT):
                found += [(name, s.origin, s.standing) for s in said]
            else:
                concept = name.removeprefix(CONCEPT)
                found += [(n, s.origin, s.standing) for s in said for n in self.mapping.names_of(concept)]
        found += [(name, o.origin, True) for o in trial.one_ofs for name in o.names]
        found += [(name, a.origin, False) for name, amounts in trial.amounts.items() for a in amounts]
        found += [(n, c.origin, False) for c in trial.courses for n in self.mapping.names_of(c.concept)]
        found += [(n, p.origin, False) for p in trial.points for n in self.mapping.names_of(p.concept)]
        found += [(name, origin, False) for name, given in trial.unread_measures.items() for origin, _ in given]
        for name, origin, standing in dict.fromkeys(found):
            names.setdefault(name)
            self._open(name, replace(origin, of=(of or source,)), reason, standing=standing)
        if names:
            self.unread.append(
                NotRead(safe(source), safe(display), tuple(sorted(names)), safe(reason, _LONGEST_REASON))
            )
            self.unread_entries.add(of or source)

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

    def when(self, value: Any) -> When | None:
        """The days of a date or instant, in the clinic's time zone where that is given."""
        return when(value, self.zone)

    def period(self, value: Any) -> tuple[When | None, When | None]:
        """The start and the end of a Period."""
        return period(value, self.zone)

    def later(self, when: When | None) -> bool:
        """Whether something is dated after the day of the record, beyond doubt.

        Instants are compared as instants. Without a time zone a day may have begun already farther east than where the
        record was made: in doubt a finding is kept.
        """
        if when is None or self.as_of is None or when.first <= self.as_of:
            return False
        if when.instant is not None:
            if self.made is not None and when.instant <= self.made:
                return False
            return self.zone is not None or first_day_anywhere(when.instant) > self.as_of
        return self.zone is not None or self.made is None or when.first > last_day_anywhere(self.made)

    def older(self, when: When | None, weeks: int | None) -> bool:
        """Whether something may be older than some weeks on the day of the record."""
        if weeks is None or when is None or self.as_of is None:
            return False
        return when.first < self.as_of - timedelta(days=weeks * DAYS_A_WEEK)

    def called(self, entry: Entry) -> str:
        """What a resource calls itself; where it has no words, what the code list calls its code."""
        told = label_of(entry)
        if any(c.isalpha() for c in told) and " " in told:
            return told
        known = (
            c for key in ("code", "medicationCodeableConcept") for c in self.mapping.find_all(entry.content.get(key))
        )
        return next((c.display for c in known if c.display), told)

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
        found = self.find(name, holder)
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
    return Origin(safe(entry.reference), safe(called), when, (entry.reference,))


def both(*assumptions: str) -> str:
    """Assumptions together."""
    return "; ".join(dict.fromkeys(a for a in assumptions if a))


def safe(text: str, most: int = _LONGEST_LABEL) -> str:
    """Text of a record that may be shown: one line, nothing that a terminal would act on, not long."""
    clean = " ".join(_BAD.sub(" ", text).split())
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def facts_of(concept: Concept, *whens: str) -> list[Fact]:
    """The facts of a concept of some kinds."""
    return [fact for fact in concept.facts if fact.when in whens]
