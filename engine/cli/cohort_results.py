"""`guidelog cohort summary` and `diff`: what is said of the results of runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError, nearest
from guidelog.files import write_bytes, write_text

from .cohort_options import show_lines
from .support.files import writing
from .support.options import format_option, guideline_option, load, reading_option, write_json


@click.command()
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
      guidelog cohort docs/examples/patients.csv --out answers.parquet
      guidelog cohort summary answers.parquet mri_lumbar --svg shares.svg
    """
    from guidelog.cohort.charts.status_shares import render_svg
    from guidelog.cohort.results.folder import read_account
    from guidelog.cohort.results.summary import render_summary

    account = read_account(result)
    _known(interventions, account["answers"])
    if svg is not None:
        with writing(svg):
            write_text(svg, render_svg(account, interventions))
    if pathway is not None:
        _write_pathway(pathway, load(guideline, readings), account)
    if format_ == "json":
        write_json({k: v for k, v in account.items() if k not in ("key", "parts")})
    else:
        show_lines(render_summary(account, interventions))


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@click.option("--out", "-o", metavar="FILE", help="Write who changes, as CSV or Parquet.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture of who goes where.")
@format_option
def diff(old: str, new: str, interventions: tuple[str, ...], out: str | None, svg: Path | None, format_: str) -> None:
    """Who changes between two results: counts from one answer to another; exit code 1 when anybody does.

    \b
    Example:
      guidelog cohort docs/examples/patients.csv --reading surgical_trial=strict --out strict
      guidelog cohort docs/examples/patients.csv --reading surgical_trial=lax --out lax
      guidelog cohort diff strict lax --out changes.csv
    """
    from guidelog.cohort.results.diff import diff as compare
    from guidelog.cohort.results.diff import render_diff

    found = compare(old, new, interventions, out)
    if svg is not None:
        from guidelog.cohort.charts.transitions import render_moves
        from guidelog.cohort.results.folder import read_account

        labels = read_account(new).get("labels", {})
        with writing(svg):
            write_text(svg, render_moves(found, Path(old).name, Path(new).name, labels))
    if format_ == "json":
        flows = [
            {"intervention": f.intervention, "old": f.old, "new": f.new, "patients": f.patients} for f in found.flows
        ]
        write_json({"changed": found.changed, "only_old": found.only_old, "only_new": found.only_new, "flows": flows})
    else:
        show_lines(render_diff(found))
    sys.exit(1 if found.changed or found.only_old or found.only_new else 0)


def _write_pathway(out: Path, compiled: Compiled, account: dict[str, Any]) -> None:
    """The pathway with numbers; further pages get a number in their name."""
    from guidelog.cohort.charts.funnel import flow_picture
    from guidelog.diagrams.pictures import rendered

    if out.suffix not in (".svg", ".png", ".pdf"):
        raise click.UsageError(f"`--pathway {out}`: a picture ends in .svg, .png or .pdf")
    pages = list(rendered(flow_picture(compiled, account), out.suffix[1:]))
    for number, (_, content) in enumerate(pages, 1):
        page = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
        with writing(page):
            write_bytes(page, content)


def _known(interventions: tuple[str, ...], known: Any) -> None:
    for name in interventions:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(known)}"
            raise InputError.of("GL612", f"the result has no intervention `{name}`", hint=hint)
