"""Advice to authors: what is allowed and yet most likely a slip (GL901-GL909), each with its code and examples.

The checks of `checks` say what is wrong; these say what is idle, double or out of step. They look at the whole program,
at all possible patients and at the vignettes, so they run in `guidelog check` and not before every answer. A finding
can be silenced where it stands, with a reason (see `suppressions`). Mechanical ones carry a `Fix`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from guidelog.checks import check_program
from guidelog.checks.codes import Code, place
from guidelog.diagnostics import Diagnostic, Severity
from guidelog.ground.program import GroundAtLeast, GroundProgram, atom_text
from guidelog.language import print_element, tree
from guidelog.language.names import Kind, Names
from guidelog.semantics.bdd import FALSE, TooLarge
from guidelog.source import Span

from ..all_patients.mcdc import criterion_never_decides
from ..all_patients.space import Space

UNUSED = Code("GL901", Severity.WARNING, alone=True)
SINGLETON = Code("GL902", Severity.WARNING, alone=True)
SUBSUMED = Code("GL903", Severity.WARNING, alone=True)
NEVER_MATTERS = Code("GL904", Severity.WARNING, alone=True)
NO_RULE = Code("GL905", Severity.WARNING, alone=True)
NO_VIGNETTE = Code("GL906", Severity.WARNING, alone=True)
UNUSED_DECISION = Code("GL907", Severity.WARNING, alone=True)
STRENGTHS = Code("GL908", Severity.WARNING, alone=True)
_MEASURE = '.measure wait "waiting" unit(week) range(0, 52)\n.finding sign_b "sign B"\n'
_WAIT = "advise(P, step_a, do) :- in_scope(P), {}finding(P, sign_b), measure(P, wait, W), W >= {}."
THRESHOLDS = Code("GL909", Severity.WARNING, alone=True)
COUNTED_ONCE = Code("GL912", Severity.WARNING, alone=True)
NO_PATIENT = Code("GL913", alone=True)
LINTS = (
    UNUSED,
    SINGLETON,
    SUBSUMED,
    NEVER_MATTERS,
    NO_RULE,
    NO_VIGNETTE,
    UNUSED_DECISION,
    STRENGTHS,
    THRESHOLDS,
    COUNTED_ONCE,
    NO_PATIENT,
)


@dataclass(frozen=True, slots=True)
class Fix:
    """What to put in the place of a span."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """A diagnostic, and its fix when there is a mechanical one."""

    diagnostic: Diagnostic
    fix: Fix | None = None


def lint(
    program: tree.Program, names: Names, grounded: GroundProgram | None, holding: Mapping[str, Sequence[str]] | None
) -> list[Advice]:
    """All advice on a program.

    `grounded` is None when it has errors; `holding` maps rules to vignettes and is None where there are none.
    """
    found = [
        *_unused(program, names),
        *_singletons(program),
        *_subsumed(program),
        *_statements(program, names),
        *_decisions(program, names),
        *_strengths(program),
        *_thresholds(program),
    ]
    if grounded is not None:
        found += _never_matters(program, names, grounded)
        found += _counted_once(grounded)
        found += _no_patient(grounded)
        if holding is not None:
            found += _untested(grounded, holding)
    return found


def _unused(program: tree.Program, names: Names) -> Iterator[Advice]:
    used = _used(program)
    for declaration in program.declarations:
        name, keyword = declaration.name, declaration.keyword
        if keyword not in _IDLE or name in used[_IDLE[keyword]]:
            continue
        predicate = names.predicates.get(name)
        if _IDLE[keyword] == "predicate" and (predicate is None or predicate.kind is Kind.BUILT_IN):
            continue
        yield Advice(UNUSED.report(f"{_ARTICLE[keyword]} `{name}` is never used", place(declaration.name_span)))


_IDLE = {
    "finding": "constant",
    "measure": "constant",
    "intervention": "constant",
    "screen": "screen",
    "concept": "predicate",
    "decl": "predicate",
}
_ARTICLE = {
    "finding": "finding",
    "measure": "measure",
    "intervention": "intervention",
    "screen": "screen",
    "concept": "concept",
    "decl": "relation",
}


def _used(program: tree.Program) -> dict[str, set[str]]:
    constants: set[str] = set()
    predicates: set[str] = set()
    screens: set[str] = set()
    for declaration in program.declarations:
        screens.update(tree.plain(v) for v in declaration.values("screen"))
    for rule in program.rules:
        constants.update(rule.listed("not_required"))
        for atom in (a for e in rule.body for a in tree.atoms_of(e)):
            predicates.add(atom.predicate)
            constants.update(t.name for t in atom.terms if isinstance(t, tree.Symbol))
        for element in rule.body:
            if isinstance(element, tree.Comparison):
                constants.update(s.name for s in (element.left, element.right) if isinstance(s, tree.Symbol))
        if rule.head is not None:
            constants.update(t.name for t in rule.head.terms if isinstance(t, tree.Symbol))
    return {"constant": constants, "predicate": predicates, "screen": screens}


def _singletons(program: tree.Program) -> Iterator[Advice]:
    for rule in program.rules:
        nodes: list[tree.Atom | tree.Element] = [*([rule.head] if rule.head else []), *rule.body]
        variables = [v for node in nodes for v in tree.variables_of(node)]
        counts = Counter(v.name for v in variables)
        says = rule.annotation("says")
        words = tree.plain(says) if says else ""
        for variable in variables:
            if counts[variable.name] == 1 and not variable.name.startswith("_") and f"{{{variable.name}}}" not in words:
                if rule.head is not None and variable in rule.head.terms:
                    continue  # unsafe, and an error already
                message = f"variable `{variable.name}` occurs only once"
                diagnostic = SINGLETON.report(message, place(variable.span, "write `_` if any value will do"))
                yield Advice(diagnostic, None if variable.span is None else Fix(variable.span, "_"))


def _subsumed(program: tree.Program) -> Iterator[Advice]:
    by_head: dict[tree.Atom, list[tree.Rule]] = {}
    for rule in program.rules:
        if rule.head is not None and rule.body and rule.head.predicate not in ("note", "include"):
            by_head.setdefault(rule.head, []).append(rule)
    for rules in by_head.values():
        bodies = [frozenset(rule.body) for rule in rules]
        for index, rule in enumerate(rules):
            for other, body in enumerate(bodies):
                same = _when(rule) == _when(rules[other]) or _when(rules[other]) is None
                fewer = body < bodies[index] or (body == bodies[index] and other < index)
                if other != index and same and fewer:
                    yield Advice(
                        SUBSUMED.report(
                            f"rule `{rule.id}` adds nothing to `{rules[other].id}`",
                            place(rule.head.span if rule.head else None),
                            place(_head_span(rules[other]), "holds under fewer conditions"),
                        )
                    )
                    break


def _no_patient(program: GroundProgram) -> Iterator[Advice]:
    """Background rules that no patient at all satisfies together."""
    if not program.denials:
        return
    try:
        possible = Space.of(program).constraint
    except TooLarge:
        return
    if possible == FALSE:
        spans = [d.rule.body[0].span for d in program.denials if d.rule.body]
        yield Advice(
            NO_PATIENT.report(
                "the background rules together are about nobody: every patient breaks one of them",
                *(place(span) for span in dict.fromkeys(spans)),
            )
        )


def _counted_once(program: GroundProgram) -> Iterator[Advice]:
    """Counts whose members say the same more than once: each is counted once, which is seldom what points mean."""
    seen: set[tuple[int, int]] = set()
    for instance in (i for rules in program.instances.values() for i in rules):
        for place_, element in enumerate(instance.elements):
            written = instance.rule.body[place_]
            if not (isinstance(element, GroundAtLeast) and isinstance(written, tree.AtLeast) and element.repeated):
                continue
            if (id(instance.rule), place_) not in seen:
                seen.add((id(instance.rule), place_))
                message = f"`atleast` meets `{atom_text(element.repeated[0].atom)}` more than once and counts it once"
                yield Advice(COUNTED_ONCE.report(message, place(written.span, "members that say the same are one")))


def _never_matters(tree_: tree.Program, names: Names, program: GroundProgram) -> Iterator[Advice]:
    try:
        space = Space.of(program)
        for instance, index in criterion_never_decides(program, space):
            element = instance.rule.body[index]
            if not _may_be_left_out(tree_, names, instance.rule, index):
                continue
            yield Advice(
                NEVER_MATTERS.report(
                    f"`{print_element(element)}` never matters",
                    place(element.span, "without it the rule holds for the same patients"),
                )
            )
    except TooLarge:
        return  # too many patients to search; `--format json` of `test --mutate` has what can be found by mutants


def _may_be_left_out(program: tree.Program, names: Names, rule: tree.Rule, index: int) -> bool:
    """Whether the program without a condition is still one: advice that breaks it is none."""
    fewer = replace(rule, body=(*rule.body[:index], *rule.body[index + 1 :]))
    if not fewer.body:
        return False
    changed = replace(program, statements=tuple(fewer if s is rule else s for s in program.statements))
    known = {(d.code, d.message) for d in check_program(program, names)}
    return all(d.severity is not Severity.ERROR or (d.code, d.message) in known for d in check_program(changed, names))


def _statements(program: tree.Program, names: Names) -> Iterator[Advice]:
    encoded = {s for rule in program.rules for s in rule.listed("statements")}
    for info in names.statements.values():
        if info.id not in encoded and info.norule is None:
            yield Advice(NO_RULE.report(f"no rule encodes statement `{info.id}`", place(info.declaration.name_span)))


_FEW = 3
_MOST_NAMED = 12


def _untested(program: GroundProgram, holding: Mapping[str, Sequence[str]]) -> Iterator[Advice]:
    rules = [c.rule for c in program.clauses if c.rule.head is not None and c.rule.body and c.rule.id]
    untested = [rule for rule in rules if not holding.get(rule.id or "")]
    if len(untested) <= _FEW:
        for rule in untested:
            message = f"rule `{rule.id}` holds in no vignette"
            yield Advice(NO_VIGNETTE.report(message, place(rule.head.span if rule.head else None)))
        return
    named = ", ".join(f"`{rule.id}`" for rule in untested[:_MOST_NAMED])
    more = f" and {len(untested) - _MOST_NAMED} more" if len(untested) > _MOST_NAMED else ""
    first = untested[0].head
    yield Advice(
        NO_VIGNETTE.report(
            f"{len(untested)} of {len(rules)} rules hold in no vignette: {named}{more}",
            place(first.span if first else None, "the first of them"),
        )
    )


def _decisions(program: tree.Program, names: Names) -> Iterator[Advice]:
    used = {d for rule in program.rules for d in rule.listed("decisions")}
    used |= {d for i in names.vocabulary.interventions.values() for d in i.silent}
    used |= {r.decision for r in names.readings.values() if r.decision}
    for decision in names.decisions.values():
        if decision.id not in used:
            span = decision.declaration.name_span
            yield Advice(UNUSED_DECISION.report(f"nothing refers to decision `{decision.id}`", place(span)))


def _strengths(program: tree.Program) -> Iterator[Advice]:
    first: dict[tuple[str, str], tree.Rule] = {}
    for rule in _advising(program):
        assert rule.head is not None
        stance = getattr(rule.head.terms[-1], "name", "")
        for statement in rule.listed("statements"):
            before = first.setdefault((statement, stance), rule)
            one, other = (r.annotation("strength") for r in (before, rule))
            if one is not None and other is not None and tree.plain(one) != tree.plain(other):
                yield Advice(
                    STRENGTHS.report(
                        f"statement `{statement}` is {tree.plain(one)} in one rule and {tree.plain(other)} in another",
                        place(other.span, tree.plain(other)),
                        place(one.span, tree.plain(one)),
                    )
                )
                break


def _thresholds(program: tree.Program) -> Iterator[Advice]:
    first: dict[tuple[object, ...], tuple[str, Span | None]] = {}
    for rule in program.rules:
        if rule.head is None or _when(rule) is not None:
            continue
        measures = {
            getattr(e.atom.terms[2], "name", ""): e.atom.terms[1]
            for e in rule.body
            if isinstance(e, tree.Literal) and e.atom.predicate == "measure" and len(e.atom.terms) == 3
        }
        for element in rule.body:
            if not isinstance(element, tree.Comparison) or not isinstance(element.left, tree.Variable):
                continue
            measure, right = measures.get(element.left.name), element.right
            if not isinstance(measure, tree.Symbol) or not isinstance(right, (tree.Number, tree.Range)):
                continue
            text = print_element(element)
            for statement in rule.listed("statements"):
                key = (statement, rule.head, measure.name, element.operator)
                before, span = first.setdefault(key, (text.split(" ", 1)[1], element.span))
                if before != text.split(" ", 1)[1]:
                    yield Advice(
                        THRESHOLDS.report(
                            f"statement `{statement}` compares `{measure.name}` with two thresholds",
                            place(element.span),
                            place(span, "the other one"),
                            hint="two readings of one sentence are declared with `.reading`",
                        )
                    )


def _advising(program: tree.Program) -> Iterable[tree.Rule]:
    return (r for r in program.rules if r.head is not None and r.head.predicate == "advise")


def _when(rule: tree.Rule) -> tuple[str, str] | None:
    reading, option = rule.annotation("reading"), rule.annotation("option")
    return None if reading is None else (tree.plain(reading), tree.plain(option) if option else "")


def _head_span(rule: tree.Rule) -> Span | None:
    return rule.head.span if rule.head else rule.span
