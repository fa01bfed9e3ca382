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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from guidelog.diagnostics import InputError
from guidelog.files import PRIVATE, locked, make_folder, replacing, write_text

from ..rows.batch import Reject
from ..rows.locked_duckdb import CONFIG, first_line, literal, quoted
from ..wide.parquet_concat import join_parquet

FORMAT = "guidelog-cohort/1"
ACCOUNT, REJECTS, NOT_READ = "run.json", "rejects.csv", "not_read.csv"
SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".duckdb": "duckdb", "": "parquet"}


@dataclass
class Results:
    """The place of a run's results, and how far it has come."""

    out: Path
    key: Mapping[str, Any]
    place: Path = field(init=False)
    work: Path = field(init=False)
    parts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = Path(os.path.realpath(self.out))
        self.work = self.place.with_name(self.place.name + ".unfinished")
        if self.out.suffix not in SUFFIXES:
            raise InputError.of("GL706", f"`{self.out}`: a result ends in .parquet, .csv or .duckdb, or is a folder")

    @contextmanager
    def held(self, *, passing: bool = False) -> Iterator[None]:
        """Nobody else writes this result meanwhile. What cannot be written leaves nothing behind.

        `passing`: the data cannot be read a second time, so nothing of an interrupted run is kept either. Raises
        InputError (GL605, GL707).
        """
        try:
            make_folder(self.place.parent)
            with locked(self.place):
                try:
                    yield
                except OSError:
                    self.discard()
                    raise
                except BaseException:
                    if passing:
                        self.discard()
                    raise
        except BlockingIOError:
            hint = "wait for it, or name another --out"
            raise InputError.of("GL707", f"another run is writing `{self.out}`", hint=hint) from None
        except OSError as error:
            raise InputError.of("GL605", f"`{self.out}` cannot be written: {first_line(error)}") from None

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
            make_folder(self.work)
            self.save()
        else:
            for part in earlier:
                file = self.work / part["file"]
                if not file.is_file() or sha256_of(file) != part["sha256"]:
                    break
                self.parts.append(part)
        for file in self.work.glob(".*.new"):
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
        with replacing(self.work / name) as new:
            if self.kind == "csv":
                pa_csv.write_csv(_plain(table), new)
            else:
                write_parquet(table, new)
            digest = sha256_of(new)
        listed = [[r.line, r.patient, r.code, r.reason] for r in rejects]
        return {"file": name, "sha256": digest, "rows": table.num_rows, "rejects": listed, "counts": counts}

    def add(self, part: dict[str, Any]) -> None:
        """List the next part in the account: from here on it is finished."""
        self.parts.append(part)
        self.save()

    def save(self) -> None:
        """Write down which parts are finished."""
        write_text(self.work / ACCOUNT, json.dumps({"format": FORMAT, "key": self.key, "parts": self.parts}))

    def discard(self) -> None:
        """Forget what is not finished; a finished result stays."""
        shutil.rmtree(self.work, ignore_errors=True)

    def not_read(self) -> dict[str, int]:
        """How many entries were not read, and of how many patients; nothing where all was."""
        try:
            with (self.work / NOT_READ).open(encoding="utf-8", newline="") as file:
                people = Counter(row["patient"] for row in csv.DictReader(file))
        except FileNotFoundError:
            return {}
        return {"entries": people.total(), "patients": len(people)} if people else {}

    def finish(self, report: Mapping[str, Any], rejects: Iterable[Reject]) -> None:
        """Put the result in its place."""
        files = [self.work / part["file"] for part in self.parts]
        parts = [{k: part[k] for k in ("file", "sha256", "rows")} for part in self.parts]
        account = json.dumps(
            {**report, "key": self.key, "parts": parts if self.is_folder else []}, indent=1, ensure_ascii=False
        )
        write_rejects(self.work / REJECTS, rejects)
        for file in files:
            file.chmod(PRIVATE)  # other engines write them with the usual mode
        if self.is_folder:
            write_text(self.work / ACCOUNT, account)
            old = self.place.with_name(f".{self.place.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            if self.place.exists():
                self.place.replace(old)
            self.work.replace(self.place)
            shutil.rmtree(old, ignore_errors=True)
            return
        with replacing(self.place) as new:
            whole = self.work / ("whole" + self.out.suffix)
            _join(self.kind, files, whole)
            whole.replace(new)
            for name in (REJECTS, NOT_READ):
                beside(self.place, name).unlink(missing_ok=True)
                if (self.work / name).exists():
                    (self.work / name).replace(beside(self.place, name))
            write_text(beside(self.place, ACCOUNT), account)
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
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("line", "patient", "code", "reason"))
        writer.writerows((r.line, r.patient, r.code, r.reason) for r in rejects)


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
