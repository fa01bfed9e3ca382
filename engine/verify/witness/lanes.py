"""Many records through the circuit of a guideline at once: a whole number for each gate, a bit of it for each record.

For trying out which entries of a record an answer needs. `listed` says which records list an input; `values` answers
for the same records with some entries left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from guidelog.ground.ground import GroundProgram
from guidelog.semantics import All, Any, End, Known, Not, Reaches
from guidelog.semantics.circuit import TRUE
from guidelog.semantics.quickly import circuits_of

from .candidate import Sketch

Interval = tuple[int, int]


class Lanes:
    """Some records over one version; the lane of a record is its place among them."""

    def __init__(self, program: GroundProgram, records: Sequence[Sketch], wanted: Iterable[int]) -> None:
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
