"""What an exit from the trunk says of a patient, item by item: certain, possible, superseded or not so.

An exit lists what is held back. One of its items may hold whatever the open questions bring while another depends on
them, so each has a word of its own, and the box says how many are certain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guidelog.explain.answers import Answer
from guidelog.language import tree
from guidelog.semantics.kleene import Value, World
from guidelog.semantics.status import STATUS_OF_STANCE, Status

from ..drawing import palette
from ..drawing.palette import Look
from ..pathway.model import Node
from ..pathway.overlay import Mark
from .line_values import both

CERTAIN, POSSIBLE = ("CERTAIN", palette.REACHED), ("POSSIBLE", palette.UNKNOWN)
HOLDS = ("HOLDS", palette.REACHED)
SUPERSEDED, NOT_SO = ("SUPERSEDED", palette.NOT_REACHED), ("DOES NOT APPLY", palette.NOT_REACHED)


@dataclass(frozen=True, slots=True)
class Leaving:
    """The word of each item of an exit, by its place, and the mark of the box."""

    items: Mapping[int, tuple[str, Look]]
    mark: Mark


def leaving(
    node: Node, reach: Value, still_open: Sequence[str], answers: Mapping[str, Answer], world: World
) -> Leaving:
    """What holds of an exit for a patient; `reach`: whether the way leads there, `still_open`: boxes it depends on."""
    words = {
        place: _word(item.intervention, item.stance, item.rules, answers, world)
        for place, item in enumerate(node.body)
        if item.intervention is not None
    }
    of_box = [_word(name, stance, node.rules, answers, world) for name, stance in node.interventions]
    found = list(words.values()) or of_box
    certain = found.count(CERTAIN)
    needs = f"{' and '.join(still_open)} still open" if still_open else ""
    match reach:
        case True:
            # Nothing to tell apart where all of it holds.
            return Leaving({} if certain == len(found) else words, Mark(palette.REACHED))
        case False if not certain:
            return Leaving({}, Mark(palette.NOT_REACHED))
        case False:
            note = f"{certain} of {len(found)} hold all the same" if len(found) > 1 else "Holds all the same"
            words = {place: HOLDS if word == CERTAIN else word for place, word in words.items()}
            return Leaving(words, Mark(palette.NOT_REACHED, notes=(note,)))
        case None if not certain:
            return Leaving(words, Mark(palette.UNKNOWN, "POSSIBLE"))
        case None if certain == len(found):
            return Leaving(words, Mark(palette.REACHED, "CERTAIN", (f"Holds already; {needs}",) if needs else ()))
    look = palette.UNKNOWN if POSSIBLE in found else palette.REACHED
    notes = (needs[:1].upper() + needs[1:],) if needs else ()
    return Leaving(words, Mark(look, f"{certain} OF {len(found)} CERTAIN", notes))


def _word(
    name: str, stance: str, rules: Sequence[tree.Rule], answers: Mapping[str, Answer], world: World
) -> tuple[str, Look]:
    value = _given(name, stance, rules, world)
    status = answers[name].status if name in answers else None
    if value is False:
        return NOT_SO
    if value is True and status in (None, STATUS_OF_STANCE[stance]):
        return CERTAIN
    return POSSIBLE if status in (None, Status.UNDETERMINED) or value is None else SUPERSEDED


def _given(name: str, stance: str, rules: Sequence[tree.Rule], world: World) -> Value:
    """Whether these very rules take the stance: another one may, for a reason that is not this exit's."""
    instances = world.program.instances.get(("advise", name, stance), ())
    values = [both(*world.values(i)) for i in instances if i.rule in rules]
    return True if True in values else None if None in values else False
