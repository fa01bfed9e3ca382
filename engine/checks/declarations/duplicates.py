"""Check: a name is declared once, and does not stand for two things (GL108, GL109)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Kind, Predicate
from guidelog.language.tree import Declaration

from ..attribute_schema import ATTRIBUTES
from ..codes import Code, place
from ..context import Context, built_in, sound_columns

TWICE = Code(
    "GL108",
    "declared twice",
    "A name is declared once. The second declaration would be without effect.",
    bad='.finding sign_a "sign A, again"',
    good='.finding sign_c "sign C"',
)
CLASH = Code(
    "GL109",
    "name stands for two things",
    "Findings and measures share their names, because a patient record and a certificate mention both; so do plain "
    "relations and concepts. The built-in predicates have fixed columns: `.concept` may give those that rules define "
    "their wording, and nothing else may redeclare them.",
    bad='.measure sign_a "strength of sign A" unit(point) range(0, 5)',
    good='.measure sign_a_strength "strength of sign A" unit(point) range(0, 5)',
)
CODES = (TWICE, CLASH)

_SPACES = {"finding": "input", "measure": "input", "decl": "predicate", "concept": "predicate"}
_WORDS = {"finding": "a finding", "measure": "a measure", "decl": "a plain relation", "concept": "a concept"}


def check_duplicates(context: Context) -> Iterator[Diagnostic]:
    """Names that are declared more than once or are built in."""
    first: dict[tuple[str, str], Declaration] = {}
    for declaration in context.program.declarations:
        if declaration.keyword not in ATTRIBUTES:
            continue
        space = _SPACES.get(declaration.keyword, declaration.keyword)
        fixed = built_in().get(declaration.name) if space == "predicate" else None
        if fixed is not None and (problem := _redeclared(declaration, fixed)):
            yield problem
            continue
        before = first.setdefault((space, declaration.name), declaration)
        if before is declaration:
            continue
        labels = (place(declaration.name_span, "declared again here"), place(before.name_span, "first declared here"))
        if before.keyword == declaration.keyword:
            yield TWICE.report(f"`{declaration.name}` is declared twice", *labels)
        else:
            yield CLASH.report(
                f"`{declaration.name}` is declared as {_WORDS[before.keyword]} and as {_WORDS[declaration.keyword]}",
                *labels,
                hint="give one of the two another name",
            )


def _redeclared(declaration: Declaration, fixed: Predicate) -> Diagnostic | None:
    columns = ", ".join(f"{name}: {type_}" for name, type_ in zip(fixed.parameters, fixed.types, strict=True))
    if fixed.kind is Kind.INPUT:
        return CLASH.report(
            f"`{declaration.name}` is built in",
            place(declaration.name_span, "choose another name"),
            notes=(f"`{declaration.name}({columns})` is what the patient record says",),
        )
    types = tuple(parameter.type for parameter in declaration.parameters or ())
    if declaration.keyword == "concept" and (types == fixed.types or not sound_columns(declaration)):
        return None
    return CLASH.report(
        f"`{declaration.name}` is built in",
        place(declaration.name_span, "has fixed columns"),
        hint=f'only its wording can be declared: `.concept {declaration.name}({columns}) true("…") false("…")`',
    )
