"""When answers change if nothing else does: the guideline asked again on later days.

Only days on which a dated or growing measure reaches a threshold can change an answer, so only those are evaluated,
each through a full certified `ask`. What is assumed (that care goes on, that symptoms persist) comes from the measures'
own `clock` annotations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from guidelog import wording
from guidelog.diagnostics import InputError
from guidelog.ground.program import GroundAtLeast, GroundComparison, GroundProgram
from guidelog.language.names import Names
from guidelog.language.vocabulary import Measure
from guidelog.patients import Interval, Patient, patient_from_content
from guidelog.semantics.status import Status

from ..answers import Answers

MOST_DAYS = 60
HORIZON = timedelta(days=3653)
_DAY = 1000
UNDETERMINED = Status.UNDETERMINED.value
_DAYS_PER_UNIT = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Event:
    """An answer that changes on a day; `because` are the measures that reach a threshold then, in words."""

    day: date
    intervention: str
    before: str
    after: str
    says: str
    because: tuple[str, ...]
    earliest: date | None = None
    """The first day on which it could have changed.

    Where the answer was left open by a start that is known only to lie between two days.
    """

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "date": self.day.isoformat(),
            "earliest": (self.earliest or self.day).isoformat(),
            "intervention": self.intervention,
            "from": self.before,
            "to": self.after,
            "says": self.says,
            "because": list(self.because),
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """All changes up to the horizon, what is assumed for them, and whether days were left out."""

    start: date
    events: tuple[Event, ...]
    assumptions: tuple[str, ...]
    complete: bool
    not_looked_at: tuple[str, ...] = ()
    """Measures that grow too, but in a unit that has no fixed length in days (months, years)."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "as_of": self.start.isoformat(),
            "events": [e.to_json() for e in self.events],
            "assumptions": list(self.assumptions),
            "complete": self.complete,
            "not_looked_at": list(self.not_looked_at),
        }


def when(answers: Answers, ask: Callable[[Patient], Answers]) -> Forecast:
    """The days on which the answers change, in order.

    `ask` answers for a later record. Raises InputError (GL431) without `as_of`.
    """
    patient, names = answers.patient, answers.names
    if patient.as_of is None:
        raise InputError.of("GL431", "the record has no `as_of`: without a date nothing can be said about later ones")
    growing = _growing(answers)
    crossings = _crossings(answers.world.program, growing, answers.facts.measures, names, patient.as_of)
    days = sorted(crossings)
    events: list[Event] = []
    previous = answers
    opened: dict[str, date] = {}
    for day in days[:MOST_DAYS]:
        later = ask(patient_from_content(_on(patient, growing, day, names), names.vocabulary))
        for event in _changes(previous, later, day, crossings[day], names):
            first = opened.pop(event.intervention, None)
            # Open only since an uncertain start might have reached this, and settled now that it surely has: one
            # change, some day in between.
            between = first is not None and any(growing[n].low < growing[n].high for n in crossings[day])
            events.append(replace(event, earliest=first) if between else event)
            if event.before != UNDETERMINED and event.after == UNDETERMINED:
                opened[event.intervention] = day
        previous = later
    # What never reaches a threshold may stop growing as well.
    crossing = {n for day in days for n in crossings[day]}
    clocks = dict.fromkeys(c for n in growing if n in crossing and (c := names.vocabulary.measures[n].clock))
    unseen = _not_looked_at(answers, growing)
    return Forecast(patient.as_of, tuple(events), tuple(clocks), len(days) <= MOST_DAYS, unseen)


def _growing(answers: Answers) -> dict[str, Interval]:
    """The measures that grow with the calendar and of which something is known, in ticks on the day of the record."""
    found = {}
    for name, measure in answers.names.vocabulary.measures.items():
        interval = answers.facts.measures[name]
        whole = Interval(measure.low * measure.ticks, measure.high * measure.ticks)
        if measure.clock and measure.unit in _DAYS_PER_UNIT and interval != whole and name in answers.patient.measures:
            found[name] = interval
    return found


def _crossings(
    program: GroundProgram, growing: Mapping[str, Interval], measures: Mapping[str, Interval], names: Names, start: date
) -> dict[date, dict[str, None]]:
    """The days on which an end of what a comparison looks at reaches, or just passes, one of its thresholds.

    Of any sum of measures, with any sign: what grows grows by a day a day until the end of its range, the rest stays.
    So between the days on which something stops growing every sum is a straight line, which crosses a threshold once.
    """
    found: dict[date, dict[str, None]] = {}
    for element in _comparisons(program):
        moving = [name for name, _ in element.terms if name in growing]
        if not moving:
            continue
        for upper in (False, True):
            ends = [
                (c, i.high if upper is (c > 0) else i.low, _top(name, names) if name in growing else None)
                for name, c in element.terms
                for i in (growing.get(name, measures[name]),)
            ]
            stops = sorted({-(-(top - end) // _DAY) for _, end, top in ends if top is not None})
            for cut in {element.low, element.low + 1, element.high, element.high + 1}:
                for day in _crossed(ends, [0, *(s for s in stops if 0 < s < HORIZON.days), HORIZON.days], cut):
                    found.setdefault(start + timedelta(days=day), {}).update(dict.fromkeys(moving))
    return found


def _comparisons(program: GroundProgram) -> dict[GroundComparison, None]:
    """Every comparison of the rules once, those that are counted by `atleast` as well."""
    found: dict[GroundComparison, None] = {}
    todo = [element for rules in program.instances.values() for rule in rules for element in rule.elements]
    for element in todo:
        if isinstance(element, GroundComparison):
            found[element] = None
        elif isinstance(element, GroundAtLeast):
            todo.extend(element.members)
    return found


def _top(name: str, names: Names) -> int:
    measure = names.vocabulary.measures[name]
    return measure.high * measure.ticks


def _crossed(ends: Sequence[tuple[int, int, int | None]], stops: Sequence[int], cut: int) -> Iterator[int]:
    """For each stretch between two stops the first day beyond a cut of a sum of (factor, value, end of its range)."""

    def beyond(day: int) -> bool:
        return sum(c * (v if top is None else min(v + day * _DAY, top)) for c, v, top in ends) >= cut

    for first, last in itertools.pairwise(stops):
        before = beyond(first)
        if beyond(last) is not before:
            low, high = first, last
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if beyond(middle) is before else (low, middle)
            yield high


def _not_looked_at(answers: Answers, growing: Mapping[str, Interval]) -> tuple[str, ...]:
    """Recorded measures with a clock that rules compare, in a unit whose length in days is not fixed."""
    compared = {name for element in _comparisons(answers.world.program) for name, _ in element.terms}
    return tuple(
        measure.label
        for name, measure in answers.names.vocabulary.measures.items()
        if measure.clock and name in compared and name in answers.patient.measures
        if measure.unit not in _DAYS_PER_UNIT and name not in growing
    )


def _on(patient: Patient, growing: Mapping[str, Interval], day: date, names: Names) -> dict[str, Any]:
    """The record as it would read on a later day, if nothing else changes."""
    assert patient.as_of is not None
    passed = (day - patient.as_of).days
    measures = dict(patient.content.get("measures", {}))
    for name, interval in growing.items():
        if "since" in (measures[name] if isinstance(measures.get(name), dict) else {}):
            continue
        measures[name] = _later(names.vocabulary.measures[name], interval, passed)
    return {**patient.content, "as_of": day.isoformat(), "measures": measures}


def _later(measure: Measure, interval: Interval, days: int) -> Any:
    """A growing measure some days on, as a patient file has it; ends are rounded outwards to three decimals."""
    top = measure.high * measure.ticks
    low = _rounded(min(interval.low + days * _DAY, top), measure, up=False)
    if interval.high >= top:
        return {"at_least": low}
    high = _rounded(min(interval.high + days * _DAY, top), measure, up=True)
    return low if low == high else {"between": [low, high]}


def _rounded(ticks: int, measure: Measure, *, up: bool) -> int | float:
    step = measure.ticks // 1000
    thousandths = -(-ticks // step) if up else ticks // step
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def _changes(before: Answers, after: Answers, day: date, because: Mapping[str, None], names: Names) -> list[Event]:
    earlier = {a.intervention: a for a in before.answers}
    found = []
    reached = tuple(wording.measured(n, after.facts.measures[n], names) for n in because)
    for answer in after.answers:
        old = earlier[answer.intervention]
        if (old.status, old.because) != (answer.status, answer.because):
            found.append(Event(day, answer.intervention, old.status.value, answer.status.value, answer.says, reached))
    return found
