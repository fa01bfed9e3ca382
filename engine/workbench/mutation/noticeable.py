"""Whether anybody could notice a mistake in a rule: the mutant against the original, for every possible record.

The prover (`verify.compare`) decides, over complete and incomplete records and with the background rules of each: a
patient who gets another status, the same status for another reason, another note or item, or whose record only one of
the two refuses. It comes confirmed by the engine, with certificates on both sides. Where there is no such patient the
mutant is equivalent. A search that ran out of time decides nothing, and then the mutant counts as one that could be
noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from guidelog.compiled import Compiled
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.diagnostics import CertificateError, InputError
from guidelog.ground.digest import digest
from guidelog.ground.program import GroundProgram
from guidelog.language import print_statement
from guidelog.language.guideline import GuidelineFolder
from guidelog.solver.literals import Budget
from guidelog.verify.diff.compare import compare
from guidelog.verify.witness.replay import Disagreement

from .mutants import Mutant

SECONDS = 30.0
"""For one mutant. On a guideline of a hundred rules one takes about a second."""


@dataclass(frozen=True, slots=True)
class Noticeable:
    """A patient who tells a mutant from the original, and how; without a patient it was not decided."""

    how: str
    patient: Mapping[str, Any] | None


def noticeable(original: Compiled, mutant: Mutant, program: GroundProgram) -> Noticeable | None:
    """Who could notice a mutant; None when it is proved that nobody could."""
    stratified = stratify(program)
    if not isinstance(stratified, StratifiedProgram):
        return Noticeable("it cannot be evaluated", None)
    changed = replace(
        original,
        guideline=_rewritten(original.guideline, mutant),
        program=mutant.program,
        ground=program,
        stratified=stratified,
        program_sha256=digest(mutant.program, program),
    )
    try:
        found = compare(original, changed, budget=Budget(SECONDS))
    except (CertificateError, Disagreement, InputError) as error:
        return Noticeable(f"no answer that the checker accepts: {error}", None)
    for change in found.changes:
        return Noticeable(f"`{change.intervention}`: {change.new.value} instead of {change.old.value}", change.content)
    for reason in found.reasons:
        what = "what would settle it" if reason.rule is None else f"rule {reason.rule}"
        verb = "differs" if reason.rule is None else "is behind it" if reason.gained else "is not behind it"
        return Noticeable(f"`{reason.intervention}` stays {reason.status.value}; {what} {verb}", reason.content)
    for shown in found.shown:
        words = " ".join(map(str, shown.atom))
        return Noticeable(f"`{words}` is {'shown' if shown.gained else 'not shown'}", shown.content)
    for by, content in found.refused:
        return Noticeable("the record is refused" if by == "new" else "the record is not refused", content)
    for what, why in found.undecided:
        return Noticeable(f"`{what}`: {why}", None)
    return None


def _rewritten(guideline: GuidelineFolder, mutant: Mutant) -> GuidelineFolder:
    """The guideline with the mutant's text in the place of the rule's, as the checker reads it."""
    span = mutant.rule.span
    assert span is not None
    name = Path(span.source.name).name
    text = "" if mutant.changed is None else print_statement(mutant.changed)
    source = span.source.text
    return replace(guideline, files={**guideline.files, name: source[: span.start] + text + source[span.end :]})
