"""Check: declared names can be used where they are meant to be used (GL106, GL107)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic

from ..attribute_schema import ATTRIBUTES
from ..codes import Code, place
from ..context import Context

RESERVED = Code(
    "GL106",
    "reserved word",
    "`atleast` is a word of the rule language, and `yes`, `no`, `on`, `off`, `true`, `false` and `null` are read as "
    "values, not as names, in YAML patient files. None of them can be declared.",
    bad='.finding off "sign C"',
    good='.finding sign_c "sign C"',
)
CAPITAL = Code(
    "GL107",
    "name does not start with a small letter",
    "In a rule a word with a capital or `_` in front is a variable. So findings, measures, interventions, screens, "
    "readings and predicates start with a small letter; only statements and decisions, which no rule body mentions, "
    "may be called `S1` or `Q1`.",
    bad='.finding Sign_c "sign C"',
    good='.finding sign_c "sign C"',
)
CODES = (RESERVED, CAPITAL)

_LANGUAGE = {"atleast"}
_YAML = {"yes", "no", "on", "off", "true", "false", "null"}
_CAPITALS_ALLOWED = {"statement", "decision"}


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
