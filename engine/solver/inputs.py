"""What follows from a record: the facts that rules look at, with background rules applied.

Background rules are propagated exactly as `background.propagate` does it, so a model is a record that the reader
accepts, and `refused` holds when the record contradicts the background. Comparisons of several measures at once become
literals of their own, about which `linear` has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TypeAlias

from guidelog.ground.program import GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundRule

from .literals import Literals
from .records import Record, Regions, threshold

Pair: TypeAlias = tuple[int, int]
"""The literals `certain` and `possible` of a three-valued value."""


Joint: TypeAlias = tuple[tuple[tuple[str, int], ...], int]
"""`sum of coefficient * measure >= bound`, the first coefficient positive."""

MOST_CLAUSES = 5_000
"""How many clauses a joint comparison may have; what they leave open, `linear` finds out model by model."""


@dataclass(frozen=True)
class SolverInputs:
    """What is taken to be so about the patient: the record and what the background adds.

    `refused` when they contradict each other.
    """

    regions: Mapping[str, Regions]
    present: Mapping[str, int]
    absent: Mapping[str, int]
    least: Mapping[str, tuple[int, ...]]
    below: Mapping[str, tuple[int, ...]]
    refused: int
    joint: dict[Joint, Pair] = field(default_factory=dict)
    """Comparisons of several measures; `linear` sees to it that all their numbers fit together."""

    def finding(self, name: str) -> Pair:
        """The finding is present."""
        return self.present[name], -self.absent[name]

    def at_least(self, circuit: Literals, name: str, value: int) -> tuple[int, int]:
        """Literals: the measure is at or above a value; it is under it. Certain both, and never both."""
        regions = self.regions[name]
        if value <= regions.low:
            return circuit.true, circuit.false
        if value > regions.high:
            return circuit.false, circuit.true
        k = regions.cuts.index(value)
        return self.least[name][k], self.below[name][k]

    def compared(self, circuit: Literals, terms: tuple[tuple[str, int], ...], operator: str, bound: int) -> Pair:
        """`sum of coefficient * measure  operator  bound`."""
        if not terms:
            holds = {"<": bound > 0, "<=": bound >= 0, ">": bound < 0, ">=": bound <= 0, "=": bound == 0}.get(
                operator, bound != 0
            )
            return (circuit.true, circuit.true) if holds else (circuit.false, circuit.false)
        if len(terms) > 1:
            return self._compared_jointly(circuit, terms, operator, bound)
        ((name, coefficient),) = terms
        kind, cuts = threshold(coefficient, operator, bound)
        sides = [self.at_least(circuit, name, cut) for cut in cuts]
        match kind:
            case ">=":
                return sides[0][0], -sides[0][1]
            case "<":
                return sides[0][1], -sides[0][0]
        equal = circuit.both(sides[0][0], sides[1][1]), circuit.both(-sides[0][1], -sides[1][0])
        return equal if kind == "=" else (-equal[1], -equal[0])

    def _compared_jointly(
        self, circuit: Literals, terms: tuple[tuple[str, int], ...], operator: str, bound: int
    ) -> Pair:
        """Everything as `>=` with a positive first coefficient."""
        if terms[0][1] < 0:
            terms = tuple((name, -coefficient) for name, coefficient in terms)
            operator, bound = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator), -bound
        here = self._reached(circuit, (terms, bound))
        over = self._reached(circuit, (terms, bound + 1)) if operator not in (">=", "<") else here
        equal = circuit.both(here[0], -over[1]), circuit.both(here[1], -over[0])
        match operator:
            case ">=":
                return here
            case ">":
                return over
            case "<":
                return -here[1], -here[0]
            case "<=":
                return -over[1], -over[0]
            case "=":
                return equal
            case _:
                return -equal[1], -equal[0]

    def _reached(self, circuit: Literals, key: Joint) -> Pair:
        """The sum is certainly, and possibly, at or above a bound."""
        if key in self.joint:
            return self.joint[key]
        terms, bound = key
        pair = circuit.choice(), circuit.choice()
        circuit.watch(pair)
        circuit.forbid(pair[0], -pair[1])
        for (others, other), known in self.joint.items():
            if others == terms:
                first, second = (known, pair) if other < bound else (pair, known)
                for lower, higher in zip(first, second, strict=True):
                    circuit.forbid(higher, -lower)
        for literal, certain in zip(pair, (True, False), strict=True):
            ends = [(name, c, (0 if c > 0 else 1) if certain else (1 if c > 0 else 0)) for name, c in terms]
            for up in (True, False):
                options = [list(self._options(name, c, end, up)) for name, c, end in ends]
                for chosen in islice(product(*options), MOST_CLAUSES):
                    total = sum(value for value, _ in chosen)
                    reasons = [r for _, r in chosen if r is not None]
                    if up and total >= bound:
                        circuit.forbid(*reasons, -literal)
                    if not up and total < bound:
                        circuit.forbid(*reasons, literal)
        self.joint[key] = pair
        self._as_differences(circuit, key, pair)
        return pair

    def _as_differences(self, circuit: Literals, key: Joint, pair: Pair) -> None:
        """Tell the solver what a comparison of two measures says of the ends of their intervals, in ticks.

        What it finds contradictory no numbers fit; what it leaves `linear` has the last word about.
        """
        terms, bound = key
        if [coefficient for _, coefficient in terms] != [1, -1]:
            return
        (low, high), (other_low, other_high) = (self._ends(circuit, name) for name, _ in terms)
        certain, possible = pair
        circuit.at_most(certain, other_high, low, -bound)
        circuit.at_most(-certain, low, other_high, bound - 1)
        circuit.at_most(possible, other_low, high, -bound)
        circuit.at_most(-possible, high, other_low, bound - 1)

    def _ends(self, circuit: Literals, name: str) -> tuple[str, str]:
        """The names of both ends of a measure as numbers, tied to the cuts between its regions."""
        cuts = self.least[name], self.below[name]
        low, high = circuit.numbers.get((name, *cuts), ("", ""))
        if low:
            return low, high
        number = len(circuit.numbers)
        low, high = circuit.numbers[name, *cuts] = f"low{number}", f"high{number}"
        regions = self.regions[name]
        circuit.at_most(circuit.true, None, low, -regions.low)
        crossed = circuit.any(*(circuit.both(*pair) for pair in zip(*cuts, strict=True)))  # a record that is refused
        circuit.at_most(-crossed, low, high, 0)
        circuit.at_most(circuit.true, high, None, regions.high)
        for cut, reached, under in zip(regions.cuts, *cuts, strict=True):
            circuit.at_most(reached, None, low, -cut)
            circuit.at_most(-reached, low, None, cut - 1)
            circuit.at_most(under, high, None, cut - 1)
            circuit.at_most(-under, None, high, -cut)
        return low, high

    def _options(self, name: str, coefficient: int, end: int, up: bool) -> Iterator[tuple[int, int | None]]:
        """What a summand is at least (`up`) or at most, and the literal on the end of the measure that makes it so."""
        regions = self.regions[name]
        from_below = (coefficient > 0) is up  # the end's own lower bounds count
        yield coefficient * (regions.low if from_below else regions.high), None
        for k, cut in enumerate(regions.cuts):
            reached = self.least[name][k] if end == 0 else -self.below[name][k]
            yield (coefficient * cut, reached) if from_below else (coefficient * (cut - 1), -reached)

    def known(self, circuit: Literals, name: str) -> int:
        """The record says something about an input."""
        if name in self.present:
            return circuit.any(self.present[name], self.absent[name])
        return circuit.any(*self.least[name], *self.below[name])

    def added(self, circuit: Literals, record: Record) -> list[int]:
        """The literals that a finding is present or absent, which the record does not list."""
        return [
            circuit.both(after[name], -before[name])
            for before, after in ((record.present, self.present), (record.absent, self.absent))
            for name in before
            if after[name] != before[name]
        ]


def facts_of(
    circuit: Literals,
    record: Record,
    regions: Mapping[str, Regions],
    denials: Sequence[GroundRule],
    relation: Callable[[GroundLiteral], int],
) -> SolverInputs:
    """The facts of a record under background rules.

    `relation` is the truth of a literal that is not about the patient.
    """
    touched = {name for denial in denials for name in _refutable(denial)}
    present, absent, least, below = dict(record.present), dict(record.absent), dict(record.least), dict(record.below)
    for name in touched:  # inputs that the background may settle are atoms of their own, with the record as a reason
        if name in present:
            present[name], absent[name] = circuit.atom(), circuit.atom()
            circuit.define(present[name], [record.present[name]])
            circuit.define(absent[name], [record.absent[name]])
        else:
            least[name] = tuple(circuit.atom() for _ in regions[name].cuts)
            below[name] = tuple(circuit.atom() for _ in regions[name].cuts)
            circuit.watch([*least[name], *below[name]])
            for k in range(len(regions[name].cuts)):
                circuit.define(least[name][k], [record.least[name][k]])
                circuit.define(below[name][k], [record.below[name][k]])
                if k:
                    circuit.define(least[name][k - 1], [least[name][k]])
                    circuit.define(below[name][k], [below[name][k - 1]])
    refused = circuit.atom() if denials else circuit.false
    facts = SolverInputs(regions, present, absent, least, below, refused)

    def certain(element: GroundElement) -> int:
        match element:
            case GroundLiteral(atom, negated) if atom[0] == "finding":
                return (absent if negated else present)[str(atom[1])]
            case GroundLiteral():
                return relation(element)
            case GroundComparison(terms, operator, low, high):
                return circuit.both(*(facts.compared(circuit, terms, operator, bound)[0] for bound in {low, high}))
            case GroundAtLeast(count, members):
                return circuit.at_least(count, [certain(m) for m in members])
            case _:
                return circuit.true

    for denial in denials:
        values = [certain(element) for element in denial.elements]
        circuit.define(refused, values)
        for place, element in enumerate(denial.elements):
            others = [v for i, v in enumerate(values) if i != place]
            for literal in _refutation(circuit, facts, element):
                circuit.define(literal, others)
    return facts


def _refutable(denial: GroundRule) -> list[str]:
    found = []
    for element in denial.elements:
        match element:
            case GroundLiteral(atom, _) if atom[0] == "finding":
                found.append(str(atom[1]))
            case GroundComparison(((name, coefficient),), operator, low, high) if (
                coefficient in (1, -1) and low == high and operator != "="
            ):
                found.append(name)
            case _:
                pass
    return found


def _refutation(circuit: Literals, facts: SolverInputs, element: GroundElement) -> list[int]:
    """The atoms that become true when a background rule has to make an element false."""
    match element:
        case GroundLiteral(atom, negated) if atom[0] == "finding":
            return [(facts.present if negated else facts.absent)[str(atom[1])]]
        case GroundComparison(((name, coefficient),), operator, low, high) if (
            coefficient in (1, -1) and low == high and operator != "="
        ):
            kind, cuts = threshold(coefficient, operator, low)
            sides = [facts.at_least(circuit, name, cut) for cut in cuts]
            match kind:
                case ">=":
                    wanted = [sides[0][1]]
                case "<":
                    wanted = [sides[0][0]]
                case _:  # `!=`: the value is the one that is excluded from being different
                    wanted = [sides[0][0], sides[1][1]]
            return [literal for literal in wanted if literal not in (circuit.true, circuit.false)]
        case _:
            return []
