"""The syntax tree of the rule language.

Frozen values, one class for each production of `docs/language.md`; spans are carried for messages and are not
compared, so that two trees are equal when they say the same. Nothing is resolved or checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from guidelog.source import Source, Span


@dataclass(frozen=True, slots=True)
class Variable:
    """`P`, or `_` (every `_` is a different variable)."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name used as a constant."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    value: int
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string."""

    value: str
    span: Span | None = field(default=None, compare=False, repr=False)


Constant: TypeAlias = Symbol | Number | Text
Term: TypeAlias = Variable | Constant


@dataclass(frozen=True, slots=True)
class Range:
    """`12..26`: a threshold that the guideline leaves between two numbers."""

    low: int
    high: int
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right`, `left - right`, `left * right`."""

    operator: str
    left: Expression
    right: Expression
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`."""

    operand: Expression
    span: Span | None = field(default=None, compare=False, repr=False)


Expression: TypeAlias = Variable | Constant | Arithmetic | Negative


@dataclass(frozen=True, slots=True)
class Atom:
    """`predicate(term, …)`."""

    predicate: str
    terms: tuple[Term, ...]
    span: Span | None = field(default=None, compare=False, repr=False)
    name_span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """An atom or its negation."""

    atom: Atom
    negated: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left op right`; a range stands only on the right."""

    operator: str
    left: Expression
    right: Expression | Range
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`literal : condition, …` inside `atleast`."""

    literal: Literal
    conditions: tuple[Literal, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`atleast count { member; … }`."""

    count: int
    members: tuple[Member, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


Element: TypeAlias = Literal | Comparison | AtLeast


@dataclass(frozen=True, slots=True)
class Key:
    """A name or capitalised identifier used as a value: `S15`, `strong`, `kept`."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ListValue:
    """`[value, …]` in an annotation."""

    items: tuple[Value, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


Value: TypeAlias = Key | Number | Text | ListValue


@dataclass(frozen=True, slots=True)
class Attribute:
    """`name(value, …)` of a declaration, or `name = value` of an annotation (then with one value)."""

    name: str
    values: tuple[Value, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`F: finding` in a declaration."""

    name: str
    type: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """`.keyword name(params) "label" attribute…`; `parameters` is None without parentheses."""

    keyword: str
    name: str
    parameters: tuple[Parameter, ...] | None
    label: str | None
    attributes: tuple[Attribute, ...]
    span: Span | None = field(default=None, compare=False, repr=False)
    name_span: Span | None = field(default=None, compare=False, repr=False)

    def values(self, name: str) -> tuple[Value, ...]:
        """The values of all attributes of that name."""
        return tuple(value for attribute in self.attributes if attribute.name == name for value in attribute.values)


@dataclass(frozen=True)
class Rule:
    """A rule, a fact (empty body) or a denial (`head` is None). Annotations are looked up often, so it has no slots."""

    head: Atom | None
    body: tuple[Element, ...]
    annotations: tuple[Attribute, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    def annotation(self, key: str) -> Value | None:
        """The value of an annotation, or None."""
        return self._annotated.get(key)

    @cached_property
    def settled(self) -> frozenset[int]:
        """The places of body elements that count as false while unknown: with `unsettled`, all but the scope."""
        if self.annotation("unsettled") is None:
            return frozenset()
        return frozenset(place for place, element in enumerate(self.body) if not _is_scope(element))

    @cached_property
    def id(self) -> str | None:
        """The rule's id, when it has one."""
        value = self.annotation("id")
        return value.value if isinstance(value, Text) else None

    def listed(self, key: str) -> tuple[str, ...]:
        """A list annotation as texts: names, strings and numbers alike."""
        return self._listed.get(key, ())

    @cached_property
    def _annotated(self) -> Mapping[str, Value]:
        return {attribute.name: attribute.values[0] for attribute in reversed(self.annotations) if attribute.values}

    @cached_property
    def _listed(self) -> Mapping[str, tuple[str, ...]]:
        lists = {k: v.items if isinstance(v, ListValue) else (v,) for k, v in self._annotated.items()}
        return {k: tuple(plain(v) for v in items if not isinstance(v, ListValue)) for k, items in lists.items()}


Statement: TypeAlias = Declaration | Rule


@dataclass(frozen=True, slots=True)
class Program:
    """All statements of a guideline, in the order of files and lines."""

    statements: tuple[Statement, ...]
    sources: tuple[Source, ...] = field(default=(), compare=False, repr=False)

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(s for s in self.statements if isinstance(s, Declaration))

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(s for s in self.statements if isinstance(s, Rule))

    @property
    def numbered_rules(self) -> tuple[Rule, ...]:
        """The rules that carry an id: what is counted wherever rules are counted."""
        return tuple(rule for rule in self.rules if rule.id)


def plain(value: Value) -> str:
    """A value as text, without quotes."""
    match value:
        case Key(name):
            return name
        case Number(number):
            return str(number)
        case Text(text):
            return text
        case ListValue(items):
            return ", ".join(plain(item) for item in items)


def atoms_of(element: Element) -> Iterator[Atom]:
    """The atoms of a body element, those of `atleast` members and conditions included."""
    match element:
        case Literal(atom):
            yield atom
        case AtLeast(_, members):
            for member in members:
                yield member.literal.atom
                for condition in member.conditions:
                    yield condition.atom
        case Comparison():
            return


def variables_of(node: Term | Expression | Range | Atom | Element) -> Iterator[Variable]:
    """The variables of a node from left to right, repeated as they occur."""
    match node:
        case Variable():
            yield node
        case Symbol() | Number() | Text() | Range():
            return
        case Arithmetic(_, left, right):
            yield from variables_of(left)
            yield from variables_of(right)
        case Negative(operand):
            yield from variables_of(operand)
        case Atom(_, terms):
            for term in terms:
                if isinstance(term, Variable):
                    yield term
        case Literal(atom):
            yield from variables_of(atom)
        case Comparison(_, left, right):
            yield from variables_of(left)
            yield from variables_of(right)
        case AtLeast(_, members):
            for member in members:
                yield from variables_of(member.literal)
                for condition in member.conditions:
                    yield from variables_of(condition)


def _is_scope(element: Element) -> bool:
    return isinstance(element, Literal) and not element.negated and element.atom.predicate == "in_scope"
