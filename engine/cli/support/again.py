"""`--watch`: run a command again whenever a file of the guideline changes, until somebody stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import click

from guidelog.diagnostics import InputError
from guidelog.language.guideline import find_folder
from guidelog.workbench.watch import changes

from ..main import show_errors


def again(guideline: str | None, run: Callable[[], object]) -> NoReturn:
    """Run, wait for a change, run again; errors are shown and waited out. Ctrl-C ends it."""
    folder = find_folder(guideline)
    turns = changes(folder)
    while True:
        try:
            run()
        except InputError as error:
            show_errors(error)
        click.echo(f"watching {folder}; stop with Ctrl-C", err=True)
        changed = next(turns)
        click.echo(f"\nchanged: {', '.join(p.name for p in changed)}", err=True)
