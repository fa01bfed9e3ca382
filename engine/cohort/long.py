"""A long table (patient, name, value) -> a wide one, in one pass of DuckDB: in parallel, within a memory limit.

One aggregation per patient: bits for present, absent and listed as unknown, least and greatest value of each number.
Two rows that disagree, a name that is not the guideline's, a value that is none: the patient is set aside with the line
and the reason, as `ask` refuses a record. Nothing picks the latest of two values: that is a decision for whoever makes
the table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ..diagnostics import InputError, nearest
from ..vocabulary import TICKS_PER_UNIT, Vocabulary
from .columns import Reject
from .layout import DAY, HIGH, LAST, LOW, SINCE
from .tables import Table, identifier, quoted

NAME, VALUE = "name", "value"
KNOWN = (NAME, VALUE, "date", "source")
_WORD, _ACT, _NUMBER, _DAY = range(4)
_BITS = 62  # of a signed 64-bit whole number, so that no shift meets the sign
_DECIMAL = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?$"


@dataclass(frozen=True, slots=True)
class _Name:
    """What a row of this name says, and where: bit of the masks, or number of the aggregate."""

    name: str
    kind: int
    place: int


def is_long(columns: Collection[str]) -> bool:
    """Whether a table has a row for each fact."""
    return NAME in columns and VALUE in columns


def pivot(
    tables: Sequence[Table], vocabulary: Vocabulary, out: Path, *, patient: str, ignore: Collection[str], memory: int
) -> list[Reject]:
    """Write the patients of long tables as one wide Parquet file, and give back the rows that were set aside.

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
    try:
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit = '{max(memory // 2, 1 << 28)}B'")
            connection.execute(f"SET temp_directory = {quoted(str(out.parent))}")
            return _Pivot(connection, tables, vocabulary, patient, ignore).run(out)
    except duckdb.Error as error:
        raise InputError.of(
            "GL705", f"`{tables[0].name}` cannot be read: {str(error).splitlines()[0].lower()}"
        ) from None


def rows_of(
    tables: Sequence[Table], patients: Sequence[object], patient: str, ignore: Collection[str]
) -> dict[str, list[tuple[str, object]]]:
    """The rows (name, value) of some patients of long tables, by the patient's id as text."""
    found: dict[str, list[tuple[str, object]]] = {str(p): [] for p in patients}
    with duckdb.connect() as connection:
        connection.register("wanted", pa.table({"p": list(found)}))
        for table in tables:
            column = identifier(patient)
            rows = connection.execute(
                f"SELECT CAST({column} AS VARCHAR), {NAME}, CAST({VALUE} AS VARCHAR) FROM {table.relation(connection)} "
                f"WHERE CAST({column} AS VARCHAR) IN (SELECT p FROM wanted)"
            ).fetchall()
            for identity, name, value in rows:
                if name not in ignore:
                    found[identity].append((name, value))
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
        self.patient, self.ignore = identifier(patient), ignore
        self.names = _names(vocabulary)
        self.aggregated_names = self.occurring()
        self.bits = max((n.place for n in self.names if n.kind in (_WORD, _ACT)), default=-1) + 1
        self.words = (self.bits + _BITS - 1) // _BITS
        rows = pa.table(
            {
                "n": [n.name for n in self.names],
                "k": pa.array([n.kind for n in self.names], pa.int8()),
                "w": pa.array([n.place // _BITS if n.kind < _NUMBER else -1 for n in self.names], pa.int32()),
                "b": pa.array([1 << n.place % _BITS if n.kind < _NUMBER else 0 for n in self.names], pa.int64()),
                "p": pa.array([n.place if n.kind >= _NUMBER else -1 for n in self.names], pa.int32()),
            }
        )
        connection.register("guideline_names", rows)
        connection.execute("CREATE TEMP TABLE names AS SELECT * FROM guideline_names")

    def occurring(self) -> dict[str, bool]:
        """The names of numbers and days that occur (no others are aggregated), and whether a value is `unknown`."""
        rows = self.connection.execute(
            f"SELECT name, coalesce(bool_or(value = 'unknown'), false) FROM ({self.rows()}) GROUP BY name"
        ).fetchall()
        found = dict(rows)
        return {n.name: found[n.name] for n in self.names if n.kind >= _NUMBER and n.name in found}

    def numbers(self) -> list[_Name]:
        return [n for n in self.names if n.name in self.aggregated_names]

    def run(self, out: Path) -> list[Reject]:
        connection = self.connection
        connection.execute(f"CREATE TEMP TABLE facts AS {self.aggregated()}")
        problem = self.problem_condition()
        rejects = (
            self.rejects() if connection.execute(f"SELECT count(*) FROM facts WHERE {problem}").fetchall()[0][0] else []
        )
        connection.execute(
            f"COPY (SELECT {self.wide_columns()} FROM facts WHERE NOT ({problem})) "
            f"TO {quoted(str(out))} (FORMAT parquet)"
        )
        return rejects

    def rows(self) -> str:
        """All rows of all tables as (patient, name, value text)."""
        parts = [
            f"SELECT {self.patient} AS patient, {NAME} AS name, CAST({VALUE} AS VARCHAR) AS value "
            f"FROM {table.relation(self.connection)}"
            for table in self.tables
        ]
        ignored = ", ".join(map(quoted, self.ignore))
        where = f" WHERE name NOT IN ({ignored})" if ignored else ""
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}){where}"

    def judged(self) -> str:
        """Each row with what its name stands for, whether its value is one, and the value as yes, no, number or day."""
        return f"""
            SELECT r.*, k, w, b, p,
                CASE k WHEN {_WORD} THEN value IN ('present', 'true', 'True')
                    WHEN {_ACT} THEN value IN ('complete', 'true', 'True')
                    ELSE false END AS yes,
                CASE k WHEN {_WORD} THEN value IN ('absent', 'false', 'False')
                    WHEN {_ACT} THEN value IN ('incomplete', 'false', 'False')
                    ELSE false END AS no,
                coalesce(k IN ({_WORD}, {_NUMBER}) AND value = 'unknown', false) AS open,
                CASE WHEN k = {_NUMBER} AND regexp_full_match(value, '{_DECIMAL}') THEN CAST(value AS DOUBLE)
                    WHEN k = {_DAY} THEN epoch(TRY_CAST(value AS DATE)) / 86400 END AS number
            FROM ({self.rows()}) r LEFT JOIN names ON r.name = n
            WHERE value IS NOT NULL AND value <> ''"""

    def aggregated(self) -> str:
        masks = [
            f"bit_or(CASE WHEN w = {w} AND {what} THEN b ELSE 0 END) AS {letter}{w}"
            for w in range(self.words)
            for letter, what in (("t", "yes"), ("f", "no"), ("u", "open"))
        ]
        numbers = []
        for n in self.numbers():
            numbers.append(f"min(CASE WHEN p = {n.place} THEN number END) AS lo{n.place}")
            numbers.append(f"max(CASE WHEN p = {n.place} THEN number END) AS hi{n.place}")
            some = f"coalesce(bool_or(open AND p = {n.place}), false)" if self.aggregated_names[n.name] else "false"
            numbers.append(f"{some} AS open{n.place}")
        return f"""SELECT patient, {", ".join((*masks, *numbers))},
                coalesce(bool_or(k IS NULL OR NOT (yes OR no OR open OR number IS NOT NULL)), false) AS wrong
            FROM ({self.judged()}) GROUP BY patient"""

    def problem_condition(self) -> str:
        twice = [f"((t{w} & f{w}) | (t{w} & u{w}) | (f{w} & u{w})) <> 0" for w in range(self.words)]
        numbers = [
            f"coalesce(lo{n.place} <> hi{n.place}, false) OR (open{n.place} AND lo{n.place} IS NOT NULL)"
            for n in self.numbers()
        ]
        return " OR ".join(("wrong", "patient IS NULL", "CAST(patient AS VARCHAR) = ''", *twice, *numbers))

    def wide_columns(self) -> str:
        """Booleans where that says all; words where some patient's finding is listed as unknown."""
        listed = (
            self.connection.execute(
                "SELECT " + ", ".join(f"bit_or(u{w})" for w in range(self.words)) + " FROM facts"
            ).fetchall()[0]
            if self.words
            else ()
        )
        opened = {n.place for n in self.numbers() if self.aggregated_names[n.name]}
        found = ["patient"]
        for n in self.names:
            column = identifier(n.name)
            if n.kind >= _NUMBER and n.name not in self.aggregated_names:
                continue
            if n.kind < _NUMBER:
                w, bit = n.place // _BITS, 1 << n.place % _BITS
                if (listed[w] or 0) & bit:
                    found.append(
                        f"CASE WHEN (t{w} & {bit}) <> 0 THEN 'present' WHEN (f{w} & {bit}) <> 0 THEN 'absent' "
                        f"WHEN (u{w} & {bit}) <> 0 THEN 'unknown' END AS {column}"
                    )
                else:
                    found.append(
                        f"CASE WHEN (t{w} & {bit}) <> 0 THEN true WHEN (f{w} & {bit}) <> 0 THEN false END AS {column}"
                    )
            elif n.kind == _NUMBER and n.place in opened:
                found.append(
                    f"CASE WHEN open{n.place} THEN 'unknown' ELSE CAST(lo{n.place} AS VARCHAR) END AS {column}"
                )
            elif n.kind == _NUMBER:
                found.append(f"lo{n.place} AS {column}")
            else:
                found.append(f"CAST(DATE '1970-01-01' + CAST(lo{n.place} AS INTEGER) AS DATE) AS {column}")
        return ", ".join(found)

    def rejects(self) -> list[Reject]:
        """A second look at the rows, with their lines, only when something is wrong."""
        connection = self.connection
        connection.execute("SET preserve_insertion_order = true")
        found: list[Reject] = []
        for table in self.tables:
            numbered = f"""SELECT row_number() OVER () + {table.first_line - 1} AS line, {self.patient} AS patient,
                {NAME} AS name, CAST({VALUE} AS VARCHAR) AS value FROM {table.relation(connection)}"""
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE lines AS SELECT l.* FROM ({numbered}) l "
                f"SEMI JOIN (SELECT patient FROM facts WHERE {self.problem_condition()}) f "
                "ON l.patient IS NOT DISTINCT FROM f.patient ORDER BY line"
            )
            seen: dict[tuple[object, str], str] = {}
            named = f"{Path(table.name).name}: " if len(self.tables) > 1 else ""
            rows = connection.execute("SELECT line, patient, name, value FROM lines ORDER BY line").fetchall()
            for line, patient, name, value in rows:
                reason = None if name in self.ignore else self.reason(seen, patient, name, value)
                if reason is not None:
                    found.append(Reject(line, "" if patient is None else str(patient), reason[0], named + reason[1]))
        return found

    def reason(
        self, seen: dict[tuple[object, str], str], patient: object, name: str | None, value: str | None
    ) -> tuple[str, str] | None:
        if patient is None or patient == "":
            return "GL410", "the patient's id is missing"
        if value is None or value == "":
            return None
        known = next((n for n in self.names if n.name == name), None)
        if known is None:
            near = nearest(name or "", [n.name for n in self.names])
            return "GL412", f"there is nothing named `{name}` in this guideline" + (
                f"; did you mean `{near}`?" if near else ""
            )
        if not _is_value(known.kind, value):
            return ("GL414", "GL419", "GL415", "GL417")[known.kind], f"`{value}` is not a value of `{name}`"
        before = seen.setdefault((patient, known.name), value)
        if _meaning(known.kind, before) != _meaning(known.kind, value):
            return "GL408", f"`{name}` has the values `{before}` and `{value}`"
        return None


_MEANINGS = {
    "present": True,
    "complete": True,
    "true": True,
    "True": True,
    "absent": False,
    "incomplete": False,
    "false": False,
    "False": False,
}


def _meaning(kind: int, value: str) -> object:
    if kind == _NUMBER and value != "unknown":
        return float(value)
    return _MEANINGS.get(value, value)


def _is_value(kind: int, value: str) -> bool:
    import re
    from datetime import date

    match kind:
        case 0:
            return value in ("present", "absent", "unknown", "true", "false", "True", "False")
        case 1:
            return value in ("complete", "incomplete", "true", "false", "True", "False")
        case 2:
            return value == "unknown" or re.fullmatch(_DECIMAL, value) is not None
        case _:
            try:
                return bool(date.fromisoformat(value))
            except ValueError:
                return False


def _names(vocabulary: Vocabulary) -> list[_Name]:
    found = [_Name(name, _WORD, i) for i, name in enumerate(vocabulary.findings)]
    found += [_Name(name, _ACT, len(found) + i) for i, name in enumerate(vocabulary.screens)]
    numbers = [
        (name + suffix, _DAY if suffix in (SINCE, LAST) else _NUMBER)
        for name, measure in vocabulary.measures.items()
        for suffix in ("", LOW, HIGH, SINCE, LAST)
        if suffix not in (SINCE, LAST) or measure.unit in TICKS_PER_UNIT
    ]
    return found + [_Name(name, kind, i) for i, (name, kind) in enumerate([*numbers, (DAY, _DAY)])]
