"""Every possible patient record, as choices.

A record lists findings as present or absent or leaves them open, and narrows measures to intervals of regions. What
follows from it is in `facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .literals import Circuit
from .regions import Regions


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


def any_record(circuit: Circuit, findings: Sequence[str], regions: Mapping[str, Regions]) -> Record:
    """A record that may be anything."""
    present, absent = {}, {}
    for name in findings:
        present[name], absent[name] = circuit.choice(), circuit.choice()
        circuit.forbid(present[name], absent[name])
    least = {name: tuple(circuit.choice() for _ in r.cuts) for name, r in regions.items()}
    below = {name: tuple(circuit.choice() for _ in r.cuts) for name, r in regions.items()}
    _ordered(circuit, least, below)
    return Record(present, absent, least, below)


def any_further(circuit: Circuit, record: Record) -> Record:
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


def with_present(circuit: Circuit, record: Record, chosen: Mapping[str, int]) -> Record:
    """The record with each finding present whose literal in `chosen` holds, whatever was listed before."""
    present, absent = dict(record.present), dict(record.absent)
    for name, literal in chosen.items():
        present[name] = circuit.any(record.present[name], literal)
        absent[name] = circuit.both(record.absent[name], -literal)
    return Record(present, absent, record.least, record.below)


def prefer_small(circuit: Circuit, record: Record, added: Iterable[int] = ()) -> None:
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


def _ordered(circuit: Circuit, least: Mapping[str, tuple[int, ...]], below: Mapping[str, tuple[int, ...]]) -> None:
    """Cut points in order, and no empty interval."""
    for name, cuts in least.items():
        for k, literal in enumerate(cuts):
            circuit.forbid(literal, below[name][k])
            if k:
                circuit.forbid(literal, -cuts[k - 1])
                circuit.forbid(below[name][k - 1], -below[name][k])
