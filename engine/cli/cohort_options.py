"""What the commands of `guidelog cohort` share: options about a table of patients, and progress on one line."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
import time
from typing import Any

import click

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_WIDEST = 120
_AGAIN = 0.1
"""Seconds between two lines of progress."""

interventions_option = click.option(
    "--intervention", "-i", "interventions", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)


def fhir_options(function: Any) -> Any:
    """What only FHIR exports need."""
    day = click.DateTime(["%Y-%m-%d"])
    for option in (
        click.option("--unverified-codes", is_flag=True, help="FHIR: use codes that nobody has verified, too."),
        click.option("--as-of", type=day, metavar="DATE", help="FHIR: the day to answer for. [default: each record's]"),
    ):
        function = option(function)
    return function


def data_options(function: Any) -> Any:
    """What the commands that read a table of patients share."""
    for option in (
        click.option("--table", metavar="NAME", help="The table of a DuckDB database. [default: patients]"),
        click.option(
            "--ignore",
            multiple=True,
            metavar="NAME",
            help="Pass over this column (in a long table, this name); may be repeated.",
        ),
        click.option(
            "--patient-column",
            default="patient",
            show_default=True,
            metavar="NAME",
            help="The column with the patient's id.",
        ),
    ):
        function = option(function)
    return function


def size(text: str) -> int:
    """A size such as `500M` in bytes. Raises UsageError."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise click.UsageError(f"`--memory {text}`: write a size such as 500M or 2G")
    return int(float(found[1]) * _SIZES[found[2].upper()])


def show_lines(text: str) -> None:
    """Print lines within the width of the terminal; what goes on begins further in than its line, and between words."""
    width = max(40, shutil.get_terminal_size((_WIDEST, 24)).columns)
    for line in text.splitlines():
        inside = " " * (len(line) - len(line.lstrip()))
        parts = textwrap.wrap(
            line.strip(),
            width,
            initial_indent=inside,
            subsequent_indent=inside + "    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        click.echo("\n".join(parts) if len(line) > width else line)


class Progress:
    """How far a run has come, on one line of a terminal; nothing where messages go to a file."""

    def __init__(self, *, quiet: bool) -> None:
        self.on = not quiet and sys.stderr.isatty()
        self.shown = False
        self.last = 0.0

    def answered(self, answered: int, aside: int) -> None:
        """How many patients have their answers."""
        self._line(f"{answered:,} patients answered, {aside:,} set aside")

    def preparing(self, what: str, share: float) -> None:
        """What is done before the first answer, and how much of it, from 0 to 1."""
        if time.monotonic() - self.last > _AGAIN:
            self._line(f"{what}: {share:.0%}")

    def done(self) -> None:
        """End the line."""
        if self.shown:
            click.echo(err=True)
            self.shown = False

    def _line(self, text: str) -> None:
        if self.on:
            self.shown, self.last = True, time.monotonic()
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
