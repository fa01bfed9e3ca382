"""One walk over ground rules: docs/language.md, *Values*, whatever a value is.

What a value is says an `Algebra`: three truth values (`kleene`), a pair of gates (`plan`), a boolean function of what
is not known (`unknowns`). The walk knows what bodies, heads, facts, `atleast` and loops mean; an algebra knows how its
values are combined and what an input is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
)

V = TypeVar("V")


class Connectives(Protocol[V]):
    """How values are combined. Parts may come lazily: who knows the result early need not ask for the rest."""

    def both(self, parts: Iterable[V]) -> V:
        """All of them; what is always true when there are none."""
        ...

    def either(self, parts: Iterable[V]) -> V:
        """One of them; what is always false when there are none."""
        ...

    def negate(self, value: V) -> V:
        """The opposite."""
        ...


class Algebra(Connectives[V], Protocol[V]):
    """What a value is, and what the inputs are worth."""

    @property
    def yes(self) -> V:
        """What holds whoever the patient is."""
        ...

    @property
    def no(self) -> V:
        """What holds for nobody."""
        ...

    def at_least(self, count: int, parts: Sequence[V]) -> V:
        """`count` or more of the parts."""
        ...

    def finding(self, name: str) -> V:
        """A finding of the patient."""
        ...

    def comparison(self, comparison: GroundComparison) -> V:
        """A comparison of measures."""
        ...

    def settled(self, element: GroundElement, value: V) -> V:
        """What an element counts for in a rule with `unsettled`: true where it is known to hold, false elsewhere."""
        ...


class Interpretation(Generic[V]):
    """The values of a stratified program's derived atoms, and of anything made of them.

    Blocks are worked out in order of evaluation, all or those that `wanted` has (which must have all that they look
    at). A block that depends on itself begins with false and goes through rounds until nothing changes; after as many
    rounds as it has atoms nothing can, so algebras whose equal values can differ end, too.
    """

    def __init__(self, program: GroundProgram, algebra: Algebra[V], wanted: Container[Atom] | None = None) -> None:
        self.program, self.algebra = program, algebra
        self.values: dict[Atom, V] = {}
        recursive = program.recursive
        for place, block in enumerate(program.blocks):
            if wanted is not None and block[0] not in wanted:
                continue
            if place in recursive:
                self.values.update(dict.fromkeys(block, algebra.no))
                rounds(block, users_in(program, block), self.values, self._derive)
            else:
                self.values[block[0]] = self._derive(block[0])

    def atom(self, atom: Atom) -> V:
        """The value of any atom; of one that cannot be derived whether it is a fact."""
        if atom[0] == "finding":
            return self.algebra.finding(str(atom[1]))
        if atom in self.values:
            return self.values[atom]
        return self.algebra.yes if atom in self.program.facts else self.algebra.no

    def literal(self, literal: GroundLiteral) -> V:
        """The value of a literal."""
        value = self.atom(literal.atom)
        return self.algebra.negate(value) if literal.negated else value

    def element(self, element: GroundElement) -> V:
        """The value of a body element."""
        match element:
            case GroundLiteral():
                return self.literal(element)
            case GroundComparison():
                return self.algebra.comparison(element)
            case Given():
                return self.algebra.yes
            case GroundAtLeast():
                return self.algebra.at_least(element.count, [self.literal(member) for member in element.members])

    def counted(self, rule: GroundRule) -> Iterable[V]:
        """What the elements of an instance count for in it, one after the other."""
        settled = rule.settled
        for place, element in enumerate(rule.elements):
            value = self.element(element)
            yield self.algebra.settled(element, value) if place in settled else value

    def body(self, rule: GroundRule) -> V:
        """Whether all elements of an instance hold."""
        return self.algebra.both(self.counted(rule) if rule.settled else map(self.element, rule.elements))

    def _derive(self, atom: Atom) -> V:
        if atom in self.program.facts:
            return self.algebra.yes
        return self.algebra.either(map(self.body, self.program.instances[atom]))


def interpret(program: GroundProgram, algebra: Algebra[V], wanted: Container[Atom] | None = None) -> Interpretation[V]:
    """The program in an algebra: every derived atom, or those wanted."""
    return Interpretation(program, algebra, wanted)


def rounds(
    block: Sequence[Atom], users: Mapping[Atom, Sequence[Atom]], values: dict[Atom, V], derive: Callable[[Atom], V]
) -> None:
    """Work out a block that depends on itself, in place; `users` are those of it that look at an atom."""
    # What was reached last depends on least.
    todo = dict.fromkeys(reversed(block))
    for _ in block:
        changed: dict[Atom, None] = {}
        for atom in todo:
            value = derive(atom)
            if value != values[atom]:
                values[atom] = value
                changed.update(dict.fromkeys(users.get(atom, ())))
        if not changed:
            return
        todo = changed


def users_in(program: GroundProgram, block: Sequence[Atom]) -> dict[Atom, list[Atom]]:
    """For the atoms of a block those of it that look at them."""
    found: dict[Atom, list[Atom]] = {}
    inside = set(block)
    for atom in block:
        for target in program.edges[atom]:
            if target in inside:
                found.setdefault(target, []).append(atom)
    return found


def is_stratified(program: GroundProgram) -> bool:
    """Whether no atom depends on its own negation."""
    place = program.block_of
    return not any(
        literal.negated and place.get(literal.atom) == place[head]
        for head, rules in program.instances.items()
        for rule in rules
        for literal in rule.atoms()
    )
