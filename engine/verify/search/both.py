"""Two versions side by side: one circuit over the same records, and both engines, which confirm what it finds.

Every search of a comparison goes through `model`, every patient through `answers`; what was not decided is noted down
in `undecided`. What is searched for is up to `changes` and `reasons`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.patients import Patient, patient_from_content
from guidelog.solver.literals import Budget, Truth

from ..witness.candidate import Sketch, content_of, day_of
from ..witness.find import Ask
from .versions import Versions

Progress = Callable[[str, int, int], None]


class Both:
    """The old and the new version, `before` and `after` over the same records."""

    def __init__(self, old: Compiled, new: Compiled, ask: Ask, budget: Budget, progress: Progress) -> None:
        self.old, self.new, self.ask, self.budget, self.progress = old, new, ask, budget, progress
        self.versions = Versions((old.ground, new.ground), wishes=True)
        self.circuit = self.versions.circuit
        self.before, self.after = self.sides = (self.versions.add(old.ground), self.versions.add(new.ground))
        self.undecided: list[tuple[str, str]] = []
        self._day = day_of(new.guideline)

    def model(
        self, literals: Sequence[int], *, best: bool = False, accepted: bool = True
    ) -> tuple[Truth | None, Sketch | None, bool]:
        """A record for which all literals hold, the smallest with `best`; whether the search came to an end."""
        return self.versions.model(literals, self.budget, self.sides, best=best, accepted=accepted)

    def answers(self, compiled: Compiled, found: Sketch, names: Sequence[str]) -> Answers:
        """Certified answers of one version about some interventions."""
        return self.ask(compiled, self.patient(compiled, found, names[0].replace("_", "-")), names)

    def patient(self, compiled: Compiled, found: Sketch, name: str) -> Patient:
        """The patient as one version's reader takes it."""
        vocabulary = compiled.names.vocabulary
        content = content_of(known_to(found, compiled), vocabulary, name, self._day)
        return patient_from_content(content, vocabulary, name)

    def content(self, found: Sketch, name: str) -> dict[str, Any]:
        """The patient as the new version's reader takes it, or both versions' inputs where that is not enough."""
        vocabulary = self.versions.vocabulary
        if known_to(found, self.new) == found:
            vocabulary = replace(vocabulary, screens=self.new.names.vocabulary.screens)
        return content_of(found, vocabulary, name.replace("_", "-"), self._day)


def known_to(found: Sketch, compiled: Compiled) -> Sketch:
    """What a version declares of a record."""
    vocabulary = compiled.names.vocabulary
    return Sketch(
        {n: v for n, v in found.findings.items() if n in vocabulary.findings},
        {n: v for n, v in found.measures.items() if n in vocabulary.measures},
    )
