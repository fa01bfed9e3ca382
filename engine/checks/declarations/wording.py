"""Check: wording that explanations need, and `{Variable}` holes there and in what rules say (GL122, GL123, GL314)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.tree import Declaration, Text, variables_of
from guidelog.source import Span

from ..attribute_schema import attribute_of
from ..codes import Code, joined, place
from ..context import ANONYMOUS, Context, Layout

_HOLE = re.compile(r"\{([^{}]*)\}")

UNFILLED_HOLE = Code("GL122")
NO_WORDING = Code("GL123", severity=Severity.WARNING)

UNFILLED_RULE_HOLE = Code("GL314")

CODES = (UNFILLED_HOLE, NO_WORDING, UNFILLED_RULE_HOLE)


def holes_of(text: Text) -> Iterator[tuple[str, Span | None]]:
    """Names in braces, from left to right."""
    span = text.span
    # Places are looked for in the source, where escapes are written out.
    written = span.source.text[span.start : span.end] if span else text.value
    for match in _HOLE.finditer(written):
        yield match[1], Span(span.source, span.start + match.start(), span.start + match.end()) if span else None


def check_wording(context: Context) -> Iterator[Diagnostic]:
    """Missing wordings, and holes that name no column."""
    for declaration in context.program.declarations:
        match declaration.keyword:
            case "concept":
                yield from _holes(declaration)
                missing = [name for name in ("true", "false") if not declaration.values(name)]
                if missing and not any(a.name not in ("true", "false") for a in declaration.attributes):
                    yield NO_WORDING.report(
                        f"concept `{declaration.name}` has no wording for {joined(missing)}",
                        place(declaration.name_span, f"add {joined(f'{name}(…)' for name in missing)}"),
                    )
            case "finding":
                yield from _holes(declaration)
            case "statement" | "decision" if declaration.label is None:
                what = "what the source says" if declaration.keyword == "statement" else "what the open point is"
                yield NO_WORDING.report(
                    f"{declaration.keyword} `{declaration.name}` has no text",
                    place(declaration.name_span, f"say in quotes {what}"),
                )
            case _:
                pass
    scope = context.names.predicates["in_scope"]
    if (
        scope.declaration is None
        and "in_scope" not in context.half_declared
        and (rules := context.defined.get("in_scope"))
    ):
        head = rules[0].rule.head
        yield NO_WORDING.report(
            "concept `in_scope` has no wording",
            place(head.span if head else None),
            hint='declare it: `.concept in_scope(P: patient) true("…") false("…")`',
        )


def _holes(declaration: Declaration) -> Iterator[Diagnostic]:
    columns = [parameter.name for parameter in declaration.parameters or ()]
    for name in ("true", "false"):
        attribute = attribute_of(declaration, name)
        text = attribute.values[0] if attribute else None
        if not isinstance(text, Text):
            continue
        for hole, span in holes_of(text):
            if hole in columns:
                continue
            near = next((column for column in columns if column.lower() == hole.lower()), None)
            yield UNFILLED_HOLE.report(
                f"`{{{hole}}}` names no column of `{declaration.name}`"
                if columns
                else f"nothing can fill `{{{hole}}}`",
                place(span, f"did you mean `{{{near}}}`?" if near else ""),
                hint=None if near or not columns else f"columns: {joined(columns)}",
            )


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
            yield UNFILLED_RULE_HOLE.report(
                f"`{{{name}}}` has no single value" if local else f"`{{{name}}}` names no variable of the rule",
                place(span, "only `atleast` uses it" if local else f"did you mean `{{{near}}}`?" if near else ""),
                hint=f"variables of the rule: {joined(sorted(variables))}" if variables and not near else None,
            )


def _variables(layout: Layout) -> set[str]:
    """Variables that have one value in an instance of the rule, the patient among them."""
    return set(layout.shared) | {v.name for v in layout.patients}
