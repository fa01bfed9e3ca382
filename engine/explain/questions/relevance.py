"""Which unknown inputs can still matter, and for what.

An input matters when some value of it, with some values of the others, gives an answer another status; or when an
included item or a note is open because of it. Exact on boolean functions; where those grow too large everything
unknown that an answer looks at counts as mattering. So an
input that is said not to matter does not; nothing here is shown as an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from guidelog.ground.program import Atom, GroundComparison, GroundProgram, GroundRule, Ranges
from guidelog.language.stances import STANCES
from guidelog.patients import Facts
from guidelog.semantics.background import inputs_of
from guidelog.semantics.bdd import FALSE, TooLarge
from guidelog.semantics.cone import Cone
from guidelog.semantics.kleene import World
from guidelog.semantics.status import SCOPE, Status, not_settled
from guidelog.semantics.status_diagrams import status_in
from guidelog.semantics.unknowns import Unknowns

_GIVEN = frozenset({Status.URGENT, Status.RECOMMENDED, Status.CONSIDER, Status.UNDETERMINED, Status.CONFLICT})


@dataclass(frozen=True, slots=True)
class Bearing:
    """What an unknown input bears on.

    `changes` are interventions whose status it may change; `shows` whether it may change what is included or noted.
    """

    changes: tuple[str, ...] = ()
    shows: bool = False

    @property
    def matters(self) -> bool:
        """Whether anything that is shown may depend on it."""
        return bool(self.changes) or self.shows


def bearings(world: World, interventions: Iterable[str]) -> dict[str, Bearing]:
    """What each input that is not known bears on, in order of declaration."""
    program, facts = world.program, world.facts
    changes: dict[str, list[str]] = {}
    for intervention in interventions:
        if status_in(world, intervention) is Status.UNDETERMINED:
            for name in _relevant(program, facts, intervention):
                changes.setdefault(name, []).append(intervention)
        # What counts as false because nobody has settled it may turn out to be so, whatever the answer is now.
        for name in _inputs_of(world, not_settled(world, intervention)):
            if intervention not in changes.get(name, ()):
                changes.setdefault(name, []).append(intervention)
    shows = _shown(world)
    unknown = [n for n in (*facts.findings, *facts.measures) if not facts.known(n)]
    return {n: Bearing(tuple(changes.get(n, ())), n in shows) for n in unknown}


def looked_at(program: GroundProgram, facts: Facts, interventions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each input the interventions whose rules look at it, whoever the patient is; the scope left aside."""
    found: dict[str, list[str]] = {name: [] for name in (*facts.findings, *facts.measures)}
    for intervention in interventions:
        advice: list[Atom] = [("advise", intervention, stance) for stance in STANCES]
        for name in _inputs(program, [a for a in advice if a in program.instances]):
            found[name].append(intervention)
    return {name: tuple(names) for name, names in found.items()}


def _relevant(program: GroundProgram, facts: Facts, intervention: str) -> list[str]:
    cone = Cone(program, facts, intervention)
    try:
        unknowns = Unknowns(program, facts, cone=cone)
        d = unknowns.diagrams
        ends = [list(unknowns.statuses(intervention, ranges).values()) for ranges in (Ranges.LOW, Ranges.HIGH)]
        support = unknowns.names(d.support(*(f for end in ends for f in end)))
        found = {name for name in support if _decides(unknowns, ends, name)}
        # What the background ties to such an input can tell about it.
        for denial in cone.denials:
            names = inputs_of(denial)
            found |= {n for n in names if n in support} if found.intersection(names) else set()
        return [name for name in support if name in found]
    except (TooLarge, RecursionError):
        return cone.unknown


def _decides(unknowns: Unknowns, ends: Sequence[Sequence[int]], name: str) -> bool:
    """Whether two patients who differ in this input alone have different statuses."""
    d, own = unknowns.diagrams, unknowns.variables([name])
    for regions in ends:
        open_ = [d.exists(f, own) for f in regions]
        if any(d.both(f, g) != FALSE for i, f in enumerate(open_) for g in open_[i + 1 :]):
            return True
    return False


def _shown(world: World) -> set[str]:
    """The unknown inputs below an open note, or below an open item of something that may be done."""
    program = world.program
    open_ = [a for a in program.reachable("note") if world.atom(a) is None]
    for intervention in program.names.vocabulary.interventions:
        if status_in(world, intervention) in _GIVEN:
            open_ += [a for a in program.reachable("include", intervention) if world.atom(a) is None]
    return {n for n in _inputs(program, open_, world) if not world.facts.known(n)}


def _inputs(program: GroundProgram, start: Iterable[Atom], world: World | None = None) -> dict[str, None]:
    """The inputs below atoms; with a world only through atoms that are open in it. The scope is not entered without."""
    found: dict[str, None] = {}
    seen: set[Atom] = set() if world else {SCOPE}
    todo = list(start)
    while todo:
        atom = todo.pop()
        if atom in seen or (world is not None and world.atom(atom) is not None):
            continue
        seen.add(atom)
        for instance in program.instances.get(atom, ()):
            if world is not None and any(world.element(e) is False for e in instance.elements):
                continue
            for element in instance.elements:
                if isinstance(element, GroundComparison):
                    found.update(dict.fromkeys(name for name, _ in element.terms))
            for literal in instance.atoms():
                if literal.atom[0] == "finding":
                    found[str(literal.atom[1])] = None
                else:
                    todo.append(literal.atom)
    return found


def _inputs_of(world: World, instances: Iterable[GroundRule]) -> Iterator[str]:
    """The unknown inputs that open elements of instances look at."""
    for instance in instances:
        open_ = [e for e in instance.elements if world.element(e) is None]
        own = [name for e in open_ if isinstance(e, GroundComparison) for name, _ in e.terms]
        atoms = [literal.atom for literal in instance.atoms() if world.atom(literal.atom) is None]
        own += [str(atom[1]) for atom in atoms if atom[0] == "finding"]
        below = _inputs(world.program, [atom for atom in atoms if atom[0] != "finding"], world)
        yield from (name for name in dict.fromkeys((*own, *below)) if not world.facts.known(name))


def settled_by(statuses: Mapping[str, Status], interventions: Iterable[str]) -> dict[Status, list[str]]:
    """Settled interventions by status, in the order given."""
    found: dict[Status, list[str]] = {}
    for name in interventions:
        if statuses[name] is not Status.UNDETERMINED:
            found.setdefault(statuses[name], []).append(name)
    return found
