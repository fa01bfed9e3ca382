"""A ground program over every possible record: the certain and the possible value of each atom as literals.

The same doubled meaning as the engine's (docs/language.md), read from the same ground instances. A threshold range
`a..b` is kept as the guideline states it, or settled at one of its ends, each range for itself: `RangeChoice` says
which. `answer` is the status of an intervention exactly as `status.py` decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
)
from guidelog.language.stances import HOLD, STANCES
from guidelog.semantics.status import NO_CAUTIONS, Status, formulas

from .inputs import Pair, SolverInputs
from .literals import Literals

Range: TypeAlias = tuple[tuple[tuple[str, int], ...], str, int, int]
"""A comparison with a threshold range: terms, operator, low end, high end."""


@dataclass
class RangeChoice:
    """`settled`: every range stands for one of its ends; `high[range]`: that one for its high end.

    `all_high`, where it is given, says so of every range.
    """

    circuit: Literals
    settled: int
    high: dict[Range, int] = field(default_factory=dict)
    all_high: int | None = None

    @classmethod
    def free(cls, circuit: Literals) -> RangeChoice:
        """Any judgement, or none."""
        return cls(circuit, circuit.choice())

    @classmethod
    def kept(cls, circuit: Literals) -> RangeChoice:
        """Ranges as the guideline states them."""
        return cls(circuit, circuit.false)

    @classmethod
    def at_end(cls, circuit: Literals, *, high: bool) -> RangeChoice:
        """Every range at its low end, or every range at its high end."""
        return cls(circuit, circuit.true, all_high=circuit.true if high else circuit.false)

    def end(self, comparison: GroundComparison) -> int:
        """The literal that a range stands for its high end."""
        if self.all_high is not None:
            return self.all_high
        key = (comparison.terms, comparison.operator, comparison.low, comparison.high)
        if key not in self.high:
            self.high[key] = self.circuit.choice()
        return self.high[key]


@dataclass
class SolverProgram:
    """A program over given facts.

    Atoms are defined when they are first asked for, with all that they rest on; those of `special` predicates by the
    function given for them.
    """

    circuit: Literals
    program: GroundProgram
    facts: SolverInputs
    judgement: RangeChoice
    special: Mapping[str, Callable[[Atom], Pair]] = field(default_factory=dict)
    _values: dict[Atom, Pair] = field(default_factory=dict)
    _answers: dict[str, dict[Status, int]] = field(default_factory=dict)

    def atom(self, atom: Atom) -> Pair:
        """The value of any atom."""
        if atom[0] == "finding":
            return self.facts.finding(str(atom[1]))
        if atom[0] in self.special:
            return self.special[str(atom[0])](atom)
        if atom not in self.program.instances:
            value = self.circuit.true if atom in self.program.facts else self.circuit.false
            return value, value
        if atom not in self._values:
            self._define(atom)
        return self._values[atom]

    def literal(self, literal: GroundLiteral) -> Pair:
        """The value of a literal."""
        certain, possible = self.atom(literal.atom)
        return (-possible, -certain) if literal.negated else (certain, possible)

    def element(self, element: GroundElement) -> Pair:
        """The value of a body element."""
        match element:
            case GroundLiteral():
                return self.literal(element)
            case GroundComparison():
                return self._comparison(element)
            case GroundAtLeast(count, members):
                values = [self.literal(m) for m in members]
                return (
                    self.circuit.at_least(count, [v[0] for v in values]),
                    self.circuit.at_least(count, [v[1] for v in values]),
                )
            case _:
                return self.circuit.true, self.circuit.true

    def values(self, rule: GroundRule) -> list[Pair]:
        """What the elements of an instance count for in it: settled ones hold only where they are certain."""
        values = [self.element(element) for element in rule.elements]
        for place in rule.settled:
            values[place] = values[place][0], values[place][0]
        return values

    def body(self, rule: GroundRule) -> Pair:
        """All elements of an instance."""
        values = self.values(rule)
        return self.circuit.both(*(v[0] for v in values)), self.circuit.both(*(v[1] for v in values))

    def cautions(self, intervention: str) -> dict[str, int]:
        """For each rule with `unsettled` below an answer the literal that its caution is part of the answer."""
        c, found = self.circuit, dict[str, list[int]]()
        for rule in self.program.settled_below(intervention):
            values = [self.element(element) for element in rule.elements]
            may = c.both(*(possible for _, possible in values))
            open_ = c.any(*(c.both(values[place][1], -values[place][0]) for place in rule.settled))
            found.setdefault(rule.rule.id or "", []).append(c.both(may, open_))
        if not found:
            return {}
        answer = self.answer(intervention)
        held = c.both(answer[Status.NOT_NOW], self.atom(("advise", intervention, HOLD))[0])
        answered = c.both(-held, *(-answer[status] for status in NO_CAUTIONS))
        return {name: c.both(answered, c.any(*literals)) for name, literals in found.items()}

    def answer(self, intervention: str) -> dict[Status, int]:
        """For each status the literal that it is the answer; exactly one holds."""
        if intervention not in self._answers:
            self._answers[intervention] = self._decide(intervention)
        return self._answers[intervention]

    def _decide(self, intervention: str) -> dict[Status, int]:
        pairs = {stance: self.atom(("advise", intervention, stance)) for stance in STANCES}
        found = formulas(_Pairs(self.circuit), pairs, self.atom(("in_scope",)))
        sure = {status: certain for status, (certain, _) in found.items()}
        return {**sure, Status.UNDETERMINED: self.circuit.both(*(-literal for literal in sure.values()))}

    def _comparison(self, comparison: GroundComparison) -> Pair:
        c = self.circuit
        low = self.facts.compared(c, comparison.terms, comparison.operator, comparison.low)
        if comparison.low == comparison.high:
            return low
        high = self.facts.compared(c, comparison.terms, comparison.operator, comparison.high)
        end, settled = self.judgement.end(comparison), self.judgement.settled
        at_high, at_low = c.both(settled, end), c.both(settled, -end)
        return (
            c.any(c.both(-settled, low[0], high[0]), c.both(at_high, high[0]), c.both(at_low, low[0])),
            c.any(c.both(-settled, c.any(low[1], high[1])), c.both(at_high, high[1]), c.both(at_low, low[1])),
        )

    def _define(self, wanted: Atom) -> None:
        """Define an atom and the blocks below it, in order of evaluation; without recursion, for long chains."""
        todo, needed = [wanted], {wanted}
        while todo:
            for below in self.program.edges[todo.pop()]:
                if below not in needed and below not in self._values and below[0] not in self.special:
                    needed.add(below)
                    todo.append(below)
        for number in sorted({self.program.block_of[atom] for atom in needed}):
            self._block(self.program.blocks[number])

    def _block(self, block: Collection[Atom]) -> None:
        atoms = [a for a in block if a not in self._values]
        if len(atoms) == 1 and atoms[0] not in self.program.edges[atoms[0]]:
            certain, possible = self._values[atoms[0]] = self._union(atoms[0])
            self._what_is_certain_is_possible(certain, possible)
            return
        for atom in atoms:  # a loop: clingo gives these atoms their least meaning
            self._values[atom] = self.circuit.atom(), self.circuit.atom()
        for atom in atoms:
            certain, possible = self._values[atom]
            if atom in self.program.facts:
                self.circuit.define(certain, [])
                self.circuit.define(possible, [])
            for rule in self.program.instances[atom]:
                body = self.values(rule)
                self.circuit.define(certain, [b[0] for b in body])
                self.circuit.define(possible, [b[1] for b in body])

    def _what_is_certain_is_possible(self, certain: int, possible: int) -> None:
        """It follows; but the solver, told of it, finds out much sooner what cannot be."""
        if certain not in (possible, self.circuit.false) and possible != self.circuit.true:
            self.circuit.forbid(certain, -possible, -self.facts.refused)

    def _union(self, atom: Atom) -> Pair:
        if atom in self.program.facts:
            return self.circuit.true, self.circuit.true
        return self.either(self.program.instances[atom])

    def either(self, rules: Iterable[GroundRule]) -> Pair:
        """Some instance holds."""
        bodies = [self.body(rule) for rule in rules]
        return self.circuit.any(*(b[0] for b in bodies)), self.circuit.any(*(b[1] for b in bodies))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Connectives of values that are pairs of literals: certainly so, possibly so."""

    circuit: Literals

    def both(self, parts: Iterable[Pair]) -> Pair:
        listed = list(parts)
        return self.circuit.both(*(p[0] for p in listed)), self.circuit.both(*(p[1] for p in listed))

    def either(self, parts: Iterable[Pair]) -> Pair:
        listed = list(parts)
        return self.circuit.any(*(p[0] for p in listed)), self.circuit.any(*(p[1] for p in listed))

    def negate(self, value: Pair) -> Pair:
        return -value[1], -value[0]
