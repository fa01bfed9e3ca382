"""`guidelog why` and `guidelog why-not`: the reasons behind an answer."""

from __future__ import annotations

from typing import Any

import click

from ..compiled import Compiled
from ..explain.answers import Answer, Answers
from ..explain.reasons import Reasons
from ..explain.why import why as explain_why
from ..explain.why_not import why_not as explain_why_not
from ..pipeline import ask
from . import reasons as text
from .options import (
    depth_option,
    format_option,
    guideline_option,
    load,
    main_interventions,
    patient_argument,
    read,
    reading_option,
    write_json,
)


@click.command()
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@depth_option
@click.option("--all", "every", is_flag=True, help="Every independent reason, not only the simplest.")
def why(
    patient: str,
    interventions: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    depth: str,
    every: bool,
) -> None:
    """Why the guideline answers as it does for PATIENT: the simplest proof.

    Every leaf is a recorded fact, an assumption, or a comparison.

    \b
    Example:
      guidelog why kb/lumbar_radiculopathy/vignettes/seed.yaml nerve_root_injection
    """
    compiled = load(guideline, readings)
    answers = ask(compiled, read(compiled, patient), interventions)
    shown = _shown(answers, compiled, interventions)
    shared = Reasons(answers)
    found = [explain_why(answers, answer, every=every, reasons=shared) for answer in shown]
    if format_ == "json":
        write_json(_document(answers, [w.to_json() for w in found]))
    else:
        full = depth == "full" or (every and depth == "summary")
        if depth == "line":
            click.echo("\n".join(map(text.why_line, found)))
        elif full:
            click.echo(text.join([*(text.why_full(w, answers) for w in found), text.decisions(shown, answers)]))
        else:
            click.echo(text.join([*(text.why_summary(w, answers) for w in found), text.legend()]))


@click.command(name="why-not")
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@depth_option
def why_not(
    patient: str,
    interventions: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    depth: str,
) -> None:
    """Why the guideline does not advise something for PATIENT: each route's criteria.

    A criterion is met, not met, not known or not required.

    \b
    Example:
      guidelog why-not kb/lumbar_radiculopathy/vignettes/seed.yaml surgical_referral --depth full
    """
    compiled = load(guideline, readings)
    answers = ask(compiled, read(compiled, patient), interventions)
    found = [explain_why_not(answers, answer) for answer in _shown(answers, compiled, interventions)]
    if format_ == "json":
        write_json(_document(answers, [w.to_json() for w in found]))
    elif depth == "line":
        click.echo("\n".join(text.why_not_line(w) for w in found))
    elif depth == "full":
        told = text.decisions([w.answer for w in found], answers)
        click.echo(text.join([*(text.why_not_full(w, answers) for w in found), told, text.legend()]))
    else:
        click.echo(text.join([*(text.why_not_summary(w, answers) for w in found), text.legend()]))


def _shown(answers: Answers, compiled: Compiled, interventions: tuple[str, ...]) -> list[Answer]:
    """The answers asked about; the guideline's main ones when none is named."""
    wanted = interventions or main_interventions(compiled)
    return [a for a in answers.answers if a.intervention in wanted]


def _document(answers: Answers, explanations: list[dict[str, Any]]) -> dict[str, Any]:
    whole = answers.to_json()
    return {"guideline": whole["guideline"], "patient": whole["patient"], "explanations": explanations}
