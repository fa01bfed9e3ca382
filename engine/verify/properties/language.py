"""Read `properties.dl`: what a guideline promises about all its patients (docs/proving.md).

The file is written in the rule language and read by the same parser and checks, together with the guideline's rules
and a few predicates that only properties have, defined here with the mistakes in their use: whether each property has
an id, words and a right shape, and is about names that exist. Concepts and relations that the file declares serve its
properties and nothing else. Guarantees: every property is about declared names, and grounding it leaves the
guideline's own instances as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from guidelog.checks import check_program
from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, Label, Severity, nearest
from guidelog.ground.grounder import ground
from guidelog.ground.program import Atom, GroundProgram, GroundRule
from guidelog.language import parse, tree
from guidelog.language.guideline import PROPERTIES
from guidelog.language.names import in_force, names_of
from guidelog.language.vocabulary import Vocabulary
from guidelog.semantics.status import Status
from guidelog.source import Source, Span


class Kind(Enum):
    """What a property says; the name of the predicate in its head."""

    NEVER = "never"  # no patient has all of the body
    ALWAYS = "always"  # whoever has all of the body certainly has X
    KEEPS = "keeps"  # who has all of the body and X keeps X
    STABLE = "stable"  # who has all of the body keeps a determined answer


UNKNOWN, ANSWER, ADDS, LEARNS, KEPT = "unknown", "answer", "adds", "learns", "ranges_kept"
SCREENED, CAUTIONED = "screened", "cautioned"
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
            case "screened", (_, tree.Symbol(name) as term):
                known, what = list(program.names.vocabulary.screens), "screen"
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


_DECLARED = (
    ".decl intervention(A: intervention)",
    ".decl status(S: symbol)",
    ".decl can_be_unknown(X: symbol)",
    ".concept answer(P: patient, A: intervention, S: symbol)",
    ".concept unknown(P: patient, X: symbol)",
    ".decl screen(S: symbol)",
    ".concept screened(P: patient, S: symbol)",
    ".concept cautioned(P: patient, A: intervention)",
    ".concept adds(P: patient, F: finding)",
    ".concept learns(P: patient)",
    ".concept ranges_kept(P: patient)",
    ".concept never(P: patient)",
    ".concept always(P: patient, X: symbol)",
    ".concept keeps(P: patient, X: symbol)",
    ".concept stable(P: patient, A: intervention)",
)
_RULES = (
    '#[id = "ANSWER"] answer(P, A, S) :- patient(P), intervention(A), status(S).',
    '#[id = "UNKNOWN"] unknown(P, X) :- patient(P), can_be_unknown(X).',
    '#[id = "CAUTIONED"] cautioned(P, A) :- patient(P), intervention(A).',
    '#[id = "ADDS"] adds(P, F) :- finding(P, F).',
    '#[id = "LEARNS"] learns(P) :- patient(P).',
    '#[id = "KEPT"] ranges_kept(P) :- patient(P).',
)
_RESERVED = {line.split("(")[0].split()[1] for line in _DECLARED}


@dataclass(frozen=True)
class Property:
    """One promise: its ground instances, each with the patient symbolic."""

    id: str
    says: str
    kind: Kind
    instances: tuple[GroundRule, ...]
    span: Span | None

    def compares(self) -> bool:
        """Whether it is about a patient before and after something."""
        return self.kind in (Kind.KEEPS, Kind.STABLE)


@dataclass(frozen=True)
class Properties:
    """All properties of a guideline, and the ground program that they are about.

    The guideline's with their own concepts.
    """

    properties: tuple[Property, ...]
    program: GroundProgram

    def choose(self, wanted: tuple[str, ...]) -> Properties:
        """Only the named ones. Raises InputError (GL802)."""
        known = [p.id for p in self.properties]
        for name in wanted:
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(known) or 'none'}"
                raise InputError.of("GL802", f"there is no property `{name}`", hint=hint)
        return replace(self, properties=tuple(p for p in self.properties if not wanted or p.id in wanted))


def read_properties(compiled: Compiled, text: str | None = None) -> Properties:
    """The properties of a guideline, from its `properties.dl` or from a text; none when it has no such file.

    Raises InputError with everything that is wrong in the file.
    """
    source = _source(compiled.guideline.folder, text)
    if source is None:
        return Properties((), compiled.ground)
    own, problems = parse(source)
    prelude, more = parse(Source("<built in>", _prelude(compiled, own)))
    assert not more, "the built-in text can be read"
    problems = [*problems, *_clashes(compiled)]
    statements = (*compiled.program.statements, *prelude.statements, *own.statements)
    sources = (*compiled.program.sources, *prelude.sources, *own.sources)
    program = tree.Program(statements, sources)
    names = names_of(program)
    if not problems:
        # The guideline's own rules were checked when it was read; here they would only take time.
        checked = tree.Program((*compiled.program.declarations, *prelude.statements, *own.statements), sources)
        problems = [d for d in check_program(checked, names) if d.severity is Severity.ERROR and _about(d, source)]
    problems += shape_of(own)
    if problems:
        raise InputError(problems)
    grounded = ground(program, names, compiled.readings)
    problems = [d for rule in own.rules for d in names_in(rule, grounded)]
    problems += loops_in(grounded, {d.name for d in own.declarations})
    if problems:
        raise InputError(problems)
    return Properties(tuple(_properties(own, grounded)), grounded)


def _source(folder: Path, text: str | None) -> Source | None:
    path = folder / PROPERTIES
    if text is None:
        if not path.is_file():
            return None
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise InputError.of("GL603", f"`{path}` cannot be read as UTF-8 text") from None
    try:
        shown = path.relative_to(Path.cwd())
    except ValueError:
        shown = path
    return Source(str(shown), text)


def _prelude(compiled: Compiled, own: tree.Program) -> str:
    vocabulary = compiled.names.vocabulary
    concepts = [p.name for p in compiled.names.predicates.values() if p.types == ("patient",) and p.name != "patient"]
    declared = [d.name for d in own.declarations if d.keyword == "concept" and len(d.parameters or ()) == 1]
    facts = [f"intervention({name})." for name in vocabulary.interventions]
    facts += [f"status({status.value})." for status in Status]
    facts += [
        f"can_be_unknown({name})."
        for name in dict.fromkeys((*vocabulary.findings, *vocabulary.measures, *concepts, *declared))
    ]
    facts += [f"screen({name})." for name in vocabulary.screens]
    return "\n".join((*_DECLARED, *facts, *_RULES, *_screened(vocabulary)))


def _screened(vocabulary: Vocabulary) -> Iterator[str]:
    """For each screen that nothing is unknown of what its completion would close."""
    for screen in vocabulary.screens.values():
        closes = (m for m in screen.members if m in vocabulary.findings or vocabulary.measures[m].unlisted is not None)
        body = ", ".join(("patient(P)", *(f"!{UNKNOWN}(P, {member})" for member in closes)))
        yield f'#[id = "SCREENED-{screen.name}"] {SCREENED}(P, {screen.name}) :- {body}.'


def _clashes(compiled: Compiled) -> Iterator[Diagnostic]:
    for name in _RESERVED & set(compiled.names.predicates):
        yield Diagnostic(
            "GL801", f"properties have a predicate `{name}` of their own, so the guideline cannot declare one"
        )


def _about(diagnostic: Diagnostic, source: Source) -> bool:
    return any(label.span.source is source for label in diagnostic.labels)


def _properties(own: tree.Program, program: GroundProgram) -> Iterator[Property]:
    kinds: Mapping[str, Kind] = {k.value: k for k in Kind}
    by_id: dict[str, list[GroundRule]] = {}
    for atom, rules in program.instances.items():
        if atom[0] in kinds:
            for rule in rules:
                by_id.setdefault(rule.rule.id or "", []).append(rule)
    for written in own.rules:
        if written.head is not None and written.head.predicate in kinds and in_force(written, program.readings):
            says = written.annotation("says")
            yield Property(
                written.id or "",
                tree.plain(says) if says else "",
                kinds[written.head.predicate],
                tuple(by_id.get(written.id or "", ())),
                written.span,
            )
