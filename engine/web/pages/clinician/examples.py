"""Examples to start from: vignettes of the guideline, few, and as different as its answers are."""

from __future__ import annotations

from dataclasses import dataclass

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.workbench.vignettes.runner import run
from guidelog.workbench.vignettes.vignette import read_vignette, vignette_files

from .entry import Entry, entry_of

MOST = 8
FIRST = "seed"
"""The vignette that a guideline began with, where it has one."""


@dataclass(frozen=True, slots=True)
class Example:
    """A vignette by name, with the sentence why it was written."""

    name: str
    says: str


def examples(compiled: Compiled) -> tuple[Example, ...]:
    """Vignettes with answers that differ: the files that stand first, then each that shows a status not yet shown."""
    main = compiled.guideline.main or tuple(compiled.names.vocabulary.interventions)
    chosen: list[Example] = []
    shown: set[tuple[str, object]] = set()
    try:
        paths = sorted(vignette_files(compiled.guideline), key=lambda p: (p.stem != FIRST, len(p.parts), p.name))
        vignettes = [read_vignette(path, compiled.names) for path in paths]
    except InputError:
        return ()
    for outcome in run(compiled, vignettes, certified=False):
        if outcome.case is None or len(chosen) == MOST:
            continue
        pattern = {(name, outcome.case.status(name)) for name in main}
        if not chosen or pattern - shown:
            shown |= pattern
            chosen.append(Example(outcome.vignette.name, outcome.vignette.expected.why))
    return tuple(chosen)


def example(compiled: Compiled, name: str) -> Entry | None:
    """The form of a vignette; None where there is none of that name. Raises InputError."""
    path = next((p for p in vignette_files(compiled.guideline) if p.stem == name), None)
    return entry_of(read_vignette(path, compiled.names).patient) if path is not None else None
