"""All that an answer can depend on.

The ground rules above which it stands, and the inputs that they and the background look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from guidelog.ground.program import Atom, GroundComparison, GroundProgram, GroundRule
from guidelog.language.stances import STANCES
from guidelog.patients import Facts

from .background import inputs_of
from .quantities import Sum, quantity, thresholds
from .status import SCOPE


@dataclass
class Cone:
    """What one intervention's answer depends on, for one patient."""

    program: GroundProgram
    facts: Facts
    intervention: str

    @cached_property
    def atoms(self) -> dict[Atom, int]:
        """Derived atoms in order of evaluation, numbered."""
        found: set[Atom] = set()
        todo: list[Atom] = [SCOPE, *(("advise", self.intervention, s) for s in STANCES)]
        while todo:
            atom = todo.pop()
            if atom in self.program.instances and atom not in found:
                found.add(atom)
                todo.extend(self.program.edges[atom])
        place = self.program.block_of
        return {atom: i for i, atom in enumerate(sorted(found, key=lambda a: (place[a], str(a))))}

    @cached_property
    def rules(self) -> list[GroundRule]:
        """The instances of those atoms."""
        return [r for atom in self.atoms for r in self.program.instances[atom]]

    @cached_property
    def denials(self) -> list[GroundRule]:
        """The background rules that tie these inputs to each other or to further ones."""
        found: dict[int, GroundRule] = {}
        reached = {name for rule in self.rules for name in inputs_of(rule)}
        growing = True
        while growing:
            growing = False
            for number, denial in enumerate(self.program.denials):
                names = inputs_of(denial)
                if number not in found and reached.intersection(names):
                    found[number] = denial
                    reached.update(names)
                    growing = True
        return [found[number] for number in sorted(found)]

    @cached_property
    def inputs(self) -> list[str]:
        """The findings and measures that these rules and the background look at, in order of declaration."""
        found = {name for rule in (*self.rules, *self.denials) for name in inputs_of(rule)}
        return [n for n in (*self.facts.findings, *self.facts.measures) if n in found]

    @cached_property
    def unknown(self) -> list[str]:
        """Those of the inputs that are not known."""
        return [n for n in self.inputs if not self.facts.known(n)]

    @cached_property
    def cuts(self) -> Mapping[str, list[int]]:
        """The values from which on some comparison of a measure alone changes, in ticks."""
        return {found[0][0]: cuts for found, cuts in self.sum_cuts.items() if len(found) == 1}

    @cached_property
    def sum_cuts(self) -> Mapping[Sum, list[int]]:
        """The same for every sum of measures that is compared."""
        return all_cuts((*self.rules, *self.denials))


def all_cuts(rules: Iterable[GroundRule]) -> dict[Sum, list[int]]:
    """For each sum of measures that is compared the values from which on some comparison changes, ascending."""
    cuts: dict[Sum, set[int]] = {}
    for rule in rules:
        for element in rule.elements:
            if isinstance(element, GroundComparison) and element.terms:
                found, multiple = quantity(element.terms)
                for bound in {element.low, element.high}:
                    cuts.setdefault(found, set()).update(thresholds(multiple, element.operator, bound)[1])
    return {found: sorted(values) for found, values in cuts.items()}
