"""`guidelog check`: everything that is wrong or doubtful in a guideline, in one run."""

from __future__ import annotations

import sys

import click

from ..diagnostics import render_report
from ..guideline import load_guideline
from ..pipeline import check as run_checks
from .main import use_colour
from .options import format_option, guideline_option, write_json


@click.command()
@guideline_option
@format_option
def check(guideline: str | None, format_: str) -> None:
    r"""Check the rules of a guideline; exit code 1 when there are errors.

    \b
    Example:
      guidelog check --guideline kb/lumbar_radiculopathy
    """
    _, report = run_checks(load_guideline(guideline))
    if format_ == "json":
        write_json(
            {
                "errors": report.errors,
                "warnings": report.warnings,
                "diagnostics": [d.to_json() for d in report.sorted()],
            }
        )
    else:
        click.echo(render_report(report, colour=use_colour(sys.stdout)), color=True)
    sys.exit(1 if report.errors else 0)
