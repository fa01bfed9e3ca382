"""Check: a predicate has as many arguments as columns (GL203)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic

from ..codes import Code, place
from ..context import Context

WRONG_ARITY = Code(
    "GL203",
    "wrong number of arguments",
    "A predicate is used with as many arguments as it has columns.",
    bad='#[id = "A"]\nalarm(P) :- finding(P, sign_a, sign_b).',
    good='#[id = "A"]\nalarm(P) :- finding(P, sign_a), finding(P, sign_b).',
)
CODES = (WRONG_ARITY,)


def check_arity(context: Context) -> Iterator[Diagnostic]:
    """Atoms with too few or too many arguments."""
    for layout in context.layouts:
        for use in layout.uses:
            predicate = context.names.predicates.get(use.atom.predicate)
            if predicate is None or use.atom.predicate in context.unsound or predicate.arity == len(use.atom.terms):
                continue
            columns = ", ".join(f"{n}: {t}" for n, t in zip(predicate.parameters, predicate.types, strict=True))
            given = len(use.atom.terms)
            yield WRONG_ARITY.report(
                f"`{predicate.name}` takes {_arguments(predicate.arity)}, not {given}",
                place(use.atom.span or use.span, f"`{predicate.name}({columns})`"),
                context.declared(predicate.name, "concept", "decl"),
            )


def _arguments(count: int) -> str:
    return "no argument" if count == 0 else "1 argument" if count == 1 else f"{count} arguments"
