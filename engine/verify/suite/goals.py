"""What a suite of generated patients has to show: obligations, each with a literal and a test of an evaluated patient.

A rule that applies, a condition that alone is decisive (all others of its rule hold, it does not, and nothing else
shows the conclusion), a threshold with the last value on either side of it. Whether some patient shows it is for
`suite` to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from guidelog.compiled import Compiled
from guidelog.ground.program import Given, GroundComparison, GroundLiteral, GroundRule
from guidelog.semantics.kleene import World
from guidelog.solver.program import SolverProgram
from guidelog.solver.records import Record, Regions, threshold

from ..witness.candidate import number_of


@dataclass(frozen=True)
class Obligation:
    """Something that the suite has to show. `confirmed` says whether an evaluated patient shows it."""

    kind: str  # rule, condition, threshold
    name: str
    literal: int
    confirmed: Callable[[World], bool]


@dataclass(frozen=True, slots=True)
class CoverageGoals:
    """All that a guideline's rules ask for, over any fully known record.

    `upper` has for each measure the literal that its value is the last one of its region, and not the first.
    """

    compiled: Compiled
    encoded: SolverProgram
    record: Record
    regions: Mapping[str, Regions]
    upper: Mapping[str, int]

    def __iter__(self) -> Iterator[Obligation]:
        by_rule: dict[int, list[GroundRule]] = {}
        for rules in self.compiled.ground.instances.values():
            for rule in rules:
                if self.compiled.names.predicates[str((rule.head or ("patient",))[0])].about_patient:
                    by_rule.setdefault(id(rule.rule), []).append(rule)
        encoded = self.encoded
        for instances in by_rule.values():
            for rule in instances:
                chosen = ", ".join(map(str, rule.substitution.values()))
                name = f"{rule.rule.id or '?'}{f' ({chosen})' if chosen and len(instances) > 1 else ''}"
                yield Obligation("rule", name, encoded.body(rule)[0], _applies(rule))
                for place, element in enumerate(rule.elements):
                    if self._open(element):
                        words = f"{name}, condition {place + 1}"
                        yield Obligation("condition", words, self._decisive(rule, place), _decides(rule, place))
                        yield from self._thresholds(name, rule, place)

    def _open(self, element: object) -> bool:
        if isinstance(element, Given):
            return False
        if isinstance(element, GroundLiteral):
            predicate = str(element.atom[0])
            return predicate == "finding" or self.compiled.names.predicates[predicate].about_patient
        return True

    def _decisive(self, rule: GroundRule, place: int) -> int:
        c, encoded = self.encoded.circuit, self.encoded
        assert rule.head is not None
        values = [encoded.element(e) for e in rule.elements]
        others = [v[0] for i, v in enumerate(values) if i != place]
        head = c.false if rule.head[0] in ("note", "include") else encoded.atom(rule.head)[1]
        return c.both(*others, -values[place][1], -head)

    def _thresholds(self, name: str, rule: GroundRule, place: int) -> Iterator[Obligation]:
        """The value at each cut of a comparison, and the last value under it, where all other conditions hold."""
        c, encoded, element = self.encoded.circuit, self.encoded, rule.elements[place]
        if not (isinstance(element, GroundComparison) and len(element.terms) == 1):
            return
        ((measure, _),) = element.terms
        regions = self.regions[measure]
        others = [encoded.element(e)[0] for i, e in enumerate(rule.elements) if i != place]
        for k, cut in enumerate(regions.cuts):
            if any(self._cuts(element, bound, cut) for bound in {element.low, element.high}):
                for region, upper in ((k + 1, False), (k, True)):
                    value = regions.edge(region, upper=upper)
                    side = self.upper[measure] if upper else -self.upper[measure]
                    literal = c.both(*others, *self._in(measure, region), side)
                    if value is not None:
                        shown = f"{name}, {measure} {number_of(value, regions.measure)}"
                        yield Obligation("threshold", shown, literal, _has(rule, place, measure, value))

    def _cuts(self, element: GroundComparison, bound: int, cut: int) -> bool:
        return cut in threshold(element.terms[0][1], element.operator, bound)[1]

    def _in(self, measure: str, region: int) -> list[int]:
        least, below = self.record.least[measure], self.record.below[measure]
        return [*least[:region], *below[region:]]


def _applies(rule: GroundRule) -> Callable[[World], bool]:
    return lambda world: all(world.element(e) is True for e in rule.elements)


def _decides(rule: GroundRule, place: int) -> Callable[[World], bool]:
    def decides(world: World) -> bool:
        assert rule.head is not None
        others = all(world.element(e) is True for i, e in enumerate(rule.elements) if i != place)
        shown = rule.head[0] not in ("note", "include") and world.atom(rule.head) is not False
        return others and world.element(rule.elements[place]) is False and not shown

    return decides


def _has(rule: GroundRule, place: int, measure: str, value: int) -> Callable[[World], bool]:
    def has(world: World) -> bool:
        interval = world.facts.measures[measure]
        others = all(world.element(e) is True for i, e in enumerate(rule.elements) if i != place)
        return others and interval.low == interval.high == value

    return has
