"""Which edits are behind a change: those that alone make it, or, where none does, those that it takes.

Each edit is made alone in the old version, and undone alone in the new one, and the patient is answered again. This
attributes; it proves nothing, and an edit that cannot stand alone counts for neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from guidelog.compiled import Compiled
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.diagnostics import InputError
from guidelog.ground.ground import GroundProgram
from guidelog.ground.grounder import ground
from guidelog.language import tree
from guidelog.language.names import names_of
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import Facts, Interval
from guidelog.semantics.compiled import Circuits, Quick

from ..witness.candidate import Sketch
from .edits import Edit, apply

MOST_EDITS_TRIED = 40
"""Beyond so many edits it is not tried out which one alone changes an answer."""


class Responsible:
    """The edits between two versions, each tried out once."""

    def __init__(self, old: Compiled, new: Compiled, edits: Iterable[Edit]) -> None:
        self.old, self.new = old, new
        self.candidates = tuple(e for e in edits if e.matters)

    @property
    def only(self) -> tuple[Edit, ...]:
        """The edit that is behind everything, where there is only one."""
        return self.candidates if len(self.candidates) == 1 else ()

    def for_change(
        self, intervention: str, found: Sketch, shows: Callable[[Quick], bool]
    ) -> tuple[tuple[Edit, ...], bool]:
        """The edits behind what `shows` says of the new answer, and whether each does it alone."""
        if len(self.candidates) <= 1 or len(self.candidates) > MOST_EDITS_TRIED:
            return self.candidates, len(self.candidates) == 1

        def answers(mixtures: list[GroundCircuits | None]) -> list[Quick | None]:
            return [None if mixture is None else mixture.answer(intervention, found) for mixture in mixtures]

        made = zip(self.candidates, answers(self._made), strict=True)
        alone = tuple(e for e, answer in made if answer is not None and shows(answer))
        if alone:
            return alone, True
        undone = zip(self.candidates, answers(self._undone), strict=True)
        needed = tuple(e for e, answer in undone if answer is not None and not shows(answer))
        return needed or self.candidates, False

    @cached_property
    def _made(self) -> list[GroundCircuits | None]:
        return [self._mixture(apply(self.old.program, edit)) for edit in self.candidates]

    @cached_property
    def _undone(self) -> list[GroundCircuits | None]:
        return [self._mixture(apply(self.new.program, edit, undo=True)) for edit in self.candidates]

    def _mixture(self, program: tree.Program) -> GroundCircuits | None:
        """A program between both versions; None when it makes no sense, as with a name that is not declared."""
        try:
            grounded = ground(program, names_of(program), {**self.old.readings, **self.new.readings})
            return GroundCircuits(grounded) if isinstance(stratify(grounded), StratifiedProgram) else None
        except (InputError, KeyError, AssertionError):
            return None


class GroundCircuits:
    """A program that answers in microseconds."""

    def __init__(self, program: GroundProgram) -> None:
        self.vocabulary = program.names.vocabulary
        self.circuits = Circuits(program)

    def answer(self, intervention: str, found: Sketch) -> Quick | None:
        """The answer for a record; None when it contradicts the background, or the intervention is not there."""
        facts = facts_of_sketch(found, self.vocabulary)
        if self.circuits.contradicted(facts):
            return None
        return next((a for a in self.circuits.answers(facts) if a.intervention == intervention), None)


def facts_of_sketch(found: Sketch, vocabulary: Vocabulary) -> Facts:
    """What a record lists of a vocabulary."""
    whole = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
    listed = {n: Interval(*found.measures[n]) for n in whole if n in found.measures}
    return Facts({n: found.findings.get(n) for n in vocabulary.findings}, {**whole, **listed}, {}, frozenset())
