"""A rule, analysed: its patient variable, its measured variables and their linear forms, its other variables.

Every `_` gets a name of its own (`_1`, `_2`, … from left to right), so that substitutions can be written down. The
rule must have passed the checks; nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import tree
from .names import Names


@dataclass(frozen=True, slots=True)
class Linear:
    """`constant + sum of coefficient * variable`."""

    coefficients: Mapping[str, int]
    constant: int

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        """Plus `factor` times the other."""
        coefficients = dict(self.coefficients)
        for name, coefficient in other.coefficients.items():
            coefficients[name] = coefficients.get(name, 0) + factor * coefficient
        return Linear({n: c for n, c in coefficients.items() if c}, self.constant + factor * other.constant)

    def times(self, factor: int) -> Linear:
        """`factor` times this."""
        return Linear({n: c * factor for n, c in self.coefficients.items() if c * factor}, self.constant * factor)


@dataclass(frozen=True, slots=True)
class Clause:
    """An analysed rule.

    `measures` maps each variable that a `measure` literal binds to that literal's second term; `measured` maps every
    measured variable to its linear form over those and plain variables, and `definitions` are the equations that
    introduced the others. `variables` are those of a substitution.
    """

    rule: tree.Rule
    patient: str | None
    measures: Mapping[str, tree.Term]
    measured: Mapping[str, Linear]
    definitions: tuple[tree.Comparison, ...]
    variables: tuple[str, ...]

    def is_measured(self, comparison: tree.Comparison) -> bool:
        """Whether a comparison looks at measured variables."""
        return any(v.name in self.measured for v in tree.variables_of(comparison))

    def defines(self, comparison: tree.Comparison) -> bool:
        """Whether the comparison is the `D = expression` that introduces a measured variable."""
        return any(comparison is definition for definition in self.definitions)

    def form(self, expression: tree.Expression) -> Linear:
        """The linear form of an expression over base measured variables and plain variables."""
        form = linear(expression, self.measured)
        assert form is not None, "checked to be linear"
        return form


def analyse(rule: tree.Rule, names: Names) -> Clause:
    """The analysis of a checked rule."""
    rule = _name_anonymous(rule)
    patient: str | None = None
    measures: dict[str, tree.Term] = {}
    for atom in _outer_atoms(rule):
        predicate = names.predicates[atom.predicate]
        if predicate.about_patient and isinstance(atom.terms[0], tree.Variable):
            patient = patient or atom.terms[0].name
        if atom.predicate == "measure" and isinstance(atom.terms[2], tree.Variable):
            measures.setdefault(atom.terms[2].name, atom.terms[1])
    if patient is None:
        for element in rule.body:
            for atom in tree.atoms_of(element):
                if names.predicates[atom.predicate].about_patient and isinstance(atom.terms[0], tree.Variable):
                    patient = atom.terms[0].name
    measured: dict[str, Linear] = {name: Linear({name: 1}, 0) for name in measures}
    definitions = _define_measured(rule, measured)
    local = _locals(rule)
    ordered = dict.fromkeys(
        v.name
        for node in (*((rule.head,) if rule.head else ()), *rule.body)
        for v in tree.variables_of(node)
        if v.name != patient and v.name not in measured and v.name not in local
    )
    return Clause(rule, patient, measures, measured, definitions, tuple(ordered))


def linear(expression: tree.Expression, measured: Mapping[str, Linear]) -> Linear | None:
    """The linear form of an expression, measured variables replaced by theirs; None when it is not linear."""
    match expression:
        case tree.Number(value):
            return Linear({}, value)
        case tree.Variable(name):
            return measured.get(name) or Linear({name: 1}, 0)
        case tree.Negative(operand):
            inner = linear(operand, measured)
            return inner.times(-1) if inner else None
        case tree.Arithmetic(operator, left, right):
            first, second = linear(left, measured), linear(right, measured)
            if first is None or second is None:
                return None
            if operator == "*":
                if not first.coefficients:
                    return second.times(first.constant)
                return first.times(second.constant) if not second.coefficients else None
            return first.plus(second, 1 if operator == "+" else -1)
        case _:
            return None


def _define_measured(rule: tree.Rule, measured: dict[str, Linear]) -> tuple[tree.Comparison, ...]:
    """`D = expression` over measured variables makes D one too, in any order of writing; returns these definitions."""
    bound = {v.name for e in rule.body if isinstance(e, tree.Literal) and not e.negated for v in tree.variables_of(e)}
    definitions: list[tree.Comparison] = []
    changed = True
    while changed:
        changed = False
        for element in rule.body:
            match element:
                case tree.Comparison("=", tree.Variable(name), right) if not isinstance(right, tree.Range):
                    if name in measured or name in bound:
                        continue
                    if any(v.name in measured for v in tree.variables_of(right)):
                        form = linear(right, measured)
                        if form is not None and name not in form.coefficients:
                            measured[name] = form
                            definitions.append(element)
                            changed = True
                case _:
                    pass
    return tuple(definitions)


def _outer_atoms(rule: tree.Rule) -> list[tree.Atom]:
    return ([rule.head] if rule.head else []) + [e.atom for e in rule.body if isinstance(e, tree.Literal)]


def _locals(rule: tree.Rule) -> set[str]:
    """Variables that occur inside `atleast` only."""
    outside = {v.name for v in tree.variables_of(rule.head)} if rule.head else set()
    inside: set[str] = set()
    for element in rule.body:
        names = {v.name for v in tree.variables_of(element)}
        if isinstance(element, tree.AtLeast):
            inside |= names
        else:
            outside |= names
    return inside - outside


def _name_anonymous(rule: tree.Rule) -> tree.Rule:
    if not any(v.name == "_" for e in rule.body for v in tree.variables_of(e)):
        return rule
    count = 0

    def atom(old: tree.Atom) -> tree.Atom:
        nonlocal count
        terms: list[tree.Term] = []
        for term in old.terms:
            if isinstance(term, tree.Variable) and term.name == "_":
                count += 1
                terms.append(replace(term, name=f"_{count}"))
            else:
                terms.append(term)
        return replace(old, terms=tuple(terms))

    def literal(old: tree.Literal) -> tree.Literal:
        return replace(old, atom=atom(old.atom))

    body: list[tree.Element] = []
    for element in rule.body:
        match element:
            case tree.Literal():
                body.append(literal(element))
            case tree.AtLeast():
                members = tuple(
                    replace(m, literal=literal(m.literal), conditions=tuple(map(literal, m.conditions)))
                    for m in element.members
                )
                body.append(replace(element, members=members))
            case tree.Comparison():
                body.append(element)
    return replace(rule, body=tuple(body))
