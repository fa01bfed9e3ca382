"""`guidelog readings`: what each ambiguity switch changes."""

from __future__ import annotations

import click

from guidelog.diagnostics import InputError
from guidelog.workbench.trace.readings import Effect, effects, shortly
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files

from .support.options import format_option, guideline_option, load, reading_option, write_json

_MOST = 8


@click.command()
@guideline_option
@reading_option
@format_option
def readings(guideline: str | None, readings: tuple[str, ...], format_: str) -> None:
    """For each declared ambiguity: which answers another option changes, for which patient, and in which vignettes.

    \b
    Example:
      guidelog readings
    """
    compiled = load(guideline, readings)
    try:
        files = vignette_files(compiled.guideline)
    except InputError:
        files = []
    found = list(effects(compiled, read_vignettes(files, compiled.names)))
    if format_ == "json":
        write_json({"in_force": dict(compiled.readings), "effects": [e.to_json() for e in found]})
        return
    if not found:
        click.echo("this guideline declares no readings")
    last = None
    for effect in found:
        if effect.reading.name != last:
            last = effect.reading.name
            decision = f" ({effect.reading.decision})" if effect.reading.decision else ""
            click.echo(f"{last}: {effect.reading.label}{decision}; in force: {compiled.readings[last]}")
        click.echo("\n".join(_lines(effect)))


def _lines(effect: Effect) -> list[str]:
    lines = [f"  {effect.option}: {effect.reading.options[effect.option]}"]
    if effect.answers is None:
        lines.append("    there are too many possible patients to search them all")
    for answer in effect.answers or ():
        lines.append(f"    {answer.intervention}: {answer.before.value} -> {answer.after.value}")
        lines.append(f"      for example {shortly(answer.patient)}")
    if effect.answers == ():
        lines.append("    changes no answer for anybody")
    more = f" and {len(effect.vignettes) - _MOST} more" if len(effect.vignettes) > _MOST else ""
    names = f": {', '.join(effect.vignettes[:_MOST])}{more}" if effect.vignettes else ""
    lines.append(f"    {len(effect.vignettes)} vignettes change{names}")
    return lines
