"""Check: citations lead to a reference, and rules cite what their statements cite (GL310-GL312).

A reference that the source itself leaves unresolved is reported once, however often it is cited: that is the source's
fault, not the author's.
"""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.tree import Number, Rule

from ..attribute_schema import attribute_of
from ..codes import Code, elsewhere, joined, place
from ..context import Context
from .references import items_of

UNKNOWN_REFERENCE = Code("GL310")
UNRESOLVED = Code("GL311", severity=Severity.WARNING)
BEYOND_STATEMENTS = Code("GL312", severity=Severity.WARNING)
CODES = (UNKNOWN_REFERENCE, UNRESOLVED, BEYOND_STATEMENTS)


def check_citations(context: Context) -> Iterator[Diagnostic]:
    """Citations without a reference, and citations that no statement of the rule has."""
    known, unresolved = context.references.known, context.references.unresolved or frozenset()
    open_citations: dict[int, list[Number]] = {}
    for number in _citations(context):
        if number.value in unresolved:
            open_citations.setdefault(number.value, []).append(number)
        elif known is not None and number.value not in known:
            yield UNKNOWN_REFERENCE.report(
                f"citation {number.value} has no reference",
                place(number.span, "not in the list of references"),
                hint=f"references are {', '.join(map(str, sorted(known)))}"
                if known
                else "the list of references is empty",
            )
    for value, numbers in sorted(open_citations.items()):
        yield UNRESOLVED.report(
            f"citation {value} is unresolved in the source",
            place(numbers[0].span, "no reference"),
            notes=elsewhere(len(numbers) - 1),
        )
    for rule in context.program.rules:
        yield from _beyond(context, rule)


def _citations(context: Context) -> Iterator[Number]:
    for declaration in context.program.declarations:
        attribute = attribute_of(declaration, "cites")
        yield from (value for value in (attribute.values if attribute else ()) if isinstance(value, Number))
    for rule in context.program.rules:
        yield from (item for item in items_of(rule, "cites") if isinstance(item, Number))


def _beyond(context: Context, rule: Rule) -> Iterator[Diagnostic]:
    statements = [context.names.statements.get(name) for name in rule.listed("statements")]
    known = [statement for statement in statements if statement is not None]
    if not known or len(known) < len(statements):
        return
    cited = {number for statement in known for number in statement.cites}
    references = (context.references.known or frozenset()) | (context.references.unresolved or frozenset())
    for item in items_of(rule, "cites"):
        if not isinstance(item, Number) or item.value in cited:
            continue
        if context.references.known is not None and item.value not in references:
            continue
        ids = [statement.id for statement in known]
        yield BEYOND_STATEMENTS.report(
            f"citation {item.value} is in none of the rule's statements",
            place(item.span),
            context.declared(known[0].id, "statement", text=_cites(known[0].cites)),
            hint=f"leave it out, or add it to {joined(ids, 'or')}",
        )


def _cites(numbers: tuple[int, ...]) -> str:
    return f"cites {', '.join(map(str, numbers))}" if numbers else "cites nothing"
