"""Check: ranges, units and defaults of measures, and screens of inputs (GL114-GL117, GL127)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.tree import Declaration, Number, plain
from guidelog.language.vocabulary import TICKS_PER_UNIT

from ..attribute_schema import attribute_of
from ..codes import Code, joined, place
from ..context import Context

EMPTY_RANGE = Code("GL114")
WRONG_UNLISTED = Code("GL115")
DOUBTFUL_UNIT = Code("GL116", severity=Severity.WARNING)
UNDECLARED_SCREEN = Code("GL117")
NO_CLOCK = Code("GL127")
CODES = (EMPTY_RANGE, WRONG_UNLISTED, DOUBTFUL_UNIT, UNDECLARED_SCREEN, NO_CLOCK)


_CALENDAR = ("day", "week", "month", "year")


def check_measures(context: Context) -> Iterator[Diagnostic]:
    """What is wrong with the values of measures and the screens of inputs."""
    for declaration in context.program.declarations:
        if declaration.keyword == "measure":
            yield from _values(context, declaration)
        if declaration.keyword in ("finding", "measure"):
            yield from _screen(context, declaration)


def _values(context: Context, declaration: Declaration) -> Iterator[Diagnostic]:
    unit, bounds, unlisted = (attribute_of(declaration, name) for name in ("unit", "range", "unlisted"))
    low, high = (value.value for value in bounds.values if isinstance(value, Number)) if bounds else (None, None)
    if bounds and low is not None and high is not None and low > high:
        yield EMPTY_RANGE.report(
            f"range goes down from {low} to {high}", place(bounds.span, f"write `range({high}, {low})`")
        )
        low = high = None
    if unlisted and isinstance(value := unlisted.values[0], Number):
        if not declaration.values("screen"):
            yield WRONG_UNLISTED.report(
                f"measure `{declaration.name}` has `unlisted` and no screen",
                place(unlisted.span, "what is not listed is known only when a screen is complete"),
                hint="add `screen(…)`, or leave out `unlisted`",
            )
        elif bounds and low is not None and high is not None and not low <= value.value <= high:
            yield WRONG_UNLISTED.report(
                f"`unlisted({value.value})` is outside the range of `{declaration.name}`",
                place(unlisted.span),
                place(bounds.span, f"from {low} to {high}"),
            )
    clock = attribute_of(declaration, "clock")
    if unit and clock and plain(unit.values[0]) not in _CALENDAR:
        yield NO_CLOCK.report(
            f"`{plain(unit.values[0])}` does not grow with the calendar",
            place(clock.span, f"`clock` goes with {joined(_CALENDAR, 'or')}"),
            hint="leave out `clock`, or count in days or weeks",
        )
    if (
        unit
        and (name := plain(unit.values[0])) not in TICKS_PER_UNIT
        and (near := context.near(name.lower(), TICKS_PER_UNIT))
    ):
        yield DOUBTFUL_UNIT.report(
            f"unit `{name}` is not the unit `{near}`",
            place(unit.values[0].span, f"did you mean `{near}`?"),
            notes=(f"it cannot be compared with measures in `{near}`",),
        )


def _screen(context: Context, declaration: Declaration) -> Iterator[Diagnostic]:
    attribute = attribute_of(declaration, "screen")
    screens = context.names.vocabulary.screens
    if attribute is None or (name := plain(attribute.values[0])) in screens or name in context.half_declared:
        return
    near = context.near(name, screens)
    yield UNDECLARED_SCREEN.report(
        f"screen `{name}` is not declared",
        place(attribute.values[0].span, f"did you mean `{near}`?" if near else ""),
        context.declared(near, "screen"),
        hint=None if near else f'declare it: `.screen {name} "…"`',
    )
