"""Split a record into cases until three values settle each: the way to show that all completions agree.

Whether they do is decided beforehand, on the diagrams (`status_diagrams`); the tree only shows it to somebody who
trusts neither. A case is split by what is still open and reached through what is open, where a step ahead looks best.
Each case is narrowed by the background first (docs/certificates.md, *Cases*).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from guidelog.ground.program import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, Ranges
from guidelog.language.stances import STANCES
from guidelog.patients import Facts, Interval

from .background import Contradiction, Propagated, propagate
from .cone import Cone
from .kleene import Assumed, World, comparison_value, evaluated
from .quantities import Sum, quantity, range_of, thresholds
from .status import SCOPE, Status, three_valued_status
from .unknowns import bounds_of

MOST_LEAVES = 256
MOST_WORLDS = 5_000
"""How many cases may be looked at, those included that are only tried."""
AHEAD = 8
"""How many splits are tried before one is taken."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A case that three values settle, with what the background added in it."""

    propagated: tuple[Propagated, ...]
    world: World


@dataclass(frozen=True, slots=True)
class Impossible:
    """A case that no patient is in: by the background rule with that id, or because a sum has no value left (None)."""

    propagated: tuple[Propagated, ...]
    denial: str | None


@dataclass(frozen=True, slots=True)
class Split:
    """A case in two: a sum of inputs below `at`, and from it on.

    Where `at` is the two cuts of a threshold range, the range at its low end, and at its high end.
    """

    propagated: tuple[Propagated, ...]
    by: Sum
    at: int | tuple[int, int]
    below: Tree
    above: Tree


Tree: TypeAlias = Shown | Impossible | Split
_By: TypeAlias = tuple[Sum, int | tuple[int, int]]


def cases_of(world: World, intervention: str, status: Status) -> Split | None:
    """Cases of a record in each of which three values give the status; None when that would take too many.

    All completions must agree on the status. The world is that of the record itself, under one reading of the ranges.
    """
    search = _Search(world, intervention, status)
    try:
        found = search.grow(world.facts, Assumed(), MOST_LEAVES)
    except _TooManyError:
        return None
    return found if isinstance(found, Split) else None


def leaves(tree: Tree) -> Iterator[World]:
    """The worlds of the cases that some patient may be in, from below to above."""
    todo: list[Tree] = [tree]
    while todo:
        match todo.pop():
            case Shown(_, world):
                yield world
            case Split(_, _, _, below, above):
                todo += (above, below)
            case Impossible():
                pass


def inputs_split(tree: Tree) -> tuple[str, ...]:
    """The inputs that the cases differ in, each once, from the root on; those of a threshold that is a range, too."""
    found: dict[str, None] = {}
    todo: list[Tree] = [tree]
    for node in todo:  # which grows meanwhile
        if isinstance(node, Split):
            found.update(dict.fromkeys(name for name, _ in node.by))
            todo += (node.below, node.above)
    return tuple(found)


class _TooManyError(Exception):
    """More cases than allowed."""


class _Search:
    def __init__(self, world: World, intervention: str, status: Status) -> None:
        self.world, self.intervention, self.status = world, intervention, status
        cone = Cone(world.program, world.facts, intervention)
        self.wanted = cone.atoms
        self.left, self.looked = MOST_LEAVES, 0

    def grow(self, facts: Facts, assumed: Assumed, most: int) -> Tree:
        found = self.case(facts, assumed)
        if isinstance(found, Impossible):
            return self.leaf(found)
        status = three_valued_status(found.world, self.intervention)
        if status is self.status:
            return self.leaf(found)
        if status is not Status.UNDETERMINED or most < 2:
            raise _TooManyError
        by = self.choose(found.world)
        if by is None:
            raise _TooManyError
        (low, low_assumed), (high, high_assumed) = self.sides(found.world, by)
        below = self.grow(low, low_assumed, most - 1)
        above = self.grow(high, high_assumed, most - 1)
        return Split(found.propagated, *by, below, above)

    def leaf(self, found: Shown | Impossible) -> Tree:
        self.left -= 1
        if self.left < 0:
            raise _TooManyError
        return found

    def case(self, facts: Facts, assumed: Assumed) -> Shown | Impossible:
        """A case, narrowed by the background and evaluated."""
        self.looked += 1
        if self.looked > MOST_WORLDS:
            raise _TooManyError
        found = propagate(self.world.program, facts, assumed)
        if isinstance(found, Contradiction):
            return Impossible(found.steps, found.denial.rule.id or "")
        facts, steps = found
        for total, interval in assumed.sums.items():
            low, high = bounds_of(total, facts)
            if max(low, interval.low) > min(high, interval.high):
                return Impossible(steps, None)
        return Shown(steps, evaluated(self.world, facts, assumed, self.wanted))

    def sides(self, world: World, by: _By) -> tuple[tuple[Facts, Assumed], tuple[Facts, Assumed]]:
        """The facts, and what else is assumed, below and above."""
        facts, assumed = world.facts, world.assumed
        total, at = by
        if not isinstance(at, int):
            key = total, *at
            low_end, high_end = (replace(assumed, high={**assumed.high, key: value}) for value in (False, True))
            return (facts, low_end), (facts, high_end)
        if len(total) > 1:
            interval = assumed.sums.get(total) or Interval(*bounds_of(total, facts))
            ends = Interval(interval.low, at - 1), Interval(at, interval.high)
            below, above = (replace(assumed, sums={**assumed.sums, total: end}) for end in ends)
            return (facts, below), (facts, above)
        name = total[0][0]
        if name in facts.findings:
            no, yes = (replace(facts, findings={**facts.findings, name: value}) for value in (False, True))
            return (no, assumed), (yes, assumed)
        interval = facts.measures[name]
        ends = Interval(interval.low, at - 1), Interval(at, interval.high)
        low, high = (replace(facts, measures={**facts.measures, name: end}) for end in ends)
        return (low, assumed), (high, assumed)

    def choose(self, world: World) -> _By | None:
        """Of the splits that occur most often the one after which least is open."""
        counted: dict[_By, int] = {}
        for by in self.open_splits(world):
            counted[by] = counted.get(by, 0) + 1
        often = sorted(counted, key=lambda by: -counted[by])
        if len(often) < 2:
            return often[0] if often else None
        ahead = max(2, min(AHEAD, 20_000 // (len(self.wanted) + 1)))
        return min(often[:ahead], key=lambda by: self.left_open(world, by))

    def left_open(self, world: World, by: _By) -> tuple[int, int]:
        """How many of the two sides are not settled, and how many stances are open in them."""
        unsettled = stances = 0
        for facts, assumed in self.sides(world, by):
            found = self.case(facts, assumed)
            if isinstance(found, Shown) and three_valued_status(found.world, self.intervention) is Status.UNDETERMINED:
                unsettled += 1
                stances += sum(found.world.atom(atom) is None for atom in self.goals())
        return unsettled, stances

    def goals(self) -> list[Atom]:
        return [a for a in (SCOPE, *(("advise", self.intervention, s) for s in STANCES)) if a in self.wanted]

    def open_splits(self, world: World) -> Iterator[_By]:
        """What would make an element two-valued that is open, and looked at through what is open; with repetitions."""
        program = world.program
        todo = [atom for atom in self.goals() if world.atom(atom) is None]
        seen = set(todo)
        for atom in todo:  # which grows meanwhile
            for instance in program.instances.get(atom, ()):
                values = world.values(instance)
                if False in values:
                    continue
                for element, value in zip(instance.elements, values, strict=True):
                    if value is not None:
                        continue
                    for literal in _literals(element):
                        if world.literal(literal) is not None:
                            continue
                        if literal.atom[0] == "finding":
                            yield ((str(literal.atom[1]), 1),), 1
                        elif literal.atom not in seen:
                            seen.add(literal.atom)
                            todo.append(literal.atom)
                    if isinstance(element, GroundComparison):
                        yield from _splits(element, world)


def _literals(element: GroundElement) -> tuple[GroundLiteral, ...]:
    match element:
        case GroundLiteral():
            return (element,)
        case GroundAtLeast(_, members):
            return members
        case _:
            return ()


def _splits(comparison: GroundComparison, world: World) -> Iterator[_By]:
    """The cuts inside of what the sum can be; and the range, where its ends differ."""
    assumed, ranges = world.assumed, world.ranges
    bounds = [comparison.high if ranges is Ranges.HIGH else comparison.low]
    if ranges is Ranges.KEPT and comparison.low != comparison.high:
        key = range_of(comparison)
        at_high = assumed.high.get(key)
        bounds = (
            [comparison.low, comparison.high] if at_high is None else [comparison.high if at_high else comparison.low]
        )
        if at_high is None:
            ends = [comparison_value(comparison, world.facts.measures, r, assumed) for r in (Ranges.LOW, Ranges.HIGH)]
            if ends[0] is not ends[1]:
                yield key[0], key[1:]
    total, multiple = quantity(comparison.terms)
    low, high = bounds_of(total, world.facts)
    if total in assumed.sums:
        low, high = max(low, assumed.sums[total].low), min(high, assumed.sums[total].high)
    for bound in bounds:
        for cut in thresholds(multiple, comparison.operator, bound)[1]:
            if low < cut <= high:
                yield total, cut
