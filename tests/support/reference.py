"""The meaning of a guideline for a patient of whom everything is known, from docs/language.md and the syntax tree
alone.

No grounding, no doubling, no strata, no engine: rules are matched one by one against what is held, and an alternating
fixpoint (Van Gelder 1989) takes care of negation. Ranges are read at one of their ends. It is slow and shares nothing
with what it checks but the syntax tree.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from guidelog.language.tree import (
    Arithmetic,
    AtLeast,
    Atom,
    Comparison,
    Element,
    Expression,
    Literal,
    Member,
    Negative,
    Number,
    Program,
    Range,
    Rule,
    Symbol,
    Term,
    Text,
    Variable,
    plain,
    variables_of,
)

Fact: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Amount:
    """`units` of a measure's unit, of `scale` ticks each, and `ticks` more. A plain number has no scale."""

    units: int
    ticks: int = 0
    scale: int | None = None


Bound: TypeAlias = "str | int | Amount"
Env: TypeAlias = dict[str, Bound]
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass
class Reference:
    """A guideline under chosen readings; `high` reads every range at its high end, otherwise at its low one."""

    program: Program
    readings: Mapping[str, str] = field(default_factory=dict)
    high: bool = False

    def __post_init__(self) -> None:
        self.about_patient = {"patient", "finding", "measure", "in_scope", "advise", "include", "note"}
        self.scales: dict[str, int] = {}
        for declaration in self.program.declarations:
            if declaration.keyword == "concept":
                self.about_patient.add(declaration.name)
            if declaration.keyword == "measure":
                unit = plain(declaration.values("unit")[0])
                self.scales[declaration.name] = {"week": 7000, "day": 1000}.get(unit, 1000)
        self.rules = [rule for rule in self.program.rules if self.counts(rule)]

    def counts(self, rule: Rule) -> bool:
        reading, option = rule.annotation("reading"), rule.annotation("option")
        return reading is None or option is None or self.readings[plain(reading)] == plain(option)

    def holds(self, findings: Mapping[str, bool], measures: Mapping[str, int]) -> set[Fact]:
        """Everything that is true of a patient; measures in ticks. Raises ValueError where the rules leave something
        open.
        """
        self.measures = measures
        self.given: set[Fact] = {("patient",), *(("finding", name) for name, present in findings.items() if present)}
        low: set[Fact] = set()
        while True:
            high = self.least(low)
            more = self.least(high)
            if more == low:
                break
            low = more
        if low != high:
            raise ValueError(f"not stratified: {sorted(map(str, high - low))}")
        return low - self.given

    def contradicts(self, findings: Mapping[str, bool], measures: Mapping[str, int]) -> bool:
        """Whether a background rule says that there is no such patient."""
        held = self.holds(findings, measures) | self.given
        self.index(held)
        return any(True for rule in self.rules if rule.head is None for _ in self.solve(list(rule.body), {}, held))

    def least(self, against: set[Fact]) -> set[Fact]:
        """What the rules give when exactly the atoms outside `against` are false."""
        held = set(self.given)
        before = -1
        while len(held) != before:
            before = len(held)
            self.index(held)
            for rule in self.rules:
                if rule.head is not None:
                    held |= {self.fact(rule.head, env) for env in self.solve(list(rule.body), {}, against)}
        return held

    def index(self, held: set[Fact]) -> None:
        self.held: dict[str | int, list[Fact]] = {}
        for fact in held:
            self.held.setdefault(fact[0], []).append(fact)

    # bodies
    def solve(self, body: list[Element], env: Env, against: set[Fact]) -> Iterator[Env]:
        if not body:
            yield env
            return
        place = next((i for i, element in enumerate(body) if self.ready(element, body, env)), None)
        if place is None:
            place = next(i for i, element in enumerate(body) if isinstance(element, Literal) and not element.negated)
        element, rest = body[place], [*body[:place], *body[place + 1 :]]
        for extended in self.match(element, env, against):
            yield from self.solve(rest, extended, against)

    def ready(self, element: Element, body: list[Element], env: Env) -> bool:
        """Whether an element that is not a positive literal can be decided or computed now."""
        match element:
            case Literal(atom, negated):
                return negated and all(v.name in env for v in self.terms(atom) if isinstance(v, Variable))
            case Comparison(op, left, right):
                waiting = {
                    v.name for e in body if isinstance(e, Literal) and not e.negated for v in variables_of(e)
                } - set(env)
                free = [{v.name for v in variables_of(side)} - set(env) for side in (left, right)]
                binds = op == "=" and any(
                    isinstance(side, Variable)
                    and free[i] == {side.name}
                    and not free[1 - i]
                    and side.name not in waiting
                    for i, side in enumerate((left, right))
                )
                return not (free[0] or free[1]) or binds
            case AtLeast():
                return all(isinstance(other, AtLeast) for other in body)

    def match(self, element: Element, env: Env, against: set[Fact]) -> Iterator[Env]:
        match element:
            case Literal(Atom("measure", (_, measure, Variable(value))), False):
                for name in self.scales:
                    extended = self.unify((measure,), (name,), env)
                    if extended is not None:
                        amount = Amount(0, self.measures[name], self.scales[name])
                        yield extended if value == "_" else {**extended, value: amount}
            case Literal(atom, True):
                if self.fact(atom, env) not in against:
                    yield env
            case Literal(atom, False):
                for fact in self.held.get(atom.predicate, ()):
                    extended = self.unify(self.terms(atom), fact[1:], env)
                    if extended is not None:
                        yield extended
            case Comparison(op, left, right):
                for one, other in ((left, right), (right, left)):
                    if op == "=" and isinstance(one, Variable) and one.name not in env and not isinstance(other, Range):
                        yield {**env, one.name: self.value(other, env)}
                        return
                if self.compare(op, left, right, env):
                    yield env
            case AtLeast(count, members):
                if len({literal for m in members for literal in self.members(m, env, against)}) >= count:
                    yield env

    def members(self, member: Member, env: Env, against: set[Fact]) -> Iterator[tuple[bool, Fact]]:
        """The ground literals of a member that hold."""
        for local in self.solve(list(member.conditions), env, against):
            fact = self.fact(member.literal.atom, local)
            if member.literal.negated:
                if fact not in against:
                    yield True, fact
            elif fact in self.held.get(fact[0], ()):
                yield False, fact

    def compare(self, op: str, left: Expression, right: Expression | Range, env: Env) -> bool:
        first = self.value(left, env)
        end: Expression = Number(right.high if self.high else right.low) if isinstance(right, Range) else right
        second = self.value(end, env)
        if isinstance(first, Amount) or isinstance(second, Amount):
            one, other = _amount(first), _amount(second)
            scale = one.scale or other.scale or 1
            return bool(COMPARE[op](one.units * scale + one.ticks, other.units * scale + other.ticks))
        if op in ("=", "!="):
            return (type(first) is type(second) and first == second) is (op == "=")
        return bool(COMPARE[op](first, second))

    def value(self, expression: Expression, env: Env) -> Bound:
        match expression:
            case Variable(name):
                return env[name]
            case Number() | Symbol() | Text():
                return constant(expression)
            case Negative(operand):
                return self.value(Arithmetic("-", Number(0), operand), env)
            case Arithmetic(op, left, right):
                first, second = self.value(left, env), self.value(right, env)
                if isinstance(first, int) and isinstance(second, int):
                    return {"+": first + second, "-": first - second, "*": first * second}[op]
                one, other = _amount(first), _amount(second)
                scale = one.scale or other.scale
                if op == "*":
                    if one.scale is not None:
                        one, other = other, one
                    return Amount(one.units * other.units, one.units * other.ticks, scale)
                sign = 1 if op == "+" else -1
                return Amount(one.units + sign * other.units, one.ticks + sign * other.ticks, scale)

    # atoms
    def terms(self, atom: Atom) -> tuple[Term, ...]:
        return atom.terms[1:] if atom.predicate in self.about_patient else atom.terms

    def fact(self, atom: Atom, env: Env) -> Fact:
        found: list[str | int] = [atom.predicate]
        for term in self.terms(atom):
            value = env[term.name] if isinstance(term, Variable) else constant(term)
            assert not isinstance(value, Amount)
            found.append(value)
        return tuple(found)

    def unify(self, terms: tuple[Term, ...], values: Fact, env: Env) -> Env | None:
        extended = dict(env)
        for term, value in zip(terms, values, strict=True):
            if isinstance(term, Variable):
                if term.name != "_":
                    known = extended.setdefault(term.name, value)
                    if known != value or type(known) is not type(value):
                        return None
            elif constant(term) != value:
                return None
        return extended


def constant(term: Number | Symbol | Text) -> str | int:
    match term:
        case Number(number):
            return number
        case Symbol(name):
            return name
        case Text(text):
            return json.dumps(text, ensure_ascii=False)


def _amount(value: Bound) -> Amount:
    if isinstance(value, Amount):
        return value
    assert isinstance(value, int)
    return Amount(value)
