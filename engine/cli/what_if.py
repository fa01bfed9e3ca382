"""`guidelog what-if` and `guidelog when`: what would change an answer, and when it changes by itself."""

from __future__ import annotations

from typing import Any

import click

from ..answers import Answers
from ..compiled import Compiled
from ..diagnostics import InputError, nearest
from ..explain import wording
from ..explain.what_if import Change, Difference, Ways, apply, differences, ways_to
from ..explain.when import Forecast
from ..explain.when import when as forecast
from ..patients import Patient, patient_from_content
from ..pipeline import ask
from ..status import Status
from .options import (
    format_option,
    guideline_option,
    load,
    main_interventions,
    patient_argument,
    read,
    reading_option,
    write_json,
)
from .reasons import Lines, heading

_KINDS = {"ask": "ask", "do": "do", "cannot": "would have to be otherwise"}
_REACHABLE = [s.value for s in Status if s is not Status.UNDETERMINED]


@click.command(name="what-if")
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change an input: present, absent, unknown, a number, `6+`, or complete for a screen.",
)
@click.option("--to", "target", metavar="STATUS", help="The smallest changes that reach a status.")
def what_if(
    patient: str,
    interventions: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    settings: tuple[str, ...],
    target: str | None,
) -> None:
    r"""What the answers for PATIENT would be with changes, or which changes would reach a status.

    \b
    Examples:
      guidelog what-if kb/lumbar_radiculopathy/vignettes/seed.yaml --set saddle_anesthesia=present
      guidelog what-if kb/lumbar_radiculopathy/vignettes/seed.yaml mri_lumbar --to not_now
    """
    if bool(settings) == (target is not None):
        raise click.UsageError("say either --set NAME=VALUE or --to STATUS")
    compiled = load(guideline, readings)
    record = read(compiled, patient)
    wanted = interventions or tuple(compiled.names.vocabulary.interventions)
    if target is not None:
        _towards(compiled, record, interventions, _status(target), format_)
        return
    before = ask(compiled, record, wanted)
    content = apply(record.content, _parsed(settings), compiled.names)
    after = ask(compiled, patient_from_content(content, compiled.names.vocabulary), wanted)
    changed = differences(before, after)
    if format_ == "json":
        write_json({**_header(before), "settings": _parsed(settings), "changes": [d.to_json() for d in changed]})
    else:
        click.echo(_changes(changed, before, len(before.answers)))


def _towards(compiled: Compiled, record: Patient, interventions: tuple[str, ...], status: Status, format_: str) -> None:
    wanted = interventions or main_interventions(compiled)
    answers = ask(compiled, record, wanted)
    found = [ways_to(answers, name, status) for name in wanted]
    if format_ == "json":
        write_json({**_header(answers), "ways": [w.to_json() for w in found]})
        return
    page = Lines()
    for ways in found:
        answer = next(a for a in answers.answers if a.intervention == ways.intervention)
        page.add(heading(answer))
        _ways(page, ways)
        page.blank()
    click.echo(page.text().rstrip())


def _ways(page: Lines, ways: Ways) -> None:
    target = wording.STATUS[ways.status]
    if not ways.decided:
        page.add(f"The search for ways to `{target}` was too large and was given up.", 2)
    elif not ways.ways:
        page.add(f"No change of this patient's facts reaches `{target}`.", 2)
    elif not ways.ways[0]:
        page.add("That is already the answer.", 2)
    else:
        count = len(ways.ways[0])
        page.add(f"{count} change{'' if count == 1 else 's'} would make it `{target}`:", 2)
        for number, way in enumerate(ways.ways, 1):
            if len(ways.ways) > 1:
                page.add(f"way {number}" + ("" if ways.complete or number < len(ways.ways) else " (there are more)"), 4)
            for change in way:
                page.add(_change(change), 6, 8)


def _change(change: Change) -> str:
    return f"{_KINDS[change.kind]}: {change.says}"


def _changes(changed: list[Difference], before: Answers, total: int) -> str:
    page = Lines()
    if not changed:
        page.add(f"None of the {total} answers changes.")
    for difference in changed:
        label = wording.sentence(wording.label_of(difference.intervention, before.names))
        old, new = (wording.STATUS[Status(s)] for s in (difference.before, difference.after))
        page.add(f"{label}: {old} -> {new}" if old != new else f"{label}: {new}, for other reasons")
        page.add(difference.says_after + ".", 4)
    if changed:
        page.add(f"{total - len(changed)} other answers stay as they are.")
    return page.text()


def _parsed(settings: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in settings:
        name, separator, value = item.partition("=")
        if not separator or not name or not value:
            raise click.UsageError(f"`--set {item}`: write NAME=VALUE")
        if name in found:
            raise click.UsageError(f"`{name}` is set twice")
        found[name] = value
    return found


def _status(name: str) -> Status:
    if name not in _REACHABLE:
        near = nearest(name, _REACHABLE)
        raise InputError.of(
            "GL432",
            f"there is no status `{name}`",
            hint=f"did you mean `{near}`?" if near else f"there are: {', '.join(_REACHABLE)}",
        )
    return Status(name)


def _header(answers: Answers) -> dict[str, Any]:
    whole = answers.to_json()
    return {"guideline": whole["guideline"], "patient": whole["patient"]}


@click.command()
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@format_option
def when(
    patient: str, interventions: tuple[str, ...], guideline: str | None, readings: tuple[str, ...], format_: str
) -> None:
    r"""The earliest dates on which the answers for PATIENT change if nothing else does.

    \b
    Example:
      guidelog when kb/lumbar_radiculopathy/vignettes/seed.yaml
    """
    compiled = load(guideline, readings)
    wanted = interventions or main_interventions(compiled)
    answers = ask(compiled, read(compiled, patient), wanted)
    found = forecast(answers, lambda later: ask(compiled, later, wanted))
    if format_ == "json":
        write_json({**_header(answers), "when": found.to_json()})
    else:
        click.echo(_forecast(found, answers))


def _forecast(found: Forecast, answers: Answers) -> str:
    page = Lines()
    for answer in answers.answers:
        page.add(f"{found.start.isoformat()}  {heading(answer)}", 0, 12)
    for event in found.events:
        label = wording.sentence(wording.label_of(event.intervention, answers.names))
        page.add(f"{event.day.isoformat()}  {label} becomes: {wording.STATUS[Status(event.after)]}", 0, 12)
        page.add(f"({'; '.join(event.because)})", 12)
    if not found.events:
        page.add("No answer changes by the passing of time alone.")
    if found.assumptions and found.events:
        page.add(f"If nothing else changes: {'; '.join(found.assumptions)}.")
    if not found.complete:
        page.add("Later dates were left out.")
    return page.text()
