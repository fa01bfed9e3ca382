"""From stances to the status of an intervention (docs/language.md, *Status*).

The stances that are certain and those that are possible leave some combinations open; when all of them lead to one
status that is the answer, otherwise it is undetermined.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from itertools import combinations
from typing import TypeAlias, assert_never

from guidelog.ground.program import Atom, GroundRule
from guidelog.language.stances import EMERGENCY, HOLD, STANCES, STANCES_AGAINST, STANCES_FOR, Stance

from .interpret import Connectives, V
from .kleene import Value, World


class Status(Enum):
    """What the guideline says about an intervention for a patient."""

    URGENT = "urgent"
    RECOMMENDED = "recommended"
    CONSIDER = "consider"
    NOT_NOW = "not_now"
    AVOID = "avoid"
    UNDETERMINED = "undetermined"
    CONFLICT = "conflict"
    OUTSIDE_GUIDELINE = "outside_guideline"
    EMERGENCY_PATHWAY = "emergency_pathway"


class Because(Enum):
    """Why an answer is undetermined."""

    MISSING_DATA = "missing_data"
    GUIDELINE_RANGE = "guideline_range"
    TOO_MANY_CASES = "too_many_cases"
    """All completions agree, but too many cases would have to be told apart to show it."""


def status_of_stance(stance: Stance) -> Status:
    """The status when this stance alone holds."""
    match stance:
        case Stance.EMERGENCY:
            return Status.EMERGENCY_PATHWAY
        case Stance.URGENT:
            return Status.URGENT
        case Stance.DO:
            return Status.RECOMMENDED
        case Stance.CONSIDER:
            return Status.CONSIDER
        case Stance.AVOID:
            return Status.AVOID
        case Stance.HOLD | Stance.DEFER:
            return Status.NOT_NOW
        case _:
            assert_never(stance)


STATUS_OF_STANCE: Mapping[str, Status] = {stance: status_of_stance(stance) for stance in Stance}


def decide(stances: Collection[str], in_scope: bool) -> Status:
    """The status when everything is known: the stances that hold, and whether the patient is in scope."""
    if "emergency" in stances:
        return Status.EMERGENCY_PATHWAY
    if HOLD in stances and "urgent" not in stances:
        return Status.NOT_NOW
    speaking_for = [s for s in STANCES_FOR if s in stances]
    against = [s for s in STANCES_AGAINST if s in stances]
    if speaking_for and against:
        return Status.CONFLICT
    for stance in (*speaking_for, *against):
        return STATUS_OF_STANCE[stance]
    return Status.NOT_NOW if in_scope else Status.OUTSIDE_GUIDELINE


def formulas(a: Connectives[V], stance: Mapping[Stance, V], scope: V) -> dict[Status, V]:
    """When each status but `undetermined` is the answer, from all stances and the scope, in any algebra.

    Each stance occurs once in each formula, so that three-valued evaluation of one is exact for it.
    """
    no = a.negate
    emergency, urgent, hold = stance[EMERGENCY], stance[Stance.URGENT], stance[HOLD]
    elective = [s for s in STANCES_FOR if s is not Stance.URGENT]
    waiting = [s for s in STANCES_AGAINST if status_of_stance(s) is Status.NOT_NOW]  # as silence in scope
    refusing = [s for s in STANCES_AGAINST if s not in waiting]
    calm = (no(emergency), no(urgent))
    free = (*calm, no(hold))
    unopposed = tuple(no(stance[s]) for s in STANCES_AGAINST)
    unadvised = tuple(no(stance[s]) for s in elective)
    against = a.either(tuple(stance[s] for s in STANCES_AGAINST))
    advised = a.both((no(hold), a.either(tuple(stance[s] for s in elective))))
    rest = (*unadvised, *(no(stance[s]) for s in refusing), a.either((*(stance[s] for s in waiting), scope)))
    found = {
        Status.EMERGENCY_PATHWAY: emergency,
        Status.CONFLICT: a.both((no(emergency), a.either((urgent, advised)), against)),
        Status.URGENT: a.both((no(emergency), urgent, *unopposed)),
        Status.NOT_NOW: a.both((*calm, a.either((hold, a.both(rest))))),
        Status.OUTSIDE_GUIDELINE: a.both((*free, *unadvised, *unopposed, no(scope))),
    }
    for side, others in ((elective, unopposed), (refusing, unadvised)):
        for place, one in enumerate(side):
            before = (no(stance[s]) for s in side[:place])
            found[status_of_stance(one)] = a.both((*free, stance[one], *before, *others))
    return found


def status_of(stances: Mapping[str, Value], in_scope: Value) -> Status:
    """The status of three-valued stances (those not named are false)."""
    return _status(tuple(stances.items()), in_scope)


def deciding(stances: Collection[str], status: Status) -> list[str]:
    """Of the stances that certainly hold those that give a determined status, in their order.

    All of a conflict; what is held back decides nothing.
    """
    found: list[str] = [
        s for s in STANCES if s in stances and (status is Status.CONFLICT or STATUS_OF_STANCE[s] is status)
    ]
    if HOLD not in found:
        return found
    return [HOLD] if status is Status.NOT_NOW else [s for s in found if s != HOLD]


def stances_in(world: World, intervention: str) -> dict[str, Value]:
    """The value of each stance on an intervention that can be derived, in an evaluated world."""
    return {stance: world.atom(atom) for stance, atom in world.program.stances.get(intervention, {}).items()}


def three_valued_status(world: World, intervention: str) -> Status:
    """The status of an intervention as far as three values show it; see `status_diagrams.status_in`."""
    return status_of(stances_in(world, intervention), world.atom(("in_scope",)))


NO_CAUTIONS = frozenset({Status.UNDETERMINED, Status.URGENT, Status.EMERGENCY_PATHWAY, Status.OUTSIDE_GUIDELINE})


def unsettled(world: World, intervention: str, status: Status) -> list[GroundRule]:
    """The instances below the answer on an intervention that would apply, if something that is not known were so.

    A determined answer is given as if they did not, and carries their cautions (docs/language.md, *Precedence*); an
    undetermined one has questions in their place, an urgent one waits for nothing, outside nothing is said, and
    what is held back for certain needs no caution.
    """
    held = status is Status.NOT_NOW and world.atom(("advise", intervention, HOLD)) is True
    return [] if held or status in NO_CAUTIONS else not_settled(world, intervention)


def not_settled(world: World, intervention: str) -> list[GroundRule]:
    """The instances of rules with `unsettled` below an answer that are open, but for counting as false."""
    found = []
    for instance in world.program.settled_below(intervention):
        values = [world.element(element) for element in instance.elements]
        if False not in values and any(values[place] is None for place in instance.settled):
            found.append(instance)
    return found


@lru_cache(maxsize=4096)
def _status(stances: tuple[tuple[str, Value], ...], in_scope: Value) -> Status:
    certain = frozenset(s for s, value in stances if value is True)
    open_ = frozenset(s for s, value in stances if value is None)
    scopes = (True, False) if in_scope is None else (in_scope,)
    found = {decide(certain | chosen, scope) for chosen in _subsets(open_) for scope in scopes}
    return found.pop() if len(found) == 1 else Status.UNDETERMINED


def _subsets(items: frozenset[str]) -> Iterable[frozenset[str]]:
    ordered = [s for s in STANCES if s in items]
    return (frozenset(c) for size in range(len(ordered) + 1) for c in combinations(ordered, size))


Wanted: TypeAlias = tuple[Atom, bool]
SCOPE: Atom = ("in_scope",)


def conditions(intervention: str, status: Status) -> list[list[Wanted]]:
    """The status is certain when, in one of these lists, every atom certainly has its value."""

    def stance(*names: str, value: bool) -> list[Wanted]:
        return [(("advise", intervention, name), value) for name in names]

    calm, free = stance("emergency", value=False), stance(HOLD, value=False)
    none_for, none_against = stance(*STANCES_FOR, value=False), stance(*STANCES_AGAINST, value=False)
    match status:
        case Status.EMERGENCY_PATHWAY:
            return [stance("emergency", value=True)]
        case Status.CONFLICT:
            pairs = [(one, other) for one in STANCES_FOR for other in STANCES_AGAINST]
            return [[*stance(*p, value=True), *calm, *(() if p[0] == "urgent" else free)] for p in pairs]
        case Status.URGENT:
            return [[*stance("urgent", value=True), *none_against, *calm]]
        case Status.RECOMMENDED:
            return [[*stance("do", value=True), *stance("urgent", value=False), *none_against, *free, *calm]]
        case Status.CONSIDER:
            return [
                [*stance("consider", value=True), *stance("urgent", "do", value=False), *none_against, *free, *calm]
            ]
        case Status.AVOID:
            return [[*stance("avoid", value=True), *none_for, *free, *calm]]
        case Status.NOT_NOW:
            rest = [*none_for, *stance("avoid", value=False), *calm]
            held = [*stance(HOLD, value=True), *stance("urgent", value=False), *calm]
            return [held, [*stance("defer", value=True), *rest], [(SCOPE, True), *rest]]
        case Status.OUTSIDE_GUIDELINE:
            return [[*none_for, *none_against, *free, *calm, (SCOPE, False)]]
        case _:
            return []
