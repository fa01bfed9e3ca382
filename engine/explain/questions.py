"""The questions that would settle an undetermined answer.

A set of questions settles an answer when, whatever is replied, no further data could change it (a range that the
guideline leaves open is not data). Unknown members of one screen are asked as that screen. Sets are minimal: no part
of one settles the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..ground import GroundProgram
from ..patients import Facts
from ..status import Status
from ..values import Ranges
from .bdd import FALSE, TooLarge
from .unknowns import Unknowns

Question = str
"""An input's name, or `screen:NAME`."""


@dataclass(frozen=True, slots=True)
class Open:
    """What is open about an answer.

    The statuses still possible, the sets of questions that would settle it (None when they were too many to compute), and
    the rules that would then decide.
    """

    if_resolved: tuple[Status, ...]
    questions: tuple[tuple[Question, ...], ...] | None
    rules: tuple[str, ...]


class Questions:
    """Open questions about one patient; the functions behind them are computed once, when first needed."""

    def __init__(self, program: GroundProgram, facts: Facts) -> None:
        self._program, self._facts = program, facts
        self._unknowns: Unknowns | None = None

    def about(self, intervention: str) -> Open:
        """What is open about an intervention."""
        try:
            if self._unknowns is None:
                self._unknowns = Unknowns(self._program, self._facts)
            return self._open(self._unknowns, intervention)
        except TooLarge:
            return Open((), None, ())

    def _open(self, unknowns: Unknowns, intervention: str) -> Open:
        ends = [unknowns.statuses(intervention, ranges) for ranges in (Ranges.LOW, Ranges.HIGH)]
        possible = [s for s in Status if s is not Status.UNDETERMINED and any(s in end for end in ends)]
        functions = [f for end in ends for f in end.values()]
        relevant = unknowns.names(unknowns.diagrams.support(*functions))
        # First every input by itself: a member that is not needed must not drag its whole screen in.
        needed_inputs = self._minimal(unknowns, ends, [(name, (name,)) for name in relevant])
        units = self._units([name for name, _ in needed_inputs])
        found: dict[tuple[Question, ...], None] = {}
        for order in (units, units[::-1]):
            needed = self._minimal(unknowns, ends, order)
            ranked = sorted(needed, key=lambda unit: (not self._may_settle(unknowns, ends, unit), units.index(unit)))
            found.setdefault(tuple(unit[0] for unit in ranked))
        sets = sorted((s for s in found if s), key=len)
        asked = {name for question, members in units if any(question in s for s in sets) for name in members}
        return Open(tuple(possible), tuple(sets), self._deciding(unknowns, intervention, asked))

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

    def _minimal(
        self,
        unknowns: Unknowns,
        ends: Sequence[Mapping[Status, int]],
        units: Sequence[tuple[Question, tuple[str, ...]]],
    ) -> list[tuple[Question, tuple[str, ...]]]:
        """Leave out what can be left out, from the last unit to the first."""
        kept = list(units)
        for unit in reversed(units):
            fewer = [u for u in kept if u is not unit]
            if _settles(unknowns, ends, [n for _, members in fewer for n in members]):
                kept = fewer
        return kept

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
