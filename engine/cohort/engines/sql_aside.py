"""The rows that an SQL engine has set aside, with line and reason.

The query says by a code which patients it does not answer. Those rows alone are read again, numbered as they stand in
the table, by the columnar reader, which gives the reasons in words: the same as those of the embedded engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from guidelog.language.vocabulary import Vocabulary
from guidelog.semantics import Plan

from ..rows.batch import Reject
from ..rows.columns import read_batch
from ..rows.duplicate_ids import is_one_of
from ..rows.layout import Layout
from ..rows.tables import Table, identifier
from .vectors import Evaluator, unpack


def rejects_of(
    tables: Sequence[Table],
    layouts: Sequence[Layout],
    patients: Sequence[str | None],
    twice: pa.Array,
    plan: Plan,
    vocabulary: Vocabulary,
) -> list[Reject]:
    """Every row of these patients that cannot be answered, by table and line."""
    evaluator = Evaluator(plan.circuit, [d.contradicted for d in plan.denials])
    found: list[Reject] = []
    for table, layout in zip(tables, layouts, strict=True):
        named = f"{Path(table.name).name}: " if len(tables) > 1 else ""
        for lines, rows in _numbered(table, layout, patients):
            batch = read_batch(rows, layout, vocabulary, 0)
            bits = evaluator.evaluate(batch.inputs)
            if len(twice):
                batch.reject(is_one_of(batch.ids, twice), "GL713", "the patient has several rows")
            for denial in plan.denials:
                holds = unpack(bits[denial.contradicted], batch.inputs.rows)
                batch.reject(holds.copy(), "GL421", f"the record contradicts background rule {denial.rule}")
            found += [
                Reject(lines[r.line], r.patient, r.code, named + r.reason)
                for r in sorted(batch.rejects, key=lambda r: r.line)
            ]
    return found


def _numbered(table: Table, layout: Layout, patients: Sequence[str | None]) -> list[tuple[list[int], pa.RecordBatch]]:
    """The rows of some patients with their lines."""
    columns = ", ".join(map(identifier, layout.columns))
    identity = f"CAST({identifier(layout.patient)} AS VARCHAR)"
    with duckdb.connect() as connection:
        connection.register("wanted", pa.table({"p": pa.array([p for p in patients if p], pa.string())}))
        read = connection.sql(
            f"SELECT * FROM (SELECT row_number() OVER () + {table.first_line - 1} AS line, {columns} "
            f"FROM {table.relation(connection)}) WHERE {identity} IS NULL OR {identity} = '' "
            f"OR {identity} IN (SELECT p FROM wanted) ORDER BY line"
        )
        batches = list(read.to_arrow_reader(1 << 16))
    return [(batch.column(0).to_pylist(), batch.select(layout.columns)) for batch in batches if batch.num_rows]
