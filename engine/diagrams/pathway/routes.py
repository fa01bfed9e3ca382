"""The lines between the boxes of a pathway page, in the gaps between lanes and bands, never through a box.

Where a line leads to another sheet it ends in an oval that names the box and the sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..drawing import palette
from ..drawing.palette import Look
from ..drawing.scene import SMALL, Box, Edge, Point, lines_of
from .flow import BESIDE_OUT, BESIDE_RAIL, BETWEEN, GAP, LEFT_W, LEFT_X, RAIL, TRUNK, TRUNK_X, Flow
from .model import Node, Pathway, Phase, Step
from .overlay import Trace

CONNECTOR_W, CONNECTOR_H = 226.0, 24.0
BACK = LEFT_X + LEFT_W + 6
"""Where lines lead back up, between the left lane and the rail of those that lead down."""
_LOOK = Look("", palette.HEADER, palette.PAPER, "", "", 1.2)
_BEFORE, _AFTER = "from another sheet", "to another sheet"


class Routes:
    """The lines of the phases that a `Flow` has placed; `sheet_of` says where other boxes are."""

    def __init__(self, flow: Flow, pathway: Pathway, sheet_of: Mapping[str, int]) -> None:
        self.flow, self.page, self.placed = flow, flow.page, flow.placed
        self.pathway, self.sheet_of = pathway, sheet_of
        self.traces = flow.boxes.overlay.edges
        self.drawn: set[tuple[str, str, tuple[Point, ...]]] = set()
        self.steps = [(phase, step) for phase in pathway.phases for step in phase.steps]

    def before(self) -> None:
        """The oval above the first band, where the way comes from another sheet. Called before the bands are drawn."""
        box = self._connector(_BEFORE, self.page.y)
        self.placed[_BEFORE] = box
        self.page.y = box.bottom + BETWEEN

    def draw(self) -> None:
        """All lines; moves the page's `y` below the oval that leads on."""
        heads = {h for t, h in self._pairs() if t in self.placed and h not in self.placed}
        tails = {t for t, h in self._pairs() if h in self.placed and t not in self.placed}
        if heads:
            box = self._connector(_AFTER, self.page.y)
            self.placed[_AFTER] = box
            self._name(_AFTER, box, "to", heads)
            self.page.y = box.bottom + BETWEEN
        if _BEFORE in self.placed and tails:
            self._name(_BEFORE, self.placed[_BEFORE], "from", tails)
        for place, (phase, step) in enumerate(self.steps):
            following = self.steps[place + 1] if place + 1 < len(self.steps) else None
            if step.exit and step.node.key in self.placed:
                self._exit(step)
                self._return(step.exit)
            if following:
                label = ("Yes" if step.yes_down else "No") if step.node.kind == "decision" else ""
                self._down(step.node, following[1].node, label)
                if following[0] is not phase:
                    for other in following[0].beside:
                        self._to_beside(following[0], step.node, other.steps[0].node, label)
                    for other in phase.beside:
                        self._from_beside(phase, other.steps[0].node, following[1].node)
            if step.exit and step.rejoins and place + 2 < len(self.steps):
                self._rejoin(step.exit, self.steps[place + 1][0], self.steps[place + 2])

    def _pairs(self) -> list[tuple[str, str]]:
        """Every line from one trunk box to the next, or to and from boxes beside it, by the keys of the boxes."""
        pairs = []
        for (phase, step), (after, head) in zip(self.steps, self.steps[1:], strict=False):
            pairs.append((step.node.key, head.node.key))
            if after is not phase:
                pairs += [(step.node.key, o.steps[0].node.key) for o in after.beside]
                pairs += [(o.steps[0].node.key, head.node.key) for o in phase.beside]
        for place, (_, step) in enumerate(self.steps[:-2]):
            if step.exit and step.rejoins:
                pairs.append((step.exit.key, self.steps[place + 2][1].node.key))
        return pairs

    # ovals
    def _connector(self, name: str, y: float) -> Box:
        return Box(name, "oval", TRUNK - CONNECTOR_W / 2, y, CONNECTOR_W, CONNECTOR_H, (), _LOOK)

    def _name(self, key: str, box: Box, word: str, keys: set[str]) -> None:
        numbers = self.flow.boxes.numbers
        by_sheet: dict[int, list[int]] = {}
        for other in keys:
            by_sheet.setdefault(self.sheet_of.get(other, 0), []).append(numbers[other])
        words = []
        for sheet, found in sorted(by_sheet.items()):
            listed = ", ".join(map(str, sorted(found)[:4])) + (" …" if len(found) > 4 else "")
            words.append(f"{'box' if len(found) == 1 else 'boxes'} {listed} on sheet {sheet}")
        text = f"{word} {words[0]}" + (f" and {len(words) - 1} more" if len(words) > 1 else "")
        lines = tuple(lines_of(text, CONNECTOR_W, SMALL, palette.INK, align="centre")[:1])
        label = f"{word} {'; '.join(words)}"
        named = Box(f"connector-{word}", "oval", box.x, box.y, box.w, box.h, lines, _LOOK, label, pad=4)
        self.placed[key] = named
        self.page.boxes.append(named)

    def _ends(self, tail: str, head: str) -> tuple[Box, Box] | None:
        """The boxes that a line joins on this sheet, ovals for those elsewhere; nothing where neither is here."""
        if tail not in self.placed and head not in self.placed:
            return None
        start = self.placed.get(tail) or self.placed.get(_BEFORE)
        end = self.placed.get(head) or self.placed.get(_AFTER)
        return (start, end) if start and end else None

    # lines
    def _exit(self, step: Step) -> None:
        assert step.exit is not None
        box, target = self.placed[step.node.key], self.placed[step.exit.key]
        y = box.centre[1]
        trace = self.traces.get((step.node.key, step.exit.key))
        if trace is None:
            trace = Trace(palette.MAROON, 2.4) if step.exit.kind == "urgent" else Trace()
        at = ((box.x + target.right) / 2 + 4, y - 9)
        label = "No" if step.yes_down else "Yes"
        self._line(trace, box, target, ((box.x, y), (target.right, y)), label, at)

    def _return(self, leave: Node) -> None:
        """The way back up to where the reader goes on, when that is on this sheet; the box names it in any case."""
        if leave.returns not in self.placed:
            return
        start, end = self.placed[leave.key], self.placed[leave.returns]
        x, y = BACK, min(end.bottom - min(18.0, end.h / 2), start.y - 14)
        if end.x < TRUNK_X - 1 or y < end.y + 6:
            return
        out = start.right - 14
        points = ((out, start.y), (out, start.y - 7), (x, start.y - 7), (x, y), (end.x, y))
        self._line(Trace(dash="dashed"), start, end, points, "", points[0])

    def _down(self, tail: Node, head: Node, label: str) -> None:
        ends = self._ends(tail.key, head.key)
        if ends:
            self._edge(tail, head, ends, ((TRUNK, ends[0].bottom), (TRUNK, ends[1].y)), label)

    def _to_beside(self, band: Phase, tail: Node, head: Node, label: str) -> None:
        ends = self._ends(tail.key, head.key)
        if ends is None:
            return
        start, end = ends
        if head.key in self.placed:
            y = self.flow.tops[band.key] - BETWEEN / 2
            down = (BESIDE_RAIL, y), (BESIDE_RAIL, end.centre[1]), (end.x, end.centre[1])
            self._edge(tail, head, ends, ((TRUNK, start.bottom), (TRUNK, y), *down), label)
        else:
            self._edge(tail, head, ends, ((TRUNK, start.bottom), (TRUNK, end.y)), label)

    def _from_beside(self, band: Phase, tail: Node, head: Node) -> None:
        ends = self._ends(tail.key, head.key)
        if ends is None or tail.key not in self.placed:
            return
        start, end = ends
        y = self.flow.bottoms[band.key] + BETWEEN / 2
        side = (start.right, start.centre[1]), (BESIDE_OUT, start.centre[1]), (BESIDE_OUT, y)
        self._edge(tail, head, ends, (*side, (TRUNK, y), (TRUNK, end.y)))

    def _rejoin(self, leave: Node, band: Phase, target: tuple[Phase, Step]) -> None:
        ends = self._ends(leave.key, target[1].node.key)
        if ends is None or leave.key not in self.placed:
            return
        start, end = ends
        here = target[0] is band and target[1].node.key in self.placed
        y = end.y - GAP / 2 - 2 if here else self.flow.bottoms[band.key] + BETWEEN / 2
        x, low = start.centre[0], start.bottom + 8
        points = ((x, start.bottom), (x, low), (RAIL, low), (RAIL, y), (TRUNK, y), (TRUNK, end.y))
        self._edge(leave, target[1].node, ends, points)

    def _edge(self, tail: Node, head: Node, ends: tuple[Box, Box], points: tuple[Point, ...], label: str = "") -> None:
        trace = self.traces.get((tail.key, head.key), Trace())
        self._line(trace, *ends, points, label, (points[0][0] + 15, points[0][1] + 9))

    def _line(self, trace: Trace, tail: Box, head: Box, points: tuple[Point, ...], label: str, at: Point) -> None:
        if (tail.id, head.id, points) in self.drawn:
            return
        self.drawn.add((tail.id, head.id, points))
        self.page.edges.append(
            Edge(tail.id, head.id, points, trace.colour, trace.weight, trace.dash, "normal", label, at)
        )


def steps_of(phases: Sequence[Phase]) -> list[Step]:
    """The trunk steps of phases, and those beside them."""
    return [s for p in phases for q in (p, *p.beside) for s in q.steps]
