"""`guidelog missing` and `guidelog interview`: which questions would settle the answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from ..compiled import Compiled
from ..diagnostics import InputError
from ..explain import wording
from ..explain.answers import Answer, Answers
from ..explain.missing import Next, next_question
from ..explain.what_if import apply
from ..patients import Patient, patient_from_content
from ..pipeline import ask, settle
from .files import writing
from .options import Request, about_patient, format_option, header, write_json
from .page import Lines, heading


@click.command()
@about_patient
@format_option
@click.option("--next", "only_next", is_flag=True, help="Only the one best question to ask next, and why.")
def missing(request: Request, format_: str, *, only_next: bool) -> None:
    """The smallest sets of questions that would settle each answer for PATIENT, whatever the replies.

    \b
    Example:
      guidelog missing kb/lumbar_radiculopathy/vignettes/seed.yaml --next
    """
    answers = ask(request.compiled, request.record, request.main)
    best = next_question(answers, request.main)
    if format_ == "json":
        write_json(_document(answers, best, only_next=only_next))
        return
    page = Lines()
    if not only_next:
        for answer in answers.answers:
            _answer(page, answer, answers)
        page.blank()
    _best(page, best, answers)
    click.echo(page.text())


def _answer(page: Lines, answer: Answer, answers: Answers) -> None:
    page.add(heading(answer), 0, 2)
    if answer.questions is None:
        page.add(wording.TOO_MANY, 2)
    for number, group in enumerate(answer.questions or ()):
        page.add(wording.settle_head(len(group), number), 2)
        for question in group:
            page.add(f"- {wording.question(question, answers.names)}", 4, 6)
    if not answer.questions and answer.because is None:
        page.add(wording.NOTHING_MISSING, 2)
    elif not answer.questions and answer.questions is not None:
        page.add(wording.NO_DATA_SETTLE, 2)


def _best(page: Lines, best: Next | None, answers: Answers) -> None:
    if best is None:
        page.add(wording.NO_QUESTION_LEFT)
        return
    page.add(wording.ask_next(best.says), 0, 2)
    labels = [wording.label_of(i, answers.names) for i in best.settles or best.bears_on]
    page.add(wording.ask_because(labels, settles=bool(best.settles)), 0, 2)


def _document(answers: Answers, best: Next | None, *, only_next: bool) -> dict[str, Any]:
    data = {**header(answers), "next": best.to_json() if best else None}
    if not only_next:
        data["missing"] = [
            {
                "intervention": a.intervention,
                "status": a.status.value,
                "undetermined_because": a.because.value if a.because else None,
                "if_resolved": [s.value for s in a.if_resolved],
                "questions": None if a.questions is None else [list(q) for q in a.questions],
            }
            for a in answers.answers
        ]
    return data


@click.command()
@about_patient
@click.option(
    "--out",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the completed record. [default: stdout]",
)
def interview(request: Request, out: Path | None) -> None:
    """Ask what is missing about PATIENT one question at a time, and write the completed record.

    What no longer matters is skipped.

    Replies: y, n, ? (not known); for a measure a number, `6+` (at least), `4..8`, `since 2025-06-01`; q ends and keeps
    what was said.

    \b
    Example:
      guidelog interview kb/lumbar_radiculopathy/vignettes/seed.yaml mri_lumbar --out completed.yaml
    """
    record, asked = _Interview(request.compiled, request.main).run(request.record)
    answers = ask(request.compiled, record, request.main)
    for answer in answers.answers:
        click.echo(heading(answer), err=True)
    click.echo(wording.asked_count(asked), err=True)
    text = yaml.safe_dump(dict(record.content), allow_unicode=True, sort_keys=False)
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out):
        out.write_text(text, encoding="utf-8")
    click.echo(wording.written_to(out), err=True)


class _End(Exception):
    """The person wants to stop."""


class _Interview:
    """One conversation: the best question, its reply, the answers again, until nothing is left to ask."""

    def __init__(self, compiled: Compiled, wanted: tuple[str, ...]) -> None:
        self.compiled, self.wanted, self.names = compiled, wanted, compiled.names
        self.unknown: set[str] = set()
        self.asked = 0

    def run(self, patient: Patient) -> tuple[Patient, int]:
        self.patient = patient
        try:
            while (question := self.next()) is not None:
                self.ask(question)
        except _End:
            click.echo(wording.STOPPED, err=True)
        return self.patient, self.asked

    def next(self) -> Next | None:
        """The best question that was not already answered with `?`."""
        answers = ask(self.compiled, self.patient, self.wanted)
        return next_question(answers, self.wanted, skip=self.unknown)

    def ask(self, question: Next) -> None:
        self.asked += 1
        click.echo(f"\n{question.says}", err=True)
        if question.question.startswith("screen:"):
            self.screen(question.question.removeprefix("screen:"))
        else:
            self.single(question.question)

    def screen(self, name: str) -> None:
        """A screen as one act: nothing found, or which of its findings are present.

        Its measures are asked one by one.
        """
        vocabulary, patient = self.names.vocabulary, self.patient
        members = [
            m for m in vocabulary.screens[name].members if patient.findings.get(m) is None and m not in patient.measures
        ]
        findings = [m for m in members if m in vocabulary.findings]
        for number, member in enumerate(findings, 1):
            click.echo(f"  {number}. {wording.label_of(member, self.names)}", err=True)
        while True:
            reply = self.prompt(wording.SCREEN_CHOICES)
            if reply in ("?", *wording.replies("each")):
                self.unknown.update([f"screen:{name}", *(members if reply == "?" else ())])
                return
            chosen = self.chosen(reply, findings)
            if chosen is None:
                continue
            # What the record lists as unknown stays so when its screen is complete, unless it is said.
            settings = {m: "absent" for m in findings if m in patient.findings} | dict.fromkeys(chosen, "present")
            try:
                for member in members:
                    if member not in vocabulary.findings:
                        click.echo(wording.question(member, self.names), err=True)
                        settings[member] = self.amount(member)
            except _End:
                self.record(settings)
                raise
            if self.record({**settings, f"screen:{name}": "complete"}):
                return

    def chosen(self, reply: str, findings: Sequence[str]) -> list[str] | None:
        """The findings that a reply names by number; None when it cannot be read."""
        if reply in wording.replies("none"):
            return []
        numbers = reply.replace(",", " ").split()
        if numbers and all(n.isdecimal() and 1 <= int(n) <= len(findings) for n in numbers):
            return [findings[int(n) - 1] for n in numbers]
        click.echo(wording.READ_SCREEN, err=True)
        return None

    def single(self, name: str) -> None:
        """One finding or measure."""
        while True:
            if name in self.names.vocabulary.findings:
                reply = self.prompt(wording.FINDING_CHOICES)
                value = next((v for v in ("present", "absent") if reply in wording.replies(v)), None)
                if value is None and reply != "?":
                    click.echo(wording.READ_YES_NO, err=True)
                    continue
            else:
                value = self.amount(name)
            if value in (None, "unknown"):
                self.unknown.add(name)
                return
            if self.record({name: value}):
                return

    def amount(self, name: str) -> str:
        """A measure as typed, once it can be read; `unknown` for `?`."""
        while True:
            reply = self.prompt(wording.MEASURE_CHOICES)
            if reply == "?":
                return "unknown"
            if self.readable({name: reply}):
                return reply

    def readable(self, settings: dict[str, str]) -> Patient | None:
        """The record with replies; None, and why, when they cannot be or contradict what was said before."""
        try:
            later = patient_from_content(apply(self.patient.content, settings, self.names), self.names.vocabulary)
            settle(self.compiled, later)
        except InputError as error:
            for diagnostic in error.diagnostics:
                told = (diagnostic.message, *diagnostic.notes, diagnostic.hint or "")
                click.echo("; ".join(t for t in told if t), err=True)
            return None
        return later

    def record(self, settings: dict[str, str]) -> bool:
        later = self.readable(settings)
        self.patient = later or self.patient
        return later is not None

    def prompt(self, choices: str) -> str:
        click.echo(f"  [{choices}] ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line or line.strip().lower() in wording.replies("stop"):
            raise _End
        return line.strip().lower()
