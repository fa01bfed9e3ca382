"""Check: advice that uses an input both ways (GL229).

Three-valued evaluation can stay undetermined where every completion of the record agrees only if one conclusion needs
an input to be present in one place and absent in another. This is asked of each ground conclusion `advise(A, S)`
alone: that a rule for one stance negates what a rule for another asserts is usual and harmless.
"""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.tree import Atom

from ..codes import Code, joined, place
from ..context import Context
from .signs import Analysis, Clash, Pattern, constant_of

BOTH_WAYS = Code(
    "GL229",
    "input used both ways",
    "One conclusion needs an input to be present in one place and absent in another, or a measure to be high and "
    "low. While that input is unknown, the answer may be undetermined although it is the same either way.",
    bad=(
        '#[id = "A", statements = ["S1"], cites = [1], strength = strong, says = "do step A"]\n'
        "advise(P, step_a, do) :- in_scope(P), finding(P, sign_b).\n"
        '#[id = "B", statements = ["S1"], cites = [1], strength = strong, says = "do step A"]\n'
        "advise(P, step_a, do) :- in_scope(P), !finding(P, sign_b)."
    ),
    good=(
        '#[id = "A", statements = ["S1"], cites = [1], strength = strong, says = "do step A"]\n'
        "advise(P, step_a, do) :- in_scope(P)."
    ),
    severity=Severity.WARNING,
)
CODES = (BOTH_WAYS,)

_MOST_NAMED = 3


def check_polarity(context: Context) -> Iterator[Diagnostic]:
    """Ground conclusions of `advise` that need an input in both polarities."""
    analysis = Analysis(context)
    for pattern, head in _conclusions(context):
        clashes = analysis.clashes(pattern)
        if clashes:
            yield _report(context, head, clashes)


def _conclusions(context: Context) -> Iterator[tuple[Pattern, Atom]]:
    """Conclusions that some rule has as its head, each once."""
    seen: set[Pattern] = set()
    for layout in context.defined.get("advise", ()):
        head = layout.head
        if head is None or head.predicate is None:
            continue
        pattern = ("advise", tuple(constant_of(term) for term in head.atom.terms[1:]))
        if None not in pattern[1] and pattern not in seen:
            seen.add(pattern)
            yield pattern, head.atom


def _report(context: Context, head: Atom, clashes: list[Clash]) -> Diagnostic:
    name, present, absent = clashes[0].name, clashes[0].present, clashes[0].absent
    high, low = ("high", "low") if name in context.names.vocabulary.measures else ("present", "absent")
    if present.span is None:
        labels = [place(head.span)]
    elif present is absent:
        labels = [place(present.span, f"needs `{name}` {high} in one way and {low} in another")]
    else:
        labels = [place(present.span, f"needs `{name}` {high}"), place(absent.span, f"needs `{name}` {low}")]
    conclusion = ", ".join(str(constant_of(term)) for term in head.terms[1:])
    return BOTH_WAYS.report(
        f"`advise({conclusion})` uses {_listed([clash.name for clash in clashes])} both ways",
        *labels,
        notes=(f"while `{name}` is unknown, the answer may be less definite than it could be",),
    )


def _listed(names: list[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return joined(names)
    return f"{', '.join(f'`{name}`' for name in names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
