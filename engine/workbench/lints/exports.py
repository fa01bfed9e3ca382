"""Diagnostics for other programs: SARIF 2.1.0 for code scanning, workflow commands for GitHub annotations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from guidelog.checks.codes import Code
from guidelog.diagnostics import Diagnostic, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def sarif(diagnostics: Iterable[Diagnostic], codes: Iterable[Code], version: str) -> dict[str, Any]:
    """One SARIF run; columns count UTF-16 units, as its default is. A diagnostic without a place has no location."""
    known = {code.code: code for code in codes}
    listed = list(diagnostics)
    used = sorted({d.code for d in listed})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "guidelog", "version": version, "rules": [_rule(c, known.get(c)) for c in used]}
                },
                "columnKind": "utf16CodeUnits",
                "results": [
                    {
                        "ruleId": d.code,
                        "ruleIndex": used.index(d.code),
                        "level": _LEVELS[d.severity],
                        "message": {"text": _text(d)},
                        "locations": [_location(d, 0)] if d.labels else [],
                        "relatedLocations": [_location(d, i) for i in range(1, len(d.labels))],
                    }
                    for d in listed
                ],
            }
        ],
    }


def github(diagnostics: Iterable[Diagnostic]) -> str:
    """One workflow command a line, which GitHub shows beside the changed lines."""
    lines = []
    for diagnostic in diagnostics:
        place = ""
        if diagnostic.span is not None:
            line, column = diagnostic.span.source.position(diagnostic.span.start)
            end_line, end_column = diagnostic.span.source.position(diagnostic.span.end)
            name = _property(diagnostic.span.source.name)
            place = f"file={name},line={line},endLine={end_line},col={column},endColumn={end_column},"
        command = _COMMANDS[diagnostic.severity]
        lines.append(f"::{command} {place}title={diagnostic.code}::{_data(_text(diagnostic))}")
    return "\n".join(lines)


def _rule(code: str, known: Code | None) -> dict[str, Any]:
    if known is None:
        return {"id": code}
    return {"id": code, "shortDescription": {"text": known.title}, "fullDescription": {"text": known.text}}


def _text(diagnostic: Diagnostic) -> str:
    label = diagnostic.labels[0].text if diagnostic.labels else ""
    parts = [diagnostic.message + (f" ({label})" if label else ""), *diagnostic.notes]
    return "\n".join([*parts, *([diagnostic.hint] if diagnostic.hint else [])])


def _location(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    label = diagnostic.labels[index]
    source = label.span.source
    line, column = source.position(label.span.start)
    end_line, end_column = source.position(label.span.end)
    found: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(source.name)},
            "region": {
                "startLine": line,
                "startColumn": _units(source.line(line), column),
                "endLine": end_line,
                "endColumn": _units(source.line(end_line), end_column),
            },
        }
    }
    if label.text:
        found["message"] = {"text": label.text}
    return found


def _uri(name: str) -> str:
    """A relative reference where the file is below the working folder, as code scanning wants it; else a file URI."""
    return Path(name).as_uri() if Path(name).is_absolute() else quote(name.replace("\\", "/"))


def _units(line: str, column: int) -> int:
    return len(line[: column - 1].encode("utf-16-le")) // 2 + 1


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
