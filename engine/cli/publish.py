"""`guidelog publish`: a guideline as one file that needs no server, or as a folder for a static host."""

from __future__ import annotations

from pathlib import Path

import click

from guidelog.diagnostics import InputError
from guidelog.files import write_text

from .support.files import writing
from .support.options import guideline_option, load


@click.command()
@guideline_option
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="One HTML file.")
@click.option(
    "--site", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="A folder of pages."
)
@click.option(
    "--pyodide",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The npm package pyodide. [default: node_modules/pyodide]",
)
@click.option(
    "--graphviz",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The npm package @hpcc-js/wasm-graphviz, for pictures.",
)
def publish(
    guideline: str | None, out: Path | None, folder: Path | None, pyodide: Path | None, graphviz: Path | None
) -> None:
    """Write a guideline that answers without a server: form, certified answers, explanations, pictures, review pages.

    It opens from disk, with no network. Pyodide and Graphviz come from npm, once:
    `npm install pyodide @hpcc-js/wasm-graphviz`.

    \b
    Examples:
      guidelog publish --out guideline.html
      guidelog publish --site public
    """
    try:
        from guidelog.editions.publish import find_parts, single_file, site
    except ImportError as error:
        raise InputError.of("GL480", f"`publish` needs {error.name}", hint="pip install 'guidelog[web]'") from None
    if (out is None) == (folder is None):
        raise InputError.of("GL647", "say either --out FILE or --site DIR")
    parts = find_parts(pyodide, graphviz)
    compiled = load(guideline)
    if out is not None:
        text = single_file(compiled, parts)
        with writing(out):
            write_text(out, text, private=False)
        click.echo(f"{out}: {len(text.encode()) / 1e6:.1f} MB, opens from disk")
    elif folder is not None:
        with writing(folder):
            count = site(compiled, parts, folder)
        click.echo(f"{folder}: {count} pages, for any static host")
