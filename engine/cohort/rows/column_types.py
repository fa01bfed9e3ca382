"""What kinds of cell a column has by the schema of its table, and which kinds each part of a record is read from.

A column of another kind is refused before a row is read, with its type by name: nothing is converted that could mean
something else. CSV and NDJSON have no types; all their cells are text, judged cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

import pyarrow as pa

from guidelog.diagnostics import Diagnostic, InputError

from .layout import Layout


class Kind(Enum):
    """A kind of cell; the values say it to people."""

    TEXT = "text"
    BOOLEAN = "truth values"
    WHOLE = "whole numbers"
    FLOAT = "numbers"
    SINGLE = "32-bit numbers"
    DECIMAL = "decimals"
    DATE = "dates"
    TIMESTAMP = "times without a zone"
    EMPTY = "nothing"


WORDS = frozenset({Kind.TEXT, Kind.BOOLEAN, Kind.EMPTY})
IDS = frozenset({Kind.TEXT, Kind.WHOLE, Kind.EMPTY})
NUMBERS = frozenset({Kind.TEXT, Kind.WHOLE, Kind.FLOAT, Kind.SINGLE, Kind.DECIMAL, Kind.EMPTY})
DAYS = frozenset({Kind.TEXT, Kind.DATE, Kind.TIMESTAMP, Kind.EMPTY})

_FLAGS = "write 1 as `present` and 0 as `absent` where that is what they mean, or as truth values"
_DUCKDB = {
    Kind.TEXT: ("VARCHAR", "ENUM", "UUID"),
    Kind.BOOLEAN: ("BOOLEAN",),
    Kind.WHOLE: ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    Kind.FLOAT: ("DOUBLE",),
    Kind.SINGLE: ("FLOAT",),
    Kind.DECIMAL: ("DECIMAL",),
    Kind.DATE: ("DATE",),
    Kind.TIMESTAMP: ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
}
_NAMED = {name: kind for kind, names in _DUCKDB.items() for name in names}


def kind_of_arrow(kind: pa.DataType) -> Kind | None:
    """The kind of an Arrow column; None where it is none that a record is read from."""
    types = pa.types
    if types.is_dictionary(kind):
        return kind_of_arrow(kind.value_type) if _is_text(kind.value_type) else None
    found = (
        (Kind.TEXT, _is_text(kind)),
        (Kind.BOOLEAN, types.is_boolean(kind)),
        (Kind.WHOLE, types.is_integer(kind)),
        (Kind.FLOAT, types.is_float64(kind)),
        (Kind.SINGLE, types.is_float32(kind)),
        (Kind.DECIMAL, types.is_decimal(kind)),
        (Kind.DATE, types.is_date(kind)),
        (Kind.TIMESTAMP, types.is_timestamp(kind) and kind.tz is None),
        (Kind.EMPTY, types.is_null(kind)),
    )
    return next((name for name, holds in found if holds), None)


def kind_of_duckdb(name: str) -> Kind | None:
    """The kind of a DuckDB column, by what DESCRIBE calls its type."""
    plain = name.upper()
    return None if plain.endswith("]") else _NAMED.get(plain.split("(")[0])


def check_types(layout: Layout, kinds: Mapping[str, Kind | None], types: Mapping[str, str], where: str) -> None:
    """Raises InputError (GL718) with every column whose cells are of a kind that its part is not read from."""
    problems = [
        Diagnostic(
            "GL718",
            f"the column `{column}` of `{where}` holds {types.get(column) or kind}, and {what}",
            hint=_FLAGS if allowed is WORDS and kind is Kind.WHOLE else hint,
        )
        for column, allowed, what, hint in _wanted(layout)
        if (kind := kinds.get(column)) not in allowed
    ]
    if problems:
        raise InputError(problems)


def _wanted(layout: Layout) -> Iterable[tuple[str, frozenset[Kind], str, str]]:
    yield layout.patient, IDS, "a patient's id is text or a whole number", "write the ids as text"
    if layout.as_of is not None:
        yield layout.as_of, DAYS, "this is a day", "write the days as dates, or as text such as `2025-11-13`"
    for name in layout.findings:
        hint = "write `present`, `absent` or `unknown`, or truth values"
        yield name, WORDS, "a finding is text or a truth value", hint
    for columns in layout.measures.values():
        for column in (columns.value, columns.low, columns.high):
            if column is not None:
                yield column, NUMBERS, "this is a number", "write numbers, or text such as `8` or `8.5`"
        for column in (columns.since, columns.since_last):
            if column is not None:
                yield column, DAYS, "this is a day", "write the days as dates, or as text such as `2025-11-13`"
    for name in layout.screens:
        hint = "write `complete` or `incomplete`, or truth values"
        yield name, WORDS, "a screen is text or a truth value", hint


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
