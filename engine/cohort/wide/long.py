"""A long table (patient, name, value) -> a wide one, in passes of DuckDB: in parallel, within a memory limit.

The first pass lists the different names and values and makes them bits (`pairs`), the second gathers the bits of each
patient; where patients are many and their rows far apart, several do, each for a part of the patients. Two rows that
disagree, a name that is not the guideline's, a value that is none: the patient is set aside with the line and the
reason, as `ask` refuses a record. Nothing picks the latest of two values: that is a decision for whoever makes the
table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from guidelog.diagnostics import InputError, nearest
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients.values import day_of

from ..rows.batch import Reject
from ..rows.column_types import IDS, Kind
from ..rows.find_rows import numbered_rows, rows_of_patients
from ..rows.layout import ID
from ..rows.locked_duckdb import identifier
from ..rows.read_columns import wrong_ids
from ..rows.row_rules import DECIMAL
from ..rows.tables import Table, connected
from .pivot import KEY, NUMBER, SAYS, WORD, PivotBits, make_bits, names_of
from .wide_writer import WideWriter

NAME, VALUE = "name", "value"
KNOWN = (NAME, VALUE, "date", "source")
_BATCH = 1 << 18
"""Patients that are made into columns at one time."""
_BYTES_A_PATIENT = 700
"""What an aggregate of DuckDB needs for a patient whose rows are far apart; it does not go to disk. Measured."""
_ROWS_A_PATIENT = 4
"""Whoever has fewer rows on average, or fewer side by side, is nothing to rely on."""
_MOST_PARTS = 4096


def is_long(columns: Collection[str]) -> bool:
    """Whether a table has a row for each fact."""
    return NAME in columns and VALUE in columns


def pivot(
    tables: Sequence[Table], vocabulary: Vocabulary, out: Path, *, patient: str, ignore: Collection[str], memory: int
) -> list[Reject]:
    """Write the patients of long tables as one wide table, and give back the rows that were set aside.

    Raises InputError (GL704, GL705).
    """
    for table in tables:
        strange = [c for c in table.columns if c not in (*KNOWN, patient) and c not in ignore]
        missing = [c for c in (patient, NAME, VALUE) if c not in table.columns]
        if missing or strange:
            what = (
                f"no column `{missing[0]}`" if missing else f"a column `{strange[0]}` that a long table has no use for"
            )
            raise InputError.of(
                "GL704",
                f"`{table.name}` has {what}",
                hint="its columns are patient, name, value, and date and source if known",
            )
        for column, allowed in ((patient, IDS), (NAME, (Kind.TEXT,))):
            if table.kinds[column] not in allowed:
                message = f"the column `{column}` of `{table.name}` holds {table.types[column]}"
                raise InputError.of("GL718", message, hint="write ids as text or whole numbers, and names as text")
        table.check_ids(patient)
    try:
        memory = max(memory // 2, 1 << 28)
        with connected(tables, folder=out.parent, memory=memory) as connection:
            return _Pivot(connection, tables, vocabulary, patient, ignore).run(out, memory)
    except duckdb.Error as error:
        raise tables[0].unreadable(error) from None


def rows_of(
    tables: Sequence[Table], patients: Sequence[object], patient: str, ignore: Collection[str]
) -> dict[str, list[tuple[str, object]]]:
    """The rows (name, value) of some patients of long tables, by the patient's id as text."""
    found: dict[str, list[tuple[str, object]]] = {str(p): [] for p in patients}
    for table in tables:
        for cells in rows_of_patients(table, list(found), patient, [patient, NAME, VALUE]):
            if cells[NAME] not in ignore:
                found[str(cells[patient])].append((cells[NAME], _text(cells[VALUE])))
    return found


class _Pivot:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Sequence[Table],
        vocabulary: Vocabulary,
        patient: str,
        ignore: Collection[str],
    ) -> None:
        self.connection, self.tables, self.vocabulary = connection, tables, vocabulary
        self.column, self.patient, self.ignore = patient, identifier(patient), ignore
        self.kinds = {n.name: n.kind for n in names_of(vocabulary)}

    def run(self, out: Path, memory: int) -> list[Reject]:
        code = make_bits(self.connection, self.rows(f"{NAME}, {VALUE}"), self.vocabulary, self.ignore)
        parts = self.parts(code.rows, memory)
        while not self.gather(code, parts):
            parts *= 4
        wrong = self.write(code, out)
        return self.rejects(wrong) if len(wrong) else []

    def parts(self, rows: int, memory: int) -> int:
        """In how many parts the patients are gathered, so that each fits into memory."""
        fitting = max(1, memory // _BYTES_A_PATIENT)
        if rows <= _ROWS_A_PATIENT * fitting:
            return 1
        ((patients,),) = self.connection.execute(
            f"SELECT approx_count_distinct(patient) FROM ({self.rows()})"
        ).fetchall()
        ((near,),) = self.connection.execute(
            f"SELECT count(DISTINCT patient) FROM (SELECT patient FROM ({self.rows()}) LIMIT {_BATCH})"
        ).fetchall()
        # Rows of a patient that lie side by side are one before they need any memory.
        return 1 if near * _ROWS_A_PATIENT <= _BATCH else -(-patients // fitting)

    def gather(self, code: PivotBits, parts: int) -> bool:
        """Gather the bits of each patient, so many patients at a time; False when that is more than memory holds.

        The table is kept, so that a batch is read while nothing else is: the aggregate may need all the memory.
        """
        masks = ", ".join(f"bit_or(m{w}) AS m{w}" for w in range(code.words))
        wanted, key = (f"patient, {KEY} AS h", "h") if code.hashed else ("*", f"{NAME}, {VALUE}")
        for part in range(parts):
            gathered = f"SELECT patient, {masks} FROM ({self.rows(wanted)}) JOIN code USING ({key})"
            chosen = f"WHERE hash(patient) % {parts} = {part}" if parts > 1 else ""
            into = "INSERT INTO facts" if part else "CREATE OR REPLACE TEMP TABLE facts AS"
            try:
                self.connection.execute(f"{into} {gathered} {chosen} GROUP BY patient")
            except duckdb.OutOfMemoryException:
                if parts >= _MOST_PARTS:
                    raise
                return False
        return True

    def rows(self, wanted: str = "*") -> str:
        """All rows of all tables as (patient, name, value text); what is empty is the empty text."""
        parts = [
            f"SELECT {self.patient} AS patient, coalesce(CAST({NAME} AS VARCHAR), '') AS {NAME}, "
            f"coalesce(CAST({VALUE} AS VARCHAR), '') AS {VALUE} FROM {table.relation(self.connection)}"
            for table in self.tables
        ]
        return f"SELECT {wanted} FROM ({' UNION ALL '.join(parts)})"

    def write(self, code: PivotBits, out: Path) -> pa.ChunkedArray:
        """Write the patients whose rows agree; the others."""
        reader = self.connection.sql("FROM facts").to_arrow_reader(_BATCH)
        ids = reader.schema.field("patient").type
        schema = pa.schema([(ID, ids), *code.schema])
        aside = [pa.array([], ids)]
        with WideWriter(out, schema) as writer:
            for batch in reader:
                patients = batch.column(0)
                masks = [np.asarray(batch.column(1 + w)) for w in range(code.words)]
                bad = code.wrong(masks)
                for _, broken in wrong_ids(patients):
                    bad |= broken
                if bad.any():
                    aside.append(patients.filter(pa.array(bad)))
                    patients, masks = patients.filter(pa.array(~bad)), [mask[~bad] for mask in masks]
                writer.write(pa.record_batch([patients, *code.columns(masks)], schema=schema))
        return pa.chunked_array(aside)

    def rejects(self, wrong: pa.ChunkedArray) -> list[Reject]:
        """A second look at the rows, with their lines, only when something is wrong."""
        patients = [None if p is None else str(p) for p in wrong.to_pylist()]
        found: list[Reject] = []
        for table in self.tables:
            seen: dict[tuple[object, str], str] = {}
            lines = table.lines
            named = f"{Path(table.name).name}: " if len(self.tables) > 1 else ""
            for row, cells in numbered_rows(table, patients, self.column, [NAME, VALUE]):
                patient, name, value = cells[self.column], _text(cells[NAME]), _text(cells[VALUE])
                reason = None if name in self.ignore else self.reason(seen, patient, name, value)
                if reason is not None:
                    line = row + table.first_line if lines is None else lines.of(row)
                    found.append(Reject(line, "" if patient is None else str(patient), reason[0], named + reason[1]))
        return found

    def reason(
        self, seen: dict[tuple[object, str], str], patient: object, name: str | None, value: str | None
    ) -> tuple[str, str] | None:
        if (problem := _problem_of_id(patient)) is not None:
            return problem
        if value is None or value == "":
            return None
        kind = self.kinds.get(name or "")
        if name is None or kind is None:
            near = nearest(name or "", self.kinds)
            return "GL412", f"there is nothing named `{name or ''}` in this guideline" + (
                f"; did you mean `{near}`?" if near else ""
            )
        meaning = _meaning(kind, value)
        if meaning is None:
            return ("GL414", "GL419", "GL415", "GL417")[kind], f"`{value}` is not a value of `{name}`"
        before = seen.setdefault((patient, name), value)
        if _meaning(kind, before) != meaning:
            return "GL408", f"`{name}` has the values `{before}` and `{value}`"
        return None


@lru_cache(maxsize=1024)
def _problem_of_id(patient: object) -> tuple[str, str] | None:
    """What is wrong with an id."""
    return next(((rule.code, rule.reason) for rule, broken in wrong_ids(pa.array([patient])) if broken.any()), None)


def _text(value: object) -> str | None:
    """A cell as DuckDB writes it as text."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(kind: int, value: str) -> object:
    """What a value says of a name of this kind; None if it is none."""
    if kind in (WORD, NUMBER) and value == "unknown":
        return value
    if kind in SAYS:
        return next((place for place, words in enumerate(SAYS[kind]) if value in words), None)
    if kind == NUMBER:
        return float(value) if re.fullmatch(DECIMAL, value) else None
    return day_of(value)
