"""Check: a rule is about one patient, named by a variable (GL209, GL211, GL212)."""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Kind
from guidelog.language.tree import Variable

from ..codes import Code, place
from ..context import ANONYMOUS, Context, Layout

TWO_PATIENTS = Code("GL209")
NOT_A_PATIENT = Code("GL211")
PATIENT_IN_RELATION = Code("GL212")
CODES = (TWO_PATIENTS, NOT_A_PATIENT, PATIENT_IN_RELATION)


def check_patients(context: Context) -> Iterator[Diagnostic]:
    """Rules that are about several patients, about none, or about a named one."""
    for layout in context.layouts:
        if layout.is_fact:
            continue
        for other in layout.patients[1:]:
            yield TWO_PATIENTS.report(
                f"`{other.name}` is a second patient",
                place(other.span, "another patient here"),
                place(layout.patients[0].span, "the patient of this rule"),
                hint=f"a rule is about one patient; write `{layout.patients[0].name}`",
            )
        yield from _columns(layout)
        yield from _relation(layout)


def _columns(layout: Layout) -> Iterator[Diagnostic]:
    for use in layout.uses:
        if not use.about_patient:
            continue
        term = use.atom.terms[0]
        if isinstance(term, Variable) and term.name != ANONYMOUS:
            continue
        name = layout.patients[0].name if layout.patients else "P"
        yield NOT_A_PATIENT.report(
            f"the patient of `{use.atom.predicate}` is {'`_`' if isinstance(term, Variable) else 'a constant'}",
            place(term.span, f"write `{name}`"),
        )


def _relation(layout: Layout) -> Iterator[Diagnostic]:
    head = layout.head
    if head is None or head.predicate is None or head.predicate.kind is not Kind.RELATION:
        return
    use = next((use for use in layout.body if use.about_patient), None)
    if use is not None:
        columns = "".join(f", {n}: {t}" for n, t in zip(head.predicate.parameters, head.predicate.types, strict=True))
        yield PATIENT_IN_RELATION.report(
            f"plain relation `{head.atom.predicate}` looks at a patient",
            place(use.span, "this depends on the patient"),
            place(head.span, "this does not name one"),
            hint=f"declare `.concept {head.atom.predicate}(P: patient{columns}) …` and add the patient",
        )
