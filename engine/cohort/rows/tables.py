"""Where a cohort's rows come from: Parquet, CSV, NDJSON, DuckDB, a folder of them, standard input; as batches.

Memory stays bounded by the size of a batch, whatever the size of the table. The order of rows is that of the files, so
that a batch has the same rows in every run. Cells are handed on as they are; `columns` judges them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from guidelog.diagnostics import InputError

from ..wide.wide_writer import ARROW

KINDS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".duckdb": "duckdb",
    ".db": "duckdb",
}
STDIN = "-"
_CSV_BLOCK = 1 << 24
_OTHER_SEPARATORS = {";": "`;`", "\t": "tabs", "|": "`|`"}


@dataclass(frozen=True, slots=True)
class Table:
    """One table: how to name it to people, where it is, what kind of file, its columns, which of them are truth values.

    Cells of a column of truth values cannot be wrong, so one that no rule asks for need not be read.
    """

    name: str
    path: str
    kind: str
    columns: tuple[str, ...]
    inside: str = ""
    booleans: frozenset[str] = frozenset()

    @property
    def first_line(self) -> int:
        """The line of the first row; tables without lines are counted in rows."""
        return 2 if self.kind == "csv" else 1

    def batches(self, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, `rows` at a time."""
        wanted = list(self.columns if columns is None else columns)
        try:
            match self.kind:
                case "parquet":
                    yield from parquet_batches(self.path, rows, wanted)
                case "csv":
                    yield from _regrouped(self._csv(wanted), rows)
                case "arrow":
                    with pa.memory_map(self.path) as file, pa.ipc.open_file(file) as found:
                        parts = (found.get_batch(i).select(wanted) for i in range(found.num_record_batches))
                        yield from _regrouped(parts, rows)
                case _:
                    with duckdb.connect() as connection:
                        found = connection.sql(f"SELECT {_list(wanted)} FROM {self.relation(connection)}")
                        yield from _regrouped(found.to_arrow_reader(rows), rows)
        except (pa.ArrowInvalid, duckdb.Error, OSError) as error:
            raise InputError.of("GL705", f"`{self.name}` cannot be read: {_first_line(error)}") from None

    def empty(self, columns: Sequence[str]) -> pa.RecordBatch:
        """No rows, with these columns."""
        return pa.RecordBatch.from_pydict({name: pa.nulls(0, pa.string()) for name in columns})

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The table as something that DuckDB can read from."""
        path = quoted(self.path)
        match self.kind:
            case "parquet":
                return f"read_parquet({path})"
            case "csv":
                return f"read_csv({path}, all_varchar = true, header = true, delim = ',')"
            case "ndjson":
                listed = ", ".join(f"{quoted(c)}: 'VARCHAR'" for c in self.columns)
                return f"read_ndjson({path}, columns = {{{listed}}})"
            case _:
                connection.execute(f"ATTACH IF NOT EXISTS {path} AS cohort_data (READ_ONLY)")
                return f"cohort_data.{identifier(self.inside)}"

    def _csv(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        # Everything is text here: what counts as a number or a word is decided in one place.
        convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(self.columns, pa.string()),
            include_columns=wanted,
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        )
        source: Any = sys.stdin.buffer if self.path == STDIN else self.path
        with pa_csv.open_csv(source, pa_csv.ReadOptions(block_size=_CSV_BLOCK), convert_options=convert) as reader:
            yield from reader


def open_tables(data: str, inside: str | None = None) -> list[Table]:
    """The tables of a file, a folder, a DuckDB database or `-`. Raises InputError (GL701 to GL705)."""
    if data == STDIN:
        return [_standard_input()]
    path = Path(data)
    if not path.exists():
        raise InputError.of("GL702", f"there is no file or folder `{data}`")
    if not path.is_dir():
        return [_table(path, inside)]
    files = sorted(p for p in path.iterdir() if p.suffix in KINDS and p.is_file() and not p.name.startswith((".", "_")))
    if not files:
        raise InputError.of("GL702", f"`{data}` has no tables", hint=f"tables end in {', '.join(KINDS)}")
    return [_table(file, inside) for file in files]


def made_table(path: Path) -> Table:
    """The wide table that a run made for itself."""
    if path.suffix != ARROW:
        return _table(path, None)
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as found:
        return Table(str(path), str(path), "arrow", tuple(found.schema.names))


def _table(path: Path, inside: str | None) -> Table:
    kind = KINDS.get(path.suffix)
    if kind is None:
        raise InputError.of("GL703", f"`{path}` is not a table", hint=f"tables end in {', '.join(KINDS)}")
    booleans: frozenset[str] = frozenset()
    try:
        match kind:
            case "parquet":
                with pq.ParquetFile(path) as file:
                    columns = list(file.schema_arrow.names)
                    booleans = frozenset(f.name for f in file.schema_arrow if pa.types.is_boolean(f.type))
            case "csv":
                columns = _csv_header(path, str(path))
            case "ndjson":
                columns = _ndjson_columns(path)
            case _:
                inside = inside or "patients"
                with duckdb.connect(str(path), read_only=True) as connection:
                    found = connection.execute(f"SELECT * FROM {identifier(inside)} LIMIT 0")
                    columns = [d[0] for d in found.description or ()]
    except UnicodeDecodeError:
        raise InputError.of("GL705", f"`{path}` is not UTF-8 text", hint="save the table as UTF-8") from None
    except (pa.ArrowInvalid, duckdb.Error, OSError) as error:
        hint = "--table NAME says which table of a database" if kind == "duckdb" else None
        raise InputError.of("GL705", f"`{path}` cannot be read: {_first_line(error)}", hint=hint) from None
    return Table(str(path), str(path), kind, tuple(columns), inside or "", booleans)


def _csv_header(path: Path, name: str) -> list[str]:
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), None)
    if not header:
        raise InputError.of("GL705", f"`{name}` is empty")
    other = next((sign for sign in _OTHER_SEPARATORS if sign in header[0]), None) if len(header) == 1 else None
    if other is not None:
        raise InputError.of(
            "GL705",
            f"the columns of `{name}` look separated by {_OTHER_SEPARATORS[other]}, not by `,`",
            hint="write the table with commas, or as Parquet",
        )
    return header


def _ndjson_columns(path: Path) -> list[str]:
    """Every key that occurs in any line: one that occurs once must not be passed over."""
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT DISTINCT unnest(json_keys(json)) AS k FROM read_ndjson_objects({quoted(str(path))})"
        ).fetchall()
    if not found:
        raise InputError.of("GL705", f"`{path}` is empty")
    return sorted(str(row[0]) for row in found)


def _standard_input() -> Table:
    """CSV from a pipe. It can be read once only, so it goes through a file that nobody else can read."""
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="guidelog-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "stdin.csv"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return Table("<stdin>", str(path), "csv", tuple(_csv_header(path, "<stdin>")))


def _regrouped(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of exactly `rows`, the last one smaller."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        while held >= rows:
            table = pa.Table.from_batches(waiting)
            yield _one(table.slice(0, rows))
            rest = table.slice(rows)
            waiting, held = rest.to_batches(), rest.num_rows
    if held:
        yield _one(pa.Table.from_batches(waiting))


def _one(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0]


def quoted(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _list(columns: Iterable[str]) -> str:
    return ", ".join(map(identifier, columns))


def _first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error).splitlines() or ["unknown error"])[0].lower()


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
