"""Check: constants and variables have the type of their column, and like is compared with like (GL204-5, GL220-1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Arithmetic, Comparison, Expression, Negative, Number, Range, Symbol, Text, Variable

from ..codes import Code, place
from ..context import ARTICLES, DECLARED_TYPES, Context, Layout, Occurrence, kind_of, occurrences_of, typed_constants

WRONG_CONSTANT = Code("GL204")
TWO_TYPES = Code("GL205")

ORDERED_NAMES = Code("GL220")
UNLIKE = Code("GL221")
_WORDS = {"name": "a name", "number": "a number", "measured": "a measured number", "patient": "the patient"}

CODES = (WRONG_CONSTANT, TWO_TYPES, ORDERED_NAMES, UNLIKE)


def check_types(context: Context) -> Iterator[Diagnostic]:
    """Constants and variables whose types do not agree with their columns."""
    for layout in context.layouts:
        for constant, type_ in typed_constants(layout):
            match constant:
                case Number() if type_ not in ("number", "patient"):
                    problem: str | None = f"`{constant.value}` is a number, not {ARTICLES.get(type_)}"
                case Symbol(name) if type_ == "number":
                    problem = f"`{name}` is a name, not a number"
                case Text(value) if type_ not in ("symbol", "patient"):
                    problem = f'`"{value}"` is a string, not {ARTICLES.get(type_)}'
                case _:
                    problem = None
            if problem is not None and type_ in ARTICLES:
                known = isinstance(constant, Text) and constant.value in (context.names.constants(type_) or ())
                hint = f"write `{constant.value}` without quotes" if known and isinstance(constant, Text) else None
                yield WRONG_CONSTANT.report(problem, place(constant.span, f"{ARTICLES[type_]} belongs here"), hint=hint)
        yield from _variables(layout)


def _variables(layout: Layout) -> Iterator[Diagnostic]:
    occurrences = occurrences_of(layout)
    reported: set[int] = set()
    for found in occurrences.values():
        pair = None if id(found) in reported else _disagreement(found)
        reported.add(id(found))
        if pair is not None:
            one, other = pair
            same = one.name == other.name
            message = (
                f"`{one.name}` is {ARTICLES[one.type]} and {ARTICLES[other.type]}"
                if same
                else f"`{one.name}` is {ARTICLES[one.type]} and equals `{other.name}`, {ARTICLES[other.type]}"
            )
            yield TWO_TYPES.report(
                message,
                place(other.span, f"{ARTICLES[other.type]} here"),
                place(one.span, f"{ARTICLES[one.type]} here"),
            )
    for comparison in layout.comparisons:
        match comparison:
            case Comparison("!=", Variable(left), Variable(right)):
                first, second = occurrences.get(left, []), occurrences.get(right, [])
                if first is second or _disagreement(first) or _disagreement(second):
                    continue
                pair = _disagreement([*first[:1], *second[:1]])
                if pair is not None and all(o.type in DECLARED_TYPES for o in pair):
                    yield TWO_TYPES.report(
                        f"`{left}` is {ARTICLES[pair[0].type]} and `{right}` {ARTICLES[pair[1].type]}",
                        place(comparison.span, "never the same"),
                    )
            case _:
                pass


def _disagreement(found: Sequence[Occurrence]) -> tuple[Occurrence, Occurrence] | None:
    """Two occurrences whose types do not agree; the binding one first."""
    ordered = sorted(found, key=lambda o: not o.binding)
    for one, other in combinations(_first_of_each_type(ordered), 2):
        if not _agree(one.type, other.type):
            return one, other
    # A name that is not known to be declared must not reach a place where only declared names may stand.
    general = next((o for o in found if o.binding and o.type == "symbol"), None)
    special = next((o for o in found if o.type in DECLARED_TYPES), None)
    if general and special and not any(o.binding and o.type in DECLARED_TYPES for o in found):
        return general, special
    return None


def _first_of_each_type(found: Sequence[Occurrence]) -> list[Occurrence]:
    first: dict[str, Occurrence] = {}
    for occurrence in found:
        first.setdefault(occurrence.type, occurrence)
    return list(first.values())


def _agree(one: str, other: str) -> bool:
    return (
        one == other or (one == "symbol" and other in DECLARED_TYPES) or (other == "symbol" and one in DECLARED_TYPES)
    )


def check_comparisons(context: Context) -> Iterator[Diagnostic]:
    """Comparisons between names and numbers, and orders on names."""
    for layout in context.layouts:
        if layout.comparisons:
            occurrences = occurrences_of(layout)
            for comparison in layout.comparisons:
                problem = _problem(layout, comparison, occurrences)
                if problem is not None:
                    hint = problem.hint or _measured(context, comparison)
                    yield problem if hint is None else replace(problem, hint=hint)


def _measured(context: Context, comparison: Comparison) -> str | None:
    """How a measure is compared, where its name stands for its value."""
    for side in (comparison.left, comparison.right):
        if isinstance(side, Symbol) and side.name in context.names.vocabulary.measures:
            return f"the value of a measure is a variable: `measure(P, {side.name}, W), W {comparison.operator} …`"
    return None


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
