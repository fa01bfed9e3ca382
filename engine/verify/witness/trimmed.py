"""A patient who breaks a promise, without what that does not rest on, where the time for the smallest one ran out.

Entry after entry is left out as long as the promise stays broken, by circuits. Nothing is confirmed here. Only where
ranges are kept: a promise that is broken at an end of a range is shown as it was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from guidelog.compiled import Compiled
from guidelog.ground.ground import GroundProgram
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.kleene import World
from guidelog.semantics.quickly import circuits_of
from guidelog.solver.literals import Budget

from ..diff.responsible import facts_of_sketch
from ..properties.properties import Property
from ..search.questions import Case
from .candidate import Sketch
from .find import breaking
from .smaller import hardest_to_read_first

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


def _without(found: Sketch, name: str) -> Sketch:
    return Sketch(_other(found.findings, name), _other(found.measures, name))


def _other(entries: Mapping[str, _T], name: str) -> dict[str, _T]:
    return {n: value for n, value in entries.items() if n != name}


def _world(compiled: Compiled, found: Sketch) -> World | None:
    settled = propagate(compiled.ground, facts_of_sketch(found, compiled.names.vocabulary))
    if isinstance(settled, Contradiction):
        return None
    return World(compiled.ground, settled[0], circuits_of(compiled.ground).model(settled[0]))
