"""Pathway -> page: bands from top to bottom, exits to the left, the trunk in the middle, criteria to the right.

One grid for every guideline, so that a box keeps its lane and its place in the order from version to version. The lines
between the boxes are `routes`; what does not fit one sheet is cut by `sheets`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..drawing import palette
from ..drawing.boxes import Boxes, Wide
from ..drawing.page import Page
from ..drawing.palette import Look
from ..drawing.scene import HEAD, SMALL_BOLD, Box, Edge, Line, Point, height_of, lines_of
from .model import Phase, Step

PAGE_W = 1040.0
"""Wider than A3 (842 points), for long criteria: ten points are eight when it is printed on A3."""
BAND_X, BAND_RIGHT = 24.0, PAGE_W - 24
LEFT_X, LEFT_W = 33.0, 166.0
RAIL = LEFT_X + LEFT_W + 12
TRUNK_X, TRUNK_W = RAIL + 12, 264.0
TRUNK = TRUNK_X + TRUNK_W / 2
TABLE_X = TRUNK_X + TRUNK_W + 22
TABLE_W = BAND_RIGHT - 10 - TABLE_X
WIDE_W = BAND_RIGHT - 10 - TRUNK_X
BESIDE_BAND = TRUNK_X + TRUNK_W + 13
BESIDE_RAIL, BESIDE_X = BESIDE_BAND + 10, BESIDE_BAND + 28
BESIDE_OUT = BAND_RIGHT - 8
BESIDE_W = BESIDE_OUT - 10 - BESIDE_X
GAP, BETWEEN = 22.0, 14.0
BAND_LOOK = Look("", palette.BAND_LINE, palette.BAND, "", "", 0.8)


class Flow:
    """The drawing of some phases of a pathway on one page."""

    def __init__(self, page: Page, boxes: Boxes, tallest: float = 1e9) -> None:
        self.page, self.boxes, self.tallest = page, boxes, tallest
        self.placed: dict[str, Box] = {}
        self.tops: dict[str, float] = {}
        self.bottoms: dict[str, float] = {}
        self.leftover: list[tuple[str, int]] = []
        """Tables that go on elsewhere: letter, and the item to begin with."""

    def draw(self, phases: Sequence[Phase]) -> None:
        """The bands; moves the page's `y` below them."""
        for phase in phases:
            top = self.page.y
            self.tops.setdefault(phase.key, top)
            self.bottoms[phase.key] = self._band(phase, top)
            self.page.y = self.bottoms[phase.key] + BETWEEN

    def _band(self, phase: Phase, top: float) -> float:
        bottom = self._steps(phase, top)
        right = top
        places: list[tuple[Phase, float, Box]] = []
        for other in phase.beside:
            title = self._title_lines(other, BESIDE_W)
            box = self.boxes.node(other.steps[0].node, BESIDE_W).moved(BESIDE_X, right + 6 + height_of(title) + 4)
            places.append((other, right, box))
            right = box.bottom + 10 + 8
        bottom = max(bottom, right - 8)
        width = (BESIDE_BAND - 8 if phase.beside else BAND_RIGHT) - BAND_X
        self._ground(phase, BAND_X, top, width, bottom - top, LEFT_X, LEFT_W)
        for index, (other, start, box) in enumerate(places):
            end = bottom if index == len(places) - 1 else places[index + 1][1] - 8
            w = BAND_RIGHT - BESIDE_BAND
            self._ground(other, BESIDE_BAND, start, w, end - start, BESIDE_X - 10, BESIDE_W)
            self._put(other.steps[0].node.key, box)
        return bottom

    def _ground(self, phase: Phase, x: float, y: float, w: float, h: float, text_x: float, text_w: float) -> None:
        place = sum(b.id.startswith(f"phase-{phase.key}") for b in self.page.ground)
        name = phase.key + (f"-{place}" if place else "")
        self.page.ground.append(Box(f"phase-{name}", "rounded", x, y, w, h, (), BAND_LOOK))
        self.page.text(text_x, y + 6, text_w, self._title_lines(phase, text_w), f"phase-title-{name}")

    def _title_lines(self, phase: Phase, w: float) -> list[Line]:
        return [
            *lines_of(f"PHASE {phase.number}", w, SMALL_BOLD, palette.SOFT),
            *lines_of(phase.title, w, HEAD, palette.INK),
        ]

    def _steps(self, phase: Phase, top: float) -> float:
        left = top + 6 + height_of(self._title_lines(phase, LEFT_W)) + 6
        table_y = top + 9
        trunk = top + 11
        lowest = left
        for step in phase.steps:
            if self.boxes.is_wide(step.node) and not phase.beside:
                wide = self.boxes.wide(step.node, WIDE_W).moved(TRUNK_X, max(trunk, table_y))
                self._put_wide(step.node.key, wide)
                box = wide.frame
                table_y = box.bottom + 10
            else:
                box, left, table_y = self._step(step, trunk, left, table_y)
            trunk = box.bottom + GAP
            lowest = max(lowest, left - 16, table_y - 10, box.bottom)
        return lowest + 10

    def _step(self, step: Step, trunk: float, left: float, table_y: float) -> tuple[Box, float, float]:
        """A box with its exit and its table; where the left lane and the right lane are free again."""
        box = self.boxes.node(step.node, TRUNK_W)
        y = trunk
        leave = self.boxes.node(step.exit, LEFT_W) if step.exit else None
        letter = step.node.table
        table: Box | None = None
        if letter and f"table-{letter}" not in self.placed and not self.boxes.brief:
            table, rest = self.boxes.table(letter, TABLE_W, 0, self.tallest)
            if rest:
                self.leftover.append((letter, rest))
        if leave:
            y = max(y, left + 14 - box.h / 2)
        if table:
            y = max(y, table_y + 12 - box.h / 2)
        box = box.moved(TRUNK_X, y)
        self._put(step.node.key, box)
        if leave and step.exit:
            leave = leave.moved(LEFT_X, max(left, box.centre[1] - leave.h / 2))
            self._put(step.exit.key, leave)
            left = leave.bottom + 16
        if table:
            table = table.moved(TABLE_X, max(table_y, box.centre[1] - table.h / 2))
            self._put(f"table-{letter}", table)
            table_y = table.bottom + 10
            self._dotted(box, table)
        letter = step.exit.table if step.exit else ""
        if letter and f"table-{letter}" not in self.placed and not self.boxes.brief:
            below, rest = self.boxes.table(letter, TABLE_W, 0, self.tallest)
            if rest:
                self.leftover.append((letter, rest))
            self._put(f"table-{letter}", below.moved(TABLE_X, table_y))
            table_y += below.h + 10
        return box, left, table_y

    def _put(self, key: str, box: Box) -> None:
        self.placed[key] = box
        self.page.boxes.append(box)

    def _put_wide(self, key: str, wide: Wide) -> None:
        self._put(key, wide.frame)
        self.page.boxes += wide.columns

    def _dotted(self, box: Box, table: Box) -> None:
        y = box.centre[1]
        points: tuple[Point, ...] = ((box.right, y), (table.x, y))
        if not table.y + 4 <= y <= table.bottom - 4:
            x = TABLE_X - 12
            points = ((box.right, y), (x, y), (x, table.y + 12), (table.x, table.y + 12))
        self.page.edges.append(Edge(box.id, table.id, points, palette.SOFT, 1.4, "dotted", "none"))
