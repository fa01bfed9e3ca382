"""Trees from left to right: a conclusion, what it rests on, down to the record. Used by proofs and refusals.

Each branch gets the room that its own branches need, so nothing overlaps however long the labels are. What is shared is
drawn once and referred to by number; what is too deep or too much for a page goes to further pages, with the number of
boxes that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..drawing import palette
from ..drawing.fonts import Run
from ..drawing.page import MARGIN, SMALLEST_SCALE, Page, scale_on_a3
from ..drawing.palette import Look
from ..drawing.scene import (
    BODY,
    BODY_BOLD,
    HEAD,
    SMALL,
    SMALL_BOLD,
    SMALL_ITALIC,
    Box,
    Edge,
    Line,
    Scene,
    chip_line,
    fitted_height,
    gap,
    lines_of,
)

COLUMN, SPACE, STACK = 240.0, 34.0, 6.0
LIMITS = ((5, 99), (4, 99), (3, 99), (4, 32), (3, 32), (3, 22), (2, 22), (2, 12), (2, 7))
"""Columns and boxes of one page, tried in this order until every page can be read on A3."""
LITTLE = 5
"""So few boxes more are not worth a page of their own."""


@dataclass(frozen=True)
class Branch:
    """A box of a tree: its look and words, what it rests on, and how those combine.

    `key` is the same for the same thing.
    """

    key: str
    look: Look
    word: str
    title: str
    remarks: tuple[str, ...] = ()
    quote: str = ""
    small: tuple[Run, ...] = ()
    combine: str = ""
    below: tuple[Branch, ...] = ()
    shape: str = "box"
    count: int = field(default=0)

    def size(self) -> int:
        """How many boxes the branch has."""
        total, stack = 0, [self]
        while stack:
            branch = stack.pop()
            total += 1
            stack.extend(branch.below)
        return total


def tree_pages(
    root: Branch, paint_page: Callable[[Branch, int, int, dict[str, int]], Scene]
) -> tuple[list[Scene], dict[str, int]]:
    """The tree on pages that can be read on A3, and the numbers of its boxes.

    A branch that is cut says how many boxes are where. `paint_page` makes a page of a branch, its place, the count of
    pages, and the numbers.
    """
    for limits in LIMITS:
        numbers: dict[str, int] = {}
        pages = _pages_of(root, numbers, *limits)
        scenes = [paint_page(branch, place, len(pages), numbers) for place, branch in enumerate(pages, 1)]
        if all(scale_on_a3(s.w, s.h) >= SMALLEST_SCALE for s in scenes):
            break
    return scenes, numbers


def _pages_of(root: Branch, numbers: dict[str, int], deepest: int, most: int) -> list[Branch]:
    """The tree cut into pages of so many columns and boxes. Fills the numbers of all boxes."""
    todo: list[Branch] = [root]
    pages: list[Branch] = []
    seen: set[str] = set()
    while todo:
        start = todo.pop(0)
        pages.append(_cut(start, 0, [most], deepest, todo, len(pages), seen, numbers))
    return pages


def _cut(
    branch: Branch,
    depth: int,
    budget: list[int],
    deepest: int,
    todo: list[Branch],
    done: int,
    seen: set[str],
    numbers: dict[str, int],
) -> Branch:
    first = branch.key not in numbers
    if first:
        numbers[branch.key] = len(numbers) + 1
    budget[0] -= 1
    if branch.key in seen and branch.below:
        return replace(
            branch,
            below=(),
            combine="",
            quote="",
            remarks=(f"shown at box {numbers[branch.key]}",),
            shape="oval",
            count=-1,
        )
    too_deep = depth >= deepest - 1 and (branch.size() > LITTLE or depth >= deepest)
    if branch.below and (too_deep or budget[0] <= 0):
        place = done + len(todo) + 2
        todo.append(branch)
        words = f"continued on page {place}: {branch.size() - 1} more boxes"
        return replace(branch, below=(), combine="", remarks=(*branch.remarks, words))
    seen.add(branch.key)
    below = tuple(_cut(b, depth + 1, budget, deepest, todo, done, seen, numbers) for b in branch.below)
    return replace(branch, below=below)


def depth_of(branch: Branch) -> int:
    """The number of columns of a page."""
    return 1 + max((depth_of(b) for b in branch.below), default=0)


def width_of(branch: Branch) -> float:
    """The width of the page of a tree."""
    columns = depth_of(branch)
    return max(842.0, 2 * MARGIN + columns * COLUMN + (columns - 1) * SPACE)


def draw(page: Page, root: Branch, numbers: dict[str, int]) -> None:
    """The tree below the page's `y`; moves `y` below it."""
    columns = depth_of(root)
    spare = page.w - 2 * MARGIN - columns * COLUMN
    space = min(spare / (columns - 1), 130.0) if columns > 1 else 0.0
    drawing = _Drawing(page, numbers, space)
    height = drawing.place(root, 0, page.y + 4, ())[1]
    page.y += height + 18


class _Drawing:
    def __init__(self, page: Page, numbers: dict[str, int], space: float) -> None:
        self.page, self.numbers, self.space = page, numbers, space
        self.used: set[str] = set()

    def place(self, branch: Branch, column: int, top: float, path: tuple[int, ...]) -> tuple[Box, float]:
        """The box of a branch and the height of everything below and beside it."""
        box = self._box(branch, column, path)
        x = MARGIN + column * (COLUMN + self.space)
        y = top
        children: list[tuple[Branch, Box]] = []
        for index, below in enumerate(branch.below):
            child, height = self.place(below, column + 1, y, (*path, index))
            children.append((below, child))
            y += height + STACK
        spread = max(0.0, y - STACK - top)
        if spread < box.h and children:
            # The children stand in the middle of a parent that is taller than all of them.
            shift = (box.h - spread) / 2
            self._shift(path, shift)
            children = [(b, self._moved(c)) for b, c in children]
        height = max(box.h, spread)
        if children:
            first, last = children[0][1], children[-1][1]
            middle = (first.centre[1] + last.centre[1]) / 2
            y = min(max(middle - box.h / 2, top), top + height - box.h)
        else:
            y = top
        box = box.moved(x, y)
        self.page.boxes.append(box)
        for below, child in children:
            self._edge(box, child, below)
        return box, height

    def _prefix(self, path: tuple[int, ...]) -> str:
        return "tree-" + ".".join(map(str, path)) + ("." if path else "")

    def _shift(self, path: tuple[int, ...], dy: float) -> None:
        prefix = self._prefix(path)
        inside = {b.id for b in self.page.boxes if b.id.startswith(prefix) and b.id != prefix}
        self.page.boxes[:] = [b.moved(0, dy) if b.id in inside else b for b in self.page.boxes]
        self.page.edges[:] = [
            replace(e, points=tuple((x, y + dy) for x, y in e.points)) if e.tail in inside else e
            for e in self.page.edges
        ]

    def _moved(self, box: Box) -> Box:
        return next(b for b in self.page.boxes if b.id == box.id)

    def _box(self, branch: Branch, column: int, path: tuple[int, ...]) -> Box:
        look, room = branch.look, COLUMN - 18
        number = self.numbers.get(branch.key)
        head = HEAD if column == 0 else BODY_BOLD if branch.below else BODY
        lines: list[Line] = chip_line(look, branch.word, room)
        prefix = f"{number}. " if number and branch.count != -1 else ""
        lines += lines_of(f"{prefix}{branch.title}", room, head, look.text)
        if branch.quote:
            lines += [gap(2), *lines_of(branch.quote, room, SMALL_ITALIC, palette.SOFT)]
        for remark in branch.remarks:
            lines += lines_of(remark, room, SMALL, palette.SOFT)
        if branch.small:
            lines += lines_of(list(branch.small), room)
        if branch.combine and branch.below:
            lines += [gap(1), *lines_of(branch.combine, room, SMALL_BOLD, look.text)]
        shape = "rounded" if branch.count == -1 else branch.shape
        if branch.count == -1:
            look = replace(look, fill=palette.PAPER, weight=1.0)
        h = fitted_height(shape, COLUMN, lines, 9, 0) + 1
        words = [
            f"{prefix}{branch.title}",
            branch.word.lower(),
            branch.quote,
            *branch.remarks,
            "".join(r.text for r in branch.small),
            branch.combine,
        ]
        label = "; ".join(w for w in words if w)
        return Box("tree-" + ".".join(map(str, path)) + ".", shape, 0, 0, COLUMN, h, tuple(lines), look, label, pad=9)

    def _edge(self, box: Box, child: Box, below: Branch) -> None:
        y, to = box.centre[1], child.centre[1]
        middle = box.right + (child.x - box.right) / 2
        points = (
            ((box.right, y), (child.x, to))
            if abs(y - to) < 0.6
            else ((box.right, y), (middle, y), (middle, to), (child.x, to))
        )
        colour, dash = below.look.line, below.look.dash
        self.page.edges.append(Edge(box.id, child.id, points, colour, 1.5, dash, "none"))
