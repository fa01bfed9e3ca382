"""`guidelog feedback`: what clinicians did with the cards of the service."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import click

from guidelog.diagnostics import InputError

from .groups import CommandGroup
from .support.options import format_option


@click.group(cls=CommandGroup)
def feedback() -> None:
    """What clinicians did with the cards of the service.

    \b
    Example:
      guidelog feedback export --format csv
    """


@feedback.command()
@click.argument("store", type=click.Path(dir_okay=False, path_type=Path), required=False)
@format_option
def report(store: Path | None, format_: str) -> None:
    """What became of each piece of advice: how often a card was sent, accepted or overridden, and for which reasons.

    \b
    Example:
      guidelog feedback report --format json
    """
    from guidelog.web.hooks.feedback import FeedbackStore, StoreBusy, StoreFull

    from .serve import default_feedback

    path = store or default_feedback()
    if not path.is_file():
        if store is None:
            click.echo(f"there is no feedback yet ({path})", err=True)
            return
        raise InputError.of("GL483", f"there is no feedback store `{path}`")
    try:
        rows = FeedbackStore(path).report()
    except (StoreBusy, StoreFull):
        raise InputError.of("GL484", f"the feedback store `{path}` is locked, or is not one") from None
    if format_ == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        about = (
            f"{row['intervention']}: {row['status']} ({row['guideline']} {row['version']})"
            if row["guideline"]
            else ("cards of which nothing is known: they are older than the log, or not ours")
        )
        click.echo(about)
        click.echo(f"  sent {row['issued']:,}, accepted {row['accepted']:,}, overridden {row['overridden']:,}")
        for reason, count in sorted(row["reasons"].items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"    {count:,}  {reason}")


@feedback.command()
@click.argument("store", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="One JSON object a line, or a table.",
)
@click.option("--clear", is_flag=True, help="Take what was exported out of the store.")
def export(store: Path | None, format_: str, clear: bool) -> None:
    """Write the feedback in STORE (the SQLite file of `guidelog serve`) to standard output.

    Comments are free text: who exports them should treat them as patient data.

    \b
    Example:
      guidelog feedback export --format csv
    """
    from guidelog.web.hooks.feedback import FeedbackStore, StoreBusy, StoreFull

    from .serve import default_feedback

    path = store or default_feedback()
    if not path.is_file():
        if store is None:
            click.echo(f"there is no feedback yet ({path})", err=True)
            return
        raise InputError.of("GL483", f"there is no feedback store `{path}`")
    kept = FeedbackStore(path)
    try:
        rows = list(kept.rows())
        if format_ == "json":
            for row in rows:
                click.echo(json.dumps(row, ensure_ascii=False))
        else:
            _table(rows)
        sys.stdout.flush()
        if clear:
            click.echo(f"{kept.forget(rows):,} entries taken out", err=True)
    except (StoreBusy, StoreFull):
        raise InputError.of("GL484", f"the feedback store `{path}` is locked, or is not one") from None


def _table(rows: list[dict[str, object]]) -> None:
    columns = ("received", "service", "card", "outcome", "suggestions", "reason_code", "reason", "comment", "happened")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        reason = row["reason"] if isinstance(row["reason"], dict) else {}
        suggestions = row["suggestions"] if isinstance(row["suggestions"], list) else []
        named = {"reason_code": reason.get("code"), "reason": reason.get("display")}
        flat = {**row, **named, "suggestions": " ".join(suggestions)}
        writer.writerow([_cell(flat[c]) for c in columns])


def _cell(value: object) -> str:
    """Text that a spreadsheet does not take for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text[:1] else text
