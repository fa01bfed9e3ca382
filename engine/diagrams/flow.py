"""Pathway -> page: bands from top to bottom, exits to the left, the trunk in the middle, criteria to the right.

One grid for every guideline. An `Overlay` lays statuses or changes over it; a box keeps its lane and its place in the
order, so that two pages can be compared. Edges run in the gaps between lanes and bands, never through a box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .. import tree
from ..guideline import Guideline
from . import palette
from .fonts import Run
from .model import Item, Node, Pathway, Phase, Step, Table
from .page import UNSTATED, Page, cited
from .palette import Look
from .scene import (
    BODY,
    BODY_ITALIC,
    HEAD,
    SMALL,
    SMALL_BOLD,
    Box,
    Chip,
    Edge,
    Line,
    Point,
    chip_line,
    fitted_height,
    gap,
    height_of,
    lines_of,
)

BAND_X, BAND_RIGHT = 24.0, 818.0
LEFT_X, LEFT_W = 34.0, 152.0
RAIL = 199.0
TRUNK_X, TRUNK_W = 212.0, 246.0
TRUNK = TRUNK_X + TRUNK_W / 2
TABLE_X, TABLE_W = 482.0, 326.0
BESIDE_BAND, BESIDE_RAIL, BESIDE_X, BESIDE_W = 472.0, 482.0, 502.0, 302.0
BESIDE_OUT = 811.0
GAP, BETWEEN = 27.0, 20.0
QUESTION_W = 164.0
BAND_LOOK = Look("", palette.BAND_LINE, palette.BAND, "", "", 0.8)
MOST_RULES = 4
MOST_ITEMS = 60
MOST_JOINED = 240
NARROW = 180.0  # too little room for a chip beside the text


@dataclass(frozen=True, slots=True)
class Mark:
    """What is laid over a box: its look, the word on its chip, lines in it, and whether its own text is struck."""

    look: Look
    word: str = ""
    notes: tuple[str, ...] = ()
    colour: str = palette.INK


@dataclass(frozen=True, slots=True)
class Trace:
    """What is laid over an edge."""

    colour: str = palette.SOFT
    weight: float = 1.4
    dash: str = "solid"


@dataclass(frozen=True)
class Overlay:
    """Marks by box key, chips by (owner, index) of items, traces by (tail, head) of edges."""

    nodes: Mapping[str, Mark] = field(default_factory=dict)
    items: Mapping[tuple[str, int], Chip] = field(default_factory=dict)
    remarks: Mapping[tuple[str, int], str] = field(default_factory=dict)
    runs: Mapping[tuple[str, int], tuple[Run, ...]] = field(default_factory=dict)
    titles: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    tables: Mapping[str, Look] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], Trace] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)  # box key to what a screen reader adds


@dataclass(frozen=True, slots=True)
class Links:
    """Where a rule can be read: `base`/FILE#L<line>, or nowhere."""

    base: str | None = None

    def rule(self, rule: tree.Rule) -> str | None:
        """The address of a rule's text."""
        if self.base is None or rule.span is None:
            return None
        name = rule.span.source.name.replace("\\", "/").rsplit("/", 1)[-1]
        line = rule.span.source.text.count("\n", 0, rule.span.start) + 1
        return f"{self.base.rstrip('/')}/{name}#L{line}"


KIND_LOOK = {
    "state": palette.STATE,
    "exit": palette.STATE,
    "decision": palette.DECISION,
    "action": palette.ACTION,
    "urgent": palette.URGENT,
}
KIND_SHAPE = {"state": "rounded", "exit": "rounded", "decision": "hexagon", "action": "box", "urgent": "box"}
KIND_WORD = {"state": "state", "exit": "exit", "decision": "decision", "action": "action", "urgent": "urgent action"}


class Flow:
    """The drawing of one pathway on one page."""

    def __init__(self, page: Page, pathway: Pathway, guideline: Guideline, links: Links, overlay: Overlay) -> None:
        self.page, self.pathway, self.guideline, self.links, self.overlay = page, pathway, guideline, links, overlay
        self.numbers = {n.key: n.number for n in pathway.nodes()}
        self.placed: dict[str, Box] = {}
        self.drawn: set[str] = set()

    def draw(self) -> None:
        """All bands, then all edges; moves the page's `y` below them."""
        tops: dict[str, float] = {}
        bottoms: dict[str, float] = {}
        for phase in self.pathway.phases:
            top = self.page.y
            tops[phase.key] = top
            bottom = self._band(phase, top)
            bottoms[phase.key] = bottom
            self.page.y = bottom + BETWEEN
        self.page.y -= 8
        self._edges(tops, bottoms)

    # bands
    def _band(self, phase: Phase, top: float) -> float:
        beside = phase.beside
        bottom, tables = self._steps(phase, top)
        right = top
        boxes: list[tuple[Phase, float, Box]] = []
        for other in beside:
            node = other.steps[0].node
            title = self._title_lines(other, BESIDE_W)
            box = self._box(node, BESIDE_W).moved(BESIDE_X, right + 8 + height_of(title) + 6)
            boxes.append((other, right, box))
            right = box.bottom + 12 + 10
        bottom = max(bottom, right - 10)
        width = (BESIDE_BAND - 10 if beside else BAND_RIGHT) - BAND_X
        self._ground(phase, BAND_X, top, width, bottom - top, LEFT_X)
        for index, (other, start, box) in enumerate(boxes):
            end = bottom if index == len(boxes) - 1 else boxes[index + 1][1] - 10
            self._ground(other, BESIDE_BAND, start, BAND_RIGHT - BESIDE_BAND, end - start, BESIDE_X - 10)
            self._put(other.steps[0].node.key, box)
        del tables
        return bottom

    def _ground(self, phase: Phase, x: float, y: float, w: float, h: float, text_x: float) -> None:
        self.page.ground.append(Box(f"phase-{phase.key}", "rounded", x, y, w, h, (), BAND_LOOK))
        lines = self._title_lines(phase, LEFT_W if text_x == LEFT_X else BESIDE_W)
        self.page.text(text_x, y + 7, LEFT_W if text_x == LEFT_X else BESIDE_W, lines, f"phase-title-{phase.key}")

    def _title_lines(self, phase: Phase, w: float) -> list[Line]:
        return [
            *lines_of(f"PHASE {phase.number}", w, SMALL_BOLD, palette.SOFT),
            *lines_of(phase.title, w, HEAD, palette.INK),
        ]

    def _steps(self, phase: Phase, top: float) -> tuple[float, float]:
        left = top + 7 + height_of(self._title_lines(phase, LEFT_W)) + 8
        table_y = top + 10
        trunk = top + 14
        lowest = left
        for step in phase.steps:
            box = self._box(step.node, TRUNK_W)
            y = trunk
            exit_box = self._box(step.exit, LEFT_W) if step.exit else None
            if exit_box:
                y = max(y, left + exit_box.h / 2 - box.h / 2)
            table = self._table_box(step.node.table)
            if table:
                y = max(y, table_y + 14 - box.h / 2)
            box = box.moved(TRUNK_X, y)
            self._put(step.node.key, box)
            if exit_box and step.exit:
                exit_box = exit_box.moved(LEFT_X, box.centre[1] - exit_box.h / 2)
                self._put(step.exit.key, exit_box)
                left = exit_box.bottom + 18
                lowest = max(lowest, exit_box.bottom)
            if table:
                table = table.moved(TABLE_X, max(table_y, min(box.y, box.centre[1] - 14)))
                self._put(f"table-{step.node.table}", table)
                table_y = table.bottom + 12
                lowest = max(lowest, table.bottom)
                self._dotted(box, table)
            trunk = box.bottom + GAP
            lowest = max(lowest, box.bottom)
        return lowest + 13, table_y

    def _put(self, key: str, box: Box) -> None:
        self.placed[key] = box
        self.page.boxes.append(box)

    def _dotted(self, box: Box, table: Box) -> None:
        y = box.centre[1]
        points: tuple[Point, ...] = ((box.right, y), (table.x, y))
        if not table.y + 4 <= y <= table.bottom - 4:
            x = TABLE_X - 12
            points = ((box.right, y), (x, y), (x, table.y + 12), (table.x, table.y + 12))
        self.page.edges.append(Edge(box.id, table.id, points, palette.SOFT, 1.4, "dotted", "none"))

    # boxes
    def _box(self, node: Node, w: float) -> Box:
        mark = self.overlay.nodes.get(node.key)
        look = mark.look if mark else KIND_LOOK[node.kind]
        shape = KIND_SHAPE[node.kind]
        ink = look.text
        decision = shape == "hexagon"
        room = QUESTION_W if decision else w - 2 * 8
        align = "centre" if decision else "left"
        lines: list[Line] = chip_line(look, mark.word if mark else "", align)
        title = self.overlay.titles.get(node.key)
        heading = [Run(f"{node.number}. ", HEAD, ink), *(title or (Run(f" {node.title}", HEAD, ink),))]
        lines += lines_of(heading, room, align=align)
        for index, item in enumerate(node.body):
            lines += self._item_lines(node.key, index, item, room, ink, heading=True)
        if node.table:
            lines += lines_of(f"see box {node.table}", room, BODY, ink, align=align)
        if node.returns and node.returns in self.numbers:
            lines += lines_of(f"Go on with box {self.numbers[node.returns]} {UNSTATED}", room, BODY, ink, align=align)
        for note in mark.notes if mark else ():
            colour = palette.AMBER_TEXT if mark and mark.look is palette.UNKNOWN else mark.colour if mark else ink
            lines += lines_of(note, room, SMALL_BOLD, colour, align=align)
        if not decision:
            lines += self._small_print(node.rules, room, unstated=node.unstated and not node.returns)
        pad = 6.0 if decision else 8.0
        least = 46.0 if decision else 0.0
        h = fitted_height(shape, w, lines, pad, least) + (0 if decision else 4)
        return Box(f"box-{node.key}", shape, 0, 0, w, h, tuple(lines), look, self._label(node, mark), pad=pad)

    def _label(self, node: Node, mark: Mark | None) -> str:
        status = (mark.word or mark.look.word).lower() if mark else ""
        words = [f"{node.number}. {node.title}", KIND_WORD[node.kind], *([f"status: {status}"] if status else [])]
        words += [item.text for item in node.body] + list(mark.notes if mark else ())
        if node.table:
            words.append(f"see box {node.table}")
        if node.rules:
            words.append("rules " + ", ".join(r.id or "" for r in node.rules))
        if node.key in self.overlay.words:
            words.append(self.overlay.words[node.key])
        return "; ".join(words)

    def _small_print(self, rules: Sequence[tree.Rule], w: float, *, unstated: bool = False) -> list[Line]:
        if not rules:
            return lines_of(UNSTATED, w, SMALL, palette.SOFT) if unstated else []
        runs = [Run("rule " if len(rules) == 1 else "rules ", SMALL, palette.SOFT)]
        shown = rules if len(rules) <= MOST_RULES else (*rules[: MOST_RULES - 1], rules[-1])
        for index, rule in enumerate(shown):
            hidden = len(rules) > MOST_RULES and index == len(shown) - 2
            after = f", {len(rules) - MOST_RULES} more, " if hidden else ", " if index < len(shown) - 1 else ""
            runs.append(Run((rule.id or "?") + after.rstrip(), SMALL, palette.SOFT, href=self.links.rule(rule)))
            if after:
                runs.append(Run(" ", SMALL, palette.SOFT))
        cites = cited({int(c) for r in rules for c in r.listed("cites")}, self.guideline)
        if cites:
            runs += [Run(" · ", SMALL, palette.SOFT), Run(cites, SMALL, palette.SOFT, href="#references")]
        else:
            runs.append(Run(f" {UNSTATED}", SMALL, palette.SOFT))
        return lines_of(runs, w)

    def _item_lines(
        self, owner: str, index: int, item: Item, room: float, ink: str, *, heading: bool = False, indent: float = 0.0
    ) -> list[Line]:
        text = f"{item.heading}: {item.text}" if heading and item.heading else item.text
        custom = self.overlay.runs.get((owner, index))
        runs = list(custom) if custom else [Run(text, BODY, ink)]
        cites = cited({int(c) for r in item.rules for c in r.listed("cites")}, self.guideline)
        if cites:
            runs.append(Run(f" {cites}", SMALL, palette.SOFT, href="#references"))
        chip = self.overlay.items.get((owner, index))
        if chip and room < NARROW:
            runs.append(Run(f" ({chip.word.lower()})", SMALL_BOLD, ink))
            chip = None
        free = room - (chip.width + 8 if chip else 0)
        lines = lines_of(runs, free, indent=indent + item.level * 11, bullet="–" if item.level else "•")
        if chip and lines:
            lines[0] = replace(lines[0], right=chip, height=max(lines[0].height, 15.0))
        remark = self.overlay.remarks.get((owner, index))
        if remark:
            lines += lines_of(remark, free, SMALL, palette.SOFT, indent=lines[0].indent)
        return lines

    def _table_box(self, letter: str) -> Box | None:
        if not letter or letter in self.drawn:
            return None
        self.drawn.add(letter)
        table = self.pathway.tables[letter]
        look = self.overlay.tables.get(letter, palette.TABLE)
        w = TABLE_W
        room = w - 2
        lines: list[Line] = []
        heads = lines_of(f"Box {letter}: {table.title}", room - 14, HEAD, palette.PAPER, indent=7)
        lines += [replace(line, fill=look.chip, height=line.height + 2) for line in heads]
        lines += [gap(2), *lines_of(table.mode, room - 14, BODY_ITALIC, palette.SOFT, indent=7), gap(1)]
        heading = ""
        items = compact(table.items, [self._laid(letter, index) for index in range(len(table.items))])
        for index, item in items[:MOST_ITEMS]:
            if item.heading and item.heading != heading and item.level == 0:
                heading = item.heading
                lines += [gap(2), *lines_of(heading.upper(), room - 14, SMALL_BOLD, palette.SOFT, indent=7)]
            lines += self._item_lines(letter, index, item, room - 8, look.text, indent=7)
            lines.append(gap(2))
        if len(items) > MOST_ITEMS:
            text = f"and {len(items) - MOST_ITEMS} more: see the text outline"
            lines += lines_of(text, room - 14, BODY_ITALIC, palette.SOFT, indent=7)
        lines.append(gap(3))
        label = "; ".join([f"Box {letter}: {table.title}", table.mode, *self._table_words(table)])
        outline = replace(palette.TABLE, line=look.line, weight=look.weight if look is not palette.TABLE else 1.2)
        return Box(
            f"table-{letter}", "box", 0, 0, w, height_of(lines) + 3, tuple(lines), outline, label, pad=1, top=0.01
        )

    def _laid(self, owner: str, index: int) -> str:
        """What is laid over an item, as far as it matters for joining items: its chip, or that it is changed."""
        if (owner, index) in self.overlay.runs:
            return f"changed {index}"
        chip = self.overlay.items.get((owner, index))
        return chip.word if chip else ""

    def _table_words(self, table: Table) -> list[str]:
        words = []
        for index, item in enumerate(table.items):
            chip = self.overlay.items.get((table.letter, index))
            words.append(item.text + (f" ({chip.word.lower()})" if chip else ""))
        return words

    # edges
    def _edges(self, tops: Mapping[str, float], bottoms: Mapping[str, float]) -> None:
        trunk = [(phase, step) for phase in self.pathway.phases for step in phase.steps]
        for place, (phase, step) in enumerate(trunk):
            following = trunk[place + 1] if place + 1 < len(trunk) else None
            box = self.placed[step.node.key]
            if step.exit:
                self._exit_edge(step, box)
            if following:
                below = self.placed[following[1].node.key]
                label = ("Yes" if step.yes_down else "No") if step.node.kind == "decision" else ""
                self._edge(step.node.key, following[1].node.key, ((TRUNK, box.bottom), (TRUNK, below.y)), label)
                if following[0] is not phase:
                    self._beside_edges(following[0], step, box, tops[following[0].key])
            if step.exit and step.rejoins and place + 2 < len(trunk):
                self._rejoin(step.exit, trunk[place + 1][0], trunk[place + 2], bottoms)
            if following and following[0] is not phase:
                self._beside_out(phase, following[1], bottoms[phase.key])

    def _exit_edge(self, step: Step, box: Box) -> None:
        assert step.exit is not None
        target = self.placed[step.exit.key]
        y = box.centre[1]
        label = "No" if step.yes_down else "Yes"
        key = (step.node.key, step.exit.key)
        trace = self.overlay.edges.get(key, _urgent(step.exit))
        self.page.edges.append(
            Edge(
                box.id,
                target.id,
                ((box.x, y), (target.right, y)),
                trace.colour,
                trace.weight,
                trace.dash,
                "normal",
                label,
                ((box.x + target.right) / 2 + 4, y - 9),
            )
        )

    def _rejoin(self, leave: Node, band: Phase, target: tuple[Phase, Step], bottoms: Mapping[str, float]) -> None:
        start, end = self.placed[leave.key], self.placed[target[1].node.key]
        y = end.y - GAP / 2 - 2 if target[0] is band else bottoms[band.key] + BETWEEN / 2
        x = start.centre[0]
        if target[0] is band:
            points = (
                (x, start.bottom),
                (x, start.bottom + 8),
                (RAIL, start.bottom + 8),
                (RAIL, y),
                (TRUNK, y),
                (TRUNK, end.y),
            )
        else:
            points = (
                (x, start.bottom),
                (x, start.bottom + 8),
                (RAIL, start.bottom + 8),
                (RAIL, y),
                (TRUNK, y),
                (TRUNK, end.y),
            )
        self._edge(leave.key, target[1].node.key, points)

    def _beside_edges(self, band: Phase, step: Step, box: Box, top: float) -> None:
        y = top - BETWEEN / 2
        for other in band.beside:
            node = other.steps[0].node
            target = self.placed[node.key]
            points = (
                (TRUNK, box.bottom),
                (TRUNK, y),
                (BESIDE_RAIL, y),
                (BESIDE_RAIL, target.centre[1]),
                (target.x, target.centre[1]),
            )
            self._edge(step.node.key, node.key, points)

    def _beside_out(self, band: Phase, target: Step, bottom: float) -> None:
        end = self.placed[target.node.key]
        y = bottom + BETWEEN / 2
        for other in band.beside:
            node = other.steps[0].node
            start = self.placed[node.key]
            points = (
                (start.right, start.centre[1]),
                (BESIDE_OUT, start.centre[1]),
                (BESIDE_OUT, y),
                (TRUNK, y),
                (TRUNK, end.y),
            )
            self._edge(node.key, target.node.key, points)

    def _edge(self, tail: str, head: str, points: tuple[Point, ...], label: str = "") -> None:
        trace = self.overlay.edges.get((tail, head), Trace())
        at = (points[0][0] + 15, points[0][1] + 10)
        self.page.edges.append(
            Edge(
                self.placed[tail].id,
                self.placed[head].id,
                points,
                trace.colour,
                trace.weight,
                trace.dash,
                "normal",
                label,
                at,
            )
        )


def compact(items: Sequence[Item], laid: Sequence[str]) -> list[tuple[int, Item]]:
    """Items with the short lists below them as one sentence each, with their old places.

    Not where one of the list has another status than the whole (`laid`).
    """
    found: list[tuple[int, Item]] = []
    place = 0
    while place < len(items):
        item = items[place]
        end = place + 1
        while end < len(items) and items[end].level > item.level:
            end += 1
        below = items[place + 1 : end]
        same = all(word in ("", laid[place]) for word in laid[place + 1 : end])
        if below and same and all(i.level == item.level + 1 for i in below):
            text = _joined(item.text, [i.text for i in below])
            if len(text) <= MOST_JOINED:
                rules = tuple({id(r): r for i in (item, *below) for r in i.rules}.values())
                found.append((place, replace(item, text=text, rules=rules)))
                place = end
                continue
        found.append((place, item))
        place += 1
    return found


def _joined(text: str, below: Sequence[str]) -> str:
    lead, _, mode = text.rpartition(", ")
    any_of, all_of = mode == "any of:", mode == "all of:"
    words = [w[:1].lower() + w[1:] if w[1:2].islower() or w[1:2] == " " else w for w in below]
    if not mode.endswith("of:") and not text.endswith("of:"):
        return f"{text}. Includes: {'; '.join(words)}"
    start = lead if any_of or all_of else text.rstrip(":")
    joined = f"{', '.join(words[:-1])} or {words[-1]}" if any_of and len(words) > 1 else "; ".join(words)
    return f"{start}: {joined}"


def _urgent(node: Node) -> Trace:
    return Trace(palette.MAROON, 2.4) if node.kind == "urgent" else Trace()
