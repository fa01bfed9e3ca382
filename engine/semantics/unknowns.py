"""What is not known as boolean variables, and every answer as a function of them.

Each unknown finding is a variable; an unknown measure, or sum of measures, has one for each value at which some rule
changes its mind; a threshold range has one for its two ends. With that, "which statuses are possible" and "which
questions would settle it" are exact questions about boolean functions, asked with background rules as constraints. Only
that sums of several measures hang together with their parts is not said: of what rests on that too much counts as
possible, never too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

from guidelog.ground.program import (
    GroundComparison,
    GroundElement,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language.stances import STANCES
from guidelog.patients import Facts

from .bdd import FALSE, TRUE, Diagrams
from .cone import Cone, all_cuts
from .interpret import Interpretation, interpret
from .quantities import RangeKey, Sum, quantity, range_of, thresholds
from .status import SCOPE, Status, formulas


@dataclass(frozen=True, slots=True)
class Cut:
    """That a sum of inputs is at least so much; a finding is present when it is at least 1."""

    sum: Sum
    at: int


@dataclass(frozen=True, slots=True)
class HighEnd:
    """That a threshold range stands for its high end."""

    range: RangeKey


@dataclass(frozen=True, slots=True)
class Settled:
    """That an element of a rule with `unsettled` is known to hold, before anything is assumed."""

    element: GroundElement


Variable: TypeAlias = Cut | HighEnd | Settled


@dataclass
class Unknowns:
    """All answers of a program for one patient as functions of what is not known.

    With a `cone` only what that cone depends on. Raises bdd.TooLarge when they grow too large.
    """

    program: GroundProgram
    facts: Facts
    diagrams: Diagrams = field(default_factory=Diagrams)
    cone: Cone | None = None

    def __post_init__(self) -> None:
        self.numbers: dict[Variable, int] = {}
        self._owners: dict[int, tuple[str, ...]] = {}
        self._denials: Sequence[GroundRule]
        self._cuts: Mapping[Sum, list[int]]
        if self.cone is None:
            rules = (r for found in self.program.instances.values() for r in found)
            self._denials, self._cuts = self.program.denials, all_cuts((*rules, *self.program.denials))
            inputs: Iterable[str] = (*self.facts.findings, *self.facts.measures)
        else:
            self._denials, self._cuts, inputs = self.cone.denials, self.cone.sum_cuts, self.cone.inputs
        by_name: dict[str, list[Sum]] = {}
        for found in self._cuts:
            by_name.setdefault(found[0][0], []).append(found)
        for name in inputs:
            if name in self.facts.findings and self.facts.findings[name] is None:
                self._new(Cut(((name, 1),), 1), (name,))
            for found in sorted(by_name.get(name, ()), key=lambda f: (len(f), f)):
                low, high = self._bounds(found)
                for cut in self._cuts[found]:
                    if low < cut <= high:
                        self._new(Cut(found, cut), tuple(n for n, _ in found if not self.facts.known(n)))
        self._values: dict[Ranges, Interpretation[int]] = {}
        self._statuses: dict[tuple[str, Ranges], Mapping[Status, int]] = {}

    # what is asked
    @cached_property
    def constraint(self) -> int:
        """What every real patient satisfies: cut points in order, no background rule violated."""
        d = self.diagrams
        parts = []
        for found, cuts in self._cuts.items():
            keys = [Cut(found, cut) for cut in cuts]
            variables = [self.numbers[key] for key in keys if key in self.numbers]
            parts += [d.either(d.negate(d.variable(high)), d.variable(low)) for low, high in pairwise(variables)]
        functions = Functions(self, Ranges.KEPT)
        walk = Interpretation(self.program, functions, ())
        walk.values = dict.fromkeys(self.program.fixed, TRUE)
        parts += [d.negate(walk.body(denial)) for denial in self._denials]
        return d.all(parts)

    def statuses(self, intervention: str, ranges: Ranges) -> Mapping[Status, int]:
        """For each status the function that says when it is the answer, within the constraint.

        With the ranges kept each is at either end, by a variable of its own. What rules with `unsettled` rest on holds
        where this record shows it, whatever replies may bring.
        """
        ranges = ranges if self._has_ranges else Ranges.KEPT
        known = self._statuses.get((intervention, ranges))
        if known is not None:
            return known
        walk, d = self.walk(ranges), self.diagrams
        stance = {s: walk.atom(("advise", intervention, s)) for s in STANCES}
        found = formulas(walk.algebra, stance, walk.atom(SCOPE))
        within = {status: d.both(self.constraint, f) for status, f in found.items()}
        possible = {status: f for status, f in within.items() if f != FALSE}
        self._statuses[intervention, ranges] = possible
        return possible

    def walk(self, ranges: Ranges) -> Interpretation[int]:
        """The functions of all atoms; see `statuses`."""
        ranges = ranges if self._has_ranges else Ranges.KEPT
        if ranges not in self._values:
            wanted = None if self.cone is None else self.cone.atoms
            self._values[ranges] = interpret(self.program, Functions(self, ranges), wanted)
        return self._values[ranges]

    def rule_regions(self, intervention: str, ranges: Ranges) -> Mapping[str, int]:
        """For each advice rule of an intervention, by id, the function that says when its body holds."""
        walk = self.walk(ranges)
        found: dict[str, int] = {}
        for stance in STANCES:
            for instance in self.program.instances.get(("advise", intervention, stance), ()):
                name, region = instance.rule.id or "", self.diagrams.both(walk.body(instance), self.constraint)
                found[name] = self.diagrams.either(found.get(name, FALSE), region)
        return found

    @cached_property
    def _has_ranges(self) -> bool:
        """Whether a threshold is a range in what is looked at; else all readings of the ranges are one."""
        rules = self.cone.rules if self.cone else (r for found in self.program.instances.values() for r in found)
        elements = (e for rule in rules for e in rule.elements)
        return any(isinstance(e, GroundComparison) and e.low != e.high for e in elements)

    # variables
    def names(self, variables: Iterable[int]) -> list[str]:
        """The inputs behind variables, in order of declaration."""
        found = dict.fromkeys(name for v in sorted(variables) for name in self._owners[v])
        vocabulary = self.program.names.vocabulary
        order = {n: i for i, n in enumerate((*vocabulary.findings, *vocabulary.measures))}
        return sorted(found, key=order.__getitem__)

    def cuts_of(self, name: str) -> list[tuple[int, int]]:
        """The variables of an input in ascending order of their cut points (1 for a finding)."""
        single = ((name, 1),)
        return sorted((v.at, number) for v, number in self.numbers.items() if isinstance(v, Cut) and v.sum == single)

    def variables(self, names: Iterable[str]) -> set[int]:
        """The variables that replies about these inputs fix: of a sum when all its inputs are among them."""
        chosen = set(names)
        return {v for v, owners in self._owners.items() if owners and chosen.issuperset(owners)}

    def others(self, names: Iterable[str]) -> set[int]:
        """The variables that an answer about these inputs leaves open."""
        return set(self._owners) - self.variables(names)

    def bounds(self, variable: Cut) -> tuple[int, int]:
        """The least and the greatest that a sum can be, by the facts."""
        return self._bounds(variable.sum)

    def _bounds(self, found: Sum) -> tuple[int, int]:
        return bounds_of(found, self.facts)

    def number(self, variable: Variable) -> int:
        """The number of a variable, a new one where it has none."""
        known = self.numbers.get(variable)
        return self._new(variable, ()) if known is None else known

    def _new(self, variable: Variable, owners: tuple[str, ...]) -> int:
        number = self.numbers[variable] = len(self._owners)
        self._owners[number] = owners
        return number

    # functions
    def settled(self, _: GroundElement, value: int) -> int:
        """What an element of a rule with `unsettled` counts for: whether this record shows it, whatever replies say."""
        return value if value == TRUE else FALSE

    def at_least(self, found: Sum, cut: int) -> int:
        """That a sum is at least so much, as a function."""
        low, high = self._bounds(found)
        if low >= cut:
            return TRUE
        return self.diagrams.variable(self.number(Cut(found, cut))) if high >= cut else FALSE


class Functions:
    """The algebra of boolean functions of what one patient's record leaves open."""

    yes, no = TRUE, FALSE

    def __init__(self, unknowns: Unknowns, ranges: Ranges) -> None:
        self._unknowns, self._ranges = unknowns, ranges
        diagrams = unknowns.diagrams
        self.both, self.either, self.negate, self.at_least = (
            diagrams.all,
            diagrams.any,
            diagrams.negate,
            diagrams.at_least,
        )

    def finding(self, name: str) -> int:
        """What is known, or its variable."""
        known = self._unknowns.facts.findings[name]
        return (
            self._unknowns.diagrams.variable(self._unknowns.numbers[Cut(((name, 1),), 1)])
            if known is None
            else int(known)
        )

    def comparison(self, comparison: GroundComparison) -> int:
        """By the cuts of the sum that it looks at; of a range by a variable for the end, if it is kept."""
        if self._ranges is not Ranges.KEPT or comparison.low == comparison.high:
            return self._at(comparison, comparison.high if self._ranges is Ranges.HIGH else comparison.low)
        low, high = self._at(comparison, comparison.low), self._at(comparison, comparison.high)
        if low == high:
            return low
        diagrams = self._unknowns.diagrams
        end = diagrams.variable(self._unknowns.number(HighEnd(range_of(comparison))))
        return diagrams.either(diagrams.both(end, high), diagrams.both(diagrams.negate(end), low))

    def settled(self, element: GroundElement, value: int) -> int:
        """As the unknowns have it."""
        return self._unknowns.settled(element, value)

    def _at(self, comparison: GroundComparison, bound: int) -> int:
        d = self._unknowns.diagrams
        found, multiple = quantity(comparison.terms)
        operator, cuts = thresholds(multiple, comparison.operator, bound)
        above = [self._unknowns.at_least(found, cut) for cut in cuts]
        match operator:
            case ">=":
                return above[0]
            case "<":
                return d.negate(above[0])
            case "=":
                return d.both(above[0], d.negate(above[1]))
            case _:
                return d.either(d.negate(above[0]), above[1])


def bounds_of(found: Sum, facts: Facts) -> tuple[int, int]:
    """The least and the greatest that a sum of inputs can be; a finding is 0 or 1."""
    low = high = 0
    for name, factor in found:
        if name in facts.findings:
            known = facts.findings[name]
            ends = (0, 1) if known is None else (int(known), int(known))
        else:
            interval = facts.measures[name]
            ends = interval.low, interval.high
        first, second = factor * ends[0], factor * ends[1]
        low, high = low + min(first, second), high + max(first, second)
    return low, high
