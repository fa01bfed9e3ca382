"""Files that commands write: what goes wrong is a message that names the file, never a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from guidelog.diagnostics import InputError
from guidelog.files import write_text

F = TypeVar("F", bound=Callable[..., Any])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What is done inside writes this file or folder. Raises InputError (GL605) where that fails."""
    try:
        yield
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and not path.parent.exists()
        reason = f"there is no folder `{path.parent}`" if missing else (error.strerror or "error").lower()
        raise InputError.of("GL605", f"`{path}` cannot be written: {reason}") from None


def out_option(function: F) -> F:
    """Add `--out`, for commands that write to stdout without it."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("--out", "-o", type=kind, help="Write to a file instead of stdout.")(function)


def put(text: str, out: Path | None) -> bool:
    """The text with a line end into the file, or on stdout; whether it went into a file."""
    if out is None:
        click.echo(text)
        return False
    with writing(out):
        write_text(out, text + "\n")
    return True
