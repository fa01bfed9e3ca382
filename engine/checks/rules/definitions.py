"""Check: what rules look at is defined somewhere (GL124, GL125)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.names import Kind

from ..codes import Code, place
from ..context import Context, Use

NEVER_DEFINED = Code(
    "GL124",
    "used but never defined",
    "A concept or relation that rules look at and that no rule or fact defines is false for everyone.",
    bad=('.concept severe(P: patient) true("severe") false("not severe")\n#[id = "A"]\nalarm(P) :- severe(P).'),
    good=(
        '.concept severe(P: patient) true("severe") false("not severe")\n'
        '#[id = "A"]\nalarm(P) :- severe(P).\n#[id = "B"]\nsevere(P) :- finding(P, sign_b).'
    ),
    severity=Severity.WARNING,
)
NO_SCOPE = Code(
    "GL125",
    "guideline without a scope",
    "A guideline that advises says whom it is about, by rules for `in_scope`. Without them every patient is outside "
    "the guideline.",
    bad=(
        '.finding sign_a "sign A"\n.intervention step_a "step A"\n'
        '.statement S1 "what the source says" kind(do) cites(1)\n'
        '#[id = "A", statements = ["S1"], cites = [1], strength = strong, says = "do step A", everyone = true]\n'
        "advise(P, step_a, do) :- finding(P, sign_a)."
    ),
    good=(
        '.finding sign_a "sign A"\n.intervention step_a "step A"\n'
        '.statement S1 "what the source says" kind(do) cites(1)\n'
        '.concept in_scope(P: patient) true("in scope") false("not in scope")\n'
        '#[id = "SCOPE"]\nin_scope(P) :- finding(P, sign_a).\n'
        '#[id = "A", statements = ["S1"], cites = [1], strength = strong, says = "do step A"]\n'
        "advise(P, step_a, do) :- in_scope(P)."
    ),
    alone=True,
)
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
