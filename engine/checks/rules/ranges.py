"""Check: threshold ranges such as `12..26` (GL222-GL224)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Range, variables_of

from ..codes import Code, place
from ..context import Context, kind_of, occurrences_of

BACKWARD_RANGE = Code(
    "GL222",
    "range that goes down",
    "A range goes from its low end to its high end.",
    bad='#[id = "A"]\nalarm(P) :- measure(P, waiting_weeks, W), W >= 26..12.',
    good='#[id = "A"]\nalarm(P) :- measure(P, waiting_weeks, W), W >= 12..26.',
)
RANGE_OPERATOR = Code(
    "GL223",
    "range after `=` or `!=`",
    "A range is a threshold that the guideline leaves open: it stands behind `<`, `<=`, `>` or `>=`. To ask whether "
    "a value lies between two numbers, compare it with both.",
    bad='#[id = "A"]\nalarm(P) :- measure(P, waiting_weeks, W), W = 12..26.',
    good='#[id = "A"]\nalarm(P) :- measure(P, waiting_weeks, W), W >= 12, W <= 26.',
)
RANGE_OF_PLAIN = Code(
    "GL224",
    "range that is compared with a plain number",
    "A range is a threshold for a measured value. A plain number of a relation is compared with numbers.",
    bad='.decl high(N: number)\n#[id = "A"]\nhigh(N) :- level(N), N >= 3..5.',
    good='.decl high(N: number)\n#[id = "A"]\nhigh(N) :- level(N), N >= 3.',
)
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
