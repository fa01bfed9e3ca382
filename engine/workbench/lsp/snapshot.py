"""The rule files of a folder as they are in the editor right now, parsed statement by statement.

A statement is parsed once for each text it ever has: after an edit only what changed is parsed again. Every statement
has a `Source` of its own, so that trees do not depend on where they stand; `Snapshot.place` finds the file and the
offset. Nothing is checked here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from guidelog.diagnostics import Diagnostic
from guidelog.language import parse_statement, tree
from guidelog.language.names import Names, names_of
from guidelog.language.parser import cut
from guidelog.source import Source, Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement's text and what it was parsed to; `source` holds that text alone."""

    source: Source
    parsed: tree.Statement | Diagnostic


@dataclass(frozen=True, slots=True)
class _Cut:
    """A text and where its statements were."""

    text: str
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class File:
    """A file with its statements: `starts` are their offsets."""

    name: str
    source: Source
    pieces: tuple[Piece, ...]
    starts: tuple[int, ...]
    problems: tuple[Diagnostic, ...]

    def piece_at(self, offset: int) -> tuple[Piece, int] | None:
        """The statement at an offset, its end included, and where it starts."""
        index = bisect_right(self.starts, offset) - 1
        if index < 0 or offset > self.starts[index] + len(self.pieces[index].source.text):
            return None
        return self.pieces[index], self.starts[index]


@dataclass
class Reader:
    """Parses files, remembering statements. At most `most` texts are remembered."""

    most: int = 50_000
    _known: dict[tuple[str, int], Piece] = field(default_factory=dict)
    _last: dict[str, _Cut] = field(default_factory=dict)

    def read(self, name: str, text: str, seen: dict[str, int]) -> File:
        """A file's statements. `seen` counts equal texts of one snapshot, for each needs a source of its own."""
        source = Source(name, text)
        places, problems = self.cut(name, source)
        pieces: list[Piece] = []
        for start, end in places:
            words = text[start:end]
            number = seen[words] = seen.get(words, 0) + 1
            piece = self._known.get((words, number))
            if piece is None:
                alone = Source(name, words)
                piece = Piece(alone, parse_statement(Span(alone, 0, len(words))))
                if len(self._known) >= self.most:
                    self._known.clear()
                self._known[words, number] = piece
            pieces.append(piece)
        return File(name, source, tuple(pieces), tuple(start for start, _ in places), problems)

    def cut(self, name: str, source: Source) -> tuple[tuple[tuple[int, int], ...], tuple[Diagnostic, ...]]:
        """Where the statements of a file are; after an edit only its neighbourhood is cut again."""
        places = None
        last = self._last.get(name)
        if last is not None:
            if last.text == source.text:
                return last.places, ()
            places = _cut_again(last, source.text)
        problems: tuple[Diagnostic, ...] = ()
        if places is None:
            spans, found = cut(source)
            places, problems = tuple((s.start, s.end) for s in spans), tuple(found)
        if problems:
            self._last.pop(name, None)
        else:
            self._last[name] = _Cut(source.text, places)
        return places, problems

    def snapshot(self, texts: Mapping[str, str], beside: Mapping[str, str]) -> Snapshot:
        """All files, by name."""
        seen: dict[str, int] = {}
        read = [tuple(self.read(name, text, seen) for name, text in sorted(of.items())) for of in (texts, beside)]
        return Snapshot(*read)


@dataclass(frozen=True)
class Snapshot:
    """All rule files of a guideline at one moment; `beside` are files about the rules that are no part of them."""

    files: tuple[File, ...]
    beside: tuple[File, ...] = ()

    @cached_property
    def program(self) -> tree.Program:
        """What could be read, as one program."""
        pieces = [p for f in self.files for p in f.pieces]
        statements = tuple(p.parsed for p in pieces if not isinstance(p.parsed, Diagnostic))
        return tree.Program(statements, tuple(p.source for p in pieces))

    @cached_property
    def names(self) -> Names:
        return names_of(self.program)

    @cached_property
    def syntax(self) -> list[Diagnostic]:
        """What cannot be read."""
        found = [d for f in self.files for d in f.problems]
        return found + [p.parsed for f in self.files for p in f.pieces if isinstance(p.parsed, Diagnostic)]

    @cached_property
    def _places(self) -> dict[int, tuple[File, int]]:
        found = {id(p.source): (f, start) for f in self.files for p, start in zip(f.pieces, f.starts, strict=True)}
        found.update({id(f.source): (f, 0) for f in self.files})
        return found

    def place(self, span: Span) -> Span | None:
        """A statement's span as one of its file; None when it is not of this snapshot."""
        found = self._places.get(id(span.source))
        if found is None:
            return None
        file, start = found
        return Span(file.source, start + span.start, start + span.end)

    def file(self, name: str) -> File | None:
        return next((f for f in (*self.files, *self.beside) if f.name == name), None)

    def changed_rules(self, before: Snapshot | None) -> tuple[tree.Rule, ...]:
        """The rules that an earlier snapshot did not have."""
        old = {id(p) for f in before.files for p in f.pieces} if before else set()
        new = (p for f in self.files for p in f.pieces if id(p) not in old)
        return tuple(p.parsed for p in new if isinstance(p.parsed, tree.Rule))

    @cached_property
    def declared(self) -> frozenset[str]:
        """The texts of the declarations: where they are the same, so are all names."""
        pieces = (p for f in self.files for p in f.pieces)
        return frozenset(p.source.text for p in pieces if isinstance(p.parsed, tree.Declaration))


_NEIGHBOURS = 2
"""Where a statement ends depends on what follows, so that some around an edit are cut again with it."""


def _cut_again(last: _Cut, text: str) -> tuple[tuple[int, int], ...] | None:
    """The statements of a changed text from those of the text before; None when it has to be cut as a whole."""
    prefix = _common(last.text, text)
    longest = min(len(last.text), len(text)) - prefix
    suffix = _common_end(last.text, text, longest)
    moved = len(text) - len(last.text)
    places = last.places
    before = bisect_right(places, (prefix, 0)) - _NEIGHBOURS
    after = bisect_right(places, (len(last.text) - suffix, 0)) + _NEIGHBOURS
    if before < 1 or after >= len(places):
        return None
    start, stop = places[before][0], places[after][0] + moved
    middle, problems = cut(Source("", text[start:stop]))
    if problems or not middle:
        return None
    ending = text[start + middle[-1].start : start + middle[-1].end]
    if not (ending.endswith(".") or (ending.startswith(".") and text[stop - 1 : stop] == "\n")):
        return None  # the statement before the untouched rest might go on into it
    again = tuple((start + s.start, start + s.end) for s in middle)
    return (*places[:before], *again, *((a + moved, b + moved) for a, b in places[after:]))


def _common(first: str, second: str) -> int:
    """The length of the common beginning, by halving: comparing slices is fast."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(first: str, second: str, longest: int) -> int:
    """The length of the common end, at most `longest`."""
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        if first[len(first) - middle : len(first) - low] == second[len(second) - middle : len(second) - low]:
            low = middle
        else:
            high = middle - 1
    return low
