"""Check: every declaration begins with a keyword of the language (GL101)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic

from ..attribute_schema import ATTRIBUTES
from ..codes import Code, first_characters, joined, place
from ..context import Context

UNKNOWN_KEYWORD = Code(
    "GL101",
    "unknown declaration",
    "A declaration begins with a full stop and one of nine words; nothing else declares a name.",
    bad='.findng sign_c "sign C"',
    good='.finding sign_c "sign C"',
)
CODES = (UNKNOWN_KEYWORD,)


def check_keywords(context: Context) -> Iterator[Diagnostic]:
    """Declarations that begin with an unknown word."""
    for declaration in context.program.declarations:
        if declaration.keyword in ATTRIBUTES:
            continue
        near = context.near(declaration.keyword, ATTRIBUTES)
        yield UNKNOWN_KEYWORD.report(
            f"unknown declaration `.{declaration.keyword}`",
            place(
                first_characters(declaration.span, len(declaration.keyword) + 1),
                f"did you mean `.{near}`?" if near else "",
            ),
            hint=None if near else f"declarations are {joined((f'.{word}' for word in ATTRIBUTES), 'or')}",
        )
