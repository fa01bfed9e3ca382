"""The three-valued meaning of ground rules, computed the slow and obvious way.

An alternating fixpoint over all ground instances (Van Gelder 1989): neither the doubling nor the strata of the engine
are used, and no Datalog engine. It shares the grounding with the engine; `reference` does not share even that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.patients import Facts
from guidelog.semantics.kleene import Value, comparison_value

Literals: TypeAlias = list[tuple[Atom, bool]]
Groups: TypeAlias = list[tuple[int, Literals]]


class Evaluation:
    """The value of every derived atom for one patient."""

    def __init__(self, program: GroundProgram, facts: Facts, ranges: Ranges = Ranges.KEPT) -> None:
        self.program, self.facts, self.ranges = program, facts, ranges
        self.bodies = [
            (atom, self._body(rule, certain=True), self._body(rule, certain=False))
            for atom, rules in program.instances.items()
            for rule in rules
        ]
        certain: set[Atom] = set()
        possible = self._least(certain, certain=False)
        while True:
            certain = self._least(possible, certain=True)
            fewer = self._least(certain, certain=False)
            if fewer == possible:
                break
            possible = fewer
        self.certain, self.possible = certain, possible

    def value(self, atom: Atom) -> Value:
        return True if atom in self.certain else None if atom in self.possible else False

    def body(self, rule: GroundRule) -> Value:
        """The value of all elements of an instance together, of a denial too."""
        if _holds(self._body(rule, certain=True), self.certain, self.possible):
            return True
        return None if _holds(self._body(rule, certain=False), self.possible, self.certain) else False

    def _least(self, other: Collection[Atom], *, certain: bool) -> set[Atom]:
        """The least set closed under the rules, where a negated atom holds when it is not in `other`."""
        held: set[Atom] = set(self.program.facts)
        before = -1
        while len(held) != before:
            before = len(held)
            for atom, sure, maybe in self.bodies:
                if atom not in held and _holds(sure if certain else maybe, held, other):
                    held.add(atom)
        return held

    def _body(self, rule: GroundRule, *, certain: bool) -> Groups | None:
        """What must hold among derived atoms, as counts of literals; None when the inputs already rule it out."""
        groups: Groups = []
        for element in rule.elements:
            count, literals = self._open(element, certain=certain)
            if count > len(literals):
                return None
            if count > 0:
                groups.append((count, literals))
        return groups

    def _open(self, element: GroundElement, *, certain: bool) -> tuple[int, Literals]:
        """How many of which derived literals the element needs, the inputs taken into account."""
        match element:
            case Given():
                return 0, []
            case GroundComparison():
                value = comparison_value(element, self.facts.measures, self.ranges)
                return int(not _enough(value, certain=certain)), []
            case GroundLiteral():
                return self._open(GroundAtLeast(1, (element,)), certain=certain)
            case GroundAtLeast(count, members):
                literals: Literals = []
                for member in members:
                    if member.atom in self.program.instances:
                        literals.append((member.atom, member.negated))
                    elif _enough(self._input(member), certain=certain):
                        count -= 1
                return max(count, 0), literals

    def _input(self, literal: GroundLiteral) -> Value:
        atom = literal.atom
        value = self.facts.findings[str(atom[1])] if atom[0] == "finding" else atom in self.program.facts
        return value if value is None or not literal.negated else not value


def _holds(groups: Groups | None, held: Collection[Atom], other: Collection[Atom]) -> bool:
    """Whether enough literals hold, where a negated atom holds when it is not in `other`."""
    return groups is not None and all(
        sum((a not in other) if negated else (a in held) for a, negated in literals) >= count
        for count, literals in groups
    )


def _enough(value: Value, *, certain: bool) -> bool:
    return value is True if certain else value is not False


def values_of(program: GroundProgram, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Mapping[Atom, Value]:
    """All derived atoms and facts with their values."""
    evaluation = Evaluation(program, facts, ranges)
    return {atom: evaluation.value(atom) for atom in (*program.instances, *program.facts)}
