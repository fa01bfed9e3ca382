"""`pathway`: the guideline's pathway as pages; and the foot that all pages with a pathway share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guidelog.compiled import Compiled
from guidelog.wording import sentence

from ..drawing import palette
from ..drawing.page import Head, Legend, Notes, Page, facts_of, missing_note, references
from ..drawing.scene import Scene
from .model import Pathway
from .overlay import Links, Overlay
from .sheets import Furniture, pathway_scenes

UNSTATED_TEXT = "A continuation that no rule states, or a rule without a citation: for the committee to confirm."
SYMBOLS = (
    Legend("rounded", palette.STATE, "state"),
    Legend("hexagon", palette.DECISION, "decision"),
    Legend("box", palette.ACTION, "action"),
    Legend("box", palette.URGENT, "urgent action"),
)
OUTLINES = tuple(
    replace(s, look=replace(s.look, fill=palette.PAPER, line=palette.HEADER, weight=1.4)) for s in SYMBOLS[:3]
)
"""The symbols where colour says something else."""


def guideline_scenes(compiled: Compiled, pathway: Pathway, links: Links) -> list[Scene]:
    """The pages of a guideline's pathway."""
    guideline = compiled.guideline
    nodes = pathway.nodes()
    subtitle = ", ".join(p.title for p in pathway.all_phases()[1:])
    rules = len(compiled.program.numbered_rules)
    counts = f"{len(nodes)} boxes, {len(pathway.tables)} tables, {rules} rules"
    title = f"{guideline.title}: care pathway"

    def head(where: str) -> Head:
        return Head(title, subtitle, facts_of(guideline, counts, *((where,) if where else ())))

    def ends(page: Page) -> None:
        page.symbols(("Symbols", SYMBOLS))
        page.rule()
        foot(page, compiled, after=not_drawn(pathway))

    desc = (
        f"Pathway inferred from the rules: {len(nodes)} numbered boxes in {len(pathway.all_phases())} phases. "
        "The text outline of this picture says the same in words."
    )
    return pathway_scenes(pathway, guideline, links, Overlay(), Furniture("pathway", title, desc, head, ends))


def not_drawn(pathway: Pathway) -> tuple[Notes, ...]:
    """The rules that no box names, with their numbers; nothing where all are drawn."""
    lines = tuple(f"{sentence(kind)}: {', '.join(ids)}." for kind, ids in pathway.not_drawn().items())
    return (Notes("Not drawn on this sheet", lines),) if lines else ()


def foot(page: Page, compiled: Compiled, before: Sequence[Notes] = (), after: Sequence[Notes] = ()) -> None:
    """Columns at the foot: those given before and after how to read, then references."""
    texts = page.scene("", "").texts()
    reading = Notes(
        "How to read",
        (
            "Shapes after the proposal of the Society for Medical Decision Making (1992).",
            "Lettered boxes list criteria and are joined by a dotted line.",
            "Phases side by side do not depend on each other.",
            *missing_note(texts),
        ),
    )
    page.notes([*before, reading, *after, references(compiled.guideline, texts, UNSTATED_TEXT)])
