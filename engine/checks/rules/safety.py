"""Check: every variable gets a value (GL213-GL215).

A patient variable may get it from what `atleast` counts as well: there is one patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Variable, variables_of

from ..codes import Code, place
from ..context import ANONYMOUS, VALUE_COLUMN, Context, Layout, Place, Use

UNSAFE = Code("GL213")
ANONYMOUS_MISUSED = Code("GL214")
UNSAFE_LOCAL = Code("GL215")
CODES = (UNSAFE, ANONYMOUS_MISUSED, UNSAFE_LOCAL)

_NUMBERED = re.compile(r"_[0-9]+")
_BY_PLACE = {Place.HEAD: 0, Place.BODY: 2, Place.MEMBER: 3, Place.CONDITION: 3}
_COMPARED = 1


def check_safety(context: Context) -> Iterator[Diagnostic]:
    """Variables without a value."""
    for layout in context.layouts:
        if layout.is_fact:
            continue
        yield from _anonymous(layout)
        yield from _locals(layout)
        if not layout.shared <= layout.bound:
            yield from _unsafe(layout)


def _unsafe(layout: Layout) -> Iterator[Diagnostic]:
    patients = {v.name for v in layout.patients}
    excused = layout.bound | layout.uncertain | _values_not_taken(layout)
    if len(patients) > 1 or any(use.about_patient and _is_no_variable(use) for use in layout.uses):
        excused |= patients
    excused |= {
        use.atom.terms[0].name
        for use in layout.uses
        if use.place is Place.MEMBER
        and not use.negated
        and use.about_patient
        and isinstance(use.atom.terms[0], Variable)
    }
    first: dict[str, tuple[int, Variable]] = {}
    for rank, variable in _occurrences(layout):
        name = variable.name
        if name in excused or name not in layout.shared or _waits(layout, name):
            continue
        if name not in first or rank < first[name][0]:
            first[name] = (rank, variable)
    for name, (rank, variable) in first.items():
        yield _report(layout, name, variable, in_head=rank == 0, patient=name in patients)


def _report(layout: Layout, name: str, variable: Variable, *, in_head: bool, patient: bool) -> Diagnostic:
    if patient:
        hint = f"add the condition `patient({name})`"
    elif any(c.operator == "=" and c.right == variable for c in layout.comparisons) and layout.measured:
        hint = f"to name a value that is computed from measures, write `{name} = …`"
    elif in_head:
        hint = f"add a condition that gives `{name}` a value, or remove it from the conclusion"
    else:
        hint = f"add a condition that gives `{name}` a value"
    return UNSAFE.report(
        f"unsafe variable `{name}`", place(variable.span, "never bound by a positive condition"), hint=hint
    )


def _occurrences(layout: Layout) -> Iterator[tuple[int, Variable]]:
    for use in layout.uses:
        for variable in variables_of(use.atom):
            yield _BY_PLACE[use.place], variable
    for comparison in layout.comparisons:
        for variable in variables_of(comparison):
            yield _COMPARED, variable


def _waits(layout: Layout, name: str) -> bool:
    """Whether `=` would bind the variable if another one had a value: then only that one is reported."""
    for comparison in layout.comparisons:
        if comparison.operator == "=" and isinstance(comparison.left, Variable) and comparison.left.name == name:
            others = {v.name for v in variables_of(comparison.right)}
            if name not in others and not others <= layout.bound:
                return True
    return False


def _values_not_taken(layout: Layout) -> set[str]:
    """Values of measures that are negated or counted; `measured` reports those literals."""
    values = (use.atom.terms[VALUE_COLUMN] for use in layout.uses if use.is_measure and not use.binds)
    return {value.name for value in values if isinstance(value, Variable)}


def _is_no_variable(use: Use) -> bool:
    term = use.atom.terms[0]
    return not isinstance(term, Variable) or term.name == ANONYMOUS


def _anonymous(layout: Layout) -> Iterator[Diagnostic]:
    for use in layout.uses:
        for index, variable in enumerate(use.atom.terms):
            if not isinstance(variable, Variable) or (use.about_patient and index == 0):
                continue
            if variable.name == ANONYMOUS and (use.negated or use.place is Place.HEAD):
                where = "in a conclusion" if use.place is Place.HEAD else "under `!`"
                hint = None if use.place is Place.HEAD else "define a relation without that column, and negate it"
                yield ANONYMOUS_MISUSED.report(f"`_` {where}", place(variable.span, "has no value here"), hint=hint)
    for comparison in layout.comparisons:
        for variable in variables_of(comparison):
            if variable.name == ANONYMOUS:
                yield ANONYMOUS_MISUSED.report("`_` in a comparison", place(variable.span, "has no value here"))
    numbered = {v.name: v for _, v in reversed(list(_occurrences(layout))) if _NUMBERED.fullmatch(v.name)}
    for name, variable in numbered.items():
        yield ANONYMOUS_MISUSED.report(
            f"`{name}` cannot be a variable",
            place(variable.span, "choose another name"),
            notes=("`_` is called so in certificates",),
        )


def _locals(layout: Layout) -> Iterator[Diagnostic]:
    members: dict[int, list[Use]] = {}
    for use in layout.uses:
        if use.member is not None:
            members.setdefault(use.member, []).append(use)
    patients = {v.name for v in layout.patients}
    for uses in members.values():
        given = {
            v.name for use in uses if use.place is Place.CONDITION and not use.negated for v in variables_of(use.atom)
        }
        reported: set[str] = set()
        for use in uses:
            if use.is_measure:
                continue
            for index, variable in enumerate(use.atom.terms):
                if not isinstance(variable, Variable) or (use.about_patient and index == 0):
                    continue
                name = variable.name
                if name == ANONYMOUS:
                    local = use.place is Place.MEMBER and not use.negated
                else:
                    local = name not in layout.shared | patients | given | reported
                if local:
                    reported.add(name)
                    yield UNSAFE_LOCAL.report(
                        f"`{name}` has no value in this member of `atleast`",
                        place(variable.span, "in no positive condition of the member"),
                        hint=_member_hint(use, name),
                    )


def _member_hint(use: Use, name: str) -> str:
    shown = "F" if name == ANONYMOUS else name
    atom = use.atom.predicate
    return f"say which are counted, behind a colon: `{atom}(…, {shown}) : relation({shown})`"
