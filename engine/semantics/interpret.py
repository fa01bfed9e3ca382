"""A patient evaluated straight on the ground rules, for thousands of patients and changed rules.

The meaning of docs/language.md, *Values*, atom by atom: about a hundred times as fast as an engine that is asked anew
for each patient. It is not what answers users: `pipeline.ask` is, and tests compare the two. Negation inside a block
has no meaning; `is_stratified` says whether there is any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from guidelog.compiled import Compiled
from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    Ranges,
)
from guidelog.patients import Facts

from .kleene import Model, Value, World, comparison_value


class GroundCompiled(Compiled):
    """A compiled guideline that evaluates its ground rules itself; everything else, certificates too, is unchanged."""

    def evaluate(self, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
        return model(self.ground, facts, ranges)


def with_ground_evaluation(compiled: Compiled) -> GroundCompiled:
    """The same guideline with the evaluation of this module."""
    if isinstance(compiled, GroundCompiled):
        return compiled
    return GroundCompiled(**{f.name: getattr(compiled, f.name) for f in fields(compiled)})


def evaluate(program: GroundProgram, facts: Facts, ranges: Ranges = Ranges.KEPT) -> World:
    """The patient's world: what each derived atom is worth."""
    return World(program, facts, model(program, facts, ranges), ranges)


def model(program: GroundProgram, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
    """The derived atoms that are certain and those that are possible."""
    values = _Evaluation(program, facts, ranges).run()
    certain = frozenset(atom for atom, value in values.items() if value is True)
    possible = certain.union(atom for atom, value in values.items() if value is None)
    return Model(certain.union(program.facts), possible.union(program.facts))


def is_stratified(program: GroundProgram) -> bool:
    """Whether no atom depends on its own negation."""
    place = program.block_of
    return not any(
        literal.negated and place.get(literal.atom) == place[head]
        for head, rules in program.instances.items()
        for rule in rules
        for literal in rule.atoms()
    )


class _Evaluation:
    def __init__(self, program: GroundProgram, facts: Facts, ranges: Ranges) -> None:
        self.program, self.facts, self.ranges = program, facts, ranges
        self.values: dict[Atom, Value] = {}

    def run(self) -> Mapping[Atom, Value]:
        program, values = self.program, self.values
        for block in program.blocks:
            recursive = len(block) > 1 or block[0] in program.edges[block[0]]
            for atom in block:
                values[atom] = False
            changed = True
            while changed:
                changed = False
                for atom in block:
                    value = True if atom in program.facts else self.atom(atom)
                    if value is not values[atom]:
                        values[atom] = value
                        changed = recursive
        return values

    def atom(self, atom: Atom) -> Value:
        best: Value = False
        for rule in self.program.instances[atom]:
            value: Value = True
            for place, element in enumerate(rule.elements):
                found = self.element(element)
                if found is False or (found is None and place in rule.settled):
                    value = False
                    break
                if found is None:
                    value = None
            if value is True:
                return True
            if value is None:
                best = None
        return best

    def element(self, element: GroundElement) -> Value:
        if isinstance(element, GroundLiteral):
            return self.literal(element)
        if isinstance(element, GroundAtLeast):
            found = [self.literal(member) for member in element.members]
            if sum(v is True for v in found) >= element.count:
                return True
            return None if sum(v is not False for v in found) >= element.count else False
        if isinstance(element, GroundComparison):
            return comparison_value(element, self.facts.measures, self.ranges)
        return True

    def literal(self, literal: GroundLiteral) -> Value:
        atom = literal.atom
        value: Value
        if atom[0] == "finding":
            value = self.facts.findings[str(atom[1])]
        elif atom in self.values:
            value = self.values[atom]
        else:
            value = atom in self.program.facts
        return value if not literal.negated or value is None else not value
