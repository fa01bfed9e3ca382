"""`guidelog cohort`: the guideline on a table of patients; `summary`, `why` and `diff` of what came out."""

from __future__ import annotations

import importlib.util
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..compiled import Compiled
from ..diagnostics import InputError
from .main import use_colour
from .options import format_option, guideline_option, load, reading_option, write_json
from .report import render_answers

if TYPE_CHECKING:
    from ..cohort.options import Options

NEEDED = ("numpy", "pyarrow", "duckdb", "sqlglot")
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class _Cohort(click.Group):
    """`cohort DATA` is `cohort run DATA`; a table that is called like a subcommand can be given as `./summary`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Cohort)
def cohort() -> None:
    """The guideline on a table of patients, with the same answers as `ask`.

    `guidelog cohort DATA --out RESULT` is short for `guidelog cohort run DATA --out RESULT`.

    \b
    Examples:
      guidelog cohort docs/examples/patients.csv --out answers
      guidelog cohort summary answers
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError.of(
            "GL700", f"`cohort` needs {', '.join(missing)}", hint="install the extra: pip install 'guidelog[cohort]'"
        )


def _fhir_options(function: Any) -> Any:
    """What only FHIR exports need."""
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--unverified-codes", is_flag=True, help="FHIR: use codes that nobody has verified, too."),
        click.option("--as-of", type=day, metavar="DATE", help="FHIR: the day to answer for. [default: each record's]"),
    ):
        function = option(function)
    return function


def _data_options(function: Any) -> Any:
    """What the commands that read a table of patients share."""
    for option in (
        click.option("--table", metavar="NAME", help="The table of a DuckDB database. [default: patients]"),
        click.option(
            "--ignore",
            multiple=True,
            metavar="NAME",
            help="Pass over this column (in a long table, this name); may be repeated.",
        ),
        click.option(
            "--patient-column",
            default="patient",
            show_default=True,
            metavar="NAME",
            help="The column with the patient's id.",
        ),
    ):
        function = option(function)
    return function


@cohort.command()
@click.argument("data", metavar="DATA")
@click.option("--out", "-o", required=True, metavar="RESULT", help="A folder, or a file .parquet, .csv or .duckdb.")
@guideline_option
@reading_option
@click.option(
    "--intervention", "-i", "interventions", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)
@click.option("--long", "long_", is_flag=True, help="Write a row for each patient and intervention.")
@click.option("--rules/--no-rules", default=True, help="Whether to keep the rules that gave each answer.")
@click.option("--expand", is_flag=True, help="Write rules by name instead of as a mask.")
@click.option("--strict", is_flag=True, help="Stop at the first row that would be set aside (exit code 1).")
@click.option(
    "--audit",
    default=20,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="Answer N random patients again through `ask`.",
)
@click.option("--seed", default=0, show_default=True, help="Of the random sample.")
@click.option("--memory", default="2G", show_default=True, metavar="SIZE", help="About how much memory a run may take.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier result.")
@click.option(
    "--engine",
    type=click.Choice(["bits", "duckdb", "spark"]),
    default="bits",
    show_default=True,
    help="What evaluates the rules.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@_fhir_options
@_data_options
def run(data: str, out: str, guideline: str | None, readings: tuple[str, ...], engine: str, **given: Any) -> None:
    """Answer every patient in DATA: Parquet, CSV, NDJSON, a folder of these, a DuckDB database; `-` is CSV from a pipe.

    NDJSON of FHIR resources, a file or a folder of them as a bulk export writes it, is read by the guideline's mapping.

    A row that `ask` would refuse is set aside in `RESULT/rejects.csv` (beside a file: `RESULT.rejects.csv`), with line
    and reason. A run that was interrupted goes on where it stopped when it is started again.

    \b
    Example:
      guidelog cohort docs/examples/patients.csv --out answers.parquet
    """
    from ..cohort.audit import AuditError
    from ..cohort.options import RejectedError
    from ..cohort.run import run as answer_all
    from ..cohort.summary import render_summary

    compiled = load(guideline, readings)
    options = _options(given)
    bar = _Progress(quiet=given["quiet"])
    try:
        if engine == "bits":
            account = answer_all(compiled, data, out, options, bar.show)
        else:
            from ..cohort.sql_run import run_sql

            account = run_sql(compiled, data, out, options, engine)
    except RejectedError as error:
        bar.done()
        click.echo(f"stopped: {error}", err=True)
        sys.exit(1)
    except AuditError as error:
        bar.done()
        click.echo(f"stopped, and nothing written: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        bar.done()
        click.echo("interrupted; started again, the same command goes on from here", err=True)
        sys.exit(130)
    bar.done()
    click.echo(render_summary(account, options.interventions))


@cohort.command()
@click.argument("result", metavar="RESULT")
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture of the shares.")
@click.option(
    "--pathway",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the pathway with the numbers of patients at each box (.svg, .png, .pdf).",
)
@guideline_option
@reading_option
@format_option
def summary(
    result: str,
    interventions: tuple[str, ...],
    svg: Path | None,
    pathway: Path | None,
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
) -> None:
    """Counts and shares by status, how far patients get, and what would settle most of the open answers.

    \b
    Example:
      guidelog cohort summary answers.parquet mri_lumbar --svg shares.svg
    """
    from ..cohort.results import read_account
    from ..cohort.summary import render_summary, render_svg

    account = read_account(result)
    _known(interventions, account["answers"])
    if svg is not None:
        svg.write_text(render_svg(account, interventions), encoding="utf-8")
    if pathway is not None:
        _write_pathway(pathway, load(guideline, readings), account)
    if format_ == "json":
        write_json({k: v for k, v in account.items() if k not in ("key", "parts")})
    else:
        click.echo(render_summary(account, interventions))


@cohort.command()
@click.argument("data", metavar="DATA")
@click.argument("patient", metavar="PATIENT")
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@_fhir_options
@_data_options
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
    from ..cohort.why import find_patient
    from ..pipeline import ask

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


@cohort.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@click.option("--out", "-o", metavar="FILE", help="Write who changes, as CSV or Parquet.")
@format_option
def diff(old: str, new: str, interventions: tuple[str, ...], out: str | None, format_: str) -> None:
    """Who changes between two results: counts from one answer to another; exit code 1 when anybody does.

    \b
    Example:
      guidelog cohort diff answers-2025 answers-2026 --out changes.csv
    """
    from ..cohort.diff import diff as compare
    from ..cohort.diff import render_diff

    found = compare(old, new, interventions, out)
    if format_ == "json":
        flows = [
            {"intervention": f.intervention, "old": f.old, "new": f.new, "patients": f.patients} for f in found.flows
        ]
        write_json({"changed": found.changed, "only_old": found.only_old, "only_new": found.only_new, "flows": flows})
    else:
        click.echo(render_diff(found))
    sys.exit(1 if found.changed or found.only_old or found.only_new else 0)


@cohort.command()
@click.argument("data", metavar="DATA")
@guideline_option
@reading_option
@click.option("--dialect", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--name", default="patients", show_default=True, help="What the query calls the table.")
@click.option(
    "--intervention", "-i", "interventions", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)
@_data_options
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
    from ..cohort.sql_run import query_for

    compiled = load(guideline, readings)
    click.echo(
        query_for(
            compiled, data, name, dialect, interventions, given["patient_column"], given["ignore"], given["table"]
        )
    )


def _write_pathway(out: Path, compiled: Compiled, account: dict[str, Any]) -> None:
    """The pathway with numbers; further pages get a number in their name."""
    from ..cohort.flow import flow_picture
    from ..diagrams.pictures import rendered

    if out.suffix not in (".svg", ".png", ".pdf"):
        raise click.UsageError(f"`--pathway {out}`: a picture ends in .svg, .png or .pdf")
    pages = list(rendered(flow_picture(compiled, account), out.suffix[1:]))
    for number, (_, content) in enumerate(pages, 1):
        (out if number == 1 else out.with_stem(f"{out.stem}-{number}")).write_bytes(content)


def _options(given: dict[str, Any]) -> Options:
    from ..cohort.answers import Shape
    from ..cohort.options import Options

    return Options(
        interventions=given["interventions"],
        shape=Shape(given["long_"], given["rules"], given["expand"]),
        patient=given["patient_column"],
        ignore=given["ignore"],
        table=given["table"],
        strict=given["strict"],
        overwrite=given["overwrite"],
        memory=_size(given["memory"]),
        audit=given["audit"],
        seed=given["seed"],
        as_of=given["as_of"] and given["as_of"].date(),
        unverified=given["unverified_codes"],
    )


def _size(text: str) -> int:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise click.UsageError(f"`--memory {text}`: write a size such as 500M or 2G")
    return int(float(found[1]) * _SIZES[found[2].upper()])


def _known(interventions: tuple[str, ...], known: Any) -> None:
    for name in interventions:
        if name not in known:
            raise InputError.of(
                "GL612", f"the result has no intervention `{name}`", hint=f"there are: {', '.join(known)}"
            )


class _Progress:
    """How many patients are answered, on one line of a terminal; nothing where messages go to a file."""

    def __init__(self, *, quiet: bool) -> None:
        self.on = not quiet and sys.stderr.isatty()
        self.shown = False

    def show(self, answered: int, aside: int) -> None:
        if self.on:
            self.shown = True
            click.echo(f"\r{answered:,} patients answered, {aside:,} set aside", nl=False, err=True)

    def done(self) -> None:
        if self.shown:
            click.echo(err=True)
            self.shown = False
