"""Write certificates: for each claim the steps that an independent checker needs (docs/certificates.md).

The engine's model says which atoms are certain and which possible; the writer finds for each the instance that shows
it, or for each instance the element that fails, and puts the steps in an order that the checker accepts. It decides
nothing: a wrong model gives a certificate that is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    atom_text,
)
from guidelog.semantics.kleene import Value, World

FORMAT = "guidelog-certificate/2"


def goals_of(program: GroundProgram, intervention: str) -> list[Atom]:
    """The atoms that the status of an intervention is computed from, and those that its cautions are."""
    return list(dict.fromkeys((*deciding_atoms(program, intervention), *cautioned(program, intervention))))


def deciding_atoms(program: GroundProgram, intervention: str) -> list[Atom]:
    """The atoms that the status of an intervention is computed from."""
    scope: list[Atom] = [("in_scope",)] if ("in_scope",) in program.instances else []
    return [*scope, *program.stances.get(intervention, {}).values()]


def cautioned(program: GroundProgram, intervention: str) -> list[Atom]:
    """The atoms that rules with `unsettled` below the answer on an intervention rest on."""
    below = program.settled_below(intervention)
    return list(dict.fromkeys(used.atom for i in below for used in i.atoms() if used.atom in program.instances))


class Writer:
    """Proofs about one patient under one reading of ranges; what shows an atom is looked for once for all of them.

    `alike` is the writer for another reading of ranges under which all values are the same.
    """

    def __init__(self, world: World, alike: Writer | None = None) -> None:
        self.world, self.program = world, world.program
        self.ranks: dict[int, dict[Atom, int]] = alike.ranks if alike else {}
        self.choices: dict[Atom, _Choice] = alike.choices if alike else {}

    def proof(self, goals: Iterable[Atom], by: str | None = None) -> dict[str, Any]:
        """A proof of the values of some atoms, as plain JSON data. `by` asks for a certain rule (id) to show them."""
        chosen = self.collect(goals, by)
        if len(chosen) == 1:
            return {"ranges": self.world.ranges.value, "blocks": [[choice.step({}) for choice in chosen.values()]]}
        by_block: dict[int, list[Atom]] = {}
        for atom, choice in chosen.items():
            by_block.setdefault(choice.block, []).append(atom)
        blocks = [self.ordered(number, by_block[number]) for number in sorted(by_block)]
        steps = {atom: number for number, atom in enumerate(atom for block in blocks for atom in block)}
        written = [[chosen[atom].step(steps) for atom in block] for block in blocks]
        return {"ranges": self.world.ranges.value, "blocks": written}

    def ordered(self, block: int, atoms: list[Atom]) -> list[Atom]:
        return sorted(atoms, key=lambda atom: self.order(block, atom)) if len(atoms) > 1 else atoms

    def order(self, block: int, atom: Atom) -> tuple[int, int]:
        """True atoms in the order of their derivation, then unknown ones, then false ones."""
        value = self.world.atom(atom)
        return (2, 0) if value is False else (0 if value else 1, self.rank(block).get(atom, 0))

    def collect(self, goals: Iterable[Atom], by: str | None) -> dict[Atom, _Choice]:
        """For each atom that is needed, what shows its value."""
        chosen: dict[Atom, _Choice] = {}
        todo = [goal for goal in goals if goal in self.program.instances]
        if by is not None:
            chosen = {goal: self.choose(goal, by) for goal in todo}
            todo = [atom for choice in chosen.values() for atom in choice.needs]
        while todo:
            atom = todo.pop()
            if atom not in chosen:
                choice = self.choices.get(atom)
                if choice is None:
                    choice = self.choices[atom] = self.choose(atom, None)
                chosen[atom] = choice
                todo += choice.needs
        return chosen

    def choose(self, atom: Atom, by: str | None) -> _Choice:
        value = self.world.atom(atom)
        block = self.program.block_of[atom]
        if value is True and atom in self.program.facts:
            return _Choice(self.program, atom, value, block)
        instances = self.program.instances[atom]
        if value is False:
            fails = tuple((r, self.failing(r, value)) for r in instances)
            return self.chosen(atom, value, None, None, fails)
        certain = value is True
        for instance in self.world.holding(atom) if certain else instances:
            if by is None or instance.rule.id == by:
                picks = self.supports(instance, block, atom, certain=certain)
                if picks is not None:
                    fails = () if certain else tuple((r, self.failing(r, value)) for r in instances)
                    return self.chosen(atom, value, instance, picks, fails)
        raise UncertifiableError(atom)

    def chosen(
        self,
        atom: Atom,
        value: Value,
        instance: GroundRule | None,
        picks: dict[int, tuple[int, ...]] | None,
        fails: tuple[tuple[GroundRule, int], ...],
    ) -> _Choice:
        block, in_case = self.program.block_of[atom], self.world.before is not None
        return _Choice(self.program, atom, value, block, instance, picks, fails, in_case=in_case)

    def supports(
        self, instance: GroundRule, block: int, head: Atom, *, certain: bool
    ) -> dict[int, tuple[int, ...]] | None:
        """For each `atleast` the members that carry it; None when the instance does not show its head.

        For a certain head the elements are known to hold.
        """
        recursive = block in self.program.recursive
        picks: dict[int, tuple[int, ...]] = {}
        counted = () if certain else self.world.values(instance)
        if False in counted:
            return None
        for place, element in enumerate(instance.elements):
            if self.world.before is not None and place in instance.settled:
                continue  # shown before the case
            if isinstance(element, GroundAtLeast):
                carrying = self.carrying(element, block, head, certain)
                if carrying is None:
                    return None
                picks[place] = carrying
            elif recursive and isinstance(element, GroundLiteral):
                before = self.carries(element, block, head, certain)
                if not before:
                    return None
        return picks

    def carrying(self, element: GroundAtLeast, block: int, head: Atom, certain: bool) -> tuple[int, ...] | None:
        """As many members as are needed that hold and come before the head, those without steps first."""
        members = [i for i, m in enumerate(element.members) if self.carries(m, block, head, certain)]
        if len(members) < element.count:
            return None
        members.sort(key=lambda i: (element.members[i].atom in self.program.instances, i))
        return tuple(sorted(members[: element.count]))

    def carries(self, literal: GroundLiteral, block: int, head: Atom, certain: bool) -> bool:
        """Whether a literal holds and, inside a recursive block, was derived before the head."""
        if not _enough(self.world.literal(literal), certain):
            return False
        if self.program.block_of.get(literal.atom) != block:
            return True
        if literal.negated:
            return False
        before, after = self.order(block, literal.atom), self.order(block, head)
        return literal.atom in self.rank(block) and before < after

    def failing(self, instance: GroundRule, value: Value) -> int:
        """The place of an element that shows that the instance does not give its head; the cheapest to show."""
        found, least = -1, 0
        in_case = self.world.before is not None
        for place, element in enumerate(instance.elements):
            settled = place in instance.settled
            worth = self.world.is_settled(element) if settled else self.world.element(element)
            if worth is False or (worth is None and value is None):
                cost = 0 if settled and in_case else self.cost(element)
                if found < 0 or cost < least:
                    found, least = place, cost
                if cost == 0:
                    break
        if found < 0:
            raise UncertifiableError(instance.head or ())
        return found

    def cost(self, element: GroundElement) -> int:
        """The steps that it takes to show what an element is worth."""
        if isinstance(element, GroundLiteral):
            return element.atom in self.program.instances
        if isinstance(element, GroundAtLeast):
            return sum(m.atom in self.program.instances for m in element.members)
        return 0

    def rank(self, block: int) -> dict[Atom, int]:
        """The order in which the atoms of a block can be derived: first the certain ones, then the possible ones."""
        if block in self.ranks:
            return self.ranks[block]
        members = self.program.blocks[block]
        rank: dict[Atom, int] = {}
        self.ranks[block] = rank
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

        if not certain and False in self.world.values(instance):
            return False
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


class _Choice:
    """What shows an atom's value: an instance with its `atleast` picks, a failing place for each instance.

    Without an instance a value that is true is a fact. `needs`: the derived atoms that the step looks at.
    """

    __slots__ = ("block", "fails", "needs", "origins", "support", "text", "value")

    def __init__(
        self,
        program: GroundProgram,
        atom: Atom,
        value: Value,
        block: int,
        support: GroundRule | None = None,
        picks: Mapping[int, tuple[int, ...]] | None = None,
        fails: tuple[tuple[GroundRule, int], ...] = (),
        *,
        in_case: bool = False,
    ) -> None:
        self.text, self.value, self.block, self.support, self.fails = atom_text(atom), value, block, support, fails
        # For each element of the instance the atom it looks at, if any; for an `atleast` its picks, each with its atom.
        self.origins: list[Atom | list[tuple[int, Atom]] | None] = []
        needs: list[Atom] = []
        for place, element in enumerate(support.elements if support else ()):
            if in_case and support is not None and place in support.settled:
                self.origins.append(None)  # shown before the case
            elif isinstance(element, GroundLiteral):
                self.origins.append(element.atom)
                needs.append(element.atom)
            elif isinstance(element, GroundAtLeast):
                members = [(i, element.members[i].atom) for i in (picks or {})[place]]
                self.origins.append(members)
                needs += [member for _, member in members]
            else:
                self.origins.append(None)
        for instance, place in fails:
            element = instance.elements[place]
            if in_case and place in instance.settled:
                continue
            if isinstance(element, GroundLiteral):
                needs.append(element.atom)
            elif isinstance(element, GroundAtLeast):
                needs += [m.atom for m in element.members]
        self.needs = [a for a in needs if a in program.instances]

    def step(self, steps: Mapping[Atom, int]) -> dict[str, Any]:
        """As JSON data, given the numbers of all steps of the proof; shares nothing with other proofs."""
        number = steps.get
        value = "T" if self.value else "F" if self.value is False else "U"
        written: dict[str, Any] = {"atom": self.text, "value": value}
        if self.support is not None:
            written["rule"] = self.support.rule.id
            written["subst"] = dict(self.support.substitution)
            written["from"] = [
                [[i, number(a)] for i, a in origin] if isinstance(origin, list) else origin and number(origin)
                for origin in self.origins
            ]
        elif self.value:
            written |= {"rule": "fact", "subst": {}, "from": []}
        if self.value is not True:
            written["fails"] = [[r.rule.id, dict(r.substitution), place] for r, place in self.fails]
        return written


class UncertifiableError(Exception):
    """The model claims a value that no rule instance shows: the engine that made it is wrong."""

    def __init__(self, atom: Atom) -> None:
        super().__init__(f"no rule shows the claimed value of {atom_text(atom) if atom else 'a denial'}")


def _enough(value: Value, certain: bool) -> bool:
    return value is True if certain else value is not False
