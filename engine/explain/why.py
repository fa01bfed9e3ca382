"""Why an answer is what it is: its lowest proof, and on request every independent reason.

A reason is a smallest set of inputs that makes the status certain with everything else unknown. Reasons are enumerated
within a budget; when it is spent that is said, and those that are listed are still reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..ground import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundRule
from ..names import STANCES
from ..patients import Interval
from ..status import STATUS_OF_STANCE, Status
from ..values import World, comparison_value
from .answers import Answer, Answers, holding
from .conditions import Wanted, conditions
from .heights import element_height
from .quickly import only, statuses
from .reasons import Proof, Reasons

MOST_REASONS = 24
MOST_STEPS = 60_000
MOST_TRIALS = 400


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
    found: list[GroundRule] = []
    for stance in STANCES:
        if answer.status is Status.CONFLICT or STATUS_OF_STANCE[stance] is answer.status:
            found += holding(world, ("advise", answer.intervention, stance))
    return found


def independent_reasons(answers: Answers, answer: Answer) -> tuple[tuple[frozenset[str], ...], bool]:
    """The smallest sets of inputs that make a settled status certain, fewest first; and whether these are all."""
    if answer.status is Status.UNDETERMINED:
        return (), True
    world = answers.world
    search = _Reasons(answers)
    try:
        masks = [m for wanted in _met(world, answer) for m in search.of_atoms(wanted)]
    except _Spent:
        masks = []
    if not masks:  # the search was too long: one reason, found by leaving out
        search.complete = False
        masks = [search.mask(_inputs_below(answers, answer))]
    sets = [search.names(mask) for mask in search.minimal(masks)]
    if not search.complete:
        sets = list(dict.fromkeys(_reduced(answers, answer, s) for s in sets))
    order = {name: place for place, name in enumerate(search.order)}
    return tuple(sorted(sets, key=lambda s: (len(s), sorted(map(order.__getitem__, s))))), search.complete


def _met(world: World, answer: Answer) -> list[list[Wanted]]:
    """The ways to the status that are gone here."""
    found = conditions(answer.intervention, answer.status)
    return [wanted for wanted in found if all(world.atom(atom) is value for atom, value in wanted)]


class _Spent(Exception):
    """The search took too many steps."""


class _Reasons:
    """Sets of inputs behind each value, combined from the leaves up and cut to the smallest.

    A set is a number, a bit for each input.
    """

    def __init__(self, answers: Answers) -> None:
        self.world = answers.world
        vocabulary = answers.names.vocabulary
        self.measures = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
        self.order = (*vocabulary.findings, *vocabulary.measures)
        self.bits = {name: 1 << place for place, name in enumerate(self.order)}
        self.known: dict[Atom, list[int]] = {}
        self.complete = True
        self.steps = 0
        # What the background adds rests on what it follows from, and on what the record itself has.
        for step in answers.propagated:
            own = self.bits[step.name] if step.name in answers.patient.measures else 0
            self.bits[step.name] = self.mask(step.because) | own

    def mask(self, names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            mask |= self.bits[name]
        return mask

    def names(self, mask: int) -> frozenset[str]:
        return frozenset(name for place, name in enumerate(self.order) if mask >> place & 1)

    def of_atoms(self, wanted: Sequence[Wanted]) -> list[int]:
        """The sets that show all of these atoms' values."""
        self.prepare(atom for atom, _ in wanted)
        return self.product([self.of_element(GroundLiteral(atom, negated=False)) for atom, _ in wanted])

    def prepare(self, atoms: Iterable[Atom]) -> None:
        """Compute every derived atom below, dependencies first, without recursion."""
        program = self.world.program
        below: dict[Atom, None] = {}
        todo = [a for a in atoms if a in program.instances]
        while todo:
            atom = todo.pop()
            if atom not in below and atom not in self.known:
                below[atom] = None
                todo.extend(program.edges[atom])
        members: dict[int, list[Atom]] = {}
        for atom in below:
            members.setdefault(program.block_of[atom], []).append(atom)
        for index in sorted(members):
            self.block(members[index])

    def block(self, members: list[Atom]) -> None:
        """Atoms that depend on each other.

        True ones from nothing up, false ones from `needs nothing` down, until nothing changes.
        """
        inside = set(members)
        for atom in members:
            self.known[atom] = [0] if self.world.atom(atom) is False else []
        users: dict[Atom, list[Atom]] = {}
        for atom in members:
            for target in self.world.program.edges[atom]:
                if target in inside:
                    users.setdefault(target, []).append(atom)
        todo = dict.fromkeys(members)
        while todo:
            atom = next(iter(todo))
            del todo[atom]
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise _Spent
            sets = self.of_atom(atom)
            if sets != self.known[atom]:
                self.known[atom] = sets
                todo.update(dict.fromkeys(users.get(atom, ())))

    def of_atom(self, atom: Atom) -> list[int]:
        program, value = self.world.program, self.world.atom(atom)
        if value is None:
            return []
        if value and atom in program.facts:
            return [0]
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

    def of_element(self, element: GroundElement) -> list[int]:
        """The sets that show a settled element's value."""
        match element:
            case GroundLiteral(atom, _):
                if atom[0] == "finding":
                    return [self.bits[str(atom[1])]]
                return self.known.get(atom, [0] if atom not in self.world.program.instances else [])
            case GroundComparison():
                return self.of_comparison(element)
            case GroundAtLeast(count, members):
                value = self.world.element(element)
                wanted = count if value else max(0, len(members) - count + 1)
                return self.choose([self.of_element(m) for m in members if self.world.literal(m) is value], wanted)
            case _:
                return [0]

    def of_comparison(self, comparison: GroundComparison) -> list[int]:
        """The measures that decide it; none where the range of possible values does."""
        value = self.world.element(comparison)
        names = list(dict.fromkeys(name for name, _ in comparison.terms))
        if len(names) > 8:
            return [self.mask(names)]
        sets = []
        for number in range(1 << len(names)):
            chosen = [n for place, n in enumerate(names) if number >> place & 1]
            seen = {n: (self.world.facts.measures if n in chosen else self.measures)[n] for n in names}
            if comparison_value(comparison, seen, self.world.ranges) is value:
                sets.append(self.mask(chosen))
        return self.minimal(sets)

    def choose(self, parts: Sequence[list[int]], wanted: int) -> list[int]:
        """Unions of `wanted` of the parts."""
        reached: list[list[int]] = [[0]] + [[] for _ in range(max(wanted, 0))]
        for part in parts:
            for k in range(wanted, 0, -1):
                reached[k] = self.minimal([*reached[k], *self.product([reached[k - 1], part])])
        return reached[max(wanted, 0)]

    def product(self, parts: Sequence[list[int]]) -> list[int]:
        sets = [0]
        for part in parts:
            sets = self.minimal([a | b for a in sets for b in part]) if part != [0] else sets
        return sets

    def minimal(self, sets: Iterable[int]) -> list[int]:
        kept: list[int] = []
        for candidate in sorted(set(sets), key=lambda s: (s.bit_count(), s)):
            if not any(k & candidate == k for k in kept):
                kept.append(candidate)
        if len(kept) > MOST_REASONS:
            self.complete = False
        return kept[:MOST_REASONS]


def _reduced(answers: Answers, answer: Answer, reason: frozenset[str]) -> frozenset[str]:
    """A reason without what can be left out; after a cut search it may have some."""
    kept = reason
    for name in sorted(reason)[:MOST_TRIALS]:
        fewer = kept - {name}
        found = statuses(answers.world.program, only(answers.facts, fewer, answers.names))
        if found is not None and found[answer.intervention] is answer.status:
            kept = fewer
    return kept


def _inputs_below(answers: Answers, answer: Answer) -> list[str]:
    """Every known input that the answer could depend on."""
    program = answers.world.program
    seen: set[Atom] = set()
    found: dict[str, None] = {}
    todo: list[Atom] = [("in_scope",), *(("advise", answer.intervention, s) for s in STANCES)]
    while todo:
        atom = todo.pop()
        if atom in seen:
            continue
        seen.add(atom)
        for instance in program.instances.get(atom, ()):
            for element in instance.elements:
                if isinstance(element, GroundComparison):
                    found.update(dict.fromkeys(name for name, _ in element.terms))
            for literal in instance.atoms():
                if literal.atom[0] == "finding":
                    if answers.facts.known(str(literal.atom[1])):
                        found[str(literal.atom[1])] = None
                else:
                    todo.append(literal.atom)
    return list(found)


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
