"""What the variables and constants of a clause stand for.

Gathers the types of the columns in which each variable occurs; variables that `=` makes equal count as one. Nothing is
reported here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guidelog.language.names import TYPES
from guidelog.language.tree import (
    Arithmetic,
    Comparison,
    Constant,
    Expression,
    Negative,
    Number,
    Range,
    Symbol,
    Text,
    Variable,
)
from guidelog.source import Span

from .layout import ANONYMOUS, VALUE_COLUMN, Layout, Place

ARTICLES: Mapping[str, str] = {
    "patient": "the patient",
    "finding": "a finding",
    "measure": "a measure",
    "intervention": "an intervention",
    "stance": "a stance",
    "symbol": "a name",
    "number": "a number",
}
"""Types in words."""

DECLARED_TYPES = ("finding", "measure", "intervention", "stance")
"""Types whose constants are declared; each is also a `symbol`."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A variable in a column; `binding` where the column gives it its value."""

    name: str
    type: str
    span: Span | None
    binding: bool


def occurrences_of(layout: Layout) -> Mapping[str, list[Occurrence]]:
    """The typed occurrences of each variable, in order, by its scope; equal variables share one list.

    Measured and uncertain variables are left out.
    """
    leader = _leaders(layout)
    found: dict[str, list[Occurrence]] = {}
    for use in layout.uses:
        binding = use.binds or (use.place is Place.CONDITION and not use.negated)
        for term, type_ in use.columns():
            if isinstance(term, Variable) and term.name != ANONYMOUS and type_ in TYPES:
                if term.name in layout.measured or term.name in layout.uncertain:
                    continue
                key = layout.scope(term.name, use)
                found.setdefault(leader.get(key, key), []).append(Occurrence(term.name, type_, term.span, binding))
    for name, first in leader.items():
        if first in found:
            found[name] = found[first]
    return found


def typed_constants(layout: Layout) -> Iterator[tuple[Constant, str]]:
    """Constants with the type that their place asks for, in columns and beside `=` and `!=`."""
    for use in layout.uses:
        for index, (term, type_) in enumerate(use.columns()):
            if not isinstance(term, Variable) and not (use.is_measure and index == VALUE_COLUMN):
                yield term, type_
    pairs = [pair for comparison in layout.comparisons for pair in _compared_constants(comparison)]
    if not pairs:
        return
    occurrences = occurrences_of(layout)
    for variable, constant in pairs:
        types = {o.type for o in occurrences.get(variable.name, ()) if o.type in DECLARED_TYPES}
        if len(types) == 1:
            yield constant, types.pop()


def kind_of(expression: Expression, layout: Layout, occurrences: Mapping[str, list[Occurrence]]) -> str | None:
    """`patient`, `name`, `number` or `measured`; None where it is not known or contradictory."""
    match expression:
        case Variable(name):
            if name in layout.measured:
                return "measured"
            kinds = {_kind(o.type) for o in occurrences.get(name, ())}
            if not kinds and name in layout.assigned and name not in layout.uncertain:
                return kind_of(layout.assigned[name], layout, occurrences)
            return kinds.pop() if len(kinds) == 1 else None
        case Symbol() | Text():
            return "name"
        case Number():
            return "number"
        case Negative(operand):
            return _computed(kind_of(operand, layout, occurrences))
        case Arithmetic(_, left, right):
            first, second = (_computed(kind_of(side, layout, occurrences)) for side in (left, right))
            return (
                None if first is None or second is None else "measured" if "measured" in (first, second) else "number"
            )


def _kind(type_: str) -> str:
    return type_ if type_ in ("patient", "number") else "name"


def _computed(kind: str | None) -> str | None:
    return kind if kind in ("number", "measured") else None


def _leaders(layout: Layout) -> dict[str, str]:
    """For each variable that `=` makes equal to another, the first of its class."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.get(name, name) != name:
            name = leader[name]
        return name

    for comparison in layout.comparisons:
        match comparison:
            case Comparison("=", Variable(left), Variable(right)) if ANONYMOUS not in (left, right):
                first, second = find(left), find(right)
                leader.setdefault(first, first)
                leader[second] = first
            case _:
                pass
    return {name: find(name) for name in leader}


def _compared_constants(comparison: Comparison) -> Iterator[tuple[Variable, Constant]]:
    left, right = comparison.left, comparison.right
    if comparison.operator in ("=", "!=") and not isinstance(right, Range):
        if isinstance(left, Variable) and isinstance(right, Symbol | Text):
            yield left, right
        if isinstance(right, Variable) and isinstance(left, Symbol | Text):
            yield right, left
