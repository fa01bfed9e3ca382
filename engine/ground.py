"""The rules grounded over the vocabulary, with the patient symbolic.

`ground` enumerates the reachable atoms and all ground instances of rules and denials (docs/language.md, *Reach*). The
result depends on the guideline alone: one grounding serves every patient, every proof, every question. Atoms are
tuples of predicate and constants without the patient; constants are numbers, names, or strings in their quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from . import tree
from .clauses import Clause, Linear, analyse
from .diagnostics import InputError
from .graphs import components
from .joins import Constant, Relations, Scan, Step, constant
from .names import STANCES, Names, in_force

Atom: TypeAlias = tuple[Constant, ...]
Substitution: TypeAlias = Mapping[str, Constant]

MOST_INSTANCES = 400_000


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


def ground(program: tree.Program, names: Names, readings: Mapping[str, str]) -> GroundProgram:
    """All ground instances of a checked program under the chosen readings.

    Raises InputError (GL501, GL502) when the program has more instances or larger numbers than can be served.
    """
    rules = [rule for rule in program.rules if in_force(rule, readings)]
    clauses = tuple(analyse(rule, names) for rule in rules)
    return _Grounder(names, clauses).run(readings)


class _Grounder:
    def __init__(self, names: Names, clauses: tuple[Clause, ...]) -> None:
        self.names, self.clauses = names, clauses
        self.relations = Relations()
        self.instances: dict[Atom, list[GroundRule]] = {}
        self.denials: list[GroundRule] = []
        self.count = 0
        self.seen: set[tuple[int, tuple[Constant, ...]]] = set()
        self.plans: dict[tuple[int, int | None], tuple[Step, ...]] = {}
        self.derived = frozenset(c.rule.head.predicate for c in clauses if c.rule.head and c.rule.body)
        self.facts: dict[Atom, None] = {}

    def run(self, readings: Mapping[str, str]) -> GroundProgram:
        self.relations.relation("patient").add(())
        for name in self.names.vocabulary.findings:
            self.relations.relation("finding").add((name,))
        for name in self.names.vocabulary.measures:
            self.relations.relation("measure").add((name,))
        for clause in self.clauses:
            if clause.rule.head and not clause.rule.body:
                row = self.row(clause.rule.head, {})
                self.relations.relation(clause.rule.head.predicate).add(row)
                atom = (clause.rule.head.predicate, *row)
                self.facts[atom] = None
                if clause.rule.head.predicate in self.derived:
                    self.instances.setdefault(atom, [])
        for group in self.order():
            self.saturate(group)
        for clause in self.clauses:
            if clause.rule.head is None:
                for substitution in self.relations.solve(self.plan(clause, None), {}):
                    self.denials.append(self.instance(clause, substitution))
        instances = {atom: tuple(rules) for atom, rules in self.instances.items()}
        return GroundProgram(
            self.names,
            dict(readings),
            self.clauses,
            instances,
            tuple(self.denials),
            frozenset(self.facts),
            self.derived,
        )

    def order(self) -> list[list[Clause]]:
        """Rules grouped by components of predicates over positive literals."""
        edges: dict[str, list[str]] = {}
        by_head: dict[str, list[Clause]] = {}
        for clause in self.clauses:
            head = clause.rule.head
            if head is None or not clause.rule.body:
                continue
            by_head.setdefault(head.predicate, []).append(clause)
            # `atleast` members are enumerated over their conditions, which must be complete by then.
            edges.setdefault(head.predicate, []).extend(
                atom.predicate for element in clause.rule.body for atom in tree.atoms_of(element) if _positive(element)
            )
        for targets in list(edges.values()):
            for target in targets:
                edges.setdefault(target, [])
        return [[c for p in component for c in by_head.get(p, ())] for component in components(edges)]

    def saturate(self, clauses: list[Clause]) -> None:
        """Semi-naive evaluation of one component: the first pass over everything, then over what is new."""
        heads = {c.rule.head.predicate for c in clauses if c.rule.head}
        starts = dict.fromkeys(heads, 0)
        for clause in clauses:
            self.fire(clause, self.plan(clause, None), {})
        recursive = [
            (clause, position, atom)
            for clause in clauses
            for position, atom in _positive_atoms(clause)
            if atom.predicate in heads
        ]
        while recursive:
            ends = {head: len(self.relations.relation(head).order) for head in heads}
            if all(starts[h] == ends[h] for h in heads):
                return
            for clause, position, atom in recursive:
                for row in self.relations.relation(atom.predicate).order[starts[atom.predicate] : ends[atom.predicate]]:
                    bound = self.relations.unify(self.columns(atom), row, {})
                    if bound is not None:
                        self.fire(clause, self.plan(clause, position), bound)
            starts = ends

    def fire(self, clause: Clause, plan: tuple[Step, ...], bound: dict[str, Constant]) -> None:
        # Solutions are listed before heads are added: a scan must not see rows added under it.
        for substitution in list(self.relations.solve(plan, bound)):
            head = clause.rule.head
            assert head is not None
            atom = (head.predicate, *self.row(head, substitution))
            known = self.instances.setdefault(atom, [])
            key = (id(clause), tuple(substitution[name] for name in clause.variables))
            if key not in self.seen:
                self.seen.add(key)
                known.append(self.instance(clause, substitution))
                self.count += 1
                if self.count > MOST_INSTANCES:
                    raise InputError.of(
                        "GL501",
                        f"the rules have more than {MOST_INSTANCES:,} ground instances",
                        span=clause.rule.span,
                        hint="join over smaller relations, or split the guideline",
                    )
            self.relations.relation(head.predicate).add(atom[1:])

    def plan(self, clause: Clause, given: int | None) -> tuple[Step, ...]:
        """The positive literals and plain comparisons in an order in which each can be computed."""
        key = (id(clause), given)
        if key not in self.plans:
            self.plans[key] = self._plan(clause, given)
        return self.plans[key]

    def _plan(self, clause: Clause, given: int | None) -> tuple[Step, ...]:
        bound: set[str] = set()
        scans: list[Scan] = []
        for position, atom in _positive_atoms(clause):
            if position == given:
                bound |= {t.name for t in self.columns(atom) if isinstance(t, tree.Variable)}
            else:
                scans.append(Scan(atom.predicate, self.columns(atom)))
        tests = [e for e in clause.rule.body if isinstance(e, tree.Comparison) and not clause.is_measured(e)]
        return self.relations.order(scans, tests, bound)

    def columns(self, atom: tree.Atom) -> tuple[tree.Term, ...]:
        """An atom's terms without the patient and without a measured value."""
        terms = atom.terms[1:] if self.names.predicates[atom.predicate].about_patient else atom.terms
        return terms[:1] if atom.predicate == "measure" else terms

    def row(self, atom: tree.Atom, substitution: Mapping[str, Constant]) -> Atom:
        return tuple(substitution[t.name] if isinstance(t, tree.Variable) else constant(t) for t in self.columns(atom))

    def instance(self, clause: Clause, solution: Mapping[str, Constant]) -> GroundRule:
        substitution = {name: solution[name] for name in clause.variables}
        elements = tuple(self.element(clause, element, substitution) for element in clause.rule.body)
        head = clause.rule.head
        return GroundRule(
            (head.predicate, *self.row(head, substitution)) if head else None, elements, clause.rule, substitution
        )

    def element(self, clause: Clause, element: tree.Element, substitution: Substitution) -> GroundElement:
        match element:
            case tree.Literal(atom, negated):
                return (
                    GIVEN
                    if atom.predicate in {"patient", "measure"}
                    else GroundLiteral((atom.predicate, *self.row(atom, substitution)), negated)
                )
            case tree.Comparison():
                if not clause.is_measured(element) or clause.defines(element):
                    return GIVEN
                return self.comparison(clause, element, substitution)
            case tree.AtLeast(count, members):
                found: dict[GroundLiteral, None] = {}
                for member in members:
                    for literal in self.members(member, substitution):
                        found.setdefault(literal)
                return GroundAtLeast(count, tuple(found))

    def members(self, member: tree.Member, substitution: Substitution) -> list[GroundLiteral]:
        atom = member.literal.atom
        plan = tuple(Scan(c.atom.predicate, self.columns(c.atom)) for c in member.conditions)
        local = {v.name for c in (member.literal, *member.conditions) for v in tree.variables_of(c)}
        solutions = list(self.relations.solve(plan, {n: v for n, v in substitution.items() if n in local}))
        found = [{n: v for n, v in s.items() if n not in substitution} for s in solutions]
        found.sort(key=lambda s: json.dumps(s, sort_keys=True))
        return [
            GroundLiteral((atom.predicate, *self.row(atom, {**substitution, **s})), member.literal.negated)
            for s in found
        ]

    def comparison(self, clause: Clause, element: tree.Comparison, substitution: Substitution) -> GroundComparison:
        """Everything to the left, constants to the right, in ticks."""
        left = clause.form(element.left)
        if isinstance(element.right, tree.Range):
            low, high = element.right.low, element.right.high
        else:
            left = left.plus(clause.form(element.right), -1)
            low = high = 0
        ticks = 1  # where all measures cancel out, any scale will do
        terms: dict[str, int] = {}
        plain = Linear({}, left.constant)
        for name, coefficient in left.coefficients.items():
            if name in clause.measures:
                term = clause.measures[name]
                measure = substitution[term.name] if isinstance(term, tree.Variable) else constant(term)
                assert isinstance(measure, str)
                terms[measure] = terms.get(measure, 0) + coefficient
                ticks = self.names.vocabulary.measures[measure].ticks
            else:
                value = substitution[name]
                assert isinstance(value, int)
                plain = plain.plus(Linear({}, value), coefficient)
        kept = tuple((n, c) for n, c in terms.items() if c)
        return GroundComparison(kept, element.operator, (low - plain.constant) * ticks, (high - plain.constant) * ticks)


def _positive(element: tree.Element) -> bool:
    return not (isinstance(element, tree.Literal) and element.negated)


def _positive_atoms(clause: Clause) -> Iterable[tuple[int, tree.Atom]]:
    return [(i, e.atom) for i, e in enumerate(clause.rule.body) if isinstance(e, tree.Literal) and not e.negated]
