"""One look at a patient: the certified answers, the best next question, and what each open question bears on.

Two engines on purpose. Answers come from `ask` (certificate written, and accepted by the independent checker) and are
all that is shown as an answer; what is greyed and what is asked next is worked out on boolean functions and circuits
and is only guidance through the form. Where a record contradicts itself the fields are marked and other answers stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.explain.questions.next import Next, next_question
from guidelog.explain.questions.relevance import Bearing, bearings, looked_at
from guidelog.patients import Patient
from guidelog.pipeline import ask, without_contradictions
from guidelog.semantics.status import Status

from .entry import Entry, Problem


@dataclass(frozen=True)
class Live:
    """What the page shows about a record that has answers."""

    answers: Answers
    next: Next | None
    bearings: Mapping[str, Bearing]
    looked_at: Mapping[str, tuple[str, ...]]

    @property
    def statuses(self) -> dict[str, Status]:
        """The status of each intervention."""
        return {a.intervention: a.status for a in self.answers.answers}


def look(compiled: Compiled, patient: Patient, entry: Entry) -> tuple[Live | None, tuple[Problem, ...]]:
    """The answers with what the form needs, and what is wrong with the record. Raises CertificateError.

    Fields that contradict each other count as not known, each with a problem, and what does not depend on them is
    answered. There are no answers only where the record as a whole cannot be trusted.
    """
    try:
        usable = without_contradictions(compiled, patient)
        answers = ask(compiled, usable)
    except InputError as error:
        return None, tuple(Problem("", d.message) for d in error.diagnostics)
    interventions = tuple(compiled.names.vocabulary.interventions)
    # Who said "not known" is not asked again.
    skip = {n for n, value in entry.findings.items() if value == "unknown"}
    skip |= {n for n, amount in entry.measures.items() if amount.mode == "unknown"}
    question = next_question(answers, compiled.guideline.main, skip=skip) or next_question(answers, skip=skip)
    world = answers.world
    return Live(
        answers,
        question,
        bearings(world, interventions),
        looked_at(world.program, world.facts, interventions),
    ), _set_aside(patient, usable)


def _set_aside(before: Patient, after: Patient) -> tuple[Problem, ...]:
    """What contradicts something else in the record, as a problem of each field concerned."""
    return tuple(
        Problem(name, f"{entry.source}: {entry.reason}")
        for entry in after.not_read
        if entry not in before.not_read
        for name in entry.speaks_of
    )
