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


def _write(bundle: dict[str, Any], out: Path | None) -> None:
    if put(json.dumps(bundle, ensure_ascii=False, indent=2), out):
        click.echo(f"{len(bundle['entry'])} resources written to {out}", err=True)
