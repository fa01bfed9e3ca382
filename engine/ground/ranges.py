"""Replace every threshold range by one of its ends: the guideline at its most lenient, or at its strictest."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from guidelog.language import tree


class Ranges(Enum):
    """What a threshold range `a..b` stands for: itself, its low end, or its high end."""

    KEPT = "kept"
    LOW = "low"
    HIGH = "high"


def at_end(program: tree.Program, ranges: Ranges) -> tree.Program:
    """The program with each range `a..b` replaced by `a` (LOW) or `b` (HIGH); as it is for KEPT."""
    if ranges is Ranges.KEPT:
        return program
    return replace(
        program, statements=tuple(_rule(s, ranges) if isinstance(s, tree.Rule) else s for s in program.statements)
    )


def has_ranges(program: tree.Program) -> bool:
    """Whether any rule leaves a threshold between two numbers."""
    return any(
        isinstance(e, tree.Comparison) and isinstance(e.right, tree.Range) for rule in program.rules for e in rule.body
    )


def _rule(rule: tree.Rule, ranges: Ranges) -> tree.Rule:
    return replace(rule, body=tuple(_element(element, ranges) for element in rule.body))


def _element(element: tree.Element, ranges: Ranges) -> tree.Element:
    if isinstance(element, tree.Comparison) and isinstance(element.right, tree.Range):
        end = element.right.low if ranges is Ranges.LOW else element.right.high
        return replace(element, right=tree.Number(end, element.right.span))
    return element
