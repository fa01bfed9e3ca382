"""All possible records of a guideline in one clingo control: the questions that properties and reports ask of it.

Loaded once; every question is one search under assumptions. Guarantees: a model is a record that the reader accepts and
that does not contradict the background; no model means that there is no such record, whatever the numbers are, as far
as `Outcome` says that it was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from guidelog.ground.program import Atom, GroundLiteral, GroundProgram, GroundRule
from guidelog.semantics.status import Status
from guidelog.solver.inputs import Pair, SolverInputs, facts_of
from guidelog.solver.linear import Infeasible, Undecided, choose_values
from guidelog.solver.literals import Budget, Found, Literals, Truth
from guidelog.solver.program import Range, RangeChoice, SolverProgram
from guidelog.solver.records import Record, any_further, any_record, prefer_small, regions_of, with_present

from ..properties.language import ADDS, ANSWER, CAUTIONED, KEPT, LEARNS, UNKNOWN, Kind, Properties, Property, modal
from ..witness.candidate import CandidateRecord, sketch


class Outcome(Enum):
    """What a search found out."""

    IMPOSSIBLE = "impossible"
    POSSIBLE = "possible"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True)
class Case:
    """A patient that a search found: the record, and the record after a change where one was asked for.

    `high_ends` is the judgement on ranges: None when they are kept, else for each whether its high end. `smallest`
    when no smaller record will do. `true` are the literals that hold, of those that are watched.
    """

    record: CandidateRecord
    after: CandidateRecord | None
    high_ends: Mapping[Range, bool] | None
    smallest: bool
    true: frozenset[int]


_KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True)
class Side:
    """A record with its facts and the program over them."""

    record: Record
    facts: SolverInputs
    encoded: SolverProgram


class Search:
    """Every record of a guideline, with the program of its properties over it."""

    def __init__(self, properties: Properties, *, regions_from: Iterable[GroundProgram] = ()) -> None:
        self.program = properties.program
        self.circuit = Literals(wishes=True)
        vocabulary = self.program.names.vocabulary
        self.regions = regions_of(vocabulary.measures, [self.program, *regions_from])
        self.judgement = RangeChoice.free(self.circuit)
        record = any_record(self.circuit, list(vocabulary.findings), self.regions)
        self.first = self.side(record)
        self.circuit.forbid(self.first.facts.refused)
        self.circuit.watch([*record.literals(), self.judgement.settled])
        self._added: dict[str, int] = {}
        self._costed = False

    def side(self, record: Record) -> Side:
        """The program over a record."""
        facts = facts_of(self.circuit, record, self.regions, self.program.denials, self._relation)
        encoded = SolverProgram(self.circuit, self.program, facts, self.judgement)
        encoded.special = {
            ANSWER: lambda atom: self._answer(encoded, atom),
            UNKNOWN: lambda atom: self._unknown(encoded, atom),
            CAUTIONED: lambda atom: (self.circuit.any(*encoded.cautions(str(atom[1])).values()),) * 2,
            LEARNS: lambda _: (self.circuit.true, self.circuit.true),
            KEPT: lambda _: (-self.judgement.settled, -self.judgement.settled),
            ADDS: lambda atom: (self.added(str(atom[1])),) * 2,
        }
        return Side(record, facts, encoded)

    # goals
    def goal(self, prop: Property) -> int:
        """The literal that a record breaks the property."""
        return self.circuit.any(*(self._broken(prop, rule) for rule in prop.instances))

    def _broken(self, prop: Property, rule: GroundRule) -> int:
        c, first = self.circuit, self.first.encoded
        body = first.body(rule)[0]
        assert rule.head is not None
        if prop.kind is Kind.NEVER or body == c.false:
            return body
        about = rule.head[1]
        if prop.kind is Kind.ALWAYS:
            return c.both(body, -self._named(first, about)[0])
        change = next(literal.atom for literal in rule.atoms() if literal.atom[0] in (ADDS, LEARNS))
        if change[0] == ADDS:
            second = self.with_added
            body = c.both(body, -self.first.facts.present[str(change[1])])
        else:
            second = self.further
        body = c.both(body, -second.facts.refused)
        if prop.kind is Kind.KEEPS:
            return c.both(body, self._named(first, about)[0], -self._named(second.encoded, about)[0])
        before, after = first.answer(str(about)), second.encoded.answer(str(about))
        return c.both(body, c.any(*(c.both(before[s], -after[s]) for s in before if s is not Status.UNDETERMINED)))

    def _named(self, encoded: SolverProgram, name: object) -> Pair:
        return encoded.atom(modal(self.program, ("", str(name))))

    def _answer(self, encoded: SolverProgram, atom: Atom) -> Pair:
        literal = encoded.answer(str(atom[1])).get(Status(str(atom[2])), self.circuit.false)
        return literal, literal

    def _unknown(self, encoded: SolverProgram, atom: Atom) -> Pair:
        about = modal(self.program, atom)
        if about[0] == "measure":
            literal = -encoded.facts.known(self.circuit, str(about[1]))
        else:
            certain, possible = encoded.atom(about)
            literal = self.circuit.both(possible, -certain)
        return literal, literal

    def _relation(self, literal: GroundLiteral) -> int:
        """A relation in a background rule."""
        holds = (literal.atom in self.program.fixed) is not literal.negated
        return self.circuit.true if holds else self.circuit.false

    # changes
    def added(self, finding: str) -> int:
        """The literal that this finding is the one that is added."""
        if finding not in self._added:
            literal = self.circuit.choice()
            self._added[finding] = literal
            self.circuit.watch([literal])
        return self._added[finding]

    @cached_property
    def with_added(self) -> Side:
        """The same record with one finding more."""
        candidates = {str(a[1]): self.added(str(a[1])) for a in self.program.instances if a[0] == ADDS}
        self.circuit.forbid(self.circuit.at_least(2, candidates.values()))
        side = self.side(with_present(self.circuit, self.first.record, candidates))
        self.circuit.watch(side.record.literals())
        return side

    @cached_property
    def further(self) -> Side:
        """A record that says at least as much."""
        side = self.side(any_further(self.circuit, self.first.record))
        self.circuit.watch(side.record.literals())
        return side

    def compare_levels(self, budget: Budget) -> None:
        """Prove level by level that who knows more has no fewer certain and no more possible conclusions.

        Each level follows easily from those below it, and with all of them a question about a changed answer is easy,
        which at a few hundred rules it is not by itself. Only what was proved is added; what was not makes nothing else
        wrong.
        """
        c, first, further = self.circuit, self.first.encoded, self.further.encoded
        depth: dict[Atom, int] = {}
        levels: dict[int, list[int]] = {}
        not_facts: set[Atom] = set()
        for block in self.program.blocks:
            below = [depth[b] for atom in block for b in self.program.edges[atom] if b in depth]
            place = max(below, default=-1) + 1
            depth.update(dict.fromkeys(block, place))
            looked_at = {x.atom for atom in block for rule in self.program.instances[atom] for x in rule.atoms()}
            if any(a[0] in first.special or a[0] in _KINDS or a in not_facts for a in (*block, *looked_at)):
                not_facts.update(block)  # answers, and what is unknown, may well become less by knowing more
                continue
            for atom in block:
                before, after = first.atom(atom), further.atom(atom)
                levels.setdefault(place, []).extend((c.both(before[0], -after[0]), c.both(after[1], -before[1])))
        accepted = -self.further.facts.refused
        for _, less in sorted(levels.items()):
            goal = c.both(accepted, c.any(*less))
            if goal != c.false and self.circuit.solve([goal], budget)[0] is Found.NONE:
                c.forbid(goal)

    # questions
    def ask(
        self,
        wanted: Iterable[int],
        budget: Budget,
        *,
        best: bool = False,
        second: Side | None = None,
    ) -> tuple[Outcome, Case | None]:
        """A record for which all literals hold; with `best` the smallest and most readable one."""
        assumptions = list(wanted)
        if best:
            self._cost()
        while True:  # numbers that do not fit rule out more than their model, so this ends; `solve` looks at the clock
            found, truth = self.circuit.solve(assumptions, budget, best=best)
            if found is not Found.MODEL or truth is None:
                return (Outcome.IMPOSSIBLE if found is Found.NONE else Outcome.NOT_DECIDED), None
            try:
                return Outcome.POSSIBLE, self._case(truth, second)
            except Infeasible as problem:
                self.circuit.forbid(*problem.literals)
            except Undecided:
                return Outcome.NOT_DECIDED, None

    def _case(self, truth: Truth, second: Side | None) -> Case:
        sides = [self.first] if second is None else [self.first, second]
        values = choose_values(truth, self.regions, [(s.record, s.facts) for s in sides])
        sketches = [sketch(truth, s.record, self.regions, v) for s, v in zip(sides, values, strict=True)]
        settled = truth(self.judgement.settled)
        ends = {key: truth(literal) for key, literal in self.judgement.high.items()} if settled else None
        return Case(sketches[0], sketches[1] if second else None, ends, truth.best, truth.atoms)

    def _cost(self) -> None:
        """Small: no judgement on ranges, few listed inputs, then few present ones and few bounds."""
        if self._costed:
            return
        self._costed = True
        self.circuit.watch(self.judgement.high.values())
        self.circuit.cost(3, [(self.judgement.settled, 1)])
        prefer_small(self.circuit, self.first.record, self.first.facts.added(self.circuit, self.first.record))
