"""Check: the id of a rule is its own (GL305)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Value

from ..codes import Code, place
from ..context import Context

ID_TAKEN = Code(
    "GL305",
    "rule id that is taken",
    "Answers and certificates name rules by their ids, so no two rules have the same one; `fact` is what "
    "certificates call facts.",
    bad='#[id = "ALARM"]\nalarm(P) :- finding(P, sign_a).',
    good='#[id = "ALARM-2"]\nalarm(P) :- finding(P, sign_a).',
)
CODES = (ID_TAKEN,)

_FACT = "fact"


def check_rule_ids(context: Context) -> Iterator[Diagnostic]:
    """Ids that two rules share, empty ids, and the reserved one."""
    first: dict[str, Value | None] = {}
    for rule in context.program.rules:
        if rule.id is None:
            continue
        value = rule.annotation("id")
        span = value.span if value else None
        if not rule.id.strip():
            yield ID_TAKEN.report("rule with an empty id", place(span, "give it a name"))
        elif rule.id == _FACT:
            yield ID_TAKEN.report(f"a rule cannot be called `{_FACT}`", place(span, "certificates call facts so"))
        elif rule.id in first:
            before = first[rule.id]
            yield ID_TAKEN.report(
                f"two rules have the id `{rule.id}`",
                place(span, "again here"),
                place(before.span if before else None, "first here"),
            )
        else:
            first[rule.id] = value
