"""`patient`: the page of one evaluated patient on the pathway; the next step is in the subtitle and on its box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.explain.description import Description, Emergency, describe
from guidelog.semantics.status import Status
from guidelog.wording import alternatives, sentence, together
from guidelog.wording.presentation import presentation

from ..drawing import palette
from ..drawing.fonts import Font
from ..drawing.page import MARGIN, Head, Legend, Notes, Page, facts_of
from ..drawing.scene import BODY, HEAD, Box, Scene, chip_line, gap, height_of, lines_of
from ..pathway.model import Pathway
from ..pathway.overlay import Links, Overlay
from ..pathway.page import OUTLINES, foot, not_drawn
from ..pathway.sheets import Furniture, pathway_scenes
from .record_words import ask_next, facts_used

LEAD = Font(14, bold=True)

STATUSES = (
    Legend("box", palette.EMERGENCY, "emergency"),
    Legend("box", palette.REACHED, "reached"),
    Legend("box", palette.DO_NOW, "recommended"),
    Legend("box", palette.CONSIDER, "consider"),
    Legend("box", palette.UNKNOWN, "not known: ask"),
    Legend("box", palette.BLOCKED, "blocked, not now"),
    Legend("box", palette.AVOID, "avoid"),
    Legend("box", palette.CONFLICT, "conflict"),
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
    found = describe(answers)

    def head(where: str) -> Head:
        facts = facts_of(
            guideline,
            f"patient {answers.patient.id}{when}",
            f"{listed} recorded, {unknown} not known",
            *((where,) if where else ()),
            "for review only, not for use in care",
        )
        return Head(title, found.headline, facts)

    def emergency(page: Page) -> None:
        if found.emergency is not None:
            page.boxes.append(emergency_box(found.emergency, page.y, page.w - 2 * MARGIN))
            page.y = page.boxes[-1].bottom + 10
            after = lines_of("After the emergency", page.w - 2 * MARGIN, HEAD)
            page.y = page.text(MARGIN, page.y, page.w - 2 * MARGIN, after, "after-the-emergency").bottom + 6

    def ends(page: Page) -> None:
        page.symbols(("Symbols", OUTLINES), ("Status", STATUSES))
        page.rule()
        foot(page, compiled, after=() if found.emergency else (asked,))

    asked = Notes("Ask next, in this order", ask_next(answers))
    facts = Notes("Facts used", facts_used(answers))

    def all_answers(page: Page) -> None:
        page.notes(
            [
                Notes("All answers", tuple(answer_lines(found))),
                facts,
                *((asked,) if found.emergency else ()),
                *not_drawn(pathway),
            ]
        )

    counts = Counter((mark.word or mark.look.word).lower() for mark in overlay.nodes.values())
    said = ", ".join(f"{n} {word}" for word, n in counts.most_common())
    desc = (
        f"{' '.join(emergency_lines(found)) or found.headline} Boxes: {said}. The text outline says the same in words."
    )
    furniture = Furniture(
        "patient", title, desc, head, ends, all_answers, lambda _: [all_answers], "all answers and facts", emergency
    )
    return pathway_scenes(pathway, guideline, links, overlay, furniture)


def emergency_lines(found: Description) -> list[str]:
    """What to do now, why, and whom to call, as sentences; nothing where there is no emergency."""
    first = found.emergency
    if first is None:
        return []
    return [found.headline, *first.act, *first.why, *([first.call] if first.call else [])]


def emergency_box(first: Emergency, y: float, w: float) -> Box:
    """The emergency across the page, before everything else."""
    room = w - 24
    chip = chip_line(palette.EMERGENCY, "EMERGENCY: ACT NOW" if first.pathway else "URGENT: ACT NOW", room)
    lines = [*chip, gap(2)]
    for text in first.act:
        lines += lines_of(text, room, LEAD, palette.MAROON)
    for text in (*first.why, first.call):
        lines += lines_of(text, room, BODY) if text else []
    label = "; ".join(["emergency", *first.act, *first.why, first.call])
    return Box("emergency", "box", MARGIN, y, w, height_of(lines) + 14, tuple(lines), palette.EMERGENCY, label, pad=12)


def answer_lines(found: Description) -> Iterator[str]:
    """The certified answers by status, the most urgent first; then what has to be read with them."""
    by_status: dict[Status, list[str]] = {}
    for entry in found.entries:
        outcomes = alternatives(presentation(s).outcome for s in entry.answer.if_resolved)
        words = entry.answer.label + (f" ({outcomes})" if outcomes else "")
        by_status.setdefault(entry.answer.status, []).append(words)
    for status, labels in by_status.items():
        yield f"{sentence(presentation(status).word)}: {'; '.join(labels)}."
    about: dict[tuple[str, str], list[str]] = {}
    for entry in found.entries:
        for kind, listed in (("Caution", entry.cautions), ("Note", entry.notes)):
            for told in listed:
                about.setdefault((kind, told.says), []).append(entry.answer.label)
    for (kind, says), labels in sorted(about.items(), key=lambda found: found[0][0] != "Caution"):
        yield f"{kind} on {together(labels)}: {says}"
    yield from (f"{'Caution' if told.caution else 'Also note'}: {told.says}" for told in found.also)
    yield from (f"Not read: {text}" for text in found.not_read)
    yield from (f"Remark: {text}" for text in found.remarks)
