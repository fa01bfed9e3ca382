"""Check: predicates and constants in rules are declared, with as many arguments as columns (GL201-GL203).

A name that is missing in many places is reported once, at the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.stances import STANCES
from guidelog.language.tree import Symbol

from ..codes import Code, elsewhere, joined, place
from ..context import ARTICLES, Context, Place, Use, typed_constants

WRONG_ARITY = Code("GL203")

UNDECLARED_PREDICATE = Code("GL201")
UNDECLARED_CONSTANT = Code("GL202")
_ATTRIBUTES = {"measure": " unit(…) range(…, …)"}
_INPUT_KINDS = ("finding", "measure", "intervention")

CODES = (WRONG_ARITY, UNDECLARED_PREDICATE, UNDECLARED_CONSTANT)


def check_arity(context: Context) -> Iterator[Diagnostic]:
    """Atoms with too few or too many arguments."""
    for layout in context.layouts:
        for use in layout.uses:
            predicate = context.names.predicates.get(use.atom.predicate)
            if predicate is None or use.atom.predicate in context.unsound or predicate.arity == len(use.atom.terms):
                continue
            columns = ", ".join(f"{n}: {t}" for n, t in zip(predicate.parameters, predicate.types, strict=True))
            given = len(use.atom.terms)
            yield WRONG_ARITY.report(
                f"`{predicate.name}` takes {_arguments(predicate.arity)}, not {given}",
                place(use.atom.span or use.span, f"`{predicate.name}({columns})`"),
                context.declared(predicate.name, "concept", "decl"),
            )


def _arguments(count: int) -> str:
    return "no argument" if count == 0 else "1 argument" if count == 1 else f"{count} arguments"


def check_declared(context: Context) -> Iterator[Diagnostic]:
    """Predicates and constants that are not declared."""
    yield from _predicates(context)
    yield from _constants(context)


def _predicates(context: Context) -> Iterator[Diagnostic]:
    missing: dict[str, list[Use]] = {}
    for layout in context.layouts:
        for use in layout.uses:
            name = use.atom.predicate
            if use.predicate is None and name not in context.names.predicates and name not in context.half_declared:
                missing.setdefault(name, []).append(use)
    for name, uses in missing.items():
        first = uses[0]
        notes = elsewhere(len(uses) - 1)
        where = first.atom.name_span or first.span
        kind = _meant_as_input(context, name)
        if kind is not None:
            yield UNDECLARED_PREDICATE.report(
                f"`{name}` is not a predicate but {ARTICLES[kind]}",
                place(where),
                context.declared(name, kind),
                notes=notes,
                hint=f"write `{_written_out(kind, name)}`",
            )
            continue
        near = _nearest(context, name, len(first.atom.terms))
        yield UNDECLARED_PREDICATE.report(
            f"`{name}` is not declared",
            place(where, f"did you mean `{near}`?" if near else ""),
            context.declared(near, "concept", "decl"),
            notes=notes,
            hint=None if near else _how_to_declare(first),
        )


def _nearest(context: Context, name: str, arity: int) -> str | None:
    """The nearest declared predicate; one with as many columns is preferred."""
    predicates = context.names.predicates
    return context.near(name, [n for n, p in predicates.items() if p.arity == arity]) or context.near(name, predicates)


def _meant_as_input(context: Context, name: str) -> str | None:
    return next((kind for kind in _INPUT_KINDS if name in (context.names.constants(kind) or ())), None)


def _written_out(kind: str, name: str) -> str:
    match kind:
        case "finding":
            return f"finding(P, {name})"
        case "measure":
            return f"measure(P, {name}, V)"
        case _:
            return f"advise(P, {name}, do)"


def _how_to_declare(use: Use) -> str:
    if use.place is Place.CONDITION:
        return f"declare it: `.decl {use.atom.predicate}(F: finding)`"
    return f'declare it: `.concept {use.atom.predicate}(P: patient) true("…") false("…")`'


def _constants(context: Context) -> Iterator[Diagnostic]:
    missing: dict[tuple[str, str], list[Symbol]] = {}
    for layout in context.layouts:
        for constant, type_ in typed_constants(layout):
            names = context.names.constants(type_)
            if isinstance(constant, Symbol) and names is not None and constant.name not in names:
                missing.setdefault((type_, constant.name), []).append(constant)
    for (type_, name), constants in missing.items():
        if name in context.half_declared:
            continue
        notes = elsewhere(len(constants) - 1)
        other = next(
            (kind for kind in _INPUT_KINDS if kind != type_ and name in (context.names.constants(kind) or ())), None
        )
        if other is not None:
            yield UNDECLARED_CONSTANT.report(
                f"`{name}` is {ARTICLES[other]}, not {ARTICLES[type_]}",
                place(constants[0].span, f"{ARTICLES[type_]} belongs here"),
                context.declared(name, other),
                notes=notes,
            )
            continue
        near = context.near(name, context.names.constants(type_) or ())
        hint = (
            f"stances are {joined(STANCES)}"
            if type_ == "stance"
            else f'declare it: `.{type_} {name} "…"{_ATTRIBUTES.get(type_, "")}`'
        )
        yield UNDECLARED_CONSTANT.report(
            f"{type_} `{name}` is not {'known' if type_ == 'stance' else 'declared'}",
            place(constants[0].span, f"did you mean `{near}`?" if near else ""),
            context.declared(near, type_),
            notes=notes,
            hint=None if near else hint,
        )
