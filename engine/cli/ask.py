"""`guidelog ask`: certified answers for a patient."""

from __future__ import annotations

import sys

import click

from guidelog.explain.description import describe
from guidelog.patients import remarks
from guidelog.pipeline import ask as answer
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.text.answers import render_answers

from .main import use_colour
from .support.options import Request, about_patient, format_option, write_json


@click.command()
@about_patient
@format_option
@click.option("--all", "everything", is_flag=True, help="Show every intervention in full, not only the main ones.")
@click.option(
    "--engine",
    type=click.Choice(["pydatalog", "compiled"]),
    default="pydatalog",
    show_default=True,
    help="What evaluates the rules; answers are certified whichever it is.",
)
def ask(request: Request, format_: str, engine: str, *, everything: bool) -> None:
    """What the guideline says for PATIENT (a YAML or JSON file, a FHIR record, `-` for standard input).

    Every answer is shown only after an independent checker has accepted its certificate. An unknown finding is never
    taken for "no".

    \b
    Examples:
      guidelog ask kb/lumbar_radiculopathy/vignettes/seed.yaml
      guidelog ask kb/lumbar_radiculopathy/vignettes/seed.yaml mri_lumbar --format json
    """
    compiled = request.compiled.on(CircuitEngine) if engine == "compiled" else request.compiled
    answers = answer(compiled, request.record, request.named)
    if format_ == "json":
        write_json(
            {
                **answers.to_json(),
                "description": describe(answers).to_json(),
                "remarks": [remark.to_json() for remark in remarks(answers.patient)],
            }
        )
    else:
        full = None if everything or request.named else request.compiled.guideline.main
        click.echo(render_answers(answers, full, colour=use_colour(sys.stdout)), color=True)
