"""`guidelog new`: a guideline folder to start from."""

from __future__ import annotations

from pathlib import Path

import click

from guidelog.workbench.scaffold import scaffold


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--title", help="What the guideline is about. [default: from the folder's name]")
def new(folder: Path, title: str | None) -> None:
    """Write a small complete guideline into FOLDER: it checks, tests and draws at once.

    \b
    Example:
      guidelog new my_guideline --title "Treatment of the condition"
    """
    for path in scaffold(folder, title):
        click.echo(f"wrote {path}", err=True)
    click.echo(f"next: guidelog check -g {folder}; guidelog test -g {folder} --coverage")
