"""What holds for a patient, line by line: criteria and stances in three values, chips and remarks of lists.

`other_routes` are the rules on an intervention that did not decide its answer, and what closes each or keeps it open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guidelog.explain.answers import Answer, Answers
from guidelog.ground.program import GroundComparison, GroundElement, GroundLiteral, GroundRule
from guidelog.language import tree
from guidelog.language.stances import STANCES
from guidelog.semantics.kleene import Value, World
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.wording.presentation import presentation

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


@dataclass(frozen=True, slots=True)
class Painted:
    """What a line says of an intervention for a patient; `certified` where it is the status of the certified answer."""

    word: str
    look: Look
    certified: bool = False


DOES_NOT_APPLY = Painted("DOES NOT APPLY", palette.NOT_REACHED)
SUPERSEDED = Painted("SUPERSEDED", palette.NOT_REACHED)
POSSIBLE, NOT_KNOWN = Painted("POSSIBLE", palette.UNKNOWN), Painted("NOT KNOWN", palette.UNKNOWN)
NOT_ASKED = Painted("NOT ASKED ABOUT", palette.NOT_REACHED)


class Statuses:
    """The certified answers about a patient, and what they make of the stances that a pathway shows."""

    def __init__(self, answers: Answers) -> None:
        self.world = answers.world
        self.by_name = {a.intervention: a for a in (*answers.answers, *answers.alerts)}

    def status(self, name: str) -> Status | None:
        """The certified status; none for an intervention that nobody asked about."""
        return self.by_name[name].status if name in self.by_name else None

    def value(self, name: str, stance: str, rules: Sequence[tree.Rule] = ()) -> Value:
        """Whether the guideline takes a stance on an intervention, by these very rules where some are given."""
        instances = self.world.program.instances.get(("advise", name, stance), ())
        values = [both(*self.world.values(i)) for i in instances if not rules or i.rule in rules]
        return True if True in values else None if None in values else False

    def painted(self, name: str, stance: str, rules: Sequence[tree.Rule] = ()) -> Painted:
        """What a line about a stance says: never a status that is not the certified one."""
        value, status = self.value(name, stance, rules), self.status(name)
        if status is None:
            return NOT_ASKED
        if value is False:
            return DOES_NOT_APPLY
        if status is Status.UNDETERMINED:
            return POSSIBLE if value else NOT_KNOWN
        if self._gives(name, stance, value, status):
            return of_status(status)
        return SUPERSEDED

    def _gives(self, name: str, stance: str, value: Value, status: Status) -> bool:
        """Whether a stance is (one of those) behind a determined status; an unknown one where no known one is."""
        if status is Status.CONFLICT:
            return value is True
        if STATUS_OF_STANCE[stance] is not status:
            return False
        alike = (s for s in STANCES if STATUS_OF_STANCE[s] is status)
        return value is True or not any(self.value(name, s) is True for s in alike)

    def silent(self, name: str) -> bool:
        """Whether a "not now" is given because no rule says anything."""
        return not any(self.value(name, s) for s in STANCES)


def of_status(status: Status) -> Painted:
    """A certified status as it is painted."""
    shown = presentation(status)
    return Painted(shown.word.upper(), palette.look_of(shown.tone), certified=True)


def chip_of(item: Item, statuses: Statuses) -> tuple[str, Look] | None:
    """The word and look of the status of a line; nothing for a line that nothing decides."""
    if item.intervention is not None:
        painted = statuses.painted(item.intervention, item.stance, item.rules)
        return painted.word, painted.look
    if item.criterion is None:
        return None
    value = value_of(item.criterion, statuses.world)
    head = item.rules[0].head if item.criterion.element is None and item.rules else None
    if head is not None and head.predicate == "include":
        return {True: None, None: (NOT_KNOWN.word, NOT_KNOWN.look), False: (DOES_NOT_APPLY.word, DOES_NOT_APPLY.look)}[
            value
        ]
    if value is None:
        return NOT_KNOWN.word, NOT_KNOWN.look
    # "There is no cough: met" can be read as its opposite; that the sentence is true cannot.
    words = ("TRUE", "NOT TRUE") if _says_no(item) else ("MET", "NOT MET")
    return (words[0], palette.MET) if value else (words[1], palette.NOT_MET)


def _says_no(item: Item) -> bool:
    element = item.criterion.element if item.criterion else None
    return isinstance(element, GroundLiteral) and element.negated


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
        f"{rule}, {STANCE_WORD[stance].lower()}: {_words(world, instances)}"
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
    failing = [e for e, value in zip(best.elements, world.values(best), strict=True) if value is False]
    open_ = [e for e in best.elements if world.element(e) is None]
    match _body(world, best):
        case True:
            return "holds too"
        case False:
            first = next((e for e in failing if e == GroundLiteral(SCOPE, False)), failing[0])
            if world.element(first) is None:
                return f"not applied while it is not known: {_as_it_is(first, world)}"
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
