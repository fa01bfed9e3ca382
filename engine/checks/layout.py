"""A rule laid out for the checks.

A `Layout` says where each atom of a rule, fact or denial stands, which predicate it means, which variables get a
value and which of them are measured. An atom whose predicate is not declared soundly, or has another number of
columns, carries no predicate: the mistake is reported once where it is, and what rests on it is left alone. Unlike
`clauses.analyse` this takes any rule, however wrong. Nothing is reported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from guidelog.language.names import Predicate
from guidelog.language.tree import (
    AtLeast,
    Atom,
    Comparison,
    Expression,
    Literal,
    Range,
    Rule,
    Symbol,
    Term,
    Variable,
    variables_of,
)
from guidelog.source import Span

ANONYMOUS = "_"
MEASURE_COLUMN, VALUE_COLUMN = 1, 2
"""The columns of `measure` with the measure's name and with its value."""

Signature: TypeAlias = Callable[[Atom], Predicate | None]


class Place(Enum):
    """Where an atom stands in a clause."""

    HEAD = "head"
    BODY = "body"
    MEMBER = "member"  # what `atleast` counts
    CONDITION = "condition"  # behind the colon of a member


@dataclass(frozen=True, slots=True)
class Use:
    """An atom of a clause; `member` numbers the members of all its `atleast`, from 0."""

    atom: Atom
    place: Place
    predicate: Predicate | None
    negated: bool = False
    member: int | None = None
    span: Span | None = None

    @property
    def binds(self) -> bool:
        """Whether it gives its variables a value for the whole clause."""
        return self.place is Place.BODY and not self.negated

    @property
    def is_measure(self) -> bool:
        return self.predicate is not None and self.predicate.name == "measure"

    @property
    def about_patient(self) -> bool:
        return self.predicate is not None and self.predicate.about_patient

    def columns(self) -> Iterator[tuple[Term, str]]:
        """Terms with the types of their columns; nothing where the predicate is not known."""
        if self.predicate is not None:
            yield from zip(self.atom.terms, self.predicate.types, strict=True)


@dataclass(frozen=True, slots=True)
class Layout:
    """A rule, fact or denial with what the checks ask of it.

    `shared` variables occur outside `atleast`; all others belong to one member. `bound` ones get a value from a
    positive literal or from `=`, `assigned` ones from `=` alone. `measured` maps each measured variable to the
    measures it rests on (`?M` for a measure that is a variable). `uncertain` variables stand in atoms without a
    predicate, so that nothing is said about their types. `patients` are the first occurrences of the variables that
    stand for a patient.
    """

    rule: Rule
    uses: tuple[Use, ...]
    comparisons: tuple[Comparison, ...]
    shared: frozenset[str]
    bound: frozenset[str]
    assigned: Mapping[str, Expression]
    measured: Mapping[str, frozenset[str]]
    uncertain: frozenset[str]
    patients: tuple[Variable, ...]

    @property
    def head(self) -> Use | None:
        return self.uses[0] if self.rule.head is not None else None

    @property
    def body(self) -> tuple[Use, ...]:
        """All atoms but the head."""
        return self.uses[1:] if self.rule.head is not None else self.uses

    @property
    def is_fact(self) -> bool:
        return self.rule.head is not None and not self.rule.body

    def scope(self, name: str, use: Use) -> str:
        """A key that is the same for the same variable: variables of a member are its own."""
        return name if name in self.shared or use.member is None else f"{name}#{use.member}"


def lay_out(rule: Rule, signature: Signature) -> Layout:
    """The layout of a rule; `signature` gives the predicate of an atom where it is sound."""
    uses = tuple(_uses(rule, signature))
    comparisons = tuple(element for element in rule.body if isinstance(element, Comparison))
    shared = {v.name for use in uses if use.member is None for v in variables_of(use.atom)}
    shared |= {v.name for comparison in comparisons for v in variables_of(comparison)}
    given = {v.name for use in uses if use.binds for v in variables_of(use.atom)} - {ANONYMOUS}
    measured = _values_of_measures(uses)
    assigned = _assigned(comparisons, given, measured) if comparisons else {}
    return Layout(
        rule,
        uses,
        comparisons,
        frozenset(shared - {ANONYMOUS}),
        frozenset(given | set(assigned)),
        assigned,
        measured,
        frozenset(v.name for use in uses if use.predicate is None for v in variables_of(use.atom)),
        _patients(uses),
    )


def _uses(rule: Rule, signature: Signature) -> Iterator[Use]:
    if rule.head is not None:
        yield Use(rule.head, Place.HEAD, signature(rule.head), span=rule.head.span)
    number = 0
    for element in rule.body:
        match element:
            case Literal(atom, negated):
                yield Use(atom, Place.BODY, signature(atom), negated, span=element.span)
            case AtLeast(_, members):
                for member in members:
                    for place, literal in (
                        (Place.MEMBER, member.literal),
                        *((Place.CONDITION, c) for c in member.conditions),
                    ):
                        yield Use(literal.atom, place, signature(literal.atom), literal.negated, number, literal.span)
                    number += 1
            case Comparison():
                pass


def _values_of_measures(uses: tuple[Use, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for use in uses:
        if not (use.is_measure and use.binds):
            continue
        measure, value = use.atom.terms[MEASURE_COLUMN], use.atom.terms[VALUE_COLUMN]
        if isinstance(value, Variable) and value.name != ANONYMOUS:
            name = (
                measure.name
                if isinstance(measure, Symbol)
                else f"?{measure.name}"
                if isinstance(measure, Variable)
                else ""
            )
            found[value.name] = found.get(value.name, frozenset()) | ({name} if name else frozenset())
    return found


def _assigned(
    comparisons: tuple[Comparison, ...], given: set[str], measured: dict[str, frozenset[str]]
) -> dict[str, Expression]:
    """Variables that `=` binds to an expression of variables that have a value.

    Extends `measured` by those that rest on measures. A plain variable may stand on either side, a measured one on the
    left only.
    """
    assigned: dict[str, Expression] = {}
    equations = [
        equation for comparison in comparisons if comparison.operator == "=" for equation in _equations(comparison)
    ]
    changed = True
    while changed:
        changed = False
        for variable, expression, on_the_left in equations:
            if variable in given or variable in assigned:
                continue
            parts = [v.name for v in variables_of(expression)]
            rests_on = [measured[name] for name in parts if name in measured]
            if all(name in given or name in assigned for name in parts) and (on_the_left or not rests_on):
                assigned[variable] = expression
                if rests_on:
                    measured[variable] = frozenset().union(*rests_on)
                changed = True
    return assigned


def _equations(comparison: Comparison) -> Iterator[tuple[str, Expression, bool]]:
    left, right = comparison.left, comparison.right
    if isinstance(right, Range):
        return
    if isinstance(left, Variable) and left.name != ANONYMOUS:
        yield left.name, right, True
    if isinstance(right, Variable) and right.name != ANONYMOUS:
        yield right.name, left, False


def _patients(uses: tuple[Use, ...]) -> tuple[Variable, ...]:
    first: dict[str, Variable] = {}
    for use in uses:
        if use.about_patient:
            term = use.atom.terms[0]
            if isinstance(term, Variable) and term.name != ANONYMOUS:
                first.setdefault(term.name, term)
    return tuple(first.values())
