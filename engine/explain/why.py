"""Why an answer is what it is: its lowest proof, and on request every independent reason.

A reason is a smallest set of inputs that, through one choice of rules, gives the answer. Reasons are enumerated within a budget; when it is spent
that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..answers import Answer, Answers, holding
from ..ground import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundRule
from ..names import STANCES
from ..status import STATUS_OF_STANCE, Status
from ..values import World
from .heights import element_height
from .reasons import Proof, Reasons

MOST_REASONS = 24


@dataclass(frozen=True)
class Why:
    """The explanation of one answer. `proof` has one root for each deciding rule (the lowest only, unless all were asked for)."""

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
    if not deciding:
        return Why(answer, reasons.of_atom(*_open_atoms(world, answer)))
    if not every:
        lowest = min(deciding, key=lambda i: _height(world, i, reasons))
        return Why(answer, reasons.of_instance(lowest))
    found, complete = independent_reasons(world, deciding)
    return Why(answer, reasons.of_instance(*deciding), found, complete)


def deciding_instances(world: World, answer: Answer) -> list[GroundRule]:
    """The instances that hold and give the status of a settled answer; both sides of a conflict."""
    if answer.status is Status.UNDETERMINED:
        return []
    found: list[GroundRule] = []
    for stance in STANCES:
        if answer.status is Status.CONFLICT or STATUS_OF_STANCE[stance] is answer.status:
            found += holding(world, ("advise", answer.intervention, stance))
    return found


def independent_reasons(world: World, instances: Iterable[GroundRule]) -> tuple[tuple[frozenset[str], ...], bool]:
    """The smallest sets of inputs that give one of the instances, fewest first; and whether these are all."""
    search = _Reasons(world)
    sets = [s for instance in instances for s in search.of_elements(instance.elements)]
    minimal = search.minimal(sets)
    return tuple(sorted(minimal, key=lambda s: (len(s), sorted(s)))), search.complete


class _Reasons:
    """Sets of inputs behind each value, combined from the leaves up and cut to the smallest."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: dict[Atom, list[frozenset[str]]] = {}
        self.complete = True

    def of_elements(self, elements: Sequence[GroundElement]) -> list[frozenset[str]]:
        self.prepare(a for e in elements for a in _atoms(e))
        return self.product([self.of_element(e) for e in elements])

    def prepare(self, atoms: Iterable[Atom]) -> None:
        """Compute every derived atom below, dependencies first, without recursion."""
        program = self.world.program
        below: set[Atom] = set()
        todo = [a for a in atoms if a in program.instances]
        while todo:
            atom = todo.pop()
            if atom not in below and atom not in self.known:
                below.add(atom)
                todo.extend(program.edges[atom])
        for atom in sorted(below, key=program.block_of.__getitem__):
            self.known.setdefault(atom, [])
        for index in sorted({program.block_of[a] for a in below}):
            members = [a for a in program.blocks[index] if a in below]
            rounds = len(members) if len(members) > 1 else 1
            for _ in range(min(rounds, 50)):
                before = [self.known[a] for a in members]
                for atom in members:
                    self.known[atom] = self.of_atom(atom)
                if before == [self.known[a] for a in members]:
                    break

    def of_atom(self, atom: Atom) -> list[frozenset[str]]:
        program, value = self.world.program, self.world.atom(atom)
        if value is None:
            return []
        if value and atom in program.facts:
            return [frozenset()]
        if value:
            sets = [
                s
                for i in program.instances[atom]
                if all(self.world.element(e) is True for e in i.elements)
                for s in self.product([self.of_element(e) for e in i.elements])
            ]
            return self.minimal(sets)
        refuted = []
        for i in program.instances[atom]:
            failing = [s for e in i.elements if self.world.element(e) is False for s in self.of_element(e)]
            refuted.append(self.minimal(failing))
        return self.product(refuted)

    def of_element(self, element: GroundElement) -> list[frozenset[str]]:
        """The sets that show a settled element's value."""
        match element:
            case GroundLiteral(atom, _):
                if atom[0] == "finding":
                    return [frozenset({str(atom[1])})]
                return self.known.get(atom, [frozenset()] if atom not in self.world.program.instances else [])
            case GroundComparison(terms):
                return [frozenset(name for name, _ in terms)]
            case GroundAtLeast(count, members):
                value = self.world.element(element)
                wanted = count if value else len(members) - count + 1
                return self.choose([self.of_element(m) for m in members if self.world.literal(m) is value], wanted)
            case _:
                return [frozenset()]

    def choose(self, parts: Sequence[list[frozenset[str]]], wanted: int) -> list[frozenset[str]]:
        """Unions of `wanted` of the parts."""
        reached: list[list[frozenset[str]]] = [[frozenset()]] + [[] for _ in range(wanted)]
        for part in parts:
            for k in range(wanted, 0, -1):
                reached[k] = self.minimal([*reached[k], *self.product([reached[k - 1], part])])
        return reached[wanted]

    def product(self, parts: Sequence[list[frozenset[str]]]) -> list[frozenset[str]]:
        sets: list[frozenset[str]] = [frozenset()]
        for part in parts:
            sets = self.minimal([a | b for a in sets for b in part])
        return sets

    def minimal(self, sets: Iterable[frozenset[str]]) -> list[frozenset[str]]:
        kept: list[frozenset[str]] = []
        for candidate in sorted(set(sets), key=lambda s: (len(s), sorted(s))):
            if not any(k <= candidate for k in kept):
                kept.append(candidate)
        if len(kept) > MOST_REASONS:
            self.complete = False
        return kept[:MOST_REASONS]


def _atoms(element: GroundElement) -> list[Atom]:
    match element:
        case GroundLiteral(atom, _):
            return [atom]
        case GroundAtLeast(_, members):
            return [m.atom for m in members]
        case _:
            return []


def _height(world: World, instance: GroundRule, reasons: Reasons) -> int:
    return max((element_height(world, e, reasons.heights) or 0 for e in instance.elements), default=0)


def _open_atoms(world: World, answer: Answer) -> list[Atom]:
    """What an answer without a deciding rule rests on: what could still speak, or the scope."""
    program = world.program
    scope: list[Atom] = [("in_scope",)] if ("in_scope",) in program.instances else []
    if answer.status is Status.OUTSIDE_GUIDELINE:
        return scope
    advice = [a for s in STANCES if (a := ("advise", answer.intervention, s)) in program.instances]
    if answer.status is Status.UNDETERMINED:
        possible = [a for a in advice if world.atom(a) is not False]
        open_scope = scope if scope and world.atom(scope[0]) is None else []
        return [*open_scope, *possible] or scope
    return advice or scope
