"""Measures cut into regions: within one, no rule can tell two values apart.

`cuts_of` finds the values at which some comparison of one measure changes its mind; the regions between them stand
for all numbers of the measure's range. Comparisons of several measures at once are not cut (see `linear`). Values are
in ticks. Picks for each region a value that a patient record can say, because a witness has to be written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guidelog.ground.ground import GroundComparison, GroundProgram
from guidelog.language.vocabulary import Measure

DECIMALS = 1000
"""A record gives numbers with three decimals, so this many steps a unit can be written."""


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions of one measure: `cuts` in order, each above the least value.

    Region i begins at the i-th cut from 1.
    """

    measure: Measure
    cuts: tuple[int, ...]

    @property
    def low(self) -> int:
        """The least value, in ticks."""
        return self.measure.low * self.measure.ticks

    @property
    def high(self) -> int:
        """The greatest value, in ticks."""
        return self.measure.high * self.measure.ticks

    @property
    def last(self) -> int:
        """The number of the last region; the first is 0."""
        return len(self.cuts)

    def bounds(self, region: int) -> tuple[int, int]:
        """The least and the greatest value of a region."""
        least = self.low if region == 0 else self.cuts[region - 1]
        return least, self.high if region == self.last else self.cuts[region] - 1

    def value(self, region: int, *, greatest: bool = False) -> int | None:
        """The simplest value of a region that a record can say: a whole unit if there is one, else a decimal.

        None when it holds no such value.
        """
        least, most = self.bounds(region)
        ticks = self.measure.ticks
        for step in (ticks // places for places in (1, 10, 100, DECIMALS) if ticks % places == 0):
            first, final = -(-least // step) * step, most // step * step
            if first <= final:
                return final if greatest else first
        return None

    def edge(self, region: int, *, upper: bool) -> int | None:
        """The least or the greatest value of a region that a record says in tenths of a unit.

        More finely where it must; None when it holds no such value.
        """
        least, most = self.bounds(region)
        for places in (10, 100, DECIMALS):
            step = self.measure.ticks // places
            first, final = -(-least // step) * step, most // step * step
            if self.measure.ticks % places == 0 and first <= final:
                return final if upper else first
        return None


def threshold(coefficient: int, operator: str, bound: int) -> tuple[str, tuple[int, ...]]:
    """`coefficient * x operator bound` over whole x.

    As `>=` or `<` with one cut, or as `=` or `!=` with the two cuts around it.
    """
    if coefficient < 0:
        coefficient, bound = -coefficient, -bound
        operator = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
    least = -(-bound // coefficient)  # the least x with coefficient * x >= bound
    over = bound // coefficient + 1  # the least x with coefficient * x > bound
    match operator:
        case ">=":
            return ">=", (least,)
        case ">":
            return ">=", (over,)
        case "<":
            return "<", (least,)
        case "<=":
            return "<", (over,)
        case _:
            return operator, (least, over)


def comparisons_of(program: GroundProgram) -> Iterable[GroundComparison]:
    """All measured comparisons of rules and denials."""
    for rules in (*program.instances.values(), program.denials):
        for rule in rules:
            for element in rule.elements:
                if isinstance(element, GroundComparison):
                    yield element


def regions_of(measures: Mapping[str, Measure], programs: Iterable[GroundProgram]) -> dict[str, Regions]:
    """The regions of every measure, cut wherever one of the programs tells values apart."""
    found: dict[str, set[int]] = {name: set() for name in measures}
    for program in programs:
        for comparison in comparisons_of(program):
            if len(comparison.terms) == 1:
                ((name, coefficient),) = comparison.terms
                for bound in {comparison.low, comparison.high}:
                    found[name].update(threshold(coefficient, comparison.operator, bound)[1])
    return {
        name: Regions(
            measure,
            tuple(sorted(c for c in found[name] if measure.low * measure.ticks < c <= measure.high * measure.ticks)),
        )
        for name, measure in measures.items()
    }
