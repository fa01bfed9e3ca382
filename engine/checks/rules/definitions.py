"""Check: what rules look at is defined somewhere (GL124, GL125)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.names import Kind

from ..codes import Code, place
from ..context import Context, Use

NEVER_DEFINED = Code("GL124", severity=Severity.WARNING)
NO_SCOPE = Code("GL125", alone=True)
CODES = (NEVER_DEFINED, NO_SCOPE)


def check_definitions(context: Context) -> Iterator[Diagnostic]:
    """Predicates in bodies that nothing defines, and advice without a scope."""
    advises = context.defined.get("advise", ())
    scopeless = bool(advises) and "in_scope" not in context.defined and "in_scope" not in context.half_defined
    if scopeless:
        head = advises[0].rule.head
        yield NO_SCOPE.report(
            "no rule says whom the guideline is about",
            place(head.span if head else None, "advice for whom?"),
            hint="add a rule `in_scope(P) :- …`",
        )
    used: dict[str, Use] = {}
    for layout in context.layouts:
        for use in layout.body:
            used.setdefault(use.atom.predicate, use)
    for name, use in used.items():
        predicate = context.names.predicates.get(name)
        if predicate is None or predicate.kind is Kind.INPUT or name in context.defined or name in context.half_defined:
            continue
        if name == "in_scope" and scopeless:
            continue
        yield NEVER_DEFINED.report(
            f"`{name}` is used and never defined",
            place(
                use.atom.name_span or use.span,
                "so this is false for everyone" if use.about_patient else "so this is false",
            ),
            context.declared(name, "concept", "decl"),
            hint=f"add a rule or a fact for `{name}`"
            if predicate.kind is Kind.RELATION
            else f"add a rule for `{name}`",
        )
