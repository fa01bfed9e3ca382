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
from typing import Any, TypeAlias

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


Data: TypeAlias = bytes | str | Iterable[Mapping[str, Any] | tuple[str, Mapping[str, Any]]]
"""Text, or resources that were parsed elsewhere, each alone or with what to call the place that it comes from."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource with the address it was found under (`fullUrl`, empty where there is none) and its place.

    `base` is the server of that address, empty where it is not known: identity is server, type and id. `reference` is
    `Condition/123`, or has the address or the place of a resource without an id, or with that of another server.
    `number` counts the entries in the order of reading; `history` is the history Bundle it comes from, 0 for none.
    """

    content: Mapping[str, Any]
    url: str
    place: str
    type: str
    id: str
    reference: str
    base: str = ""
    number: int = 0
    history: int = 0


def entry_of(content: Mapping[str, Any], url: str, place: str, number: int = 0, history: int = 0) -> Entry:
    """The entry of a resource that has a `resourceType`."""
    kind, name = str(content["resourceType"]), content.get("id")
    if isinstance(name, str) and name:
        whole = url.split("/_history/", 1)[0].rstrip("/")
        base = whole.removesuffix(f"/{kind}/{name}") if whole.endswith(f"/{kind}/{name}") else ""
        return Entry(content, url, place, kind, name, f"{kind}/{name}", base, number, history)
    return Entry(content, url, place, kind, "", f"{kind} ({url or place})", "", number, history)


@dataclass(frozen=True, slots=True)
class Deleted:
    """That a resource was deleted: which, and when, as far as that is said."""

    base: str
    type: str
    id: str
    updated: When | None
    version: str
    number: int
    history: int


@dataclass(frozen=True, slots=True)
class NotSent:
    """Something that a record should have and has not: a further page of a search, or what a server failed to give.

    `kinds`: the types of resource it would have; empty when that is not known. `newer`: the resources before it, where
    they come in order of their days, the newest first.
    """

    place: str
    kinds: tuple[str, ...]
    reason: str
    newer: tuple[Entry, ...] = ()


@dataclass(slots=True)
class Records:
    """The resources of a record; `made` is when its Bundle says that it was put together."""

    entries: list[Entry] = field(default_factory=list)
    made: When | None = None
    problems: list[str] = field(default_factory=list)
    left_out: list[tuple[Entry, str]] = field(default_factory=list)
    deleted: list[Deleted] = field(default_factory=list)
    not_sent: list[NotSent] = field(default_factory=list)
    rivals: list[tuple[Entry, ...]] = field(default_factory=list)
    histories: int = 0

    def add(self, content: Any, place: str, url: str = "", depth: int = 0, history: int = 0) -> None:
        """Take in a resource, or what a Bundle holds. Raises InputError."""
        if not isinstance(content, Mapping) or not isinstance(content.get("resourceType"), str):
            hint = "a FHIR resource is an object with a `resourceType`"
            raise InputError.of("GL452", f"{place} is not a FHIR resource", hint=hint)
        if content["resourceType"] == "Bundle":
            self._bundle(content, place, depth)
            return
        if content["resourceType"] == "OperationOutcome":
            self.outcome(content, place)
            return
        if len(self.entries) >= MOST_RESOURCES:
            raise InputError.of("GL454", f"more than {MOST_RESOURCES:,} resources", hint="cut the record down")
        found = entry_of(content, url, place, len(self.entries) + len(self.deleted), history)
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
        history = 0
        if bundle.get("type") == "history":
            self.histories += 1
            history = self.histories
        first = len(self.entries)
        for number, entry in enumerate(found):
            here = f"entry {number + 1}" if place == "the Bundle" else f"entry {number + 1} of {place}"
            if not isinstance(entry, Mapping):
                raise InputError.of("GL452", f"{here} is not an object")
            request = entry.get("request")
            if isinstance(request, Mapping) and request.get("method") == "DELETE":
                self._deletion(entry, request, history)
                continue
            resource = entry.get("resource")
            if resource is None:
                self._response(entry, here)
                continue
            if isinstance(resource, Mapping) and resource.get("resourceType") == "OperationOutcome":
                self.outcome(resource, here)
                continue
            url = entry.get("fullUrl")
            self.add(resource, here, url if isinstance(url, str) else "", depth + 1, history)
        self._pages(bundle, place, self.entries[first:])

    def _deletion(self, entry: Mapping[str, Any], request: Mapping[str, Any], history: int) -> None:
        url, full, response = request.get("url"), entry.get("fullUrl"), entry.get("response")
        parts = url.split("/_history/", 1)[0].rstrip("/").split("/") if isinstance(url, str) else []
        if len(parts) < 2:
            return
        kind, name = parts[-2:]
        ending = f"/{kind}/{name}"
        whole = next((u for u in (full, url) if isinstance(u, str) and "://" in u and u.endswith(ending)), "")
        said: Mapping[str, Any] = response if isinstance(response, Mapping) else {}
        etag = said.get("etag")
        version = etag.removeprefix("W/").strip('"') if isinstance(etag, str) else ""
        number = len(self.entries) + len(self.deleted)
        updated = when(said.get("lastModified"))
        self.deleted.append(Deleted(whole.removesuffix(ending), kind, name, updated, version, number, history))

    def _response(self, entry: Mapping[str, Any], place: str) -> None:
        """An entry without a resource: a link alone, or the answer to a request, which may have failed."""
        response = entry.get("response")
        if isinstance(response, Mapping) and not str(response.get("status", "2"))[:1].isdigit():
            return
        if isinstance(response, Mapping) and str(response.get("status", "2"))[0] in "45":
            status = visible(str(response["status"])[:40])
            self.not_sent.append(NotSent(place, (), f"the server answered a request with {status}"))

    def outcome(self, outcome: Mapping[str, Any], place: str, kinds: tuple[str, ...] = ()) -> None:
        """An OperationOutcome in place of resources: an error means that they are missing, all else is a remark."""
        issues = outcome.get("issue")
        listed = [i for i in (issues if isinstance(issues, list) else ()) if isinstance(i, Mapping)]
        words = next((w for i in listed if (w := _said_of(i))), "")
        told = f": {visible(words[:200])}" if words else ""
        if not listed or any(i.get("severity") in ("error", "fatal", None) for i in listed):
            self.not_sent.append(NotSent(place, kinds, f"the server sent an error in place of resources{told}"))
        else:
            self.problems.append(f"{place}: the server remarks{told}")

    def _pages(self, bundle: Mapping[str, Any], place: str, entries: Sequence[Entry]) -> None:
        """Note that a search has further pages, of which kinds of resources, and of which days where it is sorted."""
        links = bundle.get("link")
        listed = [k for k in (links if isinstance(links, list) else ()) if isinstance(k, Mapping)]
        if not any(link.get("relation") == "next" for link in listed):
            return
        kinds = tuple(dict.fromkeys(e.type for e in entries))
        of = f" ({', '.join(kinds)})" if kinds else ""
        self.not_sent.append(
            NotSent(f"the next page of {place}{of}", kinds, "a later page of a search that was not sent")
        )


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


def _said_of(issue: Mapping[str, Any]) -> str:
    """The words of an issue of an OperationOutcome."""
    details = issue.get("details")
    words = details.get("text") if isinstance(details, Mapping) else None
    return next((w for w in (issue.get("diagnostics"), words, issue.get("code")) if isinstance(w, str)), "")


def records_of(data: Data, name: str = "the record") -> Records:
    """The resources of a text, or of data that was parsed elsewhere, named or not. Raises InputError."""
    records = Records()
    if isinstance(data, bytes | str):
        _text(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data, name, records)
    else:
        resources = [data] if isinstance(data, Mapping) else list(data)
        for number, resource in enumerate(resources):
            if isinstance(resource, tuple):
                records.add(resource[1], str(resource[0]))
            else:
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
