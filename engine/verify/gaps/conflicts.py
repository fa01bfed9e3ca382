"""Conflicts and gaps: what the solver looks for, what a patient's record has to show, and what an engine confirms.

Three readings of the same two things, side by side. A patient is shown only when the certified answers agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from guidelog.compiled import Compiled
from guidelog.ground.program import GroundProgram
from guidelog.language.stances import STANCES
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Status
from guidelog.solver.program import SolverProgram

from ..properties.verdicts import Remark
from ..witness.candidate import CandidateRecord
from ..witness.find import Ask, Witness, replay
from ..witness.replay import Disagreement
from ..witness.shrink import Gates, answered, silent


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of remark about an intervention.

    `goal` is the literal of a patient who shows it, `gates` what in a circuit shows it, `seen` whether a certified
    patient does.
    """

    kind: str
    says: str
    goal: Callable[[SolverProgram, str], int]
    gates: Callable[[GroundProgram, str], Gates]
    seen: Callable[[Witness, World, str], bool]

    def undecided(self, name: str) -> Remark:
        """That it is not known whether there is one."""
        return Remark("not decided", name, f"not decided whether there is a {self.kind}")

    def confirmed(self, compiled: Compiled, ask: Ask, name: str, record: CandidateRecord, *, smallest: bool) -> Remark:
        """The remark with its patient, certified. Raises Disagreement."""
        comments = (f"{self.kind}: {self.says}", "found by `guidelog verify`; a made-up patient")
        patient = f"{self.kind}-{name}".replace("_", "-")
        witness, world = replay(compiled, ask, record, patient, comments, [name])
        if not self.seen(witness, world, name):
            raise Disagreement(f"the engine does not confirm the {self.kind} on `{name}`")
        return Remark(self.kind, name, self.says, replace(witness, smallest=smallest))


CONFLICT = Sort(
    "conflict",
    "some patient gets certain advice both for and against it",
    lambda encoded, name: encoded.answer(name)[Status.CONFLICT],
    lambda program, name: answered(program, name, Status.CONFLICT),
    lambda witness, _, name: witness.statuses[name] is Status.CONFLICT,
)


def _goal(encoded: SolverProgram, name: str) -> int:
    silence = (-encoded.atom(("advise", name, stance))[1] for stance in STANCES)
    return encoded.circuit.both(encoded.atom(("in_scope",))[0], *silence)


def _seen(_: Witness, world: World, name: str) -> bool:
    advice = (world.atom(("advise", name, stance)) for stance in STANCES)
    return world.atom(("in_scope",)) is True and all(value is False for value in advice)


GAP = Sort("gap", "for some patient in scope no rule speaks for or against it", _goal, silent, _seen)
