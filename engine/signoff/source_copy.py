"""The reviewer's own copy of the source, and the passage in it that a statement's locator names.

The text of a source is often not ours to pass on, so it is never part of a guideline: a reviewer gives a copy (Markdown
or plain text) when the pages are served. A locator is a path of headings and then `item N` or `paragraph N`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from guidelog.diagnostics import InputError

LARGEST = 5_000_000
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+(.*)$")
_LAST = re.compile(r"(item|paragraph)\s+(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A block of the source: the headings above it, `item` or `paragraph`, its number there, its text."""

    headings: tuple[str, ...]
    kind: str
    number: int
    text: str


def read_copy(path: Path) -> tuple[Passage, ...]:
    """The passages of a copy. Raises InputError (GL644)."""
    try:
        content = path.read_bytes()
        if len(content) > LARGEST:
            raise InputError.of("GL644", f"`{path.name}` has {len(content):,} bytes, and a copy may have {LARGEST:,}")
        return passages(content.decode("utf-8"))
    except OSError as error:
        raise InputError.of("GL644", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except UnicodeDecodeError:
        raise InputError.of("GL644", f"`{path.name}` is not UTF-8 text") from None


def passages(text: str) -> tuple[Passage, ...]:
    """The passages of a text with Markdown headings and lists."""
    found: list[Passage] = []
    headings: list[tuple[int, str]] = []
    counts: dict[str, int] = {}
    lines: list[str] = []
    kind = ""

    def close() -> None:
        nonlocal kind
        joined = " ".join(" ".join(lines).split())
        if joined and kind:
            counts[kind] = counts.get(kind, 0) + 1
            found.append(Passage(tuple(h for _, h in headings), kind, counts[kind], joined))
        lines.clear()
        kind = ""

    for line in text.splitlines():
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if heading:
            close()
            level = len(heading[1])
            headings = [*(h for h in headings if h[0] < level), (level, heading[2].strip("*_ "))]
            counts = {}
        elif item:
            close()
            kind, lines[:] = "item", [item[1]]
        elif not line.strip():
            close()
        else:
            kind = kind or "paragraph"
            lines.append(line)
    close()
    return tuple(found)


def passage(copy: tuple[Passage, ...], locator: str | None) -> Passage | None:
    """The passage that a locator names; None where the copy has none, or more than one."""
    if not locator:
        return None
    *path, last = [" ".join(part.split()).casefold() for part in locator.split(">")]
    named = _LAST.fullmatch(last)
    if named is None:
        path, kind, number = [*path, last], "paragraph", 1
    else:
        kind, number = named[1].lower(), int(named[2])
    fitting = [p for p in copy if p.kind == kind and p.number == number and _below(p, path)]
    return fitting[0] if len(fitting) == 1 else None


def _below(found: Passage, path: list[str]) -> bool:
    """Whether the last headings above a passage are those of a path."""
    above = [" ".join(h.split()).casefold() for h in found.headings]
    return bool(path) and above[-len(path) :] == path
