"""Offsets and the positions of the protocol, and where the names of a guideline stand in its files.

Lines from 0, columns in the units that the client asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types
from pygls.uris import from_fs_path

from guidelog.language import tree
from guidelog.source import Source, Span

from .analysis import Folder
from .occurrences import Occurrence, occurrences
from .snapshot import File, Snapshot

Encoding = types.PositionEncodingKind | str


def position_of(source: Source, offset: int, encoding: Encoding) -> types.Position:
    """The position of an offset."""
    line, column = source.position(min(max(offset, 0), len(source.text)))
    before = source.text[source.offset(line, 1) : source.offset(line, column)]
    return types.Position(line - 1, _units(before, encoding))


def range_of(span: Span, encoding: Encoding) -> types.Range:
    """The range of a span."""
    return types.Range(position_of(span.source, span.start, encoding), position_of(span.source, span.end, encoding))


def offset_of(source: Source, position: types.Position, encoding: Encoding) -> int:
    """The offset of a position; beyond the end of a line or of the text, the end."""
    if position.line >= source.line_count:
        return len(source.text)
    start = source.offset(position.line + 1, 1)
    line = source.line(position.line + 1)
    units = 0
    for index, character in enumerate(line):
        if units >= position.character:
            return start + index
        units += _units(character, encoding)
    return start + len(line)


def whole(source: Source, encoding: Encoding) -> types.Range:
    """The whole text."""
    return range_of(Span(source, 0, len(source.text)), encoding)


def _units(text: str, encoding: Encoding) -> int:
    if text.isascii() or encoding == types.PositionEncodingKind.Utf32:
        return len(text)
    if encoding == types.PositionEncodingKind.Utf8:
        return len(text.encode())
    return len(text.encode("utf-16-le")) // 2


def every(snapshot: Snapshot) -> Iterator[tuple[File, Occurrence, int]]:
    """Every name in every statement that can be read: its file, itself, where its statement starts."""
    for file in (*snapshot.files, *snapshot.beside):
        for piece, start in zip(file.pieces, file.starts, strict=True):
            if isinstance(piece.parsed, (tree.Declaration, tree.Rule)):
                for occurrence in occurrences(piece.parsed, snapshot.names):
                    yield file, occurrence, start


def all_of(snapshot: Snapshot, wanted: Occurrence) -> Iterator[tuple[File, Occurrence, int]]:
    """All places of the same thing; a variable is the same only in its own statement."""
    for file, occurrence, start in every(snapshot):
        if (occurrence.kind, occurrence.name) == (wanted.kind, wanted.name):
            if wanted.kind == "variable" and occurrence.span.source is not wanted.span.source:
                continue
            yield file, occurrence, start


def heads(file: File, occurrence: Occurrence, start: int) -> bool:
    """Whether a name is the predicate that its rule defines."""
    piece = file.piece_at(start)
    rule = piece[0].parsed if piece else None
    return isinstance(rule, tree.Rule) and rule.head is not None and rule.head is occurrence.atom


def range_in(encoding: Encoding, file: File, occurrence: Occurrence, start: int) -> types.Range:
    """The range of a name in its file."""
    source = file.source
    return types.Range(
        position_of(source, start + occurrence.span.start, encoding),
        position_of(source, start + occurrence.span.end, encoding),
    )


def location(encoding: Encoding, folder: Folder, file: File, occurrence: Occurrence, start: int) -> types.Location:
    """The range of a name and the address of its file."""
    uri = from_fs_path(str(folder.path / file.name)) or ""
    return types.Location(uri, range_in(encoding, file, occurrence, start))
