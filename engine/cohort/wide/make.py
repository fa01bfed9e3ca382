"""What is not a wide table yet, as one: long tables by a pivot, FHIR exports by the guideline's mapping.

The wide table of an interrupted run is used while it is intact: another would have another order, and parts that are
finished would not fit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from guidelog.compiled import Compiled
from guidelog.fhir import load_mapping
from guidelog.files import write_text

from ..options import Options
from ..results.folder import sha256_of
from ..rows.batch import Reject
from ..rows.tables import Table, open_tables
from .fhir import Reader, gather
from .fhir_ndjson import Preparing, fhir_tables
from .long import is_long, pivot
from .wide_writer import ARROW

WIDE, ABOUT = "wide" + ARROW, "wide.json"


def tables_of(data: str, inside: str | None) -> list[Table]:
    """The tables of a cohort, or the files of a FHIR export. Raises InputError (GL701 to GL705)."""
    return fhir_tables(data) or open_tables(data, inside)


def is_wide(table: Table) -> bool:
    """Whether a table has a row for each patient already."""
    return not is_long(table.columns) and table.kind != "fhir"


def wide_again(work: Path) -> list[Reject] | None:
    """What an earlier run set aside while it made the wide table in its folder; None when that is not intact."""
    try:
        known = json.loads((work / ABOUT).read_text(encoding="utf-8"))
        intact = known["sha256"] == sha256_of(work / WIDE)
        return [Reject(*r) for r in known["rejects"]] if intact else None
    except (OSError, ValueError, KeyError):
        return None


def make_wide(
    compiled: Compiled, tables: Sequence[Table], work: Path, options: Options, preparing: Preparing | None = None
) -> list[Reject]:
    """Write the wide table into the folder of a run; the rows that were set aside."""
    out = work / WIDE
    aside = wide_of(compiled, tables, out, options, preparing)
    listed = [[r.line, r.patient, r.code, r.reason] for r in aside]
    write_text(work / ABOUT, json.dumps({"sha256": sha256_of(out), "rejects": listed}))
    return aside


def wide_of(
    compiled: Compiled, tables: Sequence[Table], out: Path, options: Options, preparing: Preparing | None = None
) -> list[Reject]:
    """Write the patients of a long table or of a FHIR export as a wide one; the rows that were set aside."""
    vocabulary = compiled.names.vocabulary
    if tables[0].kind == "fhir":
        reader = reader_of(compiled, options)
        return gather(tables, reader, out, memory=options.memory, preparing=preparing or _silent)
    patient, ignore = options.patient, options.ignore
    return pivot(tables, vocabulary, out, patient=patient, ignore=ignore, memory=options.memory)


def reader_of(compiled: Compiled, options: Options) -> Reader:
    """How the resources of a FHIR export are read. Raises InputError for a wrong codes.toml."""
    vocabulary = compiled.names.vocabulary
    mapping = load_mapping(compiled.guideline, vocabulary)
    return Reader(mapping, vocabulary, options.as_of, options.unverified)


def _silent(what: str, share: float) -> None:
    """No progress."""
    del what, share
