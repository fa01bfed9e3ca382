"""Sign-offs as plain files in the guideline's folder `reviews/`: a file a reviewer, a line an entry.

A line is a JSON object, so that files of several reviewers merge in git and a line's history is its own. Lines are
added and never changed: the last entry of a reviewer on a statement counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from guidelog.diagnostics import Diagnostic, InputError, Label
from guidelog.files import locked, make_folder, write_text
from guidelog.source import Source, Span

FOLDER = "reviews"
LONGEST = 4000
MOST_BYTES = 5_000_000
_KEYS = {"on", "by", "role", "statement", "verdict", "comment", "seen"}
_DIGEST = re.compile(r"[0-9a-f]{16}")


class Verdict(StrEnum):
    """What a reviewer says of a statement."""

    ACCEPT = "accept"
    QUERY = "query"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Entry:
    """One sign-off. `on` is a day such as 2025-12-01; `seen` maps each part that was looked at to its digest."""

    on: str
    by: str
    role: str
    statement: str
    verdict: Verdict
    comment: str
    seen: Mapping[str, str]
    place: Span | None = None

    def line(self) -> str:
        """As it stands in its file, without the line's end."""
        values = {k: v for k, v in asdict(self).items() if k != "place"}
        return json.dumps({**values, "seen": dict(self.seen)}, ensure_ascii=False, sort_keys=True)


def read_entries(folder: Path) -> tuple[tuple[Entry, ...], tuple[Diagnostic, ...]]:
    """All entries of a guideline's folder, file by file, and what cannot be read in them (GL641)."""
    found: list[Entry] = []
    wrong: list[Diagnostic] = []
    for path in sorted((folder / FOLDER).glob("*.jsonl")):
        try:
            source = Source(str(path), _content(path).decode("utf-8"))
        except (OSError, ValueError) as error:
            wrong.append(Diagnostic("GL641", f"`{path.name}` cannot be read: {_reason(error)}"))
            continue
        start = 0
        for text in source.text.splitlines(keepends=True):
            span = Span(source, start, start + len(text.rstrip()))
            start += len(text)
            if not text.strip():
                continue
            try:
                found.append(_entry(json.loads(text), span))
            except (ValueError, RecursionError) as error:
                wrong.append(Diagnostic("GL641", f"this line is not a sign-off: {_reason(error)}", (Label(span),)))
    return tuple(found), tuple(wrong)


def add_entry(folder: Path, entry: Entry) -> Path:
    """Write an entry at the end of its reviewer's file; the file. Raises InputError (GL642), OSError."""
    _entry(json.loads(entry.line()), None)
    reviews = folder / FOLDER
    make_folder(reviews, private=False)
    path = reviews / f"{file_name(entry.by)}.jsonl"
    with locked(path):
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if len(before) + len(entry.line()) > MOST_BYTES:
            raise InputError.of("GL641", f"`{path.name}` is full: it may have {MOST_BYTES:,} bytes")
        write_text(
            path, before + ("" if not before or before.endswith("\n") else "\n") + entry.line() + "\n", private=False
        )
    return path


def file_name(by: str) -> str:
    """The name of a reviewer's file without its ending: letters and figures of the name, in small letters."""
    return re.sub(r"[^a-z0-9]+", "-", by.casefold()).strip("-")[:60] or "reviewer"


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES:,} bytes")
    return content


def _entry(values: Any, place: Span | None) -> Entry:
    """Raises ValueError saying what is wrong."""
    if not isinstance(values, dict) or set(values) != _KEYS:
        raise ValueError(f"it must have exactly {', '.join(sorted(_KEYS))}")
    for key in _KEYS - {"seen"}:
        if (
            not isinstance(values[key], str)
            or len(values[key]) > LONGEST
            or (not values[key].isprintable() and key != "comment")
        ):
            raise ValueError(f"{key} must be text of at most {LONGEST:,} characters")
    if not values["by"].strip() or not values["role"].strip():
        raise ValueError("by and role must not be empty")
    if date.fromisoformat(values["on"]).isoformat() != values["on"]:
        raise ValueError("on must be a day such as 2025-12-01")
    if values["verdict"] not in set(Verdict):
        raise ValueError(f"verdict must be one of {', '.join(Verdict)}")
    if values["verdict"] != Verdict.ACCEPT and not values["comment"].strip():
        raise ValueError("a query or a rejection needs a comment")
    seen = values["seen"]
    if not isinstance(seen, dict) or not all(isinstance(v, str) and _DIGEST.fullmatch(v) for v in seen.values()):
        raise ValueError("seen must map each part to 16 hexadecimal characters")
    return Entry(
        values["on"],
        values["by"],
        values["role"],
        values["statement"],
        Verdict(values["verdict"]),
        values["comment"],
        seen,
        place,
    )


def _reason(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return "it is not JSON"
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case OSError():
            return (error.strerror or "error").lower()
        case _:
            return str(error) or type(error).__name__
