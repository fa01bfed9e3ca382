"""What every page has around its picture: title block, legend, notes, references, footnote marks.

`Page` collects boxes from top to bottom and makes the scene. A3 portrait is 842 points wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..guideline import Guideline
from . import palette
from .fonts import Font, Run, missing, width
from .palette import Look
from .scene import (
    BODY,
    BODY_BOLD,
    CHIP_HEIGHT,
    PAD,
    SMALL,
    SMALL_BOLD,
    SUBTITLE,
    TITLE,
    Box,
    Edge,
    Line,
    Scene,
    chip_line,
    fitted_height,
    gap,
    height_of,
    lines_of,
)

A3 = 842.0
MARGIN = 24.0
BARE = Look("", palette.PAPER, palette.PAPER, "", "")
UNRESOLVED, UNSTATED = "†", "‡"


@dataclass(frozen=True, slots=True)
class Head:
    """The title block."""

    title: str
    subtitle: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Legend:
    """An entry of the legend: a real shape, and what it means."""

    shape: str
    look: Look
    text: str


@dataclass(frozen=True, slots=True)
class Notes:
    """A column at the foot of the page."""

    title: str
    lines: tuple[str, ...]
    marked: tuple[str, ...] = ()


@dataclass
class Page:
    """A page under construction."""

    name: str
    w: float = A3
    y: float = MARGIN
    ground: list[Box] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    legend: list[Box] = field(default_factory=list)
    count: int = 0

    def text(self, x: float, y: float, w: float, lines: Sequence[Line], name: str = "", label: str = "") -> Box:
        """A block of text without an outline."""
        self.count += 1
        identity = name or f"text-{self.count}"
        box = Box(identity, "bare", x, y, w, height_of(list(lines)), tuple(lines), BARE, label, pad=0, top=0.01)
        self.legend.append(box)
        return box

    def head(self, head: Head) -> None:
        """Title, subtitle, facts; moves `y` below them."""
        w = self.w - 2 * MARGIN
        lines = [*lines_of(head.title, w, TITLE), *lines_of(head.subtitle, w, SUBTITLE, palette.SOFT)]
        lines += lines_of("  ·  ".join(head.facts), w, SMALL, palette.SOFT)
        self.y = self.text(MARGIN, self.y, w, lines, "title-block").bottom + 10

    def symbols(self, title: str, entries: Iterable[Legend]) -> None:
        """A row of real shapes with their meaning."""
        x = MARGIN + 70
        row = 24.0
        self.text(MARGIN, self.y + 4, 66, lines_of(title, 66, SMALL_BOLD))
        for number, entry in enumerate(entries):
            words = lines_of(entry.text, 200, SMALL)
            w = max(line.width for line in words)
            if x + 46 + w > self.w - MARGIN:
                x, self.y = MARGIN + 70, self.y + row
            self.count += 1
            self.legend.append(
                Box(f"legend-{self.count}-{number}", entry.shape, x, self.y, 38, 18, (), replace(entry.look, word=""))
            )
            self.text(x + 43, self.y + 2.5, w + 1, words)
            x += 43 + w + 16
        self.y += row + 2

    def rule(self) -> None:
        """A line across the page."""
        self.count += 1
        look = Look("", palette.RULE, palette.RULE, "", "", 0.5)
        self.legend.append(Box(f"rule-{self.count}", "box", MARGIN, self.y, self.w - 2 * MARGIN, 0.6, (), look))
        self.y += 7

    def notes(self, columns: Sequence[Notes]) -> None:
        """Columns of small print."""
        columns = [c for c in columns if c.lines or c.marked]
        if not columns:
            return
        space = 18.0
        w = (self.w - 2 * MARGIN - space * (len(columns) - 1)) / len(columns)
        lowest = self.y
        for number, column in enumerate(columns):
            lines = [*lines_of(column.title, w, BODY_BOLD), gap(2)]
            for text in column.lines:
                lines += lines_of(text, w, SMALL)
            for text in column.marked:
                lines += lines_of(text, w, SMALL, palette.MAROON)
            lowest = max(lowest, self.text(MARGIN + number * (w + space), self.y, w, lines).bottom)
        self.y = lowest + 8

    def scene(self, title: str, desc: str) -> Scene:
        """The page as far as it is."""
        h = round(self.y + MARGIN - 8, 1)
        return Scene(
            self.name,
            title,
            desc,
            self.w,
            h,
            tuple(self.ground),
            tuple(self.boxes),
            tuple(self.edges),
            tuple(self.legend),
        )


def facts_of(guideline: Guideline, *more: str) -> tuple[str, ...]:
    """Guideline, version, source date, review status, and what the page counts."""
    dated = guideline.source.get("date")
    return (
        f"Guideline {guideline.id} {guideline.version}",
        *((f"source dated {dated}",) if dated else ()),
        f"review status: {guideline.review}",
        *more,
        "generated from the rules; do not edit by hand",
    )


def cited(cites: Iterable[int], guideline: Guideline) -> str:
    """The citations as `[1, 5†]`."""
    words = [f"{c}{'' if c in guideline.references else UNRESOLVED}" for c in sorted(set(cites))]
    return f"[{', '.join(words)}]" if words else ""


def references(guideline: Guideline, texts: str, unstated: str = "") -> Notes:
    """The references that a page needs, with the marks that stand on it."""
    lines = []
    for number, reference in sorted(guideline.references.items()):
        year = f", {reference.year}" if reference.year else ""
        lines.append(f"[{number}]  {reference.title}. {reference.publisher}{year}.")
    marked = []
    if UNRESOLVED in texts:
        numbers = ", ".join(f"[{n}]" for n in sorted(guideline.unresolved))
        marked.append(f"{UNRESOLVED} {numbers}: cited by the source, but its list of references has no such entry.")
    if UNSTATED in texts and unstated:
        marked.append(f"{UNSTATED} {unstated}")
    return Notes("References as the source lists them", tuple(lines), tuple(marked))


def missing_note(texts: str) -> tuple[str, ...]:
    """A remark when the page has characters that the bundled fonts lack."""
    absent = missing(texts)
    if not absent:
        return ()
    shown = "PNG and PDF show them as □, the SVG and the text outline in full"
    return (f"{len(absent)} characters are not in the bundled fonts: {shown}.",)


__all__ = [
    "A3",
    "BODY",
    "CHIP_HEIGHT",
    "MARGIN",
    "PAD",
    "Font",
    "Head",
    "Legend",
    "Notes",
    "Page",
    "Run",
    "chip_line",
    "cited",
    "facts_of",
    "fitted_height",
    "missing_note",
    "references",
    "width",
]
