"""Which small mistakes in the rules the vignettes notice.

Every mutant is grounded and evaluated for the vignettes until one of them differs from what it expects. Of one that
none notices `equivalence` proves that nobody could, so that it does not count; or finds a patient who does, which is
the vignette to be written, and the mutant has survived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.ground.grounder import ground
from guidelog.ground.program import GroundProgram
from guidelog.patients import close
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.interpret import is_stratified
from guidelog.semantics.kleene import KleeneEngine, evaluate

from ..trace.statement_rules import Register
from ..vignettes.cases import Case
from ..vignettes.runner import differences
from ..vignettes.vignette import Vignette
from .mutants import Mutant, mutants
from .noticeable import noticeable

KILLED, SURVIVED, EQUIVALENT, INVALID = "killed", "survived", "equivalent", "invalid"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: killed `by` a vignette; survived, with a `patient` who would tell it; or equivalent.

    `how` says what that patient would see, or why nothing was decided.
    """

    mutant: Mutant
    outcome: str
    by: str | None = None
    patient: Mapping[str, Any] | None = None
    how: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.mutant.rule.id,
            "kind": self.mutant.kind,
            "says": self.mutant.says,
            "place": self.mutant.place,
            "outcome": self.outcome,
            "by": self.by,
            "patient": self.patient,
            "how": self.how,
        }


@dataclass(frozen=True, slots=True)
class Mutation:
    """All verdicts; `score` is the share of mutants that could be noticed and were, in percent."""

    verdicts: tuple[Verdict, ...]

    def of(self, outcome: str) -> list[Verdict]:
        return [v for v in self.verdicts if v.outcome == outcome]

    @property
    def score(self) -> float:
        killed, survived = len(self.of(KILLED)), len(self.of(SURVIVED))
        return 100.0 * killed / (killed + survived) if killed + survived else 100.0

    def to_json(self) -> dict[str, Any]:
        counts = Counter(v.outcome for v in self.verdicts)
        return {
            "score": round(self.score, 2),
            "counts": {name: counts[name] for name in (KILLED, SURVIVED, EQUIVALENT, INVALID)},
            "survivors": [v.to_json() for v in self.of(SURVIVED)],
            "equivalent": [v.to_json() for v in self.of(EQUIVALENT)],
        }


def mutate(compiled: Compiled, vignettes: Sequence[Vignette]) -> Iterator[Verdict]:
    """A verdict for each mutant. The vignettes must pass on the original."""
    order = list(vignettes)
    quick = compiled.on(KleeneEngine)
    for mutant in mutants(compiled.program, compiled.names, compiled.readings):
        verdict = _try(quick, mutant, order)
        if verdict.by is not None:
            # A vignette that noticed one mistake tends to notice its neighbours.
            first = next(i for i, v in enumerate(order) if v.name == verdict.by)
            order.insert(0, order.pop(first))
        yield verdict


def _try(compiled: Compiled, mutant: Mutant, vignettes: Sequence[Vignette]) -> Verdict:
    try:
        program = ground(mutant.program, compiled.names, compiled.readings)
    except InputError:
        return Verdict(mutant, INVALID)
    if not is_stratified(program):
        return Verdict(mutant, INVALID)
    changed = replace(compiled, program=mutant.program, ground=program)
    register = Register(program)
    for vignette in vignettes:
        if notices(changed, register, program, vignette):
            return Verdict(mutant, KILLED, by=vignette.name)
    found = noticeable(compiled, mutant, program)
    if found is None:
        return Verdict(mutant, EQUIVALENT)
    return Verdict(mutant, SURVIVED, patient=found.patient, how=found.how)


def notices(compiled: Compiled, register: Register, program: GroundProgram, vignette: Vignette) -> bool:
    """Whether a vignette's expectations fail on a changed program."""
    found = propagate(program, close(vignette.patient, compiled.names.vocabulary))
    if isinstance(found, Contradiction):
        return True
    case = Case(compiled, evaluate(program, found[0]), register)
    return next(differences(case, vignette.expected), None) is not None
