"""One look at a patient: the certified answers, the best next question, and what each open question bears on.

Two engines on purpose. Answers come from `ask` (certificate written, and accepted by the independent checker) and are
all that is shown as an answer; what is greyed and what is asked next is worked out on boolean functions and circuits
and is only guidance through the form. A record that contradicts itself has problems instead of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.explain.questions.next import Next, next_question
from guidelog.explain.questions.relevance import Bearing, bearings, looked_at
from guidelog.patients import Patient, close
from guidelog.pipeline import ask
from guidelog.semantics.background import Contradiction, propagate
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
    """The answers with what the form needs, or what is wrong with the record. Raises CertificateError."""
    try:
        answers = ask(compiled, patient)
    except InputError as error:
        return None, _contradiction(compiled, patient) or tuple(Problem("", d.message) for d in error.diagnostics)
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
    ), ()


def _contradiction(compiled: Compiled, patient: Patient) -> tuple[Problem, ...]:
    """A contradiction as a problem of each field concerned."""
    found = propagate(compiled.ground, close(patient, compiled.names.vocabulary))
    if not isinstance(found, Contradiction):
        return ()
    rule = found.denial.rule
    says = rule.annotation("says") or rule.annotation("title")
    reason = f"{getattr(says, 'value', '')} (background rule {rule.id})".strip()
    return tuple(Problem(name, f"the record contradicts itself here: {reason}") for name in found.inputs)
