"""Check: a reading has at least two options, all different, and one of them is chosen (GL118, GL119)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Declaration, Value, plain

from ..attribute_schema import ATTRIBUTES, attribute_of
from ..codes import Code, joined, place
from ..context import Context

OPTIONS = Code("GL118")
NOT_AN_OPTION = Code("GL119")
CODES = (OPTIONS, NOT_AN_OPTION)


def check_readings(context: Context) -> Iterator[Diagnostic]:
    """What is wrong with the options of readings."""
    for declaration in context.program.declarations:
        if declaration.keyword == "reading":
            yield from _options(context, declaration)


def _options(context: Context, declaration: Declaration) -> Iterator[Diagnostic]:
    shape = ATTRIBUTES["reading"]["option"]
    attributes = [a for a in declaration.attributes if a.name == "option"]
    options: dict[str, Value] = {}
    for attribute in attributes:
        if not shape.fits(attribute.values):
            continue
        value = attribute.values[0]
        before = options.setdefault(plain(value), value)
        if before is not value:
            yield OPTIONS.report(
                f"option `{plain(value)}` of `{declaration.name}` is given twice",
                place(value.span, "given again here"),
                place(before.span, "first given here"),
            )
    if len(attributes) < 2:
        yield OPTIONS.report(
            f"reading `{declaration.name}` has {'one option' if attributes else 'no options'}",
            place(declaration.name_span, "a switch needs two or more"),
            hint='add `option(name, "wording")`',
        )
    chosen = attribute_of(declaration, "chosen")
    if chosen is None or not options or not all(shape.fits(a.values) for a in attributes):
        return
    name = plain(chosen.values[0])
    if name not in options:
        near = context.near(name, options)
        yield NOT_AN_OPTION.report(
            f"`{name}` is not an option of `{declaration.name}`",
            place(chosen.values[0].span, f"did you mean `{near}`?" if near else f"options are {joined(options)}"),
            place(options[near].span, "declared here") if near else None,
        )
