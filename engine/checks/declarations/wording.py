"""Check: wording that explanations need, and the holes in it (GL122, GL123)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.tree import Declaration, Text

from ..attribute_schema import attribute_of
from ..codes import Code, joined, place
from ..context import Context
from .holes import holes_of

UNFILLED_HOLE = Code(
    "GL122",
    "hole in a wording that nothing fills",
    "`{F}` in the wording of a concept stands for the column that is declared as `F`. Wordings of findings have no "
    "holes.",
    bad=(
        '.concept severe(P: patient, F: finding) true("{G} is severe") false("{F} is not severe")\n'
        '#[id = "SEVERE"]\nsevere(P, F) :- finding(P, F), group(F).'
    ),
    good=(
        '.concept severe(P: patient, F: finding) true("{F} is severe") false("{F} is not severe")\n'
        '#[id = "SEVERE"]\nsevere(P, F) :- finding(P, F), group(F).'
    ),
)
NO_WORDING = Code(
    "GL123",
    "missing wording",
    'Explanations say why a concept is true or false in the words of `true("…")` and `false("…")`; without them they '
    "show its bare name. Statements and decisions say in quotes what they are.",
    bad='.concept severe(P: patient) true("it is severe")',
    good='.concept severe(P: patient) true("it is severe") false("it is not severe")',
    severity=Severity.WARNING,
)
CODES = (UNFILLED_HOLE, NO_WORDING)


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
