"""The lines of a FHIR export brought together by patient: partitions on disk, small enough for memory, and the drugs.

A line goes as it stands to the partition that its patient's id says. A partition that is still too large is dealt out
again. The drugs that others refer to are kept in a file with an index. What has been dealt is used again after an
interruption while it is intact. Memory holds one partition, and one patient's resources as they are read.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from hashlib import blake2b, file_digest
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from guidelog.files import write_text

from ..rows.batch import Reject
from ..rows.tables import Table
from .fhir_ndjson import DRUG, Preparing, about, lines_of, name_of, resource_of, size_of

MOST_PARTITIONS, SMALLEST = 128, 1 << 20
_DEEPEST = 4  # 128 partitions each: beyond any disk, unless it is all one patient's
_LINES = 3  # times the size of its text that a partition takes in memory, at most; measured
_INTERRUPTED = 1 << 25  # bytes of export whose reading may be lost by an interruption
_MANIFEST, _DRUGS = "dealt.json", "drugs.sqlite"

People = dict[str, tuple[tuple[str, int], list[bytes]]]
"""The lines of each patient, and the place of the first."""


class Partitions:
    """A FHIR export hash-partitioned by patient id into files that fit in memory."""

    def __init__(self, folder: Path, tables: Sequence[Table], memory: int) -> None:
        self.folder, self.tables = folder, tables
        self.most = max(memory // 2 // _LINES, SMALLEST)
        self.rejects: list[Reject] = []
        self.files: list[Path] = []
        self._store: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._store is not None:
            self._store.close()

    def deal(self, preparing: Preparing, *, anew: bool = False) -> None:
        """Deal out all lines, unless that was done before. Raises InputError."""
        if anew or not self._again():
            self.rejects.clear()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self._deal(preparing)

    def people(self, partition: Path) -> Iterator[People]:
        """The patients of a partition, some at a time."""
        yield from self._split(partition, 1)

    def drugs(self, names: Collection[str]) -> list[dict[str, Any]]:
        """The drugs of these names, every copy of each."""
        store = self._store = self._store or sqlite3.connect(self.folder / _DRUGS)
        rows = [row for name in names for row in store.execute("SELECT text FROM drugs WHERE name = ?", (name,))]
        return [orjson.loads(text) for (text,) in rows]

    def _deal(self, preparing: Preparing) -> None:
        size, read = max(size_of(self.tables), 1), 0
        number = min(-(-size // min(self.most, _INTERRUPTED)), MOST_PARTITIONS)
        files = [self.folder / f"{place:03}" for place in range(number)]
        with ExitStack() as stack:
            store = stack.enter_context(closing(sqlite3.connect(self.folder / _DRUGS, isolation_level=None)))
            store.execute("PRAGMA journal_mode = OFF")
            store.execute("PRAGMA synchronous = OFF")
            store.execute("CREATE TABLE drugs (name TEXT, text BLOB)")
            store.execute("BEGIN")
            partitions = [stack.enter_context(file.open("wb")) for file in files]
            for done, (table, line, text) in enumerate(lines_of(self.tables)):
                read += len(text)
                if done % 4096 == 0:
                    preparing("sorting resources by patient", read / size)
                name, resource, patient = Path(table.name).name, resource_of(text), None
                if resource is None:
                    self.rejects.append(Reject(line, "", "GL451", f"{name}: the line is not a FHIR resource"))
                    continue
                if resource["resourceType"] == DRUG:
                    store.execute("INSERT INTO drugs VALUES (?, ?)", (name_of(resource), text))
                    continue
                try:
                    patient = about(resource)
                except ValueError as error:
                    self.rejects.append(Reject(line, "", "GL410", f"{name}: {error}"))
                if patient is not None:
                    place = orjson.dumps([patient, name, line])
                    partitions[_partition_of(patient, 0, number)].write(place + b"\t" + text.strip() + b"\n")
            store.execute("COMMIT")
            store.execute("CREATE INDEX by_name ON drugs (name)")
        self.files = files
        listed = [[r.line, r.patient, r.code, r.reason] for r in self.rejects]
        known = {file.name: _digest(file) for file in (*files, self.folder / _DRUGS)}
        write_text(self.folder / _MANIFEST, json.dumps({"files": known, "rejects": listed}))

    def _again(self) -> bool:
        """Take up what was dealt before, if it is intact; a partition that is not there was finished."""
        try:
            known = json.loads((self.folder / _MANIFEST).read_text(encoding="utf-8"))
            files = {self.folder / name: digest for name, digest in known["files"].items()}
            if any(file.exists() and _digest(file) != digest for file, digest in files.items()):
                return False
            self.files = [file for file in files if file.name != _DRUGS]
            self.rejects = [Reject(*reject) for reject in known["rejects"]]
            return (self.folder / _DRUGS).exists()
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _split(self, partition: Path, depth: int) -> Iterator[People]:
        size = partition.stat().st_size
        if size <= 2 * self.most or depth > _DEEPEST:
            yield _people(partition)
            return
        parts = partition.with_name(partition.name + ".parts")
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir()
        number = min(-(-size // self.most) + 1, MOST_PARTITIONS)
        files = [parts / f"{place:03}" for place in range(number)]
        with ExitStack() as stack:
            partitions = [stack.enter_context(file.open("wb")) for file in files]
            with partition.open("rb") as lines:
                for text in lines:
                    patient = orjson.loads(text[: text.index(b"\t")])[0]
                    partitions[_partition_of(patient, depth, number)].write(text)
        for file in files:
            yield from self._split(file, depth + 1)
            file.unlink()
        shutil.rmtree(parts)


def _people(partition: Path) -> People:
    found: People = {}
    with partition.open("rb") as file:
        for text in file:
            end = text.index(b"\t")
            patient, name, line = orjson.loads(text[:end])
            found.setdefault(patient, ((name, line), []))[1].append(text[end + 1 :])
    return dict(sorted(found.items()))


def _partition_of(patient: str, depth: int, number: int) -> int:
    digest = blake2b(patient.encode(), digest_size=4, salt=bytes([depth]))
    return int.from_bytes(digest.digest(), "little") % number


def _digest(file: Path) -> str:
    with file.open("rb") as lines:
        return file_digest(lines, "blake2b").hexdigest()
