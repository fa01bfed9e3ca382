"""One patient of a table, as a record for `ask`."""

from __future__ import annotations

from datetime import date

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.fhir import load_mapping
from guidelog.patients import Patient, patient_from_content

from ..rows.find_rows import rows_of_patients
from ..rows.layout import ID, long_layout
from ..rows.row_to_record import record_of, row_of
from ..rows.tables import open_tables
from ..wide.fhir import Reader
from ..wide.fhir_ndjson import fhir_tables, resources_of
from ..wide.long import is_long, rows_of


def find_patient(
    data: str,
    patient: str,
    compiled: Compiled,
    *,
    column: str = ID,
    ignore: tuple[str, ...] = (),
    table: str | None = None,
    as_of: date | None = None,
    unverified: bool = False,
) -> Patient:
    """The record of a patient in wide or long tables or a FHIR export.

    Raises InputError: GL713 when there is none, or more than one.
    """
    vocabulary = compiled.names.vocabulary
    export = fhir_tables(data)
    if export is not None:
        resources = resources_of(export, [patient])[patient]
        if not resources:
            raise _missing(patient, data)
        reader = Reader(load_mapping(compiled.guideline, vocabulary), vocabulary, as_of, unverified)
        return reader.read(patient, resources)
    tables = open_tables(data, table)
    if is_long(tables[0].columns):
        rows = rows_of(tables, [patient], column, ignore)[patient]
        if not rows:
            raise _missing(patient, data)
        try:
            row = row_of(rows, patient)
        except ValueError as error:
            raise InputError.of("GL408", f"patient `{patient}`: {error}") from None
        layout = long_layout(vocabulary)
        unknown = [name for name in row if name not in layout.columns]
        if unknown:
            raise InputError.of(
                "GL412", f"patient `{patient}`: there is nothing named `{unknown[0]}` in this guideline"
            )
        return patient_from_content(
            record_of({c: row.get(c) for c in layout.columns}, layout), vocabulary, f"patient {patient}"
        )
    found = []
    for one in tables:
        layout = one.layout(vocabulary, column, ignore)
        found += [record_of(row, layout) for row in rows_of_patients(one, [patient], column, layout.columns)]
    if not found:
        raise _missing(patient, data)
    if len(found) > 1:
        raise InputError.of("GL713", f"patient `{patient}` has {len(found)} rows in `{data}`")
    return patient_from_content(found[0], vocabulary, f"patient {patient}")


def _missing(patient: str, data: str) -> InputError:
    return InputError.of("GL713", f"there is no patient `{patient}` in `{data}`")
