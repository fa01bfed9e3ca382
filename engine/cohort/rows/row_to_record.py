"""A row of a table -> a patient record as plain data, for `ask`: the audit's and `cohort why`'s own way of reading.

It goes cell by cell through Python values and leaves all judgement to the reader of patient files, so that it shares
nothing with the columnar reading that it is there to check. What a table may say and a patient file may not (truth
values for words, binary numbers between two thousandths) is put into the words of a patient file here; what it may not
say is handed on so that `ask` refuses it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from .batch import text_of
from .layout import DAY, Layout

_TRUE, _FALSE = (True, "true", "True", "TRUE"), (False, "false", "False", "FALSE")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,3})?")
_THOUSAND = 1000


class _Between(NamedTuple):
    """A binary number that is no thousandth lies between these two."""

    low: float
    high: float


def record_of(row: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """The record that a row of a wide table stands for; empty cells are not listed."""
    record: dict[str, Any] = {"patient": _identity(row[layout.patient])}
    if layout.as_of is not None and not _empty(row[layout.as_of]):
        record[DAY] = _day(row[layout.as_of])
    findings = {n: _word(row[n], "present", "absent") for n in layout.findings if not _empty(row[n])}
    screens = {n: _word(row[n], "complete", "incomplete") for n in layout.screens if not _empty(row[n])}
    measures: dict[str, Any] = {}
    for name, columns in layout.measures.items():
        forms: dict[str, Any] = {}
        for form, column, end in (("at_least", columns.low, 0), ("at_most", columns.high, 1)):
            if column is not None and not _empty(row[column]):
                number = _number(row[column])
                forms[form] = number[end] if isinstance(number, _Between) else number
        bounds = {form: value for form, value in forms.items() if value != "unknown"}
        if columns.since is not None and not _empty(row[columns.since]):
            bounds["since"] = forms["since"] = _day(row[columns.since])
        if columns.since_last is not None and not _empty(row[columns.since_last]):
            bounds["since"] = forms["since"] = {"between": [forms.get("since", ""), _day(row[columns.since_last])]}
        if columns.value is not None and not _empty(row[columns.value]):
            number = _number(row[columns.value])
            value = {"between": [*number]} if isinstance(number, _Between) else number
            measures[name] = {"value": value, **forms} if forms else value
        elif forms:
            measures[name] = bounds or "unknown"
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


def cells_of(batch: pa.RecordBatch, row: int) -> dict[str, Any]:
    """The cells of a row as Python values; a 32-bit number stays one."""
    return {name: _python(batch.column(name)[row]) for name in batch.schema.names}


def _python(cell: pa.Scalar) -> Any:
    if cell.type == pa.float32() and cell.is_valid:
        return np.float32(cell.as_py())
    try:
        return cell.as_py()
    except (ValueError, OverflowError):  # a day that Python's calendar does not have
        return text_of(cell)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _identity(value: Any) -> Any:
    return value if isinstance(value, int) else "" if value is None else str(value)


def _word(value: Any, yes: str, no: str) -> Any:
    if isinstance(value, bool | str):
        return yes if value in _TRUE else no if value in _FALSE else value
    return str(value)


def _day(value: Any) -> Any:
    if isinstance(value, datetime) and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _number(value: Any) -> Any:
    """A number as its author would write it; a text that is none, and what is no number, stay what they are."""
    if isinstance(value, np.float32 | float):
        return _binary(value)
    match value:
        case Decimal():
            return _decimal(value)
        case str() if _DECIMAL.fullmatch(value):
            return float(value) if "." in value else int(value)
        case _:
            return value


def _decimal(value: Decimal) -> Any:
    try:
        if value.quantize(Decimal("0.001")) != value:
            return str(value)  # a text, which is no number to `ask`: it has more than three decimals
    except InvalidOperation:  # of many digits, and so whole
        pass
    return int(value) if value == value.to_integral_value() else float(value)


def _binary(value: np.float32 | float) -> Any:
    """A thousandth, where the number is the one nearest to it in binary; otherwise the two that it lies between."""
    wide = float(value)
    if not math.isfinite(wide) or abs(wide) > 10**15:
        return wide
    nearest = round(wide * _THOUSAND)
    same = nearest / _THOUSAND
    if (np.float32(same) if isinstance(value, np.float32) else same) == value:
        return int(same) if same == int(same) else same
    if wide > same:
        return _Between(same, (nearest + 1) / _THOUSAND)
    return _Between((nearest - 1) / _THOUSAND, same)
