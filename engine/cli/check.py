"""`guidelog check`: everything that is wrong or doubtful in a guideline, in one run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from guidelog import __version__
from guidelog.diagnostics import Report, render_report
from guidelog.files import write_text
from guidelog.language.guideline import GuidelineFolder, load_guideline
from guidelog.workbench.lints.advice import Advice, Fix
from guidelog.workbench.lints.collect import review
from guidelog.workbench.lints.exports import github, sarif

from .main import use_colour
from .support.again import again
from .support.files import writing
from .support.options import guideline_option, write_json


@click.command()
@guideline_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="Output for people or for programs.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings, too.")
@click.option("--no-lint", is_flag=True, help="Errors and warnings of the language only, without advice (GL9xx).")
@click.option("--fix", is_flag=True, help="Mend in the files what can be mended mechanically.")
@click.option("--watch", is_flag=True, help="Check again whenever a file of the guideline changes.")
def check(guideline: str | None, format_: str, *, strict: bool, no_lint: bool, fix: bool, watch: bool) -> None:
    """Check the rules of a guideline; exit code 1 when there are errors.

    `guidelog explain CODE` says what a code means. A warning is silenced where it stands, with a reason:
    `% allow GL901: why` on the line above the statement.

    \b
    Example:
      guidelog check --guideline kb/lumbar_radiculopathy
    """
    if watch:
        again(guideline, lambda: _check(guideline, format_, lints=not no_lint, fix=fix))
    report = _check(guideline, format_, lints=not no_lint, fix=fix)
    sys.exit(1 if report.errors or (strict and report.warnings) else 0)


def _check(guideline: str | None, format_: str, *, lints: bool, fix: bool) -> Report:
    loaded = load_guideline(guideline)
    advice = review(loaded, lints=lints)
    if fix:
        fixes = [a.fix for a in advice if a.fix is not None]
        _mend(loaded, fixes)
        click.echo(f"mended {len(fixes)} place{'' if len(fixes) == 1 else 's'}", err=True)
        if fixes:
            advice = review(load_guideline(guideline), lints=lints)
    report = Report([a.diagnostic for a in advice])
    _show(report, advice, format_)
    return report


def _show(report: Report, advice: Sequence[Advice], format_: str) -> None:
    match format_:
        case "json":
            fixable = {id(a.diagnostic) for a in advice if a.fix is not None}
            diagnostics = [{**d.to_json(), "fixable": id(d) in fixable} for d in report.sorted()]
            write_json({"errors": report.errors, "warnings": report.warnings, "diagnostics": diagnostics})
        case "sarif":
            from guidelog.workbench.lints.catalogue import CODES

            write_json(sarif(report.sorted(), CODES.values(), __version__))
        case "github":
            text = github(report.sorted())
            if text:
                click.echo(text)
        case _:
            click.echo(render_report(report, colour=use_colour(sys.stdout)), color=True)


def _mend(guideline: GuidelineFolder, fixes: Iterable[Fix]) -> None:
    """Apply the fixes to the files, from the end of each to its beginning."""
    by_name: dict[str, list[Fix]] = {}
    for fix in fixes:
        by_name.setdefault(fix.span.source.name, []).append(fix)
    for path in sorted(guideline.folder.glob("*.dl")):
        source = next((s for s in guideline.sources if Path(s.name).name == path.name), None)
        wanted = by_name.get(source.name, []) if source else []
        if source is None or not wanted:
            continue
        text = source.text
        for fix in sorted(wanted, key=lambda f: f.span.start, reverse=True):
            text = text[: fix.span.start] + fix.text + text[fix.span.end :]
        with writing(path):
            write_text(path, text, private=False)
