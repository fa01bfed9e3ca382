"""A row of a table -> a patient record as plain data, for `ask`: the audit's and `cohort why`'s own way of reading.

It goes cell by cell through Python values and leaves all judgement to the reader of patient files, so that it shares
nothing with the columnar reading that it is there to check.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .layout import DAY, Layout

_WORDS = {True: "present", False: "absent", "true": "present", "false": "absent", "True": "present", "False": "absent"}
_ACTS = {
    True: "complete",
    False: "incomplete",
    "true": "complete",
    "false": "incomplete",
    "True": "complete",
    "False": "incomplete",
}


_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def record_of(row: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """The record that a row of a wide table stands for; empty cells are not listed."""
    record: dict[str, Any] = {"patient": _identity(row[layout.patient])}
    if layout.as_of is not None and not _empty(row[layout.as_of]):
        record[DAY] = _day(row[layout.as_of])
    findings = {name: _WORDS.get(row[name], row[name]) for name in layout.findings if not _empty(row[name])}
    screens = {name: _ACTS.get(row[name], row[name]) for name in layout.screens if not _empty(row[name])}
    measures: dict[str, Any] = {}
    for name, columns in layout.measures.items():
        forms = {
            form: _day(row[column]) if form == "since" else _number(row[column])
            for form, column in (("at_least", columns.low), ("at_most", columns.high), ("since", columns.since))
            if column is not None and not _empty(row[column])
        }
        if columns.since_last is not None and not _empty(row[columns.since_last]):
            forms["since"] = {"between": [forms.get("since", ""), _day(row[columns.since_last])]}
        if columns.value is not None and not _empty(row[columns.value]):
            value = _number(row[columns.value])
            measures[name] = {"value": value, **forms} if forms else value
        elif forms:
            known = {form: value for form, value in forms.items() if value != "unknown"}
            measures[name] = known or "unknown"
    parts = (("findings", findings), ("measures", measures), ("screens", screens))
    record.update({part: found for part, found in parts if found})
    return record


def row_of(rows: Iterable[tuple[str, Any]], patient: Any) -> dict[str, Any]:
    """The rows (name, value) of one patient in a long table as one row of a wide one. ValueError when two disagree."""
    found: dict[str, Any] = {}
    for name, value in rows:
        if _empty(value):
            continue
        if name in found and _number(found[name]) != _number(value):
            message = f"`{name}` has the values `{found[name]}` and `{value}`"
            raise ValueError(message)
        found[name] = value
    return {**found, "patient": patient}


def _empty(value: Any) -> bool:
    return value is None or value == ""


def _identity(value: Any) -> Any:
    return value if isinstance(value, int) else "" if value is None else str(value)


def _day(value: Any) -> Any:
    return (
        value.date().isoformat()
        if isinstance(value, datetime)
        else value.isoformat()
        if isinstance(value, date)
        else value
    )


def _number(value: Any) -> Any:
    """A number as its author would write it."""
    match value:
        case Decimal():
            return _number(float(value))
        case float() if math.isfinite(value):
            return int(value) if value == int(value) else value
        case str() if _DECIMAL.fullmatch(value):
            return float(value) if "." in value else int(value)
        case _:
            return value
