"""What a file looks like that was given as a patient and is none: a picture, rules, a table.

Only asked once a file could not be read as a patient, so nothing that can be read is refused here.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath

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
