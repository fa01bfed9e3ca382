"""`guidelog explain`: what a code means."""

from __future__ import annotations

import click

from guidelog.workbench.lints.catalogue import explain as find
from guidelog.workbench.lints.catalogue import render_catalogue, render_code


@click.command()
@click.argument("code", required=False, metavar="[CODE]")
@click.option("--all", "everything", is_flag=True, help="Every code, as docs/codes.md.")
def explain(code: str | None, *, everything: bool) -> None:
    """Show what CODE means, with an example that is wrong and one that is right.

    \b
    Example:
      guidelog explain GL203
    """
    if everything:
        click.echo(render_catalogue(), nl=False)
    elif code is None:
        raise click.UsageError("name a code such as GL203, or use --all")
    else:
        click.echo(render_code(find(code)), nl=False)
