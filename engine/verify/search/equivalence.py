"""Whether a changed guideline is equivalent to the original, and if not, a patient who tells them apart.

    original = Original(compiled.ground)
    for changed in programs:                       # ground programs over the same vocabulary
        found = original.compare(changed, Budget(1))
        found.outcome                              # Equivalence.SAME, DIFFERENT or NOT_DECIDED
        found.intervention, found.old, found.new   # the answer that differs, where a status does
        found.content                              # that patient, as `patients.patient_from_content` reads it

The original is encoded once, and of each changed program only what differs. SAME is a proof over every record that
the reader accepts, ranges kept and at both ends: the statuses of all interventions, why an open one is open, included
items and notes rule by rule, and which records the background refuses. Rules of advice that give the same answer may
differ. A patient is the solver's claim until an engine has answered for it; `compare.compare` gives certified ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from guidelog.ground.program import GroundProgram
from guidelog.semantics.status import Status
from guidelog.solver.literals import Budget, Truth

from ..witness.candidate import content_of
from .versions import Version, Versions, differs, unequal


class Equivalence(Enum):
    """The outcome of a comparison."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class EquivalenceResult:
    """What became of a comparison.

    `content` is a patient who tells the two apart (None: there is none, or none was found in time); where they do so
    by an answer, `intervention`, `old` and `new` say which.
    """

    outcome: Equivalence
    content: dict[str, Any] | None = None
    intervention: str | None = None
    old: Status | None = None
    new: Status | None = None


class Original:
    """A guideline that changed ones are compared with, many in a row."""

    def __init__(self, program: GroundProgram) -> None:
        self.program = program
        self._begin([program])

    def _begin(self, cut_as: list[GroundProgram]) -> None:
        self._cut_as = cut_as
        self._versions = Versions(cut_as)
        self._before = self._versions.add(self.program)

    def compare(self, changed: GroundProgram, budget: Budget | None = None, *, shown: bool = True) -> EquivalenceResult:
        """Whether a changed program is equivalent; without `shown` included items and notes may differ."""
        budget = budget or Budget()
        if not self._versions.fits(changed):  # a threshold stands elsewhere: numbers have to be cut there too
            self._begin([self.program, changed])
        after = self._versions.add(changed)
        circuit = self._versions.circuit
        refused = unequal(circuit, self._before.facts.refused, after.facts.refused)
        goal = circuit.any(*self._goals(after, shown=shown))
        decided = True
        for wanted, accepted in ((goal, True), (refused, False)):
            if wanted != circuit.false:
                truth, found, ended = self._versions.model([wanted], budget, (self._before, after), accepted=accepted)
                decided = decided and ended
                if truth is not None and found is not None:
                    content = content_of(found, changed.names.vocabulary, "different")
                    return EquivalenceResult(
                        Equivalence.DIFFERENT, content, *self._answer(after, truth, accepted=accepted)
                    )
        return EquivalenceResult(Equivalence.SAME if decided else Equivalence.NOT_DECIDED)

    def _goals(self, after: Version, *, shown: bool) -> Iterator[int]:
        """What would make a difference."""
        circuit, before = self._versions.circuit, self._before
        for name in after.program.names.vocabulary.interventions:
            for one, other in ((before.kept, after.kept), (before.low, after.low), (before.high, after.high)):
                yield differs(circuit, one.answer(name), other.answer(name))
            circuit.watch((*before.kept.answer(name).values(), *after.kept.answer(name).values()))
        if shown:
            first, second = before.shows(), after.shows()
            for key in dict.fromkeys((*first, *second)):
                yield unequal(circuit, first.get(key, circuit.false), second.get(key, circuit.false))

    def _answer(
        self, after: Version, truth: Truth, *, accepted: bool
    ) -> tuple[str | None, Status | None, Status | None]:
        for name in after.program.names.vocabulary.interventions if accepted else ():
            old, new = (
                next(s for s, literal in version.kept.answer(name).items() if truth(literal))
                for version in (self._before, after)
            )
            if old is not new:
                return name, old, new
        return None, None, None
