"""Numbered boxes and lettered tables of a pathway as boxes of text lines, each as high as its text.

Nothing is placed here (`flow` does that) and nothing is decided: the words are those of the pathway and the overlay.
Lists are made shorter and more even: short lists as one sentence, two columns, small print beside a remark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder

from ..pathway.model import Item, Node, Pathway
from ..pathway.overlay import Links, Mark, Overlay
from . import palette
from .fonts import Run
from .page import BARE, UNSTATED, cited
from .scene import (
    BODY,
    BODY_ITALIC,
    HEAD,
    SMALL,
    SMALL_BOLD,
    Box,
    Line,
    chip_line,
    fitted_height,
    gap,
    height_of,
    lines_of,
)

MOST_JOINED = 240


def beside(said: list[Line], small: list[Line], room: float) -> list[Line]:
    """The small print in the line of the last remark, where both fit."""
    if not said or len(small) != 1 or said[-1].width + small[0].width + 12 > room:
        return [*said, *small]
    runs = (*said[-1].runs, Run(" · ", SMALL, palette.SOFT), *small[0].runs)
    return [*said[:-1], replace(said[-1], runs=runs)]


def halves(blocks: Sequence[Sequence[Line]]) -> tuple[list[Line], list[Line]]:
    """Two columns as even as whole blocks make them."""
    heights = [height_of(list(block)) for block in blocks]
    best = min(range(1, len(blocks) + 1), key=lambda cut: max(sum(heights[:cut]), sum(heights[cut:])))
    first, second = ([line for block in part for line in block] for part in (blocks[:best], blocks[best:]))
    return first, second


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


QUESTION = 2 / 3
"""The part of a hexagon's width that a question may use."""
MOST_RULES = 4
MOST_ITEMS = 120
LONG_BODY = 4
"""A box with more lines than this stands across the page, in two columns, where there is room."""
NARROW = 250.0  # too little room for a chip beside the text
COLUMN_GAP = 16.0

KIND_LOOK = {
    "state": palette.STATE,
    "exit": palette.STATE,
    "decision": palette.DECISION,
    "action": palette.ACTION,
    "urgent": palette.URGENT,
}
KIND_SHAPE = {"state": "rounded", "exit": "rounded", "decision": "hexagon", "action": "box", "urgent": "box"}
KIND_WORD = {"state": "state", "exit": "exit", "decision": "decision", "action": "action", "urgent": "urgent action"}


@dataclass(frozen=True)
class Wide:
    """A box across the page: its frame, and the columns that lie in it."""

    frame: Box
    columns: tuple[Box, ...]

    def moved(self, dx: float, dy: float) -> Wide:
        """The same elsewhere."""
        return Wide(self.frame.moved(dx, dy), tuple(c.moved(dx, dy) for c in self.columns))


class Boxes:
    """The boxes of one pathway. `brief` leaves out all but titles and says where the rest is (`sheets`, by box key)."""

    def __init__(
        self,
        pathway: Pathway,
        guideline: GuidelineFolder,
        links: Links,
        overlay: Overlay,
        sheets: dict[str, int] | None = None,
    ) -> None:
        self.pathway, self.guideline, self.links, self.overlay = pathway, guideline, links, overlay
        self.sheets = sheets
        self.numbers = {n.key: n.number for n in pathway.nodes()}

    @property
    def brief(self) -> bool:
        """Whether this is an overview."""
        return self.sheets is not None

    def is_wide(self, node: Node) -> bool:
        """Whether a box is better drawn across the page."""
        return node.kind == "action" and len(node.body) > LONG_BODY and not self.brief

    def node(self, node: Node, w: float) -> Box:
        """A numbered box of a width, at the origin."""
        mark = self.overlay.nodes.get(node.key)
        look = mark.look if mark else KIND_LOOK[node.kind]
        shape = KIND_SHAPE[node.kind]
        decision = shape == "hexagon"
        pad = 6.0 if decision else 8.0
        room = w * QUESTION if decision else w - 2 * pad
        align = "centre" if decision else "left"
        lines = self._heading(node, mark, room, align)
        if not self.brief:
            for index, item in enumerate(node.body):
                lines += self._item_lines(node.key, index, item, room, look.text, heading=True)
                if lines[-1].right:  # one chip does not touch the next
                    lines.append(gap(1))
        small = self._small_print(node.rules, room, unstated=node.unstated and not node.returns)
        said = self._ways(node, mark, room, align)
        lines += said if decision or self.brief else beside(said, small, room)
        h = fitted_height(shape, w, lines, pad, 42.0 if decision else 0.0) + (0 if decision else 2)
        return Box(f"box-{node.key}", shape, 0, 0, w, h, tuple(lines), look, self._label(node, mark), pad=pad)

    def wide(self, node: Node, w: float) -> Wide:
        """A numbered box with its list in two columns, at the origin."""
        mark = self.overlay.nodes.get(node.key)
        look = mark.look if mark else KIND_LOOK[node.kind]
        pad, room = 8.0, w - 16.0
        lines = self._heading(node, mark, room, "left")
        lines += beside(self._ways(node, mark, room, "left"), self._small_print(node.rules, room), room)
        column = (room - COLUMN_GAP) / 2
        shares = halves(self._blocks(node.key, node.body, column, look.text))
        top = height_of(lines) + 10
        columns = tuple(
            Box(
                f"list-{node.key}-{place}", "bare", pad + place * (column + COLUMN_GAP), top, column,
                height_of(share), tuple(share), BARE, pad=0, top=0.01,
            )
            for place, share in enumerate(shares) if share
        )  # fmt: skip
        h = top + max((c.h for c in columns), default=0.0) + 5
        label = self._label(node, mark)
        return Wide(Box(f"box-{node.key}", "box", 0, 0, w, h, tuple(lines), look, label, pad=pad, top=5.0), columns)

    def _heading(self, node: Node, mark: Mark | None, room: float, align: str) -> list[Line]:
        look = mark.look if mark else KIND_LOOK[node.kind]
        title = self.overlay.titles.get(node.key)
        runs = [Run(f"{node.number}. ", HEAD, look.text), *(title or (Run(f" {node.title}", HEAD, look.text),))]
        chips = chip_line(look, mark.word if mark else "", room, align)
        if len(chips) == 2 and chips[0].chip and align == "left":
            beside = lines_of(runs, room - chips[0].chip.width - 6)
            if len(beside) == 1:
                return [replace(beside[0], chip=chips[0].chip), gap(1)]
        return [*chips, *lines_of(runs, room, align=align)]

    def _ways(self, node: Node, mark: Mark | None, room: float, align: str) -> list[Line]:
        """Where to look and to go on, and what the mark says."""
        ink = mark.look.text if mark else palette.INK
        lines: list[Line] = []
        if self.sheets is not None:
            lines += lines_of(f"sheet {self.sheets.get(node.key, 1)}", room, SMALL, palette.SOFT, align=align)
        elif node.table:
            lines += lines_of(f"see box {node.table}", room, BODY, ink, align=align)
        if node.returns in self.numbers and not self.brief:
            lines += lines_of(f"Go on with box {self.numbers[node.returns]} {UNSTATED}", room, BODY, ink, align=align)
        if mark is not None:
            colour = palette.AMBER_TEXT if mark.look is palette.UNKNOWN else mark.colour
            for note in mark.notes:
                lines += lines_of(note, room, SMALL_BOLD, colour, align=align)
        return lines

    def _label(self, node: Node, mark: Mark | None) -> str:
        status = (mark.word or mark.look.word).lower() if mark else ""
        words = [f"{node.number}. {node.title}", KIND_WORD[node.kind], *([f"status: {status}"] if status else [])]
        words += [*self._spoken(node.key, node.body), *(mark.notes if mark else ())]
        if node.table:
            words.append(f"see box {node.table}")
        if node.rules:
            words.append("rules " + ", ".join(r.id or "" for r in node.rules))
        return "; ".join(words)

    def _spoken(self, owner: str, items: Sequence[Item]) -> list[str]:
        """Items as a screen reader says them: heading, text, status."""
        words = []
        for index, item in enumerate(items):
            chip = self.overlay.items.get((owner, index))
            heading = f"{item.heading}: " if item.heading and not item.level else ""
            words.append(heading + item.text + (f" ({chip.word.lower()})" if chip else ""))
        return words

    def _small_print(self, rules: Sequence[tree.Rule], w: float, *, unstated: bool = False) -> list[Line]:
        if not rules:
            return lines_of(UNSTATED, w, SMALL, palette.SOFT) if unstated else []
        runs = [Run("rule " if len(rules) == 1 else "rules ", SMALL, palette.SOFT)]
        hidden = len(rules) - MOST_RULES if len(rules) > MOST_RULES + 1 else 0
        shown = rules[:MOST_RULES] if hidden else rules
        for index, rule in enumerate(shown):
            comma = "," if index < len(shown) - 1 else ""
            runs.append(Run((rule.id or "?") + comma, SMALL, palette.SOFT, href=self.links.rule(rule)))
            runs.append(Run(" ", SMALL, palette.SOFT))
        if hidden:
            runs.append(Run(f"and {hidden} more ", SMALL, palette.SOFT))
        cites = cited({int(c) for r in rules for c in r.listed("cites")}, self.guideline)
        if cites:
            runs += [Run("· ", SMALL, palette.SOFT), Run(cites, SMALL, palette.SOFT, href="#references")]
        else:
            runs.append(Run(UNSTATED, SMALL, palette.SOFT))
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
        remark = self.overlay.remarks.get((owner, index))
        if remark:
            runs.append(Run(f" ({remark})", SMALL, palette.SOFT))
        chip = self.overlay.items.get((owner, index))
        if chip and room < NARROW:
            runs.append(Run(f" ({chip.word.lower()})", SMALL_BOLD, ink))
            chip = None
        free = room - (chip.width + 8 if chip else 0)
        lines = lines_of(runs, free, indent=indent + item.level * 11, bullet="–" if item.level else "•")
        if chip and lines:
            lines[0] = replace(lines[0], right=chip, height=max(lines[0].height, 14.0))
        return lines

    def _blocks(
        self, owner: str, items: Sequence[Item], room: float, ink: str, indent: float = 0.0
    ) -> list[list[Line]]:
        """The lines of each item; a heading belongs to the first item below it."""
        heading = ""
        found = []
        shown = compact(items, [self._laid(owner, index) for index in range(len(items))])
        for index, item in shown[:MOST_ITEMS]:
            lines: list[Line] = []
            if item.heading and item.heading != heading and item.level == 0:
                heading = item.heading
                title = lines_of(heading.upper(), room - 2 * indent, SMALL_BOLD, palette.SOFT, indent=indent)
                lines += [gap(2), *title]
            lines += self._item_lines(owner, index, item, room - indent, ink, indent=indent)
            found.append([*lines, gap(1)])
        if len(shown) > MOST_ITEMS:
            text = f"and {len(shown) - MOST_ITEMS} more: see the text outline"
            found.append(lines_of(text, room - 2 * indent, BODY_ITALIC, palette.SOFT, indent=indent))
        return found

    def table(self, letter: str, w: float, start: int = 0, tallest: float = 1e9) -> tuple[Box, int]:
        """A lettered table from item `start` on, no higher than `tallest`; and where the rest begins (0: no rest)."""
        table = self.pathway.tables[letter]
        look = self.overlay.tables.get(letter, palette.TABLE)
        room = w - 2
        title = f"Box {letter}: {table.title}" + (", continued" if start else "")
        heads = lines_of(title, room - 14, HEAD, palette.PAPER, indent=7)
        lines = [replace(line, fill=look.chip, height=line.height + 2) for line in heads]
        lines += [gap(2), *lines_of(table.mode, room - 14, BODY_ITALIC, palette.SOFT, indent=7), gap(1)]
        blocks = self._blocks(letter, table.items, room - 7, look.text, indent=7)
        end = start
        while end < len(blocks) and (end == start or height_of(lines) + height_of(blocks[end]) + 22 <= tallest):
            lines += blocks[end]
            end += 1
        if end < len(blocks):
            text = f"and {len(blocks) - end} more: see the sheet with box {letter}, continued"
            lines += lines_of(text, room - 14, BODY_ITALIC, palette.SOFT, indent=7)
        lines.append(gap(2))
        label = "; ".join([title, table.mode, *self._spoken(letter, table.items)])
        outline = replace(palette.TABLE, line=look.line, weight=look.weight if look is not palette.TABLE else 1.2)
        name = f"table-{letter}" + (f"-{start}" if start else "")
        box = Box(name, "box", 0, 0, w, height_of(lines) + 3, tuple(lines), outline, label, pad=1, top=0.01)
        return box, end if end < len(blocks) else 0

    def _laid(self, owner: str, index: int) -> str:
        """What is laid over an item, as far as it matters for joining items: its chip, or that it is changed."""
        if (owner, index) in self.overlay.runs:
            return f"changed {index}"
        chip = self.overlay.items.get((owner, index))
        return chip.word if chip else ""
