"""Cut a rule file into statements.

Each statement is parsed alone, so that a syntax error in one does not hide the others. The cut is lexical: it knows
strings, comments, brackets and the two ways in which a statement ends. A statement that lacks its full stop ends
where the next one plainly begins. Sizes are bounded here, because rule files are untrusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Label
from guidelog.source import Source, Span

LONGEST_FILE = 5_000_000
LONGEST_STATEMENT = 50_000
DEEPEST_BRACKETS = 40
MOST_OPERATORS = 60

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]+|%[^\n]*)+")
_TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"'  # a string
    r"|%[^\n]*"  # a comment
    r"|\.\."  # a range
    r"|\.(?=[ \t\r\n%]|\Z)"  # the end of a clause
    r"|[()\[\]{}]"
    r"|\n+(?=\S)"  # a line that begins at the margin
    r"|[-+*]"
)
_DECLARATION_LINE = re.compile(r"\.[A-Za-z_]+")
_MARGIN_START = re.compile(r"#\[|\.[a-z]+\b|[a-z][A-Za-z0-9_]*\s*\(")


def cut(source: Source) -> tuple[list[Span], list[Diagnostic]]:
    """The spans of the statements of a file, and what is too large or too deep to be read."""
    if len(source.text) > LONGEST_FILE:
        message = f"file is {len(source.text):,} characters long; at most {LONGEST_FILE:,} are read"
        return [], [Diagnostic("GL003", message, (Label(Span(source, 0, 1)),))]
    spans: list[Span] = []
    problems: list[Diagnostic] = []
    for start, end, excess in _statements(source.text):
        span, problem = Span(source, start, end), excess
        if problem is None and end - start > LONGEST_STATEMENT:
            problem = f"statement is {end - start:,} characters long; at most {LONGEST_STATEMENT:,} are read"
        if problem is None:
            spans.append(span)
        else:
            problems.append(Diagnostic("GL003", problem, (Label(Span(source, start, min(end, start + 1))),)))
    return spans, problems


def _statements(text: str) -> Iterator[tuple[int, int, str | None]]:
    position = 0
    while True:
        blank = _BLANK.match(text, position)
        if blank:
            position = blank.end()
        if position >= len(text):
            return
        if _DECLARATION_LINE.match(text, position):
            end, problem = _declaration_end(text, position), None
        else:
            end, problem = _clause_end(text, position)
        yield position, end, problem
        position = end


def _declaration_end(text: str, start: int) -> int:
    """A declaration goes on over the lines below that are indented."""
    end = start
    while True:
        newline = text.find("\n", end)
        if newline < 0:
            return len(text)
        following = text[newline + 1 : newline + 2]
        rest_of_line = text[newline + 1 : (text.find("\n", newline + 1) + 1 or len(text) + 1) - 1]
        if following not in (" ", "\t") or not rest_of_line.strip():
            return newline
        end = newline + 1


def _clause_end(text: str, start: int) -> tuple[int, str | None]:
    depth = operators = 0
    deepest = 0
    limit = start + LONGEST_STATEMENT + 1
    for match in _TOKEN.finditer(text, start):
        token = match.group()
        if match.start() > limit:
            # A runaway clause: give up on it, but go on with what plainly begins after it.
            limit = len(text) + 1
        if token[0] == "\n":
            if _begins_next(text, start, match.start(), match.end()):
                return match.start(), _excess(deepest, operators)
        elif token in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in ")]}":
            depth -= 1
        elif token in "-+*":
            operators += 1
        elif token == ".":
            return match.end(), _excess(deepest, operators)
    return len(text), _excess(deepest, operators)


def _excess(deepest: int, operators: int) -> str | None:
    if deepest > DEEPEST_BRACKETS:
        return f"brackets are nested {deepest} deep; at most {DEEPEST_BRACKETS} are read"
    if operators > MOST_OPERATORS:
        return f"statement has {operators} arithmetic operators; at most {MOST_OPERATORS} are read"
    return None


def _begins_next(text: str, start: int, newline: int, margin: int) -> bool:
    """Whether the line at the margin begins a new statement although the one before has no full stop."""
    if not _MARGIN_START.match(text, margin):
        return False
    before = text[start:newline].rstrip()
    if text.startswith("#[", margin) or text[margin] == ".":
        return bool(before)
    return before[-1:].isalnum() or before[-1:] in ')}_"'
