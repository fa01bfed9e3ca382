"""`guidelog trace`: the matrix between statements, rules, decisions and vignettes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import click

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.files import write_text
from guidelog.signoff.standing import diagnostics, standing
from guidelog.workbench.trace.build import trace as trace_of
from guidelog.workbench.trace.matrix import render_csv, render_html, render_markdown, render_text
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files

from .support.files import writing
from .support.options import guideline_option, load


@click.command()
@guideline_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "csv", "html", "markdown"]),
    default="text",
    show_default=True,
    help="What to write.",
)
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
def trace(guideline: str | None, format_: str, out: Path | None) -> None:
    """Show which rules encode each statement of the source, on which decisions, and which vignettes are about it.

    Exit code 1 when a statement is not encoded and not excused, or a rule has no source.

    \b
    Examples:
      guidelog trace
      guidelog trace --format markdown --out docs/trace.md
    """
    compiled = load(guideline)
    try:
        files = vignette_files(compiled.guideline)
    except InputError:
        files = []  # a guideline without vignettes still has a matrix
    found = trace_of(compiled, read_vignettes(files, compiled.names))
    match format_:
        case "json":
            _write(json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n", out)
        case "csv":
            _write(render_csv(found), out)
        case "html":
            _write(render_html(found), out)
        case "markdown":
            _write(render_markdown(found, "guidelog trace --format markdown"), out)
        case _:
            review = "".join(f"{line}\n" for line in _review(compiled))
            _write(render_text(found, shutil.get_terminal_size((120, 24)).columns) + "\n" + review, out)
    sys.exit(0 if found.complete else 1)


def _review(compiled: Compiled) -> list[str]:
    """What reviewers ask, and which sign-offs are stale; nothing before anybody has signed."""
    found = standing(compiled)
    if not any(s.signoffs for s in found.statements.values()):
        return []
    counts = ", ".join(f"{number} {state}" for state, number in found.counts.items())
    return ["", f"Review: {found.status} ({counts})", *(f"  {d.message}" for d in diagnostics(compiled))]


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out):
        write_text(out, text, private=False)
