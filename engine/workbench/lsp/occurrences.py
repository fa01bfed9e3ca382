"""Every place where a statement mentions a declared thing, and where a new name of it has to be written.

What hover, references, rename and colours stand on. A rename goes through everything that a guideline folder says with
the name: rule files and `properties.dl` where their statements mention it; vignettes where it is a whole value or key
(`screen:NAME` in questions, too); `*.toml` where it is a whole string, or the key of a reading. Words in comments and
sentences stay, and so does everything outside the folder: patients elsewhere, pages, pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from guidelog.language import tree
from guidelog.language.names import Names
from guidelog.source import Source, Span

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


NAMES = {
    "predicate": r"[a-z][A-Za-z0-9_]*",
    "finding": r"[a-z][A-Za-z0-9_]*",
    "measure": r"[a-z][A-Za-z0-9_]*",
    "screen": r"[a-z][A-Za-z0-9_]*",
    "intervention": r"[a-z][A-Za-z0-9_]*",
    "reading": r"[a-z][A-Za-z0-9_]*",
    "statement": r"[A-Za-z_][A-Za-z0-9_]*",
    "decision": r"[A-Za-z_][A-Za-z0-9_]*",
    "rule": r"[A-Za-z0-9_.-]+",
}
"""What can be renamed, and what a name of that kind may look like."""

_IN_VIGNETTES = {"finding", "measure", "screen", "intervention", "statement", "decision", "rule"}
_IN_TOML = {"finding", "measure", "screen", "intervention", "reading"}
_WORDS = re.compile(r"^\s*(?:concepts|name|display|title|description|note|assumes|mentions)\s*=")
_LARGEST = 1_000_000


def beside_the_rules(folder: Path, occurrence: Occurrence, read: Callable[[Path], str]) -> Iterator[tuple[Path, Span]]:
    """The places of a name in the vignettes and tables of a folder. `read` gives a file's text, as in the editor."""
    kind, name = occurrence.kind, occurrence.name
    places: list[tuple[Path, Callable[[Source, str, str], Iterator[Span]]]] = []
    if kind in _IN_VIGNETTES:
        files = sorted(p for p in (folder / "vignettes").rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
        places += [(path, _in_vignette) for path in files]
    if kind in _IN_TOML:
        places += [(path, _in_toml) for path in sorted(folder.glob("*.toml"))]
    for path, find in places:
        try:
            text = read(path)
        except (OSError, UnicodeDecodeError):
            continue
        if name in text and len(text) <= _LARGEST:
            for span in find(Source(path.name, text), kind, name):
                yield path, span


def _in_vignette(source: Source, kind: str, name: str) -> Iterator[Span]:
    try:
        tokens = [t for t in yaml.scan(source.text, Loader=yaml.SafeLoader) if isinstance(t, yaml.ScalarToken)]
    except yaml.YAMLError:
        return  # `check` says what is wrong with it
    wanted = {name, f"screen:{name}"} if kind == "screen" else {name}
    for token in tokens:
        if token.value in wanted:
            end = token.end_mark.index
            written = source.text[token.start_mark.index : end]
            at = written.rfind(name)
            yield Span(source, token.start_mark.index + at, token.start_mark.index + at + len(name))


def _in_toml(source: Source, kind: str, name: str) -> Iterator[Span]:
    key = rf"|^(?P<key>{re.escape(name)})(?=\s*=)" if kind == "reading" else ""
    pattern = re.compile(rf'(?<=")(?P<value>{re.escape(name)})(?="){key}', re.MULTILINE)
    for match in pattern.finditer(source.text):
        line = source.text[source.text.rfind("\n", 0, match.start()) + 1 :]
        if not _WORDS.match(line) and not line.lstrip().startswith("#"):
            yield Span(source, match.start(), match.end())
