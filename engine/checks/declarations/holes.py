"""The `{Variable}` holes of a wording, with their places in the text.

Nothing is reported here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from guidelog.language.tree import Text
from guidelog.source import Span

_HOLE = re.compile(r"\{([^{}]*)\}")


def holes_of(text: Text) -> Iterator[tuple[str, Span | None]]:
    """Names in braces, from left to right."""
    span = text.span
    # Places are looked for in the source, where escapes are written out.
    written = span.source.text[span.start : span.end] if span else text.value
    for match in _HOLE.finditer(written):
        yield match[1], Span(span.source, span.start + match.start(), span.start + match.end()) if span else None
