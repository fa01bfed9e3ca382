"""pyDatalog as the inference engine for one patient.

Clauses are built from pyDatalog's objects, never from text. What pyDatalog 0.22.4 does wrong is kept away from it
(each point has a test in tests/semantics/test_pydatalog_guards.py):

* it gets one layer at a time, so that it never sees a loop through negation;
* recursive components run as our own semi-naive rounds of non-recursive rules;
* every evaluation has a fresh `Logic`, and the thread's own is put back afterwards, so that nothing is shared or left
behind;
* predicates are renamed and names encoded, so that no name means something to pyDatalog and `1`, `True`, `"1"` stay
apart;
* numbers are whole; anything else is refused before it is asserted;
* literals are ordered here: positive ones, then bindings, comparisons, negation.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from guidelog.ground.joins import Constant

from .backend import Row, Rows
from .strata import Layer
from .syntax import Goal, Operand, PlainRule, Product, Sum, Test, Var, variables

with warnings.catch_warnings():
    # pyDatalog's source has an invalid escape, which Python 3.12 and later report when it is first compiled.
    warnings.simplefilter("ignore", SyntaxWarning)
    from pyDatalog import pyEngine
    from pyDatalog.Logic import Logic

_NEW = "+"  # marks the rows of the last round in the name of a predicate


class PyDatalog:
    """The pyDatalog backend; safe to share between threads, because an evaluation keeps nothing."""

    name = "pydatalog"

    def evaluate(self, layers: Iterable[Layer], inputs: Rows) -> dict[str, set[Row]]:
        """The rows of all predicates that the layers define."""
        known: dict[str, set[Row]] = {name: set(rows) for name, rows in inputs.items()}
        derived: dict[str, set[Row]] = {}
        for layer in layers:
            for component in layer.recursive:
                found = _fixpoint(component, known)
                known.update(found)
                derived.update(found)
            if layer.rules:
                found = _solve(layer.rules, known)
                known.update(found)
                derived.update(found)
        return derived


def _fixpoint(rules: Sequence[PlainRule], known: Mapping[str, set[Row]]) -> dict[str, set[Row]]:
    """A recursive component: the rules once, then over what the last round added, until nothing is new."""
    heads = {rule.head.predicate for rule in rules}
    found: dict[str, set[Row]] = {head: set() for head in heads}
    starts = [rule for rule in rules if not any(goal.predicate in heads for goal in rule.goals)]
    steps = [version for rule in rules for version in _last_round_versions(rule, heads)]
    with _fresh_logic():
        session = _Session({name: rows for name, rows in known.items() if name not in heads})
        new = session.solve(starts)
        while any(new.values()):
            for head in heads:
                rows = new.get(head, set())
                found[head] |= rows
                session.tell(head, rows)
                session.forget(head + _NEW)
                session.tell(head + _NEW, rows)
            new = {head: rows - found[head] for head, rows in session.solve(steps).items()}
    return found


def _last_round_versions(rule: PlainRule, heads: set[str]) -> list[PlainRule]:
    """One version of the rule for each recursive literal, which then looks at the rows of the last round only."""
    places = [i for i, part in enumerate(rule.body) if isinstance(part, Goal) and part.predicate in heads]
    versions = []
    for place in places:
        goal = rule.body[place]
        assert isinstance(goal, Goal)
        body = (*rule.body[:place], replace(goal, predicate=goal.predicate + _NEW), *rule.body[place + 1 :])
        versions.append(replace(rule, body=body))
    return versions


def _solve(rules: Sequence[PlainRule], known: Mapping[str, set[Row]]) -> dict[str, set[Row]]:
    """The rows that rules without recursion give."""
    heads = {rule.head.predicate for rule in rules}
    with _fresh_logic():
        return _Session({name: rows for name, rows in known.items() if name not in heads}).solve(rules)


@contextmanager
def _fresh_logic() -> Iterator[None]:
    """A fresh `Logic` for this thread, and the thread's own back afterwards: the fresh one holds a patient's facts."""
    previous = getattr(Logic.tl, "logic", None)
    try:
        Logic()
        yield
    finally:
        if previous is None:
            del Logic.tl.logic
        else:
            Logic.tl.logic = previous


class _Session:
    """The fresh logic at work: encodes, asserts, asks, decodes. Rows are asserted when a rule first looks at them.

    What `solve` derives is not kept for the next call unless it is told.
    """

    def __init__(self, known: Mapping[str, set[Row]]) -> None:
        self.known = known
        self.symbols: dict[tuple[str, int], str] = {}
        self.told: dict[str, list[set[Row]]] = {}
        self.derived: dict[str, str] = {}
        self.count = 0

    def solve(self, rules: Sequence[PlainRule]) -> dict[str, set[Row]]:
        """The rows of the heads. A body sees what was told of a head's predicate, else what the rules give."""
        widths = {rule.head.predicate: len(rule.head.terms) for rule in rules}
        if not widths:
            return {}
        self.derived = {head: self.fresh() for head in widths}
        for rule in rules:
            pyEngine.assert_(self.clause(rule))
        return self.ask(widths)

    def tell(self, predicate: str, rows: set[Row]) -> None:
        """More rows of a predicate."""
        self.told.setdefault(predicate, []).append(rows)
        for (name, _), symbol in self.symbols.items():
            if name == predicate:
                _assert_rows(symbol, rows)

    def forget(self, predicate: str) -> None:
        """What was told of a predicate: the next rules that name it look at another one."""
        self.told.pop(predicate, None)
        self.symbols = {key: symbol for key, symbol in self.symbols.items() if key[0] != predicate}

    def fresh(self) -> str:
        self.count += 1
        return f"q{self.count}"

    def symbol(self, predicate: str, arity: int) -> str:
        """The predicate's name in pyDatalog, with its rows."""
        if predicate in self.derived and predicate not in self.told:
            return self.derived[predicate]
        key = (predicate, arity)
        if key not in self.symbols:
            symbol = self.symbols[key] = self.fresh()
            pyEngine.insert(pyEngine.Pred(symbol, arity))
            for rows in (self.known.get(predicate, ()), *self.told.get(predicate, ())):
                _assert_rows(symbol, rows)
        return self.symbols[key]

    def literal(self, goal: Goal) -> Any:
        symbol = self.symbol(goal.predicate, len(goal.terms))
        return pyEngine.Literal(("~" if goal.negated else "") + symbol, [_term(t) for t in goal.terms])

    def clause(self, rule: PlainRule) -> Any:
        head = pyEngine.Literal(self.derived[rule.head.predicate], [_term(t) for t in rule.head.terms])
        return pyEngine.Clause(head, [self.part(p) for p in _ordered_body(rule)])

    def part(self, part: Goal | Test) -> Any:
        if isinstance(part, Goal):
            return self.literal(part)
        operator = "==" if part.operator == "=" else part.operator
        return pyEngine.Literal(operator, [_operand(part.left), _operand(part.right)])

    def ask(self, widths: Mapping[str, int]) -> dict[str, set[Row]]:
        """One question for all heads, so that they share pyDatalog's tables."""
        heads = list(widths)
        width = max(widths.values())
        answer = self.fresh()
        pad = pyEngine.Const("-")
        for number, head in enumerate(heads):
            columns = [pyEngine.Var(f"X{i}") for i in range(widths[head])]
            goal = pyEngine.Literal(answer, [pyEngine.Const(number), *columns, *[pad] * (width - widths[head])])
            pyEngine.assert_(pyEngine.Clause(goal, [pyEngine.Literal(self.derived[head], list(columns))]))
        question = pyEngine.Literal(answer, [pyEngine.Var(f"X{i}") for i in range(width + 1)])
        found: dict[str, set[Row]] = {head: set() for head in heads}
        for number, *row in question.ask():
            head = heads[number]
            found[head].add(tuple(_decode(v) for v in row[: widths[head]]))
        return found


def _assert_rows(symbol: str, rows: Iterable[Row]) -> None:
    for row in rows:
        pyEngine.assert_(pyEngine.Clause(pyEngine.Literal(symbol, [_const(v) for v in row]), []))


_orders: dict[int, tuple[PlainRule, list[Goal | Test]]] = {}
_MOST_ORDERS = 20_000


def _ordered_body(rule: PlainRule) -> list[Goal | Test]:
    """The body in order, worked out once for each rule; by identity, because rules are large to compare."""
    known = _orders.get(id(rule))
    if known is not None and known[0] is rule:
        return known[1]
    if len(_orders) >= _MOST_ORDERS:
        _orders.clear()
    body = ordered(rule.body)
    _orders[id(rule)] = (rule, body)
    return body


def ordered(body: Sequence[Goal | Test]) -> list[Goal | Test]:
    """The body in an order in which pyDatalog finds every variable bound.

    Positive literals that share variables near each other, comparisons as soon as they can be computed,
    `X = expression` with X on the left, negation last.
    """
    positives = [p for p in body if isinstance(p, Goal) and not p.negated]
    tests = [p for p in body if isinstance(p, Test)]
    negatives = [p for p in body if isinstance(p, Goal) and p.negated]
    bound: set[str] = set()
    result: list[Goal | Test] = []

    def settle() -> None:
        progress = True
        while progress:
            progress = False
            for test in list(tests):
                ready = _ready(test, bound)
                if ready is not None:
                    tests.remove(test)
                    result.append(ready)
                    bound.update(variables(ready.left))
                    progress = True

    settle()
    while positives:
        best = max(
            positives,
            key=lambda g: sum(not isinstance(t, Var) or t.name in bound for t in g.terms) - 0.1 * len(g.terms),
        )
        positives.remove(best)
        result.append(best)
        bound.update(t.name for t in best.terms if isinstance(t, Var))
        settle()
    if tests:
        raise ValueError("unsafe rule")
    return [*result, *negatives]


def _ready(test: Test, bound: set[str]) -> Test | None:
    left, right = set(variables(test.left)) - bound, set(variables(test.right)) - bound
    if not left and not right:
        return test
    if test.operator == "=":
        if not right and _is_variable(test.left):
            return test
        if not left and _is_variable(test.right):
            return replace(test, left=test.right, right=test.left)
    return None


def _is_variable(operand: Operand) -> bool:
    return isinstance(operand, Sum) and operand.constant == 0 and len(operand.terms) == 1 and operand.terms[0][0] == 1


def _const(value: Constant) -> Any:
    """Names and strings get a prefix: pyDatalog compares constants as Python does."""
    if isinstance(value, str):
        return pyEngine.Const("s" + value)
    if type(value) is not int:
        raise TypeError(f"not a whole number or a name: {value!r}")
    return pyEngine.Const(value)


def _decode(value: Any) -> Constant:
    if isinstance(value, str):
        return value[1:]
    if type(value) is not int:
        # pyDatalog turns an exception in arithmetic into a value.
        raise ArithmeticError(f"pyDatalog computed {value!r}")
    return value


def _term(term: Var | Constant) -> Any:
    return pyEngine.Var(term.name) if isinstance(term, Var) else _const(term)


def _operand(operand: Operand) -> Any:
    match operand:
        case Sum((), constant):
            return _const(constant)
        case Sum(terms, constant):
            parts = [
                pyEngine.Var(v.name) if c == 1 else pyEngine.Operation(pyEngine.Const(c), "*", pyEngine.Var(v.name))
                for c, v in terms
            ]
            total = parts[0]
            for part in parts[1:]:
                total = pyEngine.Operation(total, "+", part)
            return pyEngine.Operation(total, "+", _const(constant)) if constant != 0 else total
        case Product(operator, left, right):
            return pyEngine.Operation(_operand(left), operator, _operand(right))
