"""`guidelog ask`: certified answers for a patient."""

from __future__ import annotations

import sys

import click

from ..pipeline import ask as answer
from .main import use_colour
from .options import format_option, guideline_option, load, patient_argument, read, reading_option, write_json
from .report import render_answers


@click.command()
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@click.option("--all", "everything", is_flag=True, help="Show every intervention in full, not only the main ones.")
def ask(
    patient: str,
    interventions: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    everything: bool,
) -> None:
    """What the guideline says for PATIENT (a YAML or JSON file, `-` for standard input).

    Every answer is shown only after an independent checker has accepted its certificate. An unknown finding is never
    taken for "no".

    \b
    Examples:
      guidelog ask kb/lumbar_radiculopathy/vignettes/seed.yaml
      guidelog ask kb/lumbar_radiculopathy/vignettes/seed.yaml mri_lumbar --format json
    """
    compiled = load(guideline, readings)
    answers = answer(compiled, read(compiled, patient), interventions)
    if format_ == "json":
        write_json(answers.to_json())
    else:
        full = None if everything or interventions else compiled.guideline.main
        click.echo(render_answers(answers, full, colour=use_colour(sys.stdout)), color=True)
