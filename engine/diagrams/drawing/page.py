"""What every page has around its picture: title block, legend, notes, references, footnote marks.

`Page` collects boxes from top to bottom and makes the scene. A3 portrait is 842 points wide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from guidelog.language.guideline import GuidelineFolder

from . import palette
from .fonts import missing
from .palette import Look
from .scene import (
    BODY_BOLD,
    SMALL,
    SMALL_BOLD,
    SUBTITLE,
    TITLE,
    Box,
    Edge,
    Line,
    Scene,
    gap,
    height_of,
    lines_of,
)

A3, A3_LONG = 842.0, 1191.0
SMALLEST_SCALE = 0.75
"""A page may be made so much smaller to fit A3: its smallest text, 9 points, is then 6.75, and 4.8 on A4."""
MARGIN = 24.0
BARE = Look("", palette.PAPER, palette.PAPER, "", "")
UNRESOLVED, UNSTATED = "†", "‡"
REFERENCES = "References as the source lists them"


def scale_on_a3(w: float, h: float) -> float:
    """How much smaller (or larger) a page is made to fill A3, the way it fits better."""
    return max(min(A3 / w, A3_LONG / h), min(A3_LONG / w, A3 / h))


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

    def symbols(self, *groups: tuple[str, Sequence[Legend]]) -> None:
        """Rows of real shapes with their meaning; a group begins where the one before it ends, if there is room."""
        x, row = MARGIN, 24.0
        for title, entries in groups:
            words = [lines_of(e.text, 200, SMALL) for e in entries]
            widths = [38 + 5 + max(line.width for line in w) + 10 for w in words]
            name = lines_of(title, 200, SMALL_BOLD)
            first = max(line.width for line in name) + 8
            if x > MARGIN and x + first + sum(widths) > self.w - MARGIN:
                x, self.y = MARGIN, self.y + row
            self.text(x, self.y + 4, first, name)
            x += first
            for number, (entry, text, w) in enumerate(zip(entries, words, widths, strict=True)):
                if x + w - 10 > self.w - MARGIN:
                    x, self.y = MARGIN + first, self.y + row
                self.count += 1
                look = replace(entry.look, word="")
                self.legend.append(Box(f"legend-{self.count}-{number}", entry.shape, x, self.y, 38, 18, (), look))
                self.text(x + 43, self.y + 3.5, w - 52, text)
                x += w
            x += 6
        self.y += row + 2

    def rule(self) -> None:
        """A line across the page."""
        self.count += 1
        look = Look("", palette.RULE, palette.RULE, "", "", 0.5)
        self.legend.append(Box(f"rule-{self.count}", "box", MARGIN, self.y, self.w - 2 * MARGIN, 0.6, (), look))
        self.y += 7

    def notes(self, notes: Sequence[Notes]) -> None:
        """Columns of small print, in the order given, as even as they can be."""
        notes = [n for n in notes if n.lines or n.marked]
        if not notes:
            return
        space = 18.0
        most = min(len(notes), max(2, int(self.w // 300)))
        w = (self.w - 2 * MARGIN - space * (most - 1)) / most
        blocks = [self._note_lines(n, w) for n in notes]
        heights = [height_of(b) + 6 for b in blocks]
        cuts = min(
            itertools.combinations(range(1, len(notes)), most - 1),
            key=lambda c: max(sum(heights[a:b]) for a, b in itertools.pairwise((0, *c, len(notes)))),
        )
        lowest = self.y
        for column, (start, end) in enumerate(itertools.pairwise((0, *cuts, len(notes)))):
            y = self.y
            for place in range(start, end):
                name = "references" if notes[place].title == REFERENCES else ""
                y = self.text(MARGIN + column * (w + space), y, w, blocks[place], name).bottom + 6
            lowest = max(lowest, y)
        self.y = lowest

    def _note_lines(self, note: Notes, w: float) -> list[Line]:
        lines = [*lines_of(note.title, w, BODY_BOLD), gap(2)]
        for text in note.lines:
            lines += lines_of(text, w, SMALL)
        for text in note.marked:
            lines += lines_of(text, w, SMALL, palette.BROWN)
        return lines

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


def facts_of(guideline: GuidelineFolder, *more: str) -> tuple[str, ...]:
    """Guideline, version, source date, review status, and what the page counts."""
    dated = guideline.source.get("date")
    return (
        f"Guideline {guideline.id} {guideline.version}",
        *((f"source dated {dated}",) if dated else ()),
        f"review status: {guideline.review}",
        *more,
        "generated from the rules",
    )


def cited(cites: Iterable[int], guideline: GuidelineFolder) -> str:
    """The citations as `[1, 5†]`."""
    words = [f"{c}{'' if c in guideline.references else UNRESOLVED}" for c in sorted(set(cites))]
    return f"[{', '.join(words)}]" if words else ""


def references(guideline: GuidelineFolder, texts: str, unstated: str = "") -> Notes:
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
    return Notes(REFERENCES, tuple(lines), tuple(marked))


def missing_note(texts: str) -> tuple[str, ...]:
    """A remark when the page has characters that the bundled fonts lack."""
    absent = missing(texts)
    if not absent:
        return ()
    shown = "PNG and PDF show them as □, the SVG and the text outline in full"
    return (f"{len(absent)} characters are not in the bundled fonts: {shown}.",)
