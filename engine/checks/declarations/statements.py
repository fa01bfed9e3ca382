"""Check: kinds of statements, and decisions that declarations mention (GL120, GL121)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Attribute, plain

from ..attribute_schema import attribute_of
from ..codes import Code, joined, place
from ..context import Context

UNKNOWN_KIND = Code("GL120")
UNDECLARED_DECISION = Code("GL121")
NO_LOCATOR = Code("GL126")
CODES = (UNKNOWN_KIND, UNDECLARED_DECISION, NO_LOCATOR)

_PLACE = re.compile(r"(?:[^>]{1,80} > )*(?:(?:item|paragraph|sentence|row) [1-9][0-9]*)(?: > sentence [1-9][0-9]*)?")

KINDS = ("scope", "do", "consider", "avoid", "defer", "criterion", "note", "caution")


def check_statements(context: Context) -> Iterator[Diagnostic]:
    """Statements of unknown kinds, and declarations that mention undeclared decisions."""
    for declaration in context.program.declarations:
        match declaration.keyword:
            case "statement":
                kinds = attribute_of(declaration, "kind")
                for value in kinds.values if kinds else ():
                    if (kind := plain(value)) not in KINDS:
                        near = context.near(kind, KINDS)
                        yield UNKNOWN_KIND.report(
                            f"unknown kind of statement `{kind}`",
                            place(value.span, f"did you mean `{near}`?" if near else ""),
                            hint=None if near else f"kinds are {joined(KINDS)}",
                        )
                locator = attribute_of(declaration, "locator")
                if locator and not _PLACE.fullmatch(plain(locator.values[0])):
                    yield NO_LOCATOR.report(
                        "a locator is a path of headings and a place",
                        place(locator.values[0].span, "for example `Treatment > First steps > item 2`"),
                    )
            case "intervention":
                yield from _decisions(context, attribute_of(declaration, "silent"))
            case "reading":
                yield from _decisions(context, attribute_of(declaration, "decision"))
            case _:
                pass


def _decisions(context: Context, attribute: Attribute | None) -> Iterator[Diagnostic]:
    for value in attribute.values if attribute else ():
        name = plain(value)
        if name in context.names.decisions or name in context.half_declared:
            continue
        near = context.near(name, context.names.decisions)
        yield UNDECLARED_DECISION.report(
            f"decision `{name}` is not declared",
            place(value.span, f"did you mean `{near}`?" if near else ""),
            context.declared(near, "decision"),
            hint=None if near else f'declare it: `.decision {name} "…" decided("…")`',
        )
