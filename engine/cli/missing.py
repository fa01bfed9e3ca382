"""`guidelog missing` and `guidelog interview`: which questions would settle the answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import yaml

from ..answers import Answer, Answers
from ..compiled import Compiled
from ..diagnostics import InputError
from ..explain import wording
from ..explain.missing import Next, next_question
from ..explain.what_if import apply
from ..patients import Patient, patient_from_content
from ..pipeline import ask
from .options import (
    format_option,
    guideline_option,
    load,
    main_interventions,
    patient_argument,
    read,
    reading_option,
    write_json,
)
from .reasons import Lines, heading


@click.command()
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@click.option("--next", "only_next", is_flag=True, help="Only the one best question to ask next, and why.")
def missing(
    patient: str,
    interventions: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    only_next: bool,
) -> None:
    r"""The smallest sets of questions that would settle each answer for PATIENT, whatever the replies.

    \b
    Example:
      guidelog missing kb/lumbar_radiculopathy/vignettes/seed.yaml --next
    """
    compiled = load(guideline, readings)
    wanted = interventions or main_interventions(compiled)
    answers = ask(compiled, read(compiled, patient), wanted)
    best = next_question(answers, wanted)
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
    page.add(heading(answer))
    if answer.questions is None:
        page.add("The questions that would settle this were too many to work out.", 2)
    for number, group in enumerate(answer.questions or ()):
        page.add("These questions settle it, whatever the replies:" if not number else "So do these:", 2)
        for question in group:
            page.add(f"- {wording.question(question, answers.names)}", 4, 6)
    if not answer.questions and answer.because is None:
        page.add("Nothing is missing.", 2)
    elif not answer.questions and answer.questions is not None:
        page.add("No further data would settle it.", 2)


def _best(page: Lines, best: Next | None, answers: Answers) -> None:
    if best is None:
        page.add("No question is left that could change these answers.")
        return
    page.add(f"Ask next: {best.says}", 0, 10)
    labels = [wording.label_of(i, answers.names) for i in best.settles or best.bears_on]
    reason = "a reply may settle at once" if best.settles else "the reply bears on"
    page.add(f"Because {reason}: {', '.join(labels)}.", 0, 2)


def _document(answers: Answers, best: Next | None, *, only_next: bool) -> dict[str, Any]:
    whole = answers.to_json()
    data: dict[str, Any] = {"guideline": whole["guideline"], "patient": whole["patient"]}
    data["next"] = best.to_json() if best else None
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
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@click.option(
    "--out",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the completed record. [default: stdout]",
)
def interview(
    patient: str, interventions: tuple[str, ...], guideline: str | None, readings: tuple[str, ...], out: Path | None
) -> None:
    r"""Ask what is missing about PATIENT one question at a time, skip what no longer matters, and write the completed record.

    Replies: y, n, ? (not known); for a measure a number, `6+` (at least), `4..8`, `since 2025-06-01`; q ends and keeps what was said.

    \b
    Example:
      guidelog interview kb/lumbar_radiculopathy/vignettes/seed.yaml mri_lumbar --out completed.yaml
    """
    compiled = load(guideline, readings)
    wanted = interventions or main_interventions(compiled)
    record, asked = _Interview(compiled, wanted).run(read(compiled, patient))
    answers = ask(compiled, record, wanted)
    for answer in answers.answers:
        click.echo(heading(answer), err=True)
    click.echo(f"{asked} question{'' if asked == 1 else 's'} asked", err=True)
    text = yaml.safe_dump(dict(record.content), allow_unicode=True, sort_keys=False)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError.of("GL605", f"`{out}` cannot be written: {(error.strerror or 'error').lower()}") from None
    click.echo(f"written to {out}", err=True)


class _End(Exception):
    """The person wants to stop."""


class _Interview:
    """One conversation: the best question, its reply, the answers again, until nothing is left to ask."""

    def __init__(self, compiled: Compiled, wanted: tuple[str, ...]) -> None:
        self.compiled, self.wanted, self.names = compiled, wanted, compiled.names
        self.unknown: set[str] = set()
        self.asked = 0

    def run(self, patient: Patient) -> tuple[Patient, int]:
        try:
            while (question := self.next(patient)) is not None:
                patient = self.ask(patient, question)
        except _End:
            click.echo("stopped; what was said is kept", err=True)
        return patient, self.asked

    def next(self, patient: Patient) -> Next | None:
        """The best question that was not already answered with `?`."""
        answers = ask(self.compiled, patient, self.wanted)
        return next_question(answers, self.wanted, skip=self.unknown)

    def ask(self, patient: Patient, question: Next) -> Patient:
        self.asked += 1
        if question.question.startswith("screen:"):
            return self.screen(patient, question)
        return self.single(patient, question.question, question.says)

    def screen(self, patient: Patient, question: Next) -> Patient:
        """A screen as one act: nothing found, or which of its findings are present."""
        click.echo(f"\n{question.says}", err=True)
        labels = [wording.label_of(m, self.names) for m in question.members]
        for number, label in enumerate(labels, 1):
            click.echo(f"  {number}. {label}", err=True)
        name = question.question.removeprefix("screen:")
        while True:
            reply = self.prompt("none / numbers of those present, then nothing else is / one by one (o) / ? not known")
            if reply == "?":
                self.unknown.add(question.question)
                return patient
            if reply == "o":
                self.unknown.add(question.question)
                return patient
            chosen = self.chosen(reply, question.members)
            if chosen is not None:
                settings = dict.fromkeys(chosen, "present") | {f"screen:{name}": "complete"}
                return self.record(patient, settings)

    def chosen(self, reply: str, members: tuple[str, ...]) -> list[str] | None:
        """The findings that a reply names by number; None when it cannot be read."""
        if reply in ("none", "n", "0"):
            return []
        numbers = reply.replace(",", " ").split()
        if numbers and all(n.isdecimal() and 1 <= int(n) <= len(members) for n in numbers):
            names = [members[int(n) - 1] for n in numbers]
            if all(n in self.names.vocabulary.findings for n in names):
                return names
            click.echo(
                "a measure of this screen cannot be chosen by number: answer `o` and it is asked by itself", err=True
            )
            return None
        click.echo("answer `none`, numbers such as `1 3`, `o`, or `?`", err=True)
        return None

    def single(self, patient: Patient, name: str, says: str) -> Patient:
        finding = name in self.names.vocabulary.findings
        click.echo(f"\n{says}", err=True)
        while True:
            reply = self.prompt("y / n / ?" if finding else "number / 6+ / 4..8 / since DATE / ?")
            if reply == "?":
                self.unknown.add(name)
                return patient
            words = {"y": "present", "yes": "present", "n": "absent", "no": "absent"}
            if finding and reply not in words:
                click.echo("answer y, n or ?", err=True)
                continue
            try:
                return self.record(patient, {name: words[reply] if finding else reply})
            except InputError as error:
                for diagnostic in error.diagnostics:
                    click.echo(diagnostic.message + (f" ({diagnostic.hint})" if diagnostic.hint else ""), err=True)

    def record(self, patient: Patient, settings: dict[str, str]) -> Patient:
        later = patient_from_content(apply(patient.content, settings, self.names), self.names.vocabulary)
        ask(self.compiled, later, self.wanted[:1])  # a reply that contradicts the record is refused here
        return later

    def prompt(self, choices: str) -> str:
        click.echo(f"  [{choices}] ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line or line.strip().lower() in ("q", "quit"):
            raise _End
        return line.strip().lower()
