"""Three-valued evaluation of ground elements: True, False, or None for unknown.

Given the facts of a patient and the values of derived atoms, what is a body element worth? Nothing here derives
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language.tree import Rule
from guidelog.patients import Facts, Interval

__all__ = ["Model", "Ranges", "Value", "World", "comparison_value"]

Value: TypeAlias = bool | None
Grounds: TypeAlias = tuple[Mapping[int, Rule], tuple[Atom, ...]]
"""Rules by identity, and the derived atoms that their instances look at."""


@dataclass(frozen=True, slots=True)
class Model:
    """The derived atoms that are certain and those that are possible; the rest is false."""

    certain: frozenset[Atom]
    possible: frozenset[Atom]

    def value(self, atom: Atom) -> Value:
        """Value of a derived atom."""
        return True if atom in self.certain else None if atom in self.possible else False


@dataclass(frozen=True, slots=True)
class World:
    """One patient under one reading of ranges: everything that is needed to evaluate an element.

    `ends` keeps the same patient at the ends of the ranges; what holds and what it rests on is looked for once.
    """

    program: GroundProgram
    facts: Facts
    model: Model
    ranges: Ranges = Ranges.KEPT
    ends: dict[Ranges, World] = field(default_factory=dict, compare=False, repr=False)
    _holding: dict[Atom, tuple[GroundRule, ...]] = field(init=False, default_factory=dict, compare=False, repr=False)
    _grounds: dict[Atom, Grounds] = field(init=False, default_factory=dict, compare=False, repr=False)

    def atom(self, atom: Atom) -> Value:
        """Value of any atom."""
        if atom[0] == "finding":
            return self.facts.findings[str(atom[1])]
        if atom in self.program.instances:
            return self.model.value(atom)
        return atom in self.program.facts

    def literal(self, literal: GroundLiteral) -> Value:
        """Value of a literal; the opposite of its atom's when negated."""
        value = self.atom(literal.atom)
        return (None if value is None else not value) if literal.negated else value

    def element(self, element: GroundElement) -> Value:
        """Value of a body element."""
        match element:
            case GroundLiteral():
                return self.literal(element)
            case GroundComparison():
                return comparison_value(element, self.facts.measures, self.ranges)
            case GroundAtLeast():
                values = [self.literal(member) for member in element.members]
                if values.count(True) >= element.count:
                    return True
                return None if len(values) - values.count(False) >= element.count else False
            case Given():
                return True

    def values(self, instance: GroundRule) -> list[Value]:
        """What the elements of an instance count for in it: where settled ones are unknown they count as false."""
        values = [self.element(element) for element in instance.elements]
        for place in instance.settled:
            values[place] = values[place] is True
        return values

    def holding(self, atom: Atom) -> tuple[GroundRule, ...]:
        """The instances that show an atom: all their elements are true."""
        found = self._holding.get(atom)
        if found is None:
            instances = self.program.instances.get(atom, ())
            found = tuple(i for i in instances if all(self.element(e) is True for e in i.elements))
            self._holding[atom] = found
        return found

    def grounds(self, atom: Atom) -> Grounds:
        """What a derived atom's value rests on: the rule that shows what holds, all rules for what does not."""
        found = self._grounds.get(atom)
        if found is None:
            derived = self.program.instances
            shown = self.holding(atom)[:1] if self.atom(atom) is True else derived[atom]
            looked_at = dict.fromkeys(used.atom for i in shown for used in i.atoms() if used.atom in derived)
            found = self._grounds[atom] = ({id(i.rule): i.rule for i in shown}, tuple(looked_at))
        return found


def comparison_value(comparison: GroundComparison, measures: Mapping[str, Interval], ranges: Ranges) -> Value:
    """True when it holds for all values of the intervals (and of the range), False when for none, else None."""
    low = high = 0
    for name, coefficient in comparison.terms:
        interval = measures[name]
        first, second = coefficient * interval.low, coefficient * interval.high
        low, high = low + min(first, second), high + max(first, second)
    match ranges:
        case Ranges.LOW:
            return _holds(low, high, comparison.operator, comparison.low)
        case Ranges.HIGH:
            return _holds(low, high, comparison.operator, comparison.high)
        case Ranges.KEPT:
            first_end = _holds(low, high, comparison.operator, comparison.low)
            if comparison.low == comparison.high:
                return first_end
            second_end = _holds(low, high, comparison.operator, comparison.high)
            return first_end if first_end is second_end else None


def _holds(low: int, high: int, operator: str, bound: int) -> Value:
    match operator:
        case ">=":
            return True if low >= bound else False if high < bound else None
        case ">":
            return True if low > bound else False if high <= bound else None
        case "<=":
            return True if high <= bound else False if low > bound else None
        case "<":
            return True if high < bound else False if low >= bound else None
        case "=":
            return True if low == high == bound else False if bound < low or bound > high else None
        case _:
            return False if low == high == bound else True if bound < low or bound > high else None
