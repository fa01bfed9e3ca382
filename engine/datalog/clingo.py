"""clingo as a second engine, to check the first one with.

It evaluates the same layers as one program and owes the order of evaluation, the recursion and the treatment of
negation to nobody but clingo. clingo reads text, and this text is made of encoded names only: predicates are `q0`,
`q1`, …, variables `V0`, `V1`, …, names and strings numbers into a table. Arithmetic and comparisons are computed here,
in whole numbers of any size, because clingo's have 32 bits and wrap around silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guidelog.ground.joins import Constant, compare

from .backend import Row, Rows
from .strata import Layer
from .syntax import Goal, Operand, PlainRule, Product, Sum, Test, Var, variables

if TYPE_CHECKING:
    from clingo import Symbol


class Clingo:
    """The clingo backend; safe to share between threads, because an evaluation keeps nothing."""

    name = "clingo"

    def evaluate(self, layers: Iterable[Layer], inputs: Rows) -> dict[str, set[Row]]:
        """The rows of all predicates that the layers define."""
        rules = [rule for layer in layers for group in (*layer.recursive, layer.rules) for rule in group]
        return _Program(rules, inputs).solve()


@dataclass
class _Program:
    """One evaluation: encodes, has it solved, decodes."""

    rules: list[PlainRule]
    inputs: Rows
    predicates: dict[tuple[str, int], str] = field(default_factory=dict)
    constants: dict[tuple[type, Constant], int] = field(default_factory=dict)
    values: list[Constant] = field(default_factory=list)
    tests: list[Callable[[tuple[Constant, ...]], Constant]] = field(default_factory=list)
    failure: Exception | None = None

    def solve(self) -> dict[str, set[Row]]:
        import clingo

        heads = {rule.head.predicate for rule in self.rules}
        control = clingo.Control(["--warn=none", "0"], logger=lambda _code, _message: None)
        control.add("base", [], "\n".join((*self.facts(heads), *map(self.rule, self.rules))))
        control.ground([("base", [])], context=self)
        if self.failure is not None:
            raise self.failure
        found: dict[str, set[Row]] = {head: set() for head in heads}
        names = {(symbol, arity): name for (name, arity), symbol in self.predicates.items()}
        models = 0
        with control.solve(yield_=True) as handle:
            for model in handle:
                models += 1
                for symbol in model.symbols(atoms=True):
                    name = names[symbol.name, len(symbol.arguments)]
                    if name in heads:
                        found[name].add(tuple(map(self.decode, symbol.arguments)))
        if models != 1:
            raise ValueError(f"the program has {models} stable models, so it is not stratified")
        return found

    # program text
    def facts(self, heads: set[str]) -> Iterator[str]:
        used = {(goal.predicate, len(goal.terms)) for rule in self.rules for goal in rule.goals}
        for predicate, arity in used:
            for row in () if predicate in heads else self.inputs.get(predicate, ()):
                if len(row) == arity:
                    yield f"{self.atom(predicate, map(self.constant, row))}."

    def rule(self, rule: PlainRule) -> str:
        numbers: dict[str, str] = {}

        def variable(name: str) -> str:
            return numbers.setdefault(name, f"V{len(numbers)}")

        def goal(goal: Goal) -> str:
            terms = (variable(t.name) if isinstance(t, Var) else self.constant(t) for t in goal.terms)
            return ("not " if goal.negated else "") + self.atom(goal.predicate, terms)

        head = goal(rule.head)
        body = [goal(part) for part in rule.body if isinstance(part, Goal)]
        bound = {t.name for g in rule.positives for t in g.terms if isinstance(t, Var)}
        tests = [part for part in rule.body if isinstance(part, Test)]
        while tests:
            test, target = next(((t, x) for t in tests if (x := _target(t, bound)) is not None), (tests[0], ""))
            tests.remove(test)
            body.append(self.test(test, target, variable))
            if target:
                bound.add(target)
        return f"{head} :- {', '.join(body)}." if body else f"{head}."

    def test(self, test: Test, target: str, variable: Callable[[str], str]) -> str:
        """`V2 = @compute(4,V0,V1)` where the test gives a variable its value, else `@compute(4,V0,V1) = 1`."""
        given = tuple(
            dict.fromkeys(name for side in (test.left, test.right) for name in variables(side) if name != target)
        )

        def compute(values: tuple[Constant, ...]) -> Constant:
            known = dict(zip(given, values, strict=True))
            if target:
                return _value(test.right if _alone(test.left) == target else test.left, known)
            return int(compare(_value(test.left, known), test.operator, _value(test.right, known)))

        self.tests.append(compute)
        call = f"@compute({','.join((str(len(self.tests) - 1), *map(variable, given)))})"
        return f"{variable(target)} = {call}" if target else f"{call} = {self.constant(1)}"

    def atom(self, predicate: str, terms: Iterable[str]) -> str:
        encoded = tuple(terms)
        symbol = self.predicates.setdefault((predicate, len(encoded)), f"q{len(self.predicates)}")
        return f"{symbol}({','.join(encoded)})" if encoded else symbol

    def constant(self, value: Constant) -> str:
        """A constant as its number in the table; names, strings and numbers never meet."""
        key = (type(value), value)
        if type(value) not in (int, str):
            raise TypeError(f"not a whole number or a name: {value!r}")
        if key not in self.constants:
            self.constants[key] = len(self.values)
            self.values.append(value)
        return str(self.constants[key])

    # what clingo calls while it grounds
    def compute(self, test: Symbol, *arguments: Symbol) -> Symbol:
        """The value of a test for the values of its variables.

        clingo would go on after an exception as if there were no value, so it is kept.
        """
        import clingo

        try:
            value = self.tests[test.number](tuple(map(self.decode, arguments)))
            return clingo.Number(int(self.constant(value)))
        except Exception as error:
            self.failure = self.failure or error
            raise

    def decode(self, symbol: Symbol) -> Constant:
        return self.values[symbol.number]


def _target(test: Test, bound: set[str]) -> str | None:
    """The variable that the test gives its value; an empty text for a test of bound ones, None when it must wait."""
    left, right = set(variables(test.left)) - bound, set(variables(test.right)) - bound
    if not left and not right:
        return ""
    if test.operator == "=":
        if not right and (name := _alone(test.left)) is not None:
            return name
        if not left and (name := _alone(test.right)) is not None:
            return name
    return None


def _alone(operand: Operand) -> str | None:
    """The variable that an operand is and nothing else."""
    match operand:
        case Sum(((1, Var(name)),), 0):
            return name
        case _:
            return None


def _value(operand: Operand, known: Mapping[str, Constant]) -> Constant:
    match operand:
        case Sum((), constant):
            return constant
        case Sum(((1, Var(name)),), 0):
            return known[name]
        case Sum(terms, constant):
            return sum((factor * _number(known[v.name]) for factor, v in terms), _number(constant))
        case Product("+", left, right):
            return _number(_value(left, known)) + _number(_value(right, known))
        case Product("-", left, right):
            return _number(_value(left, known)) - _number(_value(right, known))
        case Product(_, left, right):
            return _number(_value(left, known)) * _number(_value(right, known))


def _number(value: Constant) -> int:
    if not isinstance(value, int):
        raise TypeError(f"arithmetic on {value!r}")
    return value
