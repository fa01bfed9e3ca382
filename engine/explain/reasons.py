"""Every independent reason for a status: smallest sets of inputs that make it certain with everything else unknown.

Reasons are combined from the leaves up, through rules and through the background, within a budget; when it is spent
that is said, and those that are listed are still reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import product as cartesian
from math import prod
from operator import or_
from typing import TypeAlias

from guidelog.ground.program import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundProgram
from guidelog.language.stances import STANCES
from guidelog.language.vocabulary import Measure
from guidelog.patients import Interval, close
from guidelog.semantics.kleene import World, comparison_value
from guidelog.semantics.one_patient import only, statuses
from guidelog.semantics.quantities import thresholds
from guidelog.semantics.status import Status, Wanted, conditions

from .answers import Answer, Answers

MOST_REASONS = 24
MOST_STEPS = 60_000
MOST_TRIALS = 400
MOST_CASES = 4_000
_Bound: TypeAlias = tuple[Interval, int]


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
        self.order = (*vocabulary.findings, *vocabulary.measures)
        self.bits = {name: 1 << place for place, name in enumerate(self.order)}
        self.known: dict[Atom, list[int]] = {}
        self.complete = True
        self.steps = 0
        self.recorded = close(answers.patient, vocabulary)
        self.findings = {n: [] if v is None else [self.bits[n]] for n, v in self.recorded.findings.items()}
        self.measures = {n: self.intervals(answers, n, m) for n, m in vocabulary.measures.items()}
        self.background(answers.world.program)

    def intervals(self, answers: Answers, name: str, measure: Measure) -> list[_Bound]:
        """Where a measure lies: anywhere; as recorded; as narrowed by the background, with all that narrows it."""
        found = [(Interval(measure.low * measure.ticks, measure.high * measure.ticks), 0)]
        if self.recorded.measures[name] != found[0][0]:
            found.append((self.recorded.measures[name], self.bits[name]))
        for step in answers.propagated:
            if step.name == name:
                own = self.bits[name] if self.recorded.measures[name] != found[0][0] else 0
                found.append((answers.facts.measures[name], self.mask(step.because) | own))
        return found

    def background(self, program: GroundProgram) -> None:
        """What background rules show by themselves of an input, whether the record has it or not."""
        changing = True
        while changing:
            changing = False
            for denial in program.denials:
                for place, element in enumerate(denial.elements):
                    others = [e for k, e in enumerate(denial.elements) if k != place]
                    if all(self.world.element(e) is True for e in others):
                        self.steps += 1
                        if self.steps > MOST_STEPS:
                            self.complete = False
                            return
                        changing |= self.refuted(element, self.product([self.of_element(e) for e in others]))

    def refuted(self, element: GroundElement, sets: list[int]) -> bool:
        """Note that these sets each show that an element of a background rule fails; whether that is new."""
        match element:
            case GroundLiteral(("finding", name), negated) if self.world.facts.findings[str(name)] is negated:
                before = self.findings[str(name)]
                self.findings[str(name)] = self.minimal([*before, *sets])
                return self.findings[str(name)] != before
            case GroundComparison(((name, _),)) if self.world.element(element) is False:
                fails = _failing(element, self.measures[name][0][0])
                new = [(fails, s) for s in sets if fails is not None and (fails, s) not in self.measures[name]]
                kept = new[: max(0, MOST_REASONS - len(self.measures[name]))]
                self.complete = self.complete and len(kept) == len(new)
                self.measures[name] += kept
                return bool(kept)
            case _:
                return False

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _Spent

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
            self.step()
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
            if any(self.world.element(i.elements[place]) is not True for place in i.settled):
                failing = [0]  # settled elements are false as long as nothing shows them
            refuted.append(self.minimal(failing))
        return self.product(refuted)

    def of_element(self, element: GroundElement) -> list[int]:
        """The sets that show a settled element's value."""
        match element:
            case GroundLiteral(atom, _):
                if atom[0] == "finding":
                    return self.findings[str(atom[1])]
                if not self.world.program.names.predicates[str(atom[0])].about_patient:
                    return [0]  # the same for every patient
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
        if prod(len(self.measures[n]) for n in names) > MOST_CASES:
            self.complete = False
            return [self.mask(names)]
        sets = []
        for chosen in cartesian(*(self.measures[n] for n in names)):
            seen = {n: interval for n, (interval, _) in zip(names, chosen, strict=True)}
            if comparison_value(comparison, seen, self.world.ranges) is value:
                sets.append(reduce(or_, (mask for _, mask in chosen), 0))
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


def _failing(comparison: GroundComparison, whole: Interval) -> Interval | None:
    """The values of its one measure for which a comparison fails; None where they are no interval."""
    ((_, coefficient),) = comparison.terms
    if comparison.low != comparison.high:
        return None
    operator, cuts = thresholds(coefficient, comparison.operator, comparison.low)
    match operator:
        case ">=":
            return Interval(whole.low, min(whole.high, cuts[0] - 1))
        case "<":
            return Interval(max(whole.low, cuts[0]), whole.high)
        case "!=":
            return Interval(max(whole.low, cuts[0]), min(whole.high, cuts[1] - 1))
        case _:
            return None
