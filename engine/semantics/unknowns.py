"""A patient's unknown inputs as boolean variables, and every answer as a function of them.

Each unknown finding is a variable; an unknown measure has one for each value at which some rule changes its mind.
With that, "which statuses are still possible" and "which questions would settle it" are exact questions about boolean
functions, asked with background rules as constraints. Comparisons of several measures at once are variables of their
own (an over-approximation that can only ask for more).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language.stances import STANCES
from guidelog.patients import Facts

from .bdd import FALSE, TRUE, Diagrams
from .cone import Cone, all_cuts
from .kleene import Value, comparison_value
from .quantities import thresholds
from .status import Status, status_of


@dataclass
class Unknowns:
    """All answers of a program for one patient as functions of what is not known.

    With a `cone` only what that cone depends on. Raises bdd.TooLarge when they grow too large.
    """

    program: GroundProgram
    facts: Facts
    diagrams: Diagrams = field(default_factory=Diagrams)
    cone: Cone | None = None

    def __post_init__(self) -> None:
        self._variables: dict[tuple[str, int], int] = {}
        self._denials: tuple[GroundRule, ...]
        self._cuts: Mapping[str, list[int]]
        self._joint: dict[tuple[tuple[tuple[str, int], ...], str, int], int] = {}
        self._owners: dict[int, tuple[str, ...]] = {}
        if self.cone is None:
            rules = (r for found in self.program.instances.values() for r in found)
            self._denials, self._cuts = self.program.denials, all_cuts((*rules, *self.program.denials))
            inputs: Iterable[str] = (*self.facts.findings, *self.facts.measures)
        else:
            self._denials, self._cuts, inputs = tuple(self.cone.denials), self.cone.cuts, self.cone.inputs
        for name in inputs:
            self._declare(name)

    @cached_property
    def constraint(self) -> int:
        """What every real patient satisfies: cut points in order, no background rule violated."""
        d = self.diagrams
        relations = dict.fromkeys(self.program.fixed, TRUE)
        parts = []
        for name, cuts in self._cuts.items():
            variables = [self._variables[name, cut] for cut in cuts if (name, cut) in self._variables]
            parts += [d.either(d.negate(d.variable(high)), d.variable(low)) for low, high in pairwise(variables)]
        for denial in self._denials:
            values = [self._element(e, relations, Ranges.KEPT) for e in denial.elements]
            parts.append(d.negate(d.all(values)))
        return d.all(parts)

    def statuses(self, intervention: str, ranges: Ranges) -> Mapping[Status, int]:
        """For each status the function that says when it is the answer, within the constraint."""
        atoms = self._atoms(ranges)
        d = self.diagrams
        found: dict[Status, int] = {}
        scope = atoms.get(("in_scope",), FALSE)
        partial: list[tuple[dict[str, Value], int]] = [({}, self.constraint)]
        for stance in STANCES:
            f = atoms.get(("advise", intervention, stance), FALSE)
            partial = [
                ({**chosen, stance: value}, narrowed)
                for chosen, region in partial
                for value, side in ((True, f), (False, d.negate(f)))
                if (narrowed := d.both(region, side)) != FALSE
            ]
        for chosen, region in partial:
            for value, side in ((True, scope), (False, d.negate(scope))):
                narrowed = d.both(region, side)
                if narrowed != FALSE:
                    status = status_of(chosen, value)
                    found[status] = d.either(found.get(status, FALSE), narrowed)
        return found

    def names(self, variables: Iterable[int]) -> list[str]:
        """The inputs behind variables, in order of declaration."""
        found = dict.fromkeys(name for v in sorted(variables) for name in self._owners[v])
        order = {
            n: i
            for i, n in enumerate((*self.program.names.vocabulary.findings, *self.program.names.vocabulary.measures))
        }
        return sorted(found, key=order.__getitem__)

    def cuts_of(self, name: str) -> list[tuple[int, int]]:
        """The variables of an input in ascending order of their cut points (0 for a finding)."""
        return sorted((cut, variable) for (owner, cut), variable in self._variables.items() if owner == name)

    def variables(self, names: Iterable[str]) -> set[int]:
        """The variables that replies about these inputs fix; a joint comparison is fixed when all its inputs are."""
        chosen = set(names)
        return {v for v, owners in self._owners.items() if chosen.issuperset(owners)}

    def others(self, names: Iterable[str]) -> set[int]:
        """The variables that an answer about these inputs leaves open."""
        return set(self._owners) - self.variables(names)

    def rule_regions(self, intervention: str, ranges: Ranges) -> Mapping[str, int]:
        """For each advice rule of an intervention, by id, the function that says when its body holds."""
        atoms = self._atoms(ranges)
        found: dict[str, int] = {}
        for stance in STANCES:
            for instance in self.program.instances.get(("advise", intervention, stance), ()):
                region = self._body(instance, atoms, ranges)
                name = instance.rule.id or ""
                found[name] = self.diagrams.either(found.get(name, FALSE), self.diagrams.both(region, self.constraint))
        return found

    def finding(self, name: str) -> int:
        """The function that is an unknown finding."""
        return self.diagrams.variable(self._variables[name, 0])

    def comparison(self, comparison: GroundComparison, ranges: Ranges) -> int:
        """A comparison as a function."""
        return self._comparison(comparison, ranges)

    # variables
    def _declare(self, name: str) -> None:
        if name in self.facts.findings:
            if self.facts.findings[name] is None:
                self._new((name, 0), (name,))
            return
        interval = self.facts.measures[name]
        for cut in self._cuts.get(name, ()):
            if interval.low < cut <= interval.high:
                self._new((name, cut), (name,))

    def _new(self, key: tuple[str, int], owners: tuple[str, ...]) -> int:
        number = len(self._owners)
        self._variables[key] = number
        self._owners[number] = owners
        return number

    # functions
    def _atoms(self, ranges: Ranges) -> Mapping[Atom, int]:
        if ranges not in self._evaluated:
            self._evaluated[ranges] = self._evaluate(ranges)
        return self._evaluated[ranges]

    @cached_property
    def _evaluated(self) -> dict[Ranges, Mapping[Atom, int]]:
        return {}

    def _evaluate(self, ranges: Ranges) -> Mapping[Atom, int]:
        """Every derived atom, block by block; a block that depends on itself by rounds from false."""
        values: dict[Atom, int] = {}
        wanted = None if self.cone is None else self.cone.atoms
        for block in self.program.blocks:
            if wanted is not None and block[0] not in wanted:
                continue
            users: dict[Atom, list[Atom]] = {}
            if len(block) > 1 or block[0] in self.program.edges[block[0]]:
                inside = set(block)
                for atom in block:
                    for target in self.program.edges[atom]:
                        if target in inside:
                            users.setdefault(target, []).append(atom)
            values.update(dict.fromkeys(block, FALSE))
            todo = dict.fromkeys(block)
            while todo:
                atom = next(iter(todo))
                del todo[atom]
                value = (
                    TRUE
                    if atom in self.program.facts
                    else self.diagrams.any(self._body(rule, values, ranges) for rule in self.program.instances[atom])
                )
                if value != values[atom]:
                    values[atom] = value
                    todo.update(dict.fromkeys(users.get(atom, ())))
        return values

    def _body(self, rule: GroundRule, values: Mapping[Atom, int], ranges: Ranges) -> int:
        """All elements of an instance; what is settled holds where this record shows it, whatever replies may bring."""
        found = (self._element(e, values, ranges) for e in rule.elements)
        return self.diagrams.all(self._settled(f) if place in rule.settled else f for place, f in enumerate(found))

    def _settled(self, f: int) -> int:
        return f if f == TRUE else FALSE

    def _element(self, element: GroundElement, values: Mapping[Atom, int], ranges: Ranges) -> int:
        match element:
            case GroundLiteral():
                return self._literal(element, values)
            case GroundComparison():
                return self._comparison(element, ranges)
            case GroundAtLeast(count, members):
                return self.diagrams.at_least(count, [self._literal(m, values) for m in members])
            case _:
                return TRUE

    def _literal(self, literal: GroundLiteral, values: Mapping[Atom, int]) -> int:
        atom = literal.atom
        if atom[0] == "finding":
            known = self.facts.findings[str(atom[1])]
            f = self.diagrams.variable(self._variables[str(atom[1]), 0]) if known is None else int(known)
        else:
            f = values.get(atom, int(atom in self.program.facts))
        return self.diagrams.negate(f) if literal.negated else f

    def _comparison(self, comparison: GroundComparison, ranges: Ranges) -> int:
        bound = comparison.high if ranges is Ranges.HIGH else comparison.low
        known = comparison_value(comparison, self.facts.measures, Ranges.HIGH if ranges is Ranges.HIGH else Ranges.LOW)
        if known is not None:
            return int(known)
        d = self.diagrams
        if len(comparison.terms) != 1:
            key = (comparison.terms, comparison.operator, bound)
            if key not in self._joint:
                unknown = tuple(n for n, _ in comparison.terms if not self.facts.known(n))
                self._joint[key] = self._new(("", len(self._owners)), unknown)
            return d.variable(self._joint[key])
        ((name, coefficient),) = comparison.terms
        operator, cuts = thresholds(coefficient, comparison.operator, bound)
        above = [self._above(name, cut) for cut in cuts]
        match operator:
            case ">=":
                return above[0]
            case "<":
                return d.negate(above[0])
            case "=":
                return d.both(above[0], d.negate(above[1]))
            case _:
                return d.either(d.negate(above[0]), above[1])

    def _above(self, name: str, cut: int) -> int:
        interval = self.facts.measures[name]
        if interval.low >= cut:
            return TRUE
        return self.diagrams.variable(self._variables[name, cut]) if interval.high >= cut else FALSE
