"""Validation by fhir.resources (R4B models), on request: it takes a hundred times as long as reading.

It says where a resource breaks the specification; a record that passes is read like any other.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from guidelog.diagnostics import Diagnostic, InputError

from .bundle import Entry, Records, entry_of, read_records_of, records_of

_MOST = 50
_LONGEST = 200


def validate(data: str | bytes | os.PathLike[str]) -> None:
    """Validate the resources of a path, or of a text that begins like one.

    Raises InputError: GL456 with every fault (at most 50), GL457 where fhir.resources is not installed.
    """
    if isinstance(data, bytes) or (isinstance(data, str) and data.lstrip()[:1] in ("{", "[")):
        records = records_of(data)
    else:
        records = read_records_of(data)
    problems = list(faults(records))
    if problems:
        raise InputError([Diagnostic("GL456", message) for message in problems[:_MOST]])


def faults(records: Records) -> Iterator[str]:
    """What is wrong with the resources, one line a fault."""
    for entry in records.entries:
        yield from _faults(entry)


def faults_of(resource: Mapping[str, Any]) -> list[str]:
    """What is wrong with one resource, Bundles included."""
    return list(_faults(entry_of(resource, "", "the resource")))


def _faults(entry: Entry) -> Iterator[str]:
    try:
        import pydantic

        module = importlib.import_module(f"fhir.resources.R4B.{entry.type.lower()}")
        model = getattr(module, entry.type)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fhir.resources.R4B."):
            yield f"{entry.reference}: R4 has no resource of this kind"
            return
        hint = "pip install 'guidelog[fhir]'"
        raise InputError.of("GL457", "--validate needs fhir.resources", hint=hint) from None
    except AttributeError:
        yield f"{entry.reference}: R4 has no resource of this kind"
        return
    try:
        model.model_validate(dict(entry.content))
    except pydantic.ValidationError as error:
        for found in error.errors(include_url=False, include_input=False)[:_MOST]:
            place = ".".join(str(part) for part in found["loc"])
            yield f"{entry.reference}: {place or entry.type}: {' '.join(found['msg'].split())[:_LONGEST]}"
