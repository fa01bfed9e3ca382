"""Where comparisons of a single measure change their mind: cut points, in ticks."""

from __future__ import annotations

from collections.abc import Iterable

from guidelog.ground.ground import GroundComparison, GroundRule


def all_cuts(rules: Iterable[GroundRule]) -> dict[str, list[int]]:
    """For each measure the values from which on some comparison changes, ascending."""
    cuts: dict[str, set[int]] = {}
    for rule in rules:
        for element in rule.elements:
            if isinstance(element, GroundComparison) and len(element.terms) == 1:
                ((name, coefficient),) = element.terms
                for bound in {element.low, element.high}:
                    cuts.setdefault(name, set()).update(thresholds(coefficient, element.operator, bound)[1])
    return {name: sorted(found) for name, found in cuts.items()}


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
