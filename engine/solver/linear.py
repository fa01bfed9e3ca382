"""Numbers for the regions of a model: values that a record can say, and that comparisons of several measures allow.

Comparisons of one measure are settled by its regions. Those of several measures at once are only names in the
circuit; here each is a linear inequality over the ends of intervals, solved exactly by Fourier-Motzkin elimination.
Either values are found, or the inequalities contradict each other (`Infeasible`, with literals that cannot hold
together), or neither was achieved (`Undecided`). Nothing is claimed without one of the first two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from .inputs import Joint, SolverInputs
from .literals import Truth
from .records import DECIMALS, Record, Regions

MOST_INEQUALITIES = 4_000


class Infeasible(Exception):
    """No numbers fit. The literals cannot hold together."""

    def __init__(self, literals: Sequence[int]) -> None:
        super().__init__("no numbers fit")
        self.literals = tuple(literals)


class Undecided(Exception):
    """Too much work, or only numbers that no record can say."""


Variable: TypeAlias = tuple[int, str, int]
"""Which record, which measure, low end (0) or high end (1)."""


@dataclass(frozen=True, slots=True)
class Inequality:
    """`sum of coefficient * variable + constant >= 0`, and the literals that it rests on."""

    terms: Mapping[Variable, Fraction]
    constant: Fraction
    reasons: frozenset[int]


Intervals: TypeAlias = dict[str, tuple[int, int]]


def choose_values(
    truth: Truth,
    regions: Mapping[str, Regions],
    sides: Sequence[tuple[Record, SolverInputs]],
    *,
    exact: bool = False,
    unlisted: Mapping[str, frozenset[int]] | None = None,
) -> list[Intervals]:
    """For each side the interval of every measure, in ticks; with `exact` single values.

    `unlisted` are measures that the record must not list, with the literals that make it so. Raises Infeasible,
    Undecided.
    """
    found = [_simple(truth, regions, record) for record, _ in sides]
    if not any(facts.joint for _, facts in sides):
        return found
    numbers = {id(record.least): index for index, (record, _) in enumerate(sides)}
    number = [numbers[id(record.least)] for record, _ in sides]
    names = {name for _, facts in sides for terms, _ in facts.joint for name, _ in terms}
    base = list(_domains(truth, regions, sides, number, names, exact=exact))
    base += [
        inequality
        for (record, facts), side in zip(sides, number, strict=True)
        for key, pair in facts.joint.items()
        for inequality in _meaning(truth, key, pair, _Ends(truth, regions, record, facts, side))
    ]

    def all_of(side: int, name: str, reasons: frozenset[int]) -> list[Inequality]:
        return [
            Inequality({(side, name, end): Fraction(sign)}, Fraction(-sign * value), reasons)
            for end, value in enumerate(_all(regions[name]))
            for sign in (1, -1)
        ]

    for name, reasons in (unlisted or {}).items():
        if name in names:
            base += [i for side in set(number) for i in all_of(side, name, reasons)]
    whole = [
        inequality
        for side in set(number)
        for name in names
        if not exact and found[number.index(side)][name] == _all(regions[name])
        for inequality in all_of(side, name, frozenset())
    ]
    for fixed in (whole, []):  # an input that is not listed is better than one that is
        values = _solve(base + fixed, regions, last=not fixed)
        if values is not None:
            for side, intervals in zip(number, found, strict=True):
                intervals.update({name: (values[side, name, 0], values[side, name, 1]) for name in names})
            return found
    raise Undecided


def _simple(truth: Truth, regions: Mapping[str, Regions], record: Record) -> Intervals:
    """The simplest values of the regions, each measure for itself."""
    found = {}
    for name, r in regions.items():
        first, last = _ends(truth, r, record.least[name], record.below[name])
        if first == 0 and last == r.last:
            found[name] = _all(r)
        elif first == last:
            value = r.value(first)
            if value is None:
                raise Undecided
            found[name] = (value, value)
        else:
            low, high = r.value(first), r.value(last, greatest=True)
            if low is None or high is None:
                raise Undecided
            found[name] = (r.low if first == 0 else low, r.high if last == r.last else high)
    return found


def _ends(truth: Truth, regions: Regions, least: Sequence[int], below: Sequence[int]) -> tuple[int, int]:
    return sum(truth(literal) for literal in least), regions.last - sum(truth(literal) for literal in below)


def _all(regions: Regions) -> tuple[int, int]:
    return regions.low, regions.high


def _domains(
    truth: Truth,
    regions: Mapping[str, Regions],
    sides: Sequence[tuple[Record, SolverInputs]],
    number: Sequence[int],
    names: set[str],
    *,
    exact: bool,
) -> Iterator[Inequality]:
    """Each end lies in its region, low ends are not above high ends, and a later record says no less."""
    for (record, _), side in zip(sides, number, strict=True):
        for name in sorted(names):
            r = regions[name]
            listed = _ends(truth, r, record.least[name], record.below[name])
            for end, region in enumerate(listed):
                low, high = r.bounds(region)
                cuts = record.below[name] if end else record.least[name]
                sign = -1 if end else 1  # `below` says the opposite of `least`
                over = frozenset([sign * cuts[region - 1]] if region else [])
                under = frozenset([-sign * cuts[region]] if region < r.last else [])
                yield Inequality({(side, name, end): Fraction(1)}, Fraction(-low), over)
                yield Inequality({(side, name, end): Fraction(-1)}, Fraction(high), under)
            yield Inequality({(side, name, 1): Fraction(1), (side, name, 0): Fraction(-1)}, Fraction(0), frozenset())
            if exact:
                yield Inequality(
                    {(side, name, 1): Fraction(-1), (side, name, 0): Fraction(1)}, Fraction(0), frozenset()
                )
            if side != number[0]:
                yield Inequality(
                    {(side, name, 0): Fraction(1), (number[0], name, 0): Fraction(-1)}, Fraction(0), frozenset()
                )
                yield Inequality(
                    {(side, name, 1): Fraction(-1), (number[0], name, 1): Fraction(1)}, Fraction(0), frozenset()
                )


@dataclass(frozen=True, slots=True)
class _Ends:
    """The ends of a measure's interval as rules see them.

    Those of the record, or where the background moved them to.
    """

    truth: Truth
    regions: Mapping[str, Regions]
    record: Record
    facts: SolverInputs
    side: int

    def sum(
        self, terms: tuple[tuple[str, int], ...], *, smallest: bool, sign: int, constant: int, reason: int
    ) -> Inequality:
        """`sign * (the smallest or the largest sum) + constant >= 0`."""
        left: dict[Variable, Fraction] = {}
        rest, reasons = Fraction(constant), {reason}
        for name, coefficient in terms:
            end = 0 if (coefficient > 0) is smallest else 1
            known = self._moved(name, end)
            if known is None:
                left[self.side, name, end] = Fraction(sign * coefficient)
            else:
                rest += sign * coefficient * known
            reasons |= self._why(name, end)
        return Inequality(left, rest, frozenset(reasons))

    def _why(self, name: str, end: int) -> set[int]:
        """The literals that make the end what `_moved` says it is."""
        written, meant = (side.below[name] if end else side.least[name] for side in (self.record, self.facts))
        if written is meant or written == meant:
            return set()
        region = _ends(self.truth, self.regions[name], self.facts.least[name], self.facts.below[name])[end]
        near = {k for k in (region - 1, region) if 0 <= k < len(meant)}
        return {x if self.truth(x) else -x for k in near for x in (written[k], meant[k])}

    def _moved(self, name: str, end: int) -> int | None:
        """The end that the background moved to the border of a region, or None where the record's own end stands."""
        r = self.regions[name]
        written = _ends(self.truth, r, self.record.least[name], self.record.below[name])[end]
        meant = _ends(self.truth, r, self.facts.least[name], self.facts.below[name])[end]
        return None if meant == written else r.bounds(meant)[end]


def _meaning(truth: Truth, key: Joint, pair: tuple[int, int], ends: _Ends) -> Iterator[Inequality]:
    """What the two literals of a comparison say about the smallest and the largest sum."""
    terms, bound = key
    for literal, smallest in zip(pair, (True, False), strict=True):
        if truth(literal):
            yield ends.sum(terms, smallest=smallest, sign=1, constant=-bound, reason=literal)
        else:
            yield ends.sum(terms, smallest=smallest, sign=-1, constant=bound - 1, reason=-literal)


def _solve(inequalities: list[Inequality], regions: Mapping[str, Regions], *, last: bool) -> dict[Variable, int] | None:
    """Values that fit, or None. Raises Infeasible when `last` and none fit."""
    system = _differences_in(inequalities)
    if system is not None:
        return _solve_differences(system, regions, last=last)
    order, contradiction = _eliminate(inequalities)
    if contradiction is not None:
        if last:
            raise Infeasible(sorted(contradiction))
        return None
    for places in (1, 10, 100, DECIMALS):
        values = _assign(order, regions, places)
        if values is not None:
            return values
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """`plus - minus <= most` in ticks, and the literals that it rests on; a missing variable is 0."""

    plus: Variable | None
    minus: Variable | None
    most: int
    reasons: frozenset[int]


def _differences_in(inequalities: Iterable[Inequality]) -> list[Difference] | None:
    """The inequalities as differences of two ends; None when one of them is something else."""
    found = []
    for inequality in inequalities:
        above = [(v, c) for v, c in inequality.terms.items() if c > 0]
        under = [(v, c) for v, c in inequality.terms.items() if c < 0]
        if len(above) > 1 or len(under) > 1 or (above and under and above[0][1] != -under[0][1]):
            return None
        scale = above[0][1] if above else -under[0][1] if under else Fraction(1)
        plus, minus = (under[0][0] if under else None), (above[0][0] if above else None)
        found.append(Difference(plus, minus, math.floor(inequality.constant / scale), inequality.reasons))
    return found


def _solve_differences(
    system: Sequence[Difference], regions: Mapping[str, Regions], *, last: bool
) -> dict[Variable, int] | None:
    """Small values that fit, in steps as coarse as may be, or None. Raises Infeasible as `_solve` does."""
    ticks = {v: regions[v[1]].measure.ticks for d in system for v in (d.plus, d.minus) if v is not None}
    whole = math.lcm(*ticks.values()) if ticks else 1
    steps = [whole // places for places in (1, 10, 100, DECIMALS) if whole % places == 0]
    for step in dict.fromkeys((*steps, 1)):
        values = _shortest(system, ticks, step)
        if isinstance(values, frozenset):
            if step == 1:
                if last:
                    raise Infeasible(sorted(values))
                return None
        elif all(value * DECIMALS % ticks[v] == 0 for v, value in values.items()):
            return values
    return None


def _shortest(
    system: Sequence[Difference], variables: Iterable[Variable], step: int
) -> dict[Variable, int] | frozenset[int]:
    """The least values that are multiples of a step, or the literals of a contradiction (Bellman and Ford).

    Each variable is bounded from below by its region, so the negated values are shortest ways from 0.
    """
    ways: dict[Variable | None, int] = {None: 0}
    came: dict[Variable | None, Difference] = {}
    turned: Variable | None = None
    for _ in range(len(list(variables)) + 2):
        changed = False
        for d in system:
            if d.plus in ways and (way := ways[d.plus] + d.most // step) < ways.get(d.minus, way + 1):
                ways[d.minus], came[d.minus] = way, d
                turned, changed = d.minus, True
        if not changed:
            return {v: -way * step for v, way in ways.items() if v is not None}
    for _ in range(len(ways)):  # now on the contradiction, which is a way in a circle
        turned = came[turned].plus
    start, reasons = turned, set[int]()
    while True:
        reasons |= came[turned].reasons
        turned = came[turned].plus
        if turned == start:
            return frozenset(reasons)


_Order: TypeAlias = list[tuple[Variable, list[Inequality]]]


def _eliminate(inequalities: list[Inequality]) -> tuple[_Order, frozenset[int] | None]:
    """Variables in the order in which they were eliminated, with what bounds each.

    Or the reasons of a contradiction.
    """
    order: _Order = []
    for inequality in inequalities:
        if not inequality.terms and inequality.constant < 0:
            return [], inequality.reasons
    left = inequalities
    variables = sorted({v for i in inequalities for v in i.terms}, key=lambda v: (-v[0], -v[2], v[1]))
    for variable in variables:
        involved = [i for i in left if i.terms.get(variable)]
        rest = [i for i in left if not i.terms.get(variable)]
        order.append((variable, involved))
        above = [i for i in involved if i.terms[variable] > 0]
        under = [i for i in involved if i.terms[variable] < 0]
        if len(above) * len(under) + len(rest) > MOST_INEQUALITIES:
            raise Undecided
        seen: set[tuple[object, ...]] = set()
        for a in above:
            for u in under:
                made = _sum(a, u, variable)
                key = (tuple(sorted(made.terms.items())), made.constant)
                if key not in seen:
                    seen.add(key)
                    rest.append(made)
        for made in rest:
            if not made.terms and made.constant < 0:
                return [], made.reasons
        left = [i for i in rest if i.terms]
    return order, None


def _sum(above: Inequality, under: Inequality, variable: Variable) -> Inequality:
    """The consequence of both without the variable."""
    a, u = above.terms[variable], -under.terms[variable]
    terms: dict[Variable, Fraction] = {}
    for inequality, factor in ((above, 1 / a), (under, 1 / u)):
        for name, coefficient in inequality.terms.items():
            terms[name] = terms.get(name, Fraction(0)) + coefficient * factor
    kept = {name: c for name, c in terms.items() if c and name != variable}
    return Inequality(kept, above.constant / a + under.constant / u, above.reasons | under.reasons)


def _assign(order: _Order, regions: Mapping[str, Regions], places: int) -> dict[Variable, int] | None:
    """Values in steps of a fraction of the unit, last eliminated first; None where a step misses its bounds."""
    values: dict[Variable, int] = {}
    for variable, bounds in reversed(order):
        measure = regions[variable[1]].measure
        if measure.ticks % places:
            return None
        step = measure.ticks // places
        low: Fraction | None = None
        high: Fraction | None = None
        for inequality in bounds:
            coefficient = inequality.terms[variable]
            rest = inequality.constant + sum(
                (c * values[v] for v, c in inequality.terms.items() if v != variable), Fraction(0)
            )
            limit = -rest / coefficient
            if coefficient > 0:
                low = limit if low is None else max(low, limit)
            else:
                high = limit if high is None else min(high, limit)
        assert low is not None, "every end is bounded by its region"
        value = -(-low.numerator // (low.denominator * step)) * step
        if high is not None and value > high:
            return None
        values[variable] = value
    return values
