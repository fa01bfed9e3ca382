"""What every check looks at: the program, its names, the references, and each rule laid out.

A `Context` is built once for a program. It also knows which names stand in text that could not be read, so that one
syntax error does not become an undeclared name in twenty rules. Nothing is reported here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from guidelog.diagnostics import Label, nearest
from guidelog.language.names import BUILT_IN, TYPES, Kind, Names, Predicate
from guidelog.language.tree import Atom, Declaration, Program
from guidelog.source import Source, Span

from .attribute_schema import ATTRIBUTES
from .layout import Layout, lay_out

_DECLARES = re.compile(r"^\.[A-Za-z_]+[ \t]+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
_DEFINES = re.compile(r"^([a-z][A-Za-z0-9_]*)[ \t]*\(", re.MULTILINE)
_MOST_SUGGESTIONS = 100
"""Looking for the nearest name is slow; after this many the rest of a hopeless file goes without."""


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
