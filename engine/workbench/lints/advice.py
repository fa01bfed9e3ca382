"""Advice to authors: what is allowed and yet most likely a slip (GL901-GL909), each with its code and examples.

The checks of `checks` say what is wrong; these say what is idle, double or out of step. They look at the whole program,
at all possible patients and at the vignettes, so they run in `guidelog check` and not before every answer. A finding
can be silenced where it stands, with a reason (see `suppressions`). Mechanical ones carry a `Fix`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from guidelog.checks.codes import Code, place
from guidelog.diagnostics import Diagnostic, Severity
from guidelog.ground.program import GroundProgram
from guidelog.language import print_element, tree
from guidelog.language.names import Kind, Names
from guidelog.semantics.bdd import TooLarge
from guidelog.source import Span

from ..all_patients.mcdc import criterion_never_decides
from ..all_patients.space import Space

_BASE = """\
.finding sign_a "sign A"
.intervention step_a "step A"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SCOPE", statements = ["S1"]]
in_scope(P) :- finding(P, sign_a).
"""


def _code(code: str, title: str, text: str, bad: str, good: str) -> Code:
    return Code(code, title, text, _BASE + bad, _BASE + good, Severity.WARNING, alone=True)


_DO = '#[id = "DO", statements = ["S1"], cites = [], strength = strong, says = "Do step A"]\n'
_DO_SCOPE = _DO + "advise(P, step_a, do) :- in_scope(P)."
UNUSED = _code(
    "GL901",
    "declared and never used",
    "Nothing refers to this name. A finding that no rule looks at is asked for nothing; a concept that no rule uses "
    "changes no answer. Background for a record is fine: silence it with the reason.",
    '.finding sign_b "sign B"\n' + _DO_SCOPE,
    _DO_SCOPE,
)
SINGLETON = _code(
    "GL902",
    "variable that occurs once",
    "A variable that occurs once joins nothing: either it is misspelt, or any value will do, which is written `_`.",
    _DO + "advise(P, step_a, do) :- in_scope(P), finding(P, Sign).",
    _DO + "advise(P, step_a, do) :- in_scope(P), finding(P, _).",
)
SUBSUMED = _code(
    "GL903",
    "rule that another one makes needless",
    "Another rule gives the same conclusion under fewer of the same conditions, so this one adds nothing.",
    _DO_SCOPE + "\n" + _DO.replace("DO", "DO2") + "advise(P, step_a, do) :- in_scope(P), finding(P, sign_a).",
    _DO_SCOPE,
)
NEVER_MATTERS = _code(
    "GL904",
    "condition that never matters",
    "For every possible patient, whenever the rule's other conditions hold, this one holds too, or something else "
    "gives the "
    "conclusion anyway. Found by a search over all patients that the background rules allow.",
    _DO + "advise(P, step_a, do) :- in_scope(P), finding(P, sign_a).",
    _DO_SCOPE,
)
NO_RULE = _code(
    "GL905",
    "statement that no rule encodes",
    'A statement is encoded by the rules that name it, or says with `norule("…")` why none follows from it.',
    '.statement S2 "more" kind(note) cites()\n' + _DO_SCOPE,
    '.statement S2 "more" kind(note) cites()\n    norule("history, and no advice")\n' + _DO_SCOPE,
)
NO_VIGNETTE = _code(
    "GL906",
    "rule that holds in no vignette",
    "No vignette of this guideline has a patient for whom the rule holds, so nothing tests it. Reported only where "
    "there "
    "are vignettes.",
    _DO_SCOPE,
    _DO_SCOPE,
)
UNUSED_DECISION = _code(
    "GL907",
    "decision that nothing refers to",
    "A decision is named by the rules that rest on it, by a reading, or by an intervention with `silent`; otherwise "
    "answers "
    "never show it.",
    '.decision Q1 "open" decided("so")\n' + _DO_SCOPE,
    '.decision Q1 "open" decided("so")\n' + _DO_SCOPE.replace("strength", 'decisions = ["Q1"], strength'),
)
STRENGTHS = _code(
    "GL908",
    "one statement with two strengths",
    "Rules of the same stance that rest on the same statement have the same strength; the source gives one.",
    '.finding sign_b "sign B"\n'
    + _DO
    + "advise(P, step_a, do) :- in_scope(P), finding(P, sign_b).\n"
    + _DO.replace("DO", "DO2").replace("strong", "conditional")
    + "advise(P, step_a, do) :- in_scope(P), !finding(P, sign_b).",
    _DO_SCOPE,
)
_MEASURE = '.measure wait "waiting" unit(week) range(0, 52)\n.finding sign_b "sign B"\n'
_WAIT = "advise(P, step_a, do) :- in_scope(P), {}finding(P, sign_b), measure(P, wait, W), W >= {}."
THRESHOLDS = _code(
    "GL909",
    "one statement with two thresholds",
    "Rules with the same conclusion that rest on the same statement compare a measure with different numbers. Two "
    "readings of "
    "one sentence are a declared `.reading`.",
    _MEASURE + _DO + _WAIT.format("", 6) + "\n" + _DO.replace("DO", "DO2") + _WAIT.format("!", 8),
    _MEASURE + _DO + _WAIT.format("", 6) + "\n" + _DO.replace("DO", "DO2") + _WAIT.format("!", 6),
)
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
        found += _never_matters(grounded)
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


def _never_matters(program: GroundProgram) -> Iterator[Advice]:
    try:
        space = Space.of(program)
        for instance, index in criterion_never_decides(program, space):
            element = instance.rule.body[index]
            yield Advice(
                NEVER_MATTERS.report(
                    f"`{print_element(element)}` never matters",
                    place(element.span, "without it the rule holds for the same patients"),
                )
            )
    except TooLarge:
        return  # too many patients to search; `--format json` of `test --mutate` has what can be found by mutants


def _statements(program: tree.Program, names: Names) -> Iterator[Advice]:
    encoded = {s for rule in program.rules for s in rule.listed("statements")}
    for info in names.statements.values():
        if info.id not in encoded and info.norule is None:
            yield Advice(NO_RULE.report(f"no rule encodes statement `{info.id}`", place(info.declaration.name_span)))


def _untested(program: GroundProgram, holding: Mapping[str, Sequence[str]]) -> Iterator[Advice]:
    for clause in program.clauses:
        rule = clause.rule
        if rule.head is not None and rule.body and rule.id and not holding.get(rule.id):
            yield Advice(NO_VIGNETTE.report(f"rule `{rule.id}` holds in no vignette", place(rule.head.span)))


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
