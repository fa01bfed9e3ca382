"""GroundProgram -> Plan: the whole meaning of a guideline as one circuit (docs/language.md, *Meaning*).

Background rules are propagated to the inputs first, then every derived atom is a pair of bits in evaluation order, the
threshold ranges kept and at either end; statuses, reasons and deciding rules are bits over those. Screens are not in
it: closing them is a property of how a record was read, and done to the inputs.

Every status is, written in terms of its stances, a formula in which each stance occurs once. For such formulas the
three-valued evaluation is exact, so "all combinations that are left open lead to this status" is one bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from guidelog.diagnostics import InputError
from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language.stances import EMERGENCY, HOLD, STANCES, STANCES_AGAINST, STANCES_FOR

from .circuit import FALSE, NO, TRUE, YES, Builder, Circuit, End, Known, Pair
from .status import STATUS_OF_STANCE, Status

MOST_GATES = 5_000_000
MOST_STEPS = 3_000_000


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
        self.static = self.derive(Ranges.KEPT, only=self.about_guideline())

    def plan(self, interventions: Sequence[str]) -> Plan:
        denials = self.propagate()
        kept = self.derive(Ranges.KEPT)
        ends = [self.derive(ranges) if self.has_ranges() else kept for ranges in (Ranges.LOW, Ranges.HIGH)]
        advice = tuple(self.advice(name, kept, ends) for name in interventions)
        probes = {
            atom: tuple(Probe(i, tuple(self.element(e, kept, Ranges.KEPT) for e in i.elements)) for i in instances)
            for atom, instances in self.program.instances.items()
        }
        atoms = {Ranges.KEPT: kept, Ranges.LOW: ends[0], Ranges.HIGH: ends[1]}
        return Plan(self.bits.circuit(), advice, denials, atoms, probes)

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
                values = [self.element(e, self.static, Ranges.KEPT) for e in denial.elements]
                follows = self.bits.all(t for i, (t, _) in enumerate(values) if i != place)
                if follows != FALSE:
                    adds.setdefault(id(denial), set()).add(self.refute(denial, place, follows, raw))
            self.check_size()
            if before == (self.findings, self.lower, self.upper):
                break
        found = []
        for denial in denials:
            values = [self.element(e, self.static, Ranges.KEPT) for e in denial.elements]
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

    # rules
    def derive(self, ranges: Ranges, only: frozenset[str] | None = None) -> dict[Atom, Pair]:
        """Every derived atom, block by block; a block that depends on itself by rounds from false."""
        values: dict[Atom, Pair] = {}
        for block in self.program.blocks:
            if only is not None and any(atom[0] not in only for atom in block):
                continue
            values.update(dict.fromkeys(block, NO))
            users = self.users(block)
            # What was reached last depends on least; after as many rounds as there are atoms nothing can be new.
            todo = dict.fromkeys(reversed(block))
            for _ in block:
                changed: dict[Atom, None] = {}
                for atom in todo:
                    self.check_size()
                    value = self.atom(atom, values, ranges)
                    if value != values[atom]:
                        values[atom] = value
                        changed.update(dict.fromkeys(users.get(atom, ())))
                todo = changed
        return values

    def users(self, block: Sequence[Atom]) -> dict[Atom, list[Atom]]:
        """For the atoms of a block those of it that look at them."""
        found: dict[Atom, list[Atom]] = {}
        inside = set(block)
        for atom in block:
            for target in self.program.edges[atom]:
                if target in inside:
                    found.setdefault(target, []).append(atom)
        return found

    def atom(self, atom: Atom, values: Mapping[Atom, Pair], ranges: Ranges) -> Pair:
        if atom in self.program.facts:
            return YES
        instances = self.program.instances[atom]
        return self.bits.either([self.body(i, values, ranges) for i in instances])

    def body(self, instance: GroundRule, values: Mapping[Atom, Pair], ranges: Ranges) -> Pair:
        pairs = [self.element(e, values, ranges) for e in instance.elements]
        for place in instance.settled:
            pairs[place] = (pairs[place][0], self.bits.complement(pairs[place][0]))
        return self.bits.both(pairs)

    def element(self, element: GroundElement, values: Mapping[Atom, Pair], ranges: Ranges) -> Pair:
        match element:
            case GroundLiteral():
                return self.literal(element, values)
            case GroundComparison():
                if ranges is Ranges.KEPT and element.low != element.high:
                    return self.bits.agree(
                        self.comparison(element, element.low), self.comparison(element, element.high)
                    )
                return self.comparison(element, element.high if ranges is Ranges.HIGH else element.low)
            case GroundAtLeast(count, members):
                pairs = [self.literal(member, values) for member in members]
                fails = self.bits.at_least(len(members) - count + 1, [f for _, f in pairs])
                return self.bits.at_least(count, [t for t, _ in pairs]), fails
            case Given():
                return YES

    def literal(self, literal: GroundLiteral, values: Mapping[Atom, Pair]) -> Pair:
        atom = literal.atom
        if atom[0] == "finding":
            true, false = self.findings[str(atom[1])]
        else:
            true, false = values.get(atom, YES if atom in self.program.facts else NO)
        return (false, true) if literal.negated else (true, false)

    def comparison(self, comparison: GroundComparison, bound: int) -> Pair:
        """Over the ends of the intervals: in whole ticks, `x < b` is `-x >= 1 - b`."""
        least = [(c, (self.lower if c > 0 else self.upper)[name]) for name, c in comparison.terms]
        most = [(-c, (self.upper if c > 0 else self.lower)[name]) for name, c in comparison.terms]
        above, below = self.bits.reaches(least, bound + 1), self.bits.reaches(most, 1 - bound)
        from_, to = self.bits.reaches(least, bound), self.bits.reaches(most, -bound)
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
                return self.bits.all((from_, to)), self.bits.any((above, below))
            case _:
                return self.bits.any((above, below)), self.bits.all((from_, to))

    # answers
    def advice(self, intervention: str, kept: Mapping[Atom, Pair], ends: Sequence[Mapping[Atom, Pair]]) -> Advice:
        statuses = self.statuses(intervention, kept)
        determined = self.bits.any(statuses.values())
        at_ends = [self.bits.any(self.statuses(intervention, end).values()) for end in ends]
        range_only = FALSE if all(e == determined for e in at_ends) else self.bits.all(at_ends)
        undetermined = self.bits.complement(determined)
        conflict = statuses.get(Status.CONFLICT, FALSE)
        gives: dict[str, list[int]] = {}
        held = self.literal(GroundLiteral(("advise", intervention, HOLD), negated=False), kept)[0]
        for stance in STANCES:
            decides = statuses.get(STATUS_OF_STANCE[stance], FALSE)
            if stance != HOLD:  # what is held back does not decide, and what holds back takes no side
                decides = self.bits.any((self.bits.all((decides, self.bits.complement(held))), conflict))
            for instance in self.program.instances.get(("advise", intervention, stance), ()):
                true, false = self.body(instance, kept, Ranges.KEPT)
                gives.setdefault(instance.rule.id or "", []).extend(
                    (
                        self.bits.all((true, decides)),
                        self.bits.all((undetermined, self.bits.complement(false))),
                    )
                )
        rules = tuple(RuleBit(rule, self.bits.any(bits)) for rule, bits in gives.items())
        return Advice(intervention, statuses, range_only, rules)

    def statuses(self, intervention: str, values: Mapping[Atom, Pair]) -> dict[Status, int]:
        """The bit of each status but `undetermined`; those that nobody can get are left out."""
        bits = self.bits
        stance: dict[str, Pair] = {
            s: self.literal(GroundLiteral(("advise", intervention, s), negated=False), values) for s in STANCES
        }
        scope = self.literal(GroundLiteral(("in_scope",), negated=False), values)

        def neither(*names: str) -> list[Pair]:
            return [(stance[name][1], stance[name][0]) for name in names]

        urgent, do, consider = STANCES_FOR
        avoid, defer = STANCES_AGAINST
        calm = neither(EMERGENCY, urgent)
        free = (*calm, *neither(HOLD))
        silent = (*free, *neither(do, consider))
        elective = bits.both((*neither(HOLD), bits.either((stance[do], stance[consider]))))
        rest = bits.both((*neither(do, consider, avoid), bits.either((stance[defer], scope))))
        found = {
            Status.EMERGENCY_PATHWAY: stance[EMERGENCY],
            Status.CONFLICT: bits.both(
                (
                    *neither(EMERGENCY),
                    bits.either((stance[urgent], elective)),
                    bits.either([stance[s] for s in STANCES_AGAINST]),
                )
            ),
            Status.URGENT: bits.both((*neither(EMERGENCY), stance[urgent], *neither(*STANCES_AGAINST))),
            Status.RECOMMENDED: bits.both((*free, stance[do], *neither(*STANCES_AGAINST))),
            Status.CONSIDER: bits.both((*free, stance[consider], *neither(do, *STANCES_AGAINST))),
            Status.AVOID: bits.both((*silent, stance[avoid])),
            Status.NOT_NOW: bits.both((*calm, bits.either((stance[HOLD], rest)))),
            Status.OUTSIDE_GUIDELINE: bits.both((*silent, *neither(avoid, defer), (scope[1], scope[0]))),
        }
        return {status: true for status, (true, _) in found.items() if true != FALSE}

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


_MIRRORED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!="}


def _moved(end: End, holds: int, bound: int) -> End:
    """The end, moved to the bound at least where the gate holds."""
    if holds == FALSE or (holds, bound) in end.moved:
        return end
    # A later round's gate for the same bound covers the earlier one's, but keeping both is as right.
    return End(end.measure, end.upper, (*end.moved, (holds, bound)))


__all__ = ["FALSE", "TRUE", "Advice", "Denial", "Plan", "Probe", "RuleBit", "plan_of"]
