"""`guidelog export`: certified answers, or the guideline itself, as FHIR R4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..diagnostics import InputError
from ..pipeline import ask
from .options import guideline_option, load, patient_argument, read_with_account, reading_option


@click.group()
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
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of stdout.")
def export_patient(
    patient: str, interventions: tuple[str, ...], guideline: str | None, readings: tuple[str, ...], out: Path | None
) -> None:
    """The certified answers for PATIENT: GuidanceResponse, CarePlan, RequestGroup and Provenance in a Bundle.

    \b
    Example:
      guidelog export patient tests/fhir/seed.json mri_lumbar --out answers.fhir.json
    """
    from ..fhir.export import answers_to_fhir

    compiled = load(guideline, readings)
    record, reading = read_with_account(compiled, patient)
    _write(answers_to_fhir(ask(compiled, record, interventions), reading), out)


@export.command(name="guideline")
@guideline_option
@reading_option
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of stdout.")
def export_guideline(guideline: str | None, readings: tuple[str, ...], out: Path | None) -> None:
    """The guideline: PlanDefinition and Library in a Bundle.

    \b
    Example:
      guidelog export guideline --out guideline.fhir.json
    """
    from ..fhir.plan import guideline_to_fhir

    _write(guideline_to_fhir(load(guideline, readings)), out)


def _write(bundle: dict[str, Any], out: Path | None) -> None:
    text = json.dumps(bundle, ensure_ascii=False, indent=2)
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError.of("GL605", f"`{out}` cannot be written: {(error.strerror or 'error').lower()}") from None
    click.echo(f"{len(bundle['entry'])} resources written to {out}", err=True)
