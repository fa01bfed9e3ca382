"""The files of a FHIR bulk export: which they are, their lines, and whom a line is about.

An export has a resource a line, in a file or several for each kind, in any order. A drug is about nobody and belongs to
all who refer to it. Lines are read one at a time, and none may be longer than a record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from guidelog.diagnostics import InputError
from guidelog.fhir.reading.bundle import LARGEST
from guidelog.fhir.reading.subject import tail

from ..rows.tables import KINDS, Table

DRUG = "Medication"
Preparing: TypeAlias = Callable[[str, float], None]
"""What is being done before the first answer, and how much of it is done, from 0 to 1."""


def fhir_tables(data: str) -> list[Table] | None:
    """The files of a FHIR export; None where the data is something else."""
    path = Path(data)
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path] if path.is_file() else []
    lines = [p for p in files if KINDS.get(p.suffix) == "ndjson" and not p.name.startswith((".", "_"))]
    if not lines or not any(map(_is_fhir, lines)):
        return None
    return [Table(str(p), str(p), "fhir", ()) for p in lines]


def size_of(tables: Sequence[Table]) -> int:
    """How many bytes an export has."""
    return sum(Path(t.path).stat().st_size for t in tables)


def lines_of(tables: Sequence[Table]) -> Iterator[tuple[Table, int, bytes]]:
    """Every line that has something, with its number; of one that is too long only the beginning. Raises InputError."""
    for table in tables:
        try:
            with Path(table.path).open("rb") as file:
                number, inside = 0, False
                while text := file.readline(LARGEST):
                    number += not inside
                    if not inside and not text.isspace():
                        yield table, number, text
                    inside = not text.endswith(b"\n")
        except OSError as error:
            reason = (error.strerror or "unknown error").lower()
            raise InputError.of("GL705", f"`{table.name}` cannot be read: {reason}") from None


def resource_of(text: bytes) -> dict[str, Any] | None:
    """The resource in a line; None where there is none."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("resourceType"), str) else None


def about(resource: Mapping[str, Any]) -> str | None:
    """The id of the patient that a resource is about; None where it is about nobody.

    Raises ValueError where it is about somebody and does not say whom by a reference that can be followed.
    """
    if resource["resourceType"] == "Patient":
        if isinstance(resource.get("id"), str) and resource["id"]:
            return str(resource["id"])
        raise ValueError("the patient has no id")
    subject = resource.get("subject", resource.get("patient"))
    if subject is None:
        return None
    reference = subject.get("reference") if isinstance(subject, dict) else None
    name = tail(reference) if isinstance(reference, str) else ""
    if name.startswith("Patient/"):
        return name.removeprefix("Patient/")
    if "/" not in name:
        message = f"the {resource['resourceType']} does not say by a reference to a Patient whom it is about"
        raise ValueError(message)
    return None  # a group, a place, a device


def name_of(resource: Mapping[str, Any]) -> str:
    """What others call a resource."""
    return f"{resource['resourceType']}/{resource.get('id')}"


def referred(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """The drugs that resources, or drugs contained in them, refer to: by the names of `name_of`."""
    found: dict[str, None] = {}
    for resource in resources:
        contained = resource.get("contained")
        for holder in (resource, *(contained if isinstance(contained, list) else ())):
            if not isinstance(holder, Mapping):
                continue
            ingredients = holder.get("ingredient")
            items = [i.get("itemReference") for i in _objects(ingredients)]
            for reference in _objects([holder.get("medicationReference"), *items]):
                if isinstance(reference.get("reference"), str):
                    found.setdefault(tail(reference["reference"]))
    return [name for name in found if name.startswith(DRUG + "/")]


def with_drugs(
    resources: Sequence[dict[str, Any]], find: Callable[[Collection[str]], Iterable[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The resources, and the drugs that they refer to, and the drugs that those are made of."""
    found, asked = list(resources), set[str]()
    wanted = referred(found)
    while wanted:
        asked.update(wanted)
        new = list(find(wanted))
        found += new
        wanted = [name for name in referred(new) if name not in asked]
    return found


def resources_of(tables: Sequence[Table], patients: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Everything about some patients, by reading the whole export once, and again for drugs that they refer to."""
    found: dict[str, list[dict[str, Any]]] = {patient: [] for patient in patients}
    for _, _, text in lines_of(tables):
        resource = resource_of(text)
        if resource is None:
            continue
        try:
            patient = about(resource)
        except ValueError:
            continue
        if patient in found:
            found[patient].append(resource)
    drugs: dict[str, list[dict[str, Any]]] = {}

    def look_up(names: Collection[str]) -> list[dict[str, Any]]:
        return [drug for name in names for drug in drugs.get(name, ())]

    wanted = set(referred(r for resources in found.values() for r in resources))
    while missing := wanted - drugs.keys():
        drugs.update((name, []) for name in missing)
        for _, _, text in lines_of(tables):
            resource = resource_of(text) if b'"Medication"' in text else None
            if resource is not None and (name := name_of(resource)) in missing:
                drugs[name].append(resource)
        wanted.update(referred(drug for name in missing for drug in drugs[name]))
    return {patient: with_drugs(resources, look_up) for patient, resources in found.items()}


def _objects(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _is_fhir(path: Path) -> bool:
    with path.open("rb") as file:
        while text := file.readline(LARGEST):
            if not text.isspace():
                return resource_of(text) is not None
    return False
