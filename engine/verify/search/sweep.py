"""Where two versions differ inside, found from below, so that questions about their answers become easy.

Whether a changed condition far below can change an answer far above is hard to decide at once in a large guideline.
From below each step is easy: an atom with the same rules in both versions can differ only where something that it
rests on differs, and most atoms are soon proved to be worth the same in both. What was proved is told to the solver;
what was not decided is left alone, so nothing becomes wrong by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from guidelog.ground.program import Atom, GroundAtLeast, GroundLiteral, GroundRule
from guidelog.solver.literals import Budget, Found

from .versions import Version, Versions

_Key: TypeAlias = tuple[Atom, int, bool]
"""An atom, its certain (0) or possible (1) value, and whether it holds in the new version only, or in the old."""

CONFLICTS = 500
"""How long one atom is thought about."""


def sweep(
    versions: Versions,
    before: Version,
    after: Version,
    budget: Budget,
    wanted: Iterable[Atom],
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> None:
    """Tell the solver where the atoms below the wanted ones cannot differ."""
    if before.facts is not after.facts:  # the background changed: every input may differ
        return
    circuit = versions.circuit
    accepted = -before.facts.refused
    differs: dict[_Key, int] = {}
    for atom in _below(before, after, wanted):
        old, new = before.kept.atom(atom), after.kept.atom(atom)
        for side in (0, 1):
            for gained, literal in (
                (True, circuit.both(new[side], -old[side])),
                (False, circuit.both(old[side], -new[side])),
            ):
                if literal != circuit.false:
                    differs[atom, side, gained] = literal
    for (atom, side, gained), literal in differs.items():
        rules = before.program.instances.get(atom, ())
        if _elements(rules) != _elements(after.program.instances.get(atom, ())):
            continue  # this is what was edited
        below = {key: differs[key] for key in _rests_on(rules, side, gained=gained) if key in differs}
        circuit.forbid(literal, *(-other for other in below.values()))
    circuit.watch(differs.values())
    wishes = {literal: circuit.switch() for literal in dict.fromkeys(differs.values())}
    for literal, on in wishes.items():  # one patient shows many differences at once
        circuit.wish(literal, weight=1, when=on)
    open_ = set(wishes)
    for number, literal in enumerate(wishes):
        progress("atoms compared", number, len(wishes))
        if budget.spent:
            return
        if literal in open_:
            found, truth = circuit.solve([literal, accepted], budget, conflicts=CONFLICTS)
            reached = {literal} if truth is None else truth.among(open_)
            if found is Found.NONE:
                circuit.forbid(literal, accepted)
            open_ -= reached
            for other in reached:
                circuit.turn_off(wishes[other])


def _below(before: Version, after: Version, wanted: Iterable[Atom]) -> list[Atom]:
    """The derived atoms that the wanted ones rest on in either version, lowest first."""
    todo, seen = list(wanted), set[Atom]()
    while todo:
        atom = todo.pop()
        if atom not in seen:
            seen.add(atom)
            for version in (before, after):
                todo.extend(version.program.edges.get(atom, ()))
    places = [version.program.block_of for version in (after, before)]
    found = [atom for atom in seen if any(atom in place for place in places)]
    return sorted(found, key=lambda atom: (next(p[atom] for p in places if atom in p), str(atom)))


def _elements(rules: Iterable[GroundRule]) -> set[tuple[object, ...]]:
    return {(*rule.elements, rule.settled) for rule in rules}


def _rests_on(rules: Iterable[GroundRule], side: int, *, gained: bool) -> Iterable[_Key]:
    """What decides one side of a head: the same side of what it needs, the other side of what it needs not to be."""
    for rule in rules:
        for place, element in enumerate(rule.elements):
            looked_at = 0 if place in rule.settled else side
            literals = element.members if isinstance(element, GroundAtLeast) else (element,)
            for literal in literals:
                if isinstance(literal, GroundLiteral):
                    yield literal.atom, 1 - looked_at if literal.negated else looked_at, gained is not literal.negated
