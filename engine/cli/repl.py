"""`guidelog repl`: ask the rules about one patient, line by line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from guidelog.workbench.session import Session

from .support.options import guideline_option, load, reading_option

_PROMPT = "?- "


@click.command()
@click.argument("patient", required=False, metavar="[PATIENT]")
@guideline_option
@reading_option
def repl(patient: str | None, guideline: str | None, readings: tuple[str, ...]) -> None:
    """Ask the rules about PATIENT; without one, about somebody of whom nothing is known.

    On a terminal lines are edited, remembered in ~/.guidelog_history, and completed with Tab; otherwise they are read
    from standard input.

    \b
    Example:
      echo "advise(P, mri_lumbar, S)." | guidelog repl kb/lumbar_radiculopathy/vignettes/seed.yaml
    """
    session = Session(lambda: load(guideline, readings))
    if patient:
        session.take(patient)
    if sys.stdin.isatty():
        _edited(session)
        return
    for line in sys.stdin:
        answer = session.answer(line)
        if answer:
            click.echo(answer)
        if session.done:
            return


def _edited(session: Session) -> None:
    """Lines with history and completion."""
    click.echo(f"{session.compiled.guideline.title}; :help lists the commands, Ctrl-D leaves", err=True)
    history = Path(os.environ.get("GUIDELOG_HISTORY", "~/.guidelog_history")).expanduser()
    readline = _readline(session, history)
    try:
        while not session.done:
            try:
                line = input(_PROMPT)
            except EOFError:
                click.echo()
                break
            except KeyboardInterrupt:
                click.echo()
                continue
            answer = session.answer(line)
            if answer:
                click.echo(answer)
    finally:
        if readline is not None:
            try:
                readline.write_history_file(str(history))
            except OSError as error:
                click.echo(f"the history was not kept: {error.strerror}", err=True)


def _readline(session: Session, history: Path) -> Any:
    """The module for editing lines, set up; None on systems that have none."""
    try:
        import readline
    except ImportError:  # not on Windows
        return None
    matches: list[str] = []

    def complete(text: str, number: int) -> str | None:
        if number == 0:
            matches[:] = session.complete(text)
        return matches[number] if number < len(matches) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n(),.;!=<>{}")
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(1000)
    if history.is_file():
        readline.read_history_file(str(history))
    return readline
