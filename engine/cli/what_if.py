"""`guidelog what-if` and `guidelog when`: what would change an answer, and when it changes by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import click

from guidelog import wording
from guidelog.diagnostics import InputError, nearest
from guidelog.explain.answers import Answers
from guidelog.explain.changes import Change
from guidelog.explain.changes.smallest import Ways, ways_to
from guidelog.explain.changes.what_if import Difference, differences
from guidelog.explain.changes.when import Forecast
from guidelog.explain.changes.when import when as forecast
from guidelog.pipeline import ask
from guidelog.semantics.status import Status
from guidelog.text.page import Lines, heading

from .support.assignments import changed, parsed, pointing_at
from .support.options import Request, about_patient, format_option, header, write_json

_REACHABLE = [s.value for s in Status if s is not Status.UNDETERMINED]


@click.command(name="what-if")
@about_patient
@format_option
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change an input: present, absent, unknown, a number, `6+`, or complete for a screen.",
)
@click.option("--to", "target", metavar="STATUS", help="The smallest changes that reach a status.")
def what_if(request: Request, format_: str, settings: tuple[str, ...], target: str | None) -> None:
    """What the answers for PATIENT would be with changes, or which changes would reach a status.

    \b
    Examples:
      guidelog what-if kb/lumbar_radiculopathy/vignettes/seed.yaml --set saddle_anesthesia=present
      guidelog what-if kb/lumbar_radiculopathy/vignettes/seed.yaml mri_lumbar --to not_now
    """
    if bool(settings) == (target is not None):
        raise click.UsageError("say either --set NAME=VALUE or --to STATUS")
    compiled, record, wanted = request.compiled, request.record, request.named
    if target is not None:
        _towards(request, _status(target), format_)
        return
    typed = parsed(settings)
    before = ask(compiled, record, wanted)
    later = changed(record, typed, compiled.names)
    with pointing_at(typed, record):
        after = ask(compiled, later, wanted)
    found = differences(before, after)
    if format_ == "json":
        given = {setting.name: setting.value for setting in typed}
        write_json({**header(before), "settings": given, "changes": [d.to_json() for d in found]})
    else:
        click.echo(_changes(found, before, len(before.answers)))


def _towards(request: Request, status: Status, format_: str) -> None:
    answers = ask(request.compiled, request.record, request.main)
    found = [ways_to(answers, name, status) for name in request.main]
    if format_ == "json":
        write_json({**header(answers), "ways": [w.to_json() for w in found]})
        return
    page = Lines()
    for ways in found:
        answer = next(a for a in answers.answers if a.intervention == ways.intervention)
        page.add(heading(answer), 0, 2)
        _ways(page, ways)
        page.blank()
    click.echo(page.text().rstrip())


def _ways(page: Lines, ways: Ways) -> None:
    target = wording.STATUS[ways.status]
    if not ways.decided:
        page.add(wording.ways_given_up(target), 2)
    elif not ways.ways:
        page.add(wording.ways_none(target), 2)
    elif not ways.ways[0]:
        page.add(wording.ways_already(target), 2)
    else:
        page.add(wording.ways_head(len(ways.ways[0]), target), 2)
        common, groups = _factors(ways.ways)
        if groups is None:
            for number, way in enumerate(ways.ways[:_MOST_WAYS], 1):
                page.add(wording.way_number(number), 4)
                _changes_by_kind(page, way, 6)
        else:
            _changes_by_kind(page, common, 4)
            for group in groups:
                for kind in sorted({c.kind for c in group}, key=list(wording.KINDS).index):
                    same = [c for c in group if c.kind == kind]
                    title = wording.one_of(wording.KINDS[kind]) if len(group) > 1 else wording.KINDS[kind]
                    page.add(f"{title}:", 4)
                    for change in same:
                        page.add(f"- {change.says}", 6, 8)
        if not ways.complete or (groups is None and len(ways.ways) > _MOST_WAYS):
            page.add(wording.MORE_WAYS, 4)


_MOST_WAYS = 4


def _changes_by_kind(page: Lines, way: Iterable[Change], indent: int) -> None:
    listed = list(way)
    for kind, title in wording.KINDS.items():
        changes = [c for c in listed if c.kind == kind]
        if changes:
            page.add(f"{title}:", indent)
            for change in changes:
                page.add(f"- {change.says}", indent + 2, indent + 4)


def _key(change: Change) -> tuple[str, str]:
    return (change.input, change.says)


def _factors(ways: Sequence[tuple[Change, ...]]) -> tuple[list[Change], list[list[Change]] | None]:
    """What all ways share, and the rest as groups of alternatives, one of each; None where it is not of that form."""
    changes = {_key(c): c for way in ways for c in way}
    sets = [frozenset(map(_key, way)) for way in ways]
    common = frozenset.intersection(*sets)
    groups: list[list[tuple[str, str]]] = []
    for key in changes:
        if key in common:
            continue
        for group in groups:
            if not any(key in way and any(other in way for other in group) for way in sets):
                group.append(key)
                break
        else:
            groups.append([key])
    product = math.prod(map(len, groups))
    fits = product == len(set(sets)) and all(sum(k in way for k in group) == 1 for way in sets for group in groups)
    shared = [c for key, c in changes.items() if key in common]
    return shared, [[changes[k] for k in group] for group in groups] if fits else None


def _changes(changed: list[Difference], before: Answers, total: int) -> str:
    page = Lines()
    if not changed:
        page.add(wording.none_changes(total))
    for difference in changed:
        label = wording.label_of(difference.intervention, before.names)
        page.add(wording.change_of(label, Status(difference.before), Status(difference.after)))
        page.add(difference.says_after + ".", 4)
    if changed and total > len(changed):
        page.add(wording.unchanged(total - len(changed)))
    return page.text()


def _status(name: str) -> Status:
    if name not in _REACHABLE:
        near = nearest(name, _REACHABLE)
        raise InputError.of(
            "GL432",
            f"there is no status `{name}`",
            hint=f"did you mean `{near}`?" if near else f"there are: {', '.join(_REACHABLE)}",
        )
    return Status(name)


@click.command()
@about_patient
@format_option
def when(request: Request, format_: str) -> None:
    """The earliest dates on which the answers for PATIENT change if nothing else does.

    \b
    Example:
      guidelog when kb/lumbar_radiculopathy/vignettes/seed.yaml
    """
    compiled, wanted = request.compiled, request.main
    answers = ask(compiled, request.record, wanted)
    found = forecast(answers, lambda later: ask(compiled, later, wanted))
    if format_ == "json":
        write_json({**header(answers), "when": found.to_json()})
    else:
        click.echo(_forecast(found, answers))


def _forecast(found: Forecast, answers: Answers) -> str:
    page = Lines()
    for answer in answers.answers:
        page.add(wording.today(found.start.isoformat(), heading(answer)), 0, 12)
    unseen = wording.say("not_looked_at", labels=wording.together(found.not_looked_at)) if found.not_looked_at else ""
    if not found.events:
        page.add(unseen or wording.NOTHING_CHANGES_IN_TIME)
        return page.text()
    page.add(wording.if_time_passes(found.assumptions))
    for event in found.events:
        label = wording.label_of(event.intervention, answers.names)
        change = wording.change_of(label, Status(event.before), Status(event.after))
        page.add(wording.today(event.day.isoformat(), change), 0, 12)
        told = [wording.inner(b) for b in event.because]
        if event.earliest is not None:
            told.append(wording.within(event.earliest.isoformat(), event.day.isoformat()))
        page.add(f"({'; '.join(told)})", 12)
        page.add(f"{event.says}.", 12)
    if not found.complete:
        page.add(wording.LATER_LEFT_OUT)
    page.add(unseen)
    return page.text()
