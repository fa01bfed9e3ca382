"""What the names of a program stand for: predicates with their types, vocabulary, statements, decisions, readings.

`names_of` reads the declarations of a parsed program leniently: it takes what it can use and leaves every complaint
to the checks. The first declaration of a name counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from .stances import STANCES
from .tree import Atom, Declaration, Element, Literal, Number, Program, Rule, Symbol, plain
from .vocabulary import Finding, Intervention, Measure, Screen, Vocabulary

_PAIR = 2
TYPES = ("patient", "finding", "measure", "intervention", "stance", "symbol", "number")


class Kind(Enum):
    """Where a predicate's atoms come from."""

    INPUT = "input"  # the patient record
    BUILT_IN = "built-in"  # fixed name and types; rules may define it
    CONCEPT = "concept"  # about the patient, defined by rules
    RELATION = "relation"  # about the guideline itself: facts and patient-free rules


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate's signature; `types` has one entry a column."""

    name: str
    types: tuple[str, ...]
    kind: Kind
    parameters: tuple[str, ...] = ()
    when_true: str | None = None
    when_false: str | None = None
    declaration: Declaration | None = None

    @property
    def arity(self) -> int:
        return len(self.types)

    @property
    def about_patient(self) -> bool:
        return self.types[:1] == ("patient",)


@dataclass(frozen=True, slots=True)
class StatementInfo:
    """A statement of the source, in the guideline's own words."""

    id: str
    kind: str
    says: str
    cites: tuple[int, ...]
    norule: str | None
    declaration: Declaration
    locator: str | None = None
    """Where in the source it stands: headings and place, never its words."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A point that the source leaves open, and what the guideline's authors decided."""

    id: str
    point: str
    decided: str
    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Reading:
    """An ambiguity as a switch: its options (name to wording) and the one chosen."""

    name: str
    label: str
    decision: str | None
    options: Mapping[str, str]
    chosen: str
    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Names:
    """The symbol table of a program."""

    predicates: Mapping[str, Predicate]
    vocabulary: Vocabulary
    statements: Mapping[str, StatementInfo] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def constants(self, type_: str) -> Iterable[str] | None:
        """The declared names of a type, or None where any name will do."""
        match type_:
            case "finding":
                return self.vocabulary.findings
            case "measure":
                return self.vocabulary.measures
            case "intervention":
                return self.vocabulary.interventions
            case "stance":
                return STANCES
            case _:
                return None


BUILT_IN: tuple[Predicate, ...] = (
    Predicate("patient", ("patient",), Kind.INPUT, ("P",)),
    Predicate("finding", ("patient", "finding"), Kind.INPUT, ("P", "F")),
    Predicate("measure", ("patient", "measure", "number"), Kind.INPUT, ("P", "M", "V")),
    Predicate("in_scope", ("patient",), Kind.BUILT_IN, ("P",)),
    Predicate("advise", ("patient", "intervention", "stance"), Kind.BUILT_IN, ("P", "A", "S")),
    Predicate("include", ("patient", "intervention", "symbol"), Kind.BUILT_IN, ("P", "A", "I")),
    Predicate("note", ("patient", "symbol"), Kind.BUILT_IN, ("P", "T")),
)
INPUTS = frozenset(p.name for p in BUILT_IN if p.kind is Kind.INPUT)


def names_of(program: Program, readings: Mapping[str, str] | None = None) -> Names:
    """The symbol table of a program under readings (those declared as chosen, where none are given); never fails."""
    predicates = {predicate.name: predicate for predicate in BUILT_IN}
    findings: dict[str, Finding] = {}
    measures: dict[str, Measure] = {}
    interventions: dict[str, Intervention] = {}
    screens: dict[str, Declaration] = {}
    statements: dict[str, StatementInfo] = {}
    decisions: dict[str, Decision] = {}
    readings_: dict[str, Reading] = {}
    members: dict[str, list[str]] = {}
    for declaration in program.declarations:
        name, label = declaration.name, declaration.label or declaration.name
        text = _Texts(declaration)
        match declaration.keyword:
            case "finding" if name not in findings:
                screen = text.one("screen")
                findings[name] = Finding(
                    name,
                    label,
                    screen,
                    text.one("true"),
                    text.one("false"),
                    text.one("ask"),
                    text.one("doable"),
                    text.one("group"),
                )
                members.setdefault(screen or "", []).append(name)
            case "measure" if name not in measures:
                screen, (low, high) = text.one("screen"), text.bounds()
                measures[name] = Measure(
                    name,
                    label,
                    text.one("unit") or "",
                    low,
                    high,
                    screen,
                    text.number("unlisted"),
                    text.one("ask"),
                    text.one("clock"),
                    text.one("doable"),
                    text.one("group"),
                )
                members.setdefault(screen or "", []).append(name)
            case "intervention" if name not in interventions:
                silent = tuple(plain(v) for v in declaration.values("silent"))
                interventions[name] = Intervention(name, label, text.one("group"), silent)
            case "screen" if name not in screens:
                screens[name] = declaration
            case "decl" | "concept":
                _declare(predicates, declaration, text)
            case "statement" if name not in statements:
                cites = tuple(v.value for v in declaration.values("cites") if isinstance(v, Number))
                statements[name] = StatementInfo(
                    name,
                    text.one("kind") or "",
                    label,
                    cites,
                    text.one("norule"),
                    declaration,
                    text.one("locator"),
                )
            case "decision" if name not in decisions:
                decisions[name] = Decision(name, label, text.one("decided") or "", declaration)
            case "reading" if name not in readings_:
                readings_[name] = _reading(declaration, label, text)
            case _:
                pass
    declared_screens = {
        name: Screen(name, d.label or name, tuple(members.get(name, ())), _Texts(d).one("ask"))
        for name, d in screens.items()
    }
    chosen = {name: reading.chosen for name, reading in readings_.items()} | dict(readings or {})
    for shown, other in _implications(program, chosen):
        if other in findings:
            findings[other] = replace(findings[other], implied_by=(*findings[other].implied_by, shown))
    vocabulary = Vocabulary(findings, measures, declared_screens, interventions)
    return Names(predicates, vocabulary, statements, decisions, readings_)


def in_force(rule: Rule, readings: Mapping[str, str]) -> bool:
    """Whether a rule counts under the chosen options (reading name to option name)."""
    reading, option = rule.annotation("reading"), rule.annotation("option")
    return reading is None or (option is not None and readings.get(plain(reading)) == plain(option))


def _implications(program: Program, readings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The pairs of `:- finding(P, a), !finding(P, b).`: whoever has a has b."""
    for rule in program.rules:
        found = [_finding_literal(element) for element in rule.body]
        if (
            rule.head is None
            and rule.annotation("remark") is None
            and len(found) == _PAIR
            and None not in found
            and in_force(rule, readings)
        ):
            (first, one), (second, other) = (pair for pair in found if pair is not None)
            if one is not other:
                yield (second, first) if one else (first, second)


def _finding_literal(element: Element) -> tuple[str, bool] | None:
    """The finding of a literal about a named one, and whether it is negated."""
    match element:
        case Literal(Atom("finding", (_, Symbol(name))), negated):
            return name, negated
        case _:
            return None


def _declare(predicates: dict[str, Predicate], declaration: Declaration, text: _Texts) -> None:
    fixed = predicates.get(declaration.name)
    if fixed is not None and (fixed.kind is not Kind.BUILT_IN or fixed.declaration is not None):
        return
    parameters = declaration.parameters or ()
    concept = declaration.keyword == "concept"
    predicates[declaration.name] = Predicate(
        declaration.name,
        fixed.types if fixed else tuple(p.type for p in parameters),
        fixed.kind if fixed else Kind.CONCEPT if concept else Kind.RELATION,
        tuple(p.name for p in parameters),
        text.one("true"),
        text.one("false"),
        declaration,
    )


def _reading(declaration: Declaration, label: str, text: _Texts) -> Reading:
    options: dict[str, str] = {}
    for attribute in declaration.attributes:
        if attribute.name == "option" and attribute.values:
            name, *wording = attribute.values
            options[plain(name)] = plain(wording[0]) if wording else plain(name)
    chosen = text.one("chosen") or next(iter(options), "")
    return Reading(declaration.name, label, text.one("decision"), options, chosen, declaration)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Attribute values of a declaration by name."""

    declaration: Declaration

    def one(self, name: str) -> str | None:
        values = self.declaration.values(name)
        return plain(values[0]) if values else None

    def number(self, name: str) -> int | None:
        values = self.declaration.values(name)
        return values[0].value if values and isinstance(values[0], Number) else None

    def bounds(self) -> tuple[int, int]:
        values = [v.value for v in self.declaration.values("range") if isinstance(v, Number)]
        return (values[0], values[1]) if len(values) == 2 and values[0] <= values[1] else (0, 0)
