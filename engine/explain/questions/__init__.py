"""The questions that would settle an undetermined answer.

A set of questions settles an answer when, whatever is replied, no further data could change it (a range that the
guideline leaves open is not data). Unknown members of one screen are asked as that screen. Sets are minimal: no part
of one settles the answer. Where boolean functions grow too large clingo searches instead, and when it has no time left
that is said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from guidelog.ground.program import GroundProgram, Ranges
from guidelog.patients import Facts
from guidelog.semantics.bdd import FALSE, TooLarge
from guidelog.semantics.cone import Cone
from guidelog.semantics.status import Status
from guidelog.semantics.status_diagrams import diagrams_of
from guidelog.semantics.unknowns import Unknowns

from . import witness

Question = str
"""An input's name, or `screen:NAME`."""

SECONDS = 10.0
"""How long clingo may search for one patient, where the functions are too large."""


@dataclass(frozen=True, slots=True)
class Open:
    """What is open about an answer.

    The statuses still possible, the sets of questions that would settle it (None when they were too many to compute),
    and the rules that would then decide.
    """

    if_resolved: tuple[Status, ...]
    questions: tuple[tuple[Question, ...], ...] | None
    rules: tuple[str, ...]


class Questions:
    """Open questions about one patient, each within the cone of what its answer depends on."""

    def __init__(self, program: GroundProgram, facts: Facts) -> None:
        self._program, self._facts = program, facts
        self._seconds = SECONDS

    def about(self, intervention: str) -> Open:
        """What is open about an intervention."""
        cone = Cone(self._program, self._facts, intervention)
        if diagrams_of(self._program).of(intervention) is None:
            return self._searched(cone)  # as the answer, by three values
        try:
            return self._open(Unknowns(self._program, self._facts, cone=cone), cone)
        except (TooLarge, RecursionError):
            return self._searched(cone)

    def _searched(self, cone: Cone) -> Open:
        """By clingo, as long as there is time for it; what it found until then is kept."""
        started = time.monotonic()
        outcomes: tuple[Status, ...] = ()
        try:
            if self._seconds <= 0:
                return Open((), None, ())
            search = witness.Settling(cone, self._seconds)
            outcomes = search.outcomes()
            units = self._units(search.questions())
            rules = search.deciding(_names(units))
        except witness.OutOfTime:
            return Open(outcomes, None, ())
        finally:
            self._seconds -= time.monotonic() - started
        return Open(outcomes, (tuple(question for question, _ in units),) if units else (), rules)

    def _open(self, unknowns: Unknowns, cone: Cone) -> Open:
        ends = [unknowns.statuses(cone.intervention, ranges) for ranges in (Ranges.LOW, Ranges.HIGH)]
        outcomes = unknowns.statuses(cone.intervention, Ranges.KEPT)
        possible = [s for s in Status if s in outcomes]
        functions = [f for end in ends for f in end.values()]

        def settles(names: Sequence[str]) -> bool:
            return _settles(unknowns, ends, names)

        relevant = unknowns.names(unknowns.diagrams.support(*functions))
        # First every input by itself: a member that is not needed must not drag its whole screen in.
        needed = _names(_minimal(settles, [(name, (name,)) for name in relevant]))
        units = self._units(needed)
        found: dict[tuple[Question, ...], None] = {}
        for order in (units, units[::-1]) if len(units) > 1 else (units,):
            kept = _minimal(settles, order)
            ranked = sorted(kept, key=lambda unit: (not self._may_settle(unknowns, ends, unit), units.index(unit)))
            found.setdefault(tuple(unit[0] for unit in ranked))
        sets = sorted((s for s in found if s), key=len)
        asked = {name for question, members in units if any(question in s for s in sets) for name in members}
        return Open(tuple(possible), tuple(sets), self._deciding(unknowns, cone.intervention, asked))

    def _units(self, names: Sequence[str]) -> list[tuple[Question, tuple[str, ...]]]:
        """Inputs as questions: two or more of one screen are that screen."""
        vocabulary = self._program.names.vocabulary
        by_screen: dict[str, list[str]] = {}
        for name in names:
            declared = vocabulary.findings.get(name) or vocabulary.measures[name]
            by_screen.setdefault(declared.screen or name, []).append(name)
        return [
            (f"screen:{key}" if len(members) > 1 else members[0], tuple(members)) for key, members in by_screen.items()
        ]

    def _may_settle(
        self, unknowns: Unknowns, ends: Sequence[Mapping[Status, int]], unit: tuple[Question, tuple[str, ...]]
    ) -> bool:
        """Whether some reply to this question alone settles the answer."""
        d = unknowns.diagrams
        rest = unknowns.others(unit[1])
        covered = d.exists(unknowns.constraint, rest)
        for end in ends:
            regions = [d.exists(f, rest) for f in end.values()]
            ambiguous = d.any(d.both(f, g) for i, f in enumerate(regions) for g in regions[i + 1 :])
            covered = d.both(covered, d.negate(ambiguous))
        return covered != FALSE

    def _deciding(self, unknowns: Unknowns, intervention: str, asked: Iterable[str]) -> tuple[str, ...]:
        """The advice rules that some reply to the questions makes certain."""
        d = unknowns.diagrams
        rest = unknowns.others(asked)
        found = []
        for rule, region in unknowns.rule_regions(intervention, Ranges.LOW).items():
            open_region = d.both(unknowns.constraint, d.negate(region))
            certain = d.both(d.exists(region, rest), d.negate(d.exists(open_region, rest)))
            if certain != FALSE:
                found.append(rule)
        return tuple(found)


_Unit: TypeAlias = tuple[Question, tuple[str, ...]]


def _minimal(settles: Callable[[Sequence[str]], bool], units: Sequence[_Unit]) -> list[_Unit]:
    """Leave out what can be left out, from the last unit to the first."""
    kept = list(units)
    for unit in reversed(units):
        fewer = [u for u in kept if u is not unit]
        if settles(_names(fewer)):
            kept = fewer
    return kept


def _names(units: Iterable[_Unit]) -> list[str]:
    return [name for _, members in units for name in members]


def _settles(unknowns: Unknowns, ends: Sequence[Mapping[Status, int]], names: Sequence[str]) -> bool:
    """Whether replies about these inputs leave one status at each end of the guideline's ranges."""
    d = unknowns.diagrams
    rest = unknowns.others(names)
    for end in ends:
        regions = [d.exists(f, rest) for f in end.values()]
        for index, f in enumerate(regions):
            if any(d.both(f, g) != FALSE for g in regions[index + 1 :]):
                return False
    return True
