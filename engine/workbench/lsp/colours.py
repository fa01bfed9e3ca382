"""Semantic tokens: the kind of each word, where a grammar of patterns cannot tell a finding from a concept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guidelog.language import tree
from guidelog.language.names import Names

from .occurrences import occurrences
from .positions import Encoding, position_of
from .snapshot import File

TYPES = ("keyword", "variable", "function", "enumMember", "number", "string", "comment", "operator", "property", "type")
MODIFIERS = ("declaration", "defaultLibrary")
_INDEX = {name: index for index, name in enumerate(TYPES)}
_TOKEN = re.compile(
    r'(?P<comment>%[^\n]*)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<keyword>^\.[a-z_]+|\batleast\b)|(?P<number>\b[0-9]+\b)'
    r"|(?P<operator>:-|<=|>=|!=|\.\.|[<>=!+*-])|(?P<property>\b[a-z_]+(?=\s*=[^=]))|(?P<variable>\b[A-Z_][A-Za-z0-9_]*\b)",
    re.MULTILINE,
)
_KINDS = {
    "predicate": "function",
    "finding": "enumMember",
    "measure": "enumMember",
    "intervention": "enumMember",
    "stance": "enumMember",
    "screen": "enumMember",
    "variable": "variable",
    "symbol": "enumMember",
}


def semantic_tokens(file: File, names: Names, encoding: Encoding) -> list[int]:
    """The tokens of a file as the protocol packs them: five numbers each, relative to the one before."""
    found = sorted(_tokens(file, names))
    packed: list[int] = []
    line = character = 0
    for start, length, kind, modifiers in found:
        place = position_of(file.source, start, encoding)
        end = position_of(file.source, start + length, encoding)
        if end.line != place.line or end.character <= place.character:
            continue
        packed += [
            place.line - line,
            place.character - (character if place.line == line else 0),
            end.character - place.character,
            _INDEX[kind],
            modifiers,
        ]
        line, character = place.line, place.character
    return packed


def _tokens(file: File, names: Names) -> Iterator[tuple[int, int, str, int]]:
    taken: list[tuple[int, int]] = []
    for piece, start in zip(file.pieces, file.starts, strict=True):
        if isinstance(piece.parsed, (tree.Declaration, tree.Rule)):
            for found in occurrences(piece.parsed, names):
                kind = _KINDS.get(found.kind)
                if kind is not None and found.span.end > found.span.start:
                    begin = start + found.span.start
                    taken.append((begin, begin + found.span.end - found.span.start))
                    library = (
                        kind == "function"
                        and names.predicates.get(found.name) is not None
                        and (names.predicates[found.name].declaration is None)
                    )
                    yield begin, taken[-1][1] - begin, kind, int(found.declares) + 2 * library
    covered: set[int] = set()
    for begin, end in taken:
        covered.update(range(begin, end))
    for match in _TOKEN.finditer(file.source.text):
        if match.start() not in covered:
            yield match.start(), match.end() - match.start(), str(match.lastgroup), 0
