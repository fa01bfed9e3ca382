"""A line on stderr now and then, while something takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

_EVERY = 1.0
"""Seconds between two lines."""


def progress() -> Callable[[str, int, int], None]:
    """Tells what is being worked on, how much is done and how much there is; on a terminal only."""
    last = time.monotonic()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if sys.stderr.isatty() and time.monotonic() - last > _EVERY:
            last = time.monotonic()
            click.echo(f"{done}/{total} {what}", err=True)

    return tell
