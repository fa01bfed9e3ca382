"""The smallest changes to a record after which a status is certain.

Everything else stays as it is, and what is unknown unknown. A change that nobody can make is proposed only where
nothing else will do; among such ways, and among the others, those of the fewest changes. Exact, on boolean functions of
the inputs that may change; by clingo where those grow too large or where three-valued evaluation needs more than they
do. Every way is tried on the record before it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeAlias

from guidelog.ground.program import Ranges
from guidelog.patients import Facts, Interval, close, patient_from_content
from guidelog.semantics.bdd import FALSE, TRUE, Diagrams, TooLarge
from guidelog.semantics.cone import Cone
from guidelog.semantics.one_patient import nothing_known, statuses
from guidelog.semantics.status import Status
from guidelog.semantics.unknowns import Unknowns

from ..answers import Answers
from ..questions import witness
from . import Change, Choices, changed

MOST_WAYS = 12
MOST_CHANGES = 50_000
MOST_STATES = 50_000
MOST_INPUTS = 300
_NEVER = 10_000_000
_Key: TypeAlias = tuple[tuple[str, str], ...]
_Way: TypeAlias = tuple[Change, ...]
_UNWANTED = 1000  # a change that nobody can make counts more than all that somebody can


@dataclass(frozen=True, slots=True)
class Ways:
    """The smallest sets of changes that make a status certain.

    `complete` when all of the smallest are listed, `decided` when the search ended.
    """

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


def ways_to(answers: Answers, intervention: str, status: Status) -> Ways:
    """The smallest changes that make a status certain, in the way in which `ask` makes it certain."""
    choices = Choices(answers, close(answers.patient, answers.names.vocabulary))
    try:
        found = _Search(choices, intervention, status).run()
        tried = all(reaches(answers, intervention, status, way) for way in found.ways)
        if tried and (found.ways or not found.decided):
            return _without_superfluous(answers, found)
    except (TooLarge, RecursionError):
        pass
    try:
        return _without_superfluous(answers, _searched(choices, intervention, status))
    except witness.OutOfTime:
        return Ways(intervention, status, (), complete=False, decided=False)


def _without_superfluous(answers: Answers, found: Ways) -> Ways:
    """The ways without changes that follow from others: what a finding implies need not be recorded with it."""
    shorter: list[_Way] = []
    for way in found.ways:
        kept = way
        for change in way:
            fewer = tuple(c for c in kept if c is not change)
            if reaches(answers, found.intervention, found.status, fewer):
                kept = fewer
        shorter += [] if kept in shorter else [kept]
    fewest = min(map(len, shorter), default=0)
    return replace(found, ways=tuple(way for way in shorter if len(way) == fewest))


def reaches(answers: Answers, intervention: str, status: Status, way: _Way) -> bool:
    """Whether the record with these changes has the status."""
    vocabulary = answers.names.vocabulary
    patient = patient_from_content(changed(answers.patient.content, way, answers.names), vocabulary)
    found = statuses(answers.world.program, close(patient, vocabulary))
    return found is not None and found[intervention] is status


def _searched(choices: Choices, intervention: str, status: Status) -> Ways:
    """By clingo: nothing here is too large for it, but it may run out of time."""
    cone = Cone(choices.answers.world.program, choices.facts, intervention)
    made: list[Change] = []
    options: list[witness.Option] = []
    for name in cone.inputs:
        cuts = cone.cuts.get(name, [])
        for choice in choices.of_input(name, cuts):
            made.append(choice.change)
            options.append(witness.Option(((name, _known(choice.value, cuts)),), _cost(choice.change)))
    for screen in choices.screens(cone.inputs):
        facts = choices.with_screens([screen])
        closed = [
            m for m in choices.names.vocabulary.screens[screen].members if m in cone.inputs and choices.is_unlisted(m)
        ]
        values = [(m, facts.findings[m] if m in facts.findings else facts.measures[m]) for m in closed]
        known = tuple((m, _known(value, cone.cuts.get(m, []))) for m, value in values if value is not None)
        made.append(choices.screen(screen))
        options.append(witness.Option(known, 1, group=True))
    found = witness.cheapest(cone, status, options, MOST_WAYS + 1)
    ways = [tuple(made[o] for o in way) for way in found]
    true = [way for way in ways if reaches(choices.answers, intervention, status, way)]
    if len(true) < len(ways):
        return Ways(intervention, status, (), complete=False, decided=False)
    ways = _ranked(true)
    return Ways(intervention, status, tuple(ways[:MOST_WAYS]), len(found) <= MOST_WAYS)


def _known(value: bool | Interval, cuts: Sequence[int]) -> tuple[tuple[int, bool], ...]:
    """What a value makes certain: the finding, or for each cut the side on which the measure lies."""
    if isinstance(value, bool):
        return ((0, value),)
    return tuple((c, cut <= value.low) for c, cut in enumerate(cuts) if cut <= value.low or cut > value.high)


def _cost(change: Change) -> int:
    return 1 if change.kind != "cannot" else _UNWANTED


def _ranked(found: Iterable[_Way]) -> list[_Way]:
    """Ways that can be gone before those that cannot.

    Without those that only ask a whole screen for one of its members.
    """
    ways = [(way, frozenset(c.input for c in way if c.input.startswith("screen:"))) for way in found]
    kept = [way for way, screens in ways if not any(fewer < screens for _, fewer in ways)]
    order = {"do": 0, "ask": 1, "cannot": 2}
    sorted_ways = [tuple(sorted(way, key=lambda c: order[c.kind])) for way in kept]
    return sorted(
        sorted_ways,
        key=lambda way: (sum(c.kind == "cannot" for c in way), [c.input for c in way], [c.says for c in way]),
    )


class _Search:
    """Smallest sets of changes, by dynamic programming over the inputs in order of declaration."""

    def __init__(self, choices: Choices, intervention: str, status: Status) -> None:
        self.choices, self.intervention, self.status = choices, intervention, status
        answers = choices.answers
        self.free = nothing_known(choices.facts, choices.names)
        program = answers.world.program
        self.unknowns = Unknowns(program, self.free, Diagrams(150_000), Cone(program, self.free, intervention))
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
        screens = self.choices.screens(self.inputs)
        for number in range(len(screens) + 1):
            for chosen in combinations(screens, number):
                facts = self.choices.with_screens(chosen)
                self.costs.clear()
                cost = number + self.cost(facts, 0, self.goal, self.unknowns.constraint)
                if cost < fewest:
                    found, fewest = {}, cost
                if cost == fewest <= MOST_CHANGES:
                    opening = tuple(self.choices.screen(s) for s in chosen)
                    self.collect(found, facts, 0, self.goal, self.unknowns.constraint, opening)
        ways = _ranked(found.values())
        known = len(found) <= MOST_WAYS
        return Ways(self.intervention, self.status, tuple(ways[:MOST_WAYS]), known, fewest <= MOST_CHANGES)

    def cost(self, facts: Facts, place: int, goal: int, possible: int) -> int:
        """The least number of changes among the inputs from `place` on that make the goal true for everyone left."""
        if FALSE in (goal, possible):
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
        seen: dict[tuple[int, int], int] = {}
        cuts = self.unknowns.cuts_of(name)
        for choice in self.choices.of_input(name, [cut for cut, _ in cuts]):
            value = choice.value
            if isinstance(value, bool):
                fixed, open_ = {v: value for _, v in cuts}, set[int]()
            else:
                fixed = {v: cut <= value.low for cut, v in cuts if cut <= value.low or cut > value.high}
                open_ = {v for _, v in cuts if v not in fixed}
            new_goal, new_possible = self.quantified(d.assign(goal, fixed), d.assign(possible, fixed), open_)
            # Ranges of a measure come widest first: a narrower one with the same effect is no way of its own, unless it
            # only has to be asked.
            cost = _cost(choice.change)
            if isinstance(value, bool) or cost < seen.get((new_goal, new_possible), _NEVER):
                seen[new_goal, new_possible] = cost
                found.append((cost, choice.change, new_goal, new_possible))
        return found

    def quantified(self, goal: int, possible: int, open_: Collection[int]) -> tuple[int, int]:
        """The goal whatever the open variables of an input turn out to be, and whether some patient is left."""
        d = self.diagrams
        return (d.negate(d.exists(d.negate(goal), open_)), d.exists(possible, open_)) if open_ else (goal, possible)

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
