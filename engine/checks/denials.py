"""Check: what background rules talk about (GL227)."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic
from ..names import Kind
from ..tree import Range
from .codes import Code, place
from .context import Context

DENIAL = Code(
    "GL227",
    "denial about a conclusion",
    "A denial says what no patient record can be. It talks about findings, measures and plain relations, and leaves "
    "no range open; what the guideline concludes does not belong in it.",
    bad='#[id = "A"]\n:- alarm(P), !finding(P, sign_a).',
    good='#[id = "A"]\n:- finding(P, sign_b), !finding(P, sign_a).',
)
CODES = (DENIAL,)


def check_denials(context: Context) -> Iterator[Diagnostic]:
    """Denials that mention concepts or ranges."""
    for layout in context.layouts:
        if layout.rule.head is not None:
            continue
        for use in layout.uses:
            if use.predicate is None or use.predicate.kind in (Kind.INPUT, Kind.RELATION):
                continue
            yield DENIAL.report(
                f"a denial cannot talk about `{use.atom.predicate}`",
                place(use.span, "this is concluded, not recorded"),
                context.declared(use.atom.predicate, "concept"),
                hint="write the findings and measures that it rests on",
            )
        for comparison in layout.comparisons:
            if isinstance(comparison.right, Range):
                yield DENIAL.report(
                    "a denial cannot leave a range open",
                    place(comparison.right.span, "write one number"),
                    notes=("a background rule is beyond doubt",),
                )
