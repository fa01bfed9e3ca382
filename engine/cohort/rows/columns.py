"""A batch of a wide table -> the inputs of its patients, and the rows that cannot be answered.

What `patients/` does for one record is done here for columns, with the same results: listed values, completed screens
closed over what is not listed, `unlisted` values, start dates counted, numbers exact to three decimals and within their
range. A row with anything else is set aside with the reason that a patient file would be refused for. Contradictions
with background rules are found later, because nothing here knows rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from guidelog.language.vocabulary import Vocabulary

from ..engines.vectors import WORD, Inputs, Ticks, Words, pack, unpack
from .batch import Batch
from .layout import Layout
from .measured import Measured, chosen

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
