"""`guidelog fmt`: rule files in one canonical layout."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from guidelog.diagnostics import InputError, Severity
from guidelog.files import write_text
from guidelog.language.formatter import Formatted, format_source
from guidelog.language.guideline import find_folder, read_guideline
from guidelog.source import Source

from .main import show
from .support.files import writing
from .support.options import guideline_option


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@guideline_option
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 when a file is not in canonical layout.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change, exit code 1 when something would.")
def fmt(files: tuple[str, ...], guideline: str | None, *, check: bool, diff: bool) -> None:
    """Bring rule files into the canonical layout; comments are kept. `-` formats standard input to standard output.

    \b
    Examples:
      guidelog fmt --check
      guidelog fmt --diff kb/lumbar_radiculopathy/scope.dl
    """
    if files == ("-",) and not (check or diff):
        formatted = format_source(Source("<stdin>", sys.stdin.read()))
        _report(formatted)
        click.echo(formatted.text, nl=False)
        sys.exit(2 if formatted.problems else 0)
    changed = broken = 0
    for path in _paths(files, guideline):
        formatted = format_source(Source(str(path), _read(path)))
        broken += bool(formatted.problems)
        _report(formatted)
        if not formatted.changed:
            continue
        changed += 1
        if diff:
            click.echo(formatted.diff(), nl=False)
        elif check:
            click.echo(f"{path} is not in canonical layout")
        else:
            _replace(path, formatted.text)
            click.echo(f"formatted {path}", err=True)
    if broken:
        sys.exit(2)
    sys.exit(1 if changed and (check or diff) else 0)


def _paths(files: tuple[str, ...], guideline: str | None) -> list[Path]:
    found: list[Path] = []
    for name in files or (str(find_folder(guideline)),):
        path = Path(name)
        if path.is_dir():
            read_guideline(path)  # says what is wrong with the folder, when something is
            found += sorted(path.glob("*.dl"))
        elif path.suffix == ".dl":
            found.append(path)
        else:
            hint = "rule files end in .dl; `-` formats rules from standard input" if path.is_file() else None
            message = f"`{path}` is not a rule file" if path.exists() else f"there is no file or folder `{path}`"
            raise InputError.of("GL603", message, hint=hint)
    return found


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InputError.of("GL603", f"`{path}` is not UTF-8 text") from None
    except OSError as error:
        raise InputError.of("GL603", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None


def _replace(path: Path, text: str) -> None:
    with writing(path):
        write_text(path, text, private=False)


def _report(formatted: Formatted) -> None:
    show(problem for problem in formatted.problems if problem.severity is Severity.ERROR)
