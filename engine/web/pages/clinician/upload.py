"""A patient's file that somebody chose: YAML, JSON or FHIR -> what stands in the form, and what was made of the file.

The readers are those of the command line, with their limits; what is wrong is said with the line, and then nothing is
filled in. The file is bytes in memory and gone with the request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, render
from guidelog.patients import Patient
from guidelog.patients.partial import read_as_far_as_possible
from guidelog.source import Source

from ...settings import Settings
from .entry import Entry, entry_of

MOST_SHOWN = 200
_ENVELOPE = 20_000


def largest_file(settings: Settings) -> int:
    """How many bytes a file may have, so that it and the form around it are let in."""
    return max(0, settings.body_bytes - _ENVELOPE)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a file, in a sentence with its line; `drawn` is the same with the lines of the file."""

    says: str
    drawn: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file: the form it gives, or the errors; `used` and `ignored` for records of other systems."""

    entry: Entry | None
    file: str
    errors: tuple[Wrong, ...] = ()
    used: tuple[tuple[str, str, str], ...] = ()
    ignored: tuple[tuple[str, str, str], ...] = ()
    problems: tuple[str, ...] = ()


def read_file(compiled: Compiled, file: tuple[str, bytes] | None) -> Loaded:
    """What a chosen file says."""
    if file is None:
        return Loaded(None, "", (Wrong("No file was chosen."),))
    name, content = file
    shown = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())[:100] or "file"
    try:
        if looks_like_records(content):
            return _records(compiled, shown, content)
        patient, warnings = read_bytes(compiled, shown, content)
        unread = tuple(f"not read, and counted as not known: {_wrong(d).says}" for d in warnings[:MOST_SHOWN])
        return Loaded(entry_of(patient), shown, problems=unread)
    except InputError as error:
        return Loaded(None, shown, tuple(_wrong(d) for d in error.diagnostics[:MOST_SHOWN]))


def _wrong(diagnostic: Diagnostic) -> Wrong:
    span = diagnostic.span
    line = f"Line {span.source.position(span.start)[0]}: " if span else ""
    message = diagnostic.message.replace("`", "")
    hint = f" {wording.sentence(diagnostic.hint.replace('`', ''))}." if diagnostic.hint else ""
    return Wrong(f"{line}{message if line else wording.sentence(message)}.{hint}", render(diagnostic))


def read_bytes(compiled: Compiled, name: str, content: bytes) -> tuple[Patient, tuple[Diagnostic, ...]]:
    """The record in a YAML or JSON file, and warnings about values that count as unknown. Raises InputError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.of("GL403", f"`{name}` is not UTF-8 text (byte {error.start:,})") from None
    if len(content) > 1_000_000:
        raise InputError.of("GL402", f"`{name}` has {len(content):,} bytes, and a patient file may have 1,000,000")
    return read_as_far_as_possible(Source(name, text), compiled.names.vocabulary)


def looks_like_records(content: bytes) -> bool:
    """Whether a file is FHIR: JSON whose first object has a `resourceType`."""
    head = content.lstrip()[:1]
    if head not in (b"{", b"["):
        return False
    try:
        found = json.loads(content.lstrip().split(b"\n", 1)[0] if _is_lines(content) else content)
    except (ValueError, RecursionError):
        return False
    if isinstance(found, list):
        found = found[0] if found else None
    return isinstance(found, dict) and "resourceType" in found


def _is_lines(content: bytes) -> bool:
    """Whether each line is an object of its own."""
    first = content.lstrip().split(b"\n", 1)[0].strip()
    return first.startswith(b"{") and first.endswith(b"}")


def _records(compiled: Compiled, name: str, content: bytes) -> Loaded:
    from guidelog.fhir import load_mapping, read_records

    mapping = load_mapping(compiled.guideline, compiled.names.vocabulary)
    found = read_records(content, mapping, compiled.names.vocabulary, name=name)
    return Loaded(
        entry_of(found.patient),
        name,
        used=tuple(
            (u.reference, u.label, u.says + (f"; assumed: {u.assumption}" if u.assumption else ""))
            for u in found.used[:MOST_SHOWN]
        ),
        ignored=tuple((i.reference, i.label, i.reason) for i in found.ignored[:MOST_SHOWN]),
        problems=tuple(found.problems),
    )
