"""What holds for a patient: criteria and stances in three values, and the chip and remark of a line of a list."""

from __future__ import annotations

from guidelog.ground.program import GroundComparison, GroundLiteral
from guidelog.semantics.kleene import Value, World

from ..drawing import palette
from ..drawing.palette import Look
from ..pathway.criteria import Criterion
from ..pathway.model import Item
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
