"""Random guidelines.

`programs` makes rules that pass every check: findings, measures, screens, plain relations with recursion and
arithmetic, groups of concepts that may recurse, negation of what stands before, `atleast`, ranges, readings, background
rules, and advice, some of which negates other advice. Most are stratified; a few have a loop through negation. They are
built as syntax trees and meant to be small, because everything about them is then computed by brute force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from guidelog.language import print_program
from guidelog.language.tree import (
    Arithmetic,
    AtLeast,
    Atom,
    Attribute,
    Comparison,
    Declaration,
    Element,
    Expression,
    Key,
    ListValue,
    Literal,
    Member,
    Negative,
    Number,
    Parameter,
    Program,
    Range,
    Rule,
    Statement,
    Symbol,
    Term,
    Text,
    Variable,
)

T = TypeVar("T")

FINDINGS = ("fa", "fb", "fc", "fd")
MEASURES = (("ma", "week", 0, 9), ("mb", "week", 0, 9), ("mc", "day", 0, 40), ("md", "kg", 2, 12))
INTERVENTIONS = ("ia", "ib")
STANCES = ("urgent", "do", "consider", "defer", "avoid", "hold", "emergency")
NAMES: tuple[Term, ...] = (Symbol("fa"), Symbol("other"), Text("fa"), Text("two words"), Text("1"))
OPERATORS = ("<", "<=", ">", ">=", "=", "!=")
P = Variable("P")


@dataclass
class Choices:
    """Draws by name; every choice shrinks to the plainer alternative."""

    draw: Callable[[st.SearchStrategy[Any]], Any]

    def number(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def pick(self, items: Sequence[T]) -> T:
        return items[self.number(0, len(items) - 1)]

    def some(self, items: Iterable[T], most: int) -> list[T]:
        pool = list(items)
        return [pool.pop(self.number(0, len(pool) - 1)) for _ in range(self.number(0, min(most, len(pool))))]

    def chance(self, in_ten: int) -> bool:
        return self.number(0, 9) >= 10 - in_ten

    def shuffled(self, items: list[T]) -> list[T]:
        return list(self.draw(st.permutations(items)))


@dataclass(frozen=True)
class _Predicate:
    name: str
    types: tuple[str, ...]
    about_patient: bool = False

    def __call__(self, *terms: Term) -> Atom:
        return Atom(self.name, (P, *terms) if self.about_patient else terms)


FINDING = _Predicate("finding", ("finding",), about_patient=True)
LINK = _Predicate("link", ("finding", "finding"))
LEVEL = _Predicate("level", ("finding", "number"))
GRADE = _Predicate("grade", ("number",))
KIND = _Predicate("kind", ("measure",))
TAG = _Predicate("tag", ("symbol",))
OFFERS = _Predicate("offers", ("intervention", "finding"))
REACH = _Predicate("reach", ("finding", "finding"))
APART = _Predicate("apart", ("finding", "finding"))
TOTAL = _Predicate("total", ("number",))
FIXED = (LINK, LEVEL, GRADE, TAG, REACH, TOTAL)
"""Relations without negation behind them, which `atleast` may count over and denials may rest on."""


@dataclass
class _Program:
    """A program in the making."""

    choose: Choices
    findings: tuple[str, ...] = ()
    measures: tuple[tuple[str, str, int, int], ...] = ()
    statements: list[Statement] = field(default_factory=list)
    count: int = 0
    switched: bool = False

    def make(self) -> Program:
        choose = self.choose
        self.findings = FINDINGS[: choose.number(2, len(FINDINGS))]
        self.measures = tuple(choose.some(MEASURES, 3))
        self.switched = choose.chance(3)
        self.declare()
        self.relate()
        earlier = [FINDING]
        groups = [self.concepts(number) for number in range(choose.number(1, 3))]
        scope = _Predicate("in_scope", (), about_patient=True)
        groups.insert(choose.number(0, len(groups)), [scope])
        for group in groups:
            self.define(group, earlier)
            earlier += group
        self.advise(earlier)
        self.attach(earlier)
        self.deny()
        return Program(tuple(self.statements))

    # declarations
    def declare(self) -> None:
        choose, add = self.choose, self.statements.append
        screened = choose.chance(5)
        if screened:
            add(Declaration("screen", "sa", None, "screen", ()))
        for name in self.findings:
            screen = (Attribute("screen", (Key("sa"),)),) if screened and choose.chance(5) else ()
            add(Declaration("finding", name, None, f"finding {name}", screen))
        for name, unit, low, high in self.measures:
            attributes = [Attribute("unit", (Key(unit),)), Attribute("range", (Number(low), Number(high)))]
            if screened and choose.chance(5):
                attributes += [Attribute("screen", (Key("sa"),)), Attribute("unlisted", (Number(low),))]
            add(Declaration("measure", name, None, f"measure {name}", tuple(attributes)))
        for name in INTERVENTIONS:
            add(Declaration("intervention", name, None, f"intervention {name}", ()))
        add(Declaration("statement", "S1", None, "what it says", (Attribute("kind", (Key("do"),)),)))
        if self.switched:
            options = tuple(Attribute("option", (Key(o), Text(o))) for o in ("kept", "other"))
            add(Declaration("reading", "switch", None, "a switch", (*options, Attribute("chosen", (Key("kept"),)))))
        for relation in (*FIXED, KIND, OFFERS, APART):
            parameters = tuple(Parameter(f"C{i}", type_) for i, type_ in enumerate(relation.types))
            add(Declaration("decl", relation.name, parameters, None, ()))

    def relate(self) -> None:
        """Facts, and relations that follow from them."""
        choose = self.choose
        for relation, most in (
            (LINK, 5),
            (LEVEL, 4),
            (GRADE, 3),
            (TAG, 3),
            (OFFERS, 2),
            (KIND, 2),
            (REACH, 1),
            (TOTAL, 1),
        ):
            if relation is KIND and not self.measures:
                continue
            for _ in range(choose.number(0, most)):
                self.statements.append(Rule(relation(*map(self.constant, relation.types)), ()))
        x, y, z = Variable("X"), Variable("Y"), Variable("Z")
        self.rule(REACH(x, y), [Literal(LINK(x, y))])
        steps = ((LINK(x, z), REACH(z, y)), (REACH(x, z), LINK(z, y)), (REACH(x, z), REACH(z, y)))
        for step in choose.some(steps, 2):
            self.rule(REACH(x, y), [Literal(atom) for atom in choose.shuffled(list(step))])
        self.rule(
            APART(x, y),
            choose.shuffled(
                [Literal(LEVEL(x, Variable("_"))), Literal(LEVEL(y, Variable("_"))), Literal(REACH(x, y), True)]
            ),
        )
        parts = self.expression([x, y])
        self.rule(TOTAL(z), choose.shuffled([Literal(GRADE(x)), Literal(GRADE(y)), Comparison("=", z, parts)]))

    def concepts(self, group: int) -> list[_Predicate]:
        found = []
        for letter in "ab"[: self.choose.number(1, 2)]:
            types = self.choose.pick(((), ("finding",), ("number",)))
            concept = _Predicate(f"c{group}{letter}", types, about_patient=True)
            parameters = (Parameter("P", "patient"), *(Parameter(f"C{i}", type_) for i, type_ in enumerate(types)))
            words = (Attribute("true", (Text("holds"),)), Attribute("false", (Text("fails"),)))
            self.statements.append(Declaration("concept", concept.name, parameters, None, words))
            found.append(concept)
        return found

    # rules
    def define(self, group: list[_Predicate], earlier: list[_Predicate]) -> None:
        for concept in group:
            for _ in range(self.choose.number(1, 3)):
                same = group if concept.name != "in_scope" and self.choose.chance(4) else []
                # A loop through negation now and then: fine where the atoms have no loop, rejected where they do.
                negatable = earlier + (group if self.choose.chance(1) else [])
                head = concept(
                    *(self.choose.pick((self.constant(t), Variable(f"H{i}"))) for i, t in enumerate(concept.types))
                )
                self.rule(head, _Body(self, earlier + same, negatable, head, concept.types, looping=bool(same)).make())

    def advise(self, earlier: list[_Predicate]) -> None:
        choose = self.choose
        atoms = choose.shuffled([(a, s) for a in INTERVENTIONS for s in STANCES])[: choose.number(2, 7)]
        for place, (intervention, stance) in enumerate(atoms):
            before = [Literal(Atom("advise", (P, Symbol(a), Symbol(s)))) for a, s in atoms[: place + choose.chance(2)]]
            for _ in range(choose.number(1, 2)):
                term: Term = Variable("A") if choose.chance(2) else Symbol(intervention)
                head = Atom("advise", (P, term, Symbol(stance)))
                body = _Body(self, earlier, earlier, head, ("intervention", "stance")).make()
                if choose.chance(7):
                    body.append(Literal(Atom("in_scope", (P,))))
                # Positive ones may be the advice itself; a negated one stands before it, so that most are stratified.
                body += [Literal(b.atom, negated=b.atom != head and choose.chance(7)) for b in choose.some(before, 1)]
                self.rule(head, choose.shuffled(body), sourced=True)

    def attach(self, earlier: list[_Predicate]) -> None:
        """Items and notes."""
        for _ in range(self.choose.number(0, 1)):
            include = Atom("include", (P, Symbol(self.choose.pick(INTERVENTIONS)), Symbol("item")))
            note = Atom("note", (P, Text("a topic")))
            for head in (include, note):
                self.rule(head, _Body(self, earlier, earlier, head, ()).make(), sourced=True)

    def deny(self) -> None:
        """Background rules; each about a finding of its own too, so that not too many patients are impossible."""
        for name in self.choose.some(self.findings, 2):
            body = _Body(self, [FINDING], [FINDING], None, (), denial=True).make()
            self.rule(None, [*body, Literal(FINDING(Symbol(name)), negated=self.choose.chance(3))])

    def rule(self, head: Atom | None, body: Sequence[Element], *, sourced: bool = False) -> None:
        self.count += 1
        notes = [Attribute("id", (Text(f"R{self.count}"),))]
        if sourced:
            notes += [
                Attribute("statements", (ListValue((Text("S1"),)),)),
                Attribute("cites", (ListValue(()),)),
                Attribute("says", (Text(f"rule {self.count}"),)),
            ]
            if head is not None and head.predicate == "advise":
                notes.append(Attribute("strength", (Key("strong"),)))
        if self.switched and head is not None and self.choose.chance(2):
            option = self.choose.pick(("kept", "other"))
            notes += [Attribute("reading", (Key("switch"),)), Attribute("option", (Key(option),))]
        self.statements.append(Rule(head, tuple(body), tuple(notes)))

    # terms
    def constant(self, type_: str) -> Term:
        match type_:
            case "finding":
                return Symbol(self.choose.pick(self.findings))
            case "measure":
                return Symbol(self.choose.pick(self.measures)[0])
            case "intervention":
                return Symbol(self.choose.pick(INTERVENTIONS))
            case "number":
                return Number(self.choose.number(-2, 8))
            case "stance":
                return Symbol(self.choose.pick(STANCES))
            case _:
                return self.choose.pick(NAMES)

    def expression(self, variables: Sequence[Variable]) -> Expression:
        """An expression of plain numbers that uses at least one operator."""
        choose = self.choose
        left: Expression = choose.pick(variables)
        if choose.chance(2):
            left = Negative(left)
        operands: tuple[Expression, ...] = (*variables, Number(choose.number(-3, 4)))
        right = choose.pick(operands)
        found = Arithmetic(choose.pick("+-*"), left, right)
        return Arithmetic(choose.pick("+-*"), choose.pick(variables), found) if choose.chance(2) else found


@dataclass
class _Body:
    """A body in the making: `bound` are the variables that a positive literal binds, by type."""

    program: _Program
    positive: list[_Predicate]
    negatable: list[_Predicate]
    head: Atom | None
    types: tuple[str, ...]
    looping: bool = False
    denial: bool = False
    bound: dict[str, str] = field(default_factory=dict)
    measured: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)
    elements: list[Element] = field(default_factory=list)
    count: int = 0

    @property
    def choose(self) -> Choices:
        return self.program.choose

    def make(self) -> list[Element]:
        choose = self.choose
        kinds = [self.known, self.known, self.relation]
        kinds += [self.measure, self.measure] if self.program.measures else []
        kinds += [] if self.denial else [self.counted]
        for _ in range(choose.number(1, 2)):
            choose.pick(kinds)()
        self.bind_head()
        if choose.chance(5):
            self.negation()
        if choose.chance(2):
            self.compared()
        if not any(isinstance(e, Literal) and not e.negated and e.atom.terms[:1] == (P,) for e in self.elements):
            self.elements.append(Literal(Atom("patient", (P,))))
        return choose.shuffled(self.elements)

    def bind_head(self) -> None:
        """Give every variable of the head a value."""
        for term, type_ in zip(() if self.head is None else self.head.terms[1:], self.types, strict=False):
            if isinstance(term, Variable) and self.bound.get(term.name) != type_:
                same = [name for name, found in self.bound.items() if found == type_]
                numbers = [Variable(n) for n, found in self.bound.items() if found == "number"]
                if same and self.choose.chance(3):
                    self.elements.append(Comparison("=", term, Variable(self.choose.pick(same))))
                elif type_ == "number" and numbers and not self.looping and self.choose.chance(4):
                    self.elements.append(Comparison("=", term, self.program.expression(numbers)))
                else:
                    atoms = {
                        "finding": FINDING(term),
                        "number": GRADE(term),
                        "intervention": OFFERS(term, self.program.constant("finding")),
                    }
                    self.elements.append(Literal(atoms[type_]))
                self.bound[term.name] = type_

    # elements
    def known(self) -> None:
        self.bind(self.choose.pick(self.positive))

    def relation(self) -> None:
        self.bind(self.choose.pick(FIXED if self.denial else (*FIXED, APART)))

    def bind(self, predicate: _Predicate) -> None:
        """A positive literal; its variables are known or new."""
        terms: list[Term] = []
        for type_ in predicate.types:
            same = [Variable(name) for name, found in self.bound.items() if found == type_]
            head = [
                t
                for t, h in zip(() if self.head is None else self.head.terms[1:], self.types, strict=False)
                if h == type_ and isinstance(t, Variable)
            ]
            new = Variable(f"X{len(self.bound)}")
            term = self.choose.pick(
                (
                    self.program.constant(type_),
                    new,
                    *same,
                    *head,
                    *([Variable("_")] if not predicate.about_patient else []),
                )
            )
            if isinstance(term, Variable) and term.name != "_":
                self.bound[term.name] = type_
            terms.append(term)
        self.elements.append(Literal(predicate(*terms)))

    def negation(self) -> None:
        predicate = self.choose.pick((*self.negatable, FINDING, *FIXED))
        self.elements.append(Literal(predicate(*map(self.known_term, predicate.types)), negated=True))

    def known_term(self, type_: str) -> Term:
        same = [Variable(name) for name, found in self.bound.items() if found == type_]
        return self.choose.pick((self.program.constant(type_), *same))

    def compared(self) -> None:
        """A comparison of what is bound already."""
        numbers = [Variable(name) for name, type_ in self.bound.items() if type_ == "number"]
        names = [(Variable(name), type_) for name, type_ in self.bound.items() if type_ not in ("number", "measure")]
        if numbers and self.choose.chance(6):
            left = self.choose.pick((*numbers, self.program.expression(numbers)))
            self.elements.append(
                Comparison(
                    self.choose.pick(OPERATORS), left, self.choose.pick((*numbers, self.program.constant("number")))
                )
            )
        elif names:
            variable, type_ = self.choose.pick(names)
            self.elements.append(Comparison(self.choose.pick(("=", "!=")), variable, self.known_term(type_)))

    def measure(self) -> None:
        """A measure, and a comparison of its value."""
        choose = self.choose
        if choose.chance(1) and not self.denial:
            value = Variable(f"V{len(self.measured)}")
            which = Variable("M")
            self.elements += [Literal(KIND(which)), Literal(Atom("measure", (P, which, value)))]
            self.bound["M"] = "measure"
            self.elements.append(Comparison(choose.pick(OPERATORS), value, Number(choose.number(0, 9))))
            self.measured[value.name] = ("", "", 0, 9)
            return
        declared = choose.pick(self.program.measures)
        value = Variable(f"V{len(self.measured)}")
        self.elements.append(Literal(Atom("measure", (P, Symbol(declared[0]), value))))
        others = [Variable(name) for name, other in self.measured.items() if _comparable(declared, other)]
        self.measured[value.name] = declared
        self.elements += self.comparison(value, declared, others)

    def comparison(self, value: Variable, declared: tuple[str, str, int, int], others: list[Variable]) -> list[Element]:
        choose = self.choose
        _, unit, low, high = declared
        number = Number(choose.number(low - 1, high + 1))
        ordered = choose.pick(OPERATORS[:4])
        if others and choose.chance(5):
            other = choose.pick(others)
            if self.measured[other.name][1] == unit and choose.chance(5):
                return [
                    Comparison("=", Variable(f"D{value.name}"), Arithmetic(choose.pick("+-"), value, other)),
                    Comparison(choose.pick(OPERATORS), Variable(f"D{value.name}"), Number(choose.number(-2, 9))),
                ]
            return [Comparison(choose.pick(OPERATORS), value, other)]
        numbers = [Variable(name) for name, type_ in self.bound.items() if type_ == "number"]
        if numbers and choose.chance(3):
            return [Comparison(choose.pick(OPERATORS), value, choose.pick(numbers))]
        match choose.number(0, 8):
            case 6:
                named = Variable(f"D{value.name}")
                whole = Arithmetic(choose.pick("+-"), Arithmetic("*", Number(choose.number(0, 2)), value), number)
                return [Comparison("=", named, whole), Comparison(choose.pick(OPERATORS), named, value)]
            case 1 | 7 | 8 if not self.denial:
                first = choose.number(max(low, 0), high)
                return [Comparison(ordered, value, Range(first, choose.number(first, high)))]
            case 2:
                return [Comparison(ordered, Arithmetic("*", Number(2), value), Number(2 * number.value + 1))]
            case 3:
                return [Comparison(ordered, Negative(value), Number(-number.value))]
            case 4:
                return [Comparison(choose.pick(OPERATORS), number, value)]
            case _:
                return [Comparison(choose.pick(OPERATORS), value, number)]

    def counted(self) -> None:
        """`atleast` over literals, some of them listed by a relation."""
        choose = self.choose
        members = tuple(self.member() for _ in range(choose.number(1, 3)))
        self.elements.append(AtLeast(choose.number(1, len(members) + 1), members))

    def member(self) -> Member:
        choose = self.choose
        self.count += 1
        negated = choose.chance(3)
        literal = choose.pick(self.negatable if negated else self.positive)
        if "finding" in literal.types and choose.chance(6):
            local, other = Variable(f"L{self.count}"), choose.pick((Variable("_"), self.known_term("finding")))
            condition = choose.pick(
                (LINK(local, other), LINK(other, local), REACH(local, other), LEVEL(local, Variable("_")))
            )
            terms = tuple(local if type_ == "finding" else self.known_term(type_) for type_ in literal.types)
            return Member(Literal(literal(*terms), negated=negated), (Literal(condition),))
        return Member(Literal(literal(*map(self.known_term, literal.types)), negated=negated))


def _comparable(one: tuple[str, str, int, int], other: tuple[str, str, int, int]) -> bool:
    time = ("week", "day")
    return one[1] == other[1] or (one[1] in time and other[1] in time)


@dataclass(frozen=True)
class Written:
    """A random program, shown as its text."""

    program: Program
    text: str

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(f"\n{self.text}")


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Written:
    """A small guideline that passes the checks."""
    program = _Program(Choices(draw)).make()
    return Written(program, print_program(program))
