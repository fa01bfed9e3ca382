"""Every possible patient record, as choices over findings and over regions of measures.

Measures are cut into regions: within one, no rule can tell two values apart. `regions_of` finds the values at which
some comparison of one measure changes its mind; comparisons of several measures at once are not cut (see `linear`).
Values are in ticks. A record lists findings as present or absent or leaves them open, and narrows measures to
intervals of regions. What follows from it is in `inputs`. For a region there is a value that a patient record can say,
because a witness has to be written down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from guidelog.ground.program import GroundComparison, GroundProgram
from guidelog.language.vocabulary import Measure, Vocabulary

from .literals import Literals

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


def regions_of(
    measures: Mapping[str, Measure],
    programs: Iterable[GroundProgram],
    cuts: Mapping[str, Collection[int]] | None = None,
) -> dict[str, Regions]:
    """The regions of every measure, cut wherever one of the programs tells values apart, and at `cuts`."""
    found: dict[str, set[int]] = {name: set((cuts or {}).get(name, ())) for name in measures}
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


@dataclass(frozen=True)
class Record:
    """Literals of what is listed: `present`, `absent` by finding.

    `least[m][k]` says that the measure is at or above cut k, `below[m][k]` that it is under it (cuts from 0).
    """

    present: Mapping[str, int]
    absent: Mapping[str, int]
    least: Mapping[str, tuple[int, ...]]
    below: Mapping[str, tuple[int, ...]]

    def literals(self) -> list[int]:
        """All of them."""
        found = [*self.present.values(), *self.absent.values()]
        for sides in (self.least, self.below):
            for cuts in sides.values():
                found.extend(cuts)
        return found


def any_record(circuit: Literals, findings: Sequence[str], regions: Mapping[str, Regions]) -> Record:
    """A record that may be anything."""
    present, absent = {}, {}
    for name in findings:
        present[name], absent[name] = circuit.choice(), circuit.choice()
        circuit.forbid(present[name], absent[name])
    least = {name: tuple(circuit.choice() for _ in r.cuts) for name, r in regions.items()}
    below = {name: tuple(circuit.choice() for _ in r.cuts) for name, r in regions.items()}
    _ordered(circuit, least, below)
    return Record(present, absent, least, below)


def any_further(circuit: Literals, record: Record) -> Record:
    """A record that says all that the given one says, and perhaps more."""
    more = {name: (circuit.choice(), circuit.choice()) for name in record.present}
    present, absent = {}, {}
    for name, (yes, no) in more.items():
        present[name] = circuit.any(record.present[name], circuit.both(yes, -no, -record.absent[name]))
        absent[name] = circuit.any(record.absent[name], circuit.both(no, -yes, -record.present[name]))
    least, below = (
        {name: tuple(circuit.any(literal, circuit.choice()) for literal in cuts) for name, cuts in side.items()}
        for side in (record.least, record.below)
    )
    _ordered(circuit, least, below)
    return Record(present, absent, least, below)


@dataclass(frozen=True)
class Writing:
    """What a record may say beside its facts: literals that a screen is `complete`, an input listed as `unknown`.

    Only those that make a difference between two readers have to be there.
    """

    complete: Mapping[str, int]
    unknown: Mapping[str, int]

    def literals(self) -> list[int]:
        """All of them."""
        return [*self.complete.values(), *self.unknown.values()]


def any_writing(circuit: Literals, record: Record, screens: Collection[str], members: Collection[str]) -> Writing:
    """Any of these screens may be complete, any of these inputs listed as unknown where the record says no more."""
    writing = Writing({name: circuit.choice() for name in screens}, {name: circuit.choice() for name in members})
    for name, literal in writing.unknown.items():
        for said in _said(record, name):
            circuit.forbid(literal, said)
    return writing


def as_read(
    circuit: Literals, record: Record, writing: Writing, vocabulary: Vocabulary, regions: Mapping[str, Regions]
) -> tuple[Record, int]:
    """The record as the reader of one vocabulary takes it, and the literal that it refuses it.

    Members of complete screens that the record does not list are absent, or worth their `unlisted` value; a measure
    keeps to the range of this vocabulary. `regions` must be cut around each `unlisted` value and at both ends of each
    range, where they differ from another vocabulary's.
    """
    absent, least, below = dict(record.absent), dict(record.least), dict(record.below)
    refused: list[int] = []
    for name, measure in vocabulary.measures.items():
        cuts, low, high = regions[name].cuts, measure.low * measure.ticks, measure.high * measure.ticks
        under = [k for k, cut in enumerate(cuts) if cut <= low]
        over = [k for k, cut in enumerate(cuts) if cut > high]
        if under or over:
            starts, ends = circuit.any(*record.least[name]), circuit.any(*record.below[name])
            refused += [circuit.both(starts, -record.least[name][k]) for k in under[-1:]]
            refused += [circuit.both(ends, -record.below[name][k]) for k in over[:1]]
            refused += [record.below[name][k] for k in under] + [record.least[name][k] for k in over]
            least[name] = tuple(circuit.true if k in under else literal for k, literal in enumerate(least[name]))
            below[name] = tuple(circuit.true if k in over else literal for k, literal in enumerate(below[name]))
    closes: dict[str, list[int]] = {}
    for screen, complete in writing.complete.items():
        for member in vocabulary.screens[screen].members if screen in vocabulary.screens else ():
            closes.setdefault(member, []).append(complete)
    for name, screens in closes.items():
        closed = circuit.both(
            circuit.any(*screens),
            *(-said for said in _said(record, name)),
            *(-literal for literal in (writing.unknown.get(name),) if literal is not None),
        )
        if name in absent:
            absent[name] = circuit.any(absent[name], closed)
        elif (unlisted := vocabulary.measures[name].unlisted) is not None:
            value = unlisted * vocabulary.measures[name].ticks
            for k, cut in enumerate(regions[name].cuts):
                side = least if cut <= value else below
                literals = list(side[name])
                literals[k] = circuit.any(literals[k], closed)
                side[name] = tuple(literals)
    circuit.watch(
        [x for sides in (least, below) for x in chain.from_iterable(sides.values())]
    )  # `linear` looks at them
    return Record(record.present, absent, least, below), circuit.any(*refused)


def _said(record: Record, name: str) -> list[int]:
    if name in record.present:
        return [record.present[name], record.absent[name]]
    return [*record.least[name], *record.below[name]]


def with_present(circuit: Literals, record: Record, chosen: Mapping[str, int]) -> Record:
    """The record with each finding present whose literal in `chosen` holds, whatever was listed before."""
    present, absent = dict(record.present), dict(record.absent)
    for name, literal in chosen.items():
        present[name] = circuit.any(record.present[name], literal)
        absent[name] = circuit.both(record.absent[name], -literal)
    return Record(present, absent, record.least, record.below)


def prefer_small(circuit: Literals, record: Record, added: Iterable[int] = ()) -> None:
    """Make the best model the one with few listed inputs, then few present findings and few open intervals.

    `added` are what the background adds to a record, which had better be listed; of numbers the low ones are taken.
    """
    listed = [circuit.any(record.present[name], record.absent[name]) for name in record.present]
    known = {name: circuit.any(*record.least[name], *record.below[name]) for name in record.least}
    circuit.cost(2, [(literal, 1) for literal in (*listed, *known.values()) if literal != circuit.false])
    circuit.cost(1, [(literal, 1) for literal in (*record.present.values(), *added)])
    for name, literal in known.items():
        pairs = zip(record.least[name], record.below[name], strict=True)
        wide = [circuit.both(literal, -least, -below) for least, below in pairs]
        circuit.cost(1, [(w, 1) for w in wide if w != circuit.false])
        circuit.cost(0, [(least, 1) for least in record.least[name]])


def _ordered(circuit: Literals, least: Mapping[str, tuple[int, ...]], below: Mapping[str, tuple[int, ...]]) -> None:
    """Cut points in order, and no empty interval."""
    for name, cuts in least.items():
        for k, literal in enumerate(cuts):
            circuit.forbid(literal, below[name][k])
            if k:
                circuit.forbid(literal, -cuts[k - 1])
                circuit.forbid(below[name][k - 1], -below[name][k])
