"""Silence a warning where it stands, with a reason: `% allow GL901: asked for the record, no rule needs it`.

The comment stands on the lines directly above a statement, or inside it, and speaks for that statement only. Errors
cannot be silenced. A comment without a reason is an error (GL910), one that silences nothing a warning (GL911).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guidelog.checks.codes import Code
from guidelog.diagnostics import Diagnostic, Label, Severity
from guidelog.language.parser import cut
from guidelog.source import Source, Span

from .advice import Advice, Fix

_ALLOW = re.compile(r"%[ \t]*allow[ \t]+(GL[0-9]{3})[ \t]*(?::[ \t]*(.*))?$", re.MULTILINE)
NO_REASON = Code("GL910", alone=True)
SILENCES_NOTHING = Code("GL911", Severity.WARNING, alone=True)
CODES = (NO_REASON, SILENCES_NOTHING)


@dataclass(frozen=True, slots=True)
class Silencing:
    """One comment, with the statement that it speaks for."""

    code: str
    reason: str
    comment: Span
    statement: Span


def silencings(source: Source) -> list[Silencing]:
    """The comments of a file."""
    spans, _ = cut(source)
    found = []
    for match in _ALLOW.finditer(source.text):
        line = source.text.rfind("\n", 0, match.start()) + 1
        if '"' in source.text[line : match.start()]:
            continue  # inside a string, or after one: a comment about a declaration stands above it
        statement = next((s for s in spans if s.end > match.start()), None)
        if statement is None:
            continue
        between = source.text[match.end() : max(statement.start, match.end())]
        if (
            all(not part.strip() or part.lstrip().startswith("%") for part in between.split("\n"))
            and "\n\n" not in between
        ):
            comment = Span(source, match.start(), match.end())
            found.append(Silencing(match[1], (match[2] or "").strip(), comment, statement))
    return found


def silence(advice: Sequence[Advice], sources: Iterable[Source]) -> list[Advice]:
    """What is left when silenced warnings are taken out, with what is wrong with the comments themselves."""
    left = list(advice)
    for source in sources:
        for silencing in silencings(source):
            if not silencing.reason:
                message = f"`{silencing.code}` is silenced without a reason"
                hint = f"write `% allow {silencing.code}: why it does not apply here`"
                left.append(Advice(NO_REASON.report(message, Label(silencing.comment), hint=hint)))
                continue
            kept = [a for a in left if not _speaks_for(silencing, a.diagnostic)]
            if len(kept) == len(left):
                text = f"there is no `{silencing.code}` to silence here"
                report = SILENCES_NOTHING.report(text, Label(silencing.comment))
                kept.append(Advice(report, Fix(_line(silencing.comment), "")))
            left = kept
    return left


def _speaks_for(silencing: Silencing, diagnostic: Diagnostic) -> bool:
    span = diagnostic.span
    if diagnostic.code != silencing.code or diagnostic.severity is Severity.ERROR or span is None:
        return False
    statement = silencing.statement
    return span.source is statement.source and statement.start <= span.start < max(statement.end, statement.start + 1)


def _line(span: Span) -> Span:
    """The comment with its line when it stands alone on it."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    if text[start : span.start].strip():
        return span
    end = text.find("\n", span.end)
    return Span(span.source, start, len(text) if end < 0 else end + 1)
