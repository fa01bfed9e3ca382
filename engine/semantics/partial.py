"""Whether replies to some questions settle an answer in the way in which `ask` computes answers.

A two-valued function can be constant although three-valued evaluation, which is what `ask` does and certifies, leaves
it open (`a if f, a if not f`). So each atom gets two functions of the replies: certainly true, and possibly true, with
everything that is not asked unknown.
"""

from __future__ import annotations

from collections.abc import Collection

from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundRule,
    Ranges,
)

from .bdd import FALSE, TRUE
from .cone import Cone
from .kleene import comparison_value
from .status import Status, conditions
from .unknowns import Unknowns

_Pair = tuple[int, int]
_OPEN: _Pair = (FALSE, TRUE)


class Partial:
    """Certain and possible functions of the replies about some inputs. Raises bdd.TooLarge."""

    def __init__(self, unknowns: Unknowns, cone: Cone, names: Collection[str]) -> None:
        self.unknowns, self.cone, self.names = unknowns, cone, frozenset(names)
        self.diagrams = unknowns.diagrams
        self.findings: dict[str, _Pair] = {}
        self.propagate()

    def settled(self) -> bool:
        """Whether the status is certain after every possible combination of replies, at each end of the ranges."""
        return all(self.open_region(ranges) == FALSE for ranges in (Ranges.LOW, Ranges.HIGH))

    def open_region(self, ranges: Ranges) -> int:
        """The replies after which the status is not certain."""
        d = self.diagrams
        values = self.evaluate(ranges)
        certain = FALSE
        for status in Status:
            for wanted in conditions(self.cone.intervention, status):
                region = d.all(self.holds(values, atom, value=value) for atom, value in wanted)
                certain = d.either(certain, region)
        return d.both(self.unknowns.constraint, d.negate(certain))

    def holds(self, values: dict[Atom, _Pair], atom: Atom, *, value: bool) -> int:
        known = int(atom in self.cone.program.fixed)
        certain, possible = values.get(atom, (known, known))
        return certain if value else self.diagrams.negate(possible)

    def evaluate(self, ranges: Ranges) -> dict[Atom, _Pair]:
        """Every derived atom, in order; atoms that depend on each other again and again until nothing changes."""
        program, d = self.cone.program, self.diagrams
        values: dict[Atom, _Pair] = {}
        atoms = list(self.cone.atoms)
        start = 0
        while start < len(atoms):
            block = program.block_of[atoms[start]]
            end = start
            while end < len(atoms) and program.block_of[atoms[end]] == block:
                end += 1
            members = atoms[start:end]
            values.update(dict.fromkeys(members, (FALSE, FALSE)))
            users: dict[Atom, list[Atom]] = {}
            for atom in members:
                for target in program.edges[atom]:
                    users.setdefault(target, []).append(atom)
            todo = dict.fromkeys(members)
            while todo:
                atom = next(iter(todo))
                del todo[atom]
                pair = (FALSE, FALSE)
                for rule in program.instances[atom]:
                    certain, possible = self.body(rule, values, ranges)
                    pair = (d.either(pair[0], certain), d.either(pair[1], possible))
                pair = (TRUE, TRUE) if atom in program.facts else pair
                if pair != values[atom]:
                    values[atom] = pair
                    todo.update(dict.fromkeys(users.get(atom, ())))
            start = end
        return values

    def body(self, rule: GroundRule, values: dict[Atom, _Pair], ranges: Ranges) -> _Pair:
        pairs = [self.element(e, values, ranges) for e in rule.elements]
        pairs = [(t, t) if place in rule.settled else (t, p) for place, (t, p) in enumerate(pairs)]
        return self.diagrams.all(t for t, _ in pairs), self.diagrams.all(p for _, p in pairs)

    def element(self, element: GroundElement, values: dict[Atom, _Pair], ranges: Ranges) -> _Pair:
        d = self.diagrams
        match element:
            case GroundLiteral(atom, negated):
                certain, possible = self.atom(atom, values)
                return (d.negate(possible), d.negate(certain)) if negated else (certain, possible)
            case GroundAtLeast(count, members):
                pairs = [self.element(m, values, ranges) for m in members]
                return d.at_least(count, [t for t, _ in pairs]), d.at_least(count, [p for _, p in pairs])
            case GroundComparison():
                return self.comparison(element, ranges)
            case _:
                return TRUE, TRUE

    def atom(self, atom: Atom, values: dict[Atom, _Pair]) -> _Pair:
        if atom[0] == "finding":
            return self.finding(str(atom[1]))
        known = int(atom in self.cone.program.fixed)
        return values.get(atom, (known, known))

    def finding(self, name: str) -> _Pair:
        value = self.cone.facts.findings[name]
        if value is not None:
            return int(value), int(value)
        if name in self.names:
            f = self.unknowns.finding(name)
            return f, f
        return self.findings.get(name, _OPEN)

    def comparison(self, comparison: GroundComparison, ranges: Ranges) -> _Pair:
        known = comparison_value(comparison, self.cone.facts.measures, ranges)
        if known is not None:
            return int(known), int(known)
        if all(n in self.names or self.cone.facts.known(n) for n, _ in comparison.terms):
            f = self.unknowns.comparison(comparison, ranges)
            return f, f
        return _OPEN

    def propagate(self) -> None:
        """What the background adds to the replies about findings that were not asked."""
        d, denials = self.diagrams, self.cone.denials
        relations = dict.fromkeys(self.cone.program.fixed, (TRUE, TRUE))
        changed = bool(denials)
        while changed:
            changed = False
            for denial in denials:
                for place, element in enumerate(denial.elements):
                    if not (isinstance(element, GroundLiteral) and element.atom[0] == "finding"):
                        continue
                    name = str(element.atom[1])
                    if name in self.names or self.cone.facts.findings[name] is not None:
                        continue
                    others = [e for k, e in enumerate(denial.elements) if k != place]
                    forced = d.all(self.element(e, relations, Ranges.LOW)[0] for e in others)
                    certain, possible = self.findings.get(name, _OPEN)
                    pair = (
                        (d.either(certain, forced), possible)
                        if element.negated
                        else (certain, d.both(possible, d.negate(forced)))
                    )
                    if pair != (certain, possible):
                        self.findings[name] = pair
                        changed = True
