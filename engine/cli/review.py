"""`guidelog review`: where the review of a guideline stands, and a sign-off from the terminal."""

from __future__ import annotations

import sys
from datetime import date

import click

from guidelog.diagnostics import InputError, nearest
from guidelog.signoff.entries import Entry, Verdict, add_entry
from guidelog.signoff.standing import Standing, standing

from .support.files import writing
from .support.options import guideline_option, load, write_json


@click.command()
@click.argument("statement", required=False)
@guideline_option
@click.option("--accept", is_flag=True, help="Accept the statement as it is encoded now.")
@click.option("--query", metavar="TEXT", help="Ask the authors about it.")
@click.option("--reject", metavar="TEXT", help="Reject it, with the reason.")
@click.option("--comment", default="", metavar="TEXT", help="A comment on an acceptance.")
@click.option("--by", metavar="NAME", help="Who signs.")
@click.option("--role", metavar="ROLE", help="As what, for example clinician.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def review(
    statement: str | None,
    guideline: str | None,
    query: str | None,
    reject: str | None,
    comment: str,
    by: str | None,
    role: str | None,
    format_: str,
    *,
    accept: bool,
) -> None:
    """Show where the review stands; or sign off a statement, into the guideline's folder `reviews/`.

    Exit code 1 while statements are not accepted.

    \b
    Examples:
      guidelog review
      guidelog review S15 --accept --by "Ada Byron" --role clinician
      guidelog review S15 --query "Six weeks from when?" --by "Ada Byron" --role clinician
    """
    compiled = load(guideline)
    found = standing(compiled)
    given = [v for v, on in ((Verdict.ACCEPT, accept), (Verdict.QUERY, query), (Verdict.REJECT, reject)) if on]
    if given:
        if len(given) > 1 or statement is None or not by or not role:
            raise InputError.of(
                "GL646", "a sign-off needs one statement, one of --accept, --query, --reject, --by and --role"
            )
        if statement not in found.statements:
            near = nearest(statement, found.statements)
            raise InputError.of(
                "GL646",
                f"the guideline has no statement `{statement}`",
                hint=f"did you mean `{near}`?" if near else None,
            )
        today = date.today().isoformat()  # noqa: DTZ011 - the day where the reviewer is
        said = query or reject or comment
        entry = Entry(today, by, role, statement, given[0], said, found.statements[statement].seen)
        with writing(compiled.guideline.folder / "reviews"):
            path = add_entry(compiled.guideline.folder, entry)
        click.echo(f"{statement}: {given[0]} by {by} ({role}), in {path.parent.name}/{path.name}")
        return
    if format_ == "json":
        write_json(
            {
                "status": found.status,
                "required": list(found.roles),
                "statements": [
                    {
                        "statement": s.statement,
                        "state": s.state,
                        "missing": list(s.missing),
                        "signoffs": [
                            {
                                "by": o.entry.by,
                                "role": o.entry.role,
                                "on": o.entry.on,
                                "verdict": o.entry.verdict.value,
                                "comment": o.entry.comment,
                                "stale": list(o.stale),
                            }
                            for o in s.signoffs
                        ],
                    }
                    for s in found.statements.values()
                ],
            }
        )
    else:
        _show(found, statement)
    sys.exit(0 if not found.missing else 1)


def _show(found: Standing, only: str | None) -> None:
    counts = ", ".join(f"{number} {state}" for state, number in found.counts.items())
    click.echo(f"Status that follows from the sign-offs: {found.status}. {counts}.")
    for item in found.statements.values():
        if only not in (None, item.statement) or (only is None and item.accepted):
            continue
        wants = f" (wants {', '.join(item.missing)})" if item.missing and item.signoffs else ""
        click.echo(f"  {item.statement:<6} {item.state}{wants}")
        for signoff in item.signoffs:
            e = signoff.entry
            says = f": {' '.join(e.comment.split())}" if e.comment else ""
            click.echo(f"         {e.on} {e.by} ({e.role}) {e.verdict}{says}")
            if signoff.stale:
                click.echo(f"         stale: {', '.join(signoff.stale)}")
    for entry in found.orphans:
        click.echo(f"  {entry.statement:<6} signed by {entry.by}, and no longer in the guideline")
