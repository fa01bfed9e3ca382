"""`guidelog why` and `guidelog why-not`: the reasons behind an answer."""

from __future__ import annotations

from typing import Any

import click

from guidelog.explain.answers import Answer, Answers
from guidelog.explain.proof import Reasons
from guidelog.explain.why import why as explain_why
from guidelog.explain.why_not import why_not as explain_why_not
from guidelog.pipeline import ask
from guidelog.text.page import decisions, join, legend
from guidelog.text.why import why_full, why_line, why_summary
from guidelog.text.why_not import why_not_full, why_not_line, why_not_summary

from .support.options import Request, about_patient, depth_option, format_option, header, write_json


@click.command()
@about_patient
@format_option
@depth_option
@click.option("--all", "every", is_flag=True, help="Every independent reason, not only the simplest.")
def why(request: Request, format_: str, depth: str, *, every: bool) -> None:
    """Why the guideline answers as it does for PATIENT: the simplest proof.

    Every leaf is a recorded fact, an assumption, or a comparison.

    \b
    Example:
      guidelog why kb/lumbar_radiculopathy/vignettes/seed.yaml nerve_root_injection
    """
    answers = ask(request.compiled, request.record, request.named)
    shown = _shown(answers, request)
    shared = Reasons(answers)
    found = [explain_why(answers, answer, every=every, reasons=shared) for answer in shown]
    if format_ == "json":
        write_json(_document(answers, [w.to_json() for w in found]))
    else:
        full = depth == "full" or (every and depth == "summary")
        if depth == "line":
            click.echo("\n".join(map(why_line, found)))
        elif full:
            click.echo(join([*(why_full(w, answers) for w in found), decisions(shown, answers)]))
        else:
            click.echo(join([*(why_summary(w, answers) for w in found), legend()]))


@click.command(name="why-not")
@about_patient
@format_option
@depth_option
def why_not(request: Request, format_: str, depth: str) -> None:
    """Why the guideline does not advise something for PATIENT: each route's criteria.

    A criterion is met, not met, not known or not required.

    \b
    Example:
      guidelog why-not kb/lumbar_radiculopathy/vignettes/seed.yaml surgical_referral --depth full
    """
    answers = ask(request.compiled, request.record, request.named)
    found = [explain_why_not(answers, answer) for answer in _shown(answers, request)]
    if format_ == "json":
        write_json(_document(answers, [w.to_json() for w in found]))
    elif depth == "line":
        click.echo("\n".join(why_not_line(w) for w in found))
    elif depth == "full":
        told = decisions([w.answer for w in found], answers)
        click.echo(join([*(why_not_full(w, answers) for w in found), told, legend()]))
    else:
        click.echo(join([*(why_not_summary(w, answers) for w in found), legend()]))


def _shown(answers: Answers, request: Request) -> list[Answer]:
    """The answers asked about; the guideline's main ones when none is named."""
    return [a for a in answers.answers if a.intervention in request.main]


def _document(answers: Answers, explanations: list[dict[str, Any]]) -> dict[str, Any]:
    return {**header(answers), "explanations": explanations}
