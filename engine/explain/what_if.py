"""What would change: answers under other facts, and the smallest changes that reach a status.

`apply` gives the record with changes; two runs of `ask` are then compared. `ways_to` searches the smallest sets of changes after which the status is certain while
everything else stays as it is (unknown inputs stay unknown): exact, on boolean functions of the inputs that may change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeAlias

from ..answers import Answers
from ..diagnostics import InputError, nearest
from ..names import Names
from ..patients import Facts, Interval
from ..status import Status
from ..values import Ranges
from ..vocabulary import Measure
from . import wording
from .bdd import FALSE, TRUE, Diagrams, TooLarge
from .unknowns import Unknowns

MOST_WAYS = 12
MOST_CHANGES = 5_000
MOST_SCREENS = 6
MOST_STATES = 50_000
MOST_INPUTS = 300
_NEVER = 1_000_000
_UNWANTED = 100  # a change that nobody can make counts as much as many that somebody can
_WORDS = {True: "present", False: "absent"}


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that changes."""

    intervention: str
    before: str
    after: str
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]
    says_before: str
    says_after: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "from": self.before,
            "to": self.after,
            "rules": {"from": list(self.rules_before), "to": list(self.rules_after)},
            "says": {"from": self.says_before, "to": self.says_after},
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One input to change. `kind`: `ask` (nobody has said), `do` (can be brought about), `cannot` (a fact that nobody changes). `value` as in a patient
    file; `says` in words."""

    input: str
    value: Any
    kind: str
    says: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"input": self.input, "value": self.value, "kind": self.kind, "says": self.says}


@dataclass(frozen=True, slots=True)
class Ways:
    """The smallest sets of changes that make a status certain; `complete` when all of the smallest are listed, `decided` when the search ended."""

    intervention: str
    status: Status
    ways: tuple[tuple[Change, ...], ...]
    complete: bool = True
    decided: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "status": self.status.value,
            "ways": [[c.to_json() for c in way] for way in self.ways],
            "all_listed": self.complete,
            "decided": self.decided,
        }


def apply(content: Mapping[str, Any], settings: Mapping[str, str], names: Names) -> dict[str, Any]:
    """The record with inputs set: `present`, `absent`, `unknown` for a finding, a number, `N+` (at least) or `unknown` for a measure, `complete` or
    `incomplete` for a screen. Raises InputError (GL430) for what cannot be set."""
    changed = {**content, **{key: dict(content.get(key, {})) for key in ("findings", "measures", "screens")}}
    vocabulary = names.vocabulary
    for name, value in settings.items():
        if name in vocabulary.findings:
            if value not in ("present", "absent", "unknown"):
                raise _unusable(name, value, "present, absent or unknown")
            changed["findings"][name] = value
        elif name in vocabulary.measures:
            changed["measures"][name] = measure_value(name, value)
        elif name.removeprefix("screen:") in vocabulary.screens:
            if value not in ("complete", "incomplete"):
                raise _unusable(name, value, "complete or incomplete")
            changed["screens"][name.removeprefix("screen:")] = value
        else:
            near = nearest(name, [*vocabulary.findings, *vocabulary.measures, *vocabulary.screens])
            hint = f"did you mean `{near}`?" if near else None
            raise InputError.of("GL430", f"there is no finding, measure or screen `{name}`", hint=hint)
    return {key: value for key, value in changed.items() if value != {} or key in content}


def measure_value(name: str, text: str) -> Any:
    """A measure as typed: `8`, `6+`, `4-8`, `since 2025-06-01`, `unknown`. Raises InputError (GL430)."""
    expected = "a number, `6+` for at least 6, `4..8`, `since 2025-06-01`, or unknown"
    text = text.strip()
    if text == "unknown":
        return text
    if text.startswith("since "):
        return {"since": text.removeprefix("since ").strip()}
    if ".." in text:
        low, _, high = text.partition("..")
        return {"between": [_number(name, low, expected), _number(name, high, expected)]}
    if text.endswith("+"):
        return {"at_least": _number(name, text[:-1], expected)}
    return _number(name, text, expected)


def differences(before: Answers, after: Answers) -> list[Difference]:
    """The answers whose status or rules are not the same."""
    later = {a.intervention: a for a in after.answers}
    found = []
    for answer in before.answers:
        other = later.get(answer.intervention)
        if other is None:
            continue
        if (answer.status, answer.because) != (other.status, other.because) or answer.rules != other.rules:
            found.append(
                Difference(
                    answer.intervention,
                    answer.status.value,
                    other.status.value,
                    answer.rules,
                    other.rules,
                    answer.says,
                    other.says,
                )
            )
    return found


def ways_to(answers: Answers, intervention: str, status: Status) -> Ways:
    """The smallest changes that make a status certain."""
    try:
        search = _Search(answers, intervention, status)
        return search.run()
    except TooLarge:
        return Ways(intervention, status, (), complete=False, decided=False)


_Key: TypeAlias = tuple[tuple[str, str], ...]


class _Search:
    """Smallest sets of changes, by dynamic programming over the inputs in order of declaration."""

    def __init__(self, answers: Answers, intervention: str, status: Status) -> None:
        self.answers, self.intervention, self.status = answers, intervention, status
        self.names = answers.names
        self.free = _free(answers.facts, self.names)
        self.unknowns = Unknowns(answers.world.program, self.free, Diagrams(400_000))
        d = self.diagrams = self.unknowns.diagrams
        ends = [self.unknowns.statuses(intervention, r).get(status, FALSE) for r in (Ranges.LOW, Ranges.HIGH)]
        # Certain whatever stays unknown, for every patient that the background allows.
        self.goal = d.either(d.negate(self.unknowns.constraint), d.all(ends))
        self.inputs = self.unknowns.names(d.support(self.goal))
        self.costs: dict[tuple[int, int, int], int] = {}

    def run(self) -> Ways:
        if len(self.inputs) > MOST_INPUTS:
            raise TooLarge
        if self.diagrams.both(self.goal, self.unknowns.constraint) == FALSE:
            return Ways(self.intervention, self.status, ())
        found: dict[_Key, tuple[Change, ...]] = {}
        fewest = MOST_CHANGES + 1
        screens = self.screens()
        for number in range(len(screens) + 1):
            for chosen in combinations(screens, number):
                facts = self.with_screens(chosen)
                self.costs.clear()
                cost = number + self.cost(facts, 0, self.goal, self.unknowns.constraint)
                if cost < fewest:
                    found, fewest = {}, cost
                if cost == fewest <= MOST_CHANGES:
                    opening = tuple(self.screen_change(s) for s in chosen)
                    self.collect(found, facts, 0, self.goal, self.unknowns.constraint, opening)
        ways = self.ranked(found.values())
        return Ways(
            self.intervention, self.status, tuple(ways[:MOST_WAYS]), len(ways) <= MOST_WAYS, fewest <= MOST_CHANGES
        )

    def with_screens(self, chosen: Sequence[str]) -> Facts:
        """The facts with these screens complete and nothing found in them."""
        facts = self.answers.facts
        for screen in chosen:
            members = [m for m in self.names.vocabulary.screens[screen].members if self.is_unlisted(m)]
            facts = _completed(facts, members, self.names)
        return facts

    def cost(self, facts: Facts, place: int, goal: int, possible: int) -> int:
        """The least number of changes among the inputs from `place` on that makes the goal true for every patient left."""
        if goal == FALSE or possible == FALSE:
            return _NEVER
        if place == len(self.inputs):
            return 0 if goal == TRUE else _NEVER
        key = (place, goal, possible)
        if key not in self.costs:
            if len(self.costs) > MOST_STATES:
                raise TooLarge
            self.costs[key] = min(
                extra + self.cost(facts, place + 1, g, p)
                for extra, _, g, p in self.options(facts, place, goal, possible)
            )
        return self.costs[key]

    def collect(
        self,
        found: dict[_Key, tuple[Change, ...]],
        facts: Facts,
        place: int,
        goal: int,
        possible: int,
        changes: tuple[Change, ...],
    ) -> None:
        """All ways of least cost, as many as are wanted."""
        if len(found) > MOST_WAYS:
            return
        if place == len(self.inputs):
            found.setdefault(tuple((c.input, c.says) for c in changes), changes)
            return
        least = self.cost(facts, place, goal, possible)
        for extra, change, next_goal, next_possible in self.options(facts, place, goal, possible):
            if extra + self.cost(facts, place + 1, next_goal, next_possible) == least < _NEVER:
                more = (*changes, change) if change else changes
                self.collect(found, facts, place + 1, next_goal, next_possible, more)

    def options(self, facts: Facts, place: int, goal: int, possible: int) -> list[tuple[int, Change | None, int, int]]:
        """What can be done with an input: leave it, or change it."""
        name = self.inputs[place]
        d = self.diagrams
        found: list[tuple[int, Change | None, int, int]] = [(0, None, *self.left(name, facts, goal, possible))]
        seen: set[tuple[int, int]] = set()
        for change, fixed, open_ in self.choices(name, facts):
            new_goal, new_possible = self.quantified(d.assign(goal, fixed), d.assign(possible, fixed), open_)
            # Ranges of a measure come widest first: a narrower one with the same effect is no way of its own.
            if (new_goal, new_possible) not in seen or not open_ and name in facts.findings:
                seen.add((new_goal, new_possible))
                found.append((1 if change.kind != "cannot" else _UNWANTED, change, new_goal, new_possible))
        return found

    def quantified(self, goal: int, possible: int, open_: Collection[int]) -> tuple[int, int]:
        """The goal whatever the open variables of an input turn out to be, and whether some patient is left."""
        d = self.diagrams
        return (d.negate(d.exists(d.negate(goal), open_)), d.exists(possible, open_)) if open_ else (goal, possible)

    def screens(self) -> list[str]:
        """Screens with several unknown members that matter: completing one is a single change."""
        found = []
        for name, screen in self.names.vocabulary.screens.items():
            open_ = [m for m in screen.members if m in self.inputs and self.is_unlisted(m)]
            if len(open_) > 1 and name not in self.answers.patient.screens:
                found.append(name)
        return found[:MOST_SCREENS]

    def is_unlisted(self, name: str) -> bool:
        patient = self.answers.patient
        listed = name in patient.findings or name in patient.measures
        return not listed and not self.answers.facts.known(name)

    def left(self, name: str, facts: Facts, goal: int, possible: int) -> tuple[int, int]:
        """The input as it is: a known value fixes its variables, an unknown one must not matter."""
        fixed, open_ = self.current(name, facts)
        return self.quantified(self.diagrams.assign(goal, fixed), self.diagrams.assign(possible, fixed), open_)

    def current(self, name: str, facts: Facts) -> tuple[dict[int, bool], set[int]]:
        """The variables of an input that its present value fixes, and those that it leaves open."""
        fixed: dict[int, bool] = {}
        open_: set[int] = set()
        for cut, variable in self.unknowns.cuts_of(name):
            if name in facts.findings:
                value = facts.findings[name]
            else:
                interval = facts.measures[name]
                value = True if interval.low >= cut else False if interval.high < cut else None
            if value is None:
                open_.add(variable)
            else:
                fixed[variable] = value
        return fixed, open_

    def choices(self, name: str, facts: Facts) -> list[tuple[Change, dict[int, bool], set[int]]]:
        """The values that an input could have instead: a change, the variables that it fixes, those that it leaves open."""
        cuts = self.unknowns.cuts_of(name)
        if name in facts.findings:
            ((_, variable),) = cuts
            return [
                (self.finding_change(name, value), {variable: value}, set())
                for value in (True, False)
                if facts.findings[name] is not value
            ]
        measure = self.names.vocabulary.measures[name]
        interval = facts.measures[name]
        bottom, top = measure.low * measure.ticks, measure.high * measure.ticks
        edges = [bottom, *(cut for cut, _ in cuts), top + 1]
        last = len(edges) - 1
        # From a cut point up, below a cut point, then between two of them.
        ranges = [(i, last) for i in range(1, last)] + [(0, i) for i in range(last - 1, 0, -1)]
        ranges += [(i, i + 1) for i in range(1, last - 1)]
        found = []
        for first, end in ranges:
            low, high = edges[first], edges[end] - 1
            if low <= interval.low and interval.high <= high:
                continue
            fixed = {v: cut <= low for cut, v in cuts if cut <= low or cut > high}
            open_ = {v for _, v in cuts if v not in fixed}
            found.append((self.measure_change(name, measure, interval, low, high), fixed, open_))
        return found

    def finding_change(self, name: str, value: bool) -> Change:
        declared = self.names.vocabulary.findings[name]
        now = self.answers.facts.findings[name]
        kind = "ask" if now is None else "do" if value and declared.doable else "cannot"
        says = declared.doable if kind == "do" and declared.doable else wording.finding(name, value, self.names)
        return Change(name, _WORDS[value], kind, wording.sentence(says))

    def measure_change(self, name: str, measure: Measure, now: Interval, low: int, high: int) -> Change:
        rises = low > now.low
        unknown = not self.answers.facts.known(name) and now.low <= low and high <= now.high
        kind = "ask" if unknown else "do" if rises and (measure.doable or measure.clock) else "cannot"
        top = measure.high * measure.ticks
        value: Any = (
            {"at_least": _units(low, measure)}
            if high >= top
            else {"between": [_units(low, measure), _units(high, measure)]}
        )
        if high < top and low <= measure.low * measure.ticks:
            value = {"at_most": _units(high, measure)}
        words = wording.amount(Interval(low, high), measure)
        says = f"{wording.sentence(measure.label)}: {words}"
        if kind == "do" and measure.doable:
            says = f"{wording.sentence(measure.doable)} ({words})"
        return Change(name, value, kind, says)

    def screen_change(self, name: str) -> Change:
        return Change(f"screen:{name}", "complete", "ask", wording.sentence(wording.nothing_found(name, self.names)))

    def ranked(self, found: Iterable[tuple[Change, ...]]) -> list[tuple[Change, ...]]:
        """Ways that can be gone before ways that cannot."""
        order = {"do": 0, "ask": 0, "cannot": 1}
        return sorted(
            found,
            key=lambda way: (
                sum(order[c.kind] for c in way),
                sum(c.input.startswith("screen:") for c in way),
                [c.input for c in way],
            ),
        )


def _free(facts: Facts, names: Names) -> Facts:
    """Nothing known: every input a variable."""
    measures = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in names.vocabulary.measures.items()}
    return replace(facts, findings=dict.fromkeys(facts.findings), measures=measures)


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


def _number(name: str, text: str, expected: str) -> int | float:
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        pass
    if text.replace(".", "", 1).isdigit() and text.isascii():
        return float(text)
    raise _unusable(name, text, expected)


def _unusable(name: str, value: str, expected: str) -> InputError:
    return InputError.of("GL430", f"`{name}` cannot be `{value}`", hint=f"it takes {expected}")
