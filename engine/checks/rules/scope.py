"""Check: advice is for patients whom the guideline is about, unless it says that it is for everyone (GL313)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.tree import Atom, Key, Term, Variable

from ..codes import Code, place
from ..context import Context, Layout

OUTSIDE_SCOPE = Code("GL313", severity=Severity.WARNING)
CODES = (OUTSIDE_SCOPE,)


def check_scope(context: Context) -> Iterator[Diagnostic]:
    """Rules for `advise` that may hold outside the scope."""
    if "in_scope" not in context.defined:
        return
    resting = _resting(context)
    for layout in context.defined.get("advise", ()):
        head = layout.head
        if head is None or layout.is_fact or id(layout) in resting or _for_everyone(layout):
            continue
        if any(use.predicate is None for use in layout.uses):
            continue
        yield OUTSIDE_SCOPE.report(
            "advice that does not rest on the scope",
            place(head.span, "may hold for patients outside the guideline"),
            hint="add `in_scope(P)`, or say `everyone = true` if it is meant for everyone",
        )


def _for_everyone(layout: Layout) -> bool:
    value = layout.rule.annotation("everyone")
    return isinstance(value, Key) and value.name == "true"


def _resting(context: Context) -> set[int]:
    """Rules that hold only in scope: a condition is `in_scope`, or something all of whose rules hold only in scope."""
    candidates = _by_first_column(context)
    waiting: list[int] = []
    users: dict[int, list[tuple[int, int]]] = {}
    resting: dict[int, None] = {}
    for layout in context.layouts:
        for use in layout.body:
            if not use.binds or not use.about_patient:
                continue
            if use.atom.predicate == "in_scope":
                resting[id(layout)] = None
                continue
            matching = [rule for rule in candidates(use.atom) if rule.head and _unify(rule.head.atom, use.atom)]
            if matching:
                for rule in matching:
                    users.setdefault(id(rule), []).append((len(waiting), id(layout)))
                waiting.append(len(matching))
    queue = list(resting)
    for key in queue:
        for goal, user in users.get(key, ()):
            waiting[goal] -= 1
            if not waiting[goal] and user not in resting:
                resting[user] = None
                queue.append(user)
    return set(resting)


def _by_first_column(context: Context) -> Callable[[Atom], Sequence[Layout]]:
    """The rules that may answer a goal, found by the constant behind the patient."""
    index: dict[tuple[str, Term | None], list[Layout]] = {}
    for name, layouts in context.defined.items():
        for layout in layouts:
            if layout.head is not None:
                index.setdefault((name, _first_constant(layout.head.atom)), []).append(layout)

    def candidates(goal: Atom) -> Sequence[Layout]:
        constant = _first_constant(goal)
        if constant is None:
            return context.defined.get(goal.predicate, ())
        return [*index.get((goal.predicate, constant), ()), *index.get((goal.predicate, None), ())]

    return candidates


def _first_constant(atom: Atom) -> Term | None:
    term = atom.terms[1] if len(atom.terms) > 1 else None
    return None if isinstance(term, Variable) else term


def _unify(head: Atom, goal: Atom) -> bool:
    """Whether a rule with that head can answer the goal, variables taken one by one."""
    return len(head.terms) == len(goal.terms) and all(
        isinstance(a, Variable) or isinstance(b, Variable) or a == b
        for a, b in zip(head.terms, goal.terms, strict=True)
    )
