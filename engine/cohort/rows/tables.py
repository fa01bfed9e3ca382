"""Where a cohort's rows come from: Parquet, CSV, NDJSON, DuckDB, a folder of them, standard input; as batches.

Memory stays bounded by the size of a batch, in rows and in bytes, whatever the size of the table. The order of rows is
that of the files, so that a batch has the same rows in every run. Cells are handed on as they are: their column's kind
is judged by `column_types`, they themselves by `row_rules`. The name of a file is never a pattern.
"""

from __future__ import annotations

import atexit
import csv
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from guidelog.diagnostics import InputError
from guidelog.files import scratch
from guidelog.language.vocabulary import Vocabulary

from ..wide.wide_writer import ARROW
from .column_types import Kind, check_types, kind_of_arrow, kind_of_duckdb
from .layout import ID, Layout, layout_of
from .lines import Lines
from .locked_duckdb import MEMORY, alias_of, base_table, first_line, identifier, literal, locked, quoted

KINDS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".duckdb": "duckdb",
    ".db": "duckdb",
}
STDIN = "-"
LARGE = 1 << 18
"""Rows of Parquet from which on loading Polars pays for itself."""
_PLAIN = ("bool", "int8", "int16", "int32", "int64", "float", "double", "string", "date32[day]")
"""Kinds of columns that Polars and Arrow hand on alike."""
_CSV_BLOCK = 1 << 22
_OTHER_SEPARATORS = {";": "`;`", "\t": "tabs", "|": "`|`"}
_ANY_SIZE = 1 << 62


@dataclass(frozen=True, slots=True)
class Table:
    """One table: how to name it to people, where it is, what kind of file, and its columns with their kinds and types.

    `inside`: the table of a database. `types`: what the file itself calls them.
    """

    name: str
    path: str
    kind: str
    columns: tuple[str, ...]
    inside: str = ""
    kinds: Mapping[str, Kind | None] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_line(self) -> int:
        """The line of the first row; tables without lines are counted in rows."""
        return 2 if self.kind == "csv" else 1

    @property
    def booleans(self) -> frozenset[str]:
        """Columns of truth values: their cells cannot be wrong, so one that no rule asks for need not be read."""
        return frozenset(column for column, kind in self.kinds.items() if kind is Kind.BOOLEAN)

    @property
    def lines(self) -> Lines | None:
        """The rows as the file's bytes have them; None for tables without lines."""
        return Lines(self.path, self.kind) if self.kind in ("csv", "ndjson") else None

    def layout(self, vocabulary: Vocabulary, patient: str = ID, ignore: Collection[str] = ()) -> Layout:
        """What each column of a wide table is. Raises InputError (GL710 to GL712, GL718)."""
        found = layout_of(self.columns, vocabulary, self.name, patient, ignore)
        check_types(found, self.kinds, self.types, self.name)
        self.check_ids(patient)
        return found

    def check_ids(self, patient: str) -> None:
        """Raises InputError (GL718) where the ids of NDJSON are other values than text and whole numbers."""
        if self.kind != "ndjson" or patient not in self.columns:
            return
        key = quoted("$." + '"' + patient.replace('"', '\\"') + '"')
        with self.connected() as connection:
            query = (
                f"SELECT json_type(json, {key}) AS t, any_value(left(json_extract(json, {key})::VARCHAR, 40)) "
                f"FROM read_ndjson_objects({quoted(literal(self.path))}, hive_partitioning = false) GROUP BY t"
            )
            found = dict(connection.execute(query).fetchall())
        wrong = [example for kind, example in found.items() if kind not in _JSON_IDS]
        if wrong:
            message = f"`{self.name}` has the id {wrong[0]}, and a patient's id is text or a whole number of 64 bits"
            raise InputError.of("GL718", message, hint="write the ids as text")

    def batches(
        self, rows: int, columns: Sequence[str] | None = None, size: int = _ANY_SIZE
    ) -> Iterator[pa.RecordBatch]:
        """All rows, at most `rows` at a time and about `size` bytes. Raises InputError (GL705)."""
        wanted = list(self.columns if columns is None else columns)
        try:
            match self.kind:
                case "parquet":
                    yield from parquet_batches(self.path, rows, wanted, size)
                case "csv":
                    yield from _regrouped(self._csv(wanted), rows, size)
                case "arrow":
                    with pa.memory_map(self.path) as file, pa.ipc.open_file(file) as found:
                        parts = (found.get_batch(i).select(wanted) for i in range(found.num_record_batches))
                        yield from _regrouped(parts, rows, size)
                case _:
                    with self.connected() as connection:
                        listed = ", ".join(self.as_read(column) for column in wanted)
                        read = connection.sql(f"SELECT {listed} FROM {self.relation(connection)}")
                        yield from _regrouped(read.to_arrow_reader(min(rows, 1 << 13)), rows, size)
        except (pa.ArrowException, duckdb.Error, OSError) as error:
            raise self.unreadable(error) from None

    def unreadable(self, error: BaseException) -> InputError:
        """Why the table cannot be read, with the line where a row of CSV is at fault."""
        ragged = self.lines.ragged() if self.lines is not None and self.kind == "csv" else None
        if ragged is not None:
            line, cells, header, number = ragged
            more = f"; {number:,} lines are like that" if number > 1 else ""
            hint = "a cell with a comma in it stands in quotes"
            message = f"line {line} of `{self.name}` has {cells} cells, and its header has {header}{more}"
            return InputError.of("GL705", message, hint=hint)
        return InputError.of("GL705", f"`{self.name}` cannot be read: {first_line(error)}")

    def empty(self, columns: Sequence[str]) -> pa.RecordBatch:
        """No rows, with these columns."""
        return pa.RecordBatch.from_pydict({name: pa.nulls(0, pa.string()) for name in columns})

    def connected(
        self, *, folder: Path | None = None, memory: int = MEMORY
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """DuckDB with this table and nothing else."""
        return connected([self], folder=folder, memory=memory)

    def as_read(self, column: str) -> str:
        """A column as DuckDB hands it on: what is no text and has no counterpart is text."""
        name = identifier(column)
        return f"CAST({name} AS VARCHAR) AS {name}" if self.types.get(column, "").upper() == "UUID" else name

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The table as something that DuckDB can read from: once, where it is CSV, which Arrow reads for it."""
        path = quoted(literal(self.path))
        match self.kind:
            case "parquet":
                return f"read_parquet({path}, hive_partitioning = false)"
            case "csv":
                name = f"csv_{next(_NUMBERS)}"
                schema = pa.schema([(column, pa.string()) for column in self.columns])
                connection.register(name, pa.RecordBatchReader.from_batches(schema, self._csv(list(self.columns))))
                return name
            case "ndjson":
                listed = ", ".join(f"{quoted(c)}: 'VARCHAR'" for c in self.columns)
                return f"read_ndjson({path}, columns = {{{listed}}}, hive_partitioning = false)"
            case _:
                return f"{identifier(alias_of(self.path))}.main.{identifier(self.inside)}"

    def _csv(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        # Everything is text here: what counts as a number or a word is decided in one place.
        convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(self.columns, pa.string()),
            include_columns=wanted,
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        )
        read = pa_csv.ReadOptions(block_size=_CSV_BLOCK)
        parse = pa_csv.ParseOptions(newlines_in_values=True)
        with (
            pa.OSFile(self.path) as file,
            pa_csv.open_csv(file, read, parse_options=parse, convert_options=convert) as reader,
        ):
            yield from reader


_NUMBERS = iter(range(1 << 62))
_PASSING = ExitStack()
"""Folders for standard input, which are there as long as the process."""
atexit.register(_PASSING.close)
_JSON_IDS = (None, "NULL", "VARCHAR", "UBIGINT", "BIGINT")


def connected(
    tables: Sequence[Table], *, folder: Path | None = None, memory: int = MEMORY
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """DuckDB that reads these tables and writes into `folder`, and does nothing else."""
    files = [t.path for t in tables if t.kind in ("parquet", "ndjson")]
    databases = dict.fromkeys(t.path for t in tables if t.kind == "duckdb")
    return locked(files, databases, folder=folder, memory=memory)


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
        return _typed(Table(str(path), str(path), "arrow", ()), found.schema)


def _table(path: Path, inside: str | None) -> Table:
    kind = KINDS.get(path.suffix)
    if kind is None:
        raise InputError.of("GL703", f"`{path}` is not a table", hint=f"tables end in {', '.join(KINDS)}")
    table = Table(str(path), str(path), kind, ())
    try:
        match kind:
            case "parquet":
                with pq.ParquetFile(path) as file:
                    return _typed(table, file.schema_arrow)
            case "csv":
                return _texts(table, _csv_header(path, str(path)))
            case "ndjson":
                return _texts(table, _ndjson_columns(table))
            case _:
                return _of_database(table, inside or "patients")
    except UnicodeDecodeError:
        raise InputError.of("GL705", f"`{path}` is not UTF-8 text", hint="save the table as UTF-8") from None
    except (pa.ArrowException, duckdb.Error, OSError) as error:
        raise InputError.of("GL705", f"`{path}` cannot be read: {first_line(error)}") from None


def _typed(table: Table, schema: pa.Schema) -> Table:
    kinds = {f.name: kind_of_arrow(f.type) for f in schema}
    types = {f.name: str(f.type) for f in schema}
    return replace(table, columns=tuple(schema.names), kinds=kinds, types=types)


def _texts(table: Table, columns: Sequence[str]) -> Table:
    return replace(table, columns=tuple(columns), kinds=dict.fromkeys(columns, Kind.TEXT))


def _of_database(table: Table, inside: str) -> Table:
    with locked(databases=[table.path]) as connection:
        found = replace(table, inside=base_table(connection, table.path, inside))
        described = connection.execute(f"DESCRIBE SELECT * FROM {found.relation(connection)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    kinds = {column: kind_of_duckdb(type_) for column, type_ in types.items()}
    return replace(found, columns=tuple(types), kinds=kinds, types=types)


def _csv_header(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            header = next(csv.reader(file), None)
        except csv.Error as error:
            raise InputError.of("GL705", f"the first line of `{name}` cannot be read: {error}") from None
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


def _ndjson_columns(table: Table) -> list[str]:
    """Every key that occurs in any line: one that occurs once must not be passed over."""
    with table.connected() as connection:
        found = connection.execute(
            "SELECT DISTINCT CASE WHEN json_type(json) = 'OBJECT' THEN unnest(json_keys(json)) END AS k "
            f"FROM read_ndjson_objects({quoted(literal(table.path))}, hive_partitioning = false)"
        ).fetchall()
        other = connection.execute(
            f"SELECT count(*) FROM read_ndjson_objects({quoted(literal(table.path))}, hive_partitioning = false) "
            "WHERE json_type(json) <> 'OBJECT'"
        ).fetchall()[0][0]
    columns = sorted(str(row[0]) for row in found if row[0] is not None)
    if other:
        raise InputError.of("GL705", f"`{table.path}` has lines that are not objects", hint="write one object a line")
    if not columns:
        raise InputError.of("GL705", f"`{table.path}` is empty")
    small: dict[str, str] = {}
    for column in columns:
        if small.setdefault(column.lower(), column) != column:
            message = (
                f"`{table.path}` has the keys `{small[column.lower()]}` and `{column}`, which differ in case alone"
            )
            raise InputError.of("GL711", message)
    return columns


def _standard_input() -> Table:
    """CSV from a pipe. It can be read once only, so it goes through a file that nobody else can read."""
    path = _PASSING.enter_context(scratch()) / "stdin.csv"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return _texts(Table("<stdin>", str(path), "csv", ()), _csv_header(path, "<stdin>"))


def parquet_batches(path: str, rows: int, columns: Sequence[str], size: int = _ANY_SIZE) -> Iterator[pa.RecordBatch]:
    """All rows of these columns; a batch is as many whole row groups as fit into `rows`, or a piece of a larger one.

    Polars decodes columns of truth values in two thirds of the time that Arrow takes, but is slow to load and decodes a
    whole row group for any piece of it. So it reads large files whose row groups fit into a batch, and only columns of
    kinds that both hand on alike. Batches have the same rows either way.
    """
    with pq.ParquetFile(path, pre_buffer=False) as file:  # that pays for itself over a network
        groups = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
        rows = min(rows, _fitting(file, columns, size))
        if max(groups, default=0) > rows:
            for batch in file.iter_batches(rows, columns=list(columns)):
                yield from _regrouped([batch.select(list(columns))], rows, size)
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


_LEAST_ROWS = 64


def _fitting(file: pq.ParquetFile, columns: Sequence[str], size: int) -> int:
    """How many rows of these columns have about `size` bytes, by what the file says of itself."""
    wanted, largest = set(columns), 1
    for group in range(file.num_row_groups):
        about = file.metadata.row_group(group)
        chunks = (about.column(c) for c in range(about.num_columns))
        held = sum(c.total_uncompressed_size for c in chunks if c.path_in_schema.split(".")[0] in wanted)
        largest = max(largest, -(-held // max(about.num_rows, 1)))
    return max(_LEAST_ROWS, size // largest // 64 * 64)


def _together(groups: Sequence[int], rows: int) -> Iterator[tuple[int, int]]:
    """Runs of row groups with something in them, each of at most `rows` rows."""
    start = held = 0
    for place, number in enumerate(groups):
        if held and held + number > rows:
            yield start, place
            start, held = place, 0
        held += number
    if held:
        yield start, len(groups)


def _by_polars(path: str, schema: pa.Schema, first: int, length: int) -> pa.RecordBatch:
    import polars as pl

    found = pl.scan_parquet(Path(path).absolute(), glob=False).select(schema.names).slice(first, length).collect()
    table = found.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
    return table.combine_chunks().to_batches()[0]


def _is_plain(kind: pa.DataType) -> bool:
    return str(kind) in _PLAIN


def _regrouped(batches: Iterable[pa.RecordBatch], rows: int, size: int = _ANY_SIZE) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of exactly `rows`, the last one smaller; of fewer where they would pass `size` bytes."""
    waiting: list[pa.RecordBatch] = []
    held = bytes_ = 0
    for batch in batches:
        for piece in _pieces(batch, size):
            if held and bytes_ + piece.nbytes > size:
                yield _one(pa.Table.from_batches(waiting))
                waiting, held, bytes_ = [], 0, 0
            waiting.append(piece)
            held, bytes_ = held + piece.num_rows, bytes_ + piece.nbytes
            while held >= rows:
                table = pa.Table.from_batches(waiting)
                yield _one(table.slice(0, rows))
                rest = table.slice(rows)
                waiting, held, bytes_ = rest.to_batches(), rest.num_rows, rest.nbytes
    if held:
        yield _one(pa.Table.from_batches(waiting))


def _pieces(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    """The batch in pieces of at most about `size` bytes."""
    if batch.nbytes <= size or batch.num_rows < 2 * _LEAST_ROWS:
        yield batch
        return
    middle = batch.num_rows // 128 * 64 or _LEAST_ROWS
    yield from _pieces(batch.slice(0, middle), size)
    yield from _pieces(batch.slice(middle), size)


def _one(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0]
