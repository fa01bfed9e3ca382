"""Parquet files of one schema -> one Parquet file, without decoding a value.

A Parquet file is its column chunks and, at the end, a footer that says where they are. So the chunks of all parts are
copied one after the other, and one footer is written with every place moved by as much as its part was. The footer is
read and written field by field in Thrift's compact form, whatever the fields are, and only the places are touched. It
is for files that this package has written: unencrypted, without indexes of pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAGIC = b"PAR1"
_ROWS, _GROUPS = 3, 4  # of the footer
_CHUNKS, _GROUP_PLACE, _ORDINAL = 1, 5, 7  # of a row group
_CHUNK_PLACE, _CHUNK_DATA = 2, 3  # of a column chunk; 4 to 7 are places of indexes
_PLACES = (9, 10, 11, 14)  # of a chunk's data: its pages, its index, its dictionary, its filter
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)


@dataclass(slots=True)
class _Field:
    kind: int
    value: Any


_Struct = dict[int, _Field]


def join_parquet(files: Sequence[Path], whole: Path) -> None:
    """Write all row groups of the files, in order, as one file. ValueError for what is not such a file."""
    footer: _Struct | None = None
    with whole.open("wb") as out:
        out.write(MAGIC)
        for file in files:
            with file.open("rb") as part:
                found, length = _footer(part, file)
                _move(found, out.tell() - len(MAGIC))
                part.seek(len(MAGIC))
                _copy(part, out, length)
            if footer is None:
                footer = found
            else:
                footer[_ROWS].value += found[_ROWS].value
                _groups(footer).extend(_groups(found))
        if footer is None:
            raise ValueError("no files to join")
        for place, group in enumerate(_groups(footer)):
            if _ORDINAL in group:
                group[_ORDINAL].value = place
        text = bytearray()
        _put_struct(text, footer)
        out.write(bytes(text) + len(text).to_bytes(4, "little") + MAGIC)


def _footer(part: Any, file: Path) -> tuple[_Struct, int]:
    """The footer of an open file, and how many bytes of column chunks there are before it."""
    size = part.seek(0, 2)
    part.seek(max(size - 8, 0))
    end = part.read()
    length = int.from_bytes(end[:4], "little")
    if len(end) < 8 or end[4:] != MAGIC or length > size - 12:
        message = f"`{file}` is not a Parquet file"
        raise ValueError(message)
    part.seek(size - 8 - length)
    found, _ = _struct(part.read(length), 0)
    return found, size - 8 - length - len(MAGIC)


def _groups(footer: _Struct) -> list[_Struct]:
    return footer[_GROUPS].value[1] if _GROUPS in footer else []


def _move(footer: _Struct, by: int) -> None:
    """Every place in a footer, moved; zero is how a writer leaves a place out."""
    for group in _groups(footer):
        if _GROUP_PLACE in group and group[_GROUP_PLACE].value:
            group[_GROUP_PLACE].value += by
        for chunk in group[_CHUNKS].value[1]:
            if chunk[_CHUNK_PLACE].value:
                chunk[_CHUNK_PLACE].value += by
            for name in [n for n in chunk if n > _CHUNK_DATA]:
                del chunk[name]
            data = chunk[_CHUNK_DATA].value
            for name in _PLACES:
                if name in data and data[name].value:
                    data[name].value += by


def _copy(part: Any, out: Any, length: int) -> None:
    while length:
        block = part.read(min(length, 1 << 22))
        if not block:
            raise ValueError("a part has become shorter while it was read")
        out.write(block)
        length -= len(block)


# Thrift's compact form
def _struct(text: bytes, at: int) -> tuple[_Struct, int]:
    found: _Struct = {}
    number = 0
    while text[at]:
        step, kind = divmod(text[at], 16)
        at += 1
        if step:
            number += step
        else:
            number, at = _integer(text, at)
        if kind in (_TRUE, _FALSE):
            found[number] = _Field(kind, None)
        else:
            value, at = _value(text, at, kind)
            found[number] = _Field(kind, value)
    return found, at + 1


def _value(text: bytes, at: int, kind: int) -> tuple[Any, int]:
    match kind:
        case 1 | 2 | 3:  # in a list, truth values are bytes
            return text[at], at + 1
        case 4 | 5 | 6:
            return _integer(text, at)
        case 7:
            return text[at : at + 8], at + 8
        case 8:
            length, at = _varint(text, at)
            return text[at : at + length], at + length
        case 9 | 10:
            count, inner = divmod(text[at], 16)
            at += 1
            if count == 15:
                count, at = _varint(text, at)
            items = []
            for _ in range(count):
                item, at = _value(text, at, inner)
                items.append(item)
            return (inner, items), at
        case 12:
            return _struct(text, at)
        case _:
            raise ValueError("a footer with a kind of field that is not known here")


def _varint(text: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = text[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _integer(text: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(text, at)
    return value >> 1 ^ -(value & 1), at


def _put_struct(out: bytearray, struct: _Struct) -> None:
    before = 0
    for number, field in sorted(struct.items()):
        if 0 < number - before < 16:
            out.append(number - before << 4 | field.kind)
        else:
            out.append(field.kind)
            _put_integer(out, number)
        before = number
        if field.kind not in (_TRUE, _FALSE):
            _put(out, field.kind, field.value)
    out.append(0)


def _put(out: bytearray, kind: int, value: Any) -> None:
    if kind in (_TRUE, _FALSE, _BYTE):
        out.append(value)
    elif kind in _INTEGERS:
        _put_integer(out, value)
    elif kind == _DOUBLE:
        out += value
    elif kind == _BINARY:
        _put_varint(out, len(value))
        out += value
    elif kind in (_LIST, _SET):
        inner, items = value
        out.append(min(len(items), 15) << 4 | inner)
        if len(items) >= 15:
            _put_varint(out, len(items))
        for item in items:
            _put(out, inner, item)
    else:
        assert kind == _STRUCT, "nothing else is read"
        _put_struct(out, value)


def _put_varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _put_integer(out: bytearray, value: int) -> None:
    _put_varint(out, value << 1 if value >= 0 else ~value << 1 | 1)
