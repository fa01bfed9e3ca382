"""`guidelog serve`: the pages and the CDS Hooks service over HTTP."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from pathlib import Path

import click

from guidelog.diagnostics import InputError
from guidelog.files import make_folder

from .support.options import chosen_readings, guideline_option, reading_option, time_zone


def default_feedback() -> Path:
    """Where feedback is kept unless said otherwise: the user's folder for state."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "guidelog" / "feedback.sqlite"


@click.command()
@guideline_option
@reading_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes any.")
@click.option("--public-url", metavar="URL", help="The address that cards link to. [default: that of host and port]")
@click.option("--allow-host", "names", multiple=True, metavar="NAME", help="A further host name to answer to.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes that evaluate.")
@click.option(
    "--cors-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="An origin of CDS clients in browsers, `*` for any; may be repeated. [default: none]",
)
@click.option(
    "--trust",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Verify the JWT of CDS clients, by this list of issuers and keys.",
)
@click.option(
    "--feedback",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep feedback in this SQLite file. [default: feedback.sqlite in the user's state folder]",
)
@click.option("--no-feedback", is_flag=True, help="Take no feedback.")
@click.option(
    "--rate",
    default=50.0,
    show_default=True,
    type=click.FloatRange(0.1, 10_000),
    help="Requests a second of one client.",
)
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Your copy of the source (Markdown or text), for its own sentences on the review pages.",
)
@click.option("--sign-off", is_flag=True, help="Let reviewers sign off statements, into the guideline's reviews/.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Answer as of this day, for demonstrations."
)
@click.option("--time-zone", "zone", metavar="NAME", callback=time_zone, help="The clinic's, as Europe/Berlin.")
@click.option("--unverified-codes", "unverified", is_flag=True, help="Use codes that nobody has verified, too.")
@click.option("--compare", metavar="OLD", help="Show reviewers what changed since OLD, a folder or a git revision.")
@click.option("--check", is_flag=True, help="Start, answer once, and stop.")
def serve(
    guideline: str | None,
    readings: tuple[str, ...],
    host: str,
    port: int,
    public_url: str | None,
    names: tuple[str, ...],
    workers: int,
    origins: tuple[str, ...],
    trust: Path | None,
    feedback: Path | None,
    no_feedback: bool,
    rate: float,
    source: Path | None,
    as_of: datetime | None,
    zone: tzinfo | None,
    unverified: bool,
    compare: str | None,
    check: bool,
    sign_off: bool,
) -> None:
    """Serve the pages and CDS Hooks, on this machine only unless --host says otherwise.

    Patients are kept in memory only and never logged. Needs `pip install 'guidelog[web]'`.

    \b
    Examples:
      guidelog serve --check
      guidelog serve --compare HEAD~1:kb/lumbar_radiculopathy --sign-off
      guidelog serve --port 8080 --trust docs/examples/clients.toml --public-url https://cds.example.org
    """
    try:
        from guidelog.web.server import run
        from guidelog.web.settings import Settings
    except ImportError as error:
        raise InputError.of(
            "GL480", f"`{error.name}` is not installed", hint="install the web part: pip install 'guidelog[web]'"
        ) from None
    kept = None if no_feedback else feedback or default_feedback()
    if kept is not None:
        _make_folder(kept)
    settings = Settings(
        guideline=guideline,
        readings=chosen_readings(readings),
        host=host,
        port=port,
        public_url=public_url,
        names=names,
        workers=workers,
        rate=rate,
        burst=max(2, round(2 * rate)),
        origins=origins,
        trust=trust,
        feedback=kept,
        as_of=as_of.date() if as_of else None,
        zone=zone,
        unverified=unverified,
        compare=compare,
        source_copy=source,
        sign_off=sign_off,
    )
    if sign_off and not settings.loopback:
        raise InputError.of("GL646", "sign-offs are taken on a loopback address only", hint="leave --host out")
    try:
        run(settings, announce=click.echo, warn=_warn, check=check)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError.of("GL481", f"cannot listen on {host}, port {port}: {reason}") from None


def _warn(message: str) -> None:
    click.echo(f"warning: {message}", err=True)


def _make_folder(path: Path) -> None:
    try:
        make_folder(path.parent)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError.of("GL482", f"cannot make the folder of `{path}`: {reason}") from None
