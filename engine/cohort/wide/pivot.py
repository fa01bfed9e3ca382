"""Every (name, value) of a long table as bits of a few whole numbers, so that `bit_or` over a patient's rows says all.

A finding or a screen has three bits in a word: yes, no, listed as unknown. A number or a day is the rank of its value
among those that occur, in the low half of a word, with all other bits of the rank in the high half. Rows of a patient
that disagree therefore leave a mark that no single row leaves: two of the three bits, or a bit in both halves. So one
pass over the table is enough, whatever it holds, and what a value means is decided once for each value that occurs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guidelog.diagnostics import InputError
from guidelog.language.vocabulary import TICKS_PER_UNIT, Vocabulary

from ..engines.vectors import pack
from ..rows.layout import DAY, HIGH, LAST, LOW, SINCE
from ..rows.locked_duckdb import quoted
from ..rows.row_rules import COMPLETE, DECIMAL, PRESENT, UNKNOWN, WRITTEN_DAY

Masks: TypeAlias = Sequence[NDArray[np.int64]]

WORD, ACT, NUMBER, DATE = range(4)
"""What a name stands for: a finding, a screen, a number, a day."""
YES, NO, OPEN, WRONG = range(4)
"""What a value says of a finding or a screen, or that it is none."""
SAYS = {
    kind: tuple(tuple(word for word, says in words.items() if says is side) for side in (True, False))
    for kind, words in ((WORD, PRESENT), (ACT, COMPLETE))
}
KEY = "hash(name, value)"
_THIRD, _HALF = 20, 31  # bits of a word that belong together
_WRONG = 62
"""The bit of the first word that says: some row is not of this guideline."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a row may have, and what it stands for."""

    name: str
    kind: int


@dataclass(frozen=True, slots=True)
class Field:
    """Where a name is: word, lowest bit in its third or half, bits. `values`: of each rank, the last none if `open`."""

    name: Name
    word: int
    shift: int
    width: int
    values: pa.Array | None = None
    open: bool = False


@dataclass(slots=True)
class PivotBits:
    """The names that occur in a table and their places; `thirds` and `halves` are the words of each kind.

    `hashed`: no two pairs of the table have the same hash, so that rows are known by it, which is faster.
    """

    rows: int = 0
    hashed: bool = False
    fields: list[Field] = field(default_factory=list)
    thirds: list[int] = field(default_factory=list)
    halves: list[int] = field(default_factory=list)

    @property
    def words(self) -> int:
        """How many words a patient has."""
        return max(1, len(self.thirds) + len(self.halves))

    def wrong(self, masks: Masks) -> NDArray[np.bool_]:
        """Whose rows disagree, or are not of this guideline."""
        bad: NDArray[np.bool_] = masks[0] >> _WRONG != 0
        low, half = (1 << _THIRD) - 1, (1 << _HALF) - 1
        for word in self.thirds:
            yes, no, open_ = (masks[word] >> _THIRD * place & low for place in (YES, NO, OPEN))
            bad |= (yes & no | (yes | no) & open_) != 0
        for word in self.halves:
            bad |= (masks[word] & half & (masks[word] >> _HALF)) != 0
        return bad

    @property
    def schema(self) -> list[tuple[str, pa.DataType]]:
        """The columns of the wide table: truth values where they say all, words where some patient's is unknown."""
        return [(f.name.name, _type(f)) for f in self.fields]

    def columns(self, masks: Masks) -> list[pa.Array]:
        """The cells of patients none of whom is wrong."""
        bits = _Bits(masks)
        return [_cells(f, bits) if f.values is None else _values(f, masks[f.word]) for f in self.fields]


class _Bits:
    """Single bits of all patients, looked up in the one byte of a word that they are in: an eighth of the memory."""

    def __init__(self, masks: Masks) -> None:
        self.bytes = [np.ascontiguousarray(mask, "<i8").view(np.uint8).reshape(-1, 8) for mask in masks]
        self.found: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def __call__(self, word: int, place: int) -> NDArray[np.uint8]:
        """Zero for who has not this bit."""
        byte, bit = divmod(place, 8)
        if (word, byte) not in self.found:
            self.found[word, byte] = np.ascontiguousarray(self.bytes[word][:, byte])
        return self.found[word, byte] & np.uint8(1 << bit)


def names_of(vocabulary: Vocabulary) -> list[Name]:
    """Every name that a row of a long table may have."""
    found = [Name(name, WORD) for name in vocabulary.findings] + [Name(name, ACT) for name in vocabulary.screens]
    for name, measure in vocabulary.measures.items():
        found += [Name(name + suffix, NUMBER) for suffix in ("", LOW, HIGH)]
        if measure.unit in TICKS_PER_UNIT:
            found += [Name(name + suffix, DATE) for suffix in (SINCE, LAST)]
    return [*found, Name(DAY, DATE)]


def make_bits(
    connection: duckdb.DuckDBPyConnection, rows: str, vocabulary: Vocabulary, ignore: Collection[str]
) -> PivotBits:
    """Look at every (name, value) of `rows` once, and make the table `code` (h, name, value, m0, m1, ...) from them."""
    names = names_of(vocabulary)
    _judge(connection, rows, names, ignore)
    code = _places(connection, names)
    found = pa.table(
        {
            "p": pa.array([names.index(f.name) for f in code.fields], pa.int32()),
            "w": pa.array([f.word for f in code.fields], pa.int32()),
            "s": pa.array([f.shift for f in code.fields], pa.int64()),
            "x": pa.array([(1 << f.width) - 1 for f in code.fields], pa.int64()),
        }
    )
    connection.register("fields", found)
    bits = f"""CASE WHEN says = {WRONG} THEN CAST(1 AS BIGINT) << {_WRONG}
        WHEN rank IS NOT NULL THEN (rank << s) | (xor(rank, x) << (s + {_HALF}))
        WHEN says IS NOT NULL THEN CAST(1 AS BIGINT) << (s + {_THIRD} * says) ELSE 0 END"""
    word = f"CASE WHEN w IS NULL OR says = {WRONG} THEN 0 ELSE w END"
    masks = ", ".join(f"CASE WHEN word = {w} THEN bits ELSE 0 END AS m{w}" for w in range(code.words))
    connection.execute(
        f"CREATE TEMP TABLE code AS SELECT {KEY} AS h, name, value, {masks} "
        f"FROM (SELECT *, {bits} AS bits, {word} AS word FROM judged LEFT JOIN fields USING (p))"
    )
    ((code.hashed,),) = connection.execute("SELECT count(*) = count(DISTINCT h) FROM code").fetchall()
    return code


def _judge(connection: duckdb.DuckDBPyConnection, rows: str, names: Sequence[Name], ignore: Collection[str]) -> None:
    """The table `judged`: each (name, value), what it says, and the rank of a number or day among those of its name."""
    listed = {"n": [n.name for n in names], "k": [n.kind for n in names], "p": list(range(len(names)))}
    connection.register("names", pa.table(listed))
    says = " ".join(
        f"WHEN k = {kind} AND value IN ({', '.join(map(quoted, words))}) THEN {place}"
        for kind, sides in SAYS.items()
        for place, words in enumerate(sides)
    )
    passed = ", ".join(map(quoted, ignore))
    blank = "value = ''" + (f" OR name IN ({passed})" if passed else "")
    connection.execute(
        f"""CREATE TEMP TABLE judged AS
        WITH pairs AS (SELECT name, value, count(*) AS rows FROM ({rows}) GROUP BY ALL),
        numbers AS (SELECT pairs.*, k, p, {blank} AS blank,
            CASE WHEN k = {NUMBER} AND regexp_full_match(value, '{DECIMAL}') THEN CAST(value AS DOUBLE)
                WHEN k = {DATE} AND regexp_full_match(value, '{WRITTEN_DAY}')
                AND TRY_CAST(value AS DATE) >= DATE '0001-01-01'
                THEN epoch(TRY_CAST(value AS DATE)) / 86400 END AS number
            FROM pairs LEFT JOIN names ON name = n),
        words AS (SELECT *, CASE WHEN blank THEN NULL {says}
            WHEN k IN ({WORD}, {NUMBER}) AND value = '{UNKNOWN}' THEN {OPEN}
            WHEN number IS NULL THEN {WRONG} END AS says FROM numbers)
        SELECT *, CASE WHEN NOT blank AND (number IS NOT NULL OR k = {NUMBER} AND says = {OPEN}) THEN
            dense_rank() OVER (PARTITION BY p, blank, says IS NOT DISTINCT FROM {WRONG} ORDER BY number NULLS LAST) - 1
            END AS rank FROM words"""
    )


def _places(connection: duckdb.DuckDBPyConnection, names: Sequence[Name]) -> PivotBits:
    """A place in the words for each name that occurs with a value."""
    occurring = connection.execute(
        f"SELECT p, coalesce(bool_or(says = {OPEN}), false) FROM judged WHERE says < {WRONG} OR rank IS NOT NULL "
        "GROUP BY p ORDER BY p"
    ).fetchall()
    ((rows,),) = connection.execute("SELECT coalesce(sum(rows), 0) FROM judged").fetchall()
    code, used = PivotBits(int(rows)), 0
    for place, open_ in (row for row in occurring if names[row[0]].kind in SAYS):
        if not code.thirds or used == _THIRD:
            code.thirds.append(len(code.thirds))
            used = 0
        code.fields.append(Field(names[place], code.thirds[-1], used, 1, open=open_))
        used += 1
    ranks = connection.sql(
        "SELECT DISTINCT p, rank, number FROM judged WHERE rank IS NOT NULL ORDER BY p, rank"
    ).to_arrow_table()
    used = _HALF
    for place, open_ in (row for row in occurring if names[row[0]].kind not in SAYS):
        ranked = ranks.filter(pc.field("p") == place).column("number").combine_chunks()
        width = max(1, (len(ranked) - 1).bit_length())
        if width > _HALF:
            raise InputError.of("GL705", f"`{names[place].name}` has more different values than can be told apart")
        if used + width > _HALF:
            code.halves.append(len(code.thirds) + len(code.halves))
            used = 0
        code.fields.append(Field(names[place], code.halves[-1], used, width, ranked, open_))
        used += width
    return code


def _type(of: Field) -> pa.DataType:
    if of.open:
        return pa.dictionary(pa.int32(), pa.string())
    return {NUMBER: pa.float64(), DATE: pa.date32()}.get(of.name.kind, pa.bool_())


def _cells(of: Field, bits: _Bits) -> pa.Array:
    yes, no, open_ = (bits(of.word, of.shift + _THIRD * place) != 0 for place in (YES, NO, OPEN))
    if not of.open:
        return pa.Array.from_buffers(pa.bool_(), len(yes), [pa.py_buffer(pack(side)) for side in (yes | no, yes)])
    codes = pa.array(no + np.int32(2) * open_, mask=~(yes | no | open_))
    return pa.DictionaryArray.from_arrays(codes, pa.array(["present", "absent", "unknown"]))


def _values(of: Field, mask: NDArray[np.int64]) -> pa.Array:
    assert of.values is not None
    full = (1 << of.width) - 1
    rank = mask >> of.shift & full
    listed = (rank | mask >> (of.shift + _HALF) & full) != 0
    if of.open:
        words = [*map(_decimal, of.values.slice(0, len(of.values) - 1).to_pylist()), "unknown"]
        return pa.DictionaryArray.from_arrays(pa.array(rank.astype(np.int32), mask=~listed), pa.array(words))
    values = np.asarray(of.values)
    if of.name.kind == DATE:
        return pa.array(values.astype(np.int32)[rank], mask=~listed).cast(pa.date32())
    return pa.array(values[rank], mask=~listed)


def _decimal(number: float) -> str:
    """A number as it is written, with at most three decimals."""
    return f"{number:.3f}".rstrip("0").rstrip(".")
