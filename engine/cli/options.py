"""Options and arguments that several subcommands take."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..compiled import Compiled
from ..guideline import load_guideline
from ..patients import Patient, read_patient, read_text
from ..pipeline import compile_guideline

F = TypeVar("F", bound=Callable[..., Any])


def guideline_option(function: F) -> F:
    """Add `--guideline`."""
    return click.option(
        "--guideline",
        "-g",
        metavar="NAME|FOLDER",
        help="The guideline: a folder, or a name in kb/. [default: the one in kb/]",
    )(function)


def reading_option(function: F) -> F:
    """Add `--reading NAME=OPTION`."""
    return click.option(
        "--reading",
        "readings",
        multiple=True,
        metavar="NAME=OPTION",
        help="Choose an option of a named reading; may be repeated.",
    )(function)


def format_option(function: F) -> F:
    """Add `--format text|json`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Output for people or for programs.",
    )(function)


def depth_option(function: F) -> F:
    """Add `--depth line|summary|full`."""
    return click.option(
        "--depth",
        type=click.Choice(["line", "summary", "full"]),
        default="summary",
        show_default=True,
        help="How much to say.",
    )(function)


def main_interventions(compiled: Compiled) -> tuple[str, ...]:
    """The interventions that the guideline exists for; all where it does not say."""
    return compiled.guideline.main or tuple(compiled.names.vocabulary.interventions)


def patient_argument(function: F) -> F:
    """Add `PATIENT`, a YAML or JSON file, or `-` for standard input."""
    return click.argument("patient", metavar="PATIENT")(function)


def load(guideline: str | None, readings: tuple[str, ...] = ()) -> Compiled:
    """The guideline named on the command line, compiled."""
    chosen: dict[str, str] = {}
    for item in readings:
        name, separator, option = item.partition("=")
        if not separator or not name or not option:
            raise click.UsageError(f"`--reading {item}`: write NAME=OPTION")
        chosen[name] = option
    return compile_guideline(load_guideline(guideline), chosen)


def read(compiled: Compiled, path: str) -> Patient:
    """The patient in a file."""
    return read_patient(read_text(path), compiled.names.vocabulary)


def write_json(data: Any) -> None:
    """Plain data on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))
