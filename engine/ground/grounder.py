"""All ground instances of rules and denials, over the atoms that can be reached (docs/language.md, *Reach*).

Semi-naive, one group of mutually dependent predicates after the other; the order of instances is the same in every run.
A program with more instances than can be served is refused, with the rule that made one too many. What a patient's
answers are is not decided here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from guidelog.diagnostics import InputError
from guidelog.graphs import components
from guidelog.language import tree
from guidelog.language.clauses import Clause, Linear, analyse
from guidelog.language.names import Names, in_force

from .joins import Constant, Relations, Scan, Step, constant
from .program import (
    GIVEN,
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Substitution,
)

MOST_INSTANCES = 400_000


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
        self.remarks: list[GroundRule] = []
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
                    kept = self.remarks if clause.rule.annotation("remark") is not None else self.denials
                    kept.append(self.instance(clause, substitution))
        instances = {atom: tuple(rules) for atom, rules in self.instances.items()}
        return GroundProgram(
            self.names,
            dict(readings),
            self.clauses,
            instances,
            tuple(self.denials),
            frozenset(self.facts),
            self.derived,
            tuple(self.remarks),
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
            (head.predicate, *self.row(head, substitution)) if head else None,
            elements,
            clause.rule,
            substitution,
            clause.rule.settled,
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
                met = [literal for member in members for literal in self.members(member, substitution)]
                times = Counter(met)
                return GroundAtLeast(count, tuple(times), tuple(literal for literal, n in times.items() if n > 1))

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
