"""How wide text is: a stored table of the bundled fonts' advance widths, and the wrapping that rests on it.

Pictures must not depend on the fonts of a machine, so nothing is measured there. Characters that the bundled fonts do
not have get a wide guess; `missing` names them, because PNG and PDF can only show a box for them.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

SANS, MONO = "Liberation Sans", "Liberation Mono"
_FILES = {
    (SANS, False, False): "LiberationSans-Regular",
    (SANS, True, False): "LiberationSans-Bold",
    (SANS, False, True): "LiberationSans-Italic",
    (SANS, True, True): "LiberationSans-Bold",
    (MONO, False, False): "LiberationMono-Regular",
    (MONO, True, False): "LiberationMono-Bold",
    (MONO, False, True): "LiberationMono-Regular",
    (MONO, True, True): "LiberationMono-Bold",
}
_UNITS_PER_EM = 2048
_GUESS_WIDE, _GUESS, _GUESS_MARK = 2200, 1500, 600
_PIXELS_PER_POINT = 96 / 72
_ROUNDING = 2.0  # the painter rounds every text up to whole pixels, and adds one
_QUOTED = re.compile(r"`([^`]*)`")  # backticks are for terminals
BREAK_AFTER = "/-_,;:.)(|"


@dataclass(frozen=True, slots=True)
class Font:
    """A font at a size in points."""

    size: float
    bold: bool = False
    italic: bool = False
    family: str = SANS

    @property
    def line(self) -> float:
        """Height of a line; whole points, because Graphviz knows no others for the rows of a label."""
        return float(math.ceil(self.size * 1.2))


class Run(NamedTuple):
    """A piece of text in one font and colour."""

    text: str
    font: Font
    colour: str
    href: str | None = None
    struck: bool = False
    inserted: bool = False


@cache
def _tables() -> dict[str, dict[int, int]]:
    raw = json.loads(resources.files(__package__).joinpath("fonts", "widths.json").read_text(encoding="utf-8"))
    tables: dict[str, dict[int, int]] = {}
    for file, rows in raw.items():
        table: dict[int, int] = {}
        for width, runs in rows.items():
            for run in runs.split():
                first, _, last = run.partition("-")
                for code in range(int(first, 16), int(last or first, 16) + 1):
                    table[code] = int(width)
        tables[file] = table
    return tables


@cache
def _table(family: str, bold: bool, italic: bool) -> dict[int, int]:
    return _tables()[_FILES[family, bold, italic]]


@lru_cache(maxsize=100_000)
def width(text: str, font: Font) -> float:
    """Width in points: in a browser, or in the painter, which rounds each advance to a pixel; whichever is more."""
    if not text:
        return 0.0
    table = _table(font.family, font.bold, font.italic)
    scale = font.size * _PIXELS_PER_POINT / _UNITS_PER_EM
    units = pixels = 0
    for character in text:
        known = table.get(ord(character))
        advance = _guess(character) if known is None else known
        units += advance
        pixels += int(advance * scale + 0.5)
    return max(units * scale, pixels) / _PIXELS_PER_POINT + _ROUNDING


def natural_width(text: str, font: Font) -> float:
    """Width in points as a browser with the fonts has it."""
    table = _table(font.family, font.bold, font.italic)
    return sum(table.get(ord(c), _guess(c)) for c in text) * font.size / _UNITS_PER_EM


def _guess(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return _GUESS_MARK
    return _GUESS_WIDE if unicodedata.east_asian_width(character) in "WF" else _GUESS


def missing(text: str) -> set[str]:
    """The characters that the bundled fonts cannot show."""
    table = _table(SANS, False, False)
    return {c for c in set(text) if ord(c) not in table and not c.isspace()}


def stand_ins(text: str) -> dict[str, str]:
    """For each missing character one that the fonts have, that is not in the text and no wider than was reserved.

    The painter of an SVG sees the stand-ins only; the file gets the real characters back, for the reader's own fonts.
    """
    used = set(text)
    sans, mono = _table(SANS, False, False), _table(MONO, False, False)
    bold = _table(SANS, True, False)
    free = sorted(
        (c for c in sans if c > 0x17F and c in bold and c in mono and chr(c) not in used and _plain(chr(c))),
        key=lambda c: (-max(sans[c], bold[c]), c),
    )
    chosen: dict[str, str] = {}
    for character in sorted(missing(text), key=lambda c: (_guess(c), c)):
        fitting = next((c for c in free if max(sans[c], bold[c]) <= _guess(character)), None)
        if fitting is not None:
            free.remove(fitting)
            chosen[character] = chr(fitting)
    return chosen


def _plain(character: str) -> bool:
    """Whether a character stands for itself only: no mark, no letter of a script that joins or runs to the left."""
    return unicodedata.bidirectional(character) in ("L", "ON") and not unicodedata.combining(character)


def clean(text: str) -> str:
    """On one line, with typographic quotes, without what XML and Graphviz cannot carry."""
    kept = "".join(
        " " if c.isspace() else "" if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") else c for c in text
    )
    return _QUOTED.sub("“\\1”", " ".join(kept.split(" ")).strip())


def wrap(text: str, font: Font, available: float) -> list[str]:
    """Lines no wider than `available`; a word that is wider is broken, after punctuation where it can be."""
    lines: list[str] = []
    current = ""
    for word in clean(text).split():
        candidate = f"{current} {word}" if current else word
        if width(candidate, font) <= available:
            current = candidate
            continue
        if current:
            lines.append(current)
        *full, current = _broken(word, font, available)
        lines += full
    return [*lines, current] if current or not lines else lines


def _broken(word: str, font: Font, available: float) -> list[str]:
    parts: list[str] = []
    while width(word, font) > available and len(word) > 1:
        end = 1
        while end < len(word) and width(word[: end + 1], font) <= available:
            end += 1
        natural = max((i + 1 for i, c in enumerate(word[:end]) if c in BREAK_AFTER), default=0)
        end = natural if natural > end // 2 else end
        parts.append(word[:end])
        word = word[end:]
    return [*parts, word]


def wrap_runs(runs: list[Run], available: float) -> list[list[Run]]:
    """Lines of runs; spaces between words belong to the run before them."""
    words: list[Run] = []
    spaced = False
    for run in runs:
        text = clean(run.text)
        lead = spaced or bool(run.text[:1].isspace())
        spaced = bool(run.text[-1:].isspace()) or (spaced and not text)
        for index, part in enumerate(text.split()):
            glue = "" if index == 0 and not lead and words else " "
            pieces = _broken(part, run.font, available)
            words += [run._replace(text=(glue if i == 0 else "") + piece) for i, piece in enumerate(pieces)]
    lines: list[list[Run]] = []
    current: list[Run] = []
    for word in words:
        longer = _joined(current, word)
        if current and sum(width(run.text, run.font) for run in longer) > available:
            lines.append(current)
            longer = _joined([], word)
        current = longer
    return [*lines, current] if current or not lines else lines


def _joined(line: list[Run], word: Run) -> list[Run]:
    """The line with a word more, in the last run where the font is the same; a line does not begin with a space."""
    if not line:
        return [word._replace(text=word.text.lstrip())]
    last = line[-1]
    if last._replace(text="") == word._replace(text=""):
        return [*line[:-1], last._replace(text=last.text + word.text)]
    return [*line, word]
