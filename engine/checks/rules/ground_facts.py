"""Check: what may stand as a fact, and what no rule may define (GL206-GL208)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import INPUTS
from guidelog.language.tree import Variable

from ..codes import Code, place
from ..context import Context

VARIABLE_IN_FACT = Code("GL206")
DEFINES_INPUT = Code("GL207")
FACT_ABOUT_PATIENT = Code("GL208")
CODES = (VARIABLE_IN_FACT, DEFINES_INPUT, FACT_ABOUT_PATIENT)


def check_facts(context: Context) -> Iterator[Diagnostic]:
    """Heads that may not stand where they stand."""
    for layout in context.layouts:
        head = layout.head
        if head is None:
            continue
        name = head.atom.predicate
        if name in INPUTS:
            yield DEFINES_INPUT.report(
                f"`{name}` is an input and cannot be {'stated' if layout.is_fact else 'concluded'}",
                place(head.atom.name_span or head.span, "only the patient record says this"),
                hint="patient data belongs in patient files" if layout.is_fact else "conclude a concept of its own",
            )
        elif not layout.is_fact:
            continue
        elif head.about_patient:
            patient = head.atom.terms[0]
            variable = patient.name if isinstance(patient, Variable) else "P"
            rest = head.atom.terms[1:]
            plain_rest = not rest
            yield FACT_ABOUT_PATIENT.report(
                f"`{name}` is about a patient and cannot be a fact",
                place(head.span),
                hint=f"for every patient: `{name}({variable}) :- patient({variable}).`"
                if plain_rest and variable != "_"
                else "for every patient: write a rule with `patient(P)` as its condition",
            )
        else:
            variables = {term.name: term for term in reversed(head.atom.terms) if isinstance(term, Variable)}
            for variable_name, term in reversed(variables.items()):
                yield VARIABLE_IN_FACT.report(
                    f"fact with the variable `{variable_name}`",
                    place(term.span, "a fact has constants only"),
                    hint=f"if that is a name, write it small: `{variable_name[:1].lower()}{variable_name[1:]}`"
                    if variable_name[:1].isalpha()
                    else None,
                )
