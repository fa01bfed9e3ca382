"""One patient in microseconds: the circuit of a guideline, evaluated bit by bit in one whole number.

For work that needs thousands of evaluations: ranking questions, what-if searches, audits, live pages. No source text is
made and nothing is executed but the loops below: a gate is a pair of masks. It is trusted no more than other engines;
what is shown to a person is certified whichever engine found it.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from guidelog.ground.program import Atom, GroundProgram, Ranges
from guidelog.language.names import Names
from guidelog.patients import Facts, Interval

from . import Advice, All, Any, Constant, End, Known, Not, Plan, Reaches, plan_of
from .circuit import TRUE, looks_at
from .kleene import Model
from .status import Because, Status

MOST_PATTERNS = 4096
_Masks: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FastAnswer:
    """The answer about one intervention, as `ask` gives it.

    Only `rules` of an undetermined answer are more: all advice rules that may still hold, where `ask` names those that
    the next questions would decide.
    """

    intervention: str
    status: Status
    because: Because | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Level:
    """Gates that do not look at each other: what they look at, and the bit that they set."""

    alls: _Masks
    anys: _Masks
    nots: _Masks


class CircuitEngine:
    """A grounded guideline, ready to be evaluated again and again. Immutable, and safe to share between threads."""

    name = "compiled"

    def __init__(self, program: GroundProgram) -> None:
        self.plan: Plan = plan_of(program)
        self._facts = program.facts
        advice = self.plan.advice
        self._statuses = [(a.intervention, *_statuses(a.statuses)) for a in advice]
        self._decoders = [_Decoder(a) for a in advice]
        self._status_run = _PackedLevels(self.plan, [n for a in advice for n in a.statuses.values()])
        self._answer_run = _PackedLevels(self.plan, self.plan.outputs)

    def statuses(self, facts: Facts) -> dict[str, Status]:
        """The status of every intervention. The facts need not be propagated; they must not be contradictory."""
        state = self._status_run.state(facts)
        return {name: by_bit.get(state & mask, Status.UNDETERMINED) for name, mask, by_bit in self._statuses}

    def answers(self, facts: Facts) -> list[FastAnswer]:
        """Status, reason and rules of every intervention."""
        state = self._answer_run.state(facts)
        return [decoder.answer(state) for decoder in self._decoders]

    def contradicted(self, facts: Facts) -> tuple[str, ...]:
        """The background rules that the facts contradict."""
        state = self._answer_run.state(facts)
        return tuple(d.rule for d in self.plan.denials if state >> d.contradicted & 1)

    def model(self, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
        """All certain and possible atoms: what a backend gives, for proofs."""
        run, atoms = self._models[ranges]
        state = run.state(facts)
        certain = [atom for atom, true, _ in atoms if state >> true & 1]
        possible = [atom for atom, _, false in atoms if not state >> false & 1]
        return Model(self._facts.union(certain), self._facts.union(possible))

    @cached_property
    def _models(self) -> Mapping[Ranges, tuple[_PackedLevels, list[tuple[Atom, int, int]]]]:
        found = {}
        for ranges, atoms in self.plan.atoms.items():
            listed = [(atom, true, false) for atom, (true, false) in atoms.items()]
            found[ranges] = (_PackedLevels(self.plan, [n for _, true, false in listed for n in (true, false)]), listed)
        return found


class _Decoder:
    """The answer about one intervention from its bits; few patterns occur, so each is put into words once."""

    def __init__(self, advice: Advice) -> None:
        self.advice = advice
        self.mask = _mask((*advice.statuses.values(), advice.range_only, *(r.gives for r in advice.rules)))
        self.known: dict[int, FastAnswer] = {}

    def answer(self, state: int) -> FastAnswer:
        pattern = state & self.mask
        found = self.known.get(pattern)
        if found is None:
            if len(self.known) >= MOST_PATTERNS:
                self.known = {}  # another thread may still read the old one
            found = self.known[pattern] = self.decode(pattern)
        return found

    def decode(self, pattern: int) -> FastAnswer:
        advice = self.advice
        status = next((s for s, number in advice.statuses.items() if pattern >> number & 1), Status.UNDETERMINED)
        because = None
        if status is Status.UNDETERMINED:
            because = Because.GUIDELINE_RANGE if pattern >> advice.range_only & 1 else Because.MISSING_DATA
        return FastAnswer(
            advice.intervention, status, because, tuple(r.rule for r in advice.rules if pattern >> r.gives & 1)
        )


class _PackedLevels:
    """The gates that some outputs need, by levels."""

    def __init__(self, plan: Plan, outputs: Sequence[int]) -> None:
        gates = plan.circuit.gates
        needed = plan.circuit.needed(outputs)
        self.true: dict[str, int] = {}
        self.false: dict[str, int] = {}
        self.comparisons: list[tuple[tuple[tuple[int, str, bool], ...], int, int]] = []
        self.moving: list[tuple[Reaches, int]] = []
        level: dict[int, int] = {}
        by_level: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]], list[tuple[int, int]]]] = {}
        moved: dict[int, list[tuple[Reaches, int]]] = {}
        for number in needed:
            gate, bit = gates[number], 1 << number
            level[number] = place = max((level[p] + 1 for p in looks_at(gate)), default=0)
            alls, anys, nots = by_level.setdefault(place, ([], [], []))
            match gate:
                case All(parts):
                    alls.append((_mask(parts), bit))
                case Any(parts):
                    anys.append((_mask(parts), bit))
                case Not(part):
                    nots.append((1 << part, bit))
                case Known(name, value):
                    (self.true if value else self.false)[name] = bit
                case Reaches(terms, bound):
                    if any(end.moved for _, end in terms):
                        moved.setdefault(place, []).append((gate, bit))
                    else:
                        self.comparisons.append((tuple((c, e.measure, e.upper) for c, e in terms), bound, bit))
                case Constant():
                    pass
        self.levels = [
            (_Level(*map(tuple, by_level[place])), tuple(moved.get(place, ()))) for place in sorted(by_level)
        ]

    def state(self, facts: Facts) -> int:
        """All gates that hold, as bits of one number."""
        state = 1 << TRUE
        true, false = self.true, self.false
        for name, value in facts.findings.items():
            if value:
                state |= true.get(name, 0)
            elif value is not None:
                state |= false.get(name, 0)
        measures = facts.measures
        for terms, bound, bit in self.comparisons:
            total = 0
            for coefficient, name, upper in terms:
                interval = measures[name]
                total += coefficient * (interval.high if upper else interval.low)
            if total >= bound:
                state |= bit
        for level, moving in self.levels:
            for reaches, bit in moving:
                if sum(c * _end(end, measures[end.measure], state) for c, end in reaches.terms) >= reaches.bound:
                    state |= bit
            for mask, bit in level.alls:
                if state & mask == mask:
                    state |= bit
            for mask, bit in level.anys:
                if state & mask:
                    state |= bit
            for mask, bit in level.nots:
                if not state & mask:
                    state |= bit
        return state


def _end(end: End, interval: Interval, state: int) -> int:
    holding = [bound for holds, bound in end.moved if state >> holds & 1]
    return min((interval.high, *holding)) if end.upper else max((interval.low, *holding))


def _statuses(statuses: Mapping[Status, int]) -> tuple[int, dict[int, Status]]:
    return _mask(statuses.values()), {1 << number: status for status, number in statuses.items()}


def _mask(numbers: Iterable[int]) -> int:
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


_known: dict[int, tuple[weakref.ref[GroundProgram], CircuitEngine]] = {}


def circuits_of(program: GroundProgram) -> CircuitEngine:
    """The circuits of a program, made once."""
    key = id(program)
    found = _known.get(key)
    if found is None or found[0]() is not program:
        found = _known[key] = (weakref.ref(program, lambda _: _known.pop(key, None)), CircuitEngine(program))
    return found[1]


def statuses(program: GroundProgram, facts: Facts) -> Mapping[str, Status] | None:
    """The status of every intervention; None when the facts contradict the background."""
    circuits = circuits_of(program)
    return None if program.denials and circuits.contradicted(facts) else circuits.statuses(facts)


def nothing_known(facts: Facts, names: Names) -> Facts:
    """The same patient with every input unknown."""
    measures = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in names.vocabulary.measures.items()}
    return replace(facts, findings=dict.fromkeys(facts.findings), measures=measures)


def only(facts: Facts, kept: frozenset[str], names: Names) -> Facts:
    """The same patient with only these inputs known."""
    blank = nothing_known(facts, names)
    findings = {n: value if n in kept else None for n, value in facts.findings.items()}
    measures = {n: i if n in kept else blank.measures[n] for n, i in facts.measures.items()}
    return replace(facts, findings=findings, measures=measures)
