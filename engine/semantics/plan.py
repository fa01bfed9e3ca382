"""GroundProgram -> Plan: the whole meaning of a guideline as one circuit (docs/language.md, *Meaning*).

Background rules are propagated to the inputs first, then every derived atom is a pair of bits in evaluation order, the
threshold ranges kept and at either end; statuses, reasons and deciding rules are bits over those. Screens are not in
it: closing them is a property of how a record was read, and done to the inputs.

Every status is, written in terms of its stances, a formula in which each stance occurs once. For such formulas the
three-valued evaluation is exact, so "all combinations that are left open lead to this status" is one bit.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from guidelog.diagnostics import InputError
from guidelog.ground.program import (
    Atom,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language.stances import HOLD, STANCES

from .circuit import FALSE, NO, TRUE, YES, Builder, Circuit, End, Known, Pair
from .exact_gates import ExactGates
from .interpret import Interpretation, interpret
from .status import NO_CAUTIONS, STATUS_OF_STANCE, Status, formulas
from .status_diagrams import diagrams_of

MOST_GATES = 5_000_000
MOST_STEPS = 3_000_000
ALARMS = frozenset({Status.EMERGENCY_PATHWAY, Status.URGENT})
"""Answers that are given whether or not somebody asked."""


@dataclass(frozen=True, slots=True)
class RuleBit:
    """A rule, and the bit that says it is among those that gave the answer."""

    rule: str
    gives: int


@dataclass(frozen=True, slots=True)
class Advice:
    """One intervention: a bit for each status that some patient may get (none of them: undetermined).

    `range_only` is the bit that says that the answer is determined at both ends of the ranges, so that an undetermined
    one is the guideline's range; FALSE where no range is involved. `rules` come in the order in which `ask` names them.
    """

    intervention: str
    statuses: Mapping[Status, int]
    range_only: int
    rules: tuple[RuleBit, ...]


@dataclass(frozen=True, slots=True)
class Denial:
    """A background rule: the bit that a record contradicts it, and the bit that it adds something to the record."""

    rule: str
    instance: GroundRule
    contradicted: int
    adds: int


@dataclass(frozen=True, slots=True)
class Probe:
    """The elements of a rule instance as pairs of bits: for counting how far patients get."""

    instance: GroundRule
    elements: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The circuit and what its bits mean."""

    circuit: Circuit
    advice: tuple[Advice, ...]
    denials: tuple[Denial, ...]
    atoms: Mapping[Ranges, Mapping[Atom, Pair]]
    probes: Mapping[Atom, tuple[Probe, ...]] = field(repr=False)
    cautions: tuple[RuleBit, ...] = ()
    """By `INTERVENTION RULE`: who has this caution with the answer."""
    notes: tuple[RuleBit, ...] = ()
    alerts: tuple[RuleBit, ...] = ()
    """By intervention that nobody asked about: whose answer is an emergency."""

    @property
    def told(self) -> list[int]:
        """The bits of what is told with the answers."""
        return list(dict.fromkeys(r.gives for r in (*self.cautions, *self.notes, *self.alerts)))

    @property
    def outputs(self) -> list[int]:
        """The bits that answers are made of."""
        found: dict[int, None] = {}
        for advice in self.advice:
            found.update(
                dict.fromkeys((*advice.statuses.values(), advice.range_only, *(r.gives for r in advice.rules)))
            )
        for denial in self.denials:
            found.update(dict.fromkeys((denial.contradicted, denial.adds)))
        return list(found)


def plan_of(program: GroundProgram, interventions: Iterable[str] | None = None) -> Plan:
    """The plan of a stratified guideline, for some interventions or all.

    Raises InputError (GL701) when it would have more gates than can be evaluated, which only large recursive blocks do.
    """
    return _Planner(program).plan(list(interventions or program.names.vocabulary.interventions))


class _Planner:
    def __init__(self, program: GroundProgram) -> None:
        self.program, self.bits, self.steps = program, Builder(), 0
        names = program.names.vocabulary
        self.findings: dict[str, Pair] = {
            name: (self.bits.add(Known(name, True)), self.bits.add(Known(name, False))) for name in names.findings
        }
        self.lower: dict[str, End] = {name: End(name, upper=False) for name in names.measures}
        self.upper: dict[str, End] = {name: End(name, upper=True) for name in names.measures}
        about = self.about_guideline()
        only = {atom for block in program.blocks if all(a[0] in about for a in block) for atom in block}
        self.static = self.derive(Ranges.KEPT, only)

    def plan(self, interventions: Sequence[str]) -> Plan:
        denials = self.propagate()
        kept = self.derive(Ranges.KEPT)
        ends = [self.derive(ranges) if self.has_ranges() else kept for ranges in (Ranges.LOW, Ranges.HIGH)]
        advice = tuple(self.advice(name, kept, ends) for name in interventions)
        cautions = tuple(bit for name, of in zip(interventions, advice, strict=True) for bit in self.cautions(of, kept))
        alerts = self.alerts(interventions, kept)
        notes = self.notes({*interventions}, kept, {alert.rule: alert.gives for alert in alerts})
        probes = {
            atom: tuple(Probe(i, tuple(map(kept.element, i.elements))) for i in instances)
            for atom, instances in self.program.instances.items()
        }
        atoms = {Ranges.KEPT: kept.values, Ranges.LOW: ends[0].values, Ranges.HIGH: ends[1].values}
        return Plan(self.bits.circuit(), advice, denials, atoms, probes, cautions, notes, alerts)

    # background
    def propagate(self) -> tuple[Denial, ...]:
        """Unit propagation of the denials by rounds; as many as a chain of distinct additions can be long."""
        denials, raw = self.program.denials, dict(self.findings)
        places = [(d, i) for d in denials for i in range(len(d.elements)) if self.target(d, i) is not None]
        targets = {self.target(d, i) for d, i in places}
        adds: dict[int, set[int]] = {}
        for _ in targets:
            before = (dict(self.findings), dict(self.lower), dict(self.upper))
            for denial, place in places:
                values = self.background(denial)
                follows = self.bits.all(t for i, (t, _) in enumerate(values) if i != place)
                if follows != FALSE:
                    adds.setdefault(id(denial), set()).add(self.refute(denial, place, follows, raw))
            self.check_size()
            if before == (self.findings, self.lower, self.upper):
                break
        found = []
        for denial in denials:
            values = self.background(denial)
            added = self.bits.any(adds.get(id(denial), ()))
            found.append(Denial(denial.rule.id or "", denial, self.bits.all(t for t, _ in values), added))
        return tuple(found)

    def target(self, denial: GroundRule, place: int) -> tuple[str, object] | None:
        """What the denial can add when all its other elements hold."""
        match denial.elements[place]:
            case GroundLiteral(atom, negated) if atom[0] == "finding":
                return str(atom[1]), negated
            case GroundComparison(((name, coefficient),), operator, low, high) if (
                low == high and coefficient in (1, -1) and operator != "="
            ):
                return name, (coefficient, operator, low)
            case _:
                return None

    def refute(self, denial: GroundRule, place: int, follows: int, raw: Mapping[str, Pair]) -> int:
        """Make the element at that place false where the rest holds; the bit that says that this is news."""
        match denial.elements[place]:
            case GroundLiteral(atom, negated):
                name = str(atom[1])
                true, false = self.findings[name]
                if negated:
                    self.findings[name] = (self.bits.any((true, follows)), false)
                    return self.bits.all((follows, self.bits.complement(raw[name][0])))
                self.findings[name] = (true, self.bits.any((false, follows)))
                return self.bits.all((follows, self.bits.complement(raw[name][1])))
            case GroundComparison(((name, coefficient),), operator, bound, _):
                if coefficient < 0:
                    operator, bound = _MIRRORED[operator], -bound
                news = []
                if operator in (">", ">=", "!="):
                    least = bound - 1 if operator == ">=" else bound
                    self.upper[name] = _moved(self.upper[name], follows, least)
                    news.append(self.bits.reaches(((1, End(name, upper=True)),), least + 1))
                if operator in ("<", "<=", "!="):
                    most = bound + 1 if operator == "<=" else bound
                    self.lower[name] = _moved(self.lower[name], follows, most)
                    news.append(self.bits.reaches(((-1, End(name, upper=False)),), 1 - most))
                return self.bits.all((follows, self.bits.any(news)))
            case _:
                return FALSE

    def background(self, denial: GroundRule) -> list[Pair]:
        """What the elements of a denial are worth, as far as has been propagated."""
        self.static.algebra = Gates(self, Ranges.KEPT)
        return list(map(self.static.element, denial.elements))

    # rules
    def derive(self, ranges: Ranges, only: Container[Atom] | None = None) -> Interpretation[Pair]:
        """Every derived atom as a pair of gates."""
        return interpret(self.program, Gates(self, ranges), only)

    # answers
    def advice(self, intervention: str, kept: Interpretation[Pair], ends: Sequence[Interpretation[Pair]]) -> Advice:
        statuses = self.statuses(intervention, kept, Ranges.KEPT)
        determined = self.bits.any(statuses.values())
        at_ends = [
            determined if end is kept else self.bits.any(self.statuses(intervention, end, ranges).values())
            for end, ranges in zip(ends, (Ranges.LOW, Ranges.HIGH), strict=True)
        ]
        range_only = FALSE if all(e == determined for e in at_ends) else self.bits.all(at_ends)
        undetermined = self.bits.complement(determined)
        conflict = statuses.get(Status.CONFLICT, FALSE)
        gives: dict[str, list[int]] = {}
        held = kept.atom(("advise", intervention, HOLD))[0]
        for stance in STANCES:
            decides = statuses.get(STATUS_OF_STANCE[stance], FALSE)
            if stance != HOLD:  # what is held back does not decide, and what holds back takes no side
                decides = self.bits.any((self.bits.all((decides, self.bits.complement(held))), conflict))
            for instance in self.program.instances.get(("advise", intervention, stance), ()):
                true, false = kept.body(instance)
                gives.setdefault(instance.rule.id or "", []).extend(
                    (
                        self.bits.all((true, decides)),
                        self.bits.all((undetermined, self.bits.complement(false))),
                    )
                )
        rules = tuple(RuleBit(rule, self.bits.any(bits)) for rule, bits in gives.items())
        return Advice(intervention, statuses, range_only, rules)

    def cautions(self, advice: Advice, kept: Interpretation[Pair]) -> list[RuleBit]:
        """Which rules with `unsettled` would change the answer, if something that is not known were so."""
        held = kept.atom(("advise", advice.intervention, HOLD))[0]
        given = [
            self.bits.all((number, self.bits.complement(held))) if status is Status.NOT_NOW else number
            for status, number in advice.statuses.items()
            if status not in NO_CAUTIONS
        ]
        found: dict[str, list[int]] = {}
        for instance in self.program.settled_below(advice.intervention):
            values = [kept.element(element) for element in instance.elements]
            open_ = self.bits.any(self.bits.complement(self.bits.any(values[place])) for place in instance.settled)
            possible = self.bits.all(self.bits.complement(false) for _, false in values)
            bit = self.bits.all((self.bits.any(given), possible, open_))
            if bit != FALSE:
                found.setdefault(f"{advice.intervention} {instance.rule.id or ''}", []).append(bit)
        return [RuleBit(name, self.bits.any(bits)) for name, bits in found.items()]

    def alerts(self, asked: Sequence[str], kept: Interpretation[Pair]) -> tuple[RuleBit, ...]:
        """Emergencies about interventions that nobody asked about."""
        found = []
        for name in self.program.names.vocabulary.interventions:
            if name not in asked:
                statuses = self.statuses(name, kept, Ranges.KEPT)
                bit = self.bits.any(number for status, number in statuses.items() if status in ALARMS)
                if bit != FALSE:
                    found.append(RuleBit(name, bit))
        return tuple(found)

    def notes(
        self, asked: Container[str], kept: Interpretation[Pair], alerts: Mapping[str, int]
    ) -> tuple[RuleBit, ...]:
        """The rules of notes that hold: on topics, and on interventions that are asked about or alert."""
        found: dict[str, list[int]] = {}
        others = {name for name in self.program.names.vocabulary.interventions if name not in asked}
        for atom in self.program.reachable("note"):
            wanted = alerts.get(str(atom[1]), FALSE) if atom[1] in others else TRUE
            for instance in self.program.instances[atom]:
                bit = self.bits.all((kept.body(instance)[0], wanted))
                if bit != FALSE:
                    found.setdefault(instance.rule.id or "", []).append(bit)
        return tuple(RuleBit(rule, self.bits.any(bits)) for rule, bits in found.items())

    def statuses(self, intervention: str, values: Interpretation[Pair], ranges: Ranges) -> dict[Status, int]:
        """The bit of each status but `undetermined`; those that nobody can get are left out."""
        stance = {s: values.atom(("advise", intervention, s)) for s in STANCES}
        found = formulas(values.algebra, stance, values.atom(("in_scope",)))
        shown = {status: true for status, (true, _) in found.items() if true != FALSE}
        diagram = diagrams_of(self.program).of(intervention)
        return shown if diagram is None else ExactGates(self.bits, diagram, values, ranges).statuses(shown)

    def about_guideline(self) -> frozenset[str]:
        predicates = self.program.names.predicates
        return frozenset(name for name, predicate in predicates.items() if not predicate.about_patient)

    def has_ranges(self) -> bool:
        return any(
            isinstance(e, GroundComparison) and e.low != e.high
            for instances in self.program.instances.values()
            for i in instances
            for e in i.elements
        )

    def check_size(self) -> None:
        """Called once for each conclusion that is worked out, again and again where they depend on each other."""
        self.steps += 1
        if self.steps > MOST_STEPS or len(self.bits.gates) > MOST_GATES:
            raise InputError.of(
                "GL701",
                f"the rules make a circuit of more than {MOST_GATES:,} gates, or over {MOST_STEPS:,} steps to make",
                hint="a large group of conclusions that depend on each other is the usual reason; split it",
            )


@dataclass(frozen=True, slots=True)
class Gates:
    """The algebra of pairs of gates, over the inputs as far as the background has been propagated to them."""

    planner: _Planner
    ranges: Ranges
    yes: ClassVar[Pair] = YES
    no: ClassVar[Pair] = NO

    def both(self, parts: Iterable[Pair]) -> Pair:
        """Three-valued AND."""
        return self.planner.bits.both(list(parts))

    def either(self, parts: Iterable[Pair]) -> Pair:
        """Three-valued OR."""
        self.planner.check_size()
        return self.planner.bits.either(list(parts))

    def negate(self, value: Pair) -> Pair:
        """The two bits swapped."""
        return value[1], value[0]

    def at_least(self, count: int, parts: Sequence[Pair]) -> Pair:
        """So many known to be true; so many known to be false that it cannot be."""
        fails = self.planner.bits.at_least(len(parts) - count + 1, [f for _, f in parts])
        return self.planner.bits.at_least(count, [t for t, _ in parts]), fails

    def finding(self, name: str) -> Pair:
        """Known to be present, known to be absent."""
        return self.planner.findings[name]

    def settled(self, _: GroundElement, value: Pair) -> Pair:
        """Known to hold, or false."""
        return value[0], self.planner.bits.complement(value[0])

    def comparison(self, comparison: GroundComparison) -> Pair:
        """At one end of its range, or where both ends agree."""
        if self.ranges is Ranges.KEPT and comparison.low != comparison.high:
            return self.planner.bits.agree(self.at(comparison, comparison.low), self.at(comparison, comparison.high))
        return self.at(comparison, comparison.high if self.ranges is Ranges.HIGH else comparison.low)

    def at(self, comparison: GroundComparison, bound: int) -> Pair:
        """Over the ends of the intervals: in whole ticks, `x < b` is `-x >= 1 - b`."""
        bits, lower, upper = self.planner.bits, self.planner.lower, self.planner.upper
        least = [(c, (lower if c > 0 else upper)[name]) for name, c in comparison.terms]
        most = [(-c, (upper if c > 0 else lower)[name]) for name, c in comparison.terms]
        above, below = bits.reaches(least, bound + 1), bits.reaches(most, 1 - bound)
        from_, to = bits.reaches(least, bound), bits.reaches(most, -bound)
        match comparison.operator:
            case ">=":
                return from_, below
            case ">":
                return above, to
            case "<=":
                return to, above
            case "<":
                return below, from_
            case "=":
                return bits.all((from_, to)), bits.any((above, below))
            case _:
                return bits.any((above, below)), bits.all((from_, to))


_MIRRORED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}


def _moved(end: End, holds: int, bound: int) -> End:
    """The end, moved to the bound at least where the gate holds."""
    if holds == FALSE or (holds, bound) in end.moved:
        return end
    # A later round's gate for the same bound covers the earlier one's, but keeping both is as right.
    return End(end.measure, end.upper, (*end.moved, (holds, bound)))


__all__ = ["FALSE", "TRUE", "Advice", "Denial", "Plan", "Probe", "RuleBit", "plan_of"]
