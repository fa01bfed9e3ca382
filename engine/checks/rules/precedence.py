"""Check: `unsettled` on rules that may have it, and on what three values can settle (GL315, GL316)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Kind
from guidelog.language.stances import HOLD
from guidelog.language.tree import Comparison, Range, Symbol

from ..codes import Code, joined, place
from ..context import Context, Layout
from .polarity import Analysis

MISPLACED = Code("GL315")
NOT_SETTLED = Code("GL316")
CODES = (MISPLACED, NOT_SETTLED)


def check_precedence(context: Context) -> Iterator[Diagnostic]:
    """Misplaced `unsettled`, and rules with it whose conditions three values do not settle."""
    analysis: Analysis | None = None
    for layout in context.layouts:
        if layout.rule.annotation("unsettled") is None:
            continue
        if not _may_have_it(layout):
            span = layout.rule.head.span if layout.rule.head else layout.rule.span
            yield MISPLACED.report(
                "`unsettled` stands on rules for `advise(…, hold)` and for concepts only", place(span)
            )
            continue
        analysis = analysis or Analysis(context)
        clashes = analysis.rule_clashes(layout)
        if clashes:
            clash = clashes[0]
            way = "both ways" if clash.absent == clash.present else "one way"
            other = place(clash.absent.span, f"needs `{clash.name}` the other way")
            yield NOT_SETTLED.report(
                f"a rule with `unsettled` rests on {joined(c.name for c in clashes[:3])} both ways",
                place(clash.present.span, f"needs `{clash.name}` {way}"),
                other if clash.absent != clash.present else None,
            )
        found = _range_below(context, layout)
        if found is not None:
            yield NOT_SETTLED.report(
                "a rule with `unsettled` rests on a threshold that is a range",
                place(found.span, "leaves it to judgement"),
            )


def _may_have_it(layout: Layout) -> bool:
    head = layout.rule.head
    use = layout.head
    if use is not None and use.predicate is not None and use.predicate.kind is Kind.CONCEPT and use.about_patient:
        return bool(layout.rule.body)
    stance = head.terms[2] if head is not None and head.predicate == "advise" and len(head.terms) == 3 else None
    return isinstance(stance, Symbol) and stance.name == HOLD


def _range_below(context: Context, layout: Layout) -> Comparison | None:
    """A comparison with a range in the rule, or in rules that it rests on; the scope counts as ever."""
    todo, seen = [layout], {id(layout)}
    while todo:
        current = todo.pop()
        for comparison in current.comparisons:
            if isinstance(comparison.right, Range):
                return comparison
        for use in current.body:
            if current is layout and use.atom.predicate == "in_scope":
                continue
            for other in context.defined.get(use.atom.predicate, ()):
                if id(other) not in seen:
                    seen.add(id(other))
                    todo.append(other)
    return None
