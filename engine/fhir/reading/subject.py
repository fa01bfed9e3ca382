"""Whose record this is: one patient, what is about somebody else left out, copies of one resource made one.

A record with two patients is refused by name (GL455), because one person's facts must never reach another's answer.
References are compared as FHIR writes them: relative, absolute, with a version, or as `urn:uuid:` of a Bundle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guidelog.diagnostics import InputError
from guidelog.patients.node import quoted, visible

from .bundle import Deleted, Entry, Records
from .dates import When, when

_SHOWN = 5
NOBODY = "unnamed"
NOT_NAMED = "it does not say by a reference whom it is about"
_LONGEST_ID = 200
_LONGEST_COUNT = 10


@dataclass(frozen=True)
class Person:
    """The patient of a record: the id and every reference that means the patient."""

    id: str
    references: frozenset[str]
    resource: Entry | None = None

    @property
    def remarks(self) -> list[str]:
        """What the Patient resource says of the record: that it is not in use, or that another one replaces it."""
        content = {} if self.resource is None else self.resource.content
        found = (
            ["the Patient resource says that this record is not in active use"]
            if content.get("active") is False
            else []
        )
        links = content.get("link")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, Mapping) and link.get("type") in ("replaced-by", "refer", "seealso", "replaces"):
                other = link.get("other")
                named = other.get("reference") if isinstance(other, Mapping) else None
                told = quoted(named) if isinstance(named, str) else "another record"
                found.append(f"the Patient resource refers to {told} ({link['type']}): what stands there is not known")
        return found

    def _means(self, references: Iterable[Any]) -> bool:
        """Whether all of some references mean the patient."""
        found = [r.get("reference") if isinstance(r, Mapping) else None for r in references]
        return all(isinstance(r, str) and (r in self.references or tail(r) in self.references) for r in found)

    def strange(self, entry: Entry) -> str | None:
        """Why a resource is not about this patient, or None when it is."""
        content = entry.content
        focus = content.get("focus")
        if entry.type == "Observation" and isinstance(focus, list) and focus and not self._means(focus):
            return "it is about something else than the patient (`focus`)"
        subject = content.get("subject", content.get("patient"))
        if subject is None:
            return None
        reference = subject.get("reference") if isinstance(subject, Mapping) else None
        if not isinstance(reference, str):
            return NOT_NAMED
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
            name = entry.id or entry.url or entry.place
            other = found.get(name)
            if other is not None and other.base and entry.base and other.base != entry.base:
                name = entry.url  # the same id on another server is somebody else
            found.setdefault(name, entry)
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
    """The resources, each once: the newest version where there are several, in the order of server, type and id.

    Nothing is left of what was deleted last. Versions of which none is the newer and that differ are put to
    `Records.rivals`.
    """
    kept: dict[tuple[str, str], list[Entry]] = {}
    found: list[Entry] = []
    for entry in records.entries:
        if entry.id:
            kept.setdefault((entry.type, entry.id), []).append(entry)
        elif not any(entry.content == other.content and entry.url == other.url for other in found[-1:]):
            found.append(entry)
    gone: dict[tuple[str, str], list[Deleted]] = {}
    for deletion in records.deleted:
        gone.setdefault((deletion.type, deletion.id), []).append(deletion)
    main = next((e.base for e in records.entries if e.type == "Patient" and e.base), "")
    for key, copies in kept.items():
        deletions = gone.get(key, ())
        if len(copies) == 1 and not deletions:
            found.append(copies[0])
            continue
        bases = sorted({e.base for e in copies if e.base})
        only = bases[0] if len(bases) == 1 else ""
        groups: dict[str, list[Entry]] = {}
        for entry in copies:
            groups.setdefault(entry.base or only, []).append(entry)
        first = main if main in groups else next(iter(groups))
        for base, versions in groups.items():
            named = versions if base == first else [replace(e, reference=e.url or e.reference) for e in versions]
            _newest(named, [d for d in deletions if d.base in ("", base) or not base], records, found)
    return found


def _newest(versions: Sequence[Entry], deletions: Sequence[Deleted], records: Records, found: list[Entry]) -> None:
    """Put the newest of some versions with the resources, or where it belongs instead."""
    newest = versions[0]
    for other in versions[1:]:
        newest = other if _newer(other, newest) > 0 else newest
    if any(_newer(deletion, newest) > 0 for deletion in deletions):
        records.left_out.append((newest, "the record says that it was deleted"))
        return
    rivals = [e for e in versions if _newer(e, newest) == 0 and e.content != newest.content]
    if rivals:
        records.rivals.append((newest, *rivals))
        records.problems.append(f"{newest.reference} stands in the record twice with different content: not used")
    else:
        found.append(newest)


def _newer(one: Entry | Deleted, other: Entry | Deleted) -> int:
    """Whether one is the newer (1), the older (-1), or neither is (0): by instant, version, place in a history."""
    (updated, version), (before, earlier) = _age(one), _age(other)
    if updated is not None and before is not None:
        if updated.instant is not None and before.instant is not None:
            if updated.instant != before.instant:
                return 1 if updated.instant > before.instant else -1
        elif updated.first > before.last or before.first > updated.last:
            return 1 if updated.first > before.last else -1
    if version is not None and earlier is not None and version != earlier:
        return 1 if version > earlier else -1
    if one.history and one.history == other.history and one.number != other.number:
        return 1 if one.number < other.number else -1  # a history begins with the newest
    if isinstance(one, Deleted) != isinstance(other, Deleted) and not (one.history and other.history):
        return 1 if isinstance(one, Deleted) else -1
    if (updated is None) != (before is None):
        return 1 if before is None else -1
    return 0


def _age(of: Entry | Deleted) -> tuple[When | None, int | None]:
    """When it was last changed, and the number of its version."""
    if isinstance(of, Deleted):
        return of.updated, _number(of.version)
    meta = of.content.get("meta")
    if not isinstance(meta, Mapping):
        return None, None
    return when(meta.get("lastUpdated")), _number(meta.get("versionId"))


def _number(version: Any) -> int | None:
    plain = isinstance(version, str) and version.isascii() and version.isdigit() and len(version) < _LONGEST_COUNT
    return int(version) if plain else None


class Index:
    """The resources of a record by what references call them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_url: dict[str, Entry] = {}
        self._by_key: dict[tuple[str, str], dict[str, Entry]] = {}
        for entry in entries:
            if entry.url:
                self._by_url.setdefault(entry.url, entry)
            if entry.id:
                self._by_key.setdefault((entry.type, entry.id), {}).setdefault(entry.base, entry)

    def find(self, reference: str, holder: Entry) -> Entry | None:
        """The resource that a reference means, as the resource that holds it says it: on the same server."""
        if (found := self._by_url.get(reference)) is not None:
            return found
        if reference.startswith("urn:"):
            return None
        whole = reference.split("/_history/", 1)[0].rstrip("/")
        kind, _, name = tail(reference).partition("/")
        named = self._by_key.get((kind, name), {})
        absolute = "://" in whole
        base = whole.removesuffix(f"/{kind}/{name}") if absolute else holder.base
        if base in named:
            return named[base]
        if "" in named:
            return named[""]
        return next(iter(named.values())) if len(named) == 1 and not base else None


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
