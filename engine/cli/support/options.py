"""Options and arguments that several subcommands take."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.language.guideline import load_guideline
from guidelog.patients import Patient, read_text, remarks
from guidelog.patients.document import looks_like_fhir
from guidelog.patients.partial import read_as_far_as_possible
from guidelog.pipeline import compile_guideline, without_contradictions

from ..main import show

if TYPE_CHECKING:
    from guidelog.fhir import FhirReading

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


def budget_option(function: F) -> F:
    """Add `--budget`, for commands that search over all patients."""
    return click.option(
        "--budget",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Stop after so long; what was not decided by then is said. [default: no limit]",
    )(function)


def main_interventions(compiled: Compiled) -> tuple[str, ...]:
    """The interventions that the guideline exists for; all where it does not say."""
    return compiled.guideline.main or tuple(compiled.names.vocabulary.interventions)


def time_zone(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tzinfo | None:
    """A time zone by its name in the IANA database."""
    if value is None or isinstance(value, tzinfo):
        return value
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"there is no time zone `{value}`; an example is Europe/Berlin") from None


def patient_argument(function: F) -> F:
    """Add `PATIENT`: a YAML or JSON file, a FHIR Bundle, NDJSON or folder, or `-` for standard input.

    With it come the options that only FHIR records need; `read` finds what was chosen.
    """
    for names, kind, text in (
        ("--validate", None, "FHIR: validate the resources first (needs the extra guidelog[fhir])."),
        ("--unverified-codes", None, "FHIR: use codes that nobody has verified, too; the answer says so."),
        ("--as-of", click.DateTime(["%Y-%m-%d"]), "FHIR: the day to answer for. [default: that of the record]"),
    ):
        function = click.option(
            names,
            type=kind,
            is_flag=kind is None,
            expose_value=False,
            callback=_remember,
            help=text,
            metavar=None if kind is None else "DATE",
        )(function)
    function = click.option(
        "--time-zone",
        expose_value=False,
        callback=_remember_zone,
        metavar="NAME",
        help="FHIR: the clinic's, as Europe/Berlin: in which an instant is a day. [default: as written]",
    )(function)
    return click.argument("patient", metavar="PATIENT")(function)


def _remember_zone(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    _remember(context, parameter, time_zone(context, parameter, value))


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"guidelog.{parameter.name}"] = value


@dataclass(frozen=True, slots=True)
class Request:
    """What every command about one patient is given: the guideline, the record, the interventions named."""

    compiled: Compiled
    record: Patient
    named: tuple[str, ...]

    @property
    def main(self) -> tuple[str, ...]:
        """The interventions named; those that the guideline exists for where none is."""
        return self.named or main_interventions(self.compiled)


def about_patient(function: Callable[..., None]) -> Callable[..., None]:
    """Add `PATIENT`, `INTERVENTION...`, `--guideline` and `--reading`; the command gets them read, as a `Request`."""

    @functools.wraps(function)
    def run(
        patient: str, interventions: tuple[str, ...], guideline: str | None, readings: tuple[str, ...], **others: Any
    ) -> None:
        compiled = load(guideline, readings)
        function(Request(compiled, read(compiled, patient), interventions), **others)

    named = click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
    return patient_argument(named(guideline_option(reading_option(run))))


def header(answers: Answers) -> dict[str, Any]:
    """What the JSON of every explanation begins with: the guideline and the patient."""
    whole = answers.to_json()
    return {"guideline": whole["guideline"], "patient": whole["patient"]}


def load(guideline: str | None, readings: tuple[str, ...] = ()) -> Compiled:
    """The guideline named on the command line, compiled."""
    return compile_guideline(load_guideline(guideline), chosen_readings(readings))


def chosen_readings(readings: tuple[str, ...]) -> dict[str, str]:
    """What `--reading` says, as reading and option."""
    chosen: dict[str, str] = {}
    for item in readings:
        name, separator, option = item.partition("=")
        if not separator or not name or not option:
            raise click.UsageError(f"`--reading {item}`: write NAME=OPTION")
        chosen[name] = option
    return chosen


def read(compiled: Compiled, path: str) -> Patient:
    """The patient in a file; what was made of a FHIR record is said in a line on stderr."""
    patient, reading = read_with_account(compiled, path)
    if reading is not None:
        from ..facts import in_a_line

        click.echo(in_a_line(reading, path), err=True)
    return patient


def read_with_account(compiled: Compiled, path: str) -> tuple[Patient, FhirReading | None]:
    """The patient in a file, and what was made of the record where it is FHIR; what is odd is said on stderr."""
    patient, reading = _read(compiled, path)
    show(remarks(patient))
    return without_contradictions(compiled, patient), reading


def _read(compiled: Compiled, path: str) -> tuple[Patient, FhirReading | None]:
    chosen = click.get_current_context().meta
    wished = any(chosen.get(f"guidelog.{name}") for name in ("as_of", "unverified_codes", "validate", "time_zone"))
    if path != "-" and not wished and not looks_like_fhir(path):  # one of ours: the FHIR reader need not be loaded
        patient, warnings = read_as_far_as_possible(read_text(path), compiled.names.vocabulary)
        show(warnings)
        return patient, None
    from guidelog.fhir.any_record import Wishes, read_file

    day = chosen.get("guidelog.as_of")
    wishes = Wishes(
        day.date() if day is not None else None,
        bool(chosen.get("guidelog.unverified_codes")),
        bool(chosen.get("guidelog.validate")),
        chosen.get("guidelog.time_zone"),
    )
    return read_file(path, compiled.guideline, compiled.names.vocabulary, wishes)


def write_json(data: Any) -> None:
    """Plain data on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))
