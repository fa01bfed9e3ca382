"""The rules on an intervention that did not decide its answer, and what closes each or keeps it open."""

from __future__ import annotations

from collections.abc import Sequence

from guidelog.explain.answers import Answer, Answers
from guidelog.ground.program import GroundComparison, GroundElement, GroundLiteral, GroundRule
from guidelog.semantics.kleene import Value, World

from ..pathway.criteria import SCOPE, atom_wording, comparison_wording
from ..pathway.model import STANCE_WORD
from .record_words import recorded

MOST = 7


def other_routes(answers: Answers, answer: Answer, deciding: frozenset[str]) -> tuple[str, ...]:
    """One line a rule: those that hold too, then those that are open, then those that are closed."""
    world = answers.world
    by_rule: dict[tuple[str, str], list[GroundRule]] = {}
    for atom in world.program.reachable("advise", answer.intervention):
        for instance in world.program.instances[atom]:
            if instance.rule.id not in deciding:
                by_rule.setdefault((instance.rule.id or "?", str(atom[2])), []).append(instance)
    order: dict[Value, int] = {True: 0, None: 1, False: 2}
    found = sorted(
        ((order[_value(world, instances)], key, instances) for key, instances in by_rule.items()),
        key=lambda entry: entry[0],
    )
    lines = [
        f"{rule}, {STANCE_WORD.get(stance, stance).lower()}: {_words(world, instances)}"
        for _, (rule, stance), instances in found[:MOST]
    ]
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST} more, see the text of why-not")
    return tuple(lines)


def _value(world: World, instances: Sequence[GroundRule]) -> Value:
    values = [_body(world, i) for i in instances]
    return True if True in values else None if None in values else False


def _body(world: World, instance: GroundRule) -> Value:
    values = world.values(instance)
    return False if False in values else None if None in values else True


def _words(world: World, instances: Sequence[GroundRule]) -> str:
    """What is said of the instance that came furthest."""
    best = max(instances, key=lambda i: {True: 2, None: 1, False: 0}[_body(world, i)])
    failing = [e for e in best.elements if world.element(e) is False]
    open_ = [e for e in best.elements if world.element(e) is None]
    match _body(world, best):
        case True:
            return "holds too"
        case False:
            first = next((e for e in failing if e == GroundLiteral(SCOPE, False)), failing[0])
            more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
            return f"closed, {_opposite(first, world)}{more}"
        case _:
            return "open, not known: " + "; ".join(_as_it_is(e, world) for e in open_)


def _opposite(element: GroundElement, world: World) -> str:
    """What is the case where an element does not hold."""
    match element:
        case GroundLiteral(atom, negated):
            return atom_wording(atom, negated, world.program.names)
        case GroundComparison(terms):
            known = "; ".join(recorded(name, world.facts, world) for name, _ in terms)
            return f"{comparison_wording(element, world.program.names)} is not met ({known})"
        case _:
            return "too few of its criteria are met"


def _as_it_is(element: GroundElement, world: World) -> str:
    match element:
        case GroundLiteral(atom, negated):
            return atom_wording(atom, not negated, world.program.names)
        case GroundComparison():
            return comparison_wording(element, world.program.names)
        case _:
            return "how many of its criteria are met"
