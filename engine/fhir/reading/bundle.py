"""A file, a folder or text -> the resources in it: bounded, and of the right version of FHIR.

Reads a Bundle, one resource, a JSON list of resources or NDJSON. Nothing is believed of what is read: sizes are known
before reading, nesting is bounded, another version of FHIR is recognised by what only it has. Whatever is wrong is an
InputError that says where. Does not look at what the resources say.

    GL451  not JSON, or cut off        GL454  too large, too many, too deep
    GL452  not a FHIR resource         GL455  more than one patient (`people`)
    GL453  another version of FHIR     GL456  not valid by fhir.resources (`validate`)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from guidelog.diagnostics import InputError
from guidelog.patients.document import ENDINGS
from guidelog.patients.node import visible

from .dates import When, when

LARGEST = 50_000_000
"""How many bytes a record may have, all its files together."""

MOST_RESOURCES = 100_000
MOST_FILES = 10_000
DEEPEST_BUNDLE = 5
_OLD_TYPES = {
    "MedicationOrder": "DSTU2",
    "DiagnosticOrder": "DSTU2",
    "Order": "DSTU2",
    "ProcedureRequest": "STU3",
    "ReferralRequest": "STU3",
    "BodySite": "STU3",
    "DeviceUseRequest": "DSTU2",
    "EligibilityRequest": "STU3",
    "MedicationUsage": "R5",
    "BiologicallyDerivedProductDispense": "R5",
    "EncounterHistory": "R5",
    "FormularyItem": "R5",
    "GenomicStudy": "R5",
    "ImagingSelection": "R5",
    "InventoryItem": "R5",
    "NutritionIntake": "R5",
    "RequestOrchestration": "R5",
    "Transport": "R5",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource with the address it was found under (`fullUrl`, empty where there is none) and its place.

    `reference` is `Condition/123`, or has the address or the place of a resource without an id.
    """

    content: Mapping[str, Any]
    url: str
    place: str
    type: str
    id: str
    reference: str


def entry_of(content: Mapping[str, Any], url: str, place: str) -> Entry:
    """The entry of a resource that has a `resourceType`."""
    kind, name = str(content["resourceType"]), content.get("id")
    if isinstance(name, str) and name:
        return Entry(content, url, place, kind, name, f"{kind}/{name}")
    return Entry(content, url, place, kind, "", f"{kind} ({url or place})")


@dataclass(slots=True)
class Records:
    """The resources of a record; `made` is when its Bundle says that it was put together."""

    entries: list[Entry] = field(default_factory=list)
    made: When | None = None
    problems: list[str] = field(default_factory=list)
    left_out: list[tuple[Entry, str]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)

    def add(self, content: Any, place: str, url: str = "", depth: int = 0) -> None:
        """Take in a resource, or what a Bundle holds. Raises InputError."""
        if not isinstance(content, Mapping) or not isinstance(content.get("resourceType"), str):
            hint = "a FHIR resource is an object with a `resourceType`"
            raise InputError.of("GL452", f"{place} is not a FHIR resource", hint=hint)
        if content["resourceType"] == "Bundle":
            self._bundle(content, place, depth)
            return
        if len(self.entries) >= MOST_RESOURCES:
            raise InputError.of("GL454", f"more than {MOST_RESOURCES:,} resources", hint="cut the record down")
        found = entry_of(content, url, place)
        version = _version(content)
        if version:
            message = f"{place} is FHIR {version[0]}, and only R4 is read: {version[1]}"
            raise InputError.of("GL453", message, hint="convert the record to R4 (4.0.1)")
        self.entries.append(found)

    def _bundle(self, bundle: Mapping[str, Any], place: str, depth: int) -> None:
        if depth >= DEEPEST_BUNDLE:
            raise InputError.of("GL454", f"more than {DEEPEST_BUNDLE} Bundles inside each other at {place}")
        found = bundle.get("entry", [])
        if not isinstance(found, list):
            raise InputError.of("GL452", f"`entry` of {place} is not a list")
        made = when(bundle.get("timestamp"))
        if made is not None and (self.made is None or made.after(self.made)):
            self.made = made
        found_links = bundle.get("link")
        links: list[Any] = found_links if isinstance(found_links, list) else []
        if any(isinstance(link, dict) and link.get("relation") == "next" for link in links):
            self.problems.append(f"{place} is one page of several: what the other pages say is not known")
        for number, entry in enumerate(found):
            here = f"entry {number + 1}" if place == "the Bundle" else f"entry {number + 1} of {place}"
            if not isinstance(entry, Mapping):
                raise InputError.of("GL452", f"{here} is not an object")
            request = entry.get("request")
            deleted = isinstance(request, Mapping) and request.get("method") == "DELETE"
            if "resource" not in entry or deleted:  # nothing is said: a response, a search outcome, a deletion
                if deleted and isinstance(request, Mapping) and isinstance(request.get("url"), str):
                    self.deleted.add(request["url"])
                continue
            url = entry.get("fullUrl")
            self.add(entry["resource"], here, url if isinstance(url, str) else "", depth + 1)


def _version(content: Mapping[str, Any]) -> tuple[str, str] | None:
    """Another version of FHIR and the sign of it, or None."""
    type_ = content["resourceType"]
    if type_ in _OLD_TYPES:
        return _OLD_TYPES[type_], f"R4 has no {visible(type_)}"
    if type_ == "Condition":
        if isinstance(content.get("clinicalStatus"), str) or isinstance(content.get("verificationStatus"), str):
            return ("DSTU2", "Condition.patient") if "patient" in content else ("STU3", "its status is a plain word")
        if "patient" in content:
            return "DSTU2", "Condition.patient"
    if type_ in ("MedicationRequest", "MedicationStatement", "MedicationDispense") and "medication" in content:
        return "R5", f"{type_}.medication"
    if type_ == "Procedure" and any(key.startswith("occurrence") for key in content):
        return "R5", "Procedure.occurrence"
    if type_ in ("Procedure", "MedicationStatement") and (
        isinstance(content.get("notDone"), bool) or content.get("taken") in ("y", "n", "unk", "na")
    ):
        return "STU3", f"{type_}.{'notDone' if type_ == 'Procedure' else 'taken'}"
    if type_ == "Encounter" and (isinstance(content.get("class"), list) or "actualPeriod" in content):
        return "R5", "Encounter.class is a list" if isinstance(content.get("class"), list) else "Encounter.actualPeriod"
    if type_ == "QuestionnaireResponse" and isinstance(content.get("questionnaire"), Mapping):
        return "STU3", "QuestionnaireResponse.questionnaire is a reference"
    if type_ == "Observation" and ("related" in content or "comments" in content):
        return ("STU3", "Observation.related") if "related" in content else ("DSTU2", "Observation.comments")
    return None


def records_of(data: bytes | str | Iterable[Mapping[str, Any]], name: str = "the record") -> Records:
    """The resources of a text, or of data that was parsed elsewhere. Raises InputError."""
    records = Records()
    if isinstance(data, bytes | str):
        _text(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data, name, records)
    else:
        resources = [data] if isinstance(data, Mapping) else list(data)
        for number, resource in enumerate(resources):
            records.add(resource, "the Bundle" if len(resources) == 1 else f"resource {number + 1}")
    return records


def read_records_of(path: str | os.PathLike[str]) -> Records:
    """The resources of a file or of all files in a folder (*.json, *.ndjson, *.jsonl; by name). Raises InputError."""
    where = Path(path)
    name = visible(os.fspath(path))
    records = Records()
    try:
        if not where.is_dir():
            _text(_bytes(where, LARGEST), name, records)
            return records
        files = sorted(p for p in where.iterdir() if p.suffix.lower() in ENDINGS and p.is_file())
        if not files:
            raise InputError.of("GL452", f"`{name}` has no FHIR resources (*.json, *.ndjson)")
        if len(files) > MOST_FILES:
            raise InputError.of("GL454", f"`{name}` has {len(files):,} files; at most {MOST_FILES:,} are read")
        left = LARGEST
        for file in files:
            data = _bytes(file, left)
            left -= len(data)
            _text(data, visible(str(file)), records, several=True)
    except FileNotFoundError:
        raise InputError.of("GL401", f"there is no file `{name}`") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror or "unknown reason") if isinstance(error, OSError) else "the name has a zero byte"
        raise InputError.of("GL401", f"cannot read `{name}`: {reason.lower()}") from None
    return records


def _bytes(path: Path, limit: int) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError.of("GL401", f"`{visible(str(path))}` is not a regular file")
    if status.st_size > limit:
        message = f"`{visible(str(path))}` has {status.st_size:,} bytes"
        raise InputError.of("GL454", f"{message}; a record may have {LARGEST:,} in all")
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputError.of("GL454", f"a record may have {LARGEST:,} bytes in all")
    return data


def _text(data: bytes, name: str, records: Records, *, several: bool = False) -> None:
    """Take in the resources of a text. Several lines that each are JSON are NDJSON."""
    if len(data) > LARGEST:
        raise InputError.of("GL454", f"{name} has {len(data):,} bytes; a record may have {LARGEST:,}")
    text = data.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        raise InputError.of("GL452", f"{name} is empty")
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        lines = _lines(text)
        if lines is None:
            raise _not_json(error, name) from None
        for number, line in lines:
            try:
                records.add(orjson.loads(line), f"line {number} of {name}")
            except orjson.JSONDecodeError as wrong:
                raise _not_json(wrong, name, number) from None
        return
    match content:
        case list():
            for number, item in enumerate(content):
                records.add(item, f"resource {number + 1} of {name}")
        case {"resourceType": "Bundle"} if not several:
            records.add(content, "the Bundle")
        case _:
            records.add(content, name)


def _lines(text: bytes) -> Sequence[tuple[int, bytes]] | None:
    """The lines of NDJSON with their numbers, or None when the text is something else that is broken."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 2:
        return None
    try:
        first = orjson.loads(lines[0][1])
    except orjson.JSONDecodeError:
        return None
    return lines if isinstance(first, dict) else None


def _not_json(error: orjson.JSONDecodeError, name: str, line: int | None = None) -> InputError:
    reason = error.msg.split(":")[0]
    where = f"line {line or error.lineno}, column {error.colno}"
    if "ecursion" in error.msg:
        return InputError.of("GL454", f"{name} is nested too deeply ({where})")
    if "EOF" in error.msg or "unexpected end" in error.msg:
        return InputError.of("GL451", f"{name} is cut off: it ends at {where}", hint="was it saved completely?")
    return InputError.of("GL451", f"{name} is not JSON: {reason} at {where}")


def iterate(entries: Iterable[Entry], *types: str) -> Iterator[Entry]:
    """The entries of some types."""
    return (entry for entry in entries if entry.type in types)
