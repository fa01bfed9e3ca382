"""Patients without what an answer, a change or a broken promise does not rest on.

For more of them than the solver can look for smallest patients of, by the circuits of the versions that a patient is
shown for. In a circuit of bits nothing becomes less certain by knowing more: what a certain value rests on is read off
its gates, and an open answer rests on nothing, because with less known it stays open. `RecordBits` tries many records
at once, a whole number for each gate, a bit of it for each record. `trimmed` leaves out entry after entry as long as a
promise stays broken, and only where ranges are kept: a promise that is broken at an end of a range is shown as it was
found. Nothing is proved here: whoever shows such a patient has the answers certified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from guidelog.compiled import Compiled
from guidelog.ground.program import GroundProgram, Ranges
from guidelog.language.stances import STANCES
from guidelog.language.vocabulary import Measure
from guidelog.semantics import All, Any, End, Known, Not, Reaches
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.circuit import FALSE, NO, TRUE
from guidelog.semantics.kleene import World
from guidelog.semantics.one_patient import circuits_of
from guidelog.semantics.status import Status
from guidelog.solver.literals import Budget

from ..diff.attribution import facts_of_sketch
from ..properties.language import Property
from ..search.questions import Case
from .candidate import CandidateRecord
from .find import breaking
from .replay import Disagreement

Interval = tuple[int, int]


class RecordBits:
    """Some records over one version; the lane of a record is its place among them."""

    def __init__(self, program: GroundProgram, records: Sequence[CandidateRecord], wanted: Iterable[int]) -> None:
        circuit = circuits_of(program).plan.circuit
        measures = program.names.vocabulary.measures.values()
        self._whole = {m.name: (m.low * m.ticks, m.high * m.ticks) for m in measures}
        self._records = records
        self.all = (1 << len(records)) - 1
        self.gates = circuit.gates
        self.order = circuit.needed(wanted)
        self.listed: dict[str, int] = {}
        for lane, record in enumerate(records):
            for name in (*record.findings, *record.measures):
                self.listed[name] = self.listed.get(name, 0) | 1 << lane
        self._said = {
            (name, value): sum(1 << lane for lane, r in enumerate(records) if r.findings.get(name) is value)
            for name in {name for record in records for name in record.findings}
            for value in (True, False)
        }
        self._reached = {
            number: (
                sum(1 << lane for lane in range(len(records)) if self._sum(gate, lane) >= gate.bound),
                self.all if self._sum(gate, None) >= gate.bound else 0,
            )
            for number in self.order
            if isinstance(gate := self.gates[number], Reaches) and _is_plain(gate)
        }

    def values(self, kept: Mapping[str, int]) -> dict[int, int]:
        """The lanes in which each gate holds, where `kept` are the lanes that still list an input."""
        found = {TRUE: self.all}
        gates = self.gates
        for number in self.order:
            match gates[number]:
                case All(parts):
                    value = self.all
                    for part in parts:
                        value &= found[part]
                case Any(parts):
                    value = 0
                    for part in parts:
                        value |= found[part]
                case Known(name, holds):
                    value = self._said.get((name, holds), 0) & kept.get(name, 0)
                case Reaches() as gate if number in self._reached:
                    here, whole = self._reached[number]
                    listing = kept.get(gate.terms[0][1].measure, 0)
                    value = here & listing | whole & ~listing
                case Reaches() as gate:
                    sums = (self._sum(gate, lane, kept, found) for lane in range(len(self._records)))
                    value = sum(1 << lane for lane, total in enumerate(sums) if total >= gate.bound)
                case Not(part):
                    value = self.all & ~found[part]
                case _:
                    value = found.get(number, 0)
            found[number] = value
        return found

    def holding(self, values: Mapping[int, int], wanted: Iterable[int]) -> int:
        """The lanes in which all of some gates hold."""
        found = self.all
        for number in wanted:
            found &= values[number]
        return found

    def end(self, end: End, lane: int | None, kept: Mapping[str, int] | None = None) -> int:
        """An end of a measure's interval in a lane, or of its range where the lane does not list it."""
        interval = self._whole[end.measure]
        if lane is not None and (kept is None or kept.get(end.measure, 0) >> lane & 1):
            interval = self._records[lane].measures.get(end.measure, interval)
        return interval[1] if end.upper else interval[0]

    def _sum(
        self,
        gate: Reaches,
        lane: int | None,
        kept: Mapping[str, int] | None = None,
        values: Mapping[int, int] | None = None,
    ) -> int:
        total = 0
        for coefficient, end in gate.terms:
            at = self.end(end, lane, kept)
            if lane is not None and values is not None:
                moved = [bound for holds, bound in end.moved if values[holds] >> lane & 1]
                at = min((at, *moved)) if end.upper else max((at, *moved))
            total += coefficient * at
        return total


def _is_plain(gate: Reaches) -> bool:
    return len(gate.terms) == 1 and not gate.terms[0][1].moved


Gates: TypeAlias = tuple[int, ...]
"""Gates of which all hold."""


@dataclass(frozen=True, slots=True)
class Shows:
    """A record, and for each version the gates that it shows to hold."""

    record: CandidateRecord
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


def smaller(programs: Sequence[GroundProgram], shows: Sequence[Shows]) -> list[CandidateRecord]:
    """Of each record few entries that show the same; none of those left can be left out."""
    least = rests_on(programs, shows)
    return without_superfluous(programs, [Shows(r, one.gates) for r, one in zip(least, shows, strict=True)])


def rests_on(programs: Sequence[GroundProgram], shows: Sequence[Shows]) -> list[CandidateRecord]:
    """Of each record the entries that its gates can be derived from: few, but not the fewest.

    Raises Disagreement when one of them does not hold.
    """
    records = list({id(s.record): s.record for s in shows}.values())
    lane_of = {id(record): lane for lane, record in enumerate(records)}
    needed: list[set[str]] = [set() for _ in shows]
    for side, program in enumerate(programs):
        lanes = RecordBits(program, records, {gate for s in shows for gate in s.gates[side]})
        values = lanes.values(lanes.listed)
        derived = [_Derived(lanes, values, lane) for lane in range(len(records))]
        for names, one in zip(needed, shows, strict=True):
            lane = lane_of[id(one.record)]
            if not lanes.holding(values, one.gates[side]) >> lane & 1:
                raise Disagreement("the circuit does not confirm what a patient was found for")
            names.update(derived[lane].inputs(one.gates[side]))
    return [_only(one.record, names) for one, names in zip(shows, needed, strict=True)]


def without_superfluous(programs: Sequence[GroundProgram], shows: Sequence[Shows]) -> list[CandidateRecord]:
    """Each record without entry after entry, as long as its gates hold; none of those left can be left out.

    One round for each place in the longest record, all records in it at once.
    """
    wanted: list[dict[Gates, int]] = [{} for _ in programs]
    for lane, one in enumerate(shows):
        for side, gates in zip(wanted, one.gates, strict=True):
            side[gates] = side.get(gates, 0) | 1 << lane
    records = [s.record for s in shows]
    sides = [
        RecordBits(program, records, {gate for gates in side for gate in gates})
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


def united(first: CandidateRecord, second: CandidateRecord) -> CandidateRecord:
    """All entries of two parts of one record."""
    return CandidateRecord({**first.findings, **second.findings}, {**first.measures, **second.measures})


def hardest_to_read_first(record: CandidateRecord) -> list[str]:
    """The inputs of a record: numbers, what is present, what is absent."""
    return [*record.measures, *sorted(record.findings, key=record.findings.__getitem__, reverse=True)]


def _only(record: CandidateRecord, names: Collection[str]) -> CandidateRecord:
    """The entries of a record for these inputs."""
    return CandidateRecord(
        {name: value for name, value in record.findings.items() if name in names},
        {name: interval for name, interval in record.measures.items() if name in names},
    )


class _Derived:
    """What the gates that hold for one record can be derived from, by the fewest entries where there is a choice.

    An entry that two parts share counts twice in the choice.
    """

    def __init__(self, lanes: RecordBits, values: Mapping[int, int], lane: int) -> None:
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


_T = TypeVar("_T")


def trimmed(
    compiled: Compiled, prop: Property, program: GroundProgram, case: Case, budget: Budget
) -> tuple[Case, bool]:
    """The case with fewer entries; whether none of those left can be left out."""
    if case.high_ends is not None:
        return case, False
    for name in hardest_to_read_first(case.after or case.record):
        if budget.spent:
            return case, False
        less = replace(
            case, record=_without(case.record, name), after=_without(case.after, name) if case.after else None
        )
        worlds = [_world(compiled, found) for found in (less.record, less.after) if found is not None]
        known = [world for world in worlds if world is not None]
        if len(known) == len(worlds) and breaking(prop, program, known, kept=True) is not None:
            case = less
    return case, True


def rounded(
    found: CandidateRecord, measures: Mapping[str, Measure], still: Callable[[CandidateRecord], bool]
) -> CandidateRecord:
    """The record in whole units, as far as it then `still` shows what it was found for.

    A search settles on any number that fits, 27.1 days among them; people take such a number for a reason.
    """

    def moved(record: CandidateRecord, names: Collection[str], low: int, high: int) -> CandidateRecord:
        """The ends of some measures in whole units: down (0) or up (1)."""
        listed = dict(record.measures)
        for name in names:
            ticks = measures[name].ticks
            ends = [
                end // ticks + (1 if up and end % ticks else 0)
                for end, up in zip(listed[name], (low, high), strict=True)
            ]
            listed[name] = (ends[0] * ticks, max(ends) * ticks)
        return replace(record, measures=listed)

    def rough(record: CandidateRecord) -> list[str]:
        return [n for n, ends in record.measures.items() if any(end % measures[n].ticks for end in ends)]

    ways = ((0, 0), (1, 1), (1, 0), (0, 1))
    for names in (rough(found), *([name] for name in rough(found))):
        for low, high in ways if set(names) & set(rough(found)) else ():
            tried = moved(found, names, low, high)
            if still(tried):
                found = tried
                break
    return found


def still_broken(compiled: Compiled, prop: Property, program: GroundProgram) -> Callable[[CandidateRecord], bool]:
    """Whether a record breaks a property, by circuits, with ranges as the guideline states them."""

    def breaks(found: CandidateRecord) -> bool:
        world = _world(compiled, found)
        return world is not None and breaking(prop, program, [world], kept=True) is not None

    return breaks


def still_shows(compiled: Compiled, gates: Gates) -> Callable[[CandidateRecord], bool]:
    """Whether a record is accepted and shows some gates to hold."""

    def shows(found: CandidateRecord) -> bool:
        if _world(compiled, found) is None:
            return False
        bits = RecordBits(compiled.ground, [found], gates)
        return bool(bits.holding(bits.values(bits.listed), gates))

    return shows


def _without(found: CandidateRecord, name: str) -> CandidateRecord:
    return CandidateRecord(_other(found.findings, name), _other(found.measures, name))


def _other(entries: Mapping[str, _T], name: str) -> dict[str, _T]:
    return {n: value for n, value in entries.items() if n != name}


def _world(compiled: Compiled, found: CandidateRecord) -> World | None:
    settled = propagate(compiled.ground, facts_of_sketch(found, compiled.names.vocabulary))
    if isinstance(settled, Contradiction):
        return None
    return World(compiled.ground, settled[0], circuits_of(compiled.ground).model(settled[0]))
