"""A patient in any form that a command takes: our own YAML or JSON, or FHIR.

The one place that decides which it is. Our own files are read by `patients`, unchanged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from guidelog.diagnostics import InputError
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import Patient, read_text
from guidelog.patients.document import looks_like_fhir, text_looks_like_fhir
from guidelog.patients.partial import read_as_far_as_possible
from guidelog.source import Source

from .reading.assemble import FhirReading, read_path, read_records
from .reading.bundle import LARGEST
from .terminology.code_file import load_mapping

OUR_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a caller asks of a FHIR record: the day, codes that nobody verified, validation, the clinic's time zone."""

    as_of: date | None = None
    unverified: bool = False
    validate: bool = False
    zone: tzinfo | None = None

    @property
    def any(self) -> bool:
        return self.as_of is not None or self.unverified or self.validate or self.zone is not None


def read_file(
    path: str | os.PathLike[str], guideline: GuidelineFolder, vocabulary: Vocabulary, wishes: Wishes = Wishes()
) -> tuple[Patient, FhirReading | None]:
    """The patient in a file, a folder or standard input (`-`), and what was made of it where it is FHIR.

    Raises InputError.
    """
    if os.fspath(path) == "-":
        source = read_text(path, LARGEST)
        if text_looks_like_fhir(source.text[:4000].encode("utf-8", "replace")):
            return _read_fhir(source, guideline, vocabulary, wishes)
        if len(source.text.encode("utf-8", "surrogatepass")) > OUR_LARGEST:
            raise InputError.of("GL402", f"the input, and a patient file may have at most {OUR_LARGEST:,} bytes")
        return _ours(source, vocabulary, wishes), None
    if looks_like_fhir(path):
        return _read_fhir(path, guideline, vocabulary, wishes)
    return _ours(read_text(path), vocabulary, wishes), None


def read_data(resource: Mapping[str, Any], guideline: GuidelineFolder, vocabulary: Vocabulary) -> Patient:
    """The patient in a FHIR resource or Bundle given as plain data. Raises InputError."""
    patient, _ = _read_fhir(Source("<record>", json.dumps(resource)), guideline, vocabulary, Wishes())
    return patient


def _ours(source: Source, vocabulary: Vocabulary, wishes: Wishes) -> Patient:
    if wishes.any:
        hint = "a patient file of guidelog gives its day as `as_of`, and has no codes"
        message = (
            f"`{source.name}` is not FHIR: --as-of, --unverified-codes, --validate and --time-zone are for FHIR records"
        )
        raise InputError.of("GL458", message, hint=hint)
    patient, _ = read_as_far_as_possible(source, vocabulary)  # what was not read stands in the record
    return patient


def _read_fhir(
    where: Source | str | os.PathLike[str], guideline: GuidelineFolder, vocabulary: Vocabulary, wishes: Wishes
) -> tuple[Patient, FhirReading]:
    if wishes.validate:
        from .reading.validate import validate

        validate(where.text if isinstance(where, Source) else where)
    mapping = load_mapping(guideline, vocabulary)
    if isinstance(where, Source):
        reading = read_records(
            where.text,
            mapping,
            vocabulary,
            as_of=wishes.as_of,
            unverified=wishes.unverified,
            name=where.name,
            zone=wishes.zone,
        )
    else:
        reading = read_path(
            where, mapping, vocabulary, as_of=wishes.as_of, unverified=wishes.unverified, zone=wishes.zone
        )
    return reading.patient, reading
