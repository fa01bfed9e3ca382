"""The rules grounded over the vocabulary, with the patient symbolic: what `grounding` makes and everybody looks at.

A ground program depends on the guideline alone: one serves every patient, every proof, every question. Atoms are
tuples of predicate and constants without the patient; constants are numbers, names, or strings in their quotes. Nothing
is evaluated here but what is the same for every patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TypeAlias

from guidelog.graphs import components
from guidelog.language import tree
from guidelog.language.clauses import Clause
from guidelog.language.names import Names
from guidelog.language.stances import STANCES

from .joins import Constant

Atom: TypeAlias = tuple[Constant, ...]
Substitution: TypeAlias = Mapping[str, Constant]


@dataclass(frozen=True, slots=True)
class GroundLiteral:
    """An atom or its negation."""

    atom: Atom
    negated: bool


@dataclass(frozen=True, slots=True)
class GroundComparison:
    """`sum of coefficient * measure  operator  low..high`, all in ticks; `low == high` unless it is a range."""

    terms: tuple[tuple[str, int], ...]
    operator: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class GroundAtLeast:
    """At least `count` of the members."""

    count: int
    members: tuple[GroundLiteral, ...]
    repeated: tuple[GroundLiteral, ...] = field(default=(), compare=False)
    """Members that were met more than once, and count once."""


@dataclass(frozen=True, slots=True)
class Given:
    """An element that holds in every instance: `patient`, `measure`, a plain comparison."""


GIVEN = Given()
GroundElement: TypeAlias = GroundLiteral | GroundComparison | GroundAtLeast | Given


@dataclass(frozen=True, slots=True)
class GroundRule:
    """An instance of a rule (`head` None for a denial); one element for each element of the rule's body."""

    head: Atom | None
    elements: tuple[GroundElement, ...]
    rule: tree.Rule
    substitution: Substitution
    settled: frozenset[int] = frozenset()
    """The places of elements that count as false while unknown: in a rule with `unsettled`, all but the scope."""

    def atoms(self) -> Iterator[GroundLiteral]:
        """All literals, those of `atleast` members included."""
        for element in self.elements:
            if isinstance(element, GroundLiteral):
                yield element
            elif isinstance(element, GroundAtLeast):
                yield from element.members


@dataclass(frozen=True)
class GroundProgram:
    """All instances by head, all denials, and the facts. `names` and `readings` are what it was grounded under."""

    names: Names
    readings: Mapping[str, str]
    clauses: tuple[Clause, ...]
    instances: Mapping[Atom, tuple[GroundRule, ...]]
    denials: tuple[GroundRule, ...]
    facts: frozenset[Atom]
    derived: frozenset[str] = field(default_factory=frozenset)
    remarks: tuple[GroundRule, ...] = ()
    """Denials with `remark`: what they hold of is set aside when a record is read, and no rule looks at them."""

    @cached_property
    def edges(self) -> Mapping[Atom, tuple[Atom, ...]]:
        """Each derived atom with the derived atoms its instances look at."""
        return {
            head: tuple(
                dict.fromkeys(used.atom for rule in rules for used in rule.atoms() if used.atom in self.instances)
            )
            for head, rules in self.instances.items()
        }

    @cached_property
    def blocks(self) -> list[list[Atom]]:
        """The derived atoms in evaluation order, mutually dependent ones together."""
        return components(self.edges)

    @cached_property
    def recursive(self) -> frozenset[int]:
        """The places of the blocks whose atoms depend on themselves."""
        return frozenset(n for n, block in enumerate(self.blocks) if len(block) > 1 or block[0] in self.edges[block[0]])

    @cached_property
    def block_of(self) -> Mapping[Atom, int]:
        """The place of each derived atom's block."""
        return {atom: index for index, block in enumerate(self.blocks) for atom in block}

    @cached_property
    def range_comparisons(self) -> tuple[GroundComparison, ...]:
        """The comparisons with a threshold that the guideline leaves between two numbers."""
        elements = (e for rules in self.instances.values() for rule in rules for e in rule.elements)
        return tuple(dict.fromkeys(e for e in elements if isinstance(e, GroundComparison) and e.low != e.high))

    @cached_property
    def fixed(self) -> frozenset[Atom]:
        """The atoms of plain relations that hold, the same for every patient. The program must be stratified."""
        held = set(self.facts)

        def holds(element: GroundElement) -> bool:
            match element:
                case GroundLiteral(atom, negated):
                    return (atom in held) is not negated
                case GroundAtLeast(count, members):
                    return sum(map(holds, members)) >= count
                case _:
                    return True

        # In the order of grounding what an atom rests on mostly comes first, so that a second pass seldom finds more.
        place = {atom: index for index, atom in enumerate(self.instances)}
        for block in self.blocks:
            todo = [
                a for a in sorted(block, key=place.__getitem__) if not self.names.predicates[str(a[0])].about_patient
            ]
            before = -1
            while len(held) != before:
                before = len(held)
                for atom in todo:
                    if atom not in held and any(all(map(holds, rule.elements)) for rule in self.instances[atom]):
                        held.add(atom)
        return frozenset(held)

    @cached_property
    def rules_by_id(self) -> Mapping[str, tree.Rule]:
        """Rules in force by id."""
        return {c.rule.id: c.rule for c in self.clauses if c.rule.id}

    def reachable(self, predicate: str, *constants: Constant) -> list[Atom]:
        """Derived atoms of a predicate that begin with the given constants, in order of grounding."""
        begun = self._beginning.get((predicate, *constants[:1]), [])
        return [atom for atom in begun if atom[1 : 1 + len(constants)] == constants]

    @cached_property
    def _beginning(self) -> Mapping[Atom, list[Atom]]:
        """The derived atoms by predicate, and by predicate and first constant."""
        found: dict[Atom, list[Atom]] = {}
        for atom in self.instances:
            found.setdefault(atom[:1], []).append(atom)
            if len(atom) > 1:
                found.setdefault(atom[:2], []).append(atom)
        return found

    def settled_below(self, intervention: str) -> tuple[GroundRule, ...]:
        """The instances of rules with `unsettled` that the advice on an intervention rests on, its own among them."""
        kept = self._settled_below
        if intervention not in kept:
            todo = list(self.stances.get(intervention, {}).values())
            seen = set(todo)
            found: list[GroundRule] = []
            for atom in todo:  # which grows meanwhile
                found += [i for i in self.instances[atom] if i.settled]
                below = [a for a in self.edges[atom] if a not in seen]
                todo += below
                seen.update(below)
            kept[intervention] = tuple(found)
        return kept[intervention]

    @cached_property
    def _settled_below(self) -> dict[str, tuple[GroundRule, ...]]:
        return {}

    @cached_property
    def kept(self) -> dict[str, object]:
        """What later stages keep of the program, each under a name of its own."""
        return {}

    @cached_property
    def stances(self) -> Mapping[str, Mapping[str, Atom]]:
        """For each intervention that has some the stances that can be derived, each with its atom, in their order."""
        found: dict[str, dict[str, Atom]] = {}
        for stance, atom in ((s, a) for s in STANCES for a in self.reachable("advise") if a[2] == s):
            found.setdefault(str(atom[1]), {})[stance] = atom
        return found


def atom_text(atom: Atom) -> str:
    """`advise(mri_lumbar,do)`: the atom as certificates write it."""
    return f"{atom[0]}({','.join(map(str, atom[1:]))})"


class Ranges(Enum):
    """What a threshold range `a..b` stands for: itself, its low end, or its high end."""

    KEPT = "kept"
    LOW = "low"
    HIGH = "high"


def at_end(program: tree.Program, ranges: Ranges) -> tree.Program:
    """The program with each range `a..b` replaced by `a` (LOW) or `b` (HIGH); as it is for KEPT."""
    if ranges is Ranges.KEPT:
        return program
    return replace(
        program, statements=tuple(_rule(s, ranges) if isinstance(s, tree.Rule) else s for s in program.statements)
    )


def has_ranges(program: tree.Program) -> bool:
    """Whether any rule leaves a threshold between two numbers."""
    return any(
        isinstance(e, tree.Comparison) and isinstance(e.right, tree.Range) for rule in program.rules for e in rule.body
    )


def _rule(rule: tree.Rule, ranges: Ranges) -> tree.Rule:
    return replace(rule, body=tuple(_element(element, ranges) for element in rule.body))


def _element(element: tree.Element, ranges: Ranges) -> tree.Element:
    if isinstance(element, tree.Comparison) and isinstance(element.right, tree.Range):
        end = element.right.low if ranges is Ranges.LOW else element.right.high
        return replace(element, right=tree.Number(end, element.right.span))
    return element
