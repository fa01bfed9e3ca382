"""Whether a patient has more than one row of a wide table, for any number of rows in bounded memory.

A number of 64 bits a row is kept on disk while batches go by: the id itself where it has at most eight bytes, otherwise
mixed from it. Only when a number occurs twice are the ids themselves compared, by DuckDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guidelog.diagnostics import InputError

from .locked_duckdb import MEMORY, first_line, identifier
from .tables import Table, connected

MOST = 1_000_000
"""More patients with several rows than this are no slip: the table is of something else than patients."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_LOWEST = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""What keeps the first n bytes of a number."""


class IdFingerprints:
    """The rows that went by, as numbers in a file."""

    def __init__(self, path: Path, memory: int) -> None:
        self.path, self.most = path, max(memory // 512, 1 << 16)
        path.unlink(missing_ok=True)
        self.rows = 0

    def add(self, ids: pa.Array) -> None:
        """Note the patients of a batch."""
        found = fingerprints(ids)
        self.rows += len(found)
        with self.path.open("ab") as file:
            file.write(found.tobytes())

    def any_twice(self) -> bool:
        """Whether some number occurs twice; ends the noting."""
        if not self.rows:
            return False
        parts = -(-self.rows // self.most)  # looked at one after the other, so that each fits
        try:
            every = np.memmap(self.path, np.uint64, "r")
            for part in range(parts):
                blocks = (every[i : i + self.most] for i in range(0, self.rows, self.most))
                chosen = [np.asarray(b) if parts == 1 else b[b % np.uint64(parts) == part] for b in blocks]
                ordered = np.sort(np.concatenate(chosen))
                if (ordered[1:] == ordered[:-1]).any():
                    return True
        finally:
            self.path.unlink(missing_ok=True)
        return False


def fingerprints(ids: pa.Array) -> NDArray[np.uint64]:
    """A number for each id; missing ids have none."""
    if pa.types.is_integer(ids.type):
        return np.asarray(ids.drop_null()).astype(np.uint64)
    text = ids.drop_null() if pa.types.is_string(ids.type) else ids.cast(pa.string()).drop_null()
    if not len(text):
        return np.empty(0, np.uint64)
    starts = np.frombuffer(text.buffers()[1], np.int32, count=len(text) + 1, offset=4 * text.offset)
    lengths = np.diff(starts)
    data = np.frombuffer(bytes(text.buffers()[2] or b"") + bytes(8), np.uint8)
    starts = starts[:-1]
    if not lengths.all():
        starts, lengths = starts[lengths > 0], lengths[lengths > 0]
    # Eight bytes from any place on, as a number.
    window = np.ndarray(len(data) - 7, np.dtype("<u8"), data.data, strides=(1,))
    number = window[starts] & _LOWEST[np.minimum(lengths, 8)]
    longer = np.flatnonzero(lengths > 8)
    done = 8
    while len(longer):
        left = np.minimum(lengths[longer] - done, 8)
        mixed = number[longer]
        number[longer] = ((mixed ^ mixed >> _SHIFT) * _MIX) ^ window[starts[longer] + done] & _LOWEST[left]
        done += 8
        longer = longer[lengths[longer] > done]
    return number


def patients_twice(
    tables: Sequence[Table], patient: str, *, folder: Path | None = None, memory: int = MEMORY
) -> pa.Array:
    """The ids, as text, that have more than one row. Raises InputError (GL705, GL713)."""
    try:
        with connected(tables, folder=folder, memory=memory) as connection:
            column = identifier(patient)
            rows = " UNION ALL ".join(
                f"SELECT CAST({column} AS VARCHAR) AS p FROM {t.relation(connection)}" for t in tables
            )
            found = connection.execute(
                f"SELECT p FROM ({rows}) WHERE p <> '' GROUP BY p HAVING count(*) > 1 LIMIT {MOST + 1}"
            ).fetchall()
    except duckdb.Error as error:
        raise InputError.of("GL705", f"`{tables[0].name}` cannot be read: {first_line(error)}") from None
    if len(found) > MOST:
        raise InputError.of(
            "GL713",
            f"more than {MOST:,} patients have several rows",
            hint="a wide table has a row for each patient; one of visits or facts is a long table",
        )
    return pa.array(sorted(row[0] for row in found), pa.string())


def is_one_of(ids: pa.Array, twice: pa.Array) -> NDArray[np.bool_]:
    """Which rows are of those patients."""
    return np.asarray(pc.is_in(ids.cast(pa.string()), value_set=twice))
