"""How high the lowest proof of each settled atom is.

A true atom is one step above the highest premise of its lowest instance; a false atom one step above the highest of
the elements that fail, one for each instance, the lowest of each. Facts, findings and comparisons have height 0.
Iterative throughout: proofs may be 10,000 steps deep.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from guidelog.ground.program import Atom, GroundAtLeast, GroundElement, GroundLiteral, GroundRule
from guidelog.semantics.kleene import World


def heights(world: World) -> dict[Atom, int]:
    """The height of every derived atom that is true or false.

    Atoms that are false only because they support each other have no height.
    """
    found: dict[Atom, int] = {}
    program = world.program
    for block in program.blocks:
        inside = set(block)
        if len(block) == 1 and block[0] not in program.edges[block[0]]:
            height = _height(world, block[0], found)
            if height is not None:
                found[block[0]] = height
        else:
            _block(world, block, inside, found)
    return found


def element_height(world: World, element: GroundElement, known: Mapping[Atom, int]) -> int | None:
    """The height of what shows that an element holds, or that it fails; None when that is not shown (yet)."""
    match element:
        case GroundLiteral(atom, _):
            return known.get(atom) if atom in world.program.instances else 0
        case GroundAtLeast(count, members):
            value = world.element(element)
            wanted = count if value else max(0, len(members) - count + 1)
            side = [element_height(world, m, known) for m in members if world.literal(m) is value]
            settled = sorted(h for h in side if h is not None)
            return (settled[wanted - 1] if wanted else 0) if len(settled) >= wanted else None
        case _:
            return 0


def lowest_instance(world: World, atom: Atom, known: Mapping[Atom, int]) -> GroundRule | None:
    """The instance with the lowest proof among those that show a true atom.

    The first written where several are equally low.
    """
    best: tuple[int, GroundRule] | None = None
    for instance in world.program.instances[atom]:
        height = _support(world, instance, known)
        if height is not None and (best is None or height < best[0]):
            best = (height, instance)
    return best[1] if best else None


def lowest_failing(world: World, instance: GroundRule, known: Mapping[Atom, int]) -> int | None:
    """The place of the false element with the lowest proof; None when none is shown to fail."""
    places: list[tuple[int, int]] = []
    for place, element in enumerate(instance.elements):
        value = world.element(element)
        if value is False:
            height = element_height(world, element, known)
            if height is not None:
                places.append((height, place))
        elif value is None and place in instance.settled:
            places.append((0, place))
    return min(places)[1] if places else None


def _height(world: World, atom: Atom, known: Mapping[Atom, int]) -> int | None:
    value = world.atom(atom)
    if value is None:
        return None
    if atom in world.program.facts:
        return 0
    instances = world.program.instances[atom]
    if value:
        supports = [h for i in instances if (h := _support(world, i, known)) is not None]
        return 1 + min(supports) if supports else None
    return _refutation(world, instances, known)


def _support(world: World, instance: GroundRule, known: Mapping[Atom, int]) -> int | None:
    highest = 0
    for element in instance.elements:
        if world.element(element) is not True:
            return None
        height = element_height(world, element, known)
        if height is None:
            return None
        highest = max(highest, height)
    return highest


def _refutation(world: World, instances: Iterable[GroundRule], known: Mapping[Atom, int]) -> int | None:
    highest = 0
    for instance in instances:
        failing = [
            h
            for e in instance.elements
            if world.element(e) is False and (h := element_height(world, e, known)) is not None
        ]
        failing += [0 for place in instance.settled if world.element(instance.elements[place]) is None]
        if not failing:
            return None
        highest = max(highest, min(failing))
    return highest + 1


def _block(world: World, block: Sequence[Atom], inside: set[Atom], found: dict[Atom, int]) -> None:
    """Lowest first, as in Dijkstra's algorithm (Knuth 1977): an atom's height is final when it leaves the queue."""
    users: dict[Atom, list[Atom]] = {}
    for atom in block:
        for target in world.program.edges[atom]:
            if target in inside:
                users.setdefault(target, []).append(atom)
    queue = [(h, i, a) for i, a in enumerate(block) if (h := _height(world, a, found)) is not None]
    heapq.heapify(queue)
    order = {atom: i for i, atom in enumerate(block)}
    while queue:
        height, _, atom = heapq.heappop(queue)
        if atom in found:
            continue
        found[atom] = height
        for user in users.get(atom, ()):
            if user not in found and (better := _height(world, user, found)) is not None:
                heapq.heappush(queue, (better, order[user], user))
