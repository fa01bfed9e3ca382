"""Each status of an intervention as a decision diagram over the inputs, made once for a guideline.

An answer is certain when all completions of a record agree on it (docs/language.md, *Certain in all completions*).
Which statuses some completion has is read off the diagrams from the bottom up: whether a node can be reached is one OR
of two ANDs, and every variable occurs once on a path, so nothing is lost. The same diagrams serve every engine: walked
for a patient here, turned into gates by `plan` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from guidelog.ground.program import GroundElement, GroundProgram, Ranges
from guidelog.patients import Facts, Interval

from .bdd import FALSE, TRUE, Diagrams, Node, TooLarge
from .cone import Cone
from .kleene import World
from .status import Status, three_valued_status
from .unknowns import Cut, HighEnd, Settled, Unknowns, Variable, bounds_of

MOST_NODES = 100_000
"""For one intervention. Beyond, it is worked out by three values alone, in every engine alike."""


@dataclass(frozen=True, slots=True)
class StatusDiagram:
    """One intervention: for each status that some patient has the node to begin with.

    `nodes` are `(variable, low, high)`; `anybody` is the node for every patient that the background allows.
    """

    variables: tuple[Variable, ...]
    nodes: Sequence[Node]
    statuses: Mapping[Status, int]
    anybody: int

    def possible(
        self, facts: Facts, settled: Callable[[GroundElement], bool], ranges: Ranges = Ranges.KEPT
    ) -> tuple[Status, ...]:
        """The statuses that the completions of the facts have; none when the background allows no completion.

        `settled` says whether an element of a rule with `unsettled` is known to hold. Threshold ranges that are kept
        are at either end, each by itself.
        """
        reached: dict[int, bool] = {FALSE: False, TRUE: True}

        def choices(variable: Variable) -> tuple[bool, bool]:
            match variable:
                case Cut(found, at):
                    low, high = bounds_of(found, facts)
                    return low < at, high >= at
                case HighEnd():
                    return ranges is not Ranges.HIGH, ranges is not Ranges.LOW
                case Settled(element):
                    value = settled(element)
                    return not value, value

        def walk(node: int) -> bool:
            found = reached.get(node)
            if found is None:
                number, low, high = self.nodes[node]
                may_fail, may_hold = choices(self.variables[number])
                found = reached[node] = (may_hold and walk(high)) or (may_fail and walk(low))
            return found

        return tuple(status for status, node in self.statuses.items() if walk(node))


class _Everybody(Unknowns):
    """Nothing is known yet, not even which elements of rules with `unsettled` will be known to hold."""

    def settled(self, element: GroundElement, value: int) -> int:
        """A variable, unless it holds for everybody, or for nobody."""
        return value if value <= TRUE else self.diagrams.variable(self.number(Settled(element)))


class StatusDiagrams:
    """The diagrams of a program, each made when it is first asked for."""

    def __init__(self, program: GroundProgram) -> None:
        self._program = program
        self._made: dict[str, StatusDiagram | None] = {}

    def of(self, intervention: str) -> StatusDiagram | None:
        """The diagram of an intervention, None where it would be too large."""
        if intervention not in self._made:
            try:
                self._made[intervention] = self._make(intervention)
            except (TooLarge, RecursionError):
                self._made[intervention] = None
        return self._made[intervention]

    def too_large(self) -> tuple[str, ...]:
        """The interventions that are worked out by three values alone, in order of declaration."""
        return tuple(name for name in self._program.names.vocabulary.interventions if self.of(name) is None)

    def _make(self, intervention: str) -> StatusDiagram:
        vocabulary = self._program.names.vocabulary
        measures = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
        facts = Facts(dict.fromkeys(vocabulary.findings), measures, {}, frozenset())
        cone = Cone(self._program, facts, intervention)
        unknowns = _Everybody(self._program, facts, Diagrams(MOST_NODES), cone)
        statuses = unknowns.statuses(intervention, Ranges.KEPT)
        return StatusDiagram(tuple(unknowns.numbers), unknowns.diagrams.nodes, statuses, unknowns.constraint)


def diagrams_of(program: GroundProgram) -> StatusDiagrams:
    """The diagrams of a program, kept with it."""
    found = program.kept.get("status diagrams")
    if not isinstance(found, StatusDiagrams):
        found = program.kept["status diagrams"] = StatusDiagrams(program)
    return found


def status_in(world: World, intervention: str) -> Status:
    """The status of an intervention: the one that all completions have.

    By three values alone where the diagram of the intervention would be too large.
    """
    status = three_valued_status(world, intervention)
    if status is not Status.UNDETERMINED:
        return status
    diagram = diagrams_of(world.program).of(intervention)
    found = diagram.possible(world.facts, world.is_settled, world.ranges) if diagram else ()
    return found[0] if len(found) == 1 else Status.UNDETERMINED
