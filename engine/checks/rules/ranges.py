"""Check: threshold ranges such as `12..26` (GL222-GL224)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Range, variables_of

from ..codes import Code, place
from ..context import Context, kind_of, occurrences_of

BACKWARD_RANGE = Code("GL222")
RANGE_OPERATOR = Code("GL223")
RANGE_OF_PLAIN = Code("GL224")
CODES = (BACKWARD_RANGE, RANGE_OPERATOR, RANGE_OF_PLAIN)


def check_ranges(context: Context) -> Iterator[Diagnostic]:
    """Ranges that are empty or stand where they mean nothing."""
    for layout in context.layouts:
        for comparison in layout.comparisons:
            threshold = comparison.right
            if not isinstance(threshold, Range):
                continue
            low, high = threshold.low, threshold.high
            if low > high:
                yield BACKWARD_RANGE.report(
                    f"range goes down from {low} to {high}", place(threshold.span, f"write `{high}..{low}`")
                )
            if comparison.operator in ("=", "!="):
                name = next((v.name for v in variables_of(comparison.left)), "W")
                hint = (
                    f"`{name} >= {low}, {name} <= {high}` asks whether it lies between them"
                    if comparison.operator == "="
                    else None
                )
                yield RANGE_OPERATOR.report(
                    f"a range after `{comparison.operator}`",
                    place(threshold.span, "only after `<`, `<=`, `>` and `>=`"),
                    hint=hint,
                )
            elif kind_of(comparison.left, layout, occurrences_of(layout)) == "number":
                yield RANGE_OF_PLAIN.report(
                    "a range is compared with a plain number",
                    place(threshold.span, "a threshold for measured values only"),
                    place(comparison.left.span, "not measured"),
                )
