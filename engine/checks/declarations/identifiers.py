"""Check: declared names can be used where they are meant to be used, and each stands for one thing (GL106-GL109)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Kind, Predicate
from guidelog.language.tree import Declaration

from ..attribute_schema import ATTRIBUTES
from ..codes import Code, place
from ..context import Context, built_in, sound_columns

RESERVED = Code("GL106")
CAPITAL = Code("GL107")
_LANGUAGE = {"atleast"}
_YAML = {"yes", "no", "on", "off", "true", "false", "null"}
_CAPITALS_ALLOWED = {"statement", "decision"}

TWICE = Code("GL108")
CLASH = Code("GL109")
_SPACES = {"finding": "input", "measure": "input", "decl": "predicate", "concept": "predicate"}
_WORDS = {"finding": "a finding", "measure": "a measure", "decl": "a plain relation", "concept": "a concept"}

CODES = (RESERVED, CAPITAL, TWICE, CLASH)


def check_naming(context: Context) -> Iterator[Diagnostic]:
    """Declared names that are reserved or start with a capital."""
    for declaration in context.program.declarations:
        name = declaration.name
        if declaration.keyword not in ATTRIBUTES:
            continue
        if name in _LANGUAGE:
            yield RESERVED.report(
                f"`{name}` is a word of the rule language", place(declaration.name_span, "choose another name")
            )
        elif name.lower() in _YAML:
            yield RESERVED.report(
                f"`{name}` cannot be a name",
                place(declaration.name_span, "choose another name"),
                notes=("in YAML files this is a value, not a name",),
            )
        elif not name[:1].islower() and (declaration.keyword not in _CAPITALS_ALLOWED or name.startswith("_")):
            small = name.lstrip("_")
            small = small[:1].lower() + small[1:]
            yield CAPITAL.report(
                f"`{name}` does not start with a small letter",
                place(declaration.name_span, f"write `{small}`" if small[:1].isalpha() else "choose another name"),
                notes=("rules would read it as a variable",),
            )


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
