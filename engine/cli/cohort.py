"""`guidelog cohort`: the guideline on a table of patients; its other commands are in modules of their own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guidelog.diagnostics import InputError

from .cohort_data import sql, why
from .cohort_options import Progress, data_options, fhir_options, interventions_option, show_lines, size
from .cohort_results import diff, summary
from .groups import CommandGroup, nearest_command, no_such_command
from .support.options import guideline_option, load, reading_option

if TYPE_CHECKING:
    from guidelog.cohort.options import Options

NEEDED = ("numpy", "pyarrow", "duckdb", "sqlglot")


class _Cohort(CommandGroup):
    """`cohort DATA` is `cohort run DATA`; a table that is called like a subcommand can be given as `./summary`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            name = args[0]
            if name.isidentifier() and not Path(name).exists() and nearest_command(name, self.commands):
                raise click.UsageError(no_such_command(name, [*self.commands]), ctx)
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


@cohort.command()
@click.argument("data", metavar="DATA")
@click.option("--out", "-o", required=True, metavar="RESULT", help="A folder, or a file .parquet, .csv or .duckdb.")
@guideline_option
@reading_option
@interventions_option
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
@fhir_options
@data_options
def run(data: str, out: str, guideline: str | None, readings: tuple[str, ...], engine: str, **given: Any) -> None:
    """Answer every patient in DATA: Parquet, CSV, NDJSON, a folder of these, a DuckDB database; `-` is CSV from a pipe.

    NDJSON of FHIR resources, a file or a folder of them as a bulk export writes it, is read by the guideline's mapping.

    A row that `ask` would refuse is set aside in `RESULT/rejects.csv` (beside a file: `RESULT.rejects.csv`), with line
    and reason. A run that was interrupted goes on where it stopped when it is started again.

    \b
    Example:
      guidelog cohort docs/examples/patients.csv --out answers.parquet
    """
    from guidelog.cohort.options import RejectedError
    from guidelog.cohort.results.audit import AuditError
    from guidelog.cohort.results.summary import render_summary
    from guidelog.cohort.run import run as answer_all

    compiled = load(guideline, readings)
    options = _options(given)
    bar = Progress(quiet=given["quiet"])
    try:
        if engine == "bits":
            account = answer_all(compiled, data, out, options, bar.answered, bar.preparing)
        else:
            from guidelog.cohort.engines.sql_run import run_sql

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
    show_lines(render_summary(account, options.interventions))


def _options(given: dict[str, Any]) -> Options:
    from guidelog.cohort.options import Options
    from guidelog.cohort.results.answer_table import Shape

    return Options(
        interventions=given["interventions"],
        shape=Shape(given["long_"], given["rules"], given["expand"]),
        patient=given["patient_column"],
        ignore=given["ignore"],
        table=given["table"],
        strict=given["strict"],
        overwrite=given["overwrite"],
        memory=size(given["memory"]),
        audit=given["audit"],
        seed=given["seed"],
        as_of=given["as_of"] and given["as_of"].date(),
        unverified=given["unverified_codes"],
    )


for _command in (summary, why, diff, sql):
    cohort.add_command(_command)
