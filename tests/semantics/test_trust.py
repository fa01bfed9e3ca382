"""Properties of random guidelines and random patients, and of the guideline in kb/ on random patients.

By default a quick and repeatable look; `--hypothesis-profile=deep -s` tries thousands of each and prints what it has
seen.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import networkx
import pytest
from hypothesis import assume, event, given, note
from hypothesis import strategies as st

import tree_strategies
from completions import completions, count
from guidelog import pipeline
from guidelog.certificate.writer import UncertifiableError
from guidelog.compiled import PATIENT, Compiled
from guidelog.datalog.backend import Row, Rows
from guidelog.datalog.pydatalog import PyDatalog
from guidelog.datalog.strata import Layer, StratifiedProgram, stratify
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.explain.questions import Questions
from guidelog.ground.grounder import ground
from guidelog.ground.program import Atom, GroundComparison, GroundProgram, Ranges
from guidelog.language import parse, print_program
from guidelog.language.guideline import read_guideline
from guidelog.language.names import names_of
from guidelog.language.tree import Program
from guidelog.patients import Facts, Patient, close, patient_from_content
from guidelog.pipeline import CertificateError
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.kleene import Model, Value
from guidelog.semantics.status import Because, Status, status_of
from guidelog.source import Source
from hypothesis_profiles import examples, is_deep
from kleene import Evaluation
from programs import BACKENDS, compiled_of, on
from record_strategies import cases
from reference import Reference
from strategies import Written, programs

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
ENDS = (Ranges.LOW, Ranges.HIGH)
Random: TypeAlias = tuple[Written, dict[str, Any]]

MANY = 64
"""Completions that are looked at; what has more is sampled."""

SEEN: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _seen() -> Iterator[None]:
    yield
    if is_deep():
        sys.stdout.write("\n" + "".join(f"{number:>9,}  {what}\n" for what, number in sorted(SEEN.items())))


@dataclass(frozen=True)
class Situation:
    """A guideline with a patient whose record does not contradict it."""

    compiled: Compiled
    patient: Patient
    closed: Facts
    facts: Facts

    @property
    def ground(self) -> GroundProgram:
        return self.compiled.ground

    @property
    def interventions(self) -> tuple[str, ...]:
        return tuple(self.compiled.names.vocabulary.interventions)


def situation(case: Random) -> Situation:
    """The case made ready; cases with a loop through negation or a contradiction are put aside."""
    written, content = case
    compiled = accepted(written)
    patient = patient_from_content(content, compiled.names.vocabulary)
    closed = close(patient, compiled.names.vocabulary)
    found = propagate(compiled.ground, closed)
    assume(not isinstance(found, Contradiction))
    assert not isinstance(found, Contradiction)
    return Situation(compiled, patient, closed, found[0])


def accepted(written: Written) -> Compiled:
    """The program compiled. Random programs pass all checks; those with a loop through negation are put aside."""
    try:
        return compiled_of(written.text)
    except InputError as error:
        if {d.code for d in error.diagnostics} != {"GL210"}:
            raise
        assume(condition=False)
        raise


def status_at(program: GroundProgram, values: Evaluation | Model, intervention: str) -> Status:
    def value(*atom: str) -> Value:
        return values.value(atom) if atom in program.instances else False

    stances = ("urgent", "hold", "do", "consider", "defer", "avoid", "emergency")
    return status_of({s: value("advise", intervention, s) for s in stances}, value("in_scope"))


def has_joint_comparisons(program: GroundProgram) -> bool:
    rules = (*(r for rules in program.instances.values() for r in rules), *program.denials)
    return any(isinstance(e, GroundComparison) and len(e.terms) > 1 for rule in rules for e in rule.elements)


# ---------------------------------------------------------------- text


@examples(80)
@given(tree_strategies.programs)
def test_what_is_printed_is_read_back(program: Program) -> None:
    text = print_program(program)
    note(text)
    found, problems = parse(Source("printed", text))
    assert not problems
    assert found == program
    assert print_program(found) == text


@examples(10)
@given(programs())
def test_printed_guidelines_are_read_back(written: Written) -> None:
    found, problems = parse(Source("printed", written.text))
    assert not problems
    assert found.statements == written.program.statements


# ---------------------------------------------------------------- loops through negation


@examples(30)
@given(programs())
def test_loops_through_negation_are_found(written: Written) -> None:
    """A program is refused exactly when some ground atom depends on its own negation."""
    program, _ = parse(Source("rules", written.text))
    names = names_of(program)
    grounded = ground(program, names, {name: r.chosen for name, r in names.readings.items()})
    graph: networkx.DiGraph[Atom] = networkx.DiGraph()
    negative = []
    for head, rules in grounded.instances.items():
        for literal in (literal for rule in rules for literal in rule.atoms()):
            graph.add_edge(head, literal.atom)
            if literal.negated:
                negative.append((head, literal.atom))
    component = {
        atom: number for number, members in enumerate(networkx.strongly_connected_components(graph)) for atom in members
    }
    looping = any(component[head] == component[atom] for head, atom in negative)
    SEEN["programs with a loop through negation" if looping else "stratified programs"] += 1
    assert isinstance(stratify(grounded), StratifiedProgram) is not looping


# ---------------------------------------------------------------- engines


@examples(40)
@given(cases())
def test_engines_agree(case: Random) -> None:
    """Row by row on the doubled program, atom by atom on the model, and with the three-valued meaning computed without
    either.
    """
    now = situation(case)
    pydatalog, clingo = (on(now.compiled, backend) for backend in BACKENDS)
    for ranges in Ranges:
        prepared = pydatalog.prepare(ranges)
        inputs = {name: sorted(rows, key=str) for name, rows in inputs_of(prepared.rows, now.facts).items()}
        rows = [backend.evaluate(prepared.program.layers, inputs) for backend in BACKENDS]
        assert rows[0] == rows[1]
        static = [backend.evaluate(prepared.program.static, prepared.program.facts) for backend in BACKENDS]
        assert static[0] == static[1]
        SEEN["rows compared between pyDatalog and clingo"] += sum(map(len, (*rows[0].values(), *static[0].values())))
        model = pydatalog.evaluate(now.facts, ranges)
        assert model == clingo.evaluate(now.facts, ranges)
        meaning = Evaluation(now.ground, now.facts, ranges)
        for atom in now.ground.instances:
            assert model.value(atom) is meaning.value(atom), (atom, ranges)
    SEEN["programs and patients on which the engines were compared"] += 1


def inputs_of(rows: Mapping[str, Iterable[Row]], facts: Facts) -> dict[str, list[Row]]:
    """The rows of a patient, written down here once more."""
    found = {name: list(known) for name, known in rows.items()}
    found["patient"] = [(PATIENT,)]
    found["finding@t"] = [(PATIENT, name) for name, value in facts.findings.items() if value is True]
    found["finding@p"] = [(PATIENT, name) for name, value in facts.findings.items() if value in (True, None)]
    found["measure"] = [(PATIENT, name, interval.low, interval.high) for name, interval in facts.measures.items()]
    return found


@examples(20)
@given(cases(unknown=3))
def test_meaning_of_the_text(case: Random) -> None:
    """For known patients: what an evaluator derives that shares nothing with the engine but the syntax tree."""
    now = situation(case)
    program, _ = parse(Source("rules", case[0].text))
    for completed in list(completions(now.ground, now.closed, MANY))[:3]:
        findings = {name: value is True for name, value in completed.findings.items()}
        measures = {name: interval.low for name, interval in completed.measures.items()}
        for ranges in ENDS:
            reference = Reference(program, now.compiled.readings, ranges is Ranges.HIGH)
            true = reference.holds(findings, measures)
            assert true == now.compiled.evaluate(completed, ranges).certain
            assert true == now.compiled.evaluate(completed, ranges).possible
            assert not reference.contradicts(findings, measures)
            SEEN["known patients compared with the reference evaluator"] += 1


# ---------------------------------------------------------------- soundness


@examples(40)
@given(cases())
def test_no_answer_is_unsound(case: Random) -> None:
    """What the engine calls certain or false, and every status that it calls determined, is so in every completion."""
    now = situation(case)
    models = {ranges: now.compiled.evaluate(now.facts, ranges) for ranges in Ranges}
    everything = list(completions(now.ground, now.closed, MANY))
    complete = count(now.ground, now.closed) <= MANY
    SEEN["programs and patients checked against completions"] += 1
    SEEN["completions looked at"] += len(everything)
    for ranges, model in models.items():
        meanings = [Evaluation(now.ground, completed, ranges) for completed in everything]
        for atom in now.ground.instances:
            value, found = model.value(atom), {meaning.value(atom) for meaning in meanings}
            assert value is None or found <= {value}, (atom, ranges, value, found)
            if ranges is not Ranges.KEPT:
                assert None not in found
                settled = complete and len(found) == 1
                unknown = "unknown although all completions agree" if settled else "unknown"
                SEEN[f"atoms {unknown if value is None else 'known'}"] += 1
        for intervention in now.interventions:
            status, reached = (
                status_at(now.ground, model, intervention),
                {status_at(now.ground, m, intervention) for m in meanings},
            )
            assert status is Status.UNDETERMINED or reached <= {status}, (intervention, ranges, status, reached)
            SEEN[f"statuses {'undetermined' if status is Status.UNDETERMINED else 'determined'}"] += 1


@examples(30)
@given(cases(unknown=2))
def test_contradictions_are_real(case: Random) -> None:
    """A record is refused only when no completion satisfies the background rules, and what they add is so in all that
    do.
    """
    written, content = case
    compiled = accepted(written)
    assume(compiled.ground.denials)
    closed = close(patient_from_content(content, compiled.names.vocabulary), compiled.names.vocabulary)
    found = propagate(compiled.ground, closed)
    everything = list(completions(compiled.ground, closed, MANY))
    if isinstance(found, Contradiction):
        SEEN["records refused as contradictory"] += 1
        assert not everything
        return
    facts, steps = found
    SEEN["facts added by background rules"] += len(steps)
    SEEN["records accepted although no completion is possible"] += (
        not everything and count(compiled.ground, closed) <= MANY
    )
    for completed in everything:
        assert all(value is None or completed.findings[name] is value for name, value in facts.findings.items())
        assert all(i.low <= completed.measures[name].low <= i.high for name, i in facts.measures.items())


# ---------------------------------------------------------------- certificates


@examples(40)
@given(cases())
def test_every_certificate_is_accepted(case: Random) -> None:
    now = situation(case)
    found = pipeline.ask(now.compiled, now.patient)
    assert len(found.certificate["certificates"]) >= len(found.answers) == len(now.interventions)
    assert all(answer.certified for answer in found.answers)
    for answer in found.answers:
        SEEN[f"certified answers: {answer.status.value}{' ' + answer.because.value if answer.because else ''}"] += 1


@dataclass
class Faulty:
    """An engine that gives one atom a value that it does not have."""

    atom: Atom
    value: Value
    about_patient: bool
    name: str = "faulty"

    def evaluate(self, layers: Iterable[Layer], inputs: Rows) -> dict[str, set[Row]]:
        layers = list(layers)
        found = PyDatalog().evaluate(layers, inputs)
        predicate, *terms = self.atom
        row = (PATIENT, *terms) if self.about_patient else tuple(terms)
        for side, holds in (("@t", self.value is True), ("@p", self.value is not False)):
            rows = found.get(f"{predicate}{side}")
            if rows is not None:
                (rows.add if holds else rows.discard)(row)
        return found


@pytest.mark.slow
@examples(40)
@given(cases(), st.data())
def test_a_wrong_model_gives_no_wrong_answer(case: Random, data: st.DataObject) -> None:
    """With a fault planted in the engine's model, the writer finds no proof, or the checker refuses it, or the answers
    are right.
    """
    now = situation(case)
    atoms = [a for a in now.ground.instances if now.compiled.names.predicates[str(a[0])].about_patient]
    assume(atoms)
    right = {a.intervention: (a.status, a.because) for a in pipeline.ask(now.compiled, now.patient).answers}
    notes = {n.atom for n in pipeline.ask(now.compiled, now.patient).notes}
    atom = data.draw(st.sampled_from(atoms))
    truth = now.compiled.evaluate(now.facts).value(atom)
    value = data.draw(st.sampled_from([v for v in (True, False, None) if v is not truth]))
    broken = on(now.compiled, Faulty(atom, value, about_patient=True))
    assert broken.evaluate(now.facts).value(atom) is value or atom in now.ground.facts
    try:
        found = pipeline.ask(broken, now.patient)
    except CertificateError:
        event("refused by the checker")
        SEEN["planted faults: certificate refused by the checker"] += 1
    except UncertifiableError:
        event("refused by the writer")
        SEEN["planted faults: no proof found by the writer"] += 1
    else:
        event("harmless")
        SEEN["planted faults: harmless, all answers right"] += 1
        assert {a.intervention: (a.status, a.because) for a in found.answers} == right
        assert {n.atom for n in found.notes} <= notes


# ---------------------------------------------------------------- questions


def engine_settles(program: GroundProgram, facts: Facts, intervention: str) -> bool:
    """Whether the engine's own answer about these facts is determined or waits for nothing but a range."""
    found = propagate(program, facts)
    assert not isinstance(found, Contradiction)
    statuses = [
        status_at(program, Evaluation(program, found[0], ranges), intervention) for ranges in (Ranges.KEPT, *ENDS)
    ]
    return statuses[0] is not Status.UNDETERMINED or Status.UNDETERMINED not in statuses[1:]


def members_of(compiled: Compiled, question: str) -> set[str]:
    """The inputs that a question is about."""
    if question.startswith("screen:"):
        return set(compiled.names.vocabulary.screens[question.removeprefix("screen:")].members)
    return {question}


@examples(25)
@given(cases(unknown=3))
def test_questions_settle_answers(case: Random) -> None:
    """Whatever is replied to a set of questions leaves nothing open, and every question of the set is needed;
    `if_resolved` is exact.
    """
    now = situation(case)
    program = now.ground
    assume(1 < count(program, now.facts) <= MANY)
    joint = has_joint_comparisons(program)
    questions = Questions(program, now.facts)
    meanings = [{r: Evaluation(program, f, r) for r in ENDS} for f in completions(program, now.facts, MANY)]
    for intervention in now.interventions:
        reached = {status_at(program, m, intervention) for both in meanings for m in both.values()}
        model = now.compiled.evaluate(now.facts)
        if status_at(program, model, intervention) is not Status.UNDETERMINED:
            continue
        found = questions.about(intervention)
        assert found.questions is not None
        assert set(found.if_resolved) >= reached if joint else set(found.if_resolved) == reached
        for asked in found.questions:
            check_questions(now, intervention, asked, minimal=not joint)
            SEEN["question sets of random guidelines checked"] += 1


def check_questions(
    now: Situation, intervention: str, asked: tuple[str, ...], *, minimal: bool, most: int = MANY
) -> None:
    """Every reply to the questions settles the answer, and without any one of them some reply does not."""

    def settled_by(inputs: Iterable[str]) -> bool:
        return all(
            engine_settles(now.ground, f, intervention) for f in completions(now.ground, now.facts, most, inputs)
        )

    inputs = {question: members_of(now.compiled, question) for question in asked}
    every = set().union(*inputs.values())
    assert settled_by(every), asked
    if minimal:
        for question in asked:
            assert not settled_by(every - inputs[question]), (asked, question)


# ---------------------------------------------------------------- the guideline in kb/


@pytest.fixture(scope="module")
def guideline() -> Compiled:
    return pipeline.compile_guideline(read_guideline(KB))


WEEKS = (0, 1.999, 2, 4, 4.001, 5.999, 6, 8, 11.999, 12, 18, 25.999, 26, 30, 520)


SEEDS = st.integers(0, 2**32 - 1)


def partial_patient(seed: int, compiled: Compiled, most_unknown: int) -> dict[str, Any]:
    """A record with a few inputs left out, biased towards patients who are in scope and near a decision."""
    chance = random.Random(seed)
    vocabulary = compiled.names.vocabulary
    inputs = [*vocabulary.findings, *vocabulary.measures]
    unknown = set(chance.sample(inputs, chance.randint(0, most_unknown)))
    mostly = chance.choice(("absent", "present", "mixed"))
    flagged = chance.random() < 0.5
    content: dict[str, Any] = {"patient": "random", "as_of": "2025-11-13", "findings": {}, "measures": {}}
    for name, finding in vocabulary.findings.items():
        if name in unknown:
            continue
        value = mostly if mostly != "mixed" else chance.choice(("absent", "present"))
        if finding.screen == "red_flags" and not flagged:
            value = "absent"
        if name in ("chronic_radiculopathy", "level_l5_s1"):
            value = chance.choice(("present", "present", "present", "absent"))
        if chance.random() < 0.1:
            value = chance.choice(("absent", "present"))
        content["findings"][name] = value
    for name in vocabulary.measures:
        first, second = sorted(chance.choices(WEEKS, k=2))
        if name not in unknown:
            content["measures"][name] = first
        elif chance.random() < 0.5:
            content["measures"][name] = chance.choice(
                (first, {"at_least": first}, {"at_most": second}, {"between": [first, second]})
            )
    return content


def kb_situation(compiled: Compiled, content: Mapping[str, Any]) -> Situation:
    patient = patient_from_content(content, compiled.names.vocabulary)
    closed = close(patient, compiled.names.vocabulary)
    found = propagate(compiled.ground, closed)
    assume(not isinstance(found, Contradiction))
    assert not isinstance(found, Contradiction)
    return Situation(compiled, patient, closed, found[0])


def provisional(found: Answers, intervention: str) -> bool:
    """Whether an answer rests on something not known that counts as not so (`unsettled`), and so is not the same in
    all completions; tests/semantics/test_exact.py compares those with what is not settled held as it is.
    """
    instances = found.world.program.settled_below(intervention)
    return any(found.world.element(i.elements[place]) is None for i in instances for place in i.settled)


@examples(30)
@given(SEEDS)
def test_guideline_is_sound_and_exact(guideline: Compiled, seed: int) -> None:
    """On random partial patients: certified, sound against all completions, and undetermined only where completions
    differ.
    """
    now = kb_situation(guideline, partial_patient(seed, guideline, 4))
    assume(count(now.ground, now.closed) <= 4 * MANY)
    found = pipeline.ask(guideline, now.patient)
    everything = list(completions(now.ground, now.closed, 4 * MANY))
    assert everything
    meanings = {ranges: [Evaluation(now.ground, f, ranges) for f in everything] for ranges in Ranges}
    SEEN["kb: patients"] += 1
    SEEN["kb: completions"] += len(everything)
    for answer in found.answers:
        if provisional(found, answer.intervention):
            SEEN["kb: answers as if what is not settled did not apply"] += 1
            continue
        reached = {r: {status_at(now.ground, m, answer.intervention) for m in meanings[r]} for r in Ranges}
        SEEN[f"kb: answers {answer.status.value}{' ' + answer.because.value if answer.because else ''}"] += 1
        if answer.status is not Status.UNDETERMINED:
            assert all(statuses == {answer.status} for statuses in reached.values())
            continue
        exact = {status for ranges in ENDS for status in reached[ranges]}
        assert set(answer.if_resolved) == exact
        if answer.because is Because.GUIDELINE_RANGE:
            assert all(len(reached[ranges]) == 1 for ranges in ENDS)
            assert len(exact) > 1
        else:
            assert any(len(reached[ranges]) > 1 for ranges in ENDS), "nothing is missing, although the answer says so"


@examples(20)
@given(SEEDS)
def test_guideline_questions(guideline: Compiled, seed: int) -> None:
    """Every reply to a question set gives an answer that is determined or rests on the guideline's own range; no part
    of the set would do.
    """
    now = kb_situation(guideline, partial_patient(seed, guideline, 4))
    assume(1 < count(now.ground, now.facts) <= 4 * MANY)
    for answer in pipeline.ask(guideline, now.patient).answers:
        if answer.because is not Because.MISSING_DATA:
            assert not answer.questions
            continue
        assert answer.questions
        for asked in answer.questions:
            check_questions(now, answer.intervention, asked, minimal=True, most=4 * MANY)
            SEEN["kb: question sets checked"] += 1
