"""Whose record this is: one patient, what is about somebody else left out, copies of one resource made one.

A record with two patients is refused by name (GL455), because one person's facts must never reach another's answer.
References are compared as FHIR writes them: relative, absolute, with a version, or as `urn:uuid:` of a Bundle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guidelog.diagnostics import InputError
from guidelog.patients.node import quoted, visible

from .bundle import Entry, Records

_SHOWN = 5
NOBODY = "unnamed"
_LONGEST_ID = 200
_LONGEST_COUNT = 10


@dataclass(frozen=True)
class Person:
    """The patient of a record: the id and every reference that means the patient."""

    id: str
    references: frozenset[str]
    resource: Entry | None = None

    def strange(self, entry: Entry) -> str | None:
        """Why a resource is not about this patient, or None when it is."""
        content = entry.content
        focus = content.get("focus")
        if entry.type == "Observation" and isinstance(focus, list) and focus:
            return "it is about something else than the patient (`focus`)"
        subject = content.get("subject", content.get("patient"))
        if subject is None:
            return None
        reference = subject.get("reference") if isinstance(subject, Mapping) else None
        if not isinstance(reference, str):
            return "it does not say by a reference whom it is about"
        if reference in self.references or (tail(reference) in self.references and not _elsewhere(reference, self)):
            return None
        return f"it is about {quoted(reference)}, not this patient"


def tail(reference: str) -> str:
    """`Patient/123` of a reference, without server and version; a urn as it is."""
    if reference.startswith("urn:"):
        return reference
    parts = reference.split("/_history/", 1)[0].rstrip("/").split("/")
    return "/".join(parts[-2:])


def person_of(records: Records, expected: str | None = None) -> Person:
    """The patient of a record. Raises InputError (GL455) where there are several, or another one than expected."""
    found: dict[str, Entry] = {}
    for entry in records.entries:
        if entry.type == "Patient":
            found.setdefault(entry.id or entry.url or entry.place, entry)
    wanted = tail(expected).removeprefix("Patient/") if expected else None
    if len(found) > 1:
        raise _several(f"Patient/{name}" if entry.id else name for name, entry in found.items())
    if found:
        [(name, entry)] = found.items()
        if wanted is not None and entry.id and entry.id != wanted:
            raise InputError.of("GL455", f"the record is about `Patient/{visible(entry.id)}`, not `Patient/{wanted}`")
        references = {r for r in (f"Patient/{entry.id}" if entry.id else "", entry.url) if r}
        return Person(_as_id(entry.id or entry.url.removeprefix("urn:uuid:") or NOBODY), frozenset(references), entry)
    subjects = subjects_of(records.entries)
    if wanted is not None:
        return Person(_as_id(wanted), frozenset({f"Patient/{wanted}"}))
    if len(subjects) > 1:
        raise _several(subjects)
    name = next(iter(subjects), "")
    return Person(_as_id(name.removeprefix("Patient/").removeprefix("urn:uuid:") or NOBODY), frozenset(subjects))


def subjects_of(entries: Iterable[Entry]) -> dict[str, None]:
    """The patients that resources are about, in order of appearance."""
    found: dict[str, None] = {}
    for entry in entries:
        subject = entry.content.get("subject", entry.content.get("patient"))
        reference = subject.get("reference") if isinstance(subject, Mapping) else None
        if isinstance(reference, str) and (reference.startswith("urn:") or tail(reference).startswith("Patient/")):
            found.setdefault(tail(reference))
    return found


def split_patients(resources: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Resources by the patient that they are about, each list with what is about nobody (drugs and the like) behind it.

    For populations; a patient's list is what `read_records` takes.
    """
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    shared: list[Mapping[str, Any]] = []
    for resource in resources:
        subject = resource.get("subject", resource.get("patient"))
        reference = subject.get("reference") if isinstance(subject, Mapping) else None
        if resource.get("resourceType") == "Patient" and isinstance(resource.get("id"), str):
            groups[str(resource["id"])].append(resource)
        elif isinstance(reference, str):
            groups[tail(reference).removeprefix("Patient/")].append(resource)
        else:
            shared.append(resource)
    return {name: [*found, *shared] for name, found in groups.items()}


def without_copies(records: Records) -> list[Entry]:
    """The resources, each once: the newest version where there are several. Copies that disagree are left out."""
    kept: dict[tuple[str, str], list[Entry]] = {}
    found: list[Entry] = []
    deleted = {tail(url) for url in records.deleted}
    for entry in records.entries:
        if entry.reference in deleted:
            records.left_out.append((entry, "the record says that it was deleted"))
            continue
        if not entry.id:
            if not any(entry.content == other.content and entry.url == other.url for other in found[-1:]):
                found.append(entry)
            continue
        kept.setdefault((entry.type, entry.id), []).append(entry)
    for copies in kept.values():
        if len(copies) == 1:
            found.append(copies[0])
            continue
        newest = max(copies, key=_age)
        rivals = [c for c in copies if _age(c) == _age(newest) and c.content != newest.content]
        if rivals:
            records.left_out.append((newest, "it stands in the record twice with different content"))
            records.problems.append(f"{newest.reference} stands in the record twice with different content: not used")
        else:
            found.append(newest)
    return found


def _age(entry: Entry) -> tuple[str, int]:
    meta = entry.content.get("meta")
    if not isinstance(meta, Mapping):
        return "", 0
    updated, version = meta.get("lastUpdated"), meta.get("versionId")
    number = 0
    if isinstance(version, str) and version.isascii() and version.isdigit() and len(version) < _LONGEST_COUNT:
        number = int(version)
    return updated if isinstance(updated, str) else "", number


def _elsewhere(reference: str, person: Person) -> bool:
    """Whether an absolute reference names another server than the patient's own address does."""
    own = [r for r in person.references if "://" in r]
    return "://" in reference and bool(own) and not any(_base(reference) == _base(r) for r in own)


def _base(reference: str) -> str:
    return reference.split("/_history/", 1)[0].rstrip("/").rsplit("/", 2)[0]


def _several(names: Iterable[str]) -> InputError:
    listed = [quoted(n) for n in names]
    more = f" and {len(listed) - _SHOWN:,} more" if len(listed) > _SHOWN else ""
    hint = "give one patient's resources; `guidelog cohort` answers for many"
    return InputError.of(
        "GL455", f"the record is about {len(listed):,} patients: {', '.join(listed[:_SHOWN])}{more}", hint=hint
    )


def _as_id(name: str) -> str:
    return visible(name[:_LONGEST_ID]).strip() or NOBODY
