"""Every place where a statement mentions a declared thing: what hover, references, rename and colours stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guidelog.language import tree
from guidelog.language.names import Names
from guidelog.source import Span

PREDICATE, FINDING, MEASURE, SCREEN, INTERVENTION = "predicate", "finding", "measure", "screen", "intervention"
STATEMENT, DECISION, READING, RULE, CITATION, STANCE, VARIABLE = (
    "statement",
    "decision",
    "reading",
    "rule",
    "citation",
    "stance",
    "variable",
)
_DECLARES = {
    "finding": FINDING,
    "measure": MEASURE,
    "screen": SCREEN,
    "intervention": INTERVENTION,
    "decl": PREDICATE,
    "concept": PREDICATE,
    "statement": STATEMENT,
    "decision": DECISION,
    "reading": READING,
}
_ATTRIBUTES = {"screen": SCREEN, "decision": DECISION, "silent": DECISION, "cites": CITATION}
_ANNOTATIONS = {
    "statements": STATEMENT,
    "decisions": DECISION,
    "reading": READING,
    "not_required": FINDING,
    "cites": CITATION,
    "id": RULE,
}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name of some kind at a place, without its quotes; `declares` where it is defined."""

    kind: str
    name: str
    span: Span
    declares: bool = False
    atom: tree.Atom | None = None


def occurrences(statement: tree.Statement, names: Names) -> Iterator[Occurrence]:
    """All occurrences in a statement, in the order of its parts."""
    match statement:
        case tree.Declaration(keyword, name, name_span=span):
            if keyword in _DECLARES and span is not None:
                yield Occurrence(_DECLARES[keyword], name, span, declares=True)
            for attribute in statement.attributes:
                if attribute.name in _ATTRIBUTES:
                    for value in attribute.values:
                        yield from _values(value, _ATTRIBUTES[attribute.name])
        case tree.Rule():
            for annotation in statement.annotations:
                if annotation.name in _ANNOTATIONS:
                    kind = _ANNOTATIONS[annotation.name]
                    yield from _values(annotation.values[0], kind, declares=kind == RULE)
            if statement.head is not None:
                yield from _atom(statement.head, names)
            for element in statement.body:
                yield from _element(element, names)


def _values(value: tree.Value, kind: str, *, declares: bool = False) -> Iterator[Occurrence]:
    match value:
        case tree.ListValue(items):
            for item in items:
                yield from _values(item, kind)
        case tree.Text(text, span) if span is not None:
            yield Occurrence(kind, text, Span(span.source, span.start + 1, span.end - 1), declares)
        case tree.Key(name, span) if span is not None:
            yield Occurrence(kind, name, span, declares)
        case tree.Number(number, span) if span is not None and kind == CITATION:
            yield Occurrence(kind, str(number), span)
        case _:
            pass


def _element(element: tree.Element, names: Names) -> Iterator[Occurrence]:
    match element:
        case tree.Literal(atom):
            yield from _atom(atom, names)
        case tree.AtLeast(_, members):
            for member in members:
                for literal in (member.literal, *member.conditions):
                    yield from _atom(literal.atom, names)
        case tree.Comparison():
            for variable in tree.variables_of(element):
                if variable.span is not None:
                    yield Occurrence(VARIABLE, variable.name, variable.span)


def _atom(atom: tree.Atom, names: Names) -> Iterator[Occurrence]:
    if atom.name_span is not None:
        yield Occurrence(PREDICATE, atom.predicate, atom.name_span, atom=atom)
    predicate = names.predicates.get(atom.predicate)
    for index, term in enumerate(atom.terms):
        if term.span is None:
            continue
        match term:
            case tree.Variable(name):
                yield Occurrence(VARIABLE, name, term.span)
            case tree.Symbol(name):
                type_ = predicate.types[index] if predicate and index < predicate.arity else ""
                kind = type_ if type_ in (FINDING, MEASURE, INTERVENTION, STANCE) else _guess(name, names)
                yield Occurrence(kind, name, term.span, atom=atom if kind in (FINDING, MEASURE) else None)
            case _:
                pass


def _guess(name: str, names: Names) -> str:
    """What a symbol in a column of any type most likely is."""
    vocabulary = names.vocabulary
    tables = ((INTERVENTION, vocabulary.interventions), (FINDING, vocabulary.findings), (MEASURE, vocabulary.measures))
    return next((kind for kind, table in tables if name in table), "symbol")
