"""A FHIR bulk export (NDJSON, a resource a line) -> one wide table, in bounded memory.

An export has a file or several for each kind of resource, so one patient's lines are far apart. They are dealt out to
as many heaps on disk as make each small enough, by the patient that they are about; then heap by heap every patient's
resources become a record through the guideline's own mapping (`guidelog.fhir`), exactly as for `ask`, and the record a
row. A patient whose resources are refused is set aside with the place of the first of them. What no line says whom it
is about (drugs, by reference) is kept for all; other such lines say nothing about a patient.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..diagnostics import InputError
from ..fhir import CodeMapping, read_records
from ..fhir.people import tail
from ..patients import Patient
from ..vocabulary import Vocabulary
from .columns import Reject
from .layout import DAY, HIGH, ID, LAST, LOW, SINCE, long_layout
from .tables import KINDS, Table
from .written import WideWriter

_ROWS = 1 << 12
_MOST_HEAPS = 256
_IN_MEMORY = 12
"""How many times the size of its text a parsed resource takes, measured and rounded up."""
_SHARED = ("Medication",)


def fhir_tables(data: str) -> list[Table] | None:
    """The files of a FHIR export; None where the data is something else."""
    path = Path(data)
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path] if path.is_file() else []
    lines = [p for p in files if KINDS.get(p.suffix) == "ndjson" and not p.name.startswith((".", "_"))]
    if not lines or not any(map(_is_fhir, lines)):
        return None
    return [Table(str(p), str(p), "fhir", ()) for p in lines]


def gather(
    tables: Sequence[Table],
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    out: Path,
    *,
    memory: int,
    as_of: date | None = None,
    unverified: bool = False,
) -> list[Reject]:
    """Write the patients of an export as one wide table, and give back the rows that were set aside."""
    columns = long_layout(vocabulary).columns
    schema = pa.schema([(name, pa.string()) for name in columns])
    rejects: list[Reject] = []
    rows: list[dict[str, str]] = []
    heaps = out.with_name(out.name + ".heaps")
    shutil.rmtree(heaps, ignore_errors=True)
    heaps.mkdir(parents=True)
    try:
        shared, listed = _deal(tables, heaps, memory, rejects)
        with WideWriter(out, schema) as writer:
            for heap in listed:
                for patient, (place, resources) in _grouped(heap).items():
                    try:
                        patient_read = _read(patient, resources, shared, mapping, vocabulary, as_of, unverified)
                    except InputError as error:
                        problem = error.diagnostics[0]
                        name, line = place
                        rejects.append(Reject(line, patient, problem.code, f"{name}: {problem.message}"))
                        continue
                    rows.append(row_of_record(patient_read.content, patient))
                    if len(rows) >= _ROWS:
                        writer.write(pa.RecordBatch.from_pylist(rows, schema=schema))
                        rows.clear()
            if rows:
                writer.write(pa.RecordBatch.from_pylist(rows, schema=schema))
    finally:
        shutil.rmtree(heaps, ignore_errors=True)
    return rejects


def one_patient(
    tables: Sequence[Table],
    patient: str,
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    *,
    as_of: date | None = None,
    unverified: bool = False,
) -> Patient | None:
    """The record of one patient of an export; None when nothing is about that patient. Raises InputError."""
    found: list[Any] = []
    shared: dict[str, Any] = {}
    for table, number, text in _lines(tables):
        resource = _resource(text)
        if resource is None:
            raise InputError.of("GL451", f"`{table.name}`, line {number}: not a FHIR resource")
        if resource.get("resourceType") in _SHARED:
            shared[f"{resource['resourceType']}/{resource.get('id')}"] = resource
        elif _about(resource) == patient:
            found.append(resource)
    return _read(patient, found, shared, mapping, vocabulary, as_of, unverified) if found else None


def row_of_record(content: Mapping[str, Any], patient: str) -> dict[str, str]:
    """A record as a row of a wide table, every cell as text."""
    row: dict[str, str] = {ID: patient}
    if content.get(DAY) is not None:
        row[DAY] = str(content[DAY])
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


def _deal(
    tables: Sequence[Table], folder: Path, memory: int, rejects: list[Reject]
) -> tuple[dict[str, Any], list[Path]]:
    """All lines in heaps by patient, and what is about nobody."""
    size = sum(Path(t.path).stat().st_size for t in tables)
    number = min(max(1, -(-size * _IN_MEMORY // max(memory // 2, 1 << 24))), _MOST_HEAPS)
    files = [folder / f"{place:03}" for place in range(number)]
    shared: dict[str, Any] = {}
    handles = [file.open("w", encoding="utf-8") for file in files]
    try:
        for table, line, text in _lines(tables):
            name = Path(table.name).name
            resource = _resource(text)
            if resource is None:
                rejects.append(Reject(line, "", "GL451", f"{name}: the line is not a FHIR resource"))
                continue
            if resource["resourceType"] in _SHARED:
                shared[f"{resource['resourceType']}/{resource.get('id')}"] = resource
                continue
            patient = _about(resource)
            if patient is not None:
                heap = int.from_bytes(blake2b(patient.encode(), digest_size=4).digest(), "little") % number
                handles[heap].write(json.dumps([patient, name, line, resource], ensure_ascii=False) + "\n")
    finally:
        for handle in handles:
            handle.close()
    return shared, files


def _grouped(heap: Path) -> dict[str, tuple[tuple[str, int], list[Any]]]:
    """The resources of a heap by patient, with the place of the first of each."""
    found: dict[str, tuple[tuple[str, int], list[Any]]] = {}
    with heap.open(encoding="utf-8") as file:
        for text in file:
            patient, name, line, resource = json.loads(text)
            found.setdefault(patient, ((name, line), []))[1].append(resource)
    return dict(sorted(found.items()))


def _read(
    patient: str,
    resources: list[Any],
    shared: Mapping[str, Any],
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    as_of: date | None,
    unverified: bool,
) -> Patient:
    drugs = [shared[name] for name in _referred(resources) if name in shared]
    found = read_records([*resources, *drugs], mapping, vocabulary, as_of=as_of, unverified=unverified, patient=patient)
    return found.patient


def _referred(resources: Iterable[Mapping[str, Any]]) -> dict[str, None]:
    """The drugs that resources refer to."""
    found: dict[str, None] = {}
    for resource in resources:
        reference = resource.get("medicationReference")
        if isinstance(reference, dict) and isinstance(reference.get("reference"), str):
            found.setdefault(tail(reference["reference"]))
    return found


def _about(resource: Mapping[str, Any]) -> str | None:
    """The id of the patient that a resource is about."""
    if resource["resourceType"] == "Patient":
        return resource["id"] if isinstance(resource.get("id"), str) else None
    subject = resource.get("subject", resource.get("patient"))
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str):
        return None
    name = tail(reference)
    return name.removeprefix("Patient/") if name.startswith("Patient/") else None


def _resource(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("resourceType"), str) else None


def _lines(tables: Sequence[Table]) -> Iterator[tuple[Table, int, bytes]]:
    for table in tables:
        try:
            with Path(table.path).open("rb") as file:
                for number, text in enumerate(file, 1):
                    if text.strip():
                        yield table, number, text
        except OSError as error:
            reason = (error.strerror or "unknown error").lower()
            raise InputError.of("GL705", f"`{table.name}` cannot be read: {reason}") from None


def _is_fhir(path: Path) -> bool:
    with path.open("rb") as file:
        for text in file:
            if text.strip():
                return _resource(text) is not None
    return False
