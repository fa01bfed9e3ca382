"""Rows of a Parquet file, batch by batch: by Polars where that pays, otherwise by Arrow.

Polars decodes columns of truth values in two thirds of the time, but is slow to load and decodes a whole row group for
any piece of it. So it reads large files whose row groups fit into a batch, and only columns of kinds that both hand on
alike. Batches have the same rows either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

LARGE = 1 << 18
"""Rows from which on loading Polars pays for itself."""
_PLAIN = ("bool", "int8", "int16", "int32", "int64", "float", "double", "string", "date32[day]")
"""Kinds of columns that Polars and Arrow hand on alike."""


def parquet_batches(path: str, rows: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows of these columns; a batch is as many whole row groups as fit into `rows`, or a piece of a larger one."""
    with pq.ParquetFile(path, pre_buffer=False) as file:  # that pays for itself over a network
        groups = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
        if max(groups, default=0) > rows:
            yield from file.iter_batches(rows, columns=list(columns))
            return
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        by_polars = sum(groups) > LARGE and all(_is_plain(field.type) for field in schema)
        first = 0
        for start, stop in _together(groups, rows):
            if by_polars:
                length = sum(groups[start:stop])
                yield _by_polars(path, schema, first, length)
                first += length
            else:
                table = file.read_row_groups(range(start, stop), columns=list(columns), use_threads=False)
                yield table.select(list(columns)).combine_chunks().to_batches()[0]


def _together(groups: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    """Runs of row groups with something in them, each of at most `rows` rows."""
    start = held = 0
    for place, size in enumerate(groups):
        if held and held + size > rows:
            yield start, place
            start, held = place, 0
        held += size
    if held:
        yield start, len(groups)


def _by_polars(path: str, schema: pa.Schema, first: int, length: int) -> pa.RecordBatch:
    import polars as pl

    found = pl.scan_parquet(path, glob=False).select(schema.names).slice(first, length).collect()
    table = found.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
    return table.combine_chunks().to_batches()[0]


def _is_plain(kind: pa.DataType) -> bool:
    return str(kind) in _PLAIN
