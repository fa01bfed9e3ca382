"""A guideline made ready to answer, with the independent checker's own reading of the rules beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from guidelog.checker import Rulebook, read_rules
from guidelog.datalog.backend import Backend, Row
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.ground.grounder import ground
from guidelog.ground.program import Atom, GroundProgram, Ranges, at_end, has_ranges
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Names
from guidelog.language.stances import Stance
from guidelog.language.tree import Program, Rule
from guidelog.patients import Facts
from guidelog.semantics.engine import Engine, EngineOf
from guidelog.semantics.kleene import Model

ALARMING = frozenset({Stance.EMERGENCY, Stance.URGENT})
"""An answer with one of these is given although nobody asked for it, so its rules stay in every part."""

PATIENT = "patient"
"""The constant that stands for the one patient while the rules are evaluated."""


READERS_DISAGREE = "the engine and the independent checker do not make the same of the rule text"


def read_by_checker(guideline: GuidelineFolder, readings: Mapping[str, str]) -> Rulebook:
    """The rules as the certificate checker reads them; kept, because `check` and the first answer ask for the same.

    Raises ValueError where the checker cannot read them.
    """
    return _read_by_checker(tuple(guideline.files.items()), tuple(readings.items()))


@lru_cache(maxsize=4)
def _read_by_checker(files: tuple[tuple[str, str], ...], readings: tuple[tuple[str, str], ...]) -> Rulebook:
    return read_rules(dict(files), dict(readings))


@dataclass(frozen=True, repr=False)
class Compiled:
    """Everything about a guideline that does not depend on a patient. Immutable, and safe to share between threads.

    Evaluated by the backend, on the stratified program, unless it is `on` another engine.
    """

    guideline: GuidelineFolder
    program: Program
    names: Names
    readings: Mapping[str, str]
    ground: GroundProgram
    stratified: StratifiedProgram
    backend: Backend
    engine_of: EngineOf | None = None
    program_sha256: str = ""
    """What the engine made of the whole text (`ground.digest`); the checker must have made the same."""

    def __repr__(self) -> str:
        """A name: all that it holds would be millions of characters."""
        return f"<Compiled {self.guideline.id} {self.guideline.version}>"

    @cached_property
    def engine(self) -> Engine | None:
        """What evaluates the ground rules in place of the backend."""
        return None if self.engine_of is None else self.engine_of(self.ground)

    @cached_property
    def rulebook(self) -> Rulebook:
        """The rules as the certificate checker reads them, from the text.

        Raises ValueError where the checker cannot read them, or makes something else of them than the engine.
        """
        book = read_by_checker(self.guideline, self.readings)
        if book.program_sha256 != self.program_sha256:
            raise ValueError(READERS_DISAGREE)
        return book

    @cached_property
    def has_ranges(self) -> bool:
        """Whether some threshold is a range."""
        return has_ranges(self.program)

    @cached_property
    def prepared(self) -> dict[Ranges, Prepared]:
        """The evaluable program at each end of the ranges, as far as needed."""
        return {}

    @cached_property
    def parts(self) -> dict[frozenset[str], Compiled]:
        """What `about` made, by interventions."""
        return {}

    @property
    def alarming(self) -> tuple[str, ...]:
        """The interventions that some rule can make urgent or an emergency, in the order of their advice."""
        return tuple(name for name, found in self.ground.stances.items() if not found.keys().isdisjoint(ALARMING))

    def about(self, interventions: Iterable[str]) -> Compiled:
        """The same guideline without the rules that the answers about these interventions do not rest on.

        Those answers, their notes and their certificates are the same; everything else is missing. Worth while where
        rules are many and a few answers are wanted again and again.
        """
        wanted = frozenset(interventions)
        if wanted not in self.parts:
            self.parts[wanted] = self._about(wanted)
        return self.parts[wanted]

    def on(self, engine_of: EngineOf) -> Compiled:
        """The same guideline on another engine: `compiled.on(CircuitEngine)` for thousands of evaluations.

        Answers are certified all the same. Raises what making the engine raises (GL701 for circuits too large).
        """
        found = replace(self, engine_of=engine_of)
        assert found.engine is not None  # made now, and not when the first patient comes
        return found

    def _about(self, wanted: frozenset[str]) -> Compiled:
        instances = self.ground.instances
        wanted |= set(self.alarming)
        others = self.names.vocabulary.interventions.keys() - wanted
        todo = [
            a for a in instances if a[0] in ("in_scope", "note") or (a[0] in ("advise", "include") and a[1] in wanted)
        ]
        todo = [a for a in todo if not (a[0] == "note" and a[1] in others)]
        todo += [x.atom for denial in self.ground.denials for x in denial.atoms() if x.atom in instances]
        kept: set[Atom] = set()
        while todo:
            atom = todo.pop()
            if atom not in kept:
                kept.add(atom)
                todo.extend(self.ground.edges[atom])
        rules = {id(rule.rule) for atom in kept for rule in instances[atom]}
        static = {name for name, p in self.names.predicates.items() if not p.about_patient}
        program = replace(
            self.program,
            statements=tuple(
                s
                for s in self.program.statements
                if not isinstance(s, Rule) or s.head is None or id(s) in rules or s.head.predicate in static
            ),
        )
        grounded = ground(program, self.names, self.readings)
        stratified = stratify(grounded)
        assert isinstance(stratified, StratifiedProgram), "fewer rules make no loops"
        return replace(self, program=program, ground=grounded, stratified=stratified)  # checked with the whole text

    def evaluate(self, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
        """The certain and the possible atoms for a patient's facts."""
        if self.engine is not None:
            return self.engine.model(facts, ranges)
        if ranges not in self.prepared:
            self.prepared[ranges] = self.prepare(ranges)
        prepared = self.prepared[ranges]
        measures = [(PATIENT, name, i.low, i.high) for name, i in facts.measures.items()]
        inputs = {
            **prepared.rows,
            "patient": [(PATIENT,)],
            "finding@t": [(PATIENT, name) for name, value in facts.findings.items() if value is True],
            "finding@p": [(PATIENT, name) for name, value in facts.findings.items() if value is not False],
            "measure": measures,
        }
        return self.model(self.backend.evaluate(prepared.program.layers, inputs), prepared)

    def prepare(self, ranges: Ranges) -> Prepared:
        """The stratified program at an end of the ranges, with all rows that do not depend on the patient."""
        program = self.stratified
        if ranges is not Ranges.KEPT and self.has_ranges:
            moved = stratify(ground(at_end(self.program, ranges), self.names, self.readings))
            assert isinstance(moved, StratifiedProgram), "moving a threshold leaves the loops as they are"
            program = moved
        rows: dict[str, set[Row]] = {name: set(known) for name, known in program.facts.items()}
        for name, derived in self.backend.evaluate(program.static, rows).items():
            rows.setdefault(name, set()).update(derived)
        return Prepared(program, rows)

    def model(self, derived: Mapping[str, set[Row]], prepared: Prepared) -> Model:
        """The backend's rows as atoms without the patient; what the guideline itself fixes is certain."""
        certain = set(self.ground.facts)
        possible = set(certain)
        for predicate in self.ground.derived:
            about_patient = self.names.predicates[predicate].about_patient
            for side, found in (("@t", certain), ("@p", possible)):
                found.update(
                    (predicate, *(row[1:] if about_patient else row)) for row in derived.get(predicate + side, ())
                )
            for row in prepared.rows.get(predicate, ()):
                certain.add((predicate, *row))
                possible.add((predicate, *row))
        return Model(frozenset(certain), frozenset(possible))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stratified program and the rows that are the same for every patient."""

    program: StratifiedProgram
    rows: Mapping[str, set[Row]]
