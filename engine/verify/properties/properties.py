"""Read `properties.dl`: what a guideline promises about all its patients (docs/proving.md).

The file is written in the rule language and read by the same parser and checks, together with the guideline's rules
and a few predicates that only properties have. Concepts and relations that it declares serve its properties and
nothing else. Guarantees: every property is about declared names, and grounding it leaves the guideline's own
instances as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guidelog.checks import check_program
from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, Severity, nearest
from guidelog.ground.ground import GroundProgram, GroundRule
from guidelog.ground.grounder import ground
from guidelog.language import parse, tree
from guidelog.language.guideline import PROPERTIES
from guidelog.language.names import in_force, names_of
from guidelog.semantics.status import Status
from guidelog.source import Source, Span

from .promises import Kind, loops_in, names_in, shape_of

_DECLARED = (
    ".decl intervention(A: intervention)",
    ".decl status(S: symbol)",
    ".decl can_be_unknown(X: symbol)",
    ".concept answer(P: patient, A: intervention, S: symbol)",
    ".concept unknown(P: patient, X: symbol)",
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
    return "\n".join((*_DECLARED, *facts, *_RULES))


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
