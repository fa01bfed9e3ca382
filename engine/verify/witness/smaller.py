"""A patient without what something does not rest on, by the circuits of the versions that it is shown for.

For more changes, conflicts or gaps than the solver can look for smallest patients of. In a circuit of bits nothing
becomes less certain by knowing more: what a certain value rests on is read off its gates, and an open answer rests
on nothing, because with less known it stays open. Nothing is proved here: whoever shows such a patient has the answers
certified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from guidelog.ground.ground import GroundProgram
from guidelog.ground.ranges import Ranges
from guidelog.language.names import STANCES
from guidelog.semantics import All, Any, End, Known, Reaches
from guidelog.semantics.circuit import FALSE, NO
from guidelog.semantics.quickly import circuits_of
from guidelog.semantics.status import Status

from .candidate import Sketch
from .lanes import Lanes
from .replay import Disagreement

Gates: TypeAlias = tuple[int, ...]
"""Gates of which all hold."""


@dataclass(frozen=True, slots=True)
class Shows:
    """A record, and for each version the gates that it shows to hold."""

    record: Sketch
    gates: tuple[Gates, ...]


def answered(program: GroundProgram, intervention: str, status: Status) -> Gates:
    """That an intervention is answered so; none for an open answer."""
    if status is Status.UNDETERMINED:
        return ()
    [statuses] = (a.statuses for a in circuits_of(program).plan.advice if a.intervention == intervention)
    return (statuses.get(status, FALSE),)


def silent(program: GroundProgram, intervention: str) -> Gates:
    """That the guideline is certainly about the patient, and certainly gives no advice on an intervention."""
    atoms = circuits_of(program).plan.atoms[Ranges.KEPT]
    stances = program.stances.get(intervention, {})
    advice = (atoms[stances[stance]] for stance in STANCES if stance in stances)
    return atoms.get(("in_scope",), NO)[0], *(certainly_not for _, certainly_not in advice)


def smaller(programs: Sequence[GroundProgram], shows: Sequence[Shows]) -> list[Sketch]:
    """Of each record few entries that show the same; none of those left can be left out."""
    least = rests_on(programs, shows)
    return without_superfluous(programs, [Shows(r, one.gates) for r, one in zip(least, shows, strict=True)])


def rests_on(programs: Sequence[GroundProgram], shows: Sequence[Shows]) -> list[Sketch]:
    """Of each record the entries that its gates can be derived from: few, but not the fewest.

    Raises Disagreement when one of them does not hold.
    """
    records = list({id(s.record): s.record for s in shows}.values())
    lane_of = {id(record): lane for lane, record in enumerate(records)}
    needed: list[set[str]] = [set() for _ in shows]
    for side, program in enumerate(programs):
        lanes = Lanes(program, records, {gate for s in shows for gate in s.gates[side]})
        values = lanes.values(lanes.listed)
        derived = [_Derived(lanes, values, lane) for lane in range(len(records))]
        for names, one in zip(needed, shows, strict=True):
            lane = lane_of[id(one.record)]
            if not lanes.holding(values, one.gates[side]) >> lane & 1:
                raise Disagreement("the circuit does not confirm what a patient was found for")
            names.update(derived[lane].inputs(one.gates[side]))
    return [_only(one.record, names) for one, names in zip(shows, needed, strict=True)]


def without_superfluous(programs: Sequence[GroundProgram], shows: Sequence[Shows]) -> list[Sketch]:
    """Each record without entry after entry, as long as its gates hold; none of those left can be left out.

    One round for each place in the longest record, all records in it at once.
    """
    wanted: list[dict[Gates, int]] = [{} for _ in programs]
    for lane, one in enumerate(shows):
        for side, gates in zip(wanted, one.gates, strict=True):
            side[gates] = side.get(gates, 0) | 1 << lane
    records = [s.record for s in shows]
    sides = [
        Lanes(program, records, {gate for gates in side for gate in gates})
        for program, side in zip(programs, wanted, strict=True)
    ]
    kept = dict(sides[0].listed)
    entries = [hardest_to_read_first(record) for record in records]
    for place in range(max(map(len, entries), default=0)):
        tried = dict(kept)
        for lane, names in enumerate(entries):
            if place < len(names):
                tried[names[place]] &= ~(1 << lane)
        stays = sides[0].all
        for lanes, side in zip(sides, wanted, strict=True):
            values = lanes.values(tried)
            right = 0
            for gates, mask in side.items():
                right |= mask & lanes.holding(values, gates)
            stays &= right
        for lane, names in enumerate(entries):
            if place < len(names) and stays >> lane & 1:
                kept[names[place]] &= ~(1 << lane)
    return [
        _only(one.record, {name for name in names if kept[name] >> lane & 1})
        for lane, (one, names) in enumerate(zip(shows, entries, strict=True))
    ]


def united(first: Sketch, second: Sketch) -> Sketch:
    """All entries of two parts of one record."""
    return Sketch({**first.findings, **second.findings}, {**first.measures, **second.measures})


def hardest_to_read_first(record: Sketch) -> list[str]:
    """The inputs of a record: numbers, what is present, what is absent."""
    return [*record.measures, *sorted(record.findings, key=record.findings.__getitem__, reverse=True)]


def _only(record: Sketch, names: Collection[str]) -> Sketch:
    """The entries of a record for these inputs."""
    return Sketch(
        {name: value for name, value in record.findings.items() if name in names},
        {name: interval for name, interval in record.measures.items() if name in names},
    )


class _Derived:
    """What the gates that hold for one record can be derived from, by the fewest entries where there is a choice.

    An entry that two parts share counts twice in the choice.
    """

    def __init__(self, lanes: Lanes, values: Mapping[int, int], lane: int) -> None:
        self.lanes, self.lane, self.gates = lanes, lane, lanes.gates
        self.costs: dict[int, int] = {number: 0 for number, value in values.items() if value >> lane & 1}
        for number in lanes.order:
            if number in self.costs:
                self.costs[number] = self.cost(number)

    def cost(self, number: int) -> int:
        match self.gates[number]:
            case All(parts):
                return sum(self.costs[part] for part in parts)
            case Any(parts):
                return min(self.costs[part] for part in parts if part in self.costs)
            case Known():
                return 1
            case Reaches(terms):
                return len(terms) + sum(self.costs[part] for part in self.moving(terms))
            case _:
                return 0

    def inputs(self, goals: Gates) -> Iterator[str]:
        """The names of the entries below some gates."""
        todo, seen = list(goals), set[int]()
        while todo:
            number = todo.pop()
            if number in seen:
                continue
            seen.add(number)
            match self.gates[number]:
                case All(parts):
                    todo.extend(parts)
                case Any(parts):
                    todo.append(min((p for p in parts if p in self.costs), key=self.costs.__getitem__))
                case Known(name):
                    yield name
                case Reaches(terms):
                    yield from (end.measure for _, end in terms)
                    todo.extend(self.moving(terms))
                case _:
                    pass

    def moving(self, terms: Sequence[tuple[int, End]]) -> Iterator[int]:
        """Gates that hold and move an end of a measure."""
        return (holds for _, end in terms for holds, _ in end.moved if holds in self.costs)
