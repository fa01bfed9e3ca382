"""A FHIR bulk export (NDJSON, a resource a line) -> one wide table, in bounded memory.

The lines are brought together by patient (`partition`); then part by part every patient's resources become a record
through the guideline's own mapping (`guidelog.fhir`), exactly as for `ask`, and the record a row. A patient whose
resources are refused is set aside with the place of the first of them. A part that is finished is not read again when
an interrupted run goes on.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from guidelog.diagnostics import InputError
from guidelog.fhir import CodeMapping, read_records
from guidelog.fhir.reading.bundle import LARGEST
from guidelog.files import replacing, write_text
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import Patient

from ..results.folder import NOT_READ, sha256_of
from ..rows.batch import Reject
from ..rows.layout import DAY, HIGH, ID, LAST, LOW, SINCE, long_layout
from ..rows.tables import Table
from .fhir_ndjson import Preparing, resource_of, with_drugs
from .partition import Partitions
from .wide_writer import ARROW, WideWriter

_ROWS = 1 << 12


@dataclass(frozen=True, slots=True)
class Reader:
    """How a patient's resources become a record: the mapping, the day to answer for, whether unverified codes count."""

    mapping: CodeMapping
    vocabulary: Vocabulary
    as_of: date | None = None
    unverified: bool = False

    def read(self, patient: str, resources: Sequence[Mapping[str, Any]]) -> Patient:
        """The record of a patient. Raises InputError."""
        as_of, unverified = self.as_of, self.unverified
        found = read_records(
            resources, self.mapping, self.vocabulary, as_of=as_of, unverified=unverified, patient=patient
        )
        return found.patient


def gather(tables: Sequence[Table], reader: Reader, out: Path, *, memory: int, preparing: Preparing) -> list[Reject]:
    """Write the patients of an export as one wide table, and give back the rows that were set aside."""
    schema = pa.schema([(name, pa.string()) for name in long_layout(reader.vocabulary).columns])
    folder = out.with_name(out.name + ".partitions")
    with Partitions(folder, tables, memory) as partitions:
        partitions.deal(preparing)
        parts = [partition.with_suffix(ARROW) for partition in partitions.files]
        done = [_finished(part) for part in parts]
        gone = (not partition.exists() for partition in partitions.files)
        if any(known is None and lost for known, lost in zip(done, gone, strict=True)):
            partitions.deal(preparing, anew=True)  # a part was spoilt whose partition is gone
            parts = [partition.with_suffix(ARROW) for partition in partitions.files]
            done = [None] * len(parts)
        rejects = list(partitions.rejects)
        for number, (partition, part, known) in enumerate(zip(partitions.files, parts, done, strict=True)):
            preparing("reading patients", number / len(partitions.files))
            rejects += _part(partition, part, partitions, reader, schema) if known is None else known
            partition.unlink(missing_ok=True)
    with WideWriter(out, schema) as writer:
        for part in parts:
            with pa.memory_map(str(part)) as file, pa.ipc.open_file(file) as found:
                for batch in range(found.num_record_batches):
                    writer.write(found.get_batch(batch))
    with replacing(out.with_name(NOT_READ)) as new, new.open("w", encoding="utf-8", newline="") as file:
        listing = csv.writer(file, lineterminator="\n")
        listing.writerow(("patient", "source", "display", "speaks_of", "reason"))
        for part in parts:
            listing.writerows(json.loads(part.with_suffix(".json").read_text(encoding="utf-8"))["not_read"])
    shutil.rmtree(folder)
    return rejects


def _part(partition: Path, part: Path, partitions: Partitions, reader: Reader, schema: pa.Schema) -> list[Reject]:
    """The patients of a partition as a part of the table; who was set aside."""
    rejects: list[Reject] = []
    rows: list[dict[str, str]] = []
    not_read: list[list[str]] = []
    with WideWriter(part, schema) as writer:
        for people in partitions.people(partition):
            for patient, ((name, line), lines) in people.items():
                try:
                    record = _record(patient, lines, partitions, reader)
                    rows.append(row_of_record(record, reader.vocabulary))
                    not_read += (
                        [patient, e.source, e.display, " ".join(e.speaks_of) or "anything", e.reason]
                        for e in record.not_read
                    )
                except InputError as error:
                    problem = error.diagnostics[0]
                    rejects.append(Reject(line, patient, problem.code, f"{name}: {problem.message}"))
                if len(rows) >= _ROWS:
                    writer.write(pa.RecordBatch.from_pylist(rows, schema=schema))
                    rows.clear()
        writer.write(pa.RecordBatch.from_pylist(rows, schema=schema))
    listed = [[r.line, r.patient, r.code, r.reason] for r in rejects]
    about = {"sha256": sha256_of(part), "rejects": listed, "not_read": not_read}
    write_text(part.with_suffix(".json"), json.dumps(about))
    return rejects


def _record(patient: str, lines: Sequence[bytes], partitions: Partitions, reader: Reader) -> Patient:
    size = sum(map(len, lines))
    if size > LARGEST:
        raise InputError.of("GL454", f"the patient's resources have {size:,} bytes; a record may have {LARGEST:,}")
    resources = [found for text in lines if (found := resource_of(text)) is not None]
    return reader.read(patient, with_drugs(resources, partitions.drugs))


def _finished(part: Path) -> list[Reject] | None:
    """Who was set aside in a part of an earlier run; None where the part is not intact."""
    try:
        known = json.loads(part.with_suffix(".json").read_text(encoding="utf-8"))
        intact = known["sha256"] == sha256_of(part) and isinstance(known["not_read"], list)
        return [Reject(*r) for r in known["rejects"]] if intact else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def row_of_record(patient: Patient, vocabulary: Vocabulary) -> dict[str, str]:
    """A record as a row of a wide table, every cell as text.

    What was not read may be about inputs that the record does not list; they are listed as unknown, so that no screen
    closes over them, as none does for `ask`.
    """
    content = patient.content
    row: dict[str, str] = {ID: patient.id}
    if content.get(DAY) is not None:
        row[DAY] = str(content[DAY])
    if patient.not_read:
        listed = {**content.get("findings", {}), **content.get("measures", {})}
        row.update(
            (name, "unknown")
            for name in (*vocabulary.findings, *vocabulary.measures)
            if name not in listed and any(entry.speaks_of_name(name) for entry in patient.not_read)
        )
    row.update(content.get("findings", {}))
    row.update(content.get("screens", {}))
    for name, value in content.get("measures", {}).items():
        if not isinstance(value, Mapping):
            row[name] = str(value)
            continue
        low, high = value.get("between", (value.get("at_least"), value.get("at_most")))
        start = value.get("since")
        first, last = start["between"] if isinstance(start, Mapping) else (start, None)
        cells = zip(("", LOW, HIGH, SINCE, LAST), (value.get("value"), low, high, first, last), strict=True)
        row.update({name + suffix: str(cell) for suffix, cell in cells if cell is not None})
    return row
