"""The review desk: a statement with all that a committee needs to judge it, and its sign-off.

Tasks of the workroom. What is shown has no rule text and no names of code; those are a fold away for programmers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.language.names import Names
from guidelog.semantics.status import Status
from guidelog.signoff.entries import FOLDER
from guidelog.signoff.source_copy import passage, read_copy
from guidelog.signoff.standing import Standing, standing
from guidelog.workbench.trace.readings import effects


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What another reading of an open point would mean: its words, and for whom an answer would be another."""

    decision: str
    now: str
    instead: str
    changes: tuple[tuple[str, Status, Status, tuple[str, ...]], ...]
    searched: bool


def stands(compiled: Compiled) -> Standing:
    """Where the review stands now: the files are read again."""
    return standing(compiled)


def stamp(compiled: Compiled) -> str:
    """What the sign-offs' files look like from outside: while it is the same, so is where the review stands."""
    listed = sorted((compiled.guideline.folder / FOLDER).glob("*"))
    return "standing " + " ".join(f"{p.name}:{p.stat().st_mtime_ns}:{p.stat().st_size}" for p in listed)


def sentences(compiled: Compiled, copy: str) -> dict[str, str]:
    """For each statement whose locator names one passage of the reviewer's copy, that passage. Raises InputError."""
    passages = read_copy(Path(copy))
    found = {info.id: passage(passages, info.locator) for info in compiled.names.statements.values()}
    return {name: p.text for name, p in found.items() if p is not None}


def locators(compiled: Compiled) -> dict[str, str]:
    """Where each statement stands in the source, as the guideline has it."""
    return {info.id: info.locator for info in compiled.names.statements.values() if info.locator}


def otherwise(compiled: Compiled) -> tuple[Otherwise, ...]:
    """What each reading that was not chosen would change, for which patient."""
    found = []
    for effect in effects(compiled, ()):
        options = effect.reading.options
        changes = tuple(
            (
                wording.sentence(wording.label_of(a.intervention, compiled.names)),
                a.before,
                a.after,
                patient_words(a.patient, compiled.names),
            )
            for a in effect.answers or ()
        )
        chosen = compiled.readings[effect.reading.name]
        found.append(
            Otherwise(
                effect.reading.decision or "",
                options[chosen],
                options[effect.option],
                changes,
                effect.answers is not None,
            )
        )
    return tuple(found)


def patient_words(content: Mapping[str, Any], names: Names) -> tuple[str, ...]:
    """A record as sentences for people: who has what, who has not, how much."""
    vocabulary = names.vocabulary
    lines = []
    for word, value in (("Has", "present"), ("Has not", "absent"), ("Asked, and not known", "unknown")):
        listed = [wording.label_of(n, names) for n, v in content.get("findings", {}).items() if v == value]
        lines += [f"{word}: {', '.join(listed)}."] if listed else []
    for name, value in content.get("measures", {}).items():
        unit = f" {vocabulary.measures[name].unit}s" if name in vocabulary.measures else ""
        lines.append(f"{wording.sentence(wording.label_of(name, names))}: {_amount(value)}{unit}.")
    complete = [wording.label_of(n, names) for n, v in content.get("screens", {}).items() if v == "complete"]
    lines += [f"Complete: {', '.join(complete)}; what it does not list is absent."] if complete else []
    return tuple(lines) or ("Nothing is known.",)


def _amount(value: Any) -> str:
    match value:
        case {"between": [low, high]}:
            return f"between {low} and {high}"
        case {"at_least": low, "at_most": high}:
            return f"between {low} and {high}"
        case {"at_least": low}:
            return f"at least {low}"
        case {"at_most": high}:
            return f"at most {high}"
        case {"since": day}:
            return f"since {day}, in"
        case "unknown":
            return "not known, in"
        case _:
            return str(value)
