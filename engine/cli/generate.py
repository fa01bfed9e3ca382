"""`guidelog generate`: made-up patients that reach every rule, condition and threshold, for clinicians to sign."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from guidelog.files import make_folder, write_text
from guidelog.solver.literals import Budget
from guidelog.verify.suite.generate import Suite, vignette_of
from guidelog.verify.suite.generate import generate as make

from .support.files import writing
from .support.options import budget_option, format_option, guideline_option, load, reading_option, write_json
from .support.progress import progress

_KINDS = ("rule", "condition", "threshold")


@click.command()
@guideline_option
@reading_option
@format_option
@click.option(
    "--out",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Write the patients into this folder, one vignette file each.",
)
@click.option("--blank", is_flag=True, help="Leave the expected answers blank, instead of writing what was computed.")
@budget_option
def generate(
    guideline: str | None, readings: tuple[str, ...], format_: str, out: Path, blank: bool, budget: float | None
) -> None:
    """Make few patients that together reach all that a guideline can do.

    Every rule applies, every condition is decisive, and every threshold is just reached and just missed in one of
    them. The files are vignettes marked as unreviewed: nobody has said that the answers are right. What no patient can
    reach is proved to be out of reach and listed; exit code 1 when something was not decided.

    \b
    Example:
      guidelog generate --out generated
    """
    suite = make(load(guideline, readings), budget=Budget(budget), progress=progress())
    with writing(out):
        make_folder(out, private=False)
        for patient in suite.patients:
            write_text(out / f"{patient.name}.yaml", vignette_of(patient, blank=blank), private=False)
    if format_ == "json":
        write_json(
            {
                "patients": [
                    {"patient": p.name, "shows": [f"{o.kind} {o.name}" for o in p.shows]} for p in suite.patients
                ],
                "obligations": suite.obligations,
                "reached": suite.reached,
                "out_of_reach": [f"{o.kind} {o.name}" for o in suite.unreachable],
                "not_decided": [f"{o.kind} {o.name}" for o in suite.undecided],
                "seconds": round(suite.seconds, 4),
            }
        )
    else:
        click.echo("\n".join(_text(suite, out)))
    sys.exit(1 if suite.undecided else 0)


def _text(suite: Suite, out: Path) -> list[str]:
    shown = Counter(o.kind for p in suite.patients for o in p.shows)
    what = ", ".join(f"{shown[kind]} {kind}s" for kind in _KINDS)
    shows = f"show {suite.reached} of {suite.obligations} obligations ({what})"
    lines = [f"{len(suite.patients)} patients in {out} {shows}; {suite.seconds:.2f} s"]
    for title, obligations in (("proved to be out of reach", suite.unreachable), ("not decided", suite.undecided)):
        if obligations:
            lines.append(f"{title}:")
            lines.extend(f"  {o.kind} {o.name}" for o in obligations)
    return lines
