"""Check: the columns of declared predicates (GL110-GL113)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import INPUTS, TYPES
from guidelog.language.tree import Declaration, Parameter

from ..attribute_schema import ATTRIBUTES
from ..codes import Code, first_characters, joined, last_characters, place
from ..context import Context

WRONG_COLUMNS = Code("GL110")
UNKNOWN_TYPE = Code("GL111")
PATIENT_COLUMN = Code("GL112")
COLUMN_TWICE = Code("GL113")
CODES = (WRONG_COLUMNS, UNKNOWN_TYPE, PATIENT_COLUMN, COLUMN_TWICE)


def check_columns(context: Context) -> Iterator[Diagnostic]:
    """What is wrong with the columns of declarations."""
    for declaration in context.program.declarations:
        if declaration.keyword not in ATTRIBUTES:
            continue
        if declaration.keyword not in ("decl", "concept"):
            if declaration.parameters is not None:
                yield _unwanted(declaration)
            continue
        if declaration.name in INPUTS:
            continue
        yield from _types(context, declaration)
        yield from _names(declaration)
        yield from _patient(declaration)


def _unwanted(declaration: Declaration) -> Diagnostic:
    parameters = declaration.parameters or ()
    span = declaration.name_span
    if parameters and parameters[0].span and parameters[-1].span:
        span = parameters[0].span.to(parameters[-1].span)
    return WRONG_COLUMNS.report(f"`.{declaration.keyword}` has no columns", place(span, "leave out the brackets"))


def _types(context: Context, declaration: Declaration) -> Iterator[Diagnostic]:
    if declaration.parameters is None:
        example = "P: patient" if declaration.keyword == "concept" else "F: finding"
        yield WRONG_COLUMNS.report(
            f"`.{declaration.keyword} {declaration.name}` has no columns",
            place(declaration.name_span, f"write `{declaration.name}({example})`"),
        )
        return
    for parameter in declaration.parameters:
        if parameter.type not in TYPES:
            near = context.near(parameter.type, TYPES)
            yield UNKNOWN_TYPE.report(
                f"unknown type `{parameter.type}`",
                place(last_characters(parameter.span, len(parameter.type)), f"did you mean `{near}`?" if near else ""),
                hint=None if near else f"types are {joined(TYPES)}",
            )


def _names(declaration: Declaration) -> Iterator[Diagnostic]:
    first: dict[str, Parameter] = {}
    for parameter in declaration.parameters or ():
        before = first.setdefault(parameter.name, parameter)
        if before is not parameter and parameter.name != "_":
            yield COLUMN_TWICE.report(
                f"two columns are called `{parameter.name}`",
                place(first_characters(parameter.span, len(parameter.name)), "again here"),
                place(first_characters(before.span, len(before.name)), "first here"),
            )


def _patient(declaration: Declaration) -> Iterator[Diagnostic]:
    if declaration.parameters is None:
        return
    patients = [parameter for parameter in declaration.parameters if parameter.type == "patient"]
    if declaration.keyword == "decl":
        if patients:
            yield PATIENT_COLUMN.report(
                f"plain relation `{declaration.name}` has a patient column",
                place(patients[0].span),
                hint="a predicate about a patient is declared with `.concept`",
            )
    elif not patients:
        # A first column of an unknown type may well be meant to be the patient.
        if not declaration.parameters or declaration.parameters[0].type in TYPES:
            yield PATIENT_COLUMN.report(
                f"concept `{declaration.name}` is not about a patient",
                place(declaration.name_span, "add `P: patient` as its first column"),
                hint="a predicate about the guideline itself is declared with `.decl`",
            )
    elif declaration.parameters[0].type != "patient":
        yield PATIENT_COLUMN.report("the patient is the first column", place(patients[0].span, "move it to the front"))
    elif len(patients) > 1:
        yield PATIENT_COLUMN.report(
            f"concept `{declaration.name}` has two patient columns",
            place(patients[1].span, "one patient only"),
            place(patients[0].span, "first here"),
        )
