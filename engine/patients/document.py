"""Patient file -> Source -> Node: bounded, strict, and safe for files that nobody has looked at.

`read_text` looks at the size before it reads; `read_document` refuses what is not plain text, then hands over to the
JSON or the YAML reader. `looks_like_fhir` tells a FHIR record by its beginning, so that whoever asks about one of our
own files does not load the FHIR reader. What a file looks like that is no patient (a picture, rules, a table) is only
asked once it could not be read as one, so nothing that can be read is refused for it. Does not know what a record may
contain.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Collection
from itertools import islice
from pathlib import Path, PurePath

from guidelog.diagnostics import Diagnostic, InputError, Label
from guidelog.source import Source, Span

from .from_json import from_json
from .from_yaml import from_yaml
from .node import (
    MAX_DEPTH,
    MAX_NODES,
    Entry,
    ListNode,
    MapNode,
    Node,
    Problems,
    ScalarNode,
    did_you_mean,
    suggestion,
    visible,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "Entry",
    "ListNode",
    "MapNode",
    "Node",
    "Problems",
    "ScalarNode",
    "compose",
    "read_document",
    "read_text",
]

# Controls, line ends that editors and this program would count differently, and what is no character.
_REFUSED = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
_NOT_IN_TEXT = re.compile(f"[{_REFUSED}]|\r(?!\n)")
_NOT_IN_VALUES = re.compile(f"[{_REFUSED}\r]")
_BOM = b"\xef\xbb\xbf"
_NAMES_LOOKED_AT = 1000

A_PATIENT_FILE = (
    "a patient file is YAML or JSON text such as `patient: case-1`, `as_of: 2025-11-13`, `findings: {name: present}`; "
    "or give a FHIR record"
)
A_TABLE = "a table of patients is answered by `guidelog cohort`"

_BEGINNINGS = (
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"%PDF-", "a PDF document"),
    (b"PAR1", "a table (Parquet)"),
    (b"SQLite format 3", "a database (SQLite)"),
    (b"PK\x03\x04", "an archive or an office document (ZIP)"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
)
_DUCKDB = b"DUCK"
_ENDINGS = {
    ".dl": "the rules of a guideline",
    ".csv": "a table (CSV)",
    ".tsv": "a table (TSV)",
    ".toml": "a TOML file",
    ".md": "a page of text (Markdown)",
    ".html": "a web page",
    ".svg": "a picture (SVG)",
    ".xml": "an XML document",
    ".dot": "a drawing for Graphviz",
    ".py": "a Python program",
}
_OURS = (".yaml", ".yml", ".json")

ENDINGS = (".json", ".ndjson", ".jsonl")
"""Files of a folder that are FHIR resources."""

_LOOKED_AT = 4_000


def read_text(path: str | os.PathLike[str], limit: int = 1_000_000) -> Source:
    """The text of a file of at most `limit` bytes, or of standard input for `-`, without a byte order mark.

    Raises InputError when it is missing, not a regular file, too large (known before anything is read) or not UTF-8.
    """
    if os.fspath(path) == "-":
        return _decoded("<stdin>", _read_stdin(limit), limit)
    name = visible(os.fsencode(path).decode("utf-8", "backslashreplace"))
    try:
        status = os.stat(path)  # noqa: PTH116 -- a path with a zero byte shall fail here, inside the try
        if stat.S_ISDIR(status.st_mode):
            raise InputError.of("GL401", f"`{name}` is a directory, not a patient file")
        if not stat.S_ISREG(status.st_mode):
            raise InputError.of("GL401", f"`{name}` is not a regular file", hint="pipe it in and give `-` as the file")
        if status.st_size > limit:
            raise _too_large(f"`{name}` has {status.st_size:,} bytes", limit)
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise InputError.of("GL401", f"there is no file `{name}`", hint=_neighbour(Path(path))) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = (error.strerror or "unknown reason") if isinstance(error, OSError) else "the name has a zero byte"
        raise InputError.of("GL401", f"cannot read `{name}`: {reason.lower()}") from None
    return _decoded(name, data, limit)


def read_document(source: Source) -> Node:
    """The tree of a YAML or JSON text; JSON when the source's name ends in `.json`.

    Raises InputError with everything that is wrong with the text as a document, whatever it says.
    """
    problems = Problems()
    node = compose(source, problems)
    problems.check()
    return node


def compose(source: Source, problems: Problems) -> Node:
    """As `read_document`, but what leaves the rest readable (a key given twice, say) is noted in `problems`."""
    bad = _NOT_IN_TEXT.search(source.text)
    if bad is not None:
        span = Span(Source(source.name, _drawable(source.text)), *bad.span())
        hint = "end lines with LF or CRLF" if bad[0] == "\r" else None
        problems.fatal("GL403", f"the character U+{ord(bad[0]):04X} is not allowed in a patient file", span, hint=hint)
    try:
        node = _parse(source, problems)
    except InputError:
        _refuse_stranger(source, looks_like_text(source.name, source.text))
        raise
    if isinstance(node, MapNode):
        _refuse_stranger(source, looks_like_map({entry.key.text for entry in node.entries}))
    else:
        _refuse_stranger(source, looks_like_text(source.name, source.text))
    _check_values(node, problems)
    return node


def _refuse_stranger(source: Source, what: str | None) -> None:
    """Say what a file looks like that is no patient; nothing where it does not look like anything else."""
    if what is not None:
        span = Span(source, 0, min(60, len(source.line(1))))
        message = f"this looks like {what}, not like a patient file"
        raise InputError([Diagnostic("GL404", message, (Label(span),), hint=hint_for(what))]) from None


def _parse(source: Source, problems: Problems) -> Node:
    if source.name.lower().endswith(".json"):
        return from_json(source, problems)
    if source.text.lstrip().startswith("{"):  # JSON under another name or from a pipe
        attempt = Problems()
        try:
            node = from_json(source, attempt)
        except InputError:
            return from_yaml(source, problems)
        problems.extend(attempt)
        return node
    return from_yaml(source, problems)


def _check_values(node: Node, problems: Problems) -> None:
    """Escapes can write what the text itself may not hold; shown on a terminal it could hide or forge an answer."""
    match node:
        case ScalarNode():
            bad = None if node.plain else _NOT_IN_VALUES.search(node.text)
            if bad is not None:
                message = f"the escaped character U+{ord(bad[0]):04X} is not allowed in a patient file"
                problems.add("GL403", message, node.span)
        case ListNode():
            for item in node.items:
                _check_values(item, problems)
        case MapNode():
            for entry in node.entries:
                _check_values(entry.key, problems)
                _check_values(entry.value, problems)


def _read_stdin(limit: int) -> bytes:
    if sys.stdin is None:
        raise InputError.of("GL401", "there is no standard input to read")
    try:
        return sys.stdin.buffer.read(limit + 1)
    except OSError as error:
        raise InputError.of("GL401", f"cannot read standard input: {(error.strerror or '').lower()}") from None


def _decoded(name: str, data: bytes, limit: int) -> Source:
    if len(data) > limit:
        raise _too_large("the input", limit)
    data = data.removeprefix(_BOM)
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        at = len(data[: error.start].decode("utf-8"))
        shown = Source(name, _drawable(data.decode("utf-8", "replace")))
        problems = Problems()
        what = looks_like_bytes(data)
        if what is not None:
            raise InputError.of(
                "GL403", f"`{name}` looks like {what}, not like a patient file", hint=hint_for(what)
            ) from None
        message = f"this is not UTF-8 text: byte 0x{data[error.start]:02X}"
        problems.fatal("GL403", message, Label(Span(shown, at, at + 1)), hint="save the file as UTF-8")


def _drawable(text: str) -> str:
    """The text with a picture in place of each character that would harm a terminal; offsets stay the same."""
    return _NOT_IN_TEXT.sub(lambda bad: chr(0x2400 + ord(bad[0])) if bad[0] < " " else "\ufffd", text)


def _too_large(what: str, limit: int) -> InputError:
    return InputError.of("GL402", f"{what}, and a patient file may have at most {limit:,}")


def _neighbour(path: Path) -> str | None:
    """A file of the same directory with nearly the same name."""
    try:
        names = tuple(p.name for p in islice(path.parent.iterdir(), _NAMES_LOOKED_AT))
    except (OSError, ValueError):
        return None
    return did_you_mean(suggestion(path.name, names))


def looks_like_bytes(data: bytes) -> str | None:
    """What bytes that are no text seem to be, or None."""
    if data[8:12] == _DUCKDB:
        return "a database (DuckDB)"
    return next((what for beginning, what in _BEGINNINGS if data.startswith(beginning)), None)


def looks_like_text(name: str, text: str) -> str | None:
    """What a text that is no patient seems to be, by its file's ending, else by how it begins; or None."""
    ending = PurePath(name).suffix.lower()
    if ending in _ENDINGS or ending in _OURS:
        return _ENDINGS.get(ending)
    start = text.lstrip()
    if start.startswith(("%", "#[", ".finding", ".measure", ".intervention", ".statement", ".decision")):
        return _ENDINGS[".dl"]
    return "HTML, XML or SVG" if start.startswith("<") else None


def looks_like_map(keys: Collection[str]) -> str | None:
    """What names with values seem to be, by the names that a patient file does not have; or None."""
    return "a certificate of guidelog" if "certificates" in keys and "guideline" in keys else None


def hint_for(what: str) -> str:
    """What to do instead."""
    return A_TABLE if what.startswith(("a table", "a database")) else A_PATIENT_FILE


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
