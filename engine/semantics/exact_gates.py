"""Status diagrams as gates of a circuit, where three values do not show as much.

Of a node it is one gate whether no completion gets from it to the answer: `(known to be false, or nobody from high) and
(known to be true, or nobody from low)`. A status is certain when nobody has another. Mostly three values say the same
already; that is found out on the same diagrams over pairs of bits, and then nothing is added to the circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from guidelog.ground.program import GroundComparison, Ranges

from .bdd import FALSE as NEVER
from .bdd import TRUE as ALWAYS
from .bdd import Diagrams, TooLarge
from .circuit import FALSE, TRUE, All, Any, Builder, Constant, End, Known, Not, Pair, Reaches
from .interpret import Interpretation
from .quantities import Sum, quantity
from .status import Status
from .status_diagrams import StatusDiagram
from .unknowns import Cut, HighEnd, Settled, Variable

MOST_NODES = 50_000
"""For the question whether three values say the same. Beyond, the gates are added anyway."""


class ExactGates:
    """The exact statuses of one intervention, over the inputs as the circuit has them."""

    def __init__(self, bits: Builder, diagram: StatusDiagram, walk: Interpretation[Pair], ranges: Ranges) -> None:
        self.bits, self.diagram, self.walk, self.ranges = bits, diagram, walk, ranges
        self.gates: dict[int, int] = {NEVER: TRUE, ALWAYS: FALSE}

    def statuses(self, kleene: Mapping[Status, int]) -> dict[Status, int]:
        """The bit of each status; those given where they are the same for every record."""
        if self._suffices(kleene):
            return dict(kleene)
        nobody = {status: self.nobody(node) for status, node in self.diagram.statuses.items()}
        somebody = self.bits.complement(self.nobody(self.diagram.anybody))
        found = {
            status: self.bits.all((*(gate for other, gate in nobody.items() if other is not status), somebody))
            for status in nobody
        }
        return {status: gate for status, gate in found.items() if gate != FALSE}

    def nobody(self, node: int) -> int:
        """The gate that no completion gets from a node to TRUE."""
        found = self.gates.get(node)
        if found is None:
            number, low, high = self.diagram.nodes[node]
            true, false = self.pair(self.diagram.variables[number])
            below, above = self.nobody(low), self.nobody(high)
            found = self.gates[node] = self.bits.all((self.bits.any((false, above)), self.bits.any((true, below))))
        return found

    def pair(self, variable: Variable) -> Pair:
        """Known to be true, known to be false."""
        match variable:
            case Cut(((name, 1),), 1) if name in self.walk.program.names.vocabulary.findings:
                return self.walk.algebra.finding(name)
            case Cut(total, at):
                return self.walk.algebra.comparison(GroundComparison(total, ">=", at, at))
            case HighEnd():
                return int(self.ranges is Ranges.HIGH), int(self.ranges is Ranges.LOW)
            case Settled(element):
                true = self.walk.element(element)[0]
                return true, self.bits.complement(true)

    def _suffices(self, kleene: Mapping[Status, int]) -> bool:
        """Whether three values give the same statuses for every record that somebody matches."""
        try:
            return _Comparison(self.bits, self.diagram, self.pair).agrees(kleene)
        except (TooLarge, RecursionError):
            return False


class _Comparison:
    """Gates and diagram as functions of what is known: a variable for each input known to be true, one for false."""

    def __init__(self, bits: Builder, diagram: StatusDiagram, pair: Callable[[Variable], Pair]) -> None:
        self.bits, self.diagram, self.pair = bits, diagram, pair
        self.functions = Diagrams(MOST_NODES)
        self.numbers: dict[tuple[Sum, int, bool], int] = {}
        self.made: dict[int, int] = {FALSE: NEVER, TRUE: ALWAYS}
        self.reached: dict[int, int] = {NEVER: NEVER, ALWAYS: ALWAYS}

    def agrees(self, kleene: Mapping[Status, int]) -> bool:
        d = self.functions
        for variable in self.diagram.variables:  # in this order
            if isinstance(variable, Cut):
                self.known(variable.sum, variable.at, value=True)
                self.known(variable.sum, variable.at, value=False)
        somebody = self.somebody(self.diagram.anybody)
        others = {status: self.somebody(node) for status, node in self.diagram.statuses.items()}
        given = {status: self.gate(kleene.get(status, FALSE)) for status in others}
        within = d.both(self.consistent(), somebody)
        for status, shown in given.items():
            # What three values show is so; it is asked whether they leave something open that nobody else can have.
            left = d.both(within, d.negate(shown))
            if d.all((left, *(d.negate(f) for other, f in others.items() if other is not status))) != NEVER:
                return False
        return True

    def consistent(self) -> int:
        """Nothing is known to be both; what is known of one cut is known of those below, or above."""
        d = self.functions
        parts = []
        by_sum: dict[Sum, list[int]] = {}
        for total, at, _ in self.numbers:
            by_sum.setdefault(total, []).append(at)
        for total, found in by_sum.items():
            cuts = sorted(set(found))
            for at in cuts:
                both = [self.numbers.get((total, at, value)) for value in (True, False)]
                if None not in both:
                    parts.append(d.negate(d.all(d.variable(n) for n in both if n is not None)))
            for value in (True, False):
                known = [n for at in cuts if (n := self.numbers.get((total, at, value))) is not None]
                for lower, upper in pairwise(known):
                    first, second = (upper, lower) if value else (lower, upper)
                    parts.append(d.either(d.negate(d.variable(first)), d.variable(second)))
        return d.all(parts)

    def known(self, total: Sum, at: int, *, value: bool) -> int:
        key = (total, at, value)
        if key not in self.numbers:
            self.numbers[key] = len(self.numbers)
        return self.functions.variable(self.numbers[key])

    def somebody(self, node: int) -> int:
        """That some completion gets from a node to TRUE."""
        found = self.reached.get(node)
        if found is None:
            d = self.functions
            number, low, high = self.diagram.nodes[node]
            true, false = (self.gate(gate) for gate in self.pair(self.diagram.variables[number]))
            above, below = d.both(d.negate(false), self.somebody(high)), d.both(d.negate(true), self.somebody(low))
            found = self.reached[node] = d.either(above, below)
        return found

    def gate(self, number: int) -> int:
        """What a gate says."""
        found = self.made.get(number)
        if found is None:
            d = self.functions
            gate = self.bits.gates[number]
            match gate:
                case Constant(value):
                    found = int(value)
                case Known(name, value):
                    found = self.known(((name, 1),), 1, value=value)
                case All(parts):
                    found = d.all(map(self.gate, parts))
                case Any(parts):
                    found = d.any(map(self.gate, parts))
                case Not(part):
                    found = d.negate(self.gate(part))
                case Reaches():
                    found = self.reaches(gate)
            self.made[number] = found
        return found

    def reaches(self, gate: Reaches) -> int:
        """That a sum is known to be at least so much; also by bounds that the background moves."""
        terms = [(end.measure, factor) for factor, end in gate.terms]
        total, multiple = quantity(terms)
        least = -(-gate.bound // abs(multiple))
        # The least that `multiple * total` can be: from the lower end of the total, or from its upper end.
        found = self.known(total, least, value=True) if multiple > 0 else self.known(total, 1 - least, value=False)
        ends: list[End] = [end for _, end in gate.terms]
        if not any(end.moved for end in ends):
            return found
        if len(ends) > 1:
            raise TooLarge  # not put into functions
        reached = (self.gate(holds) for holds, bound in ends[0].moved if multiple * bound >= gate.bound)
        return self.functions.either(found, self.functions.any(reached))
