"""Offsets and the positions of the protocol: lines from 0, columns in the units that the client asked for."""

from __future__ import annotations

from lsprotocol import types

from guidelog.source import Source, Span

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
