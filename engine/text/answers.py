"""Answers as text for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Collection, Iterable

from guidelog import wording
from guidelog.explain.answers import Answer, Answers
from guidelog.semantics.status import Status

_COLOURS = {
    Status.URGENT: "1;31",
    Status.EMERGENCY_PATHWAY: "1;31",
    Status.CONFLICT: "1;31",
    Status.RECOMMENDED: "1;32",
    Status.CONSIDER: "1;36",
    Status.UNDETERMINED: "1;33",
    Status.NOT_NOW: "1",
    Status.AVOID: "1;35",
    Status.OUTSIDE_GUIDELINE: "1",
}
_WIDEST = 100


def render_answers(answers: Answers, full: Collection[str] | None, *, colour: bool = False) -> str:
    """The answers; those in `full` (all when None) with reasons, the others one line a status."""
    page = _Page(colour)
    guideline, patient = answers.guideline, answers.patient
    source = guideline.source.get("date", wording.UNKNOWN_DATE)
    said = {"title": guideline.title, "version": guideline.version, "review": guideline.review, "date": source}
    page.line(wording.say("about", **said))
    day = patient.as_of.isoformat() if patient.as_of else None
    page.line(wording.say("about_patient_on" if day else "about_patient", patient=patient.id, date=day))
    shown = [a for a in answers.answers if full is None or a.intervention in full]
    for answer in shown:
        _answer(page, answers, answer)
    _others(page, [a for a in answers.answers if a not in shown])
    _rests_on(page, answers, shown)
    page.blank()
    page.wrap(" ".join(guideline.disclaimer.split()), dim=True)
    return page.text()


class _Page:
    """Lines of text within the width of the terminal."""

    def __init__(self, colour: bool) -> None:
        self.colour, self.lines = colour, list[str]()
        self.width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str) -> None:
        self.lines.append(text)

    def blank(self) -> None:
        self.lines.append("")

    def wrap(self, text: str, indent: str = "", hanging: str | None = None, *, dim: bool = False) -> None:
        rest = indent if hanging is None else hanging
        wrapped = textwrap.wrap(
            text,
            max(40, self.width),
            initial_indent=indent,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self.lines += [self.paint("2", line) if dim else line for line in wrapped]

    def text(self) -> str:
        return "\n".join(self.lines)


def _answer(page: _Page, answers: Answers, answer: Answer) -> None:
    page.blank()
    status = wording.STATUS[answer.status]
    if answer.because is not None:
        status += f" ({wording.BECAUSE[answer.because]})"
    shown = status.upper() if answer.status is Status.URGENT else status
    page.line(f"{wording.sentence(answer.label)}: {page.paint(_COLOURS[answer.status], shown)}")
    page.wrap(answer.says + ".", "  ")
    names = answers.names
    for index, questions in enumerate(answer.questions or ()):
        words = [wording.question(q, names) for q in questions]
        for number, word in enumerate(words):
            key = "then_ask" if number else "or_ask" if index else "ask"
            page.wrap(wording.say(key, question=word), "    ", "         ")
    if answer.questions is None:
        page.wrap(wording.TOO_MANY, "    ")
    for included in answer.includes:
        sources = _sources(included.statements, included.citations, answers)
        page.wrap(wording.say("include", says=included.says, sources=sources), "    ", "      ")
    page.wrap(
        f"{', '.join(answer.rules) or wording.NO_RULE}  {_sources(answer.statements, answer.citations, answers)}",
        "    ",
        "    ",
        dim=True,
    )


def _sources(statements: Iterable[str], citations: Iterable[int], answers: Answers) -> str:
    known = answers.guideline.references
    cites = ", ".join(f"{c}" if c in known else wording.say("cite_unresolved", number=c) for c in citations)
    return " ".join(part for part in (", ".join(statements), f"[{cites}]" if cites else "") if part)


def _others(page: _Page, others: list[Answer]) -> None:
    if not others:
        return
    page.blank()
    page.line(wording.ALSO)
    by_status: dict[Status, list[Answer]] = {}
    for answer in others:
        by_status.setdefault(answer.status, []).append(answer)
    for status in Status:
        if status in by_status:
            labels = ", ".join(a.label for a in by_status[status])
            page.wrap(f"{wording.STATUS[status]}: {labels}", "  ", "    ")


def _rests_on(page: _Page, answers: Answers, shown: list[Answer]) -> None:
    for screen, members in answers.facts.closed.items():
        if members:
            page.blank()
            labels = ", ".join(wording.label_of(m, answers.names) for m in members)
            closed = wording.label_of(screen, answers.names)
            page.wrap(wording.say("assumed_absent", screen=closed, labels=labels), "", "  ")
    for step in answers.propagated:
        says = step.denial.rule.annotation("says") or step.denial.rule.annotation("title")
        text = getattr(says, "value", "")
        label = wording.label_of(step.name, answers.names)
        page.wrap(wording.say("concluded", label=label, says=text, rule=step.denial.rule.id), "", "  ")
    used = {d for answer in shown for d in answer.decisions}
    decisions = [d for d in answers.names.decisions.values() if d.id in used]
    if decisions:
        page.blank()
        page.line(wording.RESTS_ON)
        page.wrap(", ".join(d.id for d in decisions), "  ")
    unresolved = sorted({c for answer in shown for c in answer.unresolved})
    if unresolved:
        page.wrap(wording.say("never_resolved", numbers=", ".join(map(str, unresolved))), "  ")
