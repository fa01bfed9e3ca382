"""The files of a run: parts with their hashes, the account of the run, the rejects; what is written is written whole.

A run works in a folder of its own beside the result (`RESULT.unfinished`). A part appears there only when it is
complete, the account after the part, and the result itself only at the end, by renaming: an interrupted run leaves no
half of anything, and the next one with the same data, rules and options goes on after the last part that is intact.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from guidelog.diagnostics import InputError

from ..rows.batch import Reject
from ..rows.locked_duckdb import CONFIG, literal, quoted
from ..wide.parquet_concat import join_parquet

FORMAT = "guidelog-cohort/1"
ACCOUNT, REJECTS = "run.json", "rejects.csv"
SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".duckdb": "duckdb", "": "parquet"}


@dataclass
class Results:
    """The place of a run's results, and how far it has come."""

    out: Path
    key: Mapping[str, Any]
    work: Path = field(init=False)
    parts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work = self.out.with_name(self.out.name + ".unfinished")
        if self.out.suffix not in SUFFIXES:
            raise InputError.of("GL706", f"`{self.out}`: a result ends in .parquet, .csv or .duckdb, or is a folder")

    @property
    def kind(self) -> str:
        return SUFFIXES[self.out.suffix]

    @property
    def is_folder(self) -> bool:
        return self.out.suffix == ""

    def begin(self, *, overwrite: bool) -> int:
        """Make or take up the working folder; how many parts are already there, each checked by its hash.

        Raises InputError (GL707) where something else is in the way.
        """
        if self.out.exists() and not overwrite:
            raise InputError.of("GL707", f"`{self.out}` is already there", hint="--overwrite replaces it")
        if self.out.exists() and not self.is_folder and self.out.is_dir():
            raise InputError.of("GL707", f"`{self.out}` is a folder")
        if self.is_folder and self.out.is_dir() and not (self.out / ACCOUNT).is_file() and any(self.out.iterdir()):
            raise InputError.of("GL707", f"`{self.out}` is a folder with other files, and is left alone")
        earlier = self._earlier()
        if earlier is None:
            shutil.rmtree(self.work, ignore_errors=True)
            try:
                self.work.mkdir(parents=True)
            except OSError as error:
                raise InputError.of(
                    "GL706", f"`{self.work}` cannot be made: {(error.strerror or 'error').lower()}"
                ) from None
            self.save()
        else:
            for part in earlier:
                file = self.work / part["file"]
                if not file.is_file() or sha256_of(file) != part["sha256"]:
                    break
                self.parts.append(part)
        for file in self.work.glob("*.tmp"):
            file.unlink()
        return len(self.parts)

    def _earlier(self) -> list[dict[str, Any]] | None:
        try:
            account = json.loads((self.work / ACCOUNT).read_text(encoding="utf-8"))
            return list(account["parts"]) if account["key"] == self.key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(
        self, number: int, table: pa.Table, rejects: Sequence[Reject], counts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write a part; what the account has to say about it. May run in another thread."""
        name = f"part-{number:05}.{'csv' if self.kind == 'csv' else 'parquet'}"
        temporary = self.work / (name + ".tmp")
        if self.kind == "csv":
            pa_csv.write_csv(_plain(table), temporary)
        else:
            write_parquet(table, temporary)
        digest = sha256_of(temporary)
        temporary.replace(self.work / name)
        listed = [[r.line, r.patient, r.code, r.reason] for r in rejects]
        return {"file": name, "sha256": digest, "rows": table.num_rows, "rejects": listed, "counts": counts}

    def add(self, part: dict[str, Any]) -> None:
        """List the next part in the account: from here on it is finished."""
        self.parts.append(part)
        self.save()

    def save(self) -> None:
        """Write down which parts are finished."""
        _write_text(self.work / ACCOUNT, json.dumps({"format": FORMAT, "key": self.key, "parts": self.parts}))

    def discard(self) -> None:
        """Forget what is not finished; a finished result stays."""
        shutil.rmtree(self.work, ignore_errors=True)

    def finish(self, report: Mapping[str, Any], rejects: Iterable[Reject]) -> None:
        """Put the result in its place."""
        files = [self.work / part["file"] for part in self.parts]
        parts = [{k: part[k] for k in ("file", "sha256", "rows")} for part in self.parts]
        account = json.dumps(
            {**report, "key": self.key, "parts": parts if self.is_folder else []}, indent=1, ensure_ascii=False
        )
        write_rejects(self.work / REJECTS, rejects)
        if self.is_folder:
            _write_text(self.work / ACCOUNT, account)
            if self.out.exists():
                shutil.rmtree(self.out)
            self.work.replace(self.out)
            return
        whole = self.work / ("whole" + self.out.suffix)
        _join(self.kind, files, whole)
        (self.work / REJECTS).replace(beside(self.out, REJECTS))
        _write_text(beside(self.out, ACCOUNT), account)
        whole.replace(self.out)
        shutil.rmtree(self.work, ignore_errors=True)


def beside(out: Path, name: str) -> Path:
    """`result.rejects.csv` for `result.parquet`; inside for a folder."""
    return out / name if out.suffix == "" else out.with_name(f"{out.stem}.{name}")


def read_account(result: str) -> dict[str, Any]:
    """The account of a finished run. Raises InputError (GL708)."""
    path = Path(result)
    try:
        account = json.loads(beside(path, ACCOUNT).read_text(encoding="utf-8"))
        if account.get("format") == FORMAT and "answers" in account:
            return dict(account)
    except (OSError, ValueError):
        pass
    raise InputError.of(
        "GL708", f"`{result}` is not the result of a finished run: `{beside(path, ACCOUNT)}` is not there"
    )


def result_files(result: str) -> list[Path]:
    """The tables of a finished result."""
    path = Path(result)
    return sorted(path.glob("part-*")) if path.is_dir() else [path]


def write_parquet(table: pa.Table, path: Path) -> None:
    """Answers repeat: a dictionary for each column but the patient's, fast compression."""
    listed = [c for c in table.column_names if c != "patient"]
    at_once = 1 << 16
    pq.write_table(table, path, use_dictionary=listed, write_statistics=["patient"], write_batch_size=at_once)


def write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    """The rows that were set aside."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("line", "patient", "code", "reason"))
        writer.writerows((r.line, r.patient, r.code, r.reason) for r in rejects)
    temporary.replace(path)


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(table: pa.Table) -> pa.Table:
    """Without dictionaries, which CSV does not have."""
    columns = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.column_names)


def _join(kind: str, files: Sequence[Path], whole: Path) -> None:
    """One file from the parts, part by part."""
    if kind == "duckdb":
        import duckdb

        with duckdb.connect(str(whole), config=CONFIG) as connection:
            listed = ", ".join(quoted(literal(f)) for f in files)
            connection.execute(
                f"CREATE TABLE answers AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"
            )
    elif kind == "csv":
        with whole.open("wb") as out:
            for number, file in enumerate(files):
                with file.open("rb") as part:
                    if number:
                        part.readline()
                    shutil.copyfileobj(part, out, 1 << 20)
    elif len(files) == 1:
        os.replace(files[0], whole)  # noqa: PTH105 - `files` stay as they are listed
    else:
        join_parquet(files, whole)


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
