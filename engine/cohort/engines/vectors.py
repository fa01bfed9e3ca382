"""Evaluate a circuit for many patients at once: bit-slices, 64 patients a machine word.

A finding is two bit vectors (known present, known absent), close to how Arrow keeps nullable booleans, and a gate is
one pass of `&` or `|` over them. Bits past the last patient are undefined; whoever counts masks them. Nothing here
reads or writes tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any as Any_
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from guidelog.semantics import All, Any, Circuit, Constant, End, Known, Not, Reaches
from guidelog.semantics.circuit import looks_at

Words: TypeAlias = NDArray[np.uint64]
Ticks: TypeAlias = NDArray[np.signedinteger[Any_]]

WORD = 64
BLOCK = 1 << 12
"""Words evaluated together (262,144 patients): a vector is then 32 KB and stays in the cache."""
_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(slots=True)
class Inputs:
    """The inputs of `rows` patients: (finding, value) to bits, (measure, upper end) to ticks.

    What is not here is unknown: no bit, and the whole range of the measure.
    """

    rows: int
    known: dict[tuple[str, bool], Words]
    ends: dict[tuple[str, bool], Ticks]
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def words(self) -> int:
        return (self.rows + WORD - 1) // WORD


class Evaluator:
    """A circuit prepared for some outputs; evaluates any number of batches."""

    def __init__(self, circuit: Circuit, outputs: Iterable[int]) -> None:
        self.outputs = tuple(dict.fromkeys(outputs))
        self.gates = [(n, circuit.gates[n]) for n in circuit.needed(self.outputs)]
        last: dict[int, int] = {}
        for number, gate in self.gates:
            for part in looks_at(gate):
                last[part] = number
        kept = set(self.outputs)
        self.done_after: dict[int, list[int]] = {}
        for part, number in last.items():
            if part not in kept:
                self.done_after.setdefault(number, []).append(part)

    def evaluate(self, inputs: Inputs) -> dict[int, Words]:
        """The bits of every output."""
        words = inputs.words
        results = {number: np.empty(words, np.uint64) for number in self.outputs}
        for start in range(0, words, BLOCK):
            stop = min(start + BLOCK, words)
            self._block(inputs, start, stop, results)
        return results

    def _block(self, inputs: Inputs, start: int, stop: int, results: Mapping[int, Words]) -> None:
        values: dict[int, Words] = {}
        zero = np.zeros(stop - start, np.uint64)
        free: list[Words] = []
        owned: set[int] = set()

        def fresh(number: int) -> Words:
            owned.add(number)
            return free.pop() if free else np.empty(stop - start, np.uint64)

        for number, gate in self.gates:
            match gate:
                case All(parts):
                    out = np.bitwise_and(values[parts[0]], values[parts[1]], out=fresh(number))
                    for part in parts[2:]:
                        np.bitwise_and(out, values[part], out=out)
                case Any(parts):
                    out = np.bitwise_or(values[parts[0]], values[parts[1]], out=fresh(number))
                    for part in parts[2:]:
                        np.bitwise_or(out, values[part], out=out)
                case Not(part):
                    out = np.invert(values[part], out=fresh(number))
                case Known(name, value):
                    found = inputs.known.get((name, value))
                    out = zero if found is None else found[start:stop]
                case Reaches(terms, bound):
                    out = _reaches(terms, bound, inputs, start, stop, values)
                case Constant(value):
                    out = np.full(stop - start, _ONES) if value else zero
            values[number] = out
            if number in results:
                results[number][start:stop] = out
            for part in self.done_after.get(number, ()):
                done = values.pop(part)
                if part in owned:
                    free.append(done)


def _reaches(
    terms: tuple[tuple[int, End], ...], bound: int, inputs: Inputs, start: int, stop: int, values: Mapping[int, Words]
) -> Words:
    rows = slice(start * WORD, min(stop * WORD, inputs.rows))
    if len(terms) == 1 and not terms[0][1].moved:
        ((coefficient, end),) = terms
        column = inputs.ends.get((end.measure, end.upper))
        if column is None:
            holds = coefficient * inputs.ranges[end.measure][end.upper] >= bound
            return np.full(stop - start, _ONES if holds else np.uint64(0))
        if coefficient > 0:
            return pack(column[rows] >= -(-bound // coefficient))
        return pack(column[rows] <= bound // coefficient)
    total = sum(c * _end(end, inputs, rows, values) for c, end in terms)
    return pack(np.asarray(total >= bound))


def _end(end: End, inputs: Inputs, rows: slice, values: Mapping[int, Words]) -> Ticks:
    size = rows.stop - rows.start
    column = inputs.ends.get((end.measure, end.upper))
    whole = inputs.ranges[end.measure][end.upper]
    ticks: Ticks = np.full(size, whole, np.int64) if column is None else column[rows].astype(np.int64)
    for holds, bound in end.moved:
        moved = np.minimum(ticks, bound) if end.upper else np.maximum(ticks, bound)
        ticks = np.where(unpack(values[holds], size), moved, ticks)
    return ticks


def pack(bits: NDArray[np.bool_]) -> Words:
    """Booleans to words, the first in the lowest bit; zero past the end."""
    packed = np.packbits(bits, bitorder="little")
    words = np.zeros((len(bits) + WORD - 1) // WORD * 8, np.uint8)
    words[: len(packed)] = packed
    return words.view("<u8").astype(np.uint64, copy=False)


def unpack(words: Words, rows: int) -> NDArray[np.bool_]:
    """Words to booleans."""
    return np.unpackbits(words.view(np.uint8), count=rows, bitorder="little").view(np.bool_)


def count(words: Words, rows: int) -> int:
    """How many of the first `rows` bits are set."""
    full, rest = divmod(rows, WORD)
    total = int(np.bitwise_count(words[:full]).sum(dtype=np.int64))
    return total + (int(words[full]) & ((1 << rest) - 1)).bit_count() if rest else total
