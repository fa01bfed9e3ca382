"""Check: a declaration begins with a keyword of the language and has the attributes that it takes (GL101-GL105).

Each attribute stands once, with the right values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Attribute, Declaration

from ..attribute_schema import ATTRIBUTES, Shape
from ..codes import Code, first_characters, joined, place
from ..context import Context

UNKNOWN_KEYWORD = Code("GL101")

UNKNOWN_ATTRIBUTE = Code("GL102")
REPEATED_ATTRIBUTE = Code("GL103")
WRONG_VALUES = Code("GL104")
MISSING_ATTRIBUTE = Code("GL105")

CODES = (UNKNOWN_KEYWORD, UNKNOWN_ATTRIBUTE, REPEATED_ATTRIBUTE, WRONG_VALUES, MISSING_ATTRIBUTE)


def check_keywords(context: Context) -> Iterator[Diagnostic]:
    """Declarations that begin with an unknown word."""
    for declaration in context.program.declarations:
        if declaration.keyword in ATTRIBUTES:
            continue
        near = context.near(declaration.keyword, ATTRIBUTES)
        yield UNKNOWN_KEYWORD.report(
            f"unknown declaration `.{declaration.keyword}`",
            place(
                first_characters(declaration.span, len(declaration.keyword) + 1),
                f"did you mean `.{near}`?" if near else "",
            ),
            hint=None if near else f"declarations are {joined((f'.{word}' for word in ATTRIBUTES), 'or')}",
        )


def check_attributes(context: Context) -> Iterator[Diagnostic]:
    """What is wrong with the attributes of declarations."""
    for declaration in context.program.declarations:
        shapes = ATTRIBUTES.get(declaration.keyword)
        if shapes is None:
            continue
        first: dict[str, Attribute] = {}
        close: set[str] = set()
        for attribute in declaration.attributes:
            shape = shapes.get(attribute.name)
            name = first_characters(attribute.span, len(attribute.name))
            if shape is None:
                near = context.near(attribute.name, shapes)
                close.add(near or "")
                yield UNKNOWN_ATTRIBUTE.report(
                    f"`.{declaration.keyword}` has no attribute `{attribute.name}`",
                    place(name, f"did you mean `{near}`?" if near else ""),
                    hint=None if near else _takes(declaration.keyword, shapes),
                )
                continue
            if attribute.name in first and not shape.repeats:
                yield REPEATED_ATTRIBUTE.report(
                    f"attribute `{attribute.name}` is given twice",
                    place(name, "given again here"),
                    place(first[attribute.name].span, "first given here"),
                )
            elif not shape.fits(attribute.values):
                yield WRONG_VALUES.report(
                    f"`{attribute.name}` takes {shape.phrase}", place(attribute.span, _found(attribute))
                )
            first.setdefault(attribute.name, attribute)
        # A required attribute that is only misspelt has been reported already.
        missing = [name for name, shape in shapes.items() if shape.required and name not in first and name not in close]
        if missing:
            yield _missing(declaration, missing, shapes)


def _missing(declaration: Declaration, missing: list[str], shapes: Mapping[str, Shape]) -> Diagnostic:
    return MISSING_ATTRIBUTE.report(
        f"`.{declaration.keyword} {declaration.name}` has no {joined(missing, 'or')}",
        place(declaration.name_span, f"add {joined(f'{name}(…)' for name in missing)}"),
        hint=_takes(declaration.keyword, {name: shapes[name] for name in missing}, "needs"),
    )


def _takes(keyword: str, shapes: Mapping[str, Shape], verb: str = "takes") -> str:
    if not shapes:
        return f"`.{keyword}` takes no attributes"
    parts = (
        [f"`{name}` with {shape.phrase}" for name, shape in shapes.items()]
        if verb == "needs"
        else [f"`{name}`" for name in shapes]
    )
    return f"`.{keyword}` {verb} {', '.join(parts)}"


def _found(attribute: Attribute) -> str:
    count = len(attribute.values)
    return "given without a value" if not count else "given 1 value" if count == 1 else f"given {count} values"
