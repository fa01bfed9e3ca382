"""`diff OLD NEW`: the page of two versions: the pathway with its changes marked, and the change list."""

from __future__ import annotations

from collections.abc import Sequence

from guidelog.compiled import Compiled
from guidelog.verify.diff.compare import Difference

from ..drawing import palette
from ..drawing.page import Head, Legend, Notes, Page, facts_of
from ..drawing.scene import Scene
from ..interchange import Picture, pathway_graph
from ..outline import pathway_outline
from ..pathway.overlay import Links
from ..pathway.page import OUTLINES, foot
from ..pathway.sheets import Draw, Furniture, pathway_scenes
from . import change_list
from .change_list import Row
from .changes import Changed, both_versions

LEGEND = (
    Legend("box", palette.CHANGED, "changed"),
    Legend("box", palette.ADDED, "added"),
    Legend("box", palette.REMOVED, "removed"),
    Legend("box", palette.KNOCK_ON, "knock-on effect"),
    Legend("box", palette.UNCHANGED, "unchanged"),
)


def diff_scenes(
    old: Compiled, new: Compiled, difference: Difference, merged: Changed, rows: Sequence[Row], links: Links
) -> list[Scene]:
    """The pages of two versions."""
    guideline = new.guideline
    title = f"{guideline.title}: what changed, {old.guideline.version} to {guideline.version}"
    counts = (
        ", ".join(f"{n} {'boxes' if n != 1 else 'box'} {word.lower()}" for word, n in merged.counts.items() if n)
        or "no box changed"
    )
    edits = _counted(len(difference.edits), "edit")
    changes = _counted(len(difference.changes), "change") + " of answers, each proved with a patient"
    if difference.undecided:
        changes += f"; {_counted(len(difference.undecided), 'intervention')} not decided"

    def head(where: str) -> Head:
        return Head(title, f"{edits}: {counts}", facts_of(guideline, changes, *((where,) if where else ())))

    def ends(page: Page) -> None:
        page.symbols(("Symbols", OUTLINES), ("Changes", LEGEND))
        page.rule()
        foot(page, new, after=(Notes("About the effects", change_list.about(difference)),))

    def whole_list(page: Page) -> None:
        change_list.draw(page, rows)

    def cut_list(room: float) -> list[Draw]:
        draws: list[Draw] = []
        start = 0
        while start < len(rows) or not draws:
            scratch = Page("measured", w=1000.0, y=0.0)
            end = change_list.draw(scratch, rows, start, room)
            draws.append(lambda page, first=start: _from(page, rows, first, room))  # type: ignore[misc]
            start = max(end, start + 1)
        return draws

    desc = f"{edits}; {counts}; {changes}. The text outline has the change list."
    furniture = Furniture("diff", title, desc, head, ends, whole_list, cut_list)
    return pathway_scenes(merged.pathway, guideline, links, merged.overlay, furniture)


def _from(page: Page, rows: Sequence[Row], start: int, room: float) -> None:
    change_list.draw(page, rows, start, page.y + room)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def diff_picture(old: Compiled, new: Compiled, difference: Difference, links: Links | None = None) -> Picture:
    """Two versions on one pathway."""
    merged = both_versions(old, new, difference)
    found = change_list.rows(old, new, difference, merged.pathway)
    scenes = tuple(diff_scenes(old, new, difference, merged, found, links or Links()))
    words = [*change_list.about(difference), "", *change_list.outline(found)]
    facts = (scenes[0].desc, "", *words)
    outline = pathway_outline(merged.pathway, merged.overlay, new.guideline, scenes[0].title, facts)
    return Picture("diff", scenes, outline, pathway_graph(merged.pathway, merged.overlay, new.guideline))
