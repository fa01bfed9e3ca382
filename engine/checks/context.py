"""What every check looks at: the program, its names, the references, and each rule laid out.

A `Layout` says where each atom of a rule, fact or denial stands, which predicate it means, which variables get a
value and which of them are measured. An atom whose predicate is not declared soundly, or has another number of
columns, carries no predicate: the mistake is reported once where it is, and what rests on it is left alone. Unlike
`clauses.analyse` this takes any rule, however wrong. A `Context` is built once for a program. It also knows which
names stand in text that could not be read, so that one syntax error does not become an undeclared name in twenty
rules. `occurrences_of` and what follows it say what the variables and constants of a clause stand for: the types of
the columns in which each variable occurs, where variables that `=` makes equal count as one. Nothing is reported here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import TypeAlias

from guidelog.diagnostics import Label, nearest
from guidelog.language.names import BUILT_IN, TYPES, Kind, Names, Predicate
from guidelog.language.tree import (
    Arithmetic,
    AtLeast,
    Atom,
    Comparison,
    Constant,
    Declaration,
    Expression,
    Literal,
    Negative,
    Number,
    Program,
    Range,
    Rule,
    Symbol,
    Term,
    Text,
    Variable,
    variables_of,
)
from guidelog.source import Source, Span

from .attribute_schema import ATTRIBUTES

ANONYMOUS = "_"
MEASURE_COLUMN, VALUE_COLUMN = 1, 2
"""The columns of `measure` with the measure's name and with its value."""

Signature: TypeAlias = Callable[[Atom], Predicate | None]

_DECLARES = re.compile(r"^\.[A-Za-z_]+[ \t]+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
_DEFINES = re.compile(r"^([a-z][A-Za-z0-9_]*)[ \t]*\(", re.MULTILINE)
_MOST_SUGGESTIONS = 100
"""Looking for the nearest name is slow; after this many the rest of a hopeless file goes without."""

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


@dataclass(frozen=True, slots=True)
class References:
    """The numbers that the guideline's reference list gives, and those that the source cites and nothing resolves.

    None means not known: nothing is said about citations then.
    """

    known: frozenset[int] | None = None
    unresolved: frozenset[int] | None = None


@dataclass(slots=True)
class _Suggestions:
    left: int = _MOST_SUGGESTIONS


@dataclass(frozen=True, slots=True)
class Context:
    """A program as the checks see it.

    `defined` maps a predicate to its rules and facts. `half_declared` and `half_defined` are names in text that could
    not be read or used; `unsound` predicates have no columns to rely on. `places` maps keyword and name to the first
    declaration.
    """

    program: Program
    names: Names
    references: References
    layouts: tuple[Layout, ...]
    defined: Mapping[str, tuple[Layout, ...]]
    half_declared: frozenset[str]
    half_defined: frozenset[str]
    unsound: frozenset[str]
    places: Mapping[tuple[str, str], Span | None]
    _suggestions: _Suggestions = field(default_factory=_Suggestions)

    def near(self, name: str, candidates: Iterable[str]) -> str | None:
        """The nearest candidate, or None; None as well once very many have been looked for."""
        if self._suggestions.left <= 0:
            return None
        self._suggestions.left -= 1
        return nearest(name, candidates)

    def declared(self, name: str | None, *keywords: str, text: str = "declared here") -> Label | None:
        """A label at the declaration of a name, or None."""
        for keyword in keywords:
            span = self.places.get((keyword, name or ""))
            if span is not None:
                return Label(span, text)
        return None


def context_of(program: Program, names: Names, references: References | None) -> Context:
    """The context of a parsed program."""
    unsound = _unsound(program, names)

    def signature(atom: Atom) -> Predicate | None:
        predicate = names.predicates.get(atom.predicate)
        if predicate is None or predicate.arity != len(atom.terms) or atom.predicate in unsound:
            return None
        return predicate

    layouts = tuple(lay_out(rule, signature) for rule in program.rules)
    defined: dict[str, list[Layout]] = {}
    for layout in layouts:
        if layout.rule.head is not None:
            defined.setdefault(layout.rule.head.predicate, []).append(layout)
    unread = tuple(_unread(program))
    unknown = {d.name for d in program.declarations if d.keyword not in ATTRIBUTES}
    return Context(
        program,
        names,
        references or References(),
        layouts,
        {name: tuple(found) for name, found in defined.items()},
        frozenset(unknown.union(*(_DECLARES.findall(text) for text in unread))),
        frozenset().union(*(_DEFINES.findall(text) for text in unread)),
        unsound,
        {(d.keyword, d.name): d.name_span for d in reversed(program.declarations)},
    )


@cache
def built_in() -> Mapping[str, Predicate]:
    """The built-in predicates by name."""
    return {predicate.name: predicate for predicate in BUILT_IN}


def sound_columns(declaration: Declaration) -> bool:
    """Whether a declared predicate has columns that can be relied on."""
    if declaration.parameters is None:
        return False
    types = [p.type for p in declaration.parameters]
    patients = [index for index, type_ in enumerate(types) if type_ == "patient"]
    return all(t in TYPES for t in types) and patients == ([0] if declaration.keyword == "concept" else [])


def _unsound(program: Program, names: Names) -> frozenset[str]:
    """Predicates whose declaration is wrong, or that are declared in two ways."""
    unsound: set[str] = set()
    seen: dict[str, tuple[str, ...]] = {
        name: p.types for name, p in names.predicates.items() if p.kind in (Kind.INPUT, Kind.BUILT_IN)
    }
    for declaration in program.declarations:
        if declaration.keyword in ("decl", "concept"):
            types = tuple(p.type for p in declaration.parameters or ())
            if not sound_columns(declaration) or seen.setdefault(declaration.name, types) != types:
                unsound.add(declaration.name)
    return frozenset(unsound)


def _unread(program: Program) -> Iterator[str]:
    """The text of each source that is in no statement, comments included."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for statement in program.statements:
        if statement.span is not None:
            spans.setdefault(id(statement.span.source), []).append((statement.span.start, statement.span.end))
    for source in program.sources:
        yield from _gaps(source, sorted(spans.get(id(source), ())))


def _gaps(source: Source, spans: list[tuple[int, int]]) -> Iterator[str]:
    end = 0
    for start, stop in [*spans, (len(source.text), len(source.text))]:
        gap = source.text[end:start]
        if not gap.isspace():
            yield gap
        end = max(end, stop)


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
