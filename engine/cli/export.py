"""`guidelog export`: certified answers, or the guideline itself, as FHIR R4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from guidelog.pipeline import ask

from .groups import CommandGroup
from .support.files import out_option, put
from .support.options import guideline_option, load, patient_argument, read_with_account, reading_option


@click.group(cls=CommandGroup)
def export() -> None:
    """Write FHIR R4 resources.

    \b
    Example:
      guidelog export guideline --out guideline.fhir.json
    """


@export.command(name="patient")
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@out_option
def export_patient(
    patient: str, interventions: tuple[str, ...], guideline: str | None, readings: tuple[str, ...], out: Path | None
) -> None:
    """The certified answers for PATIENT: GuidanceResponse, CarePlan, RequestGroup and Provenance in a Bundle.

    \b
    Example:
      guidelog export patient tests/fhir/seed.json mri_lumbar --out answers.fhir.json
    """
    from guidelog.fhir.writing.guidance_response import answers_to_fhir

    compiled = load(guideline, readings)
    record, reading = read_with_account(compiled, patient)
    _write(answers_to_fhir(ask(compiled, record, interventions), reading), out)


@export.command(name="guideline")
@guideline_option
@reading_option
@out_option
def export_guideline(guideline: str | None, readings: tuple[str, ...], out: Path | None) -> None:
    """The guideline: PlanDefinition and Library in a Bundle.

    \b
    Example:
      guidelog export guideline --out guideline.fhir.json
    """
    from guidelog.fhir.writing.plan_definition import guideline_to_fhir

    _write(guideline_to_fhir(load(guideline, readings)), out)


@export.command(name="questionnaire")
@click.option("--fill", "patient", metavar="PATIENT", help="The form filled in for a patient: a QuestionnaireResponse.")
@guideline_option
@out_option
def export_questionnaire(patient: str | None, guideline: str | None, out: Path | None) -> None:
    """The guideline's questions as an SDC Questionnaire; its answers come back as a QuestionnaireResponse.

    \b
    Example:
      guidelog export questionnaire --out questionnaire.json
      guidelog export questionnaire --fill kb/lumbar_radiculopathy/vignettes/seed.yaml --out response.json
    """
    from guidelog.fhir.writing.questionnaire import names_of, questionnaire_of, response_of

    compiled = load(guideline)
    if patient is None:
        made = questionnaire_of(compiled)
        told = f"{len(names_of(made))} questions"
    else:
        made = response_of(compiled, read_with_account(compiled, patient)[0])
        told = f"{len(names_of(made))} answers"
    if put(json.dumps(made, ensure_ascii=False, indent=2), out):
        click.echo(f"{told} written to {out}", err=True)


def _write(bundle: dict[str, Any], out: Path | None) -> None:
    if put(json.dumps(bundle, ensure_ascii=False, indent=2), out):
        click.echo(f"{len(bundle['entry'])} resources written to {out}", err=True)
