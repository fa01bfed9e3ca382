"""Which answers change between two versions, each change with a patient, certified by both.

Of few changes each gets the smallest patient that the solver finds, evaluated by pyDatalog. Of many, patients who show
several at once are looked for; each is then cut down by circuits to what the change rests on, the most readable ones to
entries of which none can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TypeAlias

from guidelog.ground.program import GroundProgram
from guidelog.semantics.status import Status

from ..search.versions import VersionPair
from ..witness.candidate import CandidateRecord
from ..witness.replay import Disagreement, certified, certified_quickly
from ..witness.shrink import Shows, answered, rests_on, rounded, united, without_superfluous
from .attribution import GroundCircuits, Responsible
from .result import Change

Pair: TypeAlias = tuple[Status, Status]

MOST_SMALLEST = 24
"""Up to so many changes each gets the smallest patient."""

MOST_ALONE = 40
"""Of more, so many get a patient of their own; the others share one with those that were found together."""

MOST_TOGETHER = 20
"""How many changes share a patient."""


@dataclass(frozen=True, slots=True)
class Found:
    """A change that occurs, and a record that shows it."""

    intervention: str
    pair: Pair
    record: CandidateRecord

    @property
    def name(self) -> str:
        return f"{self.intervention}-{self.pair[0].value}-{self.pair[1].value}"


def are_many(found: Sequence[Found]) -> bool:
    """Whether they are too many to look for the smallest patient of each."""
    return len(found) > MOST_SMALLEST


class Changes:
    """The changes of answers between both versions."""

    def __init__(self, both: VersionPair, responsible: Responsible) -> None:
        self.both, self.responsible = both, responsible
        self.programs: tuple[GroundProgram, GroundProgram] = (both.old.ground, both.new.ground)

    def pairs(self, name: str) -> dict[Pair, int]:
        """The literals of the changes that are not ruled out by how both answers are defined."""
        c = self.both.circuit
        before, after = (side.kept.answer(name) for side in self.both.sides)
        if before == after:
            return {}
        pairs = {(a, b): c.both(x, y) for a, x in before.items() for b, y in after.items() if a is not b}
        return {pair: literal for pair, literal in pairs.items() if literal != c.false}

    def found(self, pairs: dict[str, dict[Pair, int]]) -> list[Found]:
        """The changes that occur, each with a patient, who shows as many others not yet shown as the solver can make.

        Of 853 changes in 2,000 rules 28 patients show all; where nothing was wished for, it took 670.
        """
        both = self.both
        found: dict[str, dict[Pair, CandidateRecord]] = {name: {} for name in pairs}
        goals: dict[int, list[tuple[str, Pair]]] = {}
        for name, of in pairs.items():
            for pair, literal in of.items():
                goals.setdefault(literal, []).append((name, pair))
        both.circuit.watch(goals)
        wishes = {literal: both.circuit.switch() for literal in goals}
        for literal, on in wishes.items():
            both.circuit.wish(literal, weight=1, when=on)
        open_ = set(goals)
        for index, literal in enumerate(goals):
            if literal not in open_:
                continue
            both.progress("changes", index, len(goals))
            truth, record, decided = both.model([literal])
            open_.discard(literal)
            if truth is None or record is None:
                if not decided:
                    both.undecided += [(name, _whether(pair)) for name, pair in goals[literal]]
                continue
            reached = truth.among(open_) | {literal}
            open_ -= reached
            for other in reached:
                both.circuit.turn_off(wishes.pop(other))
                for name, pair in goals[other]:
                    found[name].setdefault(pair, record)
        for on in wishes.values():
            both.circuit.turn_off(on)
        return [Found(name, pair, of[pair]) for name, of in found.items() for pair in sorted(of, key=_order)]

    def confirmed(self, found: Sequence[Found]) -> Iterator[Change]:
        """Each change with a patient whom both engines answer so. Raises Disagreement."""
        return self._many(found) if are_many(found) else self._few(found)

    def _few(self, found: Sequence[Found]) -> Iterator[Change]:
        both = self.both
        for index, one in enumerate(found):
            both.progress("witnesses", index, len(found))
            before, after = (
                side.kept.answer(one.intervention)[status] for side, status in zip(both.sides, one.pair, strict=True)
            )
            literal = both.circuit.both(before, after)
            truth, record, _ = both.model([literal], best=True)
            best = truth is not None and truth.best
            if not best:  # time ran out: what was found first will do, as far as the change rests on it
                record = self._bare([one if record is None else replace(one, record=record)])[0]
            assert record is not None
            if both.budget.spent:  # a change that no engine has confirmed is none
                both.undecided.append((one.intervention, _whether(one.pair)))
                continue
            record = rounded(record, both.versions.vocabulary.measures, partial(self._shown_by, one))
            self._confirm(record, [one])
            needed = self._needed(literal, record)
            yield self._change(one, record, one.name, smallest=best, spare=False, needed=needed)

    def _many(self, found: Sequence[Found]) -> Iterator[Change]:
        """The most readable first."""
        if self.both.ask is certified:
            self.both.ask = certified_quickly
        done, open_ = 0, dict.fromkeys((one.intervention, one.pair) for one in found)
        patients = [] if self.both.budget.spent else sorted(self._patients(found), key=lambda one: one[0].size)
        for record, group, spare in patients:
            self.both.progress("witnesses", done, len(found))
            if self.both.budget.spent:
                break
            done += len(group)
            self._confirm(record, group)
            for one in group:
                yield self._change(one, record, group[0].name, smallest=False, spare=spare)
                del open_[one.intervention, one.pair]
        self.both.undecided += [(name, _whether(pair)) for name, pair in open_]

    def _patients(self, found: Sequence[Found]) -> Iterator[tuple[CandidateRecord, list[Found], bool]]:
        """Few patients for many changes; whether entries of a patient may be left out for one of the changes."""
        cut = list(found)
        if self.both.versions.read_alike:
            least = rests_on(self.programs, self._shows(found))
            cut = [replace(one, record=record) for one, record in zip(found, least, strict=True)]
        order = sorted(range(len(found)), key=lambda index: (cut[index].record.size, _order(cut[index].pair)))
        alone = [cut[index] for index in order[:MOST_ALONE]]
        for record, one in zip(self._bare(alone), alone, strict=True):
            yield record, [one], False
        together: dict[int, list[Found]] = {}
        for index in order[MOST_ALONE:]:
            together.setdefault(id(found[index].record), []).append(cut[index])
        for rest in together.values():
            while rest:
                record, group = rest[0].record, [rest.pop(0)]
                while rest and len(group) < MOST_TOGETHER:
                    record, index = min(
                        ((united(record, one.record), index) for index, one in enumerate(rest)),
                        key=lambda item: item[0].size,
                    )
                    group.append(rest.pop(index))
                yield record, group, len(group) > 1

    def _bare(self, found: Sequence[Found]) -> list[CandidateRecord]:
        """Records of which nothing can be left out."""
        if self.both.versions.read_alike:
            return without_superfluous(self.programs, self._shows(found))
        return [self._trimmed(one) for one in found]

    def _trimmed(self, one: Found) -> CandidateRecord:
        """The record without entry after entry, as long as both versions, each as it reads it, answer it so."""
        record = one.record
        for name in record.entries():
            less = record.without(name)
            if self._shown_by(one, less):
                record = less
        return record

    def _shown_by(self, one: Found, record: CandidateRecord) -> bool:
        """Whether both versions answer a record so, by circuits."""
        given = (circuits.answer(one.intervention, record) for circuits in self._circuits)
        return all(answer is not None and answer.status is s for answer, s in zip(given, one.pair, strict=True))

    @cached_property
    def _circuits(self) -> tuple[GroundCircuits, GroundCircuits]:
        old, new = self.programs
        return GroundCircuits(old), GroundCircuits(new)

    def _shows(self, found: Sequence[Found]) -> list[Shows]:
        old, new = self.programs
        return [
            Shows(one.record, (answered(old, one.intervention, before), answered(new, one.intervention, after)))
            for one in found
            for before, after in (one.pair,)
        ]

    def _change(
        self,
        one: Found,
        record: CandidateRecord,
        name: str,
        *,
        smallest: bool,
        spare: bool,
        needed: tuple[str, ...] | None = None,
    ) -> Change:
        content = self.both.content(record, name)
        status = one.pair[1]
        by, alone = self.responsible.for_change(one.intervention, record, lambda answer: answer.status is status)
        return Change(one.intervention, *one.pair, record, content, needed, by, alone, smallest, spare)

    def _confirm(self, record: CandidateRecord, expected: Sequence[Found]) -> None:
        """The patient, answered by both versions. Raises Disagreement."""
        names = [one.intervention for one in expected]
        for compiled, side in ((self.both.old, 0), (self.both.new, 1)):
            statuses = {a.intervention: a.status for a in self.both.answers(compiled, record, names).answers}
            for one in expected:
                if statuses[one.intervention] is not one.pair[side]:
                    raise Disagreement(
                        f"the engine answers {statuses[one.intervention].value} and not {one.pair[side].value} "
                        f"on `{one.intervention}`"
                    )

    def _needed(self, literal: int, record: CandidateRecord) -> tuple[str, ...]:
        """The entries of the witness without which there is no such patient."""
        both, facts, needed = self.both, self.both.after.facts, list[str]()
        writing = both.versions.writing
        for name in record.screens:
            if both.model([literal, -writing.complete[name]]) == (None, None, True):
                needed.append(f"{name}: complete")
        for name in record.unknown:
            if both.model([literal, -writing.unknown[name]]) == (None, None, True):
                needed.append(f"{name}: unknown")
        for name, value in record.findings.items():
            entry = (facts.present if value else facts.absent)[name]
            if both.model([literal, -entry]) == (None, None, True):
                needed.append(f"{name}: {'present' if value else 'absent'}")
        for name, interval in record.measures.items():
            regions = both.versions.regions[name]
            least = [k for k, cut in enumerate(regions.cuts) if cut <= interval[0]]
            below = [k for k, cut in enumerate(regions.cuts) if cut > interval[1]]
            entry = both.circuit.both(*(facts.least[name][k] for k in least), *(facts.below[name][k] for k in below))
            if entry != both.circuit.true and both.model([literal, -entry]) == (None, None, True):
                needed.append(name)
        return tuple(needed)


def _whether(pair: Pair) -> str:
    return f"it was not decided whether an answer changes from {pair[0].value} to {pair[1].value}"


def _order(pair: Pair) -> tuple[bool, int, int]:
    """Determined answers first."""
    place = {status: i for i, status in enumerate(Status)}
    return Status.UNDETERMINED in pair, place[pair[0]], place[pair[1]]
