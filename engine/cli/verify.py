"""`guidelog verify`: what the guideline promises, for every possible patient."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.files import make_folder, write_text
from guidelog.solver.literals import Budget
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify as prove
from guidelog.verify.properties.verdicts import Remark, Result, Verdict, Verification
from guidelog.verify.witness.find import Witness

from .main import use_colour
from .support.files import writing
from .support.options import budget_option, format_option, guideline_option, load, reading_option, write_json
from .support.progress import progress

_MARKS = {
    Result.PROVED: ("proved", "32"),
    Result.BROKEN: ("BROKEN", "1;31"),
    Result.NOT_DECIDED: ("not decided", "1;33"),
}
_EMPTY = ("EMPTY", "1;33")
_OPEN = "not decided"
_MOST_OPEN = 10
_MOST_ANSWERS = 3
"""So many answers of a witness are shown; more would hide the patient."""


@click.command()
@guideline_option
@reading_option
@format_option
@click.option("--property", "wanted", multiple=True, metavar="ID", help="Only this property; may be repeated.")
@click.option(
    "--witnesses",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each witness patient into this folder, as a file for `guidelog ask`.",
)
@budget_option
def verify(
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    wanted: tuple[str, ...],
    witnesses: Path | None,
    budget: float | None,
) -> None:
    """Prove or break every property of a guideline, for all possible patients at once.

    Properties stand in the guideline's `properties.dl` (docs/proving.md). One that is broken comes with the smallest
    patient that breaks it, replayed by the engine and certified. Without --property the rules are also searched for
    conflicts, gaps, rules that apply to nobody and conditions that change nothing. Exit code 1 when a property is
    broken or about nobody, when rules conflict, or when something was not decided.

    \b
    Examples:
      guidelog verify
      guidelog verify --property CAUDA-EQUINA --format json
    """
    compiled = load(guideline, readings)
    properties = read_properties(compiled).choose(wanted)
    found = prove(compiled, properties, budget=Budget(budget), rules=not wanted, progress=progress())
    if witnesses is not None:
        _write(witnesses, found)
    if format_ == "json":
        write_json(
            {
                "guideline": {
                    "id": compiled.guideline.id,
                    "version": compiled.guideline.version,
                    "sha256": compiled.guideline.sha256,
                    "readings": dict(compiled.readings),
                },
                **found.to_json(),
            }
        )
    else:
        click.echo(render(compiled, found, colour=use_colour(sys.stdout)), color=True)
    sys.exit(1 if found.failed or not found.complete else 0)


def render(compiled: Compiled, found: Verification, *, colour: bool) -> str:
    """The findings as text."""
    guideline = compiled.guideline
    findings, measures, background = found.inputs
    over = (
        f"For every record that the reader accepts: {findings} findings (present, absent or unknown), "
        f"{_count(measures, 'measure')} (any interval of the range), not contradicting "
        f"{_count(background, 'background rule')}; {_count(found.ranges, 'threshold range')}, "
        "kept or read at either end."
    )
    lines = [
        f"{guideline.title}, version {guideline.version} ({guideline.review})",
        over,
        *(f"Reading {name}: {option}." for name, option in compiled.readings.items()),
        "",
    ]
    for verdict in found.verdicts:
        lines.extend(_verdict(verdict, colour))
    if not found.verdicts:
        lines.append("The guideline has no properties.dl; only its rules were searched.")
    if found.checked:
        looked = ", ".join(
            f"{number} for {what}" if what in ("conflicts", "gaps") else f"{number} {what}"
            for what, number in found.checked
        )
        lines += ["", f"Rules searched ({looked}):"]
        open_ = [remark for remark in found.remarks if remark.kind == _OPEN]
        shown = [remark for remark in found.remarks if remark.kind != _OPEN] + open_[:_MOST_OPEN]
        lines.extend(line for remark in shown for line in _remark(remark, colour))
        if len(open_) > _MOST_OPEN:
            lines.append(f"  and {len(open_) - _MOST_OPEN:,} more not decided (--format json lists them)")
        if not found.remarks:
            lines.append("  no conflict, no gap, no rule that applies to nobody, no condition that changes nothing")
    proved = sum(v.result is Result.PROVED for v in found.verdicts)
    broken = sum(v.result is Result.BROKEN for v in found.verdicts)
    undecided = len(found.verdicts) - proved - broken
    empty = sum(v.idle for v in found.verdicts)
    about = f" ({empty} of them about nobody)" if empty else ""
    took = f"{found.seconds:.2f} s ({found.load_seconds:.2f} s to load)"
    lines += ["", f"{proved} proved{about}, {broken} broken, {undecided} not decided; {took}"]
    return "\n".join(lines)


def _verdict(verdict: Verdict, colour: bool) -> list[str]:
    mark, code = _EMPTY if verdict.idle else _MARKS[verdict.result]
    idle = " (proved, but no patient has what it is about)" if verdict.idle else ""
    lines = [f"  {_paint(f'{mark:<11}', code, colour)} {verdict.id}: {verdict.says}{idle}"]
    if verdict.witness is not None:
        lines.extend(_witness(verdict.witness))
    return lines


def _remark(remark: Remark, colour: bool) -> list[str]:
    code = "1;31" if remark.kind == "conflict" else "33"
    lines = [f"  {_paint(remark.kind, code, colour)} {remark.about}: {remark.says}"]
    if remark.witness is not None:
        lines.extend(_witness(remark.witness))
    return lines


def _witness(witness: Witness) -> list[str]:
    lines = [f"      | {line}" for line in witness.text.splitlines() if not line.startswith("#")]
    if witness.after is not None:
        lines.append("      and afterwards:")
        lines.extend(f"      | {line}" for line in witness.after.text.splitlines() if not line.startswith("#"))
        changed = [
            f"{name}: {status.value}, then {witness.after.statuses[name].value}"
            for name, status in witness.statuses.items()
            if status is not witness.after.statuses[name]
        ]
        lines.extend(f"      {line}" for line in changed)
    elif len(witness.statuses) <= _MOST_ANSWERS:
        given = (f"{name}: {wording.STATUS[status]}" for name, status in witness.statuses.items())
        lines.append(f"      answered {', '.join(given)}")
    lines.extend(f"      with {end}" for end in witness.ends)
    if not witness.smallest:
        left = "nothing can be left out; another patient may be smaller"
        lines.append(f"      ({left if witness.bare else 'time ran out before a smaller patient was ruled out'})")
    return lines


def _write(folder: Path, found: Verification) -> None:
    """One file for each witness, and one for the patient afterwards."""
    shown = [v.witness for v in found.verdicts if v.witness] + [r.witness for r in found.remarks if r.witness]
    with writing(folder):
        make_folder(folder)
        for witness in shown:
            for one in (witness, witness.after):
                if one is not None:
                    write_text(folder / f"{one.content['patient']}.yaml", one.text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
