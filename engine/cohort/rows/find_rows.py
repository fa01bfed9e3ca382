"""All rows of some patients, with the cells as Python values: for the audit, for rejects and for `cohort why`.

Of text files the rows are found by their id, and then read from the file's own bytes (`lines`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .locked_duckdb import identifier
from .row_to_record import cells_of
from .tables import Table

_BATCH = 1 << 16


def rows_of_patients(
    table: Table, patients: Collection[str | None], patient: str, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The rows whose id, as text, is one of these. Raises InputError (GL705)."""
    if table.lines is not None:
        numbers = [number for number, _ in numbered_rows(table, patients, patient, [patient])]
        return [{c: cells.get(c) for c in columns} for cells in table.lines.cells(numbers).values()]
    if table.kind == "arrow":
        return [cells for _, cells in numbered_rows(table, patients, patient, columns)]
    listed = ", ".join(table.as_read(column) for column in columns)
    try:
        with table.connected() as connection:
            connection.register("wanted", pa.table({"p": pa.array(sorted(p for p in patients if p), pa.string())}))
            identity = f"CAST({identifier(patient)} AS VARCHAR)"
            found = connection.sql(
                f"SELECT {listed} FROM {table.relation(connection)} WHERE {identity} IN (SELECT p FROM wanted)"
            ).to_arrow_table()
    except duckdb.Error as error:
        raise table.unreadable(error) from None
    return [cells_of(batch, row) for batch in found.to_batches() for row in range(batch.num_rows)]


def numbered_rows(
    table: Table, patients: Collection[str | None], patient: str, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same rows in their order, each with its number from 0, as they go by in batches."""
    for first, batch, chosen in chosen_rows(table, patients, patient, columns):
        for row in chosen:
            yield first + row, cells_of(batch, row)


def chosen_rows(
    table: Table, patients: Collection[str | None], patient: str, columns: Sequence[str]
) -> Iterator[tuple[int, pa.RecordBatch, list[int]]]:
    """Batches that hold some of these rows: the number of their first row, and which rows of the batch these are."""
    wanted, first = pa.array(list(patients), pa.string()), 0
    for batch in table.batches(_BATCH, list(dict.fromkeys([patient, *columns]))):
        ids = batch.column(patient).cast(pa.string())
        chosen = np.flatnonzero(np.asarray(pc.is_in(ids, value_set=wanted))).tolist()
        if chosen:
            yield first, batch, chosen
        first += batch.num_rows
