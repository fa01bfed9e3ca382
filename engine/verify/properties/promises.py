"""The words that properties have beside those of the guideline, and mistakes in their use.

Says whether each property has an id, words and a right shape, and whether it is about names that exist. That its rules
are typed and safe is seen to by the checks of all rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from guidelog.diagnostics import Diagnostic, Label, nearest
from guidelog.ground.ground import Atom, GroundProgram
from guidelog.language import tree
from guidelog.language.guideline import PROPERTIES
from guidelog.semantics.status import Status
from guidelog.source import Span


class Kind(Enum):
    """What a property says; the name of the predicate in its head."""

    NEVER = "never"  # no patient has all of the body
    ALWAYS = "always"  # whoever has all of the body certainly has X
    KEEPS = "keeps"  # who has all of the body and X keeps X
    STABLE = "stable"  # who has all of the body keeps a determined answer


UNKNOWN, ANSWER, ADDS, LEARNS, KEPT = "unknown", "answer", "adds", "learns", "ranges_kept"
"""Predicates that properties have beside those of the guideline."""


def modal(program: GroundProgram, atom: Atom) -> Atom:
    """What an `unknown(X)` atom is about: a finding, a measure, or a concept without further columns."""
    name = str(atom[1])
    vocabulary = program.names.vocabulary
    return (
        ("finding", name)
        if name in vocabulary.findings
        else ("measure", name)
        if name in vocabulary.measures
        else (name,)
    )


def shape_of(own: tree.Program) -> Iterator[Diagnostic]:
    """Each property has an id of its own and words; nothing else of the guideline's may be defined here."""
    seen: dict[str, Span | None] = {}
    kinds = {k.value for k in Kind}
    declared = {d.name for d in own.declarations}
    for declaration in own.declarations:
        if declaration.keyword not in ("concept", "decl"):
            span = declaration.span
            yield _diagnostic(
                "GL803",
                f"`.{declaration.keyword}` does not belong in {PROPERTIES}",
                span,
                "a property is about what the guideline declares",
            )
    for rule in own.rules:
        head = rule.head
        if head is None:
            yield _diagnostic("GL804", "a property has a head", rule.span, "write `never(P) :- …`")
        elif head.predicate in kinds:
            if rule.id is None or rule.annotation("says") is None:
                yield _diagnostic(
                    "GL805",
                    "a property has an `id` and says in words what it promises",
                    head.span,
                    'write `#[id = "…", says = "…"]` in front',
                )
            elif rule.id in seen:
                yield _diagnostic("GL806", f"two properties have the id `{rule.id}`", head.span, None)
            seen[rule.id or ""] = head.span
            if not rule.body:
                yield _diagnostic(
                    "GL807", "a property says about whom it is", head.span, "for everyone, write `:- patient(P)`"
                )
        elif head.predicate not in declared:
            near = nearest(head.predicate, [*kinds, *declared])
            yield _diagnostic(
                "GL808",
                f"`{head.predicate}` is neither a kind of property nor declared in {PROPERTIES}",
                head.name_span or head.span,
                f"did you mean `{near}`?" if near else f"kinds are {', '.join(sorted(kinds))}",
            )
        for element in rule.body:
            if isinstance(element, tree.Comparison) and isinstance(element.right, tree.Range):
                yield _diagnostic("GL812", "a property compares with one number, not with a range", element.span, None)
        yield from _misplaced(rule, head.predicate if head else "")


def _misplaced(rule: tree.Rule, head: str) -> Iterator[Diagnostic]:
    """`adds` and `learns` say what happens to a patient, so they stand once, plain, in a property that compares."""
    found = [(a, e) for e in rule.body for a in tree.atoms_of(e) if a.predicate in (ADDS, LEARNS)]
    compares = head in (Kind.KEEPS.value, Kind.STABLE.value)
    for atom, element in found[1:] if compares else found:
        yield _diagnostic(
            "GL809", f"`{atom.predicate}` stands once, in a property `keeps` or `stable`", element.span, None
        )
    if compares and not found:
        yield _diagnostic(
            "GL809", f"`{head}` is about a change: `adds(P, F)` or `learns(P)` is missing", rule.span, None
        )
    for atom, element in found[:1]:
        if not isinstance(element, tree.Literal) or element.negated:
            yield _diagnostic("GL809", f"`{atom.predicate}` stands on its own and without `!`", element.span, None)


def names_in(rule: tree.Rule, program: GroundProgram) -> Iterator[Diagnostic]:
    """Names in columns that the checks take for any symbol."""
    atoms = [*((rule.head,) if rule.head else ()), *(a for e in rule.body for a in tree.atoms_of(e))]
    can_hold = [a[1] for a in program.facts if a[0] == "can_be_unknown"]
    for atom in atoms:
        known: list[str]
        match atom.predicate, atom.terms:
            case "always" | "keeps" | "unknown", (_, tree.Symbol(name) as term):
                known = [str(n) for n in can_hold]
                if atom.predicate in (Kind.ALWAYS.value, Kind.KEEPS.value):
                    known = [n for n in known if n not in program.names.vocabulary.measures]
                what = "finding or concept"
            case "answer", (_, _, tree.Symbol(name) as term):
                known, what = [s.value for s in Status], "status"
            case _:
                continue
        if name not in known:
            near = nearest(name, known)
            yield _diagnostic(
                "GL810", f"there is no {what} `{name}`", term.span, f"did you mean `{near}`?" if near else None
            )


def loops_in(program: GroundProgram, own: set[str]) -> Iterator[Diagnostic]:
    """A concept of the properties may not rest on itself, also not by way of `unknown`."""
    done: set[Atom] = set()

    def below(atom: Atom) -> Iterator[Atom]:
        for rule in program.instances.get(atom, ()):
            for literal in rule.atoms():
                yield modal(program, literal.atom) if literal.atom[0] == UNKNOWN else literal.atom

    for start in [a for a in program.instances if a[0] in own]:
        stack: list[tuple[Atom, Iterator[Atom]]] = [(start, below(start))]
        path = {start}
        while stack:
            atom, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                path.discard(atom)
                done.add(atom)
            elif following in path:
                rule = program.instances[following][0].rule
                yield _diagnostic(
                    "GL811", f"`{following[0]}` rests on itself", rule.span, "a concept of properties may not"
                )
                return
            elif following[0] in own and following not in done:
                path.add(following)
                stack.append((following, below(following)))


def _diagnostic(code: str, message: str, span: Span | None, hint: str | None) -> Diagnostic:
    return Diagnostic(code, message, (Label(span),) if span else (), hint=hint)
