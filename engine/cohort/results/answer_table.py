"""Bits of a batch -> a table of answers.

Wide: a row for each patient, and for each intervention its status, why it is open, and a whole number whose bits are
the rules that gave it (`dictionary` says which). Long: a row for each patient and intervention. Patients that were
set aside are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guidelog.language.tree import plain
from guidelog.semantics import Advice, Plan
from guidelog.semantics.plan import RuleBit
from guidelog.semantics.status import Because, Status

from ..engines.vectors import Words, unpack
from ..rows.batch import Batch

BECAUSE, RULES, ASSUMED, BACKGROUND = ".because", ".rules", "assumed", "background"
CAUTIONS, NOTES, ALERTS = "cautions", "notes", "alerts"
MOST_BITS = 63
"""What a mask has room for: a signed 64-bit whole number, which every format has."""
_Columns: TypeAlias = "tuple[NDArray[np.uint8], Words, Words | None, NDArray[Any] | None]"
_CHOICES = (Status.UNDETERMINED, *(s for s in Status if s is not Status.UNDETERMINED))
_CODES = {status: place for place, status in enumerate(_CHOICES)}
_CODE_BITS = (len(_CHOICES) - 1).bit_length()
_REASONS = tuple(Because)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the answers are written as."""

    long: bool = False
    rules: bool = True
    expand: bool = False


def dictionary(plan: Plan, screens: Sequence[str]) -> dict[str, Any]:
    """What the bits of each mask stand for, from the lowest."""
    return {
        "rules": {a.intervention: [r.rule for r in a.rules] for a in plan.advice},
        "assumed": list(screens),
        "background": [d.rule for d in plan.denials],
        **{name: [r.rule for r in bits] for name, bits in told(plan).items()},
        "says": _sentences(plan),
    }


def _sentences(plan: Plan) -> dict[str, str]:
    """What each caution and note says, by its rule; what stands in `{…}` differs from patient to patient."""
    wanted = {bit.rule.split(" ")[-1] for bit in (*plan.cautions, *plan.notes)}
    found: dict[str, str] = {}
    for probes in plan.probes.values():
        for probe in probes:
            rule = probe.instance.rule
            text = rule.annotation("unsettled") or rule.annotation("says")
            if rule.id in wanted and text:
                found[rule.id] = plain(text)
    return found


def told(plan: Plan) -> dict[str, tuple[RuleBit, ...]]:
    """What is told with the answers, by column: cautions, notes, and emergencies about what nobody asked."""
    found = {CAUTIONS: plan.cautions, NOTES: plan.notes, ALERTS: plan.alerts}
    return {name: bits for name, bits in found.items() if bits}


def answers_of(plan: Plan, bits: Mapping[int, Words], batch: Batch, shape: Shape) -> pa.Table:
    """The answers of all patients of a batch that were not set aside."""
    rows = batch.inputs.rows
    keep = None if not batch.bad.any() else ~batch.bad
    given = [_one(advice, bits, rows, shape) for advice in plan.advice]
    assumed = _mask(list(batch.assumed.values()), rows, len(batch.assumed))
    background = _mask([bits[d.adds] for d in plan.denials], rows, len(plan.denials))
    also = {name: _mask([bits[r.gives] for r in listed], rows, len(listed)) for name, listed in told(plan).items()}
    rules = [[r.rule for r in a.rules] for a in plan.advice]
    names = [a.intervention for a in plan.advice]
    if shape.long:
        kept = slice(None) if keep is None else keep
        ids = batch.ids if keep is None else batch.ids.filter(pa.array(keep))
        placed = [
            (status[kept], _places(status, by_range)[kept], None if mask is None else mask[kept])
            for status, _, by_range, mask in given
        ]
        masks = {ASSUMED: assumed[kept], BACKGROUND: background[kept], **{n: mask[kept] for n, mask in also.items()}}
        return _long(ids, names, placed, rules, masks, shape)
    columns: dict[str, Any] = {"patient": batch.ids}
    for name, listed, (status, undetermined, by_range, mask) in zip(names, rules, given, strict=True):
        columns[name] = _dictionary(status, _CHOICES)
        columns[name + BECAUSE] = _because(undetermined, by_range, rows)
        if mask is not None:
            columns[name + RULES] = _expanded(mask, listed) if shape.expand else _array(mask)
    columns[ASSUMED], columns[BACKGROUND] = _array(assumed), _array(background)
    for name, mask in also.items():
        columns[name] = _expanded(mask, [r.rule for r in told(plan)[name]], "; ") if shape.expand else _array(mask)
    gaps = {"patient", *(name + BECAUSE for name in names)}
    fields = [pa.field(name, array.type, nullable=name in gaps) for name, array in columns.items()]
    # What has no gaps says so, and a writer need not write where they are.
    found = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    return found if keep is None else found.filter(pa.array(keep))


def expand(mask: int, names: Sequence[str]) -> list[str]:
    """The names whose bits are set."""
    return [name for i, name in enumerate(names) if mask >> i & 1]


def _one(advice: Advice, bits: Mapping[int, Words], rows: int, shape: Shape) -> _Columns:
    """Status as places in its list, who is undetermined and whose answer is by the range, and the mask of rules."""
    # The places are put together as bits, a word at a time: fewer vectors to spread out than there are statuses.
    planes = [np.zeros((rows + 63) // 64, np.uint64) for _ in range(_CODE_BITS)]
    for name, number in advice.statuses.items():
        for bit, plane in enumerate(planes):
            if _CODES[name] >> bit & 1:
                np.bitwise_or(plane, bits[number], out=plane)
    status = _mask(planes, rows, len(planes)).view(np.uint8)
    undetermined = np.invert(reduce(np.bitwise_or, planes))
    by_range = undetermined & bits[advice.range_only] if advice.range_only else None
    mask = _mask([bits[r.gives] for r in advice.rules], rows, len(advice.rules)) if shape.rules else None
    return status, undetermined, by_range, mask


def _mask(words: Sequence[Words], rows: int, bits: int) -> NDArray[Any]:
    """One number a patient, bit i from the i-th vector, of the smallest signed type that every format has."""
    kind: type[np.signedinteger[Any]] = (
        np.int8 if bits < 8 else np.int16 if bits < 16 else np.int32 if bits < 32 else np.int64
    )
    mask: NDArray[Any] = np.zeros(rows, kind)
    for start in range(0, len(words), 8):  # by bytes first: less memory to go through
        byte = np.zeros(rows, np.uint8)
        for place, vector in enumerate(words[start : start + 8]):
            if vector.any():
                byte |= unpack(vector, rows).view(np.uint8) << np.uint8(place)
        if bits < 8:
            return byte.view(np.int8)
        mask |= byte.astype(mask.dtype) << start
    return mask


def _dictionary(places: NDArray[np.uint8], choices: Sequence[Status | Because], absent: int | None = None) -> pa.Array:
    missing = None if absent is None else places == absent
    indices = _array(places.view(np.int8)) if missing is None else pa.array(places.view(np.int8), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, _words(tuple(choices)), safe=False)


def _array(numbers: NDArray[Any]) -> pa.Array:
    """The numbers as an Arrow array, in place. `pa.array` looks for pandas first, every time."""
    kind = {"int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64()}[numbers.dtype.name]
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


@cache
def _words(choices: tuple[Status | Because, ...]) -> pa.Array:
    return pa.array([c.value for c in choices])


def _because(undetermined: Words, by_range: Words | None, rows: int) -> pa.Array:
    """Why an answer is undetermined, and nothing for the others: our bits are Arrow's own of what is there."""
    missing, ranged = (np.int8(_REASONS.index(b)) for b in (Because.MISSING_DATA, Because.GUIDELINE_RANGE))
    places = np.full(rows, missing, np.int8)
    if by_range is not None and by_range.any():
        places[unpack(by_range, rows)] = ranged
    indices = pa.Array.from_buffers(pa.int8(), rows, [pa.py_buffer(undetermined), pa.py_buffer(places)])
    return pa.DictionaryArray.from_arrays(indices, _words(_REASONS), safe=False)


def _places(status: NDArray[np.uint8], by_range: Words | None) -> NDArray[np.uint8]:
    """Why an answer is undetermined, as places in the list of reasons; past its end for the others."""
    places = np.where(status == 0, np.uint8(_REASONS.index(Because.MISSING_DATA)), np.uint8(len(_REASONS)))
    if by_range is not None:
        places[unpack(by_range, len(status))] = _REASONS.index(Because.GUIDELINE_RANGE)
    return places


def _expanded(mask: NDArray[Any], rules: Sequence[str], between: str = " ") -> pa.Array:
    """The rules as one text, `IMG-1 IMG-3`; few masks occur, so each is written out once."""
    found, places = np.unique(mask, return_inverse=True)
    texts = [between.join(expand(int(m), rules)) for m in found]
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(texts, pa.string()))


def _long(
    ids: pa.Array,
    names: Sequence[str],
    given: Sequence[tuple[Any, ...]],
    rules: Sequence[Sequence[str]],
    masks: Mapping[str, NDArray[Any]],
    shape: Shape,
) -> pa.Table:
    count, rows = len(names), len(ids)

    def across(place: int) -> NDArray[Any]:
        return np.stack([columns[place] for columns in given], axis=1).ravel()

    columns: dict[str, Any] = {
        "patient": ids.take(pa.array(np.repeat(np.arange(rows), count))),
        "intervention": pa.DictionaryArray.from_arrays(
            pa.array(np.tile(np.arange(count, dtype=np.int16), rows)), pa.array(names)
        ),
        "status": _dictionary(across(0), _CHOICES),
        "because": _dictionary(across(1), _REASONS, absent=len(_REASONS)),
    }
    if shape.rules and shape.expand:
        # Places of texts: a mask means other rules for each intervention.
        texts: dict[str, int] = {}
        places = []
        for (_, _, mask), listed in zip(given, rules, strict=True):
            found, inverse = np.unique(mask, return_inverse=True)
            numbers = [texts.setdefault(" ".join(expand(int(m), listed)), len(texts)) for m in found]
            places.append(np.array(numbers, np.int32)[inverse])
        columns["rules"] = pa.DictionaryArray.from_arrays(
            pa.array(np.stack(places, axis=1).ravel()), pa.array(list(texts), pa.string())
        )
    elif shape.rules:
        columns["rules"] = np.stack([c[2].astype(np.int64) for c in given], axis=1).ravel()
    columns.update((name, np.repeat(mask.astype(np.int64), count)) for name, mask in masks.items())
    return pa.table(columns)
