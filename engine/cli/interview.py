"""`guidelog interview`: what is missing, asked one question at a time, and the completed record.

Every word that a person reads on the way comes from the guideline or from `explain/words.py`; so does the reason why a
reply was not taken, as far as a reply can go wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import yaml

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.changes.what_if import apply
from guidelog.explain.description import describe
from guidelog.explain.questions.next import Next, next_question
from guidelog.files import write_text
from guidelog.patients import Patient, close, patient_from_content
from guidelog.pipeline import ask
from guidelog.semantics.background import Contradiction, propagate
from guidelog.text.page import heading

from .support.files import writing
from .support.options import Request, about_patient


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
    emergency = describe(answers).emergency
    if emergency is not None:
        # What to do now comes before what was asked about, as on every surface.
        word = wording.EMERGENCY if emergency.pathway else wording.say("emergency.urgent")
        click.echo("\n".join(["", word, *(f"  {line}" for line in emergency.lines), ""]), err=True)
    for answer in answers.answers:
        click.echo(heading(answer), err=True)
    click.echo(wording.asked_count(asked), err=True)
    text = yaml.safe_dump(dict(record.content), allow_unicode=True, sort_keys=False)
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out):
        write_text(out, text)
    click.echo(wording.written_to(out), err=True)


class _End(Exception):
    """The person wants to stop."""


class _Interview:
    """One conversation: the best question, its reply, the answers again, until nothing is left to ask."""

    def __init__(self, compiled: Compiled, wanted: tuple[str, ...]) -> None:
        self.compiled, self.wanted, self.names = compiled, wanted, compiled.names
        self.unknown: set[str] = set()
        self.asked = 0  # those with a reply that was taken

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
        click.echo(f"\n{question.says}", err=True)
        if question.question.startswith("screen:"):
            self.screen(question.question.removeprefix("screen:"))
        else:
            self.single(question.question)
        self.asked += 1

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
                self.asked += 1
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
        vocabulary = self.names.vocabulary
        try:
            later = patient_from_content(apply(self.patient.content, settings, self.names), vocabulary)
        except InputError as error:
            named = [vocabulary.measures[name] for name in settings if name in vocabulary.measures]
            for diagnostic in error.diagnostics:
                # One measure is asked at a time, so what is wrong with a measure is wrong with that one.
                click.echo(wording.refused(diagnostic, named[0] if named else None, self.patient.as_of), err=True)
            return None
        found = propagate(self.compiled.ground, close(later, vocabulary))
        if isinstance(found, Contradiction):
            click.echo(wording.contradicted(found.inputs, found.denial.rule, self.names), err=True)
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
