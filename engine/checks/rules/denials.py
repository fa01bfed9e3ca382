"""Check: what background rules talk about (GL227), and `remark` on anything else (GL317)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Kind
from guidelog.language.tree import Range

from ..codes import Code, place
from ..context import Context
from .counting import open_relations

DENIAL = Code("GL227")
REMARK = Code("GL317")
CODES = (DENIAL, REMARK)


def check_denials(context: Context) -> Iterator[Diagnostic]:
    """Denials that mention concepts, ranges, or relations derived by negation or counting."""
    doubtful = open_relations(context.layouts)
    for layout in context.layouts:
        if layout.rule.head is not None:
            if layout.rule.annotation("remark") is not None:
                yield REMARK.report("`remark` stands on denials only", place(layout.rule.head.span))
            continue
        for use in layout.uses:
            if use.predicate is None or use.predicate.kind in (Kind.INPUT, Kind.RELATION):
                if (cause := doubtful.get(use.atom.predicate)) is not None:
                    yield DENIAL.report(
                        f"`{use.atom.predicate}` of a denial rests on {'a negation' if cause.negated else '`atleast`'}",
                        place(use.span),
                        place(cause.span, "here"),
                        hint="list what is meant in a relation of its own",
                    )
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
