"""Several versions of a guideline in one circuit, over the same records.

What versions define alike is there once, because equal definitions give equal literals: only the cone of an edit is
duplicated. Guarantees as in `questions`: a model is a record that the reader accepts, and no model means that there is
none. `VersionPair` is two of them side by side with both engines, which confirm what the circuit finds: every search
of a comparison goes through its `model`, every patient through `answers`; what was not decided is in `undecided`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.ground.program import Atom, GroundElement, GroundLiteral, GroundProgram
from guidelog.language.stances import HOLD, STANCES
from guidelog.language.vocabulary import Measure, Vocabulary
from guidelog.patients import Interval, Patient, close, patient_from_content
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.solver.inputs import SolverInputs, facts_of
from guidelog.solver.linear import Infeasible, Undecided, choose_values
from guidelog.solver.literals import Budget, Found, Literals, Truth
from guidelog.solver.program import RangeChoice, SolverProgram
from guidelog.solver.records import Record, any_record, any_writing, as_read, prefer_small, regions_of

from ..witness.candidate import CandidateRecord, content_of, day_of, sketch
from ..witness.find import Ask

CAUTION = "caution"
"""Stands in front of an intervention whose answer is given with the caution of a rule."""

Said: TypeAlias = bool | Interval | None
"""What is said of an input: present, absent, open; an interval in ticks."""


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
        """For each included item, note and caution, and each rule that may show it, the literal that it does."""
        found: dict[tuple[Atom, str], list[int]] = {}
        for predicate in ("include", "note"):
            for atom in self.program.reachable(predicate):
                for rule in self.program.instances[atom]:
                    found.setdefault((atom, rule.rule.id or ""), []).append(self.kept.body(rule)[0])
        shown = {key: self.kept.circuit.any(*literals) for key, literals in found.items()}
        for name in self.program.names.vocabulary.interventions:
            shown |= {((CAUTION, name), rule): literal for rule, literal in self.kept.cautions(name).items()}
        return shown


class Versions:
    """A circuit with any record, to which versions are added; their numbers are cut where any of `cut_as` is.

    Where the vocabularies of `cut_as` read a record differently, a record is more than its facts: which of those
    screens it calls complete, and what it lists as unknown. Each version then reads it in its own way.
    """

    def __init__(
        self,
        cut_as: Sequence[GroundProgram],
        *,
        wishes: bool = False,
        cuts: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        self.circuit = Literals(wishes=wishes)
        vocabularies = [program.names.vocabulary for program in cut_as]
        self.vocabulary = replace(
            vocabularies[-1],
            findings={name: f for v in vocabularies for name, f in v.findings.items()},
            measures=_joined(vocabularies),
            screens={},
        )
        otherwise = read_otherwise(vocabularies)
        self.read_alike = not otherwise.screens and not otherwise.cuts
        wanted = {n: {*otherwise.cuts.get(n, ()), *(cuts or {}).get(n, ())} for n in self.vocabulary.measures}
        self.regions = regions_of(self.vocabulary.measures, cut_as, wanted)
        self.record = any_record(self.circuit, list(self.vocabulary.findings), self.regions)
        self.writing = any_writing(self.circuit, self.record, otherwise.screens, otherwise.members)
        self.circuit.watch([*self.record.literals(), *self.writing.literals()])
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
        if not self.read_alike:
            return False
        found = regions_of(vocabulary.measures, [program])
        return all(set(r.cuts) <= set(self.regions[name].cuts) for name, r in found.items())

    def add(self, program: GroundProgram, said: Mapping[str, Said] | None = None) -> Version:
        """A version over the record; `said` is what this version reads besides, of inputs that the record leaves open.

        The numbers must be cut around what is said of them.
        """
        facts = self._facts_of(program) if said is None else self._facts_besides(program, said)
        kept, low, high = (SolverProgram(self.circuit, program, facts, j) for j in self._judgements)
        return Version(program, facts, kept, low, high)

    def _facts_of(self, program: GroundProgram) -> SolverInputs:
        """Those of an earlier version where the background is the same."""
        denials = [denial.elements for denial in program.denials]
        for earlier, elements, facts in self._facts:
            if (
                elements == denials
                and (not denials or earlier.fixed == program.fixed)
                and _reads_alike(earlier.names.vocabulary, program.names.vocabulary)
            ):
                return facts
        facts = self._read(program, self.record)
        self._facts.append((program, denials, facts))
        return facts

    def _facts_besides(self, program: GroundProgram, said: Mapping[str, Said]) -> SolverInputs:
        c, record = self.circuit, self.record
        present, absent = dict(record.present), dict(record.absent)
        least, below = dict(record.least), dict(record.below)
        for name, value in said.items():
            if isinstance(value, Interval):
                cuts = self.regions[name].cuts
                least[name] = tuple(c.true if cut <= value.low else c.false for cut in cuts)
                below[name] = tuple(c.true if cut > value.high else c.false for cut in cuts)
            elif value is not None:
                present[name], absent[name] = (c.true, c.false) if value else (c.false, c.true)
        return self._read(program, Record(present, absent, least, below))

    def _read(self, program: GroundProgram, record: Record) -> SolverInputs:
        def relation(literal: GroundLiteral) -> int:
            holds = (literal.atom in program.fixed) is not literal.negated
            return self.circuit.true if holds else self.circuit.false

        read, refused = as_read(self.circuit, record, self.writing, program.names.vocabulary, self.regions)
        facts = facts_of(self.circuit, read, self.regions, program.denials, relation)
        return replace(facts, refused=self.circuit.any(facts.refused, refused))

    @cached_property
    def _costed(self) -> bool:
        added = {literal for *_, facts in self._facts for literal in facts.added(self.circuit, self.record)}
        prefer_small(self.circuit, self.record, sorted(added))
        self.circuit.cost(2, [(literal, 1) for literal in self.writing.literals()])
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
        while True:  # as in `Search.ask`
            result, truth = self.circuit.solve(wanted, budget, best=best)
            if truth is None:
                return None, None, result is Found.NONE
            try:
                read = [(self.record, side.facts) for side in sides]
                values = choose_values(truth, self.regions, read, unlisted=self._closed(truth))
                return truth, sketch(truth, self.record, self.regions, values[0], self.writing), True
            except Infeasible as problem:
                self.circuit.forbid(*problem.literals)
            except Undecided:
                return None, None, False

    def _closed(self, truth: Truth) -> dict[str, frozenset[int]]:
        """The measures that a complete screen closes over, with the literals that make it so: none is listed."""
        found: dict[str, frozenset[int]] = {}
        for name, unknown in self.writing.unknown.items():
            if name not in self.regions or truth(unknown):
                continue
            said = [*self.record.least[name], *self.record.below[name]]
            complete = [x for x in self.writing.complete.values() if truth(x)]
            if complete and not any(truth(x) for x in said):
                found[name] = frozenset([-unknown, *(-x for x in said), *complete])
        return found


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
        content = content_of(known_to(found, compiled), self._tidied(vocabulary), name, self._day)
        return patient_from_content(content, vocabulary, name)

    def content(self, found: CandidateRecord, name: str) -> dict[str, Any]:
        """The patient as the new version's reader takes it, or both versions' inputs where that is not enough."""
        vocabulary = self.versions.vocabulary
        if known_to(found, self.new) == found:
            vocabulary = replace(vocabulary, screens=self._tidied(self.new.names.vocabulary).screens)
        return content_of(found, vocabulary, name.replace("_", "-"), self._day)

    def _tidied(self, vocabulary: Vocabulary) -> Vocabulary:
        """The vocabulary without the screens that the versions read differently: those are written as they were found.

        The numbers are written for the ranges of both versions together.
        """
        screens = {n: s for n, s in vocabulary.screens.items() if n not in self.versions.writing.complete}
        measures = {n: self.versions.vocabulary.measures[n] for n in vocabulary.measures}
        return replace(vocabulary, screens=screens, measures=measures)


class Overlaid:
    """Any record, together with what two versions read otherwise besides: of one resource of a health record, say."""

    def __init__(self, old: Compiled, new: Compiled, before: Patient, after: Patient) -> None:
        said = [_said(c, p) for c, p in ((old, before), (new, after))]
        cuts: dict[str, set[int]] = {}
        for entries in said:
            for name, value in entries.items():
                if isinstance(value, Interval):
                    cuts.setdefault(name, set()).update((value.low, value.high + 1))
        self.versions = Versions((old.ground, new.ground), cuts=cuts)
        c, record = self.versions.circuit, self.versions.record
        for name in dict.fromkeys(name for entries in said for name in entries):
            for literal in (
                (record.present[name], record.absent[name])
                if name in record.present
                else (
                    *record.least[name],
                    *record.below[name],
                )
            ):
                c.forbid(literal)
        self.sides = [self.versions.add(g.ground, entries) for g, entries in zip((old, new), said, strict=True)]

    def differing(self, intervention: str, budget: Budget) -> CandidateRecord | None:
        """The smallest record with which an answer differs, a determined one where there is; None without one."""
        c = self.versions.circuit
        before, after = (side.kept.answer(intervention) for side in self.sides)
        differ = differs(c, before, after)
        sure = c.both(differ, -c.both(before[Status.UNDETERMINED], after[Status.UNDETERMINED]))
        for goal in (c.both(sure, -before[Status.UNDETERMINED], -after[Status.UNDETERMINED]), sure):
            if goal != c.false:
                _, found, _ = self.versions.model([goal], budget, self.sides, best=True)
                if found is not None:
                    return found
        return None


def _said(compiled: Compiled, patient: Patient) -> dict[str, Said]:
    """What a patient's record lists, in the terms of one version."""
    facts = close(patient, compiled.names.vocabulary)
    found: dict[str, Said] = {n: facts.findings[n] for n in patient.findings}
    return found | {n: facts.measures[n] for n in patient.measures}


def known_to(found: CandidateRecord, compiled: Compiled) -> CandidateRecord:
    """What a version declares of a record."""
    vocabulary = compiled.names.vocabulary
    return CandidateRecord(
        {n: v for n, v in found.findings.items() if n in vocabulary.findings},
        {n: v for n, v in found.measures.items() if n in vocabulary.measures},
        found.screens,
        tuple(n for n in found.unknown if n in vocabulary.findings or n in vocabulary.measures),
    )


@dataclass(frozen=True)
class ReadOtherwise:
    """What vocabularies make differently of one record: screens, what they close over, where numbers must be cut."""

    screens: tuple[str, ...]
    members: tuple[str, ...]
    cuts: Mapping[str, set[int]]


def read_otherwise(vocabularies: Sequence[Vocabulary]) -> ReadOtherwise:
    """How the first and the last of some vocabularies read a record differently.

    A screen that only one of them has is left out, because the other refuses a record that names it.
    """
    old, new = vocabularies[0], vocabularies[-1]
    cuts: dict[str, set[int]] = {}
    screens, members = [], dict[str, None]()
    for name in old.screens.keys() & new.screens.keys():
        before, after = (_closing(v, name) for v in (old, new))
        if before != after:
            screens.append(name)
            members |= dict.fromkeys((*before, *after))
            for v in (old, new):
                for member, unlisted in _closing(v, name).items():
                    if unlisted is not None:
                        ticks = unlisted * v.measures[member].ticks
                        cuts.setdefault(member, set()).update((ticks, ticks + 1))
    for name in old.measures.keys() & new.measures.keys():
        a, b = old.measures[name], new.measures[name]
        if (a.low, a.high) != (b.low, b.high):
            for m in (a, b):
                cuts.setdefault(name, set()).update((m.low * m.ticks, m.high * m.ticks + 1))
    return ReadOtherwise(tuple(sorted(screens)), tuple(members), cuts)


def _closing(vocabulary: Vocabulary, screen: str) -> dict[str, int | None]:
    """What a complete screen says of members that are not listed: absent (None), or a number in units."""
    found: dict[str, int | None] = {}
    for member in vocabulary.screens[screen].members:
        if member in vocabulary.findings:
            found[member] = None
        elif (unlisted := vocabulary.measures[member].unlisted) is not None:
            found[member] = unlisted
    return found


def _reads_alike(old: Vocabulary, new: Vocabulary) -> bool:
    different = read_otherwise((old, new))
    return not different.screens and not different.cuts


def _joined(vocabularies: Sequence[Vocabulary]) -> dict[str, Measure]:
    """Every measure with the range that covers those of all vocabularies."""
    found: dict[str, Measure] = {}
    for vocabulary in vocabularies:
        for name, measure in vocabulary.measures.items():
            known = found.get(name, measure)
            found[name] = replace(measure, low=min(known.low, measure.low), high=max(known.high, measure.high))
    return found
