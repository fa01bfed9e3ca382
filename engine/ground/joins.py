"""Joins over the rows of relations: the machinery under grounding.

A body's positive literals and plain comparisons are put into an order in which each can be computed, and solved with
indexes on whatever is bound. Rows are tuples of constants; nothing here knows patients, measures or negation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from guidelog.diagnostics import InputError
from guidelog.language import tree

Constant: TypeAlias = str | int
Row: TypeAlias = tuple[Constant, ...]

LARGEST_NUMBER = 10**15


def constant(term: tree.Constant) -> Constant:
    """A constant's value: a number, a name, or a string in its quotes."""
    match term:
        case tree.Number(value):
            return value
        case tree.Symbol(name):
            return name
        case tree.Text(text):
            return json.dumps(text, ensure_ascii=False)


@dataclass
class Relation:
    """Rows of a predicate, indexed on demand by the columns that are bound."""

    rows: dict[Row, None] = field(default_factory=dict)
    order: list[Row] = field(default_factory=list)
    indexes: dict[tuple[int, ...], dict[tuple[Constant, ...], list[Row]]] = field(default_factory=dict)

    def add(self, row: Row) -> bool:
        if row in self.rows:
            return False
        self.rows[row] = None
        self.order.append(row)
        for columns, index in self.indexes.items():
            index.setdefault(tuple(row[c] for c in columns), []).append(row)
        return True

    def matching(self, columns: tuple[int, ...], key: tuple[Constant, ...]) -> Sequence[Row]:
        if not columns:
            return self.order
        if columns not in self.indexes:
            index: dict[tuple[Constant, ...], list[Row]] = {}
            for row in self.order:
                index.setdefault(tuple(row[c] for c in columns), []).append(row)
            self.indexes[columns] = index
        return self.indexes[columns].get(key, ())


@dataclass(frozen=True, slots=True)
class Scan:
    """Match a positive literal: known columns, new variables."""

    predicate: str
    terms: tuple[tree.Term, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """Keep what satisfies a comparison."""

    comparison: tree.Comparison


@dataclass(frozen=True, slots=True)
class Bind:
    """Give a variable the value of an expression."""

    name: str
    expression: tree.Expression


Step: TypeAlias = Scan | Test | Bind


class Relations:
    """The rows of all predicates, and the joins over them."""

    def __init__(self) -> None:
        self._relations: dict[str, Relation] = {}

    def relation(self, predicate: str) -> Relation:
        """The rows of a predicate, none at first."""
        if predicate not in self._relations:
            self._relations[predicate] = Relation()
        return self._relations[predicate]

    def order(self, scans: Iterable[Scan], tests: Iterable[tree.Comparison], bound: Iterable[str]) -> tuple[Step, ...]:
        """The steps in an order in which each can be computed; literals with most columns bound first."""
        known, left, waiting = set(bound), list(scans), list(tests)
        steps: list[Step] = []
        while left or waiting:
            ready = next((t for t in waiting if _computable(t, known) is not None), None)
            if ready is not None:
                waiting.remove(ready)
                step = _computable(ready, known)
                assert step is not None
                steps.append(step)
                if isinstance(step, Bind):
                    known.add(step.name)
                continue
            assert left, "checked to be safe"
            best = max(left, key=lambda s: (_bound_columns(s, known), -len(self.relation(s.predicate).order)))
            left.remove(best)
            steps.append(best)
            known |= {t.name for t in best.terms if isinstance(t, tree.Variable)}
        return tuple(steps)

    def solve(self, plan: tuple[Step, ...], bound: dict[str, Constant]) -> Iterator[dict[str, Constant]]:
        """All substitutions under which the steps hold; an explicit stack, for bodies of any length."""
        stack: list[Iterator[dict[str, Constant]]] = [iter([bound])]
        while stack:
            substitution = next(stack[-1], None)
            if substitution is None:
                stack.pop()
            elif len(stack) > len(plan):
                yield substitution
            else:
                stack.append(self.advance(plan[len(stack) - 1], substitution))

    def advance(self, step: Step, bound: dict[str, Constant]) -> Iterator[dict[str, Constant]]:
        match step:
            case Scan(predicate, terms):
                columns: list[int] = []
                key: list[Constant] = []
                for index, term in enumerate(terms):
                    if not isinstance(term, tree.Variable):
                        columns.append(index)
                        key.append(constant(term))
                    elif term.name in bound:
                        columns.append(index)
                        key.append(bound[term.name])
                for row in self.relation(predicate).matching(tuple(columns), tuple(key)):
                    extended = self.unify(terms, row, bound)
                    if extended is not None:
                        yield extended
            case Test(comparison):
                assert not isinstance(comparison.right, tree.Range)
                if compare(value_of(comparison.left, bound), comparison.operator, value_of(comparison.right, bound)):
                    yield bound
            case Bind(name, expression):
                yield {**bound, name: value_of(expression, bound)}

    def unify(
        self, terms: tuple[tree.Term, ...], row: Row, bound: Mapping[str, Constant]
    ) -> dict[str, Constant] | None:
        extended = dict(bound)
        for term, value in zip(terms, row, strict=True):
            if isinstance(term, tree.Variable):
                if extended.setdefault(term.name, value) != value or type(extended[term.name]) is not type(value):
                    return None
            elif constant(term) != value:
                return None
        return extended


def value_of(expression: tree.Expression, bound: Mapping[str, Constant]) -> Constant:
    """The value of a plain expression. Raises InputError (GL502) when a number grows too large."""
    match expression:
        case tree.Variable(name):
            return bound[name]
        case tree.Negative(operand):
            value = value_of(operand, bound)
            return -value if isinstance(value, int) else value
        case tree.Arithmetic(operator, left, right, span):
            first, second = value_of(left, bound), value_of(right, bound)
            if not (isinstance(first, int) and isinstance(second, int)):
                raise InputError.of("GL502", "arithmetic on something that is not a number", span=span)
            result = first + second if operator == "+" else first - second if operator == "-" else first * second
            if abs(result) > LARGEST_NUMBER:
                raise InputError.of("GL502", f"a number grows beyond {LARGEST_NUMBER:,}", span=span)
            return result
        case _:
            return constant(expression)


def compare(left: Constant, operator: str, right: Constant) -> bool:
    """A plain comparison; names are only equal or not."""
    if operator == "=":
        return type(left) is type(right) and left == right
    if operator == "!=":
        return type(left) is not type(right) or left != right
    if not (isinstance(left, int) and isinstance(right, int)):
        return False
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]


def _bound_columns(scan: Scan, bound: set[str]) -> int:
    return sum(not isinstance(t, tree.Variable) or t.name in bound for t in scan.terms)


def _computable(comparison: tree.Comparison, bound: set[str]) -> Test | Bind | None:
    """A test once all variables are bound; `X = expression` binds X as soon as the expression is."""
    if isinstance(comparison.right, tree.Range):
        return None
    left = {v.name for v in tree.variables_of(comparison.left)} - bound
    right = {v.name for v in tree.variables_of(comparison.right)} - bound
    if not left and not right:
        return Test(comparison)
    if comparison.operator == "=":
        if isinstance(comparison.left, tree.Variable) and len(left) == 1 and not right:
            return Bind(comparison.left.name, comparison.right)
        if isinstance(comparison.right, tree.Variable) and len(right) == 1 and not left:
            return Bind(comparison.right.name, comparison.left)
    return None
