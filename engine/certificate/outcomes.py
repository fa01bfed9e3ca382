"""What the answer about an intervention is, and by what it is shown: three values, or cases.

An answer is certain when all completions of the record agree (docs/language.md, *Certain in all completions*). Whether
they do the diagrams of the guideline say; where three values do not show it, a tree of cases has to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from guidelog.compiled import Compiled
from guidelog.ground.program import Ranges
from guidelog.semantics.case_trees import Split, cases_of
from guidelog.semantics.kleene import World, comparison_value
from guidelog.semantics.status import Because, Status, three_valued_status
from guidelog.semantics.status_diagrams import diagrams_of


class NobodyError(Exception):
    """The background allows no completion of the record."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A status, why it is open, and the cases that show what three values do not, by the ranges that they are under."""

    status: Status
    because: Because | None = None
    cases: Mapping[Ranges, Split] = field(default_factory=dict)


def outcome(compiled: Compiled, world: World, intervention: str) -> Outcome:
    """The answer about an intervention. Raises NobodyError."""
    status = three_valued_status(world, intervention)
    if status is not Status.UNDETERMINED:
        return Outcome(status)
    diagram = diagrams_of(world.program).of(intervention)
    if diagram is None:
        ends = [three_valued_status(at_end(compiled, world, r), intervention) for r in (Ranges.LOW, Ranges.HIGH)]
        return Outcome(status, Because.MISSING_DATA if status in ends else Because.GUIDELINE_RANGE)
    found = diagram.possible(world.facts, world.is_settled)
    if not found:
        raise NobodyError
    if len(found) == 1:
        cases = cases_of(world, intervention, found[0])
        return (
            Outcome(status, Because.TOO_MANY_CASES) if cases is None else Outcome(found[0], None, {Ranges.KEPT: cases})
        )
    by_end: dict[Ranges, Split] = {}
    for ranges in (Ranges.LOW, Ranges.HIGH):
        end = at_end(compiled, world, ranges)
        if three_valued_status(end, intervention) is Status.UNDETERMINED:
            settled = diagram.possible(world.facts, end.is_settled, ranges)
            cases = cases_of(end, intervention, settled[0]) if len(settled) == 1 else None
            if cases is None:
                return Outcome(status, Because.MISSING_DATA)
            by_end[ranges] = cases
    return Outcome(status, Because.GUIDELINE_RANGE, by_end)


def at_end(compiled: Compiled, world: World, ranges: Ranges) -> World:
    """The world with every range at one end; evaluated only where that gives some comparison another value."""
    if ranges not in world.ends:
        measures = world.facts.measures
        moved = any(
            comparison_value(c, measures, ranges) is not comparison_value(c, measures, Ranges.KEPT)
            for c in world.program.range_comparisons
        )
        model = compiled.evaluate(world.facts, ranges) if moved else world.model
        world.ends[ranges] = replace(world, model=model, ranges=ranges)
    return world.ends[ranges]
