"""`guidelog cohort why` and `sql`: one patient of a table through `ask`, and the guideline as a query over it."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from guidelog.text.answers import render_answers

from .cohort_options import data_options, fhir_options, interventions_option
from .main import use_colour
from .support.options import format_option, guideline_option, load, reading_option, write_json


@click.command()
@click.argument("data", metavar="DATA")
@click.argument("patient", metavar="PATIENT")
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@fhir_options
@data_options
def why(
    data: str,
    patient: str,
    interventions: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    patient_column: str,
    ignore: tuple[str, ...],
    table: str | None,
    as_of: datetime | None,
    unverified_codes: bool,
) -> None:
    """The certified answers of one PATIENT in DATA, through `ask`.

    \b
    Example:
      guidelog cohort why docs/examples/patients.csv P017 mri_lumbar
    """
    from guidelog.cohort.results.patient import find_patient
    from guidelog.pipeline import ask

    compiled = load(guideline, readings)
    record = find_patient(
        data,
        patient,
        compiled,
        column=patient_column,
        ignore=ignore,
        table=table,
        as_of=as_of and as_of.date(),
        unverified=unverified_codes,
    )
    answers = ask(compiled, record, interventions)
    if format_ == "json":
        write_json(answers.to_json())
    else:
        click.echo(
            render_answers(answers, None if interventions else compiled.guideline.main, colour=use_colour(sys.stdout)),
            color=True,
        )


@click.command()
@click.argument("data", metavar="DATA")
@guideline_option
@reading_option
@click.option("--dialect", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--name", default="patients", show_default=True, help="What the query calls the table.")
@interventions_option
@data_options
def sql(
    data: str,
    guideline: str | None,
    readings: tuple[str, ...],
    dialect: str,
    name: str,
    interventions: tuple[str, ...],
    **given: Any,
) -> None:
    """The guideline as one SQL query for a wide table with the columns of DATA.

    \b
    Example:
      guidelog cohort sql docs/examples/patients.csv --dialect spark
    """
    from guidelog.cohort.engines.sql_run import query_for

    compiled = load(guideline, readings)
    click.echo(
        query_for(
            compiled, data, name, dialect, interventions, given["patient_column"], given["ignore"], given["table"]
        )
    )
