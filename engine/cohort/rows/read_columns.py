"""A batch of a wide table -> the inputs of its patients, and the rows that cannot be answered.

What `patients/` does for one record is done here for columns, with the same results: listed values, completed screens
closed over what is not listed, `unlisted` values, start dates counted, numbers in thousandths and within their range.
What sets a row aside stands in `row_rules`; here is what the cells of an Arrow column reply to those rules, and a look
at whole columns that finds most of them without fault before any rule is asked. Contradictions with background rules
are found later, because nothing here knows rules of a guideline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guidelog.language.vocabulary import TICKS_PER_UNIT, Measure, Vocabulary
from guidelog.patients.values import day_of

from ..engines.vectors import WORD, Inputs, Ticks, Words, pack, unpack
from .batch import Batch, text_of
from .layout import Layout, MeasureColumns
from .row_rules import (
    ANY_DECIMAL,
    COMPLETE,
    DAY_RULES,
    DECIMAL,
    FINDING_RULES,
    ID_RULES,
    LAST_RULES,
    MEASURE_RULES,
    MOST,
    NUMBER_RULES,
    PRESENT,
    SCREEN_RULES,
    SINCE_RULES,
    UNKNOWN,
    Rule,
    whole,
)

_THOUSAND = 1000
_NARROW = 1 << 31
"""Ticks below this are kept in half the memory."""
_BLOCK = 1 << 13
"""Numbers that go by together stay in the cache."""
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""From the first day of the year 1 to the last of the year 9999, in days since 1970."""

Rows: TypeAlias = NDArray[np.bool_]


def read_batch(table: pa.RecordBatch, layout: Layout, vocabulary: Vocabulary, first: int) -> Batch:
    """The patients of a batch, whose columns are of kinds that `column_types` allows; `first` is its first line."""
    reader = _Reader(table, layout, vocabulary, first)
    reader.read()
    return reader.batch


class _Reader:
    def __init__(self, table: pa.RecordBatch, layout: Layout, vocabulary: Vocabulary, first: int) -> None:
        self.table, self.layout, self.vocabulary = table, layout, vocabulary
        self.rows = rows = table.num_rows
        ranges = {n: (m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
        ids = table.column(layout.patient)
        self.batch = Batch(ids, Inputs(rows, {}, {}, ranges), {}, np.zeros(rows, np.bool_), first=first)
        self.listed: dict[str, Words] = {}
        self.today: _Days | None = None

    def read(self) -> None:
        inputs = self.batch.inputs
        identities = _Ids(self.batch.ids)
        if identities.doubtful:
            self.judge(ID_RULES, identities, {})
        if self.layout.as_of is not None:
            self.today = self.days(self.layout.as_of)
        for name in self.layout.findings:
            yes, no, self.listed[name] = self.words(name, PRESENT, FINDING_RULES)
            inputs.known[name, True], inputs.known[name, False] = yes, no
        for name, columns in self.layout.measures.items():
            self.measure(self.vocabulary.measures[name], columns)
        for name in self.layout.screens:
            complete, _, _ = self.words(name, COMPLETE, SCREEN_RULES)
            self.close(name, complete)

    def judge(self, rules: Sequence[Rule], cells: Any, named: Mapping[str, str]) -> None:
        """Set aside the rows that break a rule."""
        for rule in rules:
            broken = rule.broken(cells)
            if broken.any():
                self.batch.reject(broken, rule.code, _reason(rule, cells, named))

    def close(self, screen: str, complete: Words) -> None:
        """What a complete screen does not list is absent, or has its `unlisted` value."""
        inputs, assumed = self.batch.inputs, np.zeros_like(complete)
        for name in self.vocabulary.screens[screen].members:
            listed = self.listed.get(name)
            closed = complete if listed is None else complete & ~listed
            if name in self.vocabulary.findings:
                for shown in self.vocabulary.findings[name].implied_by:
                    if shown in self.layout.findings:
                        closed = closed & ~inputs.known[shown, True]
                absent = inputs.known.get((name, False))
                inputs.known[name, False] = closed if absent is None else absent | closed
            elif (unlisted := self.vocabulary.measures[name].unlisted) is not None:
                measure = self.vocabulary.measures[name]
                rows = unpack(closed, inputs.rows)
                for upper in (False, True):
                    inputs.ends[name, upper] = _chosen(~rows, self.end(name, upper=upper), unlisted * measure.ticks)
            else:
                continue
            assumed |= closed
        self.batch.assumed[screen] = assumed

    def end(self, name: str, *, upper: bool) -> Ticks:
        """The end of a measure's interval so far; the whole range when nothing was read."""
        found = self.batch.inputs.ends.get((name, upper))
        return np.full(self.rows, self.batch.inputs.ranges[name][upper], np.int64) if found is None else found

    def words(
        self, column: str, meaning: Mapping[str, bool | None], rules: Sequence[Rule]
    ) -> tuple[Words, Words, Words]:
        """Who has the word that means yes, the one that means no, and any at all."""
        array = self.table.column(column)
        if pa.types.is_null(array.type):
            nobody = np.zeros(self.batch.inputs.words, np.uint64)
            return nobody, nobody, nobody
        if pa.types.is_boolean(array.type):
            return _booleans(array)
        cells = _WordCells(array, meaning)
        if cells.doubtful:
            allowed = ", ".join(w for w in meaning if w.lower() not in ("true", "false"))
            self.judge(rules, cells, {"column": column, "allowed": allowed})
        yes, no = pack(cells.kinds == _YES), pack(cells.kinds == _NO)
        return yes, no, pack(cells.listed) if cells.open else yes | no

    def measure(self, measure: Measure, columns: MeasureColumns) -> None:
        """Note both ends of a measure, and who has anything listed about it, if only that it is unknown."""
        name, inputs = measure.name, self.batch.inputs
        cells = _MeasureCells(self.rows)
        low, high = (np.full(self.rows, end, _kind(measure)) for end in inputs.ranges[name])
        listed = np.zeros(self.rows, np.bool_)
        if columns.value is not None:
            cells.value = value = self.numbers(columns.value, measure)
            low, high = _chosen(value.number, value.low, low), _chosen(value.number, value.high, high)
            listed = value.listed
        if columns.low is not None:
            cells.low = self.numbers(columns.low, measure)
            low, listed = _chosen(cells.low.number, cells.low.low, low), listed | cells.low.listed
        if columns.high is not None:
            cells.high = self.numbers(columns.high, measure)
            high, listed = _chosen(cells.high.number, cells.high.high, high), listed | cells.high.listed
        named = {"measure": name, "low": columns.low or "", "high": columns.high or ""}
        if columns.low is not None or columns.high is not None:
            self.judge(MEASURE_RULES, cells, named)
        if columns.since is not None and self.today is not None:
            cells.since, cells.today = self.days(columns.since), self.today
            cells.last = cells.since if columns.since_last is None else self.days(columns.since_last)
            cells.count(measure)
            named |= {"since": columns.since, "last": columns.since_last or "", "today": self.layout.as_of or ""}
            rules = (*LAST_RULES, *SINCE_RULES) if columns.since_last is not None else SINCE_RULES
            self.judge(rules, cells, named)
            low, high = np.where(cells.counted, cells.least, low), np.where(cells.counted, cells.most, high)
            listed = listed | cells.since.listed
        inputs.ends[name, False], inputs.ends[name, True] = low, high
        self.listed[name] = pack(listed)

    def numbers(self, column: str, measure: Measure) -> _Numbers:
        """The numbers of a column, with the rows set aside whose cells are none of the measure's."""
        cells = _Numbers(self.table.column(column), measure)
        if cells.doubtful:
            range_ = f"from {measure.low} to {measure.high} (unit `{measure.unit}`)"
            self.judge(NUMBER_RULES, cells, {"column": column, "range": range_})
        return cells

    def days(self, column: str) -> _Days:
        """The days of a column, with the rows set aside whose cells are none."""
        cells = _Days(self.table.column(column))
        if cells.doubtful:
            self.judge(DAY_RULES, cells, {"column": column})
        return cells


def wrong_ids(ids: pa.Array) -> list[tuple[Rule, Rows]]:
    """The rules that ids break, with the rows that break them."""
    cells = _Ids(ids)
    return [(rule, rule.broken(cells)) for rule in ID_RULES] if cells.doubtful else []


def _reason(rule: Rule, cells: Any, named: Mapping[str, str]) -> str | Callable[[int], str]:
    if "{cell}" not in rule.reason:
        return rule.reason.format(**named)
    return lambda row: rule.reason.format(cell=_shown(text_of(cells.array[row])), **named)


_MOST_SHOWN = 60


def _shown(text: str) -> str:
    """A cell as a reason quotes it: short, on one line."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:_MOST_SHOWN])
    return visible + "…" * (len(text) > _MOST_SHOWN)


# Words
_MISSING, _OPEN, _NO, _YES, _WRONG = range(5)


class _WordCells:
    """Words, looked up once for each that occurs."""

    def __init__(self, array: pa.Array, meaning: Mapping[str, bool | None]) -> None:
        self.array = array
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        words = array.dictionary.to_pylist()
        kinds = [_MISSING if not w else _word_kind(w, meaning) for w in words]
        codes = array.indices if not array.null_count else pc.fill_null(array.indices.cast(pa.int32()), len(words))
        self.kinds: NDArray[np.uint8] = np.array([*kinds, _MISSING], np.uint8)[np.asarray(codes)]
        self.doubtful, self.open = _WRONG in kinds, _OPEN in kinds or _WRONG in kinds

    @cached_property
    def listed(self) -> Rows:
        found: Rows = self.kinds != _MISSING
        return found

    @property
    def word(self) -> Rows:
        found: Rows = self.kinds != _WRONG
        return found


def _word_kind(word: str, meaning: Mapping[str, bool | None]) -> int:
    value = meaning.get(word, word)
    return _WRONG if isinstance(value, str) else _OPEN if value is None else _NO + value


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


# Ids
class _Ids:
    """Patients' ids: text or whole numbers."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    @cached_property
    def text(self) -> pa.Array:
        return self.array if pa.types.is_string(self.array.type) else self.array.cast(pa.string())

    @property
    def doubtful(self) -> bool:
        """Whether an id may be missing, empty, or made of other than plain characters."""
        if self.array.null_count or pa.types.is_integer(self.array.type) or not len(self.array):
            return bool(self.array.null_count)
        _, offsets, data = self.text.buffers()
        places = np.frombuffer(offsets, np.int32, count=len(self.text) + 1, offset=4 * self.text.offset)
        if (places[1:] == places[:-1]).any():
            return True
        letters = np.frombuffer(data, np.uint8)[places[0] : places[-1]]
        return bool((letters - np.uint8(0x21) > 0x7E - 0x21).any())

    @property
    def listed(self) -> Rows:
        return ~np.asarray(pc.fill_null(pc.equal(pc.binary_length(self.text), 0), True))

    @property
    def strange(self) -> Rows:
        return self.listed

    def matches(self, pattern: str) -> Rows:
        return _true(pc.match_substring_regex(self.text, pattern))


# Numbers
class _Numbers:
    """Numbers of a measure, both ends in ticks: the same, unless a computed number lies between two thousandths."""

    def __init__(self, array: pa.Array, measure: Measure) -> None:
        self.array, self.measure = array, measure
        rows = len(array)
        self.doubtful = False
        self.unknown: Rows | np.bool_ = np.False_
        self.inside: Rows | np.bool_ = np.True_
        self.exact: Rows | np.bool_ = np.True_
        self.high: Ticks
        self.low: Ticks
        if pa.types.is_null(array.type):
            self.listed = self.number = np.zeros(rows, np.bool_)
            self.low = self.high = np.zeros(rows, np.int64)
        elif pa.types.is_integer(array.type):
            self.listed = self.number = _given(array)
            self.wholes(np.asarray(pc.fill_null(array, 0)))
        elif pa.types.is_floating(array.type):
            self.listed = self.number = _given(array)
            single = array.type == pa.float32()
            self.floats(_floats(array), single=single)
        elif pa.types.is_decimal(array.type):
            self.listed = self.number = _given(array)
            self.exact = _true(pc.equal(array, pc.round(array, 3))) if array.type.scale > 3 else np.True_
            self.written(array.cast(pa.float64()))
        else:
            self.texts(array)

    def wholes(self, number: NDArray[Any]) -> None:
        if number.dtype == np.uint64:  # what is beyond any range may as well be a little nearer
            number = np.minimum(number, np.uint64(1 << 62))
        number = number.astype(np.int64)
        self.inside = (number >= self.measure.low) & (number <= self.measure.high)
        self.doubtful = not self.inside.all()
        ticks = np.where(self.inside, number, self.measure.low) * self.measure.ticks
        self.low = self.high = ticks.astype(_kind(self.measure), copy=False)

    def texts(self, array: pa.Array) -> None:
        """Each number that is written out is read once, however often it occurs."""
        written = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        words = written.dictionary.cast(pa.string())
        codes = np.asarray(pc.fill_null(written.indices.cast(pa.int32()), len(words)))

        def of_rows(found: Rows) -> Rows:
            spread: Rows = np.append(found, False)[codes]
            return spread

        number = _true(pc.match_substring_regex(words, whole(ANY_DECIMAL)))
        exact = _true(pc.match_substring_regex(words, whole(DECIMAL)))
        self.listed = of_rows(_true(pc.greater(pc.binary_length(words), 0)))
        self.unknown, self.number, self.exact = (
            of_rows(found) for found in (_true(pc.equal(words, UNKNOWN)), number, exact | ~number)
        )
        value = pc.if_else(pa.array(number), words, pa.scalar(None, pa.string())).cast(pa.float64())
        few = np.append(np.asarray(pc.fill_null(value, self.measure.low)), self.measure.low)
        inside, ticks = _ticks(few, self.measure)
        self.inside, self.low = inside[codes], ticks[codes]
        self.high = self.low
        self.doubtful = not (number & exact & inside[:-1]).all() or bool(self.unknown.any())

    def written(self, array: pa.Array) -> None:
        """Decimals: they are in thousandths, or set aside."""
        self.inside, self.low = _ticks(np.asarray(pc.fill_null(array, self.measure.low)), self.measure)
        self.high = self.low
        self.doubtful = not (np.all(self.inside) and np.all(self.exact))

    def floats(self, value: NDArray[Any], *, single: bool) -> None:
        """Binary numbers: the thousandth that is written so in binary, or else what lies between two of them."""
        found = _fine(value, self.measure, single=single)
        if found is not None:
            self.low = self.high = found
            return
        with np.errstate(invalid="ignore", over="ignore"):
            wide = value.astype(np.float64)
            self.number = self.number & (np.abs(wide) <= MOST)  # not a number is at most nothing
            self.inside = (wide >= self.measure.low) & (wide <= self.measure.high)
        self.doubtful = bool((self.listed & ~(self.number & self.inside)).any())
        wide = np.where(self.inside, wide, self.measure.low)
        nearest = np.rint(wide * _THOUSAND)
        same = nearest / _THOUSAND
        exact = same.astype(np.float32) == wide if single else same == wide
        factor, kind = self.measure.ticks // _THOUSAND, _kind(self.measure)
        self.low = ((nearest - (~exact & (wide < same))) * factor).astype(kind)
        self.high = ((nearest + (~exact & (wide > same))) * factor).astype(kind)


def _fine(value: NDArray[Any], measure: Measure, *, single: bool) -> Ticks | None:
    """The ticks where every number is exact and in its range, whether its row has it or not; None otherwise."""
    ticks: Ticks = np.empty(len(value), _kind(measure))
    whole_, again = np.empty(_BLOCK), np.empty(_BLOCK)
    lowest, highest, factor = measure.low * _THOUSAND, measure.high * _THOUSAND, measure.ticks // _THOUSAND
    for start in range(0, len(value), _BLOCK):
        block = value[start : start + _BLOCK]
        found, same = whole_[: len(block)], again[: len(block)]
        with np.errstate(invalid="ignore", over="ignore"):
            np.multiply(block, _THOUSAND, out=found, dtype=np.float64)
            np.rint(found, out=found)
            np.divide(found, _THOUSAND, out=same)
        # Not a number equals nothing, so it is not fine either.
        if not np.array_equal(same.astype(np.float32) if single else same, block):
            return None
        if not (found.min() >= lowest and found.max() <= highest):
            return None
        np.multiply(found, factor, out=ticks[start : start + _BLOCK], casting="unsafe")
    return ticks


def _ticks(value: NDArray[np.float64], measure: Measure) -> tuple[Rows, Ticks]:
    """Which numbers are in the range, and the ticks of those that are."""
    inside = (value >= measure.low) & (value <= measure.high)
    whole_ = np.rint(np.where(inside, value, measure.low) * _THOUSAND)
    return inside, (whole_ * (measure.ticks // _THOUSAND)).astype(_kind(measure))


def _floats(array: pa.Array) -> NDArray[Any]:
    """The numbers as they lie in memory: where there is none, there is anything."""
    kind = np.dtype(np.float32 if array.type == pa.float32() else np.float64)
    return np.frombuffer(array.buffers()[1], kind, count=len(array), offset=kind.itemsize * array.offset)


# Days
class _Days:
    """Days since 1970, and which rows have one."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array
        rows = len(array)
        self.doubtful = False
        self.days: Ticks
        if pa.types.is_null(array.type):
            self.listed = self.day = np.zeros(rows, np.bool_)
            self.days = np.zeros(rows, np.int64)
        elif pa.types.is_date(array.type) or pa.types.is_timestamp(array.type):
            self.listed = _given(array)
            size = _steps_a_day(array.type)
            count = np.asarray(pc.fill_null(array.cast(pa.int32() if size == 1 else pa.int64()), 0)).astype(np.int64)
            self.days = count // size
            fine = (self.days >= _FIRST_DAY) & (self.days <= _LAST_DAY)
            if size > 1:
                fine &= count % size == 0
            self.day, self.doubtful = self.listed & fine, not fine.all()
            self.days = np.where(fine, self.days, 0)
        else:
            written = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            words = [*written.dictionary.to_pylist(), None]  # few days occur, so each is read once
            codes = np.asarray(pc.fill_null(written.indices.cast(pa.int32()), len(words) - 1))
            found = [day_of(word) if word else None for word in words]
            self.listed = np.array([bool(word) for word in words], np.bool_)[codes]
            self.day = np.array([day is not None for day in found], np.bool_)[codes]
            epoch = np.array([0 if d is None else d.toordinal() + _FIRST_DAY - 1 for d in found], np.int64)
            self.days = epoch[codes]
            self.doubtful = any(word and day is None for word, day in zip(words, found, strict=True))

    def before(self, other: _Days) -> Rows:
        return self.day & other.day & (self.days < other.days)


def _steps_a_day(kind: pa.DataType) -> int:
    """How many steps of its unit a column of dates or times counts in a day."""
    if pa.types.is_date32(kind):
        return 1
    return 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}["ms" if pa.types.is_date64(kind) else kind.unit]


class _MeasureCells:
    """All columns of a measure, and the day of the row; those that are not there hold nothing."""

    def __init__(self, rows: int) -> None:
        nothing = _Nothing(rows)
        self.value: Any = nothing
        self.low: Any = nothing
        self.high: Any = nothing
        self.since: Any = nothing
        self.last: Any = nothing
        self.today: Any = nothing

    @property
    def crossed(self) -> Rows:
        found: Rows = self.low.number & self.high.number & (self.low.low > self.high.high)
        return found

    def count(self, measure: Measure) -> None:
        """Count from the start to the day of the row; the start may lie between two days."""
        day = TICKS_PER_UNIT["day"]
        last = np.where(self.last.day, self.last.days, self.since.days)
        self.least, self.most = (self.today.days - last) * day, (self.today.days - self.since.days) * day
        given = self.since.day & self.today.day
        inside = (self.least >= measure.low * measure.ticks) & (self.most <= measure.high * measure.ticks)
        self.fits: Rows = ~given | inside
        self.counted: Rows = given & inside


class _Nothing:
    """A column that is not there."""

    def __init__(self, rows: int) -> None:
        self.listed = self.number = self.day = np.zeros(rows, np.bool_)
        self.low = self.high = self.days = np.zeros(rows, np.int64)


def _kind(measure: Measure) -> type[np.signedinteger[Any]]:
    return np.int32 if max(-measure.low, measure.high) * measure.ticks < _NARROW else np.int64


def _chosen(rows: Rows, ticks: Ticks, otherwise: Ticks | int) -> Ticks:
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


def _true(found: pa.Array) -> Rows:
    return np.asarray(pc.fill_null(found, False))
