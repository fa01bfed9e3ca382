"""Check: what `atleast` counts, and over what (GL225, GL226)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Kind
from guidelog.language.tree import AtLeast

from ..codes import Code, place
from ..context import Context, Layout, Place, Use

COUNT = Code("GL225")
CONDITION = Code("GL226")
CODES = (COUNT, CONDITION)


def check_counting(context: Context) -> Iterator[Diagnostic]:
    """Counts of zero, and conditions that depend on the patient or on a negation."""
    not_fixed: Mapping[str, Use] | None = None
    for layout in context.layouts:
        for element in layout.rule.body:
            if isinstance(element, AtLeast) and element.count < 1:
                yield COUNT.report(
                    f"`atleast {element.count}` is always true",
                    place(element.span),
                    hint="leave it out, or count from 1",
                )
        for use in layout.body:
            if use.place is not Place.CONDITION or use.predicate is None:
                continue
            if not_fixed is None:
                not_fixed = open_relations(context.layouts)
            problem = _condition(use, not_fixed)
            if problem is not None:
                yield problem


def _condition(use: Use, not_fixed: Mapping[str, Use]) -> Diagnostic | None:
    name = use.atom.predicate
    if use.predicate is not None and use.predicate.kind is not Kind.RELATION:
        return CONDITION.report(
            f"condition `{name}` of `atleast` is not a plain relation",
            place(use.span, "this depends on the patient"),
            hint="what must hold stands in front of the colon, behind it a relation that lists candidates",
        )
    if use.negated:
        return CONDITION.report(
            f"condition `{name}` of `atleast` is negated",
            place(use.span),
            hint="list what is counted in a relation of its own",
        )
    if name in not_fixed:
        cause = not_fixed[name]
        return CONDITION.report(
            f"condition `{name}` of `atleast` rests on {'a negation' if cause.negated else 'another `atleast`'}",
            place(use.span),
            place(cause.span, "here"),
        )
    return None


def open_relations(layouts: tuple[Layout, ...]) -> Mapping[str, Use]:
    """Predicates whose rules use `!` or `atleast`, directly or through others, with the place where."""
    users: dict[str, list[str]] = {}
    found: dict[str, Use] = {}
    for layout in layouts:
        if layout.head is None:
            continue
        head = layout.head.atom.predicate
        for use in layout.body:
            users.setdefault(use.atom.predicate, []).append(head)
            if use.negated or use.place is Place.MEMBER:
                found.setdefault(head, use)
    queue = list(found)
    for name in queue:
        for user in users.get(name, ()):
            if user not in found:
                found[user] = found[name]
                queue.append(user)
    return found
