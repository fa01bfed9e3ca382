"""The changes that could be made to a record: what each is, who could make it, and how a patient file says it.

A finding can be the other way; a measure can lie on another side of the thresholds that matter; a screen can be
completed with nothing found. Which changes are worth making is searched elsewhere (`ways`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guidelog import wording
from guidelog.language.names import Names
from guidelog.language.vocabulary import Measure
from guidelog.patients import Facts, Interval

from ..answers import Answers

MOST_SCREENS = 6
_WORDS = {True: "present", False: "absent"}


@dataclass(frozen=True, slots=True)
class Change:
    """One input to change.

    `kind`: `ask` (nobody has said), `do` (can be brought about), `cannot` (a fact that nobody changes). `value` as in a
    patient file; `says` in words.
    """

    input: str
    value: Any
    kind: str
    says: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"input": self.input, "value": self.value, "kind": self.kind, "says": self.says}


def changed(content: Mapping[str, Any], way: Iterable[Change], names: Names) -> dict[str, Any]:
    """The record with changes made."""
    parts: dict[str, dict[str, Any]] = {key: dict(content.get(key, {})) for key in ("findings", "measures", "screens")}
    for change in way:
        if change.input.startswith("screen:"):
            parts["screens"][change.input.removeprefix("screen:")] = change.value
        else:
            parts["findings" if change.input in names.vocabulary.findings else "measures"][change.input] = change.value
    return {**content, **{key: part for key, part in parts.items() if part}}


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that an input could have instead, as ticks or a truth value, and the change that gives it."""

    change: Change
    value: bool | Interval


@dataclass(frozen=True, slots=True)
class Choices:
    """All changes of one patient's record.

    `facts` are its own, with screens closed and nothing concluded from the background: what follows from an input must
    not outlive it.
    """

    answers: Answers
    facts: Facts

    @property
    def names(self) -> Names:
        """The guideline's names."""
        return self.answers.names

    def of_input(self, name: str, cuts: Sequence[int]) -> list[Choice]:
        """The values that an input could have instead; of a measure the ranges between cut points, widest first."""
        facts = self.facts
        if name in facts.findings:
            return [
                Choice(self.finding(name, value), value) for value in (True, False) if facts.findings[name] is not value
            ]
        measure = self.names.vocabulary.measures[name]
        interval = facts.measures[name]
        bottom, top = measure.low * measure.ticks, measure.high * measure.ticks
        edges = [bottom, *(cut for cut in cuts if bottom < cut <= top), top + 1]
        last = len(edges) - 1
        # From a cut point up, below a cut point, then between two of them.
        ranges = [(i, last) for i in range(1, last)] + [(0, i) for i in range(last - 1, 0, -1)]
        ranges += [(i, i + 1) for i in range(1, last - 1)]
        found = []
        for first, end in ranges:
            low, high = edges[first], edges[end] - 1
            if not (low <= interval.low and interval.high <= high):
                found.append(Choice(self.measure(name, measure, interval, low, high), Interval(low, high)))
        return found

    def finding(self, name: str, value: bool) -> Change:
        """A finding that is otherwise: asked when unknown, done where the guideline says how, else not to be had."""
        declared = self.names.vocabulary.findings[name]
        now = self.facts.findings[name]
        kind = "ask" if now is None else "do" if value and declared.doable else "cannot"
        says = declared.doable if kind == "do" and declared.doable else wording.finding(name, value, self.names)
        return Change(name, _WORDS[value], kind, wording.sentence(says))

    def measure(self, name: str, measure: Measure, now: Interval, low: int, high: int) -> Change:
        """A measure that lies elsewhere; one that grows can be waited for."""
        unknown = not self.facts.known(name) and now.low <= low and high <= now.high
        kind = "ask" if unknown else "do" if low > now.low and (measure.doable or measure.clock) else "cannot"
        top = measure.high * measure.ticks
        value: Any = (
            {"at_least": _units(low, measure)}
            if high >= top
            else {"between": [_units(low, measure), _units(high, measure)]}
        )
        if high < top and low <= measure.low * measure.ticks:
            value = {"at_most": _units(high, measure)}
        words = wording.amount(Interval(low, high), measure)
        says = wording.measured(name, Interval(low, high), self.names)
        if kind == "do" and measure.doable:
            says = wording.until(measure.doable, words)
        return Change(name, value, kind, says)

    def screens(self, inputs: Iterable[str]) -> list[str]:
        """Screens of which several unknown members matter: completing one is a single change."""
        wanted, patient = set(inputs), self.answers.patient
        found = []
        for name, screen in self.names.vocabulary.screens.items():
            open_ = [m for m in screen.members if m in wanted and self.is_unlisted(m)]
            if len(open_) > 1 and name not in patient.screens:
                found.append(name)
        return found[:MOST_SCREENS]

    def screen(self, name: str) -> Change:
        """A screen completed with nothing found."""
        return Change(f"screen:{name}", "complete", "ask", wording.sentence(wording.nothing_found(name, self.names)))

    def with_screens(self, chosen: Iterable[str]) -> Facts:
        """The facts with these screens complete and nothing found in them."""
        facts = self.facts
        for screen in chosen:
            members = [m for m in self.names.vocabulary.screens[screen].members if self.is_unlisted(m)]
            facts = _completed(facts, members, self.names)
        return facts

    def is_unlisted(self, name: str) -> bool:
        """Whether a completed screen would close an input."""
        patient = self.answers.patient
        listed = name in patient.findings or name in patient.measures
        return not listed and not self.facts.known(name)


def _completed(facts: Facts, members: Sequence[str], names: Names) -> Facts:
    findings, measures = dict(facts.findings), dict(facts.measures)
    for name in members:
        if name in findings:
            findings[name] = False
        elif (unlisted := names.vocabulary.measures[name].unlisted) is not None:
            ticks = unlisted * names.vocabulary.measures[name].ticks
            measures[name] = Interval(ticks, ticks)
    return replace(facts, findings=findings, measures=measures)


def _units(ticks: int, measure: Measure) -> int | float:
    """Ticks as a number that a patient file takes: whole units, else three decimals."""
    whole, rest = divmod(ticks, measure.ticks)
    return whole if not rest else round(ticks // (measure.ticks // 1000) / 1000, 3)
