"""For which patients a rule fires, and for which one of its conditions alone decides, over all possible patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guidelog.ground.program import Given, GroundElement, GroundLiteral, GroundProgram, GroundRule, Ranges

from ..trace.statement_rules import ADVICE
from .space import Space


def is_criterion(program: GroundProgram, element: GroundElement) -> bool:
    """Whether an element depends on the patient."""
    match element:
        case GroundLiteral(atom):
            return atom[0] == "finding" or (atom in program.instances and atom not in program.facts)
        case Given():
            return False
        case _:
            return True


def criterion_never_decides(program: GroundProgram, space: Space) -> Iterator[tuple[GroundRule, int]]:
    """The conditions that are for no patient all that is missing, as instance and place; one for each place of a rule.

    Of a rule with several instances only what matters in none of them counts.
    """
    by_place: dict[tuple[int, int], list[tuple[GroundRule, int]]] = {}
    for rules in program.instances.values():
        for instance in rules:
            for index, element in enumerate(instance.elements):
                if len(instance.elements) > 1 and is_criterion(program, element):
                    by_place.setdefault((id(instance.rule), index), []).append((instance, index))
    for places in by_place.values():
        if not any(space.possible(breaks(instance, program, index, space)) for instance, index in places):
            yield places[0]


def rivals(program: GroundProgram, instance: GroundRule) -> list[GroundRule]:
    """The other instances that give the same conclusion.

    Advice of another rule is another conclusion, for it has words of its own.
    """
    head = instance.head or ("",)
    same_rule = head[0] in ADVICE
    return [
        other
        for other in program.instances.get(head, ())
        if other is not instance and not (same_rule and other.rule is not instance.rule)
    ]


def fires(space: Space, instances: Sequence[GroundRule]) -> int:
    """Where some instance of a rule holds."""
    return space.diagrams.any(space.body(i, Ranges.HIGH) for i in instances)


def withheld(space: Space, instances: Sequence[GroundRule]) -> int:
    """Where no instance of a rule holds."""
    return space.diagrams.negate(space.diagrams.any(space.body(i, Ranges.LOW) for i in instances))


def makes(space: Space, instance: GroundRule, program: GroundProgram) -> int:
    """Where an instance is what gives its conclusion."""
    d = space.diagrams
    others = rivals(program, instance)
    return d.all([space.body(instance, Ranges.HIGH), *(d.negate(space.body(o, Ranges.HIGH)) for o in others)])


def breaks(instance: GroundRule, program: GroundProgram, index: int, space: Space) -> int:
    """Where one element alone keeps an instance from giving its conclusion, at both ends of the ranges."""
    d = space.diagrams
    ends: list[int] = []
    for ranges in (Ranges.LOW, Ranges.HIGH):
        rest = [space.element(e, ranges) for i, e in enumerate(instance.elements) if i != index]
        ends += [*rest, d.negate(space.element(instance.elements[index], ranges))]
        ends += [d.negate(space.body(other, ranges)) for other in rivals(program, instance)]
    return d.all(ends)
