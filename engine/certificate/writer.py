"""Write certificates: for each claim the steps that an independent checker needs (docs/certificates.md).

The engine's model says which atoms are certain and which possible; the writer finds for each the instance that shows
it, or for each instance the element that fails, and puts the steps in an order that the checker accepts. It decides
nothing: a wrong model gives a certificate that is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..ground import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    atom_text,
)
from ..names import STANCES
from ..values import Value, World

FORMAT = "guidelog-certificate/1"


def goals_of(program: GroundProgram, intervention: str) -> list[Atom]:
    """The atoms that the status of an intervention is computed from."""
    goals: list[Atom] = [("in_scope",), *(("advise", intervention, stance) for stance in STANCES)]
    return [goal for goal in goals if goal in program.instances]


def proof(world: World, goals: Iterable[Atom], by: Mapping[Atom, str] | None = None) -> dict[str, Any]:
    """A proof of the values of some atoms, as plain JSON data. `by` asks for a certain rule (id) to show an atom."""
    return {"ranges": world.ranges.value, "blocks": _Writer(world, by or {}).write(goals)}


class _Writer:
    def __init__(self, world: World, by: Mapping[Atom, str]) -> None:
        self.world, self.program, self.by = world, world.program, by
        self.ranks: dict[int, dict[Atom, int]] = {}

    def write(self, goals: Iterable[Atom]) -> list[list[dict[str, Any]]]:
        needed = self.collect(goals)
        place = self.program.block_of
        by_block: dict[int, list[Atom]] = {}
        for atom in needed:
            by_block.setdefault(place[atom], []).append(atom)
        blocks = [sorted(by_block[number], key=lambda atom: self.order(number, atom)) for number in sorted(by_block)]
        steps = {atom: number for number, atom in enumerate(atom for block in blocks for atom in block)}
        return [[self.step(atom, needed[atom], steps) for atom in block] for block in blocks]

    def order(self, block: int, atom: Atom) -> tuple[int, int]:
        """True atoms in the order of their derivation, then unknown ones, then false ones."""
        value = self.world.atom(atom)
        return (2, 0) if value is False else (0 if value else 1, self.rank(block).get(atom, 0))

    def collect(self, goals: Iterable[Atom]) -> dict[Atom, _Choice]:
        """For each atom that is needed, what shows its value."""
        chosen: dict[Atom, _Choice] = {}
        todo = [goal for goal in goals if goal in self.program.instances]
        while todo:
            atom = todo.pop()
            if atom in chosen:
                continue
            choice = self.choose(atom)
            chosen[atom] = choice
            todo.extend(a for a in choice.needs() if a not in chosen and a in self.program.instances)
        return chosen

    def choose(self, atom: Atom) -> _Choice:
        value = self.world.atom(atom)
        if value is True and atom in self.program.facts:
            return _Choice(None, {}, (), fact=True)
        block = self.program.block_of[atom]
        support: GroundRule | None = None
        picks: dict[int, tuple[int, ...]] = {}
        if value is not False:
            for instance in self.preferred(atom):
                found = self.supports(instance, block, atom, certain=value is True)
                if found is not None:
                    support, picks = instance, found
                    break
            if support is None:
                raise UncertifiableError(atom)
        fails = () if value is True else tuple((r, self.failing(r, value)) for r in self.program.instances[atom])
        return _Choice(support, picks, fails)

    def preferred(self, atom: Atom) -> list[GroundRule]:
        instances = self.program.instances[atom]
        wanted = self.by.get(atom)
        return [r for r in instances if r.rule.id == wanted] if wanted is not None else list(instances)

    def supports(
        self, instance: GroundRule, block: int, head: Atom, *, certain: bool
    ) -> dict[int, tuple[int, ...]] | None:
        """For each `atleast` the members that carry it; None when the instance does not show its head."""
        rank = self.rank(block)
        picks: dict[int, tuple[int, ...]] = {}
        for place, element in enumerate(instance.elements):
            if isinstance(element, GroundAtLeast):
                members = [i for i, m in enumerate(element.members) if self.carries(m, block, head, rank, certain)]
                if len(members) < element.count:
                    return None
                members.sort(key=lambda i: (element.members[i].atom in self.program.instances, i))
                picks[place] = tuple(sorted(members[: element.count]))
            elif isinstance(element, GroundLiteral):
                if not self.carries(element, block, head, rank, certain):
                    return None
            elif not _enough(self.world.element(element), certain):
                return None
        return picks

    def carries(self, literal: GroundLiteral, block: int, head: Atom, rank: Mapping[Atom, int], certain: bool) -> bool:
        """Whether a literal holds and, inside a recursive block, was derived before the head."""
        if not _enough(self.world.literal(literal), certain):
            return False
        if self.program.block_of.get(literal.atom) != block:
            return True
        if literal.negated:
            return False
        before, after = self.order(block, literal.atom), self.order(block, head)
        return literal.atom in rank and before < after

    def failing(self, instance: GroundRule, value: Value) -> int:
        """The place of an element that shows that the instance does not give its head; the cheapest to show."""
        places = [
            (self.cost(element), place)
            for place, element in enumerate(instance.elements)
            if (v := self.world.element(element)) is False or (value is None and v is None)
        ]
        if not places:
            raise UncertifiableError(instance.head or ())
        return min(places)[1]

    def cost(self, element: GroundElement) -> int:
        match element:
            case GroundLiteral(atom, _):
                return 1 if atom in self.program.instances else 0
            case GroundAtLeast(_, members):
                return sum(m.atom in self.program.instances for m in members)
            case _:
                return 0

    def rank(self, block: int) -> dict[Atom, int]:
        """The order in which the atoms of a block can be derived: first the certain ones, then the possible ones."""
        if block in self.ranks:
            return self.ranks[block]
        members = self.program.blocks[block]
        rank: dict[Atom, int] = {}
        self.ranks[block] = rank
        if len(members) == 1 and members[0] not in self.program.edges[members[0]]:
            rank[members[0]] = 0
            return rank
        inside = set(members)
        users: dict[Atom, list[Atom]] = {}
        for atom in members:
            for target in self.program.edges[atom]:
                if target in inside:
                    users.setdefault(target, []).append(atom)
        for certain in (True, False):
            wanted = [a for a in members if a not in rank and _enough(self.world.atom(a), certain)]
            queue = list(wanted)
            queued = set(wanted)
            while queue:
                waiting: list[Atom] = []
                for atom in queue:
                    queued.discard(atom)
                    if atom in rank or not _enough(self.world.atom(atom), certain):
                        continue
                    if atom in self.program.facts or any(
                        self.derivable(r, inside, rank, certain) for r in self.program.instances[atom]
                    ):
                        rank[atom] = len(rank)
                        fresh = [u for u in users.get(atom, ()) if u not in rank and u not in queued]
                        queued.update(fresh)
                        waiting.extend(fresh)
                queue = waiting
        return rank

    def derivable(self, instance: GroundRule, inside: set[Atom], rank: Mapping[Atom, int], certain: bool) -> bool:
        def holds(literal: GroundLiteral) -> bool:
            return _enough(self.world.literal(literal), certain) and (
                literal.negated or literal.atom not in inside or literal.atom in rank
            )

        for element in instance.elements:
            match element:
                case GroundLiteral():
                    if not holds(element):
                        return False
                case GroundAtLeast(count, members):
                    if sum(map(holds, members)) < count:
                        return False
                case _:
                    if not _enough(self.world.element(element), certain):
                        return False
        return True

    def step(self, atom: Atom, choice: _Choice, steps: Mapping[Atom, int]) -> dict[str, Any]:
        value = self.world.atom(atom)
        written: dict[str, Any] = {"atom": atom_text(atom), "value": "T" if value else "F" if value is False else "U"}
        if choice.fact:
            return {**written, "rule": "fact", "subst": {}, "from": []}
        if choice.support is not None:
            written |= {
                "rule": choice.support.rule.id,
                "subst": dict(choice.support.substitution),
                "from": self.origins(choice, steps),
            }
        if value is not True:
            written["fails"] = [[r.rule.id, dict(r.substitution), place] for r, place in choice.fails]
        return written

    def origins(self, choice: _Choice, steps: Mapping[Atom, int]) -> list[Any]:
        assert choice.support is not None
        origins: list[Any] = []
        for place, element in enumerate(choice.support.elements):
            match element:
                case GroundLiteral(atom, _):
                    origins.append(steps.get(atom))
                case GroundAtLeast(_, members):
                    origins.append([[i, steps.get(members[i].atom)] for i in choice.picks[place]])
                case GroundComparison() | Given():
                    origins.append(None)
        return origins


class _Choice:
    """What shows an atom's value: an instance with its `atleast` picks, a failing place for each instance."""

    __slots__ = ("fact", "fails", "picks", "support")

    def __init__(
        self,
        support: GroundRule | None,
        picks: dict[int, tuple[int, ...]],
        fails: tuple[tuple[GroundRule, int], ...],
        *,
        fact: bool = False,
    ) -> None:
        self.support, self.picks, self.fails, self.fact = support, picks, fails, fact

    def needs(self) -> Iterable[Atom]:
        """The atoms that the step refers to."""
        if self.support is not None:
            for place, element in enumerate(self.support.elements):
                if isinstance(element, GroundLiteral):
                    yield element.atom
                elif isinstance(element, GroundAtLeast):
                    yield from (element.members[i].atom for i in self.picks[place])
        for instance, place in self.fails:
            element = instance.elements[place]
            if isinstance(element, GroundLiteral):
                yield element.atom
            elif isinstance(element, GroundAtLeast):
                yield from (m.atom for m in element.members)


class UncertifiableError(Exception):
    """The model claims a value that no rule instance shows: the engine that made it is wrong."""

    def __init__(self, atom: Atom) -> None:
        super().__init__(f"no rule shows the claimed value of {atom_text(atom) if atom else 'a denial'}")


def _enough(value: Value, certain: bool) -> bool:
    return value is True if certain else value is not False
