"""Check: the holes in what a rule says (GL314)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Text, variables_of

from ..codes import Code, joined, place
from ..context import Context
from ..layout import ANONYMOUS, Layout
from .holes import holes_of

UNFILLED_HOLE = Code(
    "GL314",
    "hole in `says` that nothing fills",
    "`{F}` in `says` stands for the value of the rule's variable `F`. A variable that only `atleast` uses has no "
    "single value.",
    bad='#[id = "A", says = "{G} is there"]\nalarm(P) :- finding(P, F), group(F).',
    good='#[id = "A", says = "{F} is there"]\nalarm(P) :- finding(P, F), group(F).',
)
CODES = (UNFILLED_HOLE,)


def check_says(context: Context) -> Iterator[Diagnostic]:
    """Holes that name no variable of their rule."""
    for layout in context.layouts:
        value = layout.rule.annotation("says")
        if not isinstance(value, Text) or "{" not in value.value:
            continue
        variables = _variables(layout)
        inner = {v.name for use in layout.uses for v in variables_of(use.atom)} - variables - {ANONYMOUS}
        for name, span in holes_of(value):
            if name in variables:
                continue
            near = next((v for v in sorted(variables) if v.lower() == name.lower()), None)
            local = name in inner
            yield UNFILLED_HOLE.report(
                f"`{{{name}}}` has no single value" if local else f"`{{{name}}}` names no variable of the rule",
                place(span, "only `atleast` uses it" if local else f"did you mean `{{{near}}}`?" if near else ""),
                hint=f"variables of the rule: {joined(sorted(variables))}" if variables and not near else None,
            )


def _variables(layout: Layout) -> set[str]:
    """Variables that have one value in an instance of the rule, the patient among them."""
    return set(layout.shared) | {v.name for v in layout.patients}
