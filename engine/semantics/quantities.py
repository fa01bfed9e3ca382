"""What a comparison of measures looks at: a sum, and the numbers from which on its value changes.

Every comparison says of a sum of measures that it is at least some whole number (in ticks), the opposite, or that it
lies between two such numbers. Sums are written in one way, so that `X - Y >= 2` and `Y - X < 7` look at the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

from guidelog.ground.program import GroundComparison

Sum: TypeAlias = tuple[tuple[str, int], ...]
"""Measures (or one finding) with factors: sorted by name, without a common divisor, the first factor positive."""
RangeKey: TypeAlias = tuple[Sum, int, int]
"""A threshold range: the sum that is compared, and the cuts that belong to its low and its high end."""


def quantity(terms: Iterable[tuple[str, int]]) -> tuple[Sum, int]:
    """The sum that the terms are a whole multiple of, and that multiple (never 0); the empty sum of none."""
    ordered = sorted(terms)
    if not ordered:
        return (), 1
    multiple = math.gcd(*(factor for _, factor in ordered))
    multiple = -multiple if ordered[0][1] < 0 else multiple
    return tuple((name, factor // multiple) for name, factor in ordered), multiple


def thresholds(coefficient: int, operator: str, bound: int) -> tuple[str, list[int]]:
    """`coefficient * x operator bound` over whole x as `x >= cut`, `x < cut`, or `=`/`!=` between two cuts."""
    if coefficient < 0:
        coefficient, bound = -coefficient, -bound
        operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
    up = -(-bound // coefficient)  # the least x with coefficient * x >= bound
    over = bound // coefficient + 1  # the least x with coefficient * x > bound
    match operator:
        case ">=":
            return ">=", [up]
        case ">":
            return ">=", [over]
        case "<":
            return "<", [up]
        case "<=":
            return "<", [over]
        case _:
            return operator, [up, over]


def range_of(comparison: GroundComparison) -> RangeKey:
    """The threshold range of a comparison that has one."""
    found, multiple = quantity(comparison.terms)
    ends = (thresholds(multiple, comparison.operator, end)[1][0] for end in (comparison.low, comparison.high))
    low, high = ends
    return found, low, high
