"""`guidelog missing`: which questions would settle the answers."""

from __future__ import annotations

from typing import Any

import click

from guidelog import wording
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.questions.next import Next, next_question
from guidelog.pipeline import ask
from guidelog.text.page import Lines, heading

from .support.options import Request, about_patient, format_option, header, write_json


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
