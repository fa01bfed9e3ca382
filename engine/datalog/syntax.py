"""The ordinary Datalog that backends get.

A `PlainRule` has positive and negated literals and comparisons of linear whole-number expressions; no ranges, no
`atleast`, no three values. `origin` is the author's rule that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from guidelog.ground.joins import Constant
from guidelog.language import tree


@dataclass(frozen=True, slots=True)
class Var:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Goal:
    """`predicate(terms)`; `negated` only in bodies."""

    predicate: str
    terms: tuple[Var | Constant, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """`constant + sum of coefficient * variable`; with a name or string as `constant` it stands alone."""

    terms: tuple[tuple[int, Var], ...]
    constant: Constant = 0


@dataclass(frozen=True, slots=True)
class Product:
    """`left * right` of plain numbers, and nested sums of such: arithmetic that is not linear."""

    operator: str
    left: Operand
    right: Operand


Operand: TypeAlias = Sum | Product


@dataclass(frozen=True, slots=True)
class Test:
    """`left operator right`; an `=` with one unbound variable on a side gives it its value."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class PlainRule:
    """`head :- body`, with the author's rule it came from."""

    head: Goal
    body: tuple[Goal | Test, ...]
    origin: tree.Rule | None

    @property
    def positives(self) -> tuple[Goal, ...]:
        return tuple(g for g in self.body if isinstance(g, Goal) and not g.negated)

    @property
    def goals(self) -> tuple[Goal, ...]:
        return tuple(g for g in self.body if isinstance(g, Goal))


def variables(operand: Operand) -> Iterator[str]:
    """The variables of an operand."""
    match operand:
        case Sum(terms):
            for _, variable in terms:
                yield variable.name
        case Product(_, left, right):
            yield from variables(left)
            yield from variables(right)


def render_rule(rule: PlainRule) -> str:
    """The rule as text, for people who debug rewrites."""
    body = ", ".join(_render(part) for part in rule.body)
    return f"{_render(rule.head)} :- {body}." if body else f"{_render(rule.head)}."


def _render(part: Goal | Test) -> str:
    match part:
        case Goal(predicate, terms, negated):
            inner = ", ".join(t.name if isinstance(t, Var) else str(t) for t in terms)
            return f"{'!' if negated else ''}{predicate}({inner})"
        case Test(operator, left, right):
            return f"{_operand(left)} {operator} {_operand(right)}"


def _operand(operand: Operand) -> str:
    match operand:
        case Sum(terms, constant):
            parts = [f"{'' if c == 1 else f'{c}*'}{v.name}" for c, v in terms]
            return " + ".join(parts + ([str(constant)] if constant != 0 or not parts else []))
        case Product(operator, left, right):
            return f"({_operand(left)} {operator} {_operand(right)})"
