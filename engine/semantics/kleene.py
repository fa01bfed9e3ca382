"""Three truth values: True, False, or None for unknown (docs/language.md, *Values*).

`Kleene` is the algebra, `model` what it makes of a patient: about a hundred times as fast as an engine that is asked
anew for each patient, for work that needs thousands of patients or changed rules. A `World` is a patient whose derived
atoms have values, whoever found them: with it any element of a body can be evaluated.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
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

from .interpret import Interpretation
from .quantities import RangeKey, Sum, quantity, range_of

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
class Assumed:
    """What a case assumes besides the inputs: bounds of sums of measures, and at which end threshold ranges are."""

    sums: Mapping[Sum, Interval] = field(default_factory=dict)
    high: Mapping[RangeKey, bool] = field(default_factory=dict)


NOTHING = Assumed()


@dataclass(frozen=True, slots=True)
class World:
    """One patient under one reading of ranges: everything that is needed to evaluate an element.

    `ends` keeps the same patient at the ends of the ranges; what holds and what it rests on is looked for once. In a
    case (docs/certificates.md) `assumed` is what it assumes besides the inputs, and `before` the patient before any
    case, in whom settled elements are looked at.
    """

    program: GroundProgram
    facts: Facts
    model: Model
    ranges: Ranges = Ranges.KEPT
    ends: dict[Ranges, World] = field(default_factory=dict, compare=False, repr=False)
    assumed: Assumed = NOTHING
    before: World | None = None
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
                return comparison_value(element, self.facts.measures, self.ranges, self.assumed)
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
            values[place] = self.is_settled(instance.elements[place])
        return values

    def is_settled(self, element: GroundElement) -> bool:
        """Whether an element of a rule with `unsettled` is known to hold: before any case."""
        return (self.before or self).element(element) is True

    def holding(self, atom: Atom) -> tuple[GroundRule, ...]:
        """The instances that show an atom: all their elements are true."""
        found = self._holding.get(atom)
        if found is None:
            instances = self.program.instances.get(atom, ())
            if self.before is None:
                found = tuple(i for i in instances if all(self.element(e) is True for e in i.elements))
            else:
                found = tuple(i for i in instances if all(value is True for value in self.values(i)))
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


def comparison_value(
    comparison: GroundComparison, measures: Mapping[str, Interval], ranges: Ranges, assumed: Assumed = NOTHING
) -> Value:
    """True when it holds for all values of the intervals (and of the range), False when for none, else None."""
    low = high = 0
    for name, coefficient in comparison.terms:
        interval = measures[name]
        first, second = coefficient * interval.low, coefficient * interval.high
        low, high = low + min(first, second), high + max(first, second)
    if assumed is not NOTHING:
        low, high = _within(comparison, low, high, assumed)
        if ranges is Ranges.KEPT and comparison.low != comparison.high:
            at_high = assumed.high.get(range_of(comparison))
            ranges = ranges if at_high is None else Ranges.HIGH if at_high else Ranges.LOW
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


def _within(comparison: GroundComparison, low: int, high: int, assumed: Assumed) -> tuple[int, int]:
    """The bounds of the terms, within what is assumed of their sum."""
    found, multiple = quantity(comparison.terms)
    interval = assumed.sums.get(found)
    if interval is None:
        return low, high
    ends = multiple * interval.low, multiple * interval.high
    return max(low, min(ends)), min(high, max(ends))


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


class Kleene:
    """The algebra of three truth values, for one patient. Parts are looked at as long as the result is open."""

    yes: Value = True
    no: Value = False

    def __init__(
        self, facts: Facts, ranges: Ranges = Ranges.KEPT, assumed: Assumed = NOTHING, before: World | None = None
    ) -> None:
        self._findings, self._measures, self._ranges, self._assumed = facts.findings, facts.measures, ranges, assumed
        self._before = before

    def both(self, parts: Iterable[Value]) -> Value:
        """The least."""
        result: Value = True
        for value in parts:
            if value is False:
                return False
            if value is None:
                result = None
        return result

    def either(self, parts: Iterable[Value]) -> Value:
        """The greatest."""
        result: Value = False
        for value in parts:
            if value is True:
                return True
            if value is None:
                result = None
        return result

    def negate(self, value: Value) -> Value:
        """Unknown stays unknown."""
        return None if value is None else not value

    def at_least(self, count: int, parts: Sequence[Value]) -> Value:
        """True when so many are, false when so many cannot be."""
        if parts.count(True) >= count:
            return True
        return None if len(parts) - parts.count(False) >= count else False

    def finding(self, name: str) -> Value:
        """What the facts say."""
        return self._findings[name]

    def comparison(self, comparison: GroundComparison) -> Value:
        """Over the intervals of the facts."""
        return comparison_value(comparison, self._measures, self._ranges, self._assumed)

    def settled(self, element: GroundElement, value: Value) -> Value:
        """What is not known to hold counts as false; in a case, what was not before it."""
        return value is True if self._before is None else self._before.element(element) is True


class KleeneEngine:
    """Evaluates a ground program as it stands, without anything made ready: for programs that change."""

    name = "ground"

    def __init__(self, program: GroundProgram) -> None:
        self._program = program

    def model(self, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
        """The certain and the possible atoms."""
        return model(self._program, facts, ranges)


class _Walk(Interpretation[Value]):
    """The walk with a conjunction of its own: a loop in place of an iterator takes two thirds of the time."""

    def body(self, rule: GroundRule) -> Value:
        """The least of its elements, looked at as long as the result is open."""
        result: Value = True
        for place, element in enumerate(rule.elements):
            value = self.literal(element) if element.__class__ is GroundLiteral else self.element(element)
            if place in rule.settled:
                value = self.algebra.settled(element, value)
            if value is False:
                return False
            if value is None:
                result = None
        return result


def model(program: GroundProgram, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
    """The derived atoms that are certain and those that are possible. The program must be stratified."""
    return model_of(program, _Walk(program, Kleene(facts, ranges)).values)


def model_of(program: GroundProgram, values: Mapping[Atom, Value]) -> Model:
    """Values of derived atoms as a model."""
    certain = frozenset(atom for atom, value in values.items() if value is True)
    possible = certain.union(atom for atom, value in values.items() if value is None)
    return Model(certain.union(program.facts), possible.union(program.facts))


def evaluated(world: World, facts: Facts, assumed: Assumed, wanted: Container[Atom]) -> World:
    """A case of a patient's world: other facts and what is assumed besides, as far as some atoms need it."""
    walk = _Walk(world.program, Kleene(facts, world.ranges, assumed, world), wanted)
    return World(
        world.program, facts, model_of(world.program, walk.values), world.ranges, assumed=assumed, before=world
    )


def evaluate(program: GroundProgram, facts: Facts, ranges: Ranges = Ranges.KEPT) -> World:
    """The patient's world: what each derived atom is worth."""
    return World(program, facts, model(program, facts, ranges), ranges)
