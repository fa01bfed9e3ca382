"""A batch of a wide table -> the inputs of its patients, and the rows that cannot be answered.

What `patients/` does for one record is done here for columns, with the same results: listed values, completed screens
closed over what is not listed, `unlisted` values, start dates counted, numbers exact to three decimals and within their
range. A row with anything else is set aside with the reason that a patient file would be refused for. Contradictions
with background rules are found later, because nothing here knows rules.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guidelog.language.vocabulary import TICKS_PER_UNIT, Measure, Vocabulary
from guidelog.patients.values import day_of

from ..engines.vectors import WORD, Inputs, Ticks, Words, pack, unpack
from .batch import Batch, text_of
from .layout import DECIMAL, Layout, MeasureColumns

PRESENT = {
    "present": True,
    "true": True,
    "True": True,
    "absent": False,
    "false": False,
    "False": False,
    "unknown": None,
}
COMPLETE = {"complete": True, "true": True, "True": True, "incomplete": False, "false": False, "False": False}


def read_batch(table: pa.RecordBatch, layout: Layout, vocabulary: Vocabulary, first: int) -> Batch:
    """The patients of a batch; `first` is the line of its first row."""
    reader = _Reader(table, layout, vocabulary, first)
    reader.read()
    return reader.batch


class _Reader:
    def __init__(self, table: pa.RecordBatch, layout: Layout, vocabulary: Vocabulary, first: int) -> None:
        self.table, self.layout, self.vocabulary = table, layout, vocabulary
        rows = table.num_rows
        ranges = {n: (m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
        ids = table.column(layout.patient)
        self.batch = Batch(ids, Inputs(rows, {}, {}, ranges), {}, np.zeros(rows, np.bool_), first=first)
        self.listed: dict[str, Words] = {}

    def read(self) -> None:
        batch = self.batch
        empty = (
            np.asarray(pc.fill_null(pc.equal(pc.utf8_length(batch.ids.cast(pa.string())), 0), True))
            if (batch.ids.null_count or not pa.types.is_integer(batch.ids.type))
            else None
        )
        if empty is not None and empty.any():
            batch.reject(empty, "GL410", "the patient's id is missing")
        for name in self.layout.findings:
            true, false, listed = self.words(name, PRESENT, "GL414")
            batch.inputs.known[name, True], batch.inputs.known[name, False], self.listed[name] = true, false, listed
        measured = Measured(self.table, self.layout, batch)
        for name, columns in self.layout.measures.items():
            self.listed[name] = measured.read(self.vocabulary.measures[name], columns)
        for name in self.layout.screens:
            complete, _, _ = self.words(name, COMPLETE, "GL419")
            self.close(name, complete)

    def close(self, screen: str, complete: Words) -> None:
        """What a complete screen does not list is absent, or has its `unlisted` value."""
        inputs, assumed = self.batch.inputs, np.zeros_like(complete)
        for name in self.vocabulary.screens[screen].members:
            listed = self.listed.get(name)
            closed = complete if listed is None else complete & ~listed
            if name in self.vocabulary.findings:
                absent = inputs.known.get((name, False))
                inputs.known[name, False] = closed if absent is None else absent | closed
            elif (unlisted := self.vocabulary.measures[name].unlisted) is not None:
                measure = self.vocabulary.measures[name]
                rows = unpack(closed, inputs.rows)
                for upper in (False, True):
                    inputs.ends[name, upper] = chosen(~rows, self.end(name, upper=upper), unlisted * measure.ticks)
            else:
                continue
            assumed |= closed
        self.batch.assumed[screen] = assumed

    def end(self, name: str, *, upper: bool) -> Ticks:
        """The end of a measure's interval so far; the whole range when nothing was read."""
        found = self.batch.inputs.ends.get((name, upper))
        return (
            np.full(self.batch.inputs.rows, self.batch.inputs.ranges[name][upper], np.int64) if found is None else found
        )

    # words
    def words(self, column: str, meaning: dict[str, Any], code: str) -> tuple[Words, Words, Words]:
        """Who has the word that means yes, the one that means no, and any at all."""
        array = self.table.column(column)
        if pa.types.is_null(array.type):
            nobody = np.zeros(self.batch.inputs.words, np.uint64)
            return nobody, nobody, nobody
        if pa.types.is_boolean(array.type):
            return _booleans(array)
        if not pa.types.is_dictionary(array.type):
            if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
                array = array.cast(pa.string())
            array = array.dictionary_encode()
        words = array.dictionary.to_pylist()
        codes = np.asarray(pc.fill_null(array.indices, len(words)))
        # 0 not listed, 1 listed as unknown, 2 no, 3 yes, 4 not a value
        kinds = [4 if w not in meaning else 1 if meaning[w] is None else 2 + meaning[w] for w in words]
        kinds = [0 if w is None or w == "" else kind for w, kind in zip(words, kinds, strict=True)]
        found = np.array([*kinds, 0], np.uint8)[codes]
        if 4 in kinds:
            allowed = ", ".join(w for w in meaning if w.lower() not in ("true", "false"))
            self.batch.reject(
                found == 4, code, lambda row: f"`{words[codes[row]]}` is not a value of `{column}`; there are {allowed}"
            )
        yes, no = pack(found == 3), pack(found == 2)
        listed = pack(found != 0) if 1 in kinds else yes | no
        return yes, no, listed


def _booleans(array: pa.BooleanArray) -> tuple[Words, Words, Words]:
    """Arrow keeps a value bit and a validity bit: that is all there is to read."""
    rows = len(array)
    validity, data = array.buffers()
    value = _bitmap(data, array.offset, rows)
    if validity is None:
        valid = np.full(len(value), np.uint64(0xFFFFFFFFFFFFFFFF))
    else:
        valid = _bitmap(validity, array.offset, rows)
    if rows % WORD:
        valid = valid.copy()
        valid[-1] &= np.uint64((1 << rows % WORD) - 1)
    return value & valid, ~value & valid, valid


def _bitmap(buffer: pa.Buffer, offset: int, rows: int) -> Words:
    if offset % 8:
        bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")[offset : offset + rows]
        return pack(bits.view(np.bool_))
    size = (rows + 7) // 8
    found = np.frombuffer(buffer, np.uint8, count=size, offset=offset // 8)
    if size % 8:
        padded = np.zeros((size + 7) // 8 * 8, np.uint8)
        padded[:size] = found
        found = padded
    elif found.ctypes.data % 8:
        found = found.copy()
    return found.view(np.uint64)


_THOUSAND = 1000
_EXACT = 1e-6
_NARROW = 1 << 31
"""Ticks below this are kept in half the memory."""
_BLOCK = 1 << 13

Rows: TypeAlias = NDArray[np.bool_]


class Measured:
    """Reads the measures of a batch into its inputs, and sets aside the rows whose cells say no number or day."""

    def __init__(self, table: pa.RecordBatch, layout: Layout, batch: Batch) -> None:
        self.table, self.layout, self.batch = table, layout, batch
        self.rows = batch.inputs.rows

    def read(self, measure: Measure, columns: MeasureColumns) -> Words:
        """Note both ends of a measure; who has anything listed about it, if only that it is unknown."""
        name, inputs = measure.name, self.batch.inputs
        valued = np.zeros(self.rows, np.bool_)
        low: Ticks
        high: Ticks
        if columns.value is None:
            low, high = (np.full(self.rows, inputs.ranges[name][upper], np.int64) for upper in (False, True))
        else:
            ticks, given, valued = self.numbers(columns.value, measure)
            low, high = (chosen(given, ticks, inputs.ranges[name][upper]) for upper in (False, True))
        listed = valued
        for column, upper in ((columns.low, False), (columns.high, True)):
            if column is not None:
                ticks, given, also = self.numbers(column, measure)
                self.batch.reject(given & valued, "GL415", f"`{name}` has a value, and so no `{column}`")
                low, high = (low, chosen(given, ticks, high)) if upper else (chosen(given, ticks, low), high)
                listed = listed | also
        if columns.since is not None:
            low, high, listed = self.since(columns.since, columns.since_last, measure, low, high, listed)
        if columns.low is not None or columns.high is not None:
            self.batch.reject(low > high, "GL415", f"the lower bound of `{name}` is above the upper one")
        inputs.ends[name, False], inputs.ends[name, True] = low, high
        return pack(listed)

    def numbers(self, column: str, measure: Measure) -> tuple[Ticks, Rows, Rows]:
        """Ticks, which rows have a number, and which have anything at all (`unknown` too)."""
        array = self.table.column(column)
        if pa.types.is_null(array.type):
            nobody = np.zeros(self.rows, np.bool_)
            return np.zeros(self.rows, np.int64), nobody, nobody
        if pa.types.is_integer(array.type):
            given = _given(array)
            number = np.asarray(pc.fill_null(array, 0)).astype(np.int64)
            inside = (number >= measure.low) & (number <= measure.high)
            self.outside(column, measure, given & ~inside, array)
            return np.where(inside, number, measure.low) * measure.ticks, given, given
        if pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
            given = listed = _given(array)
        else:
            array, listed = self.written(column, array)
            given = _given(array)
        array = array.cast(pa.float64())
        # The numbers as they lie in memory: where there is none, there is anything.
        value = np.frombuffer(array.buffers()[1], np.float64, count=self.rows, offset=8 * array.offset)
        ticks = _fine(value, measure)
        return (self.judged(column, value, given, measure) if ticks is None else ticks), given, listed

    def written(self, column: str, array: pa.Array) -> tuple[pa.Array, Rows]:
        """Numbers that are written out, and which rows have anything."""
        text = array.cast(pa.string())
        blank = np.asarray(pc.fill_null(pc.equal(pc.utf8_length(text), 0), True))
        unknown = np.asarray(pc.fill_null(pc.equal(text, "unknown"), False))
        good = np.asarray(pc.fill_null(pc.match_substring_regex(text, DECIMAL), False))
        self.batch.reject(
            ~(blank | unknown | good), "GL415", lambda row: f"`{text_of(text[row])}` is not a number of `{column}`"
        )
        return pc.if_else(pa.array(good), text, pa.scalar(None, pa.string())).cast(pa.float64()), ~blank

    def judged(self, column: str, value: NDArray[np.float64], given: Rows, measure: Measure) -> Ticks:
        """Ticks of numbers some of which may be none, not exact, or out of range: those rows are set aside."""
        inside = (value >= measure.low) & (value <= measure.high)  # not a number is in no range
        if not inside.all():
            self.batch.reject(given & ~np.isfinite(value), "GL415", f"this is not a number of `{column}`")
            self.outside(column, measure, given & ~inside, self.table.column(column))
            value = np.where(inside, value, measure.low)
        thousandths = value * _THOUSAND
        whole = np.rint(thousandths)
        between = thousandths != whole
        if between.any():
            between[between] = np.abs(thousandths[between] - whole[between]) > _EXACT
            self.batch.reject(between & given, "GL415", f"`{column}` has more than 3 decimal places")
        return (whole * (measure.ticks // _THOUSAND)).astype(_kind(measure))

    def outside(self, column: str, measure: Measure, rows: Rows, values: pa.Array) -> None:
        """Set rows aside whose number is not within the range."""
        if rows.any():
            range_ = f"from {measure.low} to {measure.high} (unit `{measure.unit}`)"
            self.batch.reject(
                rows, "GL416", lambda row: f"`{text_of(values[row])}` is outside the range of `{column}`, {range_}"
            )

    def since(
        self, column: str, until: str | None, measure: Measure, low: Ticks, high: Ticks, listed: Rows
    ) -> tuple[Ticks, Ticks, Rows]:
        """Counted in days from a start up to `as_of`; the start may be known to lie between two days only."""
        assert self.layout.as_of is not None
        start, given = self.days(column)
        last = start
        if until is not None:
            latest, ranged = self.days(until)
            self.batch.reject(ranged & ~given, "GL415", f"`{until}` needs `{column}`")
            self.batch.reject(ranged & given & (latest < start), "GL415", f"`{until}` is before `{column}`")
            last = np.where(ranged, latest, start)
        today, dated = self.days(self.layout.as_of)
        self.batch.reject(given & ~dated, "GL418", f"`{column}` needs `{self.layout.as_of}`")
        self.batch.reject(given & dated & (last > today), "GL418", f"`{column}` is after `{self.layout.as_of}`")
        self.batch.reject(given & listed, "GL415", f"`{measure.name}` has a value or bounds, and so no `{column}`")
        least, most = ((today - day) * TICKS_PER_UNIT["day"] for day in (last, start))
        fits = (least >= measure.low * measure.ticks) & (most <= measure.high * measure.ticks)
        self.batch.reject(given & dated & ~fits, "GL416", f"`{column}` is outside the range of `{measure.name}`")
        use = given & dated & fits
        return np.where(use, least, low), np.where(use, most, high), listed | given

    def days(self, column: str) -> tuple[Ticks, Rows]:
        """Days since 1970, and which rows have one."""
        array = self.table.column(column)
        if pa.types.is_null(array.type):
            return np.zeros(self.rows, np.int64), np.zeros(self.rows, np.bool_)
        if pa.types.is_timestamp(array.type):
            array = array.cast(pa.date32(), safe=False)
        elif not pa.types.is_date(array.type):
            text = array.cast(pa.string())
            blank = np.asarray(pc.fill_null(pc.equal(pc.utf8_length(text), 0), True))
            written = text.dictionary_encode()  # few days occur, so each is read once
            fine = np.array([*(_is_day(t) for t in written.dictionary.to_pylist()), False], np.bool_)
            good = fine[np.asarray(pc.fill_null(written.indices, len(fine) - 1))]
            self.batch.reject(
                ~(blank | good), "GL417", lambda row: f"`{text_of(text[row])}` in `{column}` is not a date"
            )
            array = pc.if_else(pa.array(good), text, pa.scalar(None, pa.string())).cast(pa.date32())
        given = np.asarray(array.is_valid())
        days = np.asarray(pc.fill_null(array.cast(pa.date32()).cast(pa.int32()), 0)).astype(np.int64)
        return days, given


def _fine(value: NDArray[np.float64], measure: Measure) -> Ticks | None:
    """The ticks where every number is exact and in its range, whether its row has it or not; None otherwise."""
    ticks: Ticks = np.empty(len(value), _kind(measure))
    thousandths, whole = np.empty(_BLOCK), np.empty(_BLOCK)
    lowest, highest, factor = measure.low * _THOUSAND, measure.high * _THOUSAND, measure.ticks // _THOUSAND
    for start in range(0, len(value), _BLOCK):
        block = value[start : start + _BLOCK]
        exact, found = thousandths[: len(block)], whole[: len(block)]
        np.multiply(block, _THOUSAND, out=exact)
        np.rint(exact, out=found)
        # Not a number equals nothing and is nothing's neighbour, so it is not fine either.
        if not np.array_equal(exact, found) and not np.abs(np.subtract(exact, found, out=exact)).max() <= _EXACT:
            return None
        if not (found.min() >= lowest and found.max() <= highest):
            return None
        np.multiply(found, factor, out=ticks[start : start + _BLOCK], casting="unsafe")
    return ticks


def _kind(measure: Measure) -> type[np.signedinteger[Any]]:
    return np.int32 if max(-measure.low, measure.high) * measure.ticks < _NARROW else np.int64


def chosen(rows: Rows, ticks: Ticks, otherwise: Ticks | int) -> Ticks:
    """The ticks of these rows, and something else for the others: without a branch, several times faster than `where`.

    What is too large for the type on the way wraps around and back.
    """
    if rows.all():
        return ticks
    found: Ticks = ticks - otherwise
    found *= rows
    found += otherwise
    return found


def _given(array: pa.Array) -> Rows:
    return np.asarray(array.is_valid()) if array.null_count else np.ones(len(array), np.bool_)


def _is_day(text: str | None) -> bool:
    return text is not None and day_of(text) is not None
