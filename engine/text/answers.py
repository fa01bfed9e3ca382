"""Answers as text for a terminal: the description of `explain.description`, laid out within its width."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Collection, Iterable

from guidelog import wording
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.description import Description, Emergency, Entry, Told, describe
from guidelog.semantics.status import Status
from guidelog.wording.presentation import Tone, by_urgency, presentation

_WIDEST, _NARROWEST = 100, 40
_ALARM = "1;97;41"
"""White on red, for the one line that says that there is an emergency."""


def render_answers(answers: Answers, full: Collection[str] | None, *, colour: bool = False) -> str:
    """The answers; those in `full` (all when None) with reasons, the others one line a status.

    An emergency comes first, whether it was asked about or not, and the answers behind it are given in full.
    """
    page, found = _Page(colour), describe(answers)
    guideline, patient = answers.guideline, answers.patient
    source = guideline.source.get("date", wording.UNKNOWN_DATE)
    said = {"title": guideline.title, "version": guideline.version, "review": guideline.review, "date": source}
    page.wrap(wording.say("about", **said))
    day = patient.as_of.isoformat() if patient.as_of else None
    page.wrap(wording.say("about_patient_on" if day else "about_patient", patient=patient.id, date=day))
    first = set(found.emergency.interventions) if found.emergency else set()
    if found.emergency:
        _emergency(page, found.emergency)
    shown = [e for e in found.entries if full is None or e.answer.intervention in (*full, *first)]
    later = False
    for entry in shown:
        if first and entry.answer.intervention not in first and not later:
            later = True
            page.blank()
            page.wrap(wording.AFTER_EMERGENCY)
        _entry(page, answers, entry)
    others = [e for e in found.entries if e not in shown]
    _others(page, others)
    _also(page, answers, [*(t for e in others for t in (*e.cautions, *e.notes)), *found.also])
    _record(page, found)
    _rests_on(page, found, [e.answer for e in shown])
    page.blank()
    page.wrap(" ".join(guideline.disclaimer.split()), dim=True)
    return page.text()


class _Page:
    """Lines of text within the width of the terminal."""

    def __init__(self, colour: bool) -> None:
        self.colour, self.lines = colour, list[str]()
        self.width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns))

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def blank(self) -> None:
        self.lines.append("")

    def wrap(
        self, text: str, indent: str = "", hanging: str | None = None, *, dim: bool = False, code: str | None = None
    ) -> None:
        rest = indent if hanging is None else hanging
        wrapped = textwrap.wrap(
            text,
            self.width,
            initial_indent=indent,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        paint = "2" if dim else code
        self.lines += [self.paint(paint, line) if paint else line for line in wrapped]

    def text(self) -> str:
        return "\n".join(self.lines)


def _emergency(page: _Page, found: Emergency) -> None:
    """What comes before everything else: what to do, why, whom to call."""
    page.blank()
    page.wrap(wording.EMERGENCY if found.pathway else wording.say("emergency.urgent"), code=_ALARM)
    for act in found.act:
        page.wrap(act, "  ", code=presentation(Status.URGENT).ansi)
    for why in found.why:
        page.wrap(why, "  ")
    if found.call:
        page.wrap(found.call, "  ")


def _entry(page: _Page, answers: Answers, entry: Entry) -> None:
    page.blank()
    answer, shown = entry.answer, entry.shown
    status = shown.word.upper() if shown.tone is Tone.EMERGENCY else shown.word
    if answer.because is not None:
        status += f" ({wording.BECAUSE[answer.because]})"
    page.wrap(f"{wording.sentence(answer.label)}: {page.paint(shown.ansi, status)}", "", "  ")
    page.wrap(entry.says, "  ")
    for told in entry.cautions:
        _told(page, answers, told, "  ")
    for index, questions in enumerate(entry.questions or ()):
        for number, word in enumerate(questions):
            key = "then_ask" if number else "or_ask" if index else "ask"
            page.wrap(wording.say(key, question=word), "    ", "         ")
    if entry.questions is None:
        page.wrap(wording.TOO_MANY, "    ")
    for included in entry.includes:
        sources = _sources(included.statements, included.citations, answers)
        page.wrap(wording.say("include", says=included.says, sources=sources), "    ", "      ")
    for decided in entry.silent:
        page.wrap(wording.say("decided", decided=decided), "    ", "      ")
    for told in entry.notes:
        _told(page, answers, told, "    ")
    page.wrap(
        f"{', '.join(answer.rules) or wording.NO_RULE}  {_sources(answer.statements, answer.citations, answers)}",
        "    ",
        "    ",
        dim=True,
    )


def _told(page: _Page, answers: Answers, told: Told, indent: str) -> None:
    sources = _sources(told.statements, told.citations, answers)
    key = "caution" if told.caution else "note"
    page.wrap(wording.say(key, says=told.says, sources=sources), indent, indent + "  ")


def _sources(statements: Iterable[str], citations: Iterable[int], answers: Answers) -> str:
    known = answers.guideline.references
    cites = ", ".join(f"{c}" if c in known else wording.say("cite_unresolved", number=c) for c in citations)
    return " ".join(part for part in (", ".join(statements), f"[{cites}]" if cites else "") if part)


def _others(page: _Page, others: list[Entry]) -> None:
    if not others:
        return
    page.blank()
    page.wrap(wording.ALSO)
    for status in by_urgency({entry.answer.status for entry in others}):
        labels = ", ".join(e.answer.label for e in others if e.answer.status is status)
        page.wrap(f"{presentation(status).word}: {labels}", "  ", "    ")


def _also(page: _Page, answers: Answers, told: list[Told]) -> None:
    """Notes that belong to no answer given in full, cautions first."""
    if not told:
        return
    page.blank()
    page.wrap(wording.ALSO_NOTE)
    for one in sorted(dict.fromkeys(told), key=lambda t: not t.caution):
        _told(page, answers, one, "  ")


def _record(page: _Page, found: Description) -> None:
    """What was made of the record."""
    for says in found.not_read:
        page.blank()
        page.wrap(wording.say("not_read", says=says), "", "  ", code=presentation(Status.UNDETERMINED).ansi)
    for says in found.remarks:
        page.blank()
        page.wrap(wording.say("remark", says=says), "", "  ")
    for assumed in found.assumed:
        page.blank()
        labels = ", ".join(assumed.members)
        page.wrap(wording.say("assumed_absent", screen=assumed.screen, labels=labels), "", "  ")
    for says in found.concluded:
        page.wrap(says, "", "  ")


def _rests_on(page: _Page, found: Description, shown: list[Answer]) -> None:
    used = {d for answer in shown for d in answer.decisions}
    decisions = [name for name, _, _ in found.decisions if name in used]
    if decisions:
        page.blank()
        page.wrap(wording.RESTS_ON)
        page.wrap(", ".join(decisions), "  ")
    unresolved = sorted({c for answer in shown for c in answer.unresolved})
    if unresolved:
        page.wrap(wording.say("never_resolved", numbers=", ".join(map(str, unresolved))), "  ")
