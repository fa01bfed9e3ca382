"""What background rules add to a patient's facts before any rule is evaluated.

A denial says what no real patient has. Where all its elements but one hold, that one cannot: a finding is settled or
a measure's interval is narrowed, until nothing changes (unit propagation). Where all hold, the record contradicts
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from guidelog.ground.program import GroundComparison, GroundLiteral, GroundProgram, GroundRule
from guidelog.patients import Facts, Interval

from .kleene import NOTHING, Assumed, Model, World


@dataclass(frozen=True, slots=True)
class Propagated:
    """One fact that a denial added: an input, its new value, the denial, and the inputs it follows from."""

    name: str
    value: bool | Interval
    denial: GroundRule
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A denial all of whose elements hold, with the inputs involved and what the background had added before."""

    denial: GroundRule
    inputs: tuple[str, ...]
    steps: tuple[Propagated, ...] = ()

    @property
    def recorded(self) -> tuple[str, ...]:
        """The inputs of the record that it follows from: those involved, and for what was added those behind it."""
        behind: dict[str, set[str]] = {}
        for step in self.steps:
            behind.setdefault(step.name, set()).update(step.because)
        found, todo = dict.fromkeys(self.inputs), list(self.inputs)
        for name in todo:  # which grows meanwhile
            new = sorted(behind.get(name, set()) - found.keys())
            found.update(dict.fromkeys(new))
            todo += new
        return tuple(found)


Change: TypeAlias = tuple[str, "bool | Interval"]


def propagate(
    program: GroundProgram, facts: Facts, assumed: Assumed = NOTHING
) -> tuple[Facts, tuple[Propagated, ...]] | Contradiction:
    """The facts with all that the background adds, and the steps in order; or the first contradiction."""
    if not program.denials:
        return facts, ()
    steps: list[Propagated] = []
    relations = Model(program.fixed, program.fixed)
    changed = True
    world = World(program, facts, relations, assumed=assumed)
    while changed:
        changed = False
        for denial in program.denials:
            values = [world.element(element) for element in denial.elements]
            if any(value is False for value in values):
                continue
            open_places = [i for i, value in enumerate(values) if value is None]
            if not open_places:
                return Contradiction(denial, inputs_of(denial), tuple(steps))
            if len(open_places) > 1:
                continue
            change = _refute(denial, open_places[0], facts)
            if change is not None:
                name, value = change
                because = tuple(n for n in inputs_of(denial) if n != name)
                steps.append(Propagated(name, value, denial, because))
                facts = _with(facts, name, value)
                world = World(program, facts, relations, assumed=assumed)
                changed = True
    return facts, tuple(steps)


def inputs_of(rule: GroundRule) -> tuple[str, ...]:
    """The findings and measures that an instance looks at, in order."""
    names: dict[str, None] = {}
    for element in rule.elements:
        if isinstance(element, GroundComparison):
            names.update(dict.fromkeys(name for name, _ in element.terms))
    for literal in rule.atoms():
        if literal.atom[0] == "finding":
            names.setdefault(str(literal.atom[1]))
    return tuple(names)


def _refute(denial: GroundRule, place: int, facts: Facts) -> Change | None:
    """What makes the element at that place false."""
    match denial.elements[place]:
        case GroundLiteral(atom, negated) if atom[0] == "finding":
            return str(atom[1]), negated
        case GroundComparison(((name, coefficient),), operator, bound, high) if (
            coefficient in (1, -1) and bound == high
        ):
            if coefficient < 0:
                operator, bound = _MIRRORED[operator], -bound
            return _narrow(name, facts.measures[name], operator, bound)
        case _:
            return None


_MIRRORED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def _narrow(name: str, interval: Interval, operator: str, bound: int) -> Change | None:
    """The interval without the values for which the comparison holds."""
    low, high = interval.low, interval.high
    match operator:
        case ">":
            high = min(high, bound)
        case ">=":
            high = min(high, bound - 1)
        case "<":
            low = max(low, bound)
        case "<=":
            low = max(low, bound + 1)
        case "!=":
            low = high = bound
        case _:
            return None
    return None if (low, high) == (interval.low, interval.high) else (name, Interval(low, high))


def _with(facts: Facts, name: str, value: bool | Interval) -> Facts:
    if isinstance(value, Interval):
        return replace(facts, measures={**facts.measures, name: value})
    return replace(facts, findings={**facts.findings, name: value})
