"""`patient`: the page of one evaluated patient on the pathway; the next step is in the subtitle and on its box."""

from __future__ import annotations

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers

from ..drawing import palette
from ..drawing.page import Head, Legend, Notes, Page, facts_of
from ..drawing.scene import Scene
from ..pathway.model import Pathway
from ..pathway.overlay import Links, Overlay
from ..pathway.page import OUTLINES, foot
from ..pathway.sheets import Furniture, pathway_scenes
from .record_words import ask_next, facts_used, headline

STATUSES = (
    Legend("box", palette.REACHED, "reached"),
    Legend("box", palette.DO_NOW, "do now"),
    Legend("box", palette.CONSIDER, "consider"),
    Legend("box", palette.UNKNOWN, "not known: ask"),
    Legend("box", palette.BLOCKED, "blocked"),
    Legend("box", palette.NOT_REACHED, "not reached"),
)


def patient_scenes(
    compiled: Compiled, answers: Answers, pathway: Pathway, overlay: Overlay, links: Links
) -> list[Scene]:
    """The pages of a patient on the pathway."""
    guideline = compiled.guideline
    when = f", {answers.patient.as_of.isoformat()}" if answers.patient.as_of else ""
    listed = len(answers.patient.findings) + len(answers.patient.measures)
    unknown = sum(not answers.facts.known(n) for n in (*answers.facts.findings, *answers.facts.measures))
    title = f"{guideline.title}: this patient on the pathway"
    next_step = headline(answers)

    def head(where: str) -> Head:
        facts = facts_of(
            guideline,
            f"patient {answers.patient.id}{when}",
            f"{listed} recorded, {unknown} not known",
            *((where,) if where else ()),
            "for review only, not for use in care",
        )
        return Head(title, next_step, facts)

    def ends(page: Page) -> None:
        page.symbols(("Symbols", OUTLINES), ("Status", STATUSES))
        page.rule()
        asked = Notes("Ask next, in this order", ask_next(answers))
        foot(page, compiled, (Notes("Facts used", facts_used(answers)),), (asked,))

    counts = {
        look.word: 0
        for look in (palette.REACHED, palette.DO_NOW, palette.UNKNOWN, palette.BLOCKED, palette.NOT_REACHED)
    }
    for mark in overlay.nodes.values():
        if mark.look.word in counts:
            counts[mark.look.word] += 1
    said = ", ".join(f"{n} {word.lower()}" for word, n in counts.items() if n)
    desc = f"{next_step}. Boxes: {said}. The text outline says the same in words."
    return pathway_scenes(pathway, guideline, links, overlay, Furniture("patient", title, desc, head, ends))
