"""Who changes between two results: the same patients under two versions, two readings, or two states of the record.

Both results are joined by patient in DuckDB, which keeps to disk what does not fit into memory. Wide and long results
can be compared with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from guidelog.diagnostics import InputError
from guidelog.files import replacing

from ..rows.locked_duckdb import first_line, identifier, literal, locked, quoted
from .answer_table import BECAUSE
from .folder import read_account, result_files


@dataclass(frozen=True, slots=True)
class Flow:
    """How many patients go from one status of an intervention to another; None where they are not in that result."""

    intervention: str
    old: str | None
    new: str | None
    patients: int


@dataclass(frozen=True, slots=True)
class Differences:
    """The flows, unchanged ones too, and how many patients change in anything."""

    flows: tuple[Flow, ...]
    changed: int
    only_old: int
    only_new: int


def diff(old: str, new: str, interventions: Sequence[str] = (), out: str | None = None) -> Differences:
    """Compare two results; `out` takes the list of changes (patient, intervention, old, new) as CSV or Parquet.

    Raises InputError.
    """
    accounts = [read_account(old), read_account(new)]
    names = [
        n for n in accounts[0]["answers"] if n in accounts[1]["answers"] and (not interventions or n in interventions)
    ]
    if not names:
        raise InputError.of("GL709", "the two results have no intervention in common")
    try:
        files = [str(f) for result in (old, new) for f in result_files(result)]
        with locked(files, folder=None if out is None else Path(out).absolute().parent) as connection:
            for table, result, account in (("old_result", old, accounts[0]), ("new_result", new, accounts[1])):
                connection.execute(f"CREATE TEMP VIEW {table} AS {_wide(result, account, names)}")
            connection.execute(
                "CREATE TEMP TABLE joined AS SELECT coalesce(o.patient, n.patient) AS patient, "
                "o.patient IS NULL AS is_new, "
                "n.patient IS NULL AS is_gone, "
                + ", ".join(
                    f"o.{identifier(n)} AS {identifier('old ' + n)}, n.{identifier(n)} AS {identifier('new ' + n)}"
                    for n in names
                )
                + " FROM old_result o FULL JOIN new_result n ON o.patient = n.patient"
            )
            return _compare(connection, names, out)
    except duckdb.Error as error:
        raise InputError.of("GL705", f"the results cannot be compared: {first_line(error)}") from None


def _compare(connection: duckdb.DuckDBPyConnection, names: Sequence[str], out: str | None) -> Differences:
    flows: list[Flow] = []
    for name in names:
        pair = f"{identifier('old ' + name)}, {identifier('new ' + name)}"
        rows = connection.execute(f"SELECT {pair}, count(*) FROM joined GROUP BY ALL ORDER BY 3 DESC, 1, 2").fetchall()
        flows += [Flow(name, was, is_, number) for was, is_, number in rows]
    differs = " OR ".join(f"{identifier('old ' + n)} IS DISTINCT FROM {identifier('new ' + n)}" for n in names)
    found = connection.execute(
        f"SELECT count(*) FILTER (NOT is_new AND NOT is_gone AND ({differs})), count(*) FILTER (is_gone), "
        "count(*) FILTER (is_new) FROM joined"
    ).fetchall()[0]
    if out is not None:
        if not out.endswith((".csv", ".parquet")):
            raise InputError.of("GL706", f"`{out}`: a list of changes ends in .csv or .parquet")
        parts = " UNION ALL ".join(
            f"SELECT patient, {quoted(n)} AS intervention, {identifier('old ' + n)} AS old, "
            f"{identifier('new ' + n)} AS new FROM joined "
            f"WHERE {identifier('old ' + n)} IS DISTINCT FROM {identifier('new ' + n)}"
            for n in names
        )
        kind = "csv, HEADER" if out.endswith(".csv") else "parquet"
        with replacing(Path(out)) as new:
            place = quoted(str(new.absolute()))
            connection.execute(f"COPY ({parts} ORDER BY patient, intervention) TO {place} (FORMAT {kind})")
    return Differences(tuple(flows), *map(int, found))


def _wide(result: str, account: dict[str, Any], names: Sequence[str]) -> str:
    """A result as one row a patient, with the reason as part of the status."""
    files = result_files(result)
    listed = ", ".join(quoted(literal(f)) for f in files)
    match files[0].suffix:
        case ".csv":
            source = f"read_csv([{listed}], header = true, all_varchar = true, hive_partitioning = false)"
        case ".duckdb":
            raise InputError.of("GL706", f"`{result}`: compare results that are Parquet or CSV")
        case _:
            source = f"read_parquet([{listed}], hive_partitioning = false)"
    if account["key"]["shape"][0]:
        columns = ", ".join(
            f"max(status || coalesce(' (' || because || ')', '')) FILTER (intervention = {quoted(n)}) "
            f"AS {identifier(n)}"
            for n in names
        )
        return f"SELECT CAST(patient AS VARCHAR) AS patient, {columns} FROM {source} GROUP BY 1"
    columns = ", ".join(
        f"{identifier(n)} || coalesce(' (' || {identifier(n + BECAUSE)} || ')', '') AS {identifier(n)}" for n in names
    )
    return f"SELECT CAST(patient AS VARCHAR) AS patient, {columns} FROM {source}"


def render_diff(found: Differences) -> str:
    """The changes for people: flows that go from one answer to another."""
    lines = [
        f"{found.changed:,} {'patient changes' if found.changed == 1 else 'patients change'}"
        + (f"; {found.only_old:,} only in the old result" if found.only_old else "")
        + (f"; {found.only_new:,} only in the new result" if found.only_new else "")
    ]
    for name in dict.fromkeys(f.intervention for f in found.flows):
        changes = [f for f in found.flows if f.intervention == name and f.old != f.new]
        if changes:
            lines += [
                "",
                name,
                *(f"  {f.old or 'not there'} -> {f.new or 'not there'}: {f.patients:,}" for f in changes),
            ]
    return "\n".join(lines)
