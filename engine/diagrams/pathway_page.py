"""`pathway`: the guideline's pathway as a page."""

from __future__ import annotations

from ..compiled import Compiled
from . import palette
from .flow import Flow, Links, Overlay
from .model import Pathway
from .page import Head, Legend, Notes, Page, facts_of, missing_note, references
from .pathway import infer
from .scene import Scene

UNSTATED_TEXT = "A continuation that no rule states, or a rule without a citation: for the committee to confirm."
SYMBOLS = (
    Legend("rounded", palette.STATE, "clinical state"),
    Legend("hexagon", palette.DECISION, "decision"),
    Legend("box", palette.ACTION, "action"),
    Legend("box", palette.URGENT, "urgent action"),
)


def pathway_scene(compiled: Compiled, links: Links | None = None, pathway: Pathway | None = None) -> Scene:
    """The pathway page of a guideline."""
    guideline = compiled.guideline
    found = pathway or infer(compiled)
    page = Page("pathway")
    nodes = found.nodes()
    subtitle = ", ".join(p.title for p in found.all_phases()[1:])
    rules = sum(1 for c in compiled.ground.clauses if c.rule.head is not None and c.rule.body)
    facts = facts_of(guideline, f"{len(nodes)} boxes, {len(found.tables)} tables, {rules} rules")
    page.head(Head(f"{guideline.title}: care pathway", subtitle, facts))
    Flow(page, found, guideline, links or Links(), Overlay()).draw()
    page.symbols("Symbols", SYMBOLS)
    page.rule()
    foot(page, compiled)
    return page.scene(
        f"{guideline.title}: care pathway",
        f"Pathway inferred from the rules: {len(nodes)} numbered boxes in {len(found.all_phases())} phases. "
        "The text outline of this picture says the same in words.",
    )


def foot(page: Page, compiled: Compiled, *columns: Notes) -> None:
    """Columns at the foot: those given, how to read, references."""
    reading = Notes(
        "How to read",
        (
            "Shapes after the proposal of the Society for Medical Decision Making (1992).",
            "Lettered boxes list criteria or actions and are joined by a dotted line.",
            "Phases side by side do not depend on each other.",
            *missing_note(page.scene("", "").texts()),
        ),
    )
    texts = page.scene("", "").texts()
    page.notes([*columns, reading, references(compiled.guideline, texts, UNSTATED_TEXT)])
    for index, box in enumerate(page.legend):
        if box.lines and box.lines[0].text.startswith("References as"):
            from dataclasses import replace

            page.legend[index] = replace(box, id="references")
