"""A small suite of made-up patients that reaches everything in a guideline that can be reached.

What has to be reached is in `obligations`. Patients are fully known. Each search reaches one obligation and as many
others as come along; at the end patients that the others make superfluous are dropped. What no patient reaches is
proved to be out of reach. Every patient is answered and certified by the engine, and only what the engine confirms
counts as reached.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.ground.program import GroundLiteral
from guidelog.patients import patient_from_content
from guidelog.solver.inputs import facts_of
from guidelog.solver.linear import Infeasible, Undecided, choose_values
from guidelog.solver.literals import Budget, Found, Literals, Truth
from guidelog.solver.program import RangeChoice, SolverProgram
from guidelog.solver.records import any_record, regions_of

from ..witness.candidate import CandidateRecord, content_of, day_of, yaml_of
from ..witness.find import Ask
from ..witness.replay import Disagreement, certified
from .goals import CoverageGoals, Obligation

_WISHED, _QUIET = 3, 1


@dataclass(frozen=True)
class Generated:
    """A patient of the suite, certified, with the obligations that it is there for."""

    name: str
    content: dict[str, Any]
    answers: Answers
    shows: tuple[Obligation, ...]


@dataclass(frozen=True)
class Suite:
    """The patients, the obligations out of reach, those that were not decided, and how many there were."""

    patients: tuple[Generated, ...]
    unreachable: tuple[Obligation, ...]
    undecided: tuple[Obligation, ...]
    obligations: int
    seconds: float

    @property
    def reached(self) -> int:
        """How many obligations the patients show."""
        return self.obligations - len(self.unreachable) - len(self.undecided)


Progress = Callable[[str, int, int], None]


def generate(
    compiled: Compiled,
    ask: Ask = certified,
    *,
    budget: Budget | None = None,
    progress: Progress = lambda *_: None,
) -> Suite:
    """The suite. Raises Disagreement when the engine does not confirm what a patient is there for."""
    return _Generator(compiled, ask, budget or Budget(), progress).run()


class _Generator:
    def __init__(self, compiled: Compiled, ask: Ask, budget: Budget, progress: Progress) -> None:
        self.compiled, self.ask, self.budget, self.progress = compiled, ask, budget, progress
        self.started = time.monotonic()
        program = compiled.ground
        self.circuit = c = Literals(wishes=True)
        vocabulary = compiled.names.vocabulary
        self.regions = regions_of(vocabulary.measures, [program])
        self.record = record = any_record(c, list(vocabulary.findings), self.regions)
        static = program.fixed

        def relation(literal: GroundLiteral) -> int:
            return c.true if (literal.atom in static) is not literal.negated else c.false

        facts = facts_of(c, record, self.regions, program.denials, relation)
        c.forbid(facts.refused)
        for name in record.present:  # everything is known
            c.forbid(-record.present[name], -record.absent[name])
        for name, cuts in record.least.items():
            for least, below in zip(cuts, record.below[name], strict=True):
                c.forbid(-least, -below)
        self.upper = {name: c.choice() for name in self.regions}
        self.encoded = SolverProgram(c, program, facts, RangeChoice(c, c.false))
        self.facts = facts
        self.obligations = list(CoverageGoals(compiled, self.encoded, record, self.regions, self.upper))
        c.watch([*record.literals(), *self.upper.values(), *(o.literal for o in self.obligations)])

    def run(self) -> Suite:
        c = self.circuit
        open_ = dict(enumerate(self.obligations))
        switches = {}
        for number, obligation in open_.items():
            switches[number] = c.switch()
            if abs(obligation.literal) != c.true:
                c.wish(obligation.literal, weight=_WISHED, when=switches[number])
        for literal in (*self.record.present.values(), *self.upper.values()):
            c.wish(-literal, weight=_QUIET, when=c.true)
        models: list[tuple[Truth, set[int]]] = []
        unreachable: list[Obligation] = []
        undecided: list[Obligation] = []
        for number, obligation in enumerate(self.obligations):
            self.progress("obligations", number, len(self.obligations))
            if number not in open_:
                continue
            found, truth = self._search(obligation.literal)
            if truth is None:
                (unreachable if found is Found.NONE else undecided).append(obligation)
                reached = {number}
            else:
                reached = {n for n, o in enumerate(self.obligations) if truth(o.literal)}
                models.append((truth, reached))
            for n in reached & set(open_):
                del open_[n]
                c.turn_off(switches[n])
        kept = _needed([reached for _, reached in models])
        patients: list[Generated] = []
        shown: set[int] = set()
        for index in kept:
            truth, reached = models[index]
            mine = sorted(reached - shown)
            shown |= reached
            patients.append(
                self._patient(f"generated-{len(patients) + 1:03}", truth, [self.obligations[n] for n in mine])
            )
        return Suite(
            tuple(patients),
            tuple(unreachable),
            tuple(undecided),
            len(self.obligations),
            time.monotonic() - self.started,
        )

    def _search(self, literal: int) -> tuple[Found, Truth | None]:
        """A patient for an obligation; models whose numbers do not fit together are put aside."""
        while True:  # as in `Search.ask`
            found, truth = self.circuit.solve([literal], self.budget)
            if truth is None or not self.facts.joint:
                return found, truth
            try:
                choose_values(truth, self.regions, [(self.record, self.facts)], exact=True)
            except Infeasible as problem:
                self.circuit.forbid(*problem.literals)
            except Undecided:
                return Found.UNDECIDED, None
            return found, truth

    def _patient(self, name: str, truth: Truth, shows: list[Obligation]) -> Generated:
        vocabulary = self.compiled.names.vocabulary
        content = content_of(self._sketch(truth), vocabulary, name, day_of(self.compiled.guideline))
        answers = self.ask(self.compiled, patient_from_content(content, vocabulary, name), None)
        for obligation in shows:
            if not obligation.confirmed(answers.world):
                raise Disagreement(
                    f"the engine does not confirm that `{name}` shows: {obligation.kind} {obligation.name}"
                )
        return Generated(name, content, answers, tuple(shows))

    def _sketch(self, truth: Truth) -> CandidateRecord:
        findings = {name: truth(literal) for name, literal in self.record.present.items()}
        joint = {name for terms, _ in self.facts.joint for name, _ in terms}
        chosen = choose_values(truth, self.regions, [(self.record, self.facts)], exact=True)[0] if joint else {}
        measures = {name: chosen[name] for name in joint}
        for name, regions in self.regions.items():
            if name in joint:
                continue
            region = sum(truth(literal) for literal in self.record.least[name])
            value = regions.edge(region, upper=truth(self.upper[name]) and region < regions.last)
            if value is None:
                raise Disagreement(f"a region of `{name}` has no value that a record can say")
            measures[name] = (value, value)
        return CandidateRecord(findings, measures)


def _needed(sets: list[set[int]]) -> list[int]:
    """Indices of sets that together cover what all cover, largest first, without the superfluous ones."""
    left = set().union(*sets)
    chosen: list[int] = []
    while left:
        best = max(range(len(sets)), key=lambda i: (len(sets[i] & left), -i))
        chosen.append(best)
        left -= sets[best]
    for index in reversed(list(chosen)):
        others = set().union(*(sets[i] for i in chosen if i != index))
        if sets[index] <= others:
            chosen.remove(index)
    return chosen


def vignette_of(patient: Generated, *, blank: bool) -> str:
    """The patient as a vignette file.

    What it shows, and the answers as computed or left blank, marked as unreviewed.
    """
    shows = [f"  {o.kind} {o.name}" for o in patient.shows]
    comments = ("unreviewed: made by `guidelog generate`, signed by nobody", "shows:", *shows)
    lines = [yaml_of(patient.content, comments).rstrip("\n"), "expect:"]
    lines.append('  why: "unreviewed: a clinician has to say whether these answers are right"')
    if blank:
        return "\n".join([*lines, "  answers: {}"]) + "\n"
    lines.append("  answers:")
    lines.extend(f"    {a.intervention}: {a.status.value}" for a in patient.answers.answers)
    return "\n".join(lines) + "\n"
