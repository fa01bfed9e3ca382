"""The wide table that a run makes for itself: written batch by batch, in the order in which it is read again.

As Arrow's own file it is what memory holds, so that writing and reading cost a copy; as Parquet, which takes twenty
times as long, it is for engines that read files themselves.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

ARROW, PARQUET = ".arrow", ".parquet"


class WideWriter:
    """A file of record batches, by its ending; whole when it is closed."""

    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._file = (
            pa.ipc.new_file(out, schema) if out.suffix == ARROW else pq.ParquetWriter(out, schema, compression="snappy")
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the next rows."""
        self._file.write_batch(batch)
