"""Several versions of a guideline in one circuit, over the same records.

What versions define alike is there once, because equal definitions give equal literals: only the cone of an edit is
duplicated. Guarantees as in `questions`: a model is a record that the reader accepts, and no model means that there is
none. `VersionPair` is two of them side by side with both engines, which confirm what the circuit finds: every search
of a comparison goes through its `model`, every patient through `answers`; what was not decided is in `undecided`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.ground.program import Atom, GroundElement, GroundLiteral, GroundProgram
from guidelog.language.names import HOLD, STANCES
from guidelog.patients import Patient, patient_from_content
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.solver.inputs import SolverInputs, facts_of
from guidelog.solver.linear import Infeasible, Undecided, choose_values
from guidelog.solver.literals import Budget, Found, Literals, Truth
from guidelog.solver.program import RangeChoice, SolverProgram
from guidelog.solver.records import any_record, prefer_small, regions_of

from ..witness.candidate import CandidateRecord, content_of, day_of, sketch
from ..witness.find import Ask
from .questions import MOST_REPAIRS


@dataclass(frozen=True)
class Version:
    """One version over any record: `kept` with ranges as the guideline states them, `low` and `high` at their ends."""

    program: GroundProgram
    facts: SolverInputs
    kept: SolverProgram
    low: SolverProgram
    high: SolverProgram
    _gives: dict[str, dict[str, int]] = field(default_factory=dict)

    def gives(self, intervention: str) -> dict[str, int]:
        """For each rule of advice on an intervention the literal that it is behind the answer, as `ask` names them.

        Of a determined answer those of its stance that certainly apply, of an open one all that may apply.
        """
        if intervention not in self._gives:
            c = self.kept.circuit
            answer = self.kept.answer(intervention)
            found: dict[str, list[int]] = {}
            held = self.kept.atom(("advise", intervention, HOLD))[0]
            for stance in STANCES:
                deciding = answer[STATUS_OF_STANCE[stance]]
                if stance != HOLD:  # what is held back does not decide, and what holds back takes no side
                    deciding = c.any(c.both(deciding, -held), answer[Status.CONFLICT])
                for rule in self.program.instances.get(("advise", intervention, stance), ()):
                    certain, possible = self.kept.body(rule)
                    found.setdefault(rule.rule.id or "", []).extend(
                        (c.both(deciding, certain), c.both(answer[Status.UNDETERMINED], possible))
                    )
            self._gives[intervention] = {name: c.any(*literals) for name, literals in found.items()}
        return self._gives[intervention]

    def shows(self) -> dict[tuple[Atom, str], int]:
        """For each included item and note, and each rule that may show it, the literal that it does."""
        found: dict[tuple[Atom, str], list[int]] = {}
        for predicate in ("include", "note"):
            for atom in self.program.reachable(predicate):
                for rule in self.program.instances[atom]:
                    found.setdefault((atom, rule.rule.id or ""), []).append(self.kept.body(rule)[0])
        return {key: self.kept.circuit.any(*literals) for key, literals in found.items()}


class Versions:
    """A circuit with any record, to which versions are added; their numbers are cut where any of `cut_as` is."""

    def __init__(self, cut_as: Sequence[GroundProgram], *, wishes: bool = False) -> None:
        self.circuit = Literals(wishes=wishes)
        vocabularies = [program.names.vocabulary for program in cut_as]
        self.vocabulary = replace(
            vocabularies[-1],
            findings={name: f for v in vocabularies for name, f in v.findings.items()},
            measures={name: m for v in vocabularies for name, m in v.measures.items()},
            screens={},
        )
        self.regions = regions_of(self.vocabulary.measures, cut_as)
        self.record = any_record(self.circuit, list(self.vocabulary.findings), self.regions)
        self.circuit.watch(self.record.literals())
        self._judgements = (
            RangeChoice.kept(self.circuit),
            *(RangeChoice.at_end(self.circuit, high=high) for high in (False, True)),
        )
        self._facts: list[tuple[GroundProgram, list[tuple[GroundElement, ...]], SolverInputs]] = []

    def fits(self, program: GroundProgram) -> bool:
        """Whether a version can be added: it has the same inputs, and cuts no number elsewhere."""
        vocabulary = program.names.vocabulary
        if list(vocabulary.findings) != list(self.record.present) or vocabulary.measures != self.vocabulary.measures:
            return False
        found = regions_of(vocabulary.measures, [program])
        return all(set(r.cuts) <= set(self.regions[name].cuts) for name, r in found.items())

    def add(self, program: GroundProgram) -> Version:
        """A version over the record."""
        facts = self._facts_of(program)
        kept, low, high = (SolverProgram(self.circuit, program, facts, j) for j in self._judgements)
        return Version(program, facts, kept, low, high)

    def _facts_of(self, program: GroundProgram) -> SolverInputs:
        """Those of an earlier version where the background is the same."""
        denials = [denial.elements for denial in program.denials]
        for earlier, elements, facts in self._facts:
            if elements == denials and (not denials or earlier.fixed == program.fixed):
                return facts

        def relation(literal: GroundLiteral) -> int:
            holds = (literal.atom in program.fixed) is not literal.negated
            return self.circuit.true if holds else self.circuit.false

        facts = facts_of(self.circuit, self.record, self.regions, program.denials, relation)
        self._facts.append((program, denials, facts))
        return facts

    @cached_property
    def _costed(self) -> bool:
        added = {literal for *_, facts in self._facts for literal in facts.added(self.circuit, self.record)}
        prefer_small(self.circuit, self.record, sorted(added))
        return True

    def model(
        self,
        literals: Iterable[int],
        budget: Budget,
        sides: Sequence[Version],
        *,
        best: bool = False,
        accepted: bool = True,
    ) -> tuple[Truth | None, CandidateRecord | None, bool]:
        """A model with its record, `best` the smallest; whether the search came to an end.

        `accepted`: a record that the background of no side contradicts.
        """
        assert not best or self._costed
        wanted = [*literals, *(-side.facts.refused for side in sides if accepted)]
        for _ in range(MOST_REPAIRS):
            result, truth = self.circuit.solve(wanted, budget, best=best)
            if truth is None:
                return None, None, result is Found.NONE
            try:
                values = choose_values(truth, self.regions, [(self.record, side.facts) for side in sides])
                return truth, sketch(truth, self.record, self.regions, values[0]), True
            except Infeasible as problem:
                self.circuit.forbid(*problem.literals)
            except Undecided:
                return None, None, False
        return None, None, False


def differs(circuit: Literals, before: dict[Status, int], after: dict[Status, int]) -> int:
    """The literal that two answers differ."""
    return circuit.any(*(circuit.both(before[s], -after[s]) for s in before))


def unequal(circuit: Literals, first: int, second: int) -> int:
    """The literal that exactly one of two holds."""
    return circuit.any(circuit.both(first, -second), circuit.both(second, -first))


Progress = Callable[[str, int, int], None]


class VersionPair:
    """The old and the new version, `before` and `after` over the same records."""

    def __init__(self, old: Compiled, new: Compiled, ask: Ask, budget: Budget, progress: Progress) -> None:
        self.old, self.new, self.ask, self.budget, self.progress = old, new, ask, budget, progress
        self.versions = Versions((old.ground, new.ground), wishes=True)
        self.circuit = self.versions.circuit
        self.before, self.after = self.sides = (self.versions.add(old.ground), self.versions.add(new.ground))
        self.undecided: list[tuple[str, str]] = []
        self._day = day_of(new.guideline)

    def model(
        self, literals: Sequence[int], *, best: bool = False, accepted: bool = True
    ) -> tuple[Truth | None, CandidateRecord | None, bool]:
        """A record for which all literals hold, the smallest with `best`; whether the search came to an end."""
        return self.versions.model(literals, self.budget, self.sides, best=best, accepted=accepted)

    def answers(self, compiled: Compiled, found: CandidateRecord, names: Sequence[str]) -> Answers:
        """Certified answers of one version about some interventions."""
        return self.ask(compiled, self.patient(compiled, found, names[0].replace("_", "-")), names)

    def patient(self, compiled: Compiled, found: CandidateRecord, name: str) -> Patient:
        """The patient as one version's reader takes it."""
        vocabulary = compiled.names.vocabulary
        content = content_of(known_to(found, compiled), vocabulary, name, self._day)
        return patient_from_content(content, vocabulary, name)

    def content(self, found: CandidateRecord, name: str) -> dict[str, Any]:
        """The patient as the new version's reader takes it, or both versions' inputs where that is not enough."""
        vocabulary = self.versions.vocabulary
        if known_to(found, self.new) == found:
            vocabulary = replace(vocabulary, screens=self.new.names.vocabulary.screens)
        return content_of(found, vocabulary, name.replace("_", "-"), self._day)


def known_to(found: CandidateRecord, compiled: Compiled) -> CandidateRecord:
    """What a version declares of a record."""
    vocabulary = compiled.names.vocabulary
    return CandidateRecord(
        {n: v for n, v in found.findings.items() if n in vocabulary.findings},
        {n: v for n, v in found.measures.items() if n in vocabulary.measures},
    )
