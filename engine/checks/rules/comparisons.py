"""Check: like is compared with like (GL220, GL221)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Arithmetic, Comparison, Expression, Negative, Range

from ..codes import Code, place
from ..context import Context
from ..layout import Layout
from ..variables import Occurrence, kind_of, occurrences_of

ORDERED_NAMES = Code(
    "GL220",
    "names that are ordered",
    "Names and strings are equal or different; they are not larger or smaller.",
    bad='#[id = "A"]\nalarm(P) :- finding(P, F), finding(P, G), F < G.',
    good='#[id = "A"]\nalarm(P) :- finding(P, F), finding(P, G), F != G.',
)
UNLIKE = Code(
    "GL221",
    "comparison of unlike things",
    "Numbers are compared and computed with numbers, names are compared with names, and the patient is not compared "
    "at all.",
    bad='#[id = "A"]\nalarm(P) :- measure(P, waiting_weeks, W), W >= long.',
    good='#[id = "A"]\nalarm(P) :- measure(P, waiting_weeks, W), W >= 6.',
)
CODES = (ORDERED_NAMES, UNLIKE)

_WORDS = {"name": "a name", "number": "a number", "measured": "a measured number", "patient": "the patient"}


def check_comparisons(context: Context) -> Iterator[Diagnostic]:
    """Comparisons between names and numbers, and orders on names."""
    for layout in context.layouts:
        if layout.comparisons:
            occurrences = occurrences_of(layout)
            for comparison in layout.comparisons:
                problem = _problem(layout, comparison, occurrences)
                if problem is not None:
                    yield problem


def _problem(layout: Layout, comparison: Comparison, occurrences: Mapping[str, list[Occurrence]]) -> Diagnostic | None:
    left, right = comparison.left, comparison.right
    for side in (left, right):
        if not isinstance(side, Range):
            for operand in _operands(side):
                kind = kind_of(operand, layout, occurrences)
                if kind in ("name", "patient"):
                    return UNLIKE.report(
                        "arithmetic on something that is not a number", place(operand.span, f"this is {_WORDS[kind]}")
                    )
    first = kind_of(left, layout, occurrences)
    second = "number" if isinstance(right, Range) else kind_of(right, layout, occurrences)
    if "patient" in (first, second):
        if len(layout.patients) > 1:
            return None
        patient = left if first == "patient" else right
        return UNLIKE.report("the patient cannot be compared", place(patient.span, "this is the patient"))
    kinds = {first, second} - {None}
    if "name" in kinds and len(kinds) > 1:
        words = [_WORDS[kind] for kind in (first, second) if kind is not None]
        return UNLIKE.report(f"{words[0]} is compared with {words[1]}", place(comparison.span, "cannot be compared"))
    if "name" in kinds and comparison.operator not in ("=", "!="):
        return ORDERED_NAMES.report(
            f"`{comparison.operator}` between names",
            place(comparison.span),
            hint="names are compared with `=` and `!=` only",
        )
    return None


def _operands(expression: Expression) -> Iterator[Expression]:
    """What arithmetic is done on."""
    match expression:
        case Arithmetic(_, left, right):
            for side in (left, right):
                yield from _operands(side) if isinstance(side, Arithmetic | Negative) else (side,)
        case Negative(operand):
            yield from _operands(operand) if isinstance(operand, Arithmetic | Negative) else (operand,)
        case _:
            return
