"""Which form a patient comes in: a file of our own, or FHIR. Only looks at the beginning; reads neither.

Apart from the FHIR reader, so that whoever asks about one of our own files does not load it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

ENDINGS = (".json", ".ndjson", ".jsonl")
"""Files of a folder that are FHIR resources."""

_LOOKED_AT = 4_000


def looks_like_fhir(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder, NDJSON, or JSON text that has a `resourceType` before anything of a patient file."""
    where = Path(path)
    try:
        if where.is_dir():
            return any(p.suffix.lower() in ENDINGS for p in where.iterdir())
        if where.suffix.lower() in (".ndjson", ".jsonl"):
            return True
        if not stat.S_ISREG(where.stat().st_mode):
            return False
        with where.open("rb") as file:
            start = file.read(_LOOKED_AT)
    except (OSError, ValueError):
        return False
    return text_looks_like_fhir(start) or (where.suffix.lower() == ".json" and _has_resource_type(where))


def text_looks_like_fhir(start: bytes) -> bool:
    """Whether the beginning of a text is that of FHIR: an object or list in which `resourceType` is a key."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    return text[:1] in (b"{", b"[") and b'"resourceType"' in text


def _has_resource_type(path: Path) -> bool:
    """For files whose `resourceType` comes late: a patient file of ours always begins within the first bytes."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
        if b'"patient"' in head and b'"entry"' not in head:
            return False
        tail = b""
        while chunk := file.read(1_000_000):
            if b'"resourceType"' in tail + chunk:
                return True
            tail = chunk[-20:]
    return False
