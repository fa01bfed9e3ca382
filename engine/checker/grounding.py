"""What rules say under given readings: every ground instance, as *Reach* in docs/language.md has it.

This is no linter: of a rule text it refuses only what has no certain meaning.
"""

import collections
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from . import syntax
from .syntax import (
    AtLeast,
    Atom,
    Clause,
    Comparison,
    Declaration,
    Literal,
    Member,
    Operation,
    Rejected,
    Variable,
    require,
)

LARGEST, STEPS = 10**1000, 100_000  # what a rule text may ask for: plain numbers, steps until nothing new is reachable
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
STANCES = ("urgent", "hold", "do", "consider", "avoid", "defer", "emergency")
VALUES = ("false", "open", "true")  # as the text of an element has them
FALSE, UNKNOWN, TRUE = 0, 1, 2  # the value of an element
canonical = json.JSONEncoder(sort_keys=True).encode  # as text, `1`, `1.0` and `true` differ, as they do not in Python

Bindings: TypeAlias = dict[str, Any]  # variables: a constant, or for a measured one its form
Form: TypeAlias = dict[str, Any]  # a sum: measures with their factors, and "" with the constant
Row: TypeAlias = tuple[Any, ...]
Sum: TypeAlias = tuple[tuple[str, int], ...]  # inputs and atoms with their factors
Known: TypeAlias = Mapping[Any, tuple[int, int]]  # inputs and atoms with the least and the largest value they may have


class Input(NamedTuple):
    """A finding, which is 0 to 1, or a measure; all in ticks."""

    low: int
    high: int
    ticks: int
    unit: str | None
    screen: str | None
    unlisted: int | None


class Total(NamedTuple):
    """A ground element: inputs and atoms times factors, plus a constant for each end of a range, are `>=`, `=`, `!=` 0.

    A literal is one, too: an atom is 0 to 1. An `atleast` has its number and each member as a total of its own. A
    settled element counts as false while it is unknown. `text` is how docs/certificates.md writes it.
    """

    operator: str
    factors: Sum
    constants: tuple[int, int]
    text: str
    settled: bool = False
    number: int | None = None
    members: tuple["Total", ...] = ()


class Rule(NamedTuple):
    """A clause that is in force, its atoms without the patient; the id of a fact is `fact`."""

    id: str
    head: Atom | None
    body: tuple[syntax.Element, ...]
    unsettled: bool


def bounds(factors: Sum, known: Known) -> tuple[int, int]:
    """The least and the largest value of a sum that follow from its parts."""
    low = high = 0
    for name, factor in factors:
        least, most = known[name]
        low += factor * (least if factor > 0 else most)
        high += factor * (most if factor > 0 else least)
    return low, high


# > a measured comparison is T when it holds for all values of the intervals, F when for none, else U, and with a
# > range `a..b` it is T when it is T for both ends, F when F for both, else U
def value_of(element: Total, known: Known, ranges: str = "kept") -> int:
    """Whether an element is false, unknown or true, over all values that are possible and under a setting of ranges."""
    low, high = bounds(element.factors, known)
    first, other = element.constants
    if element.number is None and element.factors and (len(element.factors) > 1 or first != other):
        low, high, first, other = assumed(element, known, low, high)
    constant = other if ranges == "high" else first
    value = compared(element.operator, low + constant, high + constant)
    if ranges != "kept" or first == other:
        return value
    return value if value == compared(element.operator, low + other, high + other) else UNKNOWN


def assumed(element: Total, known: Known, low: int, high: int) -> tuple[int, int, int, int]:
    """The bounds of a comparison's sum, and its constants, with what a case assumes of them (docs/certificates.md)."""
    factors = [(name, factor) for name, factor in element.factors if factor] or [element.factors[0]]
    scale = (math.gcd(*(factor for _, factor in factors)) or 1) * (-1 if factors[0][1] < 0 else 1)
    total = tuple((name, factor // scale) for name, factor in factors)
    first, other = element.constants
    if total in known:
        least, most = sorted(scale * end for end in known[total])
        low, high = max(low, least), min(high, most)
    cuts = (-(end // scale) if scale > 0 else end // -scale + 1 for end in (first, other))
    end = known.get((total, *cuts))
    return low, high, other if end == (1, 1) else first, first if end == (0, 0) else other


def compared(operator: str, low: int, high: int) -> int:
    """What `operator 0` is worth for a number between two others."""
    value = (low >= 0) + (high >= 0)
    if operator == ">=":
        return value
    value = min(value, (low <= 0) + (high <= 0))
    return TRUE - value if operator == "!=" else value


def key_of(rule: Any, subst: Mapping[str, Any]) -> Row:
    """What an instance of a rule is known by; `1.0` and `true` are not 1."""
    require(all(type(term) in (str, int) for term in subst.values()), "no rule has such an instance")
    return (rule, *sorted(subst.items()))


def combine(sign: str, left: Form, right: Form) -> Form:
    """The sum, difference or product of two forms; two measures in a product make a name that no measure has."""
    require(max(map(abs, (*left.values(), *right.values()))) <= LARGEST, "a number is too large")
    if sign == "*":
        return {x + "*" * bool(x and y) + y: f * g for x, f in left.items() for y, g in right.items()}
    return {name: left.get(name, 0) + (1 if sign == "+" else -1) * right.get(name, 0) for name in left | right}


def form_of(expression: syntax.Expression, bindings: Bindings) -> Form:
    """An expression as a sum."""
    if isinstance(expression, Operation):
        return combine(expression.sign, form_of(expression.left, bindings), form_of(expression.right, bindings))
    value = bindings[expression.name] if isinstance(expression, Variable) else expression
    return value if isinstance(value, dict) else {"": value}


def variables(expression: syntax.Expression) -> set[str]:
    """The variables of an expression."""
    match expression:
        case Operation(_, left, right):
            return variables(left) | variables(right)
        case Variable(name):
            return {name}
    return set()


def row_of(terms: Sequence[syntax.Term], bindings: Bindings) -> Row:
    """Terms with values in place of variables."""
    return tuple(bindings[term.name] if isinstance(term, Variable) else term for term in terms)


def atom_of(atom: Atom, bindings: Bindings) -> str:
    """An atom as certificates write it."""
    return f"{atom.predicate}({','.join(map(str, row_of(atom.terms, bindings)))})"


def matches(terms: Sequence[syntax.Term], row: Row, bindings: Bindings) -> list[Bindings]:
    """The bindings under which terms are a row: none or one."""
    fresh = {t.name: value for t, value in zip(terms, row, strict=True) if isinstance(t, Variable)}
    fits = row_of(terms, fresh) == row and all(bindings.get(name, value) == value for name, value in fresh.items())
    return [bindings | fresh] if fits else []


def define(comparisons: Sequence[Comparison], bindings: Bindings) -> None:
    """Binds each D of a `D = expression` in any order of writing: first, on the left, those that are measured."""
    equations = [(left, right) for operator, left, right, _ in comparisons if operator == "="]
    for measured in (True, False):
        for left, right in equations * len(equations):
            for target, other in ((left, right),) if measured else ((left, right), (right, left)):
                fresh = isinstance(target, Variable) and target.name not in bindings
                if isinstance(target, Variable) and fresh and variables(other) <= bindings.keys():
                    form = form_of(other, bindings)
                    bindings |= {target.name: form} if len(form) > 1 else {} if measured else {target.name: form[""]}


def may_fail(element: syntax.Element) -> bool:
    """Whether an element may be other than true although what it looks at is reachable and true."""
    match element:
        case Literal(positive):
            return not positive
        case Comparison(to=to):
            return to is not None
    return True


def unquoted(value: Any) -> Any:
    """What an annotation says; a string without its quotes."""
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value


def input_of(given: Mapping[str, Any]) -> Input:
    """A declared finding or measure."""
    [screen] = given["screen"] or [None]
    if given["keyword"] == "finding":
        return Input(0, 1, 1, None, screen, 0)
    [unit], (low, high), [unlisted] = given["unit"], given["range"], given["unlisted"] or [None]
    require(type(low) is type(high) is int and low <= high, "a measure has no range")
    require(unlisted is None or low <= unlisted <= high, "a measure is outside of its range")
    ticks = 7000 if unit == "week" else 1000
    return Input(low * ticks, high * ticks, ticks, unit, screen, None if unlisted is None else unlisted * ticks)


def without_patient(clause: Clause, plain: set[str]) -> tuple[Atom | None, tuple[syntax.Element, ...]]:
    """Head and body of a clause, without the one patient that all atoms of other than plain relations are about."""
    patients = set[syntax.Term]()

    def atom(old: Atom) -> Atom:
        if old.predicate in plain:
            return old
        patients.add(old.terms[0])
        return Atom(old.predicate, old.terms[1:])

    def literal(old: Literal) -> Literal:
        return Literal(old.positive, atom(old.atom))

    def element(old: syntax.Element) -> syntax.Element:
        if isinstance(old, AtLeast):
            members = (Member(literal(member), tuple(map(literal, conditions))) for member, conditions in old.members)
            return AtLeast(old.number, tuple(members))
        return literal(old) if isinstance(old, Literal) else old

    found = clause.head and atom(clause.head), tuple(map(element, clause.body))
    require(len(patients) <= bool(clause.body), "a fact is about a patient, or a rule about two")
    return found


class Rulebook:
    """A rule text under given readings, ground once for all patients; nothing changes it afterwards.

    `inputs` are all findings and measures in order of declaration, `instances` has for each atom the ground bodies by
    rule and substitution, `denials` are the ground ones with their ids, `deciding` has for each intervention the atoms
    that decide about it (None for one that is not reachable). `sha256` binds the text, `program_sha256` what is made
    of it.
    """

    def __init__(self, files: Mapping[str, str], readings: Mapping[str, str]) -> None:
        self.sha256, statements = syntax.read_files(files)
        self.declared = collections.defaultdict[str, dict[str, dict[str, Any]]](dict)
        for statement in statements:
            if isinstance(statement, Declaration):
                self.declare(statement)
        self.inputs = {name: input_of(given) for name, given in self.declared["input"].items()}
        switches = self.declared["reading"]
        self.readings = {name: given["chosen"][0] for name, given in switches.items()} | dict(readings)
        named = all(option in switches[name]["option"][::2] for name, option in self.readings.items())
        require(named, "no such reading")
        found = [self.rules_of(statement) for statement in statements if isinstance(statement, Clause)]
        rules = [rule for in_force in found for rule in in_force]
        ids = [rule.id for rule in rules if rule.body]
        require(len({*ids, "fact"}) > len(ids), "two clauses have the same id")
        self.reach([rule for rule in rules if rule.head])
        self.find_instances(rules)
        self.program_sha256 = self.digest(statements, rules)

    def declare(self, given: Declaration) -> None:
        """Notes a declaration: the values of each attribute, and the types of the columns."""
        names = [name for name, _ in given.attributes if name != "option"]
        require(len({*names}) == len(names), f"an attribute of `{given.name}` stands twice")
        attributes: Any = collections.defaultdict(list, keyword=given.keyword)
        attributes["types"] = [kind for _, kind in given.columns or ()]
        for name, values in given.attributes:
            attributes[name] += values
        space = {"finding": "input", "measure": "input", "concept": "decl"}.get(given.keyword, given.keyword)
        require(given.name not in self.declared[space], f"`{given.name}` is declared twice")
        self.declared[space][given.name] = self.declared[given.keyword][given.name] = attributes

    def rules_of(self, clause: Clause) -> list[Rule]:
        """A clause as a rule about one patient, who is left out; none where another reading is in force."""
        notes = {key: unquoted(value) for key, value in clause.annotations}
        require(len(notes) == len(clause.annotations), "a key of an annotation stands twice")
        if clause.head is None and "remark" in notes:  # about how a record is read, before there is anything to prove
            return []
        declared = self.declared["decl"].items()
        head, body = without_patient(clause, {name for name, given in declared if "patient" not in given["types"]})
        rule = Rule(notes["id"] if body else "fact", head, body, "unsettled" in notes)
        return [rule] if "reading" not in notes or self.readings[notes["reading"]] == notes["option"] else []

    # > the head of each rule instance whose positive literals are reachable; negative literals, measured
    # > comparisons and `atleast` are passed over, comparisons and arithmetic of plain numbers are evaluated.
    def reach(self, rules: Sequence[Rule]) -> None:
        """Finds the reachable rows of each relation, and the relations whose reachable rows may not be true."""
        findings = {(name,) for name in self.declared["finding"]}
        self.relations = collections.defaultdict[str, Any](set, patient={()}, finding=findings)
        self.relations["measure"] = [(name, {name: 1, "": 0}) for name in self.declared["measure"]]
        self.having = collections.defaultdict[Row, list[Row]](list)  # rows by relation, column and constant
        uses = collections.defaultdict[str, list[tuple[Rule, tuple[syntax.Term, ...]]]](list)
        for rule, element in ((each, element) for each in rules for element in each.body):
            if isinstance(element, Literal) and element.positive:
                uses[element.atom.predicate].append((rule, element.atom.terms))
        agenda: list[tuple[Rule, Bindings]] = [(rule, {}) for rule in rules]
        for rule, bindings in agenda:  # each rule, and again for each new row that it looks at
            require(len(agenda) < STEPS, "the rules make new numbers without end")
            name, columns = rule.head or ("", ())
            for row in {row_of(columns, more) for more in self.solutions(rule.body, bindings)} - self.relations[name]:
                self.relations[name].add(row)
                for place, term in enumerate(row):
                    self.having[name, place, term].append(row)
                agenda += [(user, fresh) for user, terms in uses[name] for fresh in matches(terms, row, {})]
        doubtful = [rule.head.predicate for rule in rules if rule.head and any(map(may_fail, rule.body))]
        self.unsure = set[str]()
        for name in (names := ["finding", "measure", *doubtful]):  # each, and again those that look at one of them
            if name not in self.unsure:
                self.unsure.add(name)
                names += [rule.head.predicate for rule, _ in uses[name] if rule.head]

    def find_instances(self, rules: Sequence[Rule]) -> None:
        """Finds every ground instance of rules and denials; a denial may rest on what is reachable and sure."""
        self.stepped = {rule.head.predicate for rule in rules if rule.head and rule.body}
        self.instances = collections.defaultdict[str, dict[Row, tuple[Total, ...]]](dict)
        for rule in rules:
            for bindings in self.solutions(rule.body, {}) if rule.head and rule.head.predicate in self.stepped else ():
                subst = {name: term for name, term in bindings.items() if not isinstance(term, dict)}
                body = tuple(self.ground(element, bindings, unsettled=rule.unsettled) for element in rule.body)
                self.instances[atom_of(rule.head or Atom("", ()), bindings)][key_of(rule.id, subst)] = body
        self.deciding = {
            name: [
                atom if atom in self.instances else None
                for atom in ("in_scope()", *(f"advise({name},{stance})" for stance in STANCES))
            ]
            for name in self.declared["intervention"]
        }
        self.stepped &= self.unsure
        self.denials = [
            (rule.id, tuple(self.ground(element, bindings) for element in rule.body))
            for rule in rules
            for bindings in (() if rule.head else self.solutions(rule.body, {}))
        ]

    def digest(self, statements: Sequence[Declaration | Clause], rules: Sequence[Rule]) -> str:
        """What was made of the text, as *What a reader makes of a guideline* in docs/certificates.md has it."""
        inputs = [["input", name, *given] for name, given in self.inputs.items()]
        facts = [["fact", atom_of(rule.head, {})] for rule in rules if rule.head and not rule.body]
        found = [
            ["instance", atom, rule, dict(subst), [f"{'settled ' * part.settled}{part.text}" for part in body]]
            for atom, instances in self.instances.items()
            for (rule, *subst), body in instances.items()
            if body
        ]
        denials = [["denial", rule, [element.text for element in body]] for rule, body in self.denials]
        lines = sorted({canonical(line) for line in (*inputs, *facts, *found, *denials)})
        return hashlib.sha256(canonical([statements, lines]).encode()).hexdigest()

    def solutions(self, body: Sequence[syntax.Element], bindings: Bindings) -> list[Bindings]:
        """All bindings under which the positive literals are reachable and the comparisons of plain numbers hold."""
        found = [dict(bindings)]
        for element in body:
            if isinstance(element, Literal) and element.positive:
                name, terms = element.atom
                rows = ((old, row) for old in found for row in self.rows(name, terms, old))
                found = [more for old, row in rows for more in matches(terms, row, old)]
        comparisons = [element for element in body if isinstance(element, Comparison)]
        for more in found:
            define(comparisons, more)
        totals = ((more, [self.compare(comparison, more) for comparison in comparisons]) for more in found)
        return [more for more, sums in totals if all(total.factors or value_of(total, {}) for total in sums)]

    def rows(self, name: str, terms: Sequence[syntax.Term], bindings: Bindings) -> Sequence[Row]:
        """Rows of a relation among which are all that fit what is known of one."""
        known = tuple(bindings.get(t.name, t) if isinstance(t, Variable) else t for t in terms)
        if known in self.relations[name]:
            return [known]
        fixed = [(place, term) for place, term in enumerate(known) if not isinstance(term, Variable)]
        some = [self.having.get((name, *pair), ()) for pair in fixed if name not in ("finding", "measure")]
        return min(some, key=len, default=self.relations[name])

    def ground(self, element: syntax.Element, bindings: Bindings, *, unsettled: bool = False) -> Total:
        """A ground element; that a patient, or a measure with a value, is there is true."""
        settled = unsettled and element != Literal(True, Atom("in_scope", ()))
        match element:
            case Comparison():
                return self.compare(element, bindings)._replace(settled=settled)
            case Literal(positive, (name, terms)):
                made = self.single(positive, name, row_of(terms, bindings))
                there = positive and name in ("patient", "measure")
                return made._replace(text="true" if there else made.text, settled=settled)
        return self.count(element, bindings, settled)

    def single(self, positive: bool, name: str, row: Row) -> Total:
        """A literal as a total: without factors where it is no input and has no steps."""
        atom = f"{name}({','.join(map(str, row))})"
        part = row[0] if name == "finding" else atom if name in self.stepped else None
        text = atom if positive else f"!{atom}"
        if part is None or row not in self.relations[name]:
            return Total(">=", (), (0, 0) if (row in self.relations[name]) == positive else (-1, -1), text)
        return Total(">=", ((part, 1),), (-1, -1), text) if positive else Total(">=", ((part, -1),), (0, 0), text)

    # > the same ground literal counts once, at its first place.
    def count(self, element: AtLeast, bindings: Bindings, settled: bool) -> Total:
        """An `atleast`: members as they are written, the instances of each in the order of their substitutions."""
        members = dict[str, Total]()
        for (positive, (name, terms)), conditions in element.members:
            require(not {c.atom.predicate for c in conditions} & self.unsure, "a condition may be unknown")
            found = [
                more
                for more in self.solutions(conditions, bindings)
                if all(
                    c.positive or row_of(c.atom.terms, more) not in self.relations[c.atom.predicate] for c in conditions
                )
            ]
            found.sort(key=lambda more: canonical({name: more[name] for name in more.keys() - bindings.keys()}))
            singles = (self.single(positive, name, row_of(terms, more)) for more in found)
            members |= {single.text: single._replace(settled=settled) for single in singles}  # the first place counts
        factors = tuple(factor for member in members.values() for factor in member.factors)
        constant = sum(member.constants[0] + 1 for member in members.values()) - element.number
        text = f"atleast {element.number} {{{'; '.join(members)}}}"
        return Total(">=", factors, (constant, constant), text, settled, element.number, tuple(members.values()))

    def compare(self, element: Comparison, bindings: Bindings) -> Total:
        """A comparison, in ticks; one of names is equal or it is not."""
        operator, left, right, to = element
        forms = [form_of(left, bindings), form_of(right, bindings), form_of(right if to is None else to, bindings)]
        if any(isinstance(form[""], str) for form in forms):
            require(operator in ("=", "!="), "no order of names")
            holds = (forms[0] == forms[1]) == (operator == "=")
            return Total(">=", (), (holds - 1, holds - 1), VALUES[holds * TRUE])
        sides = [(end, forms[0]) if operator[0] == "<" else (forms[0], end) for end in forms[1:]]
        sums = [combine("-", *pair) for pair in sides]
        ticks = {self.inputs[name].ticks for name in sums[0].keys() - {""}}
        require(len(ticks) < 2 or not any(form[""] for form in sums), "a number is compared in two units")
        low, high = (form[""] * max(ticks, default=1) - (operator in ("<", ">")) for form in sums)
        factors = tuple((name, factor) for name, factor in sorted(sums[0].items()) if name)
        made = Total(">=" if operator[0] in "<>" else operator, factors, (low, high), "")
        written = [f"{factor} {name}" for name, factor in factors if factor]
        if not written:
            return made._replace(text=VALUES[value_of(made._replace(factors=()), {})])
        return made._replace(text=f"{' + '.join(written)} + {low}..{high} {made.operator} 0")


def read_rules(files: Mapping[str, str], readings: Mapping[str, str]) -> Rulebook:
    """The rules in files (name -> text) under readings; raises `ValueError` on a text that it cannot read."""
    try:
        return Rulebook(files, readings)
    except (Rejected, *MALFORMED) as error:
        raise ValueError(f"the rule text cannot be read: {error}") from error
