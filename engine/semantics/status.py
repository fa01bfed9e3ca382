"""From stances to the status of an intervention (docs/language.md, *Status*).

The stances that are certain and those that are possible leave some combinations open; when all of them lead to one
status that is the answer, otherwise it is undetermined.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from itertools import combinations

from guidelog.language.names import STANCES, STANCES_AGAINST, STANCES_FOR

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


STATUS_OF_STANCE: Mapping[str, Status] = {
    "emergency": Status.EMERGENCY_PATHWAY,
    "urgent": Status.URGENT,
    "do": Status.RECOMMENDED,
    "consider": Status.CONSIDER,
    "avoid": Status.AVOID,
    "defer": Status.NOT_NOW,
}


def decide(stances: Collection[str], in_scope: bool) -> Status:
    """The status when everything is known: the stances that hold, and whether the patient is in scope."""
    if "emergency" in stances:
        return Status.EMERGENCY_PATHWAY
    speaking_for = [s for s in STANCES_FOR if s in stances]
    against = [s for s in STANCES_AGAINST if s in stances]
    if speaking_for and against:
        return Status.CONFLICT
    for stance in (*speaking_for, *against):
        return STATUS_OF_STANCE[stance]
    return Status.NOT_NOW if in_scope else Status.OUTSIDE_GUIDELINE


def status_of(stances: Mapping[str, Value], in_scope: Value) -> Status:
    """The status of three-valued stances (those not named are false)."""
    return _status(tuple(stances.items()), in_scope)


def stances_in(world: World, intervention: str) -> dict[str, Value]:
    """The value of each stance on an intervention that can be derived, in an evaluated world."""
    return {stance: world.atom(atom) for stance, atom in world.program.stances.get(intervention, {}).items()}


def status_in(world: World, intervention: str) -> Status:
    """The status of an intervention in an evaluated world."""
    return status_of(stances_in(world, intervention), world.atom(("in_scope",)))


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
