"""What sets a row aside: every rule once, as data, for the columnar reader and for SQL alike.

A rule looks at cells by what they are asked (`listed`, `number`, `inside`), and combines the replies with `&`, `|` and
`~`. The replies are vectors of truth values in `read_columns` (NumPy) and expressions that are never null in
`engines/sql_inputs` (sqlglot); a rule does not know which. So the two cannot differ in what a rule is, only in what
they reply about a cell, and that is what the tests compare, with `ask` as the judge. Rules are tried in the order in
which they stand here, and a row has the reason of the first that it breaks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from guidelog.patients.values import ISO_DAY

Truth: TypeAlias = Any
"""For each row whether something holds: `NDArray[np.bool_]`, or an SQL condition that is never null."""

DECIMAL = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?"
"""How a number is written out; three decimals are exact."""
ANY_DECIMAL = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?"
WRITTEN_DAY = ISO_DAY.pattern
MOST = 10**15
"""Beyond this a floating-point number does not tell thousandths apart."""
UNKNOWN = "unknown"

PRESENT: dict[str, bool | None] = {"present": True, "absent": False, UNKNOWN: None}
COMPLETE: dict[str, bool | None] = {"complete": True, "incomplete": False}
for _words in (PRESENT, COMPLETE):
    _words.update({spelling: value for value in (True, False) for spelling in (f"{value}".lower(), f"{value}".upper())})
    _words.update({"True": True, "False": False})  # as Python, R and Excel write truth values

# What `ask` takes for no text, and for no character of a text: guidelog.patients.document and record.
BLANK = "[\t-\r\\x1c-\\x20\\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
LINE_END = "\n"
NO_TEXT = "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029\ufeff\ufffe\uffff]"
PLAIN_ID = "[!-~]+"
"""Ids of these characters alone, as nearly all are, need no second look."""


def whole(pattern: str) -> str:
    """A pattern that nothing may come before or after, not even a line end: for RE2 and Java."""
    return rf"^(?:{pattern})\z"


class Column(Protocol):
    """A column whose cells are asked; of what is below, a role's cells answer what its rules ask."""

    listed: Truth
    """Something is in the cell."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row is set aside, with this code, where `broken` holds. Reasons name {cell}, {column}, {measure} and others."""

    code: str
    reason: str
    broken: Callable[[Any], Truth]


ID_RULES = (
    Rule("GL410", "the patient's id is missing", lambda c: ~c.listed),
    Rule("GL420", "the patient's id is blank", lambda c: c.strange & c.matches(whole(BLANK))),
    Rule("GL410", "the patient's id has more than one line", lambda c: c.strange & c.matches(LINE_END)),
    Rule("GL403", "the patient's id has a control character", lambda c: c.strange & c.matches(NO_TEXT)),
)
"""`strange`: the id is not made of plain characters alone."""

_NO_WORD = "`{cell}` is not a value of `{column}`; there are {allowed}"
FINDING_RULES = (Rule("GL414", _NO_WORD, lambda c: c.listed & ~c.word),)
SCREEN_RULES = (Rule("GL419", _NO_WORD, lambda c: c.listed & ~c.word),)
"""`word`: the cell is one of the words, or a truth value."""

NUMBER_RULES = (
    Rule("GL415", "`{cell}` is not a number of `{column}`", lambda c: c.listed & ~c.unknown & ~c.number),
    Rule("GL416", "`{cell}` is outside the range of `{column}`, {range}", lambda c: c.number & ~c.inside),
    Rule("GL415", "`{cell}` in `{column}` has more than 3 decimal places", lambda c: c.number & ~c.exact),
)
"""`number`: it is one, of at most 15 digits before the point. `exact`: written with at most three after it."""

DAY_RULES = (Rule("GL417", "`{cell}` in `{column}` is not a date", lambda c: c.listed & ~c.day),)
"""`day`: a day of the calendar, from the year 1 to the year 9999, without a time."""

MEASURE_RULES = (
    Rule("GL415", "`{measure}` has a value, and so no `{low}`", lambda m: m.value.listed & m.low.listed),
    Rule("GL415", "`{measure}` has a value, and so no `{high}`", lambda m: m.value.listed & m.high.listed),
    Rule("GL415", "the lower bound of `{measure}` is above the upper one", lambda m: m.crossed),
)
"""`crossed`: both bounds are given, and the lower is the larger."""

LAST_RULES = (
    Rule("GL415", "`{last}` needs `{since}`", lambda m: m.last.listed & ~m.since.listed),
    Rule("GL415", "`{last}` is before `{since}`", lambda m: m.last.before(m.since)),
)
SINCE_RULES = (
    Rule(
        "GL415",
        "`{measure}` has a value or bounds, and so no `{since}`",
        lambda m: m.since.listed & (m.value.listed | m.low.number | m.high.number),
    ),
    Rule("GL418", "`{since}` needs `{today}`", lambda m: m.since.listed & ~m.today.listed),
    Rule("GL418", "`{since}` is after `{today}`", lambda m: m.today.before(m.since) | m.today.before(m.last)),
    Rule("GL416", "`{since}` is outside the range of `{measure}`", lambda m: ~m.fits),
)
"""`a.before(b)`: both are days, the first the earlier. `fits`: the time since then is within the measure's range."""
