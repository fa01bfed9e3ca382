"""The properties of the shipped guideline that are about one record, put to clingo and to z3: the same questions twice.

For `benchmarks/verify.py --z3`. z3 gets the same doubled meaning, written here once more, with whole numbers in place
of regions; both must say the same, so it is a check as well.
"""

from __future__ import annotations

import time
from typing import Any

from guidelog.ground.program import GroundAtLeast, GroundComparison, GroundElement, GroundLiteral
from guidelog.language.guideline import load_guideline
from guidelog.language.stances import EMERGENCY, STANCES_AGAINST, STANCES_FOR
from guidelog.pipeline import compile_guideline
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.solver.literals import Budget
from guidelog.verify.properties.language import KEPT, Kind, Properties, Property, modal, read_properties
from guidelog.verify.search.questions import Outcome, Search


def against_z3(shipped: str) -> None:
    """Ask both, and print how long each takes. AssertionError where they disagree."""
    import z3

    guideline = compile_guideline(load_guideline(shipped))
    properties = read_properties(guideline)
    search = Search(properties)
    goals = [(p, search.goal(p)) for p in properties.properties if p.kind in (Kind.NEVER, Kind.ALWAYS)]
    start = time.perf_counter()
    ours = [search.ask([goal, -search.judgement.settled], Budget())[0] is Outcome.IMPOSSIBLE for _, goal in goals]
    clingo = time.perf_counter() - start
    solver = z3.Solver()
    model = _Z3(z3, solver, properties)
    theirs = [z3.Or([model.broken(p, r) for r in p.instances]) for p, _ in goals]
    start = time.perf_counter()
    answers = []
    for goal in theirs:
        solver.push()
        solver.add(goal)
        answers.append(solver.check() == z3.unsat)
        solver.pop()
    theirs_took = time.perf_counter() - start
    print(f"{len(goals)} properties about one record: clingo {clingo * 1000:.0f} ms, z3 {theirs_took * 1000:.0f} ms")
    assert ours == answers, [p.id for (p, _), a, b in zip(goals, ours, answers, strict=True) if a != b]


class _Z3:
    """The doubled meaning over z3's booleans and integers."""

    def __init__(self, z3: Any, solver: Any, properties: Properties) -> None:
        self.z3, self.solver, self.program = z3, solver, properties.program
        vocabulary = self.program.names.vocabulary
        self.present = {n: z3.Bool(f"{n}+") for n in vocabulary.findings}
        self.absent = {n: z3.Bool(f"{n}-") for n in vocabulary.findings}
        for name in vocabulary.findings:
            solver.add(z3.Not(z3.And(self.present[name], self.absent[name])))
        self.low, self.high = ({n: z3.Int(f"{n}{end}") for n in vocabulary.measures} for end in "<>")
        for name, m in vocabulary.measures.items():
            solver.add(
                self.low[name] >= m.low * m.ticks,
                self.high[name] <= m.high * m.ticks,
                self.low[name] <= self.high[name],
            )
        self.values: dict[Any, tuple[Any, Any]] = {}
        for denial in self.program.denials:
            # closed under propagation: where all elements but one hold, that one is false
            values = [self.element(e) for e in denial.elements]
            for place, (_, possible) in enumerate(values):
                others = [v[0] for i, v in enumerate(values) if i != place]
                solver.add(z3.Implies(z3.And(others), z3.Not(possible)))

    def broken(self, prop: Property, rule: Any) -> Any:
        body = self.z3.And([self.element(e)[0] for e in rule.elements])
        if prop.kind is Kind.NEVER:
            return body
        return self.z3.And(body, self.z3.Not(self.atom(modal(self.program, ("", rule.head[1])))[0]))

    def atom(self, atom: Any) -> tuple[Any, Any]:
        z3 = self.z3
        if atom[0] == "finding":
            return self.present[atom[1]], z3.Not(self.absent[atom[1]])
        if atom not in self.values:
            self.values[atom] = self.define(atom)
        return self.values[atom]

    def define(self, atom: Any) -> tuple[Any, Any]:
        z3 = self.z3
        if atom[0] == "answer":
            same = self.status(atom[1])[Status(atom[2])]
            return same, same
        if atom[0] == "unknown":
            certain, possible = self.atom(modal(self.program, atom))
            both = z3.And(possible, z3.Not(certain))
            return both, both
        if atom[0] == KEPT or atom in self.program.facts:
            return z3.BoolVal(True), z3.BoolVal(True)
        bodies = [[self.element(e) for e in r.elements] for r in self.program.instances.get(atom, ())]
        pair = []
        for side in (0, 1):
            value = z3.Bool(f"{atom}{side}")
            self.solver.add(value == z3.Or([z3.And([e[side] for e in body]) for body in bodies]))
            pair.append(value)
        return pair[0], pair[1]

    def status(self, intervention: str) -> dict[Status, Any]:
        z3 = self.z3
        stances_ = (EMERGENCY, *STANCES_FOR, *STANCES_AGAINST)
        sure, maybe = ({s: self.atom(("advise", intervention, s))[side] for s in stances_} for side in (0, 1))
        calm = z3.Not(maybe[EMERGENCY])
        found: dict[Status, list[Any]] = {s: [] for s in Status}
        found[Status.EMERGENCY_PATHWAY].append(sure[EMERGENCY])
        speaks = [z3.Or([sure[s] for s in side]) for side in (STANCES_FOR, STANCES_AGAINST)]
        found[Status.CONFLICT].append(z3.And(calm, *speaks))
        for stances, others in ((STANCES_FOR, STANCES_AGAINST), (STANCES_AGAINST, STANCES_FOR)):
            for index, stance in enumerate(stances):
                off = [z3.Not(maybe[s]) for s in (*others, *stances[:index])]
                found[STATUS_OF_STANCE[stance]].append(z3.And(calm, sure[stance], *off))
        scope = self.atom(("in_scope",))
        silent = [z3.Not(maybe[s]) for s in (*STANCES_FOR, "avoid")]
        found[Status.NOT_NOW].append(z3.And(calm, scope[0], *silent))
        found[Status.OUTSIDE_GUIDELINE].append(z3.And(calm, z3.Not(scope[1]), *silent, z3.Not(maybe["defer"])))
        answers = {s: z3.Or(parts) for s, parts in found.items()}
        answers[Status.UNDETERMINED] = z3.Not(z3.Or([v for s, v in answers.items() if s is not Status.UNDETERMINED]))
        return answers

    def element(self, element: GroundElement) -> tuple[Any, Any]:
        z3 = self.z3
        match element:
            case GroundLiteral(atom, negated):
                certain, possible = self.atom(atom)
                return (z3.Not(possible), z3.Not(certain)) if negated else (certain, possible)
            case GroundComparison(terms, operator, low, high):
                sides = [self.compared(terms, operator, bound) for bound in (low, high)]
                return z3.And([s[0] for s in sides]), z3.Or([s[1] for s in sides])
            case GroundAtLeast(count, members):
                values = [self.element(m) for m in members]
                return z3.AtLeast(*(v[0] for v in values), count), z3.AtLeast(*(v[1] for v in values), count)
            case _:
                return z3.BoolVal(True), z3.BoolVal(True)

    def compared(self, terms: Any, operator: str, bound: int) -> tuple[Any, Any]:
        z3 = self.z3
        least = sum(c * (self.low if c > 0 else self.high)[n] for n, c in terms)
        most = sum(c * (self.high if c > 0 else self.low)[n] for n, c in terms)
        match operator:
            case ">=":
                return least >= bound, most >= bound
            case ">":
                return least > bound, most > bound
            case "<=":
                return most <= bound, least <= bound
            case "<":
                return most < bound, least < bound
            case "=":
                return z3.And(least == bound, most == bound), z3.And(least <= bound, most >= bound)
            case _:
                return z3.Or(least > bound, most < bound), z3.Not(z3.And(least == bound, most == bound))
