"""The rows of a CSV or NDJSON file as its bytes have them: which line a row is on, and its cells, read by nobody else.

The audit and the list of rejects use this, and no engine does: so what a run is checked against does not come through
the library that read the table for it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

_BOM = b"\xef\xbb\xbf"


class Lines:
    """The places of a file's rows. `rows` are counted from 0; blank lines are none, and a CSV's header is none.

    `careful`: every quote of a CSV is looked at. Otherwise a line of many quotes is taken to end outside of them where
    they are even in number and none stands between other letters, which is faster, and wrong for the likes of `a","b`.
    """

    def __init__(self, path: str, kind: str, *, careful: bool = False) -> None:
        self.path, self.kind, self.careful = path, kind, careful
        self._starts: list[int] | None = None
        self._offsets: list[int] = []

    def of(self, row: int) -> int:
        """The line on which a row begins, from 1."""
        if self._starts is None:
            self._starts = []
            for number, (line, _) in enumerate(self._records()):
                offset = line - number
                if not self._offsets or self._offsets[-1] != offset:
                    self._starts.append(number)
                    self._offsets.append(offset)
        place = bisect_right(self._starts, row) - 1
        return row + (self._offsets[place] if place >= 0 else 1)

    def cells(self, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        """The cells of some rows by column; what is empty is None."""
        last, wanted = max(rows, default=-1), set(rows)
        found: dict[int, dict[str, Any]] = {}
        header = self._header() if self.kind == "csv" else []
        for number, (_, text) in enumerate(self._records()):
            if number > last:
                break
            if number in wanted:
                if self.kind == "csv":
                    cells = next(csv.reader(io.StringIO(text.decode("utf-8"), newline="")))
                    found[number] = {name: cell or None for name, cell in zip(header, cells, strict=False)}
                else:
                    read = json.loads(text)
                    found[number] = {k: _cell(v) for k, v in read.items()} if isinstance(read, dict) else {}
        return found

    def ragged(self) -> tuple[int, int, int, int] | None:
        """The first row with another number of cells than the header: line, cells, header's, and how many such rows."""
        header, first, number = len(self._header()), None, 0
        for line, text in self._records():
            cells = len(next(csv.reader(io.StringIO(text.decode("utf-8", "replace"), newline="")), []))
            if cells != header:
                number += 1
                first = first or (line, cells)
        return None if first is None else (*first, header, number)

    def _header(self) -> list[str]:
        with Path(self.path).open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])

    def _records(self) -> Iterator[tuple[int, bytes]]:
        """Every row with its line; a row of CSV goes on over line ends in quotes."""
        header = self.kind == "csv"
        inside, held, start = False, b"", 0
        for line, text in enumerate(_physical(self.path), 1):
            if line == 1 and text.startswith(_BOM):
                text = text[len(_BOM) :]  # noqa: PLW2901 - the mark is no part of the line
            if not inside and not (text.strip(b"\r\n") if self.kind == "csv" else text.strip()):
                continue
            if self.kind == "csv" and (inside or b'"' in text):
                start, held = (start, held + text) if inside else (line, text)
                if inside or self.careful or not _plainly_closed(text):
                    inside = _inside_after(text, inside=inside)
                if inside:
                    continue
            else:
                start, held = line, text
            if header:
                header = False
                continue
            yield start, held
        if inside and not header:
            yield start, held


def _physical(path: str) -> Iterator[bytes]:
    with Path(path).open("rb") as file:
        first = file.readline(1 << 16)
        file.seek(0)
        if b"\r" not in first.rstrip(b"\r\n"):
            yield from file
            return
    with Path(path).open(encoding="utf-8", errors="surrogateescape", newline=None) as lines:  # an old Mac's line ends
        for text in lines:
            yield text.encode("utf-8", "surrogateescape")


_MANY = 8
"""Quotes of a line from which on looking at each takes longer than looking for an odd one among them."""
_BETWEEN_LETTERS = re.compile(rb'[^,"\r\n]"[^,"\r\n]')


def _plainly_closed(text: bytes) -> bool:
    quotes = text.count(b'"')
    return quotes > _MANY and quotes % 2 == 0 and _BETWEEN_LETTERS.search(text) is None


def _inside_after(text: bytes, *, inside: bool) -> bool:
    """Whether a line of CSV ends within quotes: only a quote at the beginning of a cell opens them."""
    place = 0
    while (quote := text.find(b'"', place)) >= 0:
        place = quote + 1
        if not inside:
            inside = quote == 0 or text[quote - 1 : quote] == b","
        elif text[place : place + 1] == b'"':
            place += 1
        else:
            inside = False
    return inside


def _cell(value: Any) -> Any:
    """A value of NDJSON as a cell: text, number, truth value; anything else as the text that no cell may be."""
    return json.dumps(value) if isinstance(value, dict | list) else value
