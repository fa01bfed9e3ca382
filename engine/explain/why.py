"""Why an answer is what it is: its lowest proof, and on request every independent reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guidelog.ground.program import Atom, GroundRule
from guidelog.language.stances import STANCES
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Status, deciding, stances_in

from .answers import Answer, Answers
from .heights import element_height
from .proof import Reasons
from .proofs import Proof
from .reasons import independent_reasons


@dataclass(frozen=True)
class Why:
    """The explanation of one answer.

    `proof` has one root for each deciding rule (the lowest only, unless all were asked for).
    """

    answer: Answer
    proof: Proof
    reasons: tuple[frozenset[str], ...] = ()
    complete: bool = True

    def to_json(self) -> dict[str, Any]:
        """The answer, the proof as a graph, and the independent reasons when they were asked for."""
        data: dict[str, Any] = {"answer": self.answer.to_json(), "proof": self.proof.to_json()}
        if self.reasons:
            data["reasons"] = [sorted(r) for r in self.reasons]
            data["all_reasons_listed"] = self.complete
        return data


def why(answers: Answers, answer: Answer, *, every: bool = False, reasons: Reasons | None = None) -> Why:
    """Why an answer has its status."""
    reasons = reasons or Reasons(answers)
    world = answers.world
    deciding = deciding_instances(world, answer)
    found, complete = independent_reasons(answers, answer) if every else ((), True)
    if not deciding:
        return Why(answer, reasons.of_atom(*_open_atoms(world, answer)), found, complete)
    if not every:
        deciding = [min(deciding, key=lambda i: _height(world, i, reasons))]
    return Why(answer, reasons.of_instance(*deciding), found, complete)


def deciding_instances(world: World, answer: Answer) -> list[GroundRule]:
    """The instances that hold and give the status of a settled answer; both sides of a conflict."""
    if answer.status is Status.UNDETERMINED:
        return []
    stances = [stance for stance, value in stances_in(world, answer.intervention).items() if value is True]
    decides = deciding(stances, answer.status)
    return [i for stance in decides for i in world.holding(("advise", answer.intervention, stance))]


def _height(world: World, instance: GroundRule, reasons: Reasons) -> int:
    return max((element_height(world, e, reasons.heights) or 0 for e in instance.elements), default=0)


def _open_atoms(world: World, answer: Answer) -> list[Atom]:
    """What an answer without a deciding rule rests on: what could still speak, or the scope."""
    program = world.program
    scope: list[Atom] = [("in_scope",)] if ("in_scope",) in program.instances else []
    if answer.status is Status.OUTSIDE_GUIDELINE:
        return scope
    every: list[Atom] = [("advise", answer.intervention, s) for s in STANCES]
    advice = [a for a in every if a in program.instances]
    if answer.status is Status.UNDETERMINED:
        possible = [a for a in advice if world.atom(a) is not False]
        open_scope = scope if scope and world.atom(scope[0]) is None else []
        return [*open_scope, *possible] or scope
    return advice or scope
