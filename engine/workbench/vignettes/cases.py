"""One patient evaluated for a vignette: statuses, reasons and full answers, each made when it is first asked for.

The answers are those of `pipeline.ask`, without a certificate, unless they come from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.explain import assembly
from guidelog.explain.answers import Answer, Note
from guidelog.explain.questions import Questions
from guidelog.ground.program import Ranges
from guidelog.patients import Patient
from guidelog.semantics.kleene import World, evaluate
from guidelog.semantics.status import Because, Status
from guidelog.semantics.status_diagrams import status_in

from ..trace.statement_rules import Register


@dataclass
class Case:
    """A patient under a guideline's rules. `certified` are answers whose certificates were accepted."""

    compiled: Compiled
    world: World
    register: Register
    certified: dict[str, Answer] = field(default_factory=dict)
    _answers: dict[str, Answer] = field(default_factory=dict)

    def status(self, intervention: str) -> Status:
        if intervention in self.certified:
            return self.certified[intervention].status
        return status_in(self.world, intervention)

    def because(self, intervention: str) -> Because | None:
        """Why it is undetermined."""
        if intervention in self.certified:
            return self.certified[intervention].because
        if self.status(intervention) is not Status.UNDETERMINED:
            return None
        open_ = any(status_in(end, intervention) is Status.UNDETERMINED for end in self.ends)
        return Because.MISSING_DATA if open_ else Because.GUIDELINE_RANGE

    def answer(self, intervention: str) -> Answer:
        if intervention in self.certified:
            return self.certified[intervention]
        if intervention not in self._answers:
            status, because = self.status(intervention), self.because(intervention)
            open_ = None if because is None else self.questions.about(intervention)
            self._answers[intervention] = assembly.build(
                self.compiled.guideline, self.world, intervention, status, because, open_
            )
        return self._answers[intervention]

    @cached_property
    def ends(self) -> tuple[World, World]:
        """The patient with every range at its low and at its high end."""
        low, high = (evaluate(self.world.program, self.world.facts, r) for r in (Ranges.LOW, Ranges.HIGH))
        return low, high

    @cached_property
    def questions(self) -> Questions:
        return Questions(self.world.program, self.world.facts)

    @cached_property
    def notes(self) -> list[Note]:
        """All notes whose rules hold."""
        return assembly.notes(self.world, self.compiled.names.vocabulary.interventions)


def case_of(compiled: Compiled, patient: Patient, register: Register) -> Case:
    """The patient evaluated without a certificate. Raises InputError for a record that contradicts itself."""
    facts, _ = pipeline.settle(compiled, patient)
    return Case(compiled, evaluate(compiled.ground, facts), register)


def certified_case(compiled: Compiled, patient: Patient, register: Register, wanted: list[str]) -> Case:
    """The patient asked through the pipeline; every answer wanted is certified.

    Raises InputError, pipeline.CertificateError.
    """
    found = pipeline.ask(compiled, patient, wanted)
    return Case(compiled, found.world, register, {a.intervention: a for a in found.answers})
