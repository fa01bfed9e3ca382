"""Rule files in one canonical layout, with every comment kept.

Statements are printed as `syntax.printer` prints them. A comment line keeps its line and its place between statements;
a comment at the end of a statement's last line stays there; comments inside a statement move in front of it, because
the canonical layout has no place for them. Blank lines between statements are kept as one; an unindented text that
cannot be read is left exactly as it is. What a formatted file means never differs from what it meant, and formatting
twice changes nothing more.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from guidelog.diagnostics import Diagnostic
from guidelog.source import Source, Span

from . import parse_statement, print_statement, tree
from .parser import cut

_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|(%[^\n]*)')


@dataclass(frozen=True, slots=True)
class Formatted:
    """The new text of a file, and what kept parts of it from being formatted."""

    source: Source
    text: str
    problems: tuple[Diagnostic, ...]

    @property
    def changed(self) -> bool:
        return self.text != self.source.text

    def diff(self) -> str:
        """A unified diff from the old to the new text."""
        old, new = self.source.text.splitlines(keepends=True), self.text.splitlines(keepends=True)
        lines = difflib.unified_diff(old, new, self.source.name, f"{self.source.name} (formatted)")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ no newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that stand together; `blank` says that a blank line stood before them."""

    lines: tuple[str, ...]
    blank: bool
    kind: str


def format_source(source: Source) -> Formatted:
    """The file in canonical layout. A statement that cannot be read keeps its text."""
    text = source.text.replace("\r\n", "\n").removeprefix("\ufeff")
    clean = Source(source.name, text)
    spans, problems = cut(clean)
    if problems:
        return Formatted(source, source.text, tuple(problems))
    found = list(problems)
    blocks: list[_Block] = []
    end = 0
    for span in spans:
        trailing, own = _gap(text[end : span.start], first=end == 0)
        _append_trailing(blocks, trailing)
        blocks += own
        statement = parse_statement(span)
        blank = bool(re.search(r"\n[ \t]*\n[ \t]*\Z", text[end : span.start]))
        if isinstance(statement, Diagnostic):
            found.append(statement)
            raw = text[span.start : span.end].rstrip()
            blocks.append(_Block(tuple(raw.split("\n")), blank, "raw"))
        else:
            blocks += _statement(span, statement, blank)
        end = span.end
    trailing, own = _gap(text[end:], first=end == 0)
    _append_trailing(blocks, trailing)
    blocks += own
    return Formatted(source, _join(blocks), tuple(found))


def _statement(span: Span, statement: tree.Statement, blank: bool) -> Iterator[_Block]:
    text = span.source.text[span.start : span.end]
    comments = [match[1].rstrip() for match in _COMMENT.finditer(text) if match[1] is not None]
    tail = ""
    if comments and isinstance(statement, tree.Declaration):
        # A declaration ends with its line, so its last comment may stand at its end.
        last_line = text.rstrip().rsplit("\n", 1)[-1]
        found = [m for m in _COMMENT.finditer(last_line) if m[1] is not None]
        if found and last_line[: found[-1].start()].strip():
            tail = "  " + comments.pop()
    if comments:
        yield _Block(tuple(comments), blank or not _compact(statement), "comment")
        blank = False
    lines = print_statement(statement).split("\n")
    lines[-1] += tail
    yield _Block(tuple(lines), blank, "compact" if _compact(statement) else "rule")


def _gap(text: str, *, first: bool) -> tuple[str | None, list[_Block]]:
    """What stands between two statements: a comment that ends the line of the one before, and comment lines."""
    lines = text.split("\n")
    trailing = None
    if not first and lines[0].strip():
        trailing = lines[0].strip()
    own: list[_Block] = []
    blank = False
    for line in lines if first else lines[1:]:
        if not line.strip():
            blank = True
        elif own and not blank:
            own[-1] = _Block((*own[-1].lines, line.strip()), own[-1].blank, "comment")
        else:
            own.append(_Block((line.strip(),), blank, "comment"))
            blank = False
        if line.strip():
            blank = False
    return trailing, own


def _append_trailing(blocks: list[_Block], comment: str | None) -> None:
    if comment is not None and blocks:
        last = blocks[-1]
        blocks[-1] = _Block((*last.lines[:-1], f"{last.lines[-1]}  {comment}"), last.blank, last.kind)


def _join(blocks: list[_Block]) -> str:
    lines: list[str] = []
    for index, block in enumerate(blocks):
        if index and (block.blank or _apart(blocks[index - 1], block)):
            lines.append("")
        lines += block.lines
    return "\n".join(lines) + "\n" if lines else ""


def _apart(before: _Block, block: _Block) -> bool:
    """Whether a blank line belongs between two blocks that had none: rules stand alone, with their comment."""
    if before.kind == "comment":
        return False
    return "rule" in (before.kind, block.kind) or (block.kind == "comment" and before.kind == "rule")


def _compact(statement: tree.Statement) -> bool:
    if isinstance(statement, tree.Declaration):
        return True
    return not statement.body and not statement.annotations
