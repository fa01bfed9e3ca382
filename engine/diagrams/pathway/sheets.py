"""A pathway on A3: on one sheet where it can be read there, else an overview and numbered sheets of detail.

Sheets are cut between phases, or between the steps of a phase that is too long; a table that is too long goes on, on a
sheet of its own. Every sheet has title block, legend and references, and ovals that name the box and sheet where a line
goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from guidelog.language.guideline import GuidelineFolder

from ..drawing.boxes import Boxes
from ..drawing.page import A3, A3_LONG, SMALLEST_SCALE, Head, Page
from ..drawing.scene import Scene
from .flow import BAND_X, BETWEEN, PAGE_W, TABLE_W, Flow
from .model import Pathway, Phase, Step
from .overlay import Links, Overlay
from .routes import CONNECTOR_H, Routes, steps_of

SHEET_H = PAGE_W * A3_LONG / A3
HIGHEST = A3_LONG / SMALLEST_SCALE

Draw = Callable[[Page], None]


@dataclass(frozen=True)
class Furniture:
    """What is around the picture.

    `head` gets "sheet 2 of 5" or nothing; `more` is drawn below the picture, above the foot, and can be cut into sheets
    of a height (the change list of a difference).
    """

    name: str
    title: str
    desc: str
    head: Callable[[str], Head]
    foot: Draw
    more: Draw | None = None
    cut_more: Callable[[float], list[Draw]] | None = None
    more_title: str = "change list"
    first: Draw | None = None
    """What comes before everything else, on the first sheet."""


def pathway_scenes(
    pathway: Pathway, guideline: GuidelineFolder, links: Links, overlay: Overlay, furniture: Furniture
) -> list[Scene]:
    """The sheets of a pathway."""
    boxes = Boxes(pathway, guideline, links, overlay)

    def draw(page: Page) -> None:
        flow = Flow(page, boxes)
        flow.draw(pathway.phases)
        Routes(flow, pathway, {}).draw()

    def draw_all(page: Page) -> None:
        draw(page)
        if furniture.more:
            furniture.more(page)

    whole = _scene(furniture, 1, 1, "", draw_all)
    if whole.h <= HIGHEST:
        return [whole]
    empty = _scene(furniture, 1, 1, "sheet 1 of 1: all", lambda _: None)
    room = SHEET_H - empty.h - 2 * (CONNECTOR_H + BETWEEN)
    more = [(furniture.more_title, d) for d in furniture.cut_more(room)] if furniture.cut_more else []
    alone = _scene(furniture, 1, 1 + len(more), "the pathway", draw)
    draws = [("the pathway", draw)] if alone.h <= HIGHEST else _Sheets(pathway, boxes, room).draws()
    draws += more
    return [_scene(furniture, number, len(draws), words, draw) for number, (words, draw) in enumerate(draws, 1)]


def _scene(furniture: Furniture, number: int, count: int, words: str, draw: Draw) -> Scene:
    """A sheet; one that is alone does not say so."""
    page = Page(furniture.name if number == 1 else f"{furniture.name}-{number}", w=PAGE_W)
    page.head(furniture.head(f"sheet {number} of {count}: {words}" if words else ""))
    if furniture.first and number == 1:
        furniture.first(page)
    draw(page)
    furniture.foot(page)
    if count == 1:
        return page.scene(furniture.title, furniture.desc)
    return page.scene(f"{furniture.title}, sheet {number} of {count}", f"{furniture.desc} This sheet: {words}.")


class _Sheets:
    """An overview and the details of a pathway, cut into parts of a height."""

    def __init__(self, pathway: Pathway, boxes: Boxes, room: float) -> None:
        self.room, self.boxes = room, boxes
        self.leftover: list[tuple[str, int]] = []
        self.details = self._cut(pathway, boxes)
        self.pathway = replace(pathway, phases=tuple(p for sheet in self.details for p in sheet))
        self.overviews = self._cut(pathway, self._brief({}))

    def _brief(self, sheet_of: dict[str, int]) -> Boxes:
        known = self.boxes
        return Boxes(known.pathway, known.guideline, known.links, known.overlay, sheet_of)

    def draws(self) -> list[tuple[str, Draw]]:
        """Overview, details, tables that go on: what each sheet is called, and its drawing."""
        sheet_of = _places(self.details, len(self.overviews))
        brief = self._brief(sheet_of)
        whole = replace(self.pathway, phases=tuple(p for sheet in self.overviews for p in sheet))
        own = _places(self.overviews, 0)
        return [
            *(("overview", self._draw(sheet, brief, whole, own)) for sheet in self.overviews),
            *(
                (", ".join(p.title for p in sheet), self._draw(sheet, self.boxes, self.pathway, sheet_of))
                for sheet in self.details
            ),
            *(("boxes continued", draw) for draw in self._continued()),
        ]

    def _draw(self, sheet: Sequence[Phase], boxes: Boxes, pathway: Pathway, sheet_of: Mapping[str, int]) -> Draw:
        def draw(page: Page) -> None:
            flow = Flow(page, boxes, self.room - 40)
            routes = Routes(flow, pathway, sheet_of)
            if sheet[0] is not pathway.phases[0]:
                routes.before()
            flow.draw(sheet)
            routes.draw()

        return draw

    def _continued(self) -> list[Draw]:
        """The rest of long tables, two columns a sheet."""
        parts = []
        for letter, rest in dict.fromkeys(self.leftover):
            start = rest
            while start:
                box, start = self.boxes.table(letter, TABLE_W, start, self.room)
                parts.append(box)
        columns: list[list[int]] = []
        used: list[float] = []
        for index, box in enumerate(parts):
            if columns and used[-1] + box.h + 12 <= self.room:
                columns[-1].append(index)
                used[-1] += box.h + 12
            else:
                columns.append([index])
                used.append(box.h)

        def draw(page: Page, chosen: Sequence[Sequence[int]]) -> None:
            top = lowest = page.y
            for place, column in enumerate(chosen):
                y = top
                for index in column:
                    box = parts[index].moved(BAND_X + place * (TABLE_W + 20), y)
                    page.boxes.append(box)
                    y = box.bottom + 12
                lowest = max(lowest, y)
            page.y = lowest

        return [
            lambda page, chosen=columns[i : i + 2]: draw(page, chosen)  # type: ignore[misc]
            for i in range(0, len(columns), 2)
        ]

    # cutting
    def _cut(self, pathway: Pathway, boxes: Boxes) -> list[list[Phase]]:
        """The phases by sheet."""
        sheets: list[list[Phase]] = []
        used = 0.0
        for phase in pathway.phases:
            for part in self._parts(phase, boxes):
                height, leftover = self._measured(part, boxes)
                self.leftover += leftover
                if sheets and used + BETWEEN + height <= self.room:
                    sheets[-1].append(part)
                    used += BETWEEN + height
                else:
                    sheets.append([part])
                    used = height
        return sheets

    def _parts(self, phase: Phase, boxes: Boxes) -> list[Phase]:
        """A phase as it is, or as several where it is too long."""
        if self._measured(phase, boxes)[0] <= self.room or len(phase.steps) < 2:
            return [phase]
        parts: list[list[Step]] = []
        for group in _inseparable(phase.steps):
            trial = replace(phase, steps=(*parts[-1], *group), beside=()) if parts else phase
            if parts and self._measured(trial, boxes)[0] <= self.room:
                parts[-1] += group
            else:
                parts.append(list(group))
        return [
            replace(
                phase, steps=tuple(steps), beside=phase.beside if not index else (),
                title=phase.title + (", continued" if index else ""),
            )
            for index, steps in enumerate(parts)
        ]  # fmt: skip

    def _measured(self, phase: Phase, boxes: Boxes) -> tuple[float, list[tuple[str, int]]]:
        """The height of a band alone, and the tables that do not fit it."""
        page = Page("measured", w=PAGE_W, y=0.0)
        flow = Flow(page, boxes, self.room - 40)
        flow.draw([phase])
        return flow.bottoms[phase.key], flow.leftover


def _inseparable(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps in groups: a decision stays with the action below it."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and groups[-1][-1].node.kind == "decision":
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _places(sheets: Sequence[Sequence[Phase]], before: int) -> dict[str, int]:
    """The sheet of each box, by its key."""
    return {
        node.key: before + number
        for number, sheet in enumerate(sheets, 1)
        for step in steps_of(sheet)
        for node in (step.node, *((step.exit,) if step.exit else ()))
    }
