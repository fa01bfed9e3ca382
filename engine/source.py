"""Texts and places in them.

A `Source` is a named text; a `Span` is a half-open range of character offsets in one. Lines and columns are
computed only when something is shown. Nothing here knows what the text means.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

# Controls but tab and line end, a carriage return alone, soft hyphens and joiners, marks that change the direction of
# text, fillers and selectors that show nothing, private use. The independent checker has its own list.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000e0000-\U0010ffff]|\r(?!\n)"
)


def drawable(text: str) -> str:
    """The text with a mark in place of each character that cannot be seen or would move others; as long as before."""
    return _HIDDEN.sub(lambda found: "\ufffd" * len(found[0]), text)


@dataclass(frozen=True)
class Source:
    """A text with the name it is shown under (a path, usually relative to where the user is)."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Character offset of a line and column, both counted from 1."""
        return self._starts[line - 1] + column - 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")

    @property
    def hidden(self) -> list[Span]:
        """The places of characters that are invisible or change the direction of the text around them.

        Such characters make a text look like another one, so no text that somebody signs may have them.
        """
        return [Span(self, *found.span()) for found in _HIDDEN.finditer(self.text)]

    @property
    def line_count(self) -> int:
        return len(self._starts)


@dataclass(frozen=True, slots=True)
class Span:
    """The characters from `start` up to but not including `end` of a source."""

    source: Source
    start: int
    end: int

    def __repr__(self) -> str:
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of the other."""
        return Span(self.source, self.start, max(self.end, other.end))
