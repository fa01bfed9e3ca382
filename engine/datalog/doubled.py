"""Three-valued rules as ordinary Datalog: a certain and a possible copy of each.

`h :- a, !b, W >= 6..8` becomes `h@t :- a@t, !b@p, W.lo >= 8` and `h@p :- a@p, !b@t, W.hi >= 6` (in ticks). Rules over
the guideline itself stay single. Rules with `atleast`, and those whose predicates must be taken apart into ground
atoms to be stratified, are doubled from their ground instances; all others keep their variables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import count, product

from guidelog.ground.joins import Constant, constant
from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    atom_text,
)
from guidelog.language import tree
from guidelog.language.clauses import Clause
from guidelog.language.names import INPUTS

from .syntax import Goal, Operand, PlainRule, Product, Sum, Test, Var

CERTAIN, POSSIBLE = "@t", "@p"
MEASURE = "measure"
_OTHER = {CERTAIN: POSSIBLE, POSSIBLE: CERTAIN}
# No variable of the rule language can have this name.
_P = Var("patient@")

Alternatives = list[tuple[Goal | Test, ...]]


def double(program: GroundProgram, apart: Collection[str] = ()) -> tuple[PlainRule, ...]:
    """The doubled rules.

    Predicates in `apart` become one predicate for each ground atom, with rules that lead back to the original name.
    """
    return _Doubler(program, frozenset(apart)).run()


def patient_predicates(program: GroundProgram) -> frozenset[str]:
    """The derived predicates whose value depends on the patient's findings or measures."""
    found = set(INPUTS)
    changed = True
    while changed:
        changed = False
        for clause in program.clauses:
            head = clause.rule.head
            if (
                head
                and head.predicate not in found
                and any(atom.predicate in found for element in clause.rule.body for atom in tree.atoms_of(element))
            ):
                found.add(head.predicate)
                changed = True
    return frozenset(found - INPUTS)


class _Doubler:
    def __init__(self, program: GroundProgram, apart: frozenset[str]) -> None:
        self.program, self.apart = program, apart
        self.names = program.names
        self.open = patient_predicates(program)
        self.numbers = count(1)

    def run(self) -> tuple[PlainRule, ...]:
        rules: list[PlainRule] = []
        grounded: set[int] = set()
        for clause in self.program.clauses:
            head = clause.rule.head
            if head is None or not clause.rule.body:
                continue
            if head.predicate in self.apart or _must_be_grounded(clause):
                grounded.add(id(clause.rule))
            else:
                rules.extend(self.from_clause(clause))
        for instances in self.program.instances.values():
            for instance in instances:
                if id(instance.rule) in grounded:
                    rules.extend(self.from_instance(instance))
        for atom in self.program.instances:
            if str(atom[0]) in self.apart:
                rules.extend(self.bridge(atom))
        return tuple(rules)

    def copies(self, predicate: str) -> tuple[str, ...]:
        return (CERTAIN, POSSIBLE) if predicate in self.open or predicate in INPUTS else ("",)

    def side(self, predicate: str, copy: str, negated: bool) -> str:
        """Which copy of a predicate a literal looks at."""
        if predicate not in self.open and predicate != "finding":
            return ""
        return _OTHER[copy] if negated else copy

    # rules with variables
    def from_clause(self, clause: Clause) -> Iterator[PlainRule]:
        head = clause.rule.head
        assert head is not None
        for copy in self.copies(head.predicate):
            alternatives = [
                self.element(clause, element, CERTAIN if place in clause.rule.settled else copy)
                for place, element in enumerate(clause.rule.body)
            ]
            goal = Goal(head.predicate + copy, self.terms(clause, head))
            for choice in product(*alternatives):
                yield PlainRule(goal, tuple(part for parts in choice for part in parts), clause.rule)

    def terms(self, clause: Clause, atom: tree.Atom) -> tuple[Var | Constant, ...]:
        return tuple(
            (_P if t.name == clause.patient else Var(t.name)) if isinstance(t, tree.Variable) else constant(t)
            for t in atom.terms
        )

    def element(self, clause: Clause, element: tree.Element, copy: str) -> Alternatives:
        match element:
            case tree.Literal(atom, negated):
                terms = self.terms(clause, atom)
                if atom.predicate == MEASURE:
                    value = atom.terms[2]
                    assert isinstance(value, tree.Variable)
                    return [(Goal(MEASURE, (*terms[:2], Var(value.name + ".lo"), Var(value.name + ".hi"))),)]
                return [(Goal(atom.predicate + self.side(atom.predicate, copy, negated), terms, negated),)]
            case tree.Comparison():
                if clause.defines(element):
                    return [()]
                if clause.is_measured(element):
                    return self.measured(clause, element, copy)
                assert not isinstance(element.right, tree.Range)
                left, right = _operand(element.left), _operand(element.right)
                return [(Test(element.operator, left, right),)]
            case tree.AtLeast():
                raise AssertionError("atleast is doubled from instances")

    def measured(self, clause: Clause, element: tree.Comparison, copy: str) -> Alternatives:
        left = clause.form(element.left)
        if isinstance(element.right, tree.Range):
            low, high = element.right.low, element.right.high
        else:
            left, low, high = left.plus(clause.form(element.right), -1), 0, 0
        # Two variables for one measure are one value, not two intervals.
        first: dict[tree.Term, str] = {}
        factors: dict[str, int] = {}
        for name, factor in left.coefficients.items():
            if name in clause.measures:
                own = first.setdefault(clause.measures[name], name)
                factors[own] = factors.get(own, 0) + factor
        ticks = next((self.ticks(clause, name) for name in factors), 1)
        bounds = [(c, Var(n + ".lo"), Var(n + ".hi")) for n, c in factors.items() if c]
        plain = [(c * ticks, Var(n)) for n, c in left.coefficients.items() if n not in clause.measures]
        return _bounded(
            bounds, plain, element.operator, (low - left.constant) * ticks, (high - left.constant) * ticks, copy
        )

    def ticks(self, clause: Clause, name: str) -> int:
        term = clause.measures[name]
        assert isinstance(term, tree.Symbol)
        return self.names.vocabulary.measures[term.name].ticks

    # ground instances
    def from_instance(self, instance: GroundRule) -> Iterator[PlainRule]:
        assert instance.head is not None
        for head_copy in self.copies(str(instance.head[0])):
            alternatives: list[Alternatives] = []
            extra: list[PlainRule] = []
            for place, element in enumerate(instance.elements):
                copy = CERTAIN if place in instance.settled else head_copy
                match element:
                    case GroundLiteral():
                        alternatives.append([(self.literal(element, copy),)])
                    case GroundComparison(terms, operator, low, high):
                        scans = tuple(Goal(MEASURE, (_P, n, Var(n + ".lo"), Var(n + ".hi"))) for n, _ in terms)
                        bounds = [(c, Var(n + ".lo"), Var(n + ".hi")) for n, c in terms]
                        alternatives.append(
                            [(*scans, *rest) for rest in _bounded(bounds, [], operator, low, high, copy)]
                        )
                    case GroundAtLeast():
                        goal, rules = self.counted(element, copy, instance)
                        alternatives.append([(goal,)])
                        extra.extend(rules)
                    case Given():
                        pass
            head = self.goal(instance.head, head_copy)
            anchor: tuple[Goal, ...] = (Goal("patient", (_P,)),) if _P in head.terms else ()
            for choice in product(*alternatives):
                yield PlainRule(
                    head, (*anchor, *dict.fromkeys(part for parts in choice for part in parts)), instance.rule
                )
            yield from extra

    def goal(self, atom: Atom, copy: str, *, negated: bool = False) -> Goal:
        """A ground atom as a goal; atoms taken apart have a predicate of their own."""
        predicate = str(atom[0])
        suffix = self.side(predicate, copy, negated)
        patient: tuple[Var | Constant, ...] = (_P,) if self.names.predicates[predicate].about_patient else ()
        if predicate in self.apart:
            return Goal(atom_text(atom) + suffix, patient, negated)
        return Goal(predicate + suffix, (*patient, *atom[1:]), negated)

    def literal(self, literal: GroundLiteral, copy: str) -> Goal:
        return self.goal(literal.atom, copy, negated=literal.negated)

    def bridge(self, atom: Atom) -> Iterator[PlainRule]:
        predicate = str(atom[0])
        patient: tuple[Var | Constant, ...] = (_P,) if self.names.predicates[predicate].about_patient else ()
        for copy in self.copies(predicate):
            inner = self.goal(atom, copy)
            if atom in self.program.facts:
                yield PlainRule(inner, (Goal("patient", (_P,)),) if patient else (), None)
            yield PlainRule(Goal(predicate + copy, (*patient, *atom[1:])), (inner,), None)

    def counted(self, element: GroundAtLeast, copy: str, instance: GroundRule) -> tuple[Goal, list[PlainRule]]:
        """`atleast` as a chain: among the first j members at least k hold. Cells that cannot matter are left out."""
        number, total = next(self.numbers), len(element.members)
        assert instance.head is not None
        patient = (_P,) if self.names.predicates[str(instance.head[0])].about_patient else ()
        anchor = (Goal("patient", patient),) if patient else ()

        def cell(members: int, needed: int) -> Goal:
            return Goal(f"atleast@{number}.{members}.{needed}{copy}", patient)

        rules: list[PlainRule] = []
        goal = cell(total, element.count)
        if element.count == 0:
            rules.append(PlainRule(goal, anchor, instance.rule))
        todo, done = [(total, element.count)], {(total, element.count)}
        while todo:
            members, needed = todo.pop()
            if needed == 0 or needed > members:
                continue
            last = self.literal(element.members[members - 1], copy)
            steps = [((members - 1, needed), ()), ((members - 1, needed - 1), (last,))]
            for (before, fewer), conditions in steps:
                if fewer > before:
                    continue
                body = (*anchor, *conditions) if fewer == 0 else (cell(before, fewer), *conditions)
                rules.append(PlainRule(cell(members, needed), body, instance.rule))
                if fewer and (before, fewer) not in done:
                    done.add((before, fewer))
                    todo.append((before, fewer))
        return goal, rules


def _must_be_grounded(clause: Clause) -> bool:
    return any(isinstance(e, tree.AtLeast) for e in clause.rule.body) or any(
        isinstance(term, tree.Variable) for term in clause.measures.values()
    )


def _bounded(
    bounds: Sequence[tuple[int, Var, Var]],
    plain: Sequence[tuple[int, Var]],
    operator: str,
    low: int,
    high: int,
    copy: str,
) -> Alternatives:
    """A measured comparison over interval ends, certain or possible, as one or more alternatives."""
    least = Sum((*((c, lo if c > 0 else hi) for c, lo, hi in bounds), *plain))
    most = Sum((*((c, hi if c > 0 else lo) for c, lo, hi in bounds), *plain))

    def test(end: Sum, op: str, bound: int) -> Test:
        return Test(op, end, Sum((), bound))

    certain = copy == CERTAIN
    match operator:
        case ">=" | ">":
            return [(test(least, operator, high) if certain else test(most, operator, low),)]
        case "<=" | "<":
            return [(test(most, operator, low) if certain else test(least, operator, high),)]
        case "=":
            return [
                (test(least, ">=", low), test(most, "<=", low))
                if certain
                else (test(least, "<=", low), test(most, ">=", low))
            ]
        case _:
            if certain:
                return [(test(least, ">", low),), (test(most, "<", low),)]
            return [(test(least, "!=", low),), (test(most, "!=", low),)]


def _operand(expression: tree.Expression) -> Operand:
    match expression:
        case tree.Variable(name):
            return Sum(((1, Var(name)),))
        case tree.Negative(operand):
            return Product("*", Sum((), -1), _operand(operand))
        case tree.Arithmetic(operator, left, right):
            return Product(operator, _operand(left), _operand(right))
        case _:
            return Sum((), constant(expression))
