"""A page with everything on it placed: boxes of text lines, routed edges, free text.

Units are points, the origin is the upper left corner, y grows downwards. A scene knows nothing of guidelines and
nothing of Graphviz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from . import palette
from .fonts import Font, Run, width, wrap, wrap_runs
from .palette import Look

Point: TypeAlias = tuple[float, float]

TITLE = Font(22, bold=True)
SUBTITLE = Font(12)
HEAD = Font(11, bold=True)
BODY = Font(10)
BODY_BOLD = Font(10, bold=True)
BODY_ITALIC = Font(10, italic=True)
SMALL = Font(9)
SMALL_ITALIC = Font(9, italic=True)
SMALL_BOLD = Font(9, bold=True)
CHIP = Font(9, bold=True)
CHIP_HEIGHT, CHIP_SIDES = 13.0, 9
"""No text is smaller than 9 points on A3, which is 6.4 points on A4. Graphviz knows whole points only."""

PAD = 7.0


@dataclass(frozen=True, slots=True)
class Chip:
    """A word on a coloured ground."""

    word: str
    fill: str
    text: str

    @property
    def width(self) -> float:
        return float(math.ceil(width(self.word, CHIP)) + CHIP_SIDES)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a box: runs of text after an indent, a chip before or at the right end."""

    runs: tuple[Run, ...] = ()
    indent: float = 0.0
    chip: Chip | None = None
    right: Chip | None = None
    height: float = 0.0
    align: str = "left"
    fill: str | None = None
    mark: str = ""

    @property
    def width(self) -> float:
        """Width of what is painted, without the chip at the right."""
        text = sum(width(run.text, run.font) for run in self.runs)
        return self.indent + text + (self.chip.width + (6 if self.runs else 0) if self.chip else 0)

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Box:
    """Something with an outline (or none) and lines of text; `pad` is the space left and right of them.

    `label` is what a screen reader says; boxes without one are decoration.
    """

    id: str
    shape: str  # box, rounded, hexagon, oval, bare
    x: float
    y: float
    w: float
    h: float
    lines: tuple[Line, ...] = ()
    look: Look = palette.STATE
    label: str = ""
    pad: float = PAD
    top: float = 0.0  # space above the first line, for a heading that starts at the top
    tip: str = ""

    @property
    def centre(self) -> Point:
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    def moved(self, dx: float, dy: float) -> Box:
        """The same box elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True, slots=True)
class Edge:
    """A line through points with rounded corners, from one box to another; `label` stands beside `label_at`."""

    tail: str
    head: str
    points: tuple[Point, ...]
    colour: str = palette.SOFT
    weight: float = 1.4
    dash: str = "solid"
    arrow: str = "normal"  # normal, none, odot
    label: str = ""
    label_at: Point = (0.0, 0.0)
    smooth: bool = False  # the points are already those of a Bezier curve


@dataclass(frozen=True, slots=True)
class Scene:
    """A page. `ground` are boxes behind all others (bands)."""

    name: str
    title: str
    desc: str
    w: float
    h: float
    ground: tuple[Box, ...] = ()
    boxes: tuple[Box, ...] = ()
    edges: tuple[Edge, ...] = ()
    legend: tuple[Box, ...] = field(default=())

    def texts(self) -> str:
        """All text of the page."""
        boxes = (*self.ground, *self.boxes, *self.legend)
        return " ".join(line.text for box in boxes for line in box.lines)


def lines_of(
    text: str | list[Run],
    available: float,
    font: Font = BODY,
    colour: str = palette.INK,
    *,
    indent: float = 0.0,
    align: str = "left",
    bullet: str = "",
) -> list[Line]:
    """Text wrapped into lines; continuation lines are indented like the text behind the bullet."""
    runs = [Run(text, font, colour)] if isinstance(text, str) else text
    hang = indent + (math.ceil(width(bullet + " ", font)) if bullet else 0.0)
    wrapped = wrap_runs(runs, available - hang)
    lines = []
    for index, pieces in enumerate(wrapped):
        height = max((run.font.line for run in pieces), default=font.line)
        mark = bullet if index == 0 else ""
        lines.append(Line(tuple(pieces), hang, height=height, align=align, mark=mark))
    return lines


def height_of(lines: tuple[Line, ...] | list[Line]) -> float:
    """Height of lines stacked."""
    return sum(line.height for line in lines)


def gap(height: float) -> Line:
    """Empty space."""
    return Line(height=height)


def chip_line(look: Look, word: str, room: float, align: str = "left") -> list[Line]:
    """The chip of a look, one below the other where it is too long, with some space below; none without a word."""
    text = word or look.word
    if not text:
        return []
    chips = [Chip(part, look.chip, look.chip_text) for part in wrap(text, CHIP, room - CHIP_SIDES)]
    return [*(Line(chip=chip, height=CHIP_HEIGHT, align=align) for chip in chips), gap(3)]


def inner_width(shape: str, w: float, h: float, dy: float, pad: float) -> float:
    """How much room a shape leaves for text at a distance `dy` from its middle."""
    dy = min(abs(dy), h / 2)
    match shape:
        case "hexagon":  # the upper and lower side are half as long as the shape is wide
            return w - (w / 2) * (dy / (h / 2)) - 2 * pad
        case "oval":
            return float(w * (1 - (dy / (h / 2)) ** 2) ** 0.5) - 2 * pad
        case _:
            return w - 2 * pad


def fitted_height(shape: str, w: float, lines: list[Line], pad: float, least: float) -> float:
    """The least height at which all lines fit into the shape."""
    total = height_of(lines)
    h = max(least, total + (10 if shape in ("box", "rounded", "bare") else 6))
    while h < 4000:
        y = -total / 2
        fits = True
        for line in lines:
            reach = max(abs(y), abs(y + line.height))
            if line.width and line.width > inner_width(shape, w, h, reach - 1.5, pad):
                fits = False
            y += line.height
        if fits:
            return float(math.ceil(h))
        h += 4
    return h
