"""Dates, numbers and measures as authors write them -> exact values.

Works on the scalar's own text: `010`, `1:30`, `8e1` or a quoted number are errors and never silently another number. A
value is an `Interval` in ticks, a `Since` in days, or None for unknown; what cannot be read is noted in the problems
and counts as None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from guidelog.diagnostics import Label
from guidelog.language.vocabulary import TICKS_PER_UNIT, Measure
from guidelog.source import Span

from .from_yaml import plain_meaning
from .node import Entry, ListNode, MapNode, Node, Problems, ScalarNode, did_you_mean, quoted, suggestion

_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.([0-9]+))?")
_NEARLY_NUMBER = re.compile(r"[-+.0-9][-+._:0-9a-zA-Z]*")
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""How a day is written, wherever records come from."""
_DATE_TIME = re.compile(rf"({ISO_DAY.pattern})[Tt\s]+[0-9].*", re.DOTALL)
_FORMS = ("at_least", "at_most", "between", "since")
_PLACES = 3
_THOUSAND = 1000
_DIGITS = 15
"""The most digits that every reader of JSON numbers keeps exactly."""


@dataclass(frozen=True, slots=True)
class Interval:
    """All values from `low` to `high`, both included, in ticks of the measure."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Since:
    """Counted in days from a start that lay between `first` and `last`, both included, up to the record's `as_of`."""

    first: date
    last: date

    def interval(self, as_of: date) -> Interval:
        """The days from the start to `as_of`, in ticks."""
        day = TICKS_PER_UNIT["day"]
        return Interval((as_of - self.last).days * day, (as_of - self.first).days * day)


MeasureValue: TypeAlias = Interval | Since | None
"""None is unknown."""


@dataclass(slots=True)
class AsOf:
    """The day a record describes; `span` is None when it does not say, `wanted` are the places that needed it."""

    day: date | None = None
    span: Span | None = None
    wanted: list[Span] = field(default_factory=list)


def number_from_text(text: str) -> int | float | None:
    """A plain scalar's number as `json.loads` would give it, or None when it is not one."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return int(text) if found[2] is None else float(text)


def day_of(text: str) -> date | None:
    """The day that is written so; None for another form, or a day that the calendar does not have."""
    try:
        return date.fromisoformat(text) if ISO_DAY.fullmatch(text) else None
    except ValueError:
        return None


def read_date(node: Node, problems: Problems) -> date | None:
    """A date `2025-11-13`, in quotes or not."""
    if not isinstance(node, ScalarNode):
        problems.add("GL417", "this is not a date", node.span, hint="write a date such as `2025-11-13`")
        return None
    if ISO_DAY.fullmatch(node.text):
        try:
            return date.fromisoformat(node.text)
        except ValueError:
            problems.add("GL417", f"there is no day {quoted(node.text)}", node.span)
            return None
    with_time = _DATE_TIME.fullmatch(node.text)
    if with_time is not None:
        hint = f"write the day without the time: `{with_time[1]}`"
        problems.add("GL417", f"{quoted(node.text)} is a day with a time", node.span, hint=hint)
    else:
        hint = "write year, month and day with all digits, such as `2025-11-13`"
        problems.add("GL417", f"{quoted(node.text)} is not a date", node.span, hint=hint)
    return None


def read_measure(node: Node, measure: Measure, as_of: AsOf, problems: Problems) -> MeasureValue:
    """A number in the measure's unit, `unknown`, bounds, or a start date; within the measure's range."""
    match node:
        case ScalarNode(text="unknown"):
            return None
        case ScalarNode():
            ticks = _ticks(node, measure, problems)
            return None if ticks is None else Interval(ticks, ticks)
        case MapNode(entries=entries) if entries:
            return _read_form(node, measure, as_of, problems)
    message = f"this is not a value of {quoted(measure.name)}"
    problems.add("GL415", message, node.span, hint=_number_hint(measure))
    return None


def _read_form(node: MapNode, measure: Measure, as_of: AsOf, problems: Problems) -> MeasureValue:
    strange = [entry.key for entry in node.entries if entry.key.text not in _FORMS]
    for key in strange:
        hint = did_you_mean(suggestion(key.text, _FORMS)) or f"there are {_listed(_FORMS)}"
        problems.add("GL415", f"{quoted(key.text)} says nothing about a measure", key.span, hint=hint)
    if strange:
        return None
    forms = {entry.key.text: entry for entry in node.entries}
    match sorted(forms):
        case ["since"]:
            return _read_since(forms["since"], measure, as_of, problems)
        case ["between"]:
            return _read_between(forms["between"].value, measure, problems)
        case ["at_least"] | ["at_most"] | ["at_least", "at_most"]:
            return _read_bounds(node, measure, problems)
    message = f"{_listed(tuple(forms))} do not go together"
    problems.add("GL415", message, node.span, hint="only `at_least` and `at_most` may be combined")
    return None


def _read_bounds(node: MapNode, measure: Measure, problems: Problems) -> Interval | None:
    ends = {"at_least": measure.low * measure.ticks, "at_most": measure.high * measure.ticks}
    readable = True
    for entry in node.entries:
        ticks = _ticks(entry.value, measure, problems)
        readable = readable and ticks is not None
        if ticks is not None:
            ends[entry.key.text] = ticks
    return _interval(ends["at_least"], ends["at_most"], node, problems) if readable else None


def _read_between(node: Node, measure: Measure, problems: Problems) -> Interval | None:
    pair = _pair(node, "`[6, 8]`", problems)
    if pair is None:
        return None
    low, high = (_ticks(item, measure, problems) for item in pair)
    return None if low is None or high is None else _interval(low, high, node, problems)


def _interval(low: int, high: int, node: Node, problems: Problems) -> Interval | None:
    if low > high:
        problems.add("GL415", "the lower bound is above the upper one", node.span)
        return None
    return Interval(low, high)


def _read_since(entry: Entry, measure: Measure, as_of: AsOf, problems: Problems) -> Since | None:
    node = entry.value
    if measure.unit not in TICKS_PER_UNIT:
        units = _listed(tuple(TICKS_PER_UNIT))
        message = f"{quoted(measure.name)} is counted in {quoted(measure.unit)}, so it cannot have a start date"
        problems.add("GL415", message, entry.key.span, hint=f"`since` is for measures in {units}")
        return None
    if isinstance(node, MapNode):
        between = node.get("between")
        if between is None or len(node.entries) > 1:
            hint = "write `{since: 2025-06-01}` or `{since: {between: [2025-06-01, 2025-06-30]}}`"
            problems.add("GL415", "this is not a start date", node.span, hint=hint)
            return None
        nodes = _pair(between.value, "`[2025-06-01, 2025-06-30]`", problems)
    else:
        nodes = (node, node)
    if nodes is None:
        return None
    first = read_date(nodes[0], problems)
    last = first if nodes[1] is nodes[0] else read_date(nodes[1], problems)
    if first is None or last is None:
        return None
    if first > last:
        problems.add("GL415", "the earlier date comes second", node.span)
        return None
    since = Since(first, last)
    return since if _fits(since, nodes, measure, as_of, problems) else None


def _fits(since: Since, nodes: tuple[Node, Node], measure: Measure, as_of: AsOf, problems: Problems) -> bool:
    """Whether the start lies before `as_of`, and not longer ago than the measure allows."""
    if as_of.span is None:
        as_of.wanted.append(nodes[0].span)
    if as_of.span is None or as_of.day is None:  # a day that cannot be read has been reported
        return False
    here = Label(as_of.span, "the record describes this day")
    if since.last > as_of.day:
        problems.add("GL418", f"`{since.last}` is after `as_of`", nodes[1].span, here)
        return False
    days = since.interval(as_of.day)
    for node, ticks in ((nodes[0], days.high), (nodes[1], days.low)):
        if not measure.low * measure.ticks <= ticks <= measure.high * measure.ticks:
            message = f"{ticks // TICKS_PER_UNIT['day']:,} days are outside the range of {quoted(measure.name)}"
            problems.add("GL416", message, node.span, here, hint=_range_hint(measure))
            return False
    return True


def _ticks(node: Node, measure: Measure, problems: Problems) -> int | None:
    """A number in the measure's unit, exactly, in ticks."""
    if not isinstance(node, ScalarNode):
        problems.add("GL415", "this is not a number", node.span, hint=_number_hint(measure))
        return None
    found = _NUMBER.fullmatch(node.text)
    if found is None or not node.plain:
        problems.add("GL415", _not_a_number(node), node.span, hint=_number_hint(measure))
        return None
    whole, decimals = found[1], found[2] or ""
    if len(decimals) > _PLACES:
        message = f"{quoted(node.text)} has more than {_PLACES} decimal places"
        problems.add("GL415", message, node.span, hint="round it as the record's author would")
        return None
    # Fifteen digits are far outside every range but an absurd one, and int() of a huge text would be slow.
    thousandths = int(whole + decimals.ljust(_PLACES, "0")) if len(whole) + len(decimals) <= _DIGITS else None
    ticks = None if thousandths is None else thousandths * measure.ticks // _THOUSAND
    if ticks is None or not measure.low * measure.ticks <= ticks <= measure.high * measure.ticks:
        message = f"{quoted(node.text)} is outside the range of {quoted(measure.name)}"
        problems.add("GL416", message, node.span, hint=_range_hint(measure))
        return None
    return ticks


def _not_a_number(node: ScalarNode) -> str:
    if not node.plain:
        return f"{quoted(node.text)} in quotes is text, not a number"
    if plain_meaning(node.text) == "empty":
        return "a number is missing here"
    if _NEARLY_NUMBER.fullmatch(node.text):
        return f"{quoted(node.text)} is not written as a plain decimal number"
    return f"{quoted(node.text)} is not a number"


def _pair(node: Node, example: str, problems: Problems) -> tuple[Node, Node] | None:
    if isinstance(node, ListNode) and len(node.items) == 2:
        return node.items[0], node.items[1]
    problems.add("GL415", "`between` takes two values", node.span, hint=f"write them as {example}")
    return None


def _number_hint(measure: Measure) -> str:
    return (
        f"write a number of unit `{measure.unit}` such as `8` or `8.5`, `unknown`, "
        "`{at_least: 6}`, `{at_most: 6}` or `{between: [6, 8]}`"
    )


def _range_hint(measure: Measure) -> str:
    return f"{quoted(measure.name)} goes from {measure.low} to {measure.high} (unit `{measure.unit}`)"


def _listed(names: tuple[str, ...]) -> str:
    *most, last = (f"`{name}`" for name in names)
    return f"{', '.join(most)} and {last}" if most else last
