"""Check: measured variables are only compared, linearly and in one unit; `measure` is no question (GL216-GL219)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from guidelog.diagnostics import Diagnostic
from guidelog.language.clauses import linear
from guidelog.language.names import Kind
from guidelog.language.tree import (
    Arithmetic,
    Comparison,
    Expression,
    Negative,
    Number,
    Range,
    Symbol,
    Text,
    Variable,
    variables_of,
)
from guidelog.language.vocabulary import TICKS_PER_UNIT

from ..codes import Code, joined, place
from ..context import MEASURE_COLUMN, VALUE_COLUMN, Context, Layout, Place

MEASURED_ELSEWHERE = Code("GL216")
NOT_LINEAR = Code("GL217")
MIXED_UNITS = Code("GL218")
NOT_YES_OR_NO = Code("GL219")
CODES = (MEASURED_ELSEWHERE, NOT_LINEAR, MIXED_UNITS, NOT_YES_OR_NO)


def check_measured(context: Context) -> Iterator[Diagnostic]:
    """Measured variables and input literals that are used in ways that have no meaning."""
    for layout in context.layouts:
        yield from _always_true(layout)
        if layout.measured:
            yield from _elsewhere(layout)
            doubled = _doubled(layout)
            for comparison in layout.comparisons:
                names = {v.name for v in variables_of(comparison)}
                if names & set(layout.measured) and not names & doubled:
                    yield from _comparison(context, layout, comparison)


def _always_true(layout: Layout) -> Iterator[Diagnostic]:
    for use in layout.body:
        if use.predicate is None or use.predicate.name not in ("measure", "patient") or use.place is Place.CONDITION:
            continue
        name = use.predicate.name
        if use.place is Place.MEMBER or use.negated:
            verb = "negated" if use.negated else "counted"
            yield NOT_YES_OR_NO.report(
                f"`{name}` cannot be {verb}",
                place(use.span, "this always holds"),
                hint=f"count or negate a concept that compares the {name}" if name == "measure" else None,
            )
        elif name == "measure" and not isinstance(value := use.atom.terms[VALUE_COLUMN], Variable):
            shown = value.value if isinstance(value, Number) else "…"
            yield NOT_YES_OR_NO.report(
                "the value of a measure is not a variable",
                place(value.span, "write a variable and compare it"),
                hint=f"`measure(P, {_measure_name(use.atom.terms[MEASURE_COLUMN])}, V), V = {shown}`",
            )


def _measure_name(term: Variable | Symbol | Number | Text) -> str:
    return term.name if isinstance(term, Variable | Symbol) else "…"


def _doubled(layout: Layout) -> set[str]:
    """Variables that are the value of several measures."""
    values = Counter(
        value.name
        for use in layout.uses
        if use.is_measure and use.binds and isinstance(value := use.atom.terms[VALUE_COLUMN], Variable)
    )
    return {name for name, count in values.items() if count > 1}


def _elsewhere(layout: Layout) -> Iterator[Diagnostic]:
    reported: set[str] = set()
    values: dict[str, Variable] = {}
    for use in layout.uses:
        if use.predicate is None or (use.place is Place.HEAD and use.predicate.kind is Kind.INPUT):
            continue
        for index, term in enumerate(use.atom.terms):
            if not isinstance(term, Variable) or term.name not in layout.measured or term.name in reported:
                continue
            if use.is_measure and index == VALUE_COLUMN:
                before = values.setdefault(term.name, term)
                if before is term or not use.binds:
                    continue
                reported.add(term.name)
                yield MEASURED_ELSEWHERE.report(
                    f"`{term.name}` is the value of two measures",
                    place(term.span, "and here"),
                    place(before.span, "a value here"),
                    hint="use two variables and compare them with `=`",
                )
            else:
                reported.add(term.name)
                yield MEASURED_ELSEWHERE.report(
                    f"measured variable `{term.name}` outside a comparison",
                    place(term.span, "it may be an interval, not one number"),
                    hint=f"a conclusion can hold a number that `{term.name}` is compared with"
                    if use.place is Place.HEAD
                    else None,
                )


def _comparison(context: Context, layout: Layout, comparison: Comparison) -> Iterator[Diagnostic]:
    sides: list[Expression] = [comparison.left]
    if not isinstance(comparison.right, Range):
        sides.append(comparison.right)
    if any(map(_has_names, sides)):
        return
    for side in sides:
        if linear(side, {}) is None:
            yield NOT_LINEAR.report(
                "a product of two variables in a comparison with a measured variable", place(side.span, "not linear")
            )
            return
    yield from _units(context, layout, comparison, sides)


def _units(context: Context, layout: Layout, comparison: Comparison, sides: list[Expression]) -> Iterator[Diagnostic]:
    measures = sorted(frozenset().union(*(layout.measured.get(v.name, frozenset()) for v in variables_of(comparison))))
    if len(measures) < 2:
        return
    declared = context.names.vocabulary.measures
    units: dict[str, str] = {}
    for name in measures:
        if name.startswith("?"):
            # Which measure it is shows only when the rule is used; the facts that bind it say which it can be.
            listed = _listed(context, layout, name[1:])
            for other in declared.values():
                if listed is None or other.name in listed:
                    units.setdefault(other.unit, name)
        elif name in declared and declared[name].unit:
            units.setdefault(declared[name].unit, name)
    scales = {"time" if unit in TICKS_PER_UNIT else unit: unit for unit in reversed(units)}
    if len(scales) > 1:
        first, second, *_ = reversed(scales.values())
        yield MIXED_UNITS.report(
            f"comparison of `{first}` with `{second}`",
            place(comparison.span, f"{_in_unit(units[first], first)}, {_in_unit(units[second], second)}"),
        )
    elif len(units) > 1:
        parts = [part for side in sides for part in _plain_parts(side, layout.measured)]
        number: Expression | Range | None = parts[0] if parts else None
        if number is None and isinstance(comparison.right, Range):
            number = comparison.right
        if number is not None:
            yield MIXED_UNITS.report(
                f"a plain number beside {joined(units)}",
                place(number.span, f"is this in {joined(units, 'or')}?"),
                hint="declare both measures in one unit",
            )


def _listed(context: Context, layout: Layout, variable: str) -> frozenset[str] | None:
    """The names that a variable can stand for by the facts of relations that bind it; None where none do."""
    found: frozenset[str] | None = None
    for use in layout.body:
        if use.predicate is None or use.predicate.kind is not Kind.RELATION or use.negated:
            continue
        defined = context.defined.get(use.atom.predicate, ())
        for column, term in enumerate(use.atom.terms):
            if isinstance(term, Variable) and term.name == variable and all(other.is_fact for other in defined):
                heads = [other.head.atom.terms for other in defined if other.head is not None]
                here = frozenset(t.name for terms in heads for t in terms[column : column + 1] if isinstance(t, Symbol))
                found = here if found is None else found & here
    return found


def _in_unit(name: str, unit: str) -> str:
    return f"`{name[1:]}` may be in `{unit}`" if name.startswith("?") else f"`{name}` is in `{unit}`"


def _plain_parts(expression: Expression, measured: Mapping[str, object]) -> Iterator[Expression]:
    """The terms of a sum that are in no measure's unit; factors of a measured term are not terms."""
    if not any(v.name in measured for v in variables_of(expression)):
        if expression != Number(0):
            yield expression
        return
    match expression:
        case Arithmetic("*", left, right):
            for side in (left, right):
                if any(v.name in measured for v in variables_of(side)):
                    yield from _plain_parts(side, measured)
        case Arithmetic(_, left, right):
            yield from _plain_parts(left, measured)
            yield from _plain_parts(right, measured)
        case Negative(operand):
            yield from _plain_parts(operand, measured)
        case _:
            return


def _has_names(expression: Expression) -> bool:
    match expression:
        case Symbol() | Text():
            return True
        case Arithmetic(_, left, right):
            return _has_names(left) or _has_names(right)
        case Negative(operand):
            return _has_names(operand)
        case _:
            return False
