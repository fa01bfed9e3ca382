"""Check: no recursive loop makes new numbers without end (GL228)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.graphs import path
from guidelog.language.tree import Arithmetic, Negative, Variable, variables_of

from ..codes import Code, place
from ..context import Context, Layout

GROWTH = Code("GL228")
CODES = (GROWTH,)


def check_growth(context: Context) -> Iterator[Diagnostic]:
    """Rules in a loop whose conclusion holds a computed number."""
    edges: dict[str, dict[str, None]] | None = None
    for layout in context.layouts:
        head = layout.head
        if head is None or not layout.assigned:
            continue
        new = _new_numbers(layout)
        term = next((t for t in head.atom.terms if isinstance(t, Variable) and t.name in new), None)
        if term is None:
            continue
        if edges is None:
            edges = _edges(context)
        name = head.atom.predicate
        loops = [path(edges, use.atom.predicate, name, set(edges)) for use in layout.body if use.binds]
        loop = min((steps for steps in loops if steps), key=len, default=None)
        if loop is not None:
            yield GROWTH.report(
                f"`{name}` makes new numbers in a loop",
                place(term.span, "a new number each time round"),
                place(layout.assigned[term.name].span, "computed here"),
                hint=f"the rules form a loop: {' -> '.join([name, *loop])}. List the numbers as facts instead",
            )


def _new_numbers(layout: Layout) -> set[str]:
    """Variables whose value is computed, or is that of a variable whose value is."""
    new: set[str] = set()
    # `assigned` is in the order in which values become known.
    for name, expression in layout.assigned.items():
        if isinstance(expression, Arithmetic | Negative) or any(v.name in new for v in variables_of(expression)):
            new.add(name)
    return new - set(layout.measured)


def _edges(context: Context) -> dict[str, dict[str, None]]:
    edges: dict[str, dict[str, None]] = {}
    for layout in context.layouts:
        if layout.head is not None:
            found = edges.setdefault(layout.head.atom.predicate, {})
            found.update((use.atom.predicate, None) for use in layout.body if use.binds)
    return edges
