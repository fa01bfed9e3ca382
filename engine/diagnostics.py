"""What the program has to say about a text: one object for terminal, JSON and editors.

A `Diagnostic` has a stable code (`GL201`), a severity, a message in lower case without a full stop, labels that point
at places, and optional notes and a hint. `render` draws them with carets; nothing here raises or prints.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from guidelog.source import Source, Span, drawable


class Severity(Enum):
    """How bad it is; only an error stops the pipeline."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what to say there."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong or doubtful. The first label is the main place."""

    code: str
    message: str
    labels: tuple[Label, ...] = ()
    severity: Severity = Severity.ERROR
    notes: tuple[str, ...] = ()
    hint: str | None = None

    @property
    def span(self) -> Span | None:
        return self.labels[0].span if self.labels else None

    def to_json(self) -> dict[str, Any]:
        """Plain data: code, severity, message, labels with file, line and column (from 1), notes, hint."""
        labels = []
        for label in self.labels:
            line, column = label.span.source.position(label.span.start)
            end_line, end_column = label.span.source.position(label.span.end)
            labels.append(
                {
                    "file": label.span.source.name,
                    "line": line,
                    "column": column,
                    "end_line": end_line,
                    "end_column": end_column,
                    "text": label.text,
                }
            )
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "labels": labels,
            "notes": list(self.notes),
            "hint": self.hint,
        }


_MOST_HIDDEN = 20


def hidden_characters(source: Source, code: str) -> list[Diagnostic]:
    """An error for each of the first characters of a text that are invisible or change its direction."""
    return [
        Diagnostic(
            code,
            f"the character U+{ord(source.text[span.start]):04X} cannot be seen, or changes the direction of text",
            (Label(span),),
            hint="delete it; a text must be what it looks like",
        )
        for span in source.hidden[:_MOST_HIDDEN]
    ]


@dataclass(slots=True)
class Report:
    """Diagnostics collected in one run, kept in the order of files and places when sorted."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def add(self, more: Iterable[Diagnostic]) -> None:
        self.diagnostics.extend(more)

    @property
    def errors(self) -> int:
        return sum(d.severity is Severity.ERROR for d in self.diagnostics)

    @property
    def warnings(self) -> int:
        return sum(d.severity is Severity.WARNING for d in self.diagnostics)

    def sorted(self) -> list[Diagnostic]:
        """By file, place and code; those without a place first."""
        return sorted(self.diagnostics, key=_place)

    def summary(self) -> str:
        """`2 errors, 1 warning`."""
        return f"{_count(self.errors, 'error')}, {_count(self.warnings, 'warning')}"


class GuidelogError(Exception):
    """What this package raises on purpose: an InputError or a CertificateError."""


class InputError(GuidelogError):
    """The input or the call was wrong (exit code 2). Carries the diagnostics to show."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))

    @classmethod
    def of(cls, code: str, message: str, *, hint: str | None = None, span: Span | None = None) -> InputError:
        """An error with a single diagnostic."""
        labels = (Label(span),) if span is not None else ()
        return cls([Diagnostic(code, message, labels, hint=hint)])


class CertificateError(GuidelogError):
    """The independent checker rejected the engine's own certificate: a defect, and no answer is given."""


def nearest(name: str, candidates: Iterable[str], cutoff: float = 0.75) -> str | None:
    """The candidate closest to a mistyped name (difflib's ratio), else the only one with all its words, else None."""
    known = list(candidates)
    if found := difflib.get_close_matches(name, known, n=1, cutoff=cutoff):
        return found[0]
    words = _words(name)
    holding = [k for k in known if words <= _words(k)] if words else []
    return holding[0] if len(holding) == 1 else None


def _words(name: str) -> set[str]:
    """The words of a name in small letters; those of one or two letters say too little."""
    return {word for word in re.split(r"[\W_]+", name.lower()) if len(word) > 2}


_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}
_BOLD, _DIM, _OFF = "\x1b[1m", "\x1b[34m", "\x1b[0m"
_WIDEST_LINE = 160


def render(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """The diagnostic as lines of text with the author's line and carets under each labelled place."""
    paint = (lambda code, text: f"{code}{text}{_OFF}") if colour else (lambda _code, text: text)
    hue = _COLOURS[diagnostic.severity]
    head = paint(hue, f"{diagnostic.severity.value}[{diagnostic.code}]") + paint(_BOLD, f": {diagnostic.message}")
    lines = [head]
    if diagnostic.labels:
        places = [label.span.source.position(label.span.start)[0] for label in diagnostic.labels]
        gutter = " " * len(str(max(places)))
        first = diagnostic.labels[0].span
        line, column = first.source.position(first.start)
        lines.append(f"{paint(_DIM, f'{gutter}-->')} {first.source.name}:{line}:{column}")
        lines.append(paint(_DIM, f"{gutter} |"))
        previous = None
        for index, label in enumerate(diagnostic.labels):
            number = places[index]
            if index and label.span.source is not diagnostic.labels[index - 1].span.source:
                lines.append(f"{paint(_DIM, f'{gutter}:::')} {label.span.source.name}:{number}")
            elif previous is not None and number != previous:
                lines.append(paint(_DIM, f"{gutter} :"))
            if number != previous or index == 0:
                text = _shown(label.span.source.line(number))
                lines.append(f"{paint(_DIM, f'{number:>{len(gutter)}} |')} {text}")
            lines.append(
                f"{paint(_DIM, f'{gutter} |')} {_underline(label, number, '^' if index == 0 else '-', paint, hue)}"
            )
            previous = number
    lines.extend(f"  = note: {note}" for note in diagnostic.notes)
    if diagnostic.hint:
        lines.append(f"  = help: {diagnostic.hint}")
    return "\n".join(lines)


MOST_SHOWN = 200


def render_report(report: Report, *, colour: bool = False) -> str:
    """The diagnostics, the first 200 of them, and the count of all."""
    found = report.sorted()
    parts = [render(d, colour=colour) for d in found[:MOST_SHOWN]]
    if len(found) > MOST_SHOWN:
        parts.append(f"… and {len(found) - MOST_SHOWN:,} more (--format json lists them all)")
    return "\n\n".join([*parts, report.summary()])


def _underline(label: Label, number: int, mark: str, paint: Any, hue: str) -> str:
    source = label.span.source
    text = source.line(number)
    _, column = source.position(label.span.start)
    end_line, end_column = source.position(label.span.end)
    stop = end_column if end_line == number else len(text) + 1
    start = min(column, _WIDEST_LINE)
    width = max(1, min(stop, _WIDEST_LINE) - start)
    pad = "".join("\t" if c == "\t" else " " for c in text[: start - 1])
    tail = f" {label.text}" if label.text else ""
    return pad + str(paint(hue, mark * width + tail))


def _shown(text: str) -> str:
    text = drawable(text)
    return text if len(text) <= _WIDEST_LINE else text[: _WIDEST_LINE - 1] + "…"


def _place(diagnostic: Diagnostic) -> tuple[str, int, str]:
    span = diagnostic.span
    return (span.source.name, span.start, diagnostic.code) if span else ("", -1, diagnostic.code)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
