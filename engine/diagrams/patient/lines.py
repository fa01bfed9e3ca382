"""What holds for a patient, line by line: criteria and stances in three values, chips and remarks of lists.

`other_routes` are the rules on an intervention that did not decide its answer, and what closes each or keeps it open.
"""

from __future__ import annotations

from collections.abc import Sequence

from guidelog.explain.answers import Answer, Answers
from guidelog.ground.program import GroundComparison, GroundElement, GroundLiteral, GroundRule
from guidelog.semantics.kleene import Value, World

from ..drawing import palette
from ..drawing.palette import Look
from ..pathway.criteria import SCOPE, Criterion, atom_wording, comparison_wording
from ..pathway.model import STANCE_WORD, Item
from .record_words import recorded


def both(*values: Value) -> Value:
    """Three-valued and."""
    return False if False in values else None if None in values else True


def opposite(value: Value) -> Value:
    """Three-valued not."""
    return None if value is None else not value


def value_of(criterion: Criterion | None, world: World) -> Value:
    """The value of a criterion: of its element, or of its parts as its mode says."""
    if criterion is None:
        return True
    if criterion.element is not None:
        return world.element(criterion.element)
    values = [value_of(p, world) for p in criterion.parts]
    count = len(values) if criterion.mode == "all" else 1 if criterion.mode == "any" else int(criterion.mode or 1)
    if sum(v is True for v in values) >= count:
        return True
    return None if sum(v is not False for v in values) >= count else False


def stance_value(name: str, stance: str, world: World) -> Value:
    """Whether the guideline takes a stance on an intervention; no where no rule could."""
    atom = ("advise", name, stance)
    return world.atom(atom) if atom in world.program.instances else False


def chip_of(item: Item, world: World) -> tuple[str, Look] | None:
    """The word and look of the status of a line; nothing for a line that nothing decides."""
    if item.intervention is not None:
        value = stance_value(item.intervention, item.stance, world)
        word = {
            "do": "DO",
            "consider": "CONSIDER",
            "avoid": "AVOID",
            "urgent": "DO NOW",
            "emergency": "APPLIES",
        }.get(item.stance, "NOT NOW")
        if value is True:
            look = palette.BLOCKED if item.stance in ("avoid", "defer", "hold") else palette.DO_NOW
            return word, look
        return ("NOT KNOWN", palette.UNKNOWN) if value is None else ("DOES NOT APPLY", palette.NOT_REACHED)
    if item.criterion is None:
        return None
    value = value_of(item.criterion, world)
    if (
        item.criterion.element is None
        and item.rules
        and item.rules[0].head
        and item.rules[0].head.predicate == "include"
    ):
        return (
            None
            if value
            else ("NOT KNOWN", palette.UNKNOWN)
            if value is None
            else ("DOES NOT APPLY", palette.NOT_REACHED)
        )
    word, look = (
        ("MET", palette.MET)
        if value
        else ("NOT KNOWN", palette.UNKNOWN)
        if value is None
        else ("NOT MET", palette.NOT_MET)
    )
    return word, look


def remark_of(item: Item, world: World) -> str:
    """What the record has, where the status does not say it."""
    element = item.criterion.element if item.criterion else None
    match element:
        case GroundComparison(terms):
            return "; ".join(recorded(name, world.facts, world) for name, _ in terms)
        case GroundLiteral(atom, _) if atom[0] == "finding" and atom[1] in world.facts.assumed:
            return "assumed absent, its screen is complete"
        case _:
            return ""


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
