"""The whole story: parse, check, ground, stratify; then, for a patient, evaluate, prove, have it checked, answer.

Only this module raises on what the stages report: InputError for whatever is wrong with the input, CertificateError
when the independent checker does not accept an answer. Then there is no answer.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from guidelog import checker
from guidelog.certificate import build as document
from guidelog.certificate.outcomes import NobodyError, Outcome, outcome
from guidelog.certificate.writer import UncertifiableError
from guidelog.compiled import READERS_DISAGREE, Compiled, read_by_checker
from guidelog.datalog.pydatalog import PyDatalog
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.diagnostics import CertificateError, Diagnostic, InputError, Label, Report, Severity, nearest
from guidelog.explain import assembly
from guidelog.explain.answers import Answer, Answers, Note
from guidelog.explain.questions import Questions
from guidelog.ground.digest import digest
from guidelog.ground.grounder import ground
from guidelog.ground.program import GroundProgram, Ranges
from guidelog.language import cache
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Names, names_of
from guidelog.language.tree import Program, plain
from guidelog.patients import Facts, Patient, close
from guidelog.patients.partial import opened, remarked, set_aside
from guidelog.semantics.background import Contradiction, inputs_of, propagate
from guidelog.semantics.cone import Cone
from guidelog.semantics.kleene import Model, World
from guidelog.semantics.status import Because
from guidelog.semantics.status_diagrams import diagrams_of, status_in
from guidelog.wording.presentation import EMERGENCIES

__all__ = [
    "CertificateError",
    "ask",
    "certify",
    "check",
    "choose_interventions",
    "choose_readings",
    "compile_guideline",
    "settle",
]


def compile_guideline(
    guideline: GuidelineFolder, readings: Mapping[str, str] | None = None, program: Program | None = None
) -> Compiled:
    """A guideline ready to answer; `program` is what `check` gave for it, where that found no error.

    Raises InputError with every error that the checks find.
    """
    program = program or cache.load(guideline) or _checked(guideline)
    names = names_of(program)
    chosen = choose_readings(names, {**guideline.readings, **(readings or {})})
    grounded = ground(program, names, chosen)
    stratified = stratify(grounded)
    if not isinstance(stratified, StratifiedProgram):
        raise InputError(stratified)
    made = digest(program, grounded)
    return Compiled(guideline, program, names, chosen, grounded, stratified, PyDatalog(), program_sha256=made)


def check(guideline: GuidelineFolder) -> tuple[Program, Report]:
    """The parsed program and all that is wrong with it or doubtful, in one run."""
    # Imported here, because a command that finds its program in the cache reads no rule text.
    from guidelog.checks import References, check_program

    kept = cache.load(guideline)  # an earlier run found no error in it; warnings are not kept
    program, report = (kept, Report([])) if kept is not None else _parsed(guideline)
    names = names_of(program)
    report.add(check_program(program, names, References(frozenset(guideline.references), guideline.unresolved)))
    if not report.errors:
        chosen = {name: r.chosen for name, r in names.readings.items()}
        grounded = ground(program, names, chosen)
        stratified = stratify(grounded)
        report.add(stratified if isinstance(stratified, list) else _second_reader(guideline, program, grounded))
        if not report.errors:
            report.add(_by_three_values(grounded))
    if kept is None and not report.errors:
        cache.store(guideline, program)
    return program, report


def _by_three_values(grounded: GroundProgram) -> list[Diagnostic]:
    """The interventions whose answers can stay open although all completions of a record agree."""
    found = diagrams_of(grounded).too_large()
    if not found:
        return []
    named = ", ".join(f"`{name}`" for name in found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    message = f"too much hangs together for exact answers about {named}: three values decide alone"
    hint = "such an answer may stay open though nothing unknown could change it; smaller groups of conclusions help"
    return [Diagnostic("GL503", message, severity=Severity.WARNING, hint=hint)]


def _second_reader(guideline: GuidelineFolder, program: Program, grounded: GroundProgram) -> list[Diagnostic]:
    """What the independent checker makes of a program that is right, compared with what the engine made of it."""
    try:
        same = read_by_checker(guideline, grounded.readings).program_sha256 == digest(program, grounded)
        problem = None if same else READERS_DISAGREE
    except ValueError as error:
        problem = f"the independent checker does not accept what the engine accepts: {error}"
    hint = "no answer can be certified; this is a defect of guidelog"
    return [] if problem is None else [Diagnostic("GL007", problem, hint=hint)]


def _parsed(guideline: GuidelineFolder) -> tuple[Program, Report]:
    """The program as far as it can be read, and what cannot."""
    from guidelog.language import parse

    program, problems = parse(*guideline.sources)
    return program, Report(list(problems))


def _checked(guideline: GuidelineFolder) -> Program:
    program, report = check(guideline)
    if report.errors:
        raise InputError(d for d in report.sorted() if d.severity is Severity.ERROR)
    return program


def choose_readings(names: Names, wanted: Mapping[str, str]) -> dict[str, str]:
    """Every reading with the option in force.

    Raises InputError (GL611) for a reading or option that is not declared.
    """
    chosen = {name: reading.chosen for name, reading in names.readings.items()}
    for name, option in wanted.items():
        known: Iterable[str] = names.readings[name].options if name in names.readings else names.readings
        word, says = name, f"there is no reading `{name}`"
        if name in names.readings:
            word, says = option, f"reading `{name}` has no option `{option}`"
        if word not in known:
            near = nearest(word, known)
            raise InputError.of(
                "GL611",
                says,
                hint=f"did you mean `{near}`?" if near else f"there are: {', '.join(known)}",
            )
        chosen[name] = option
    return chosen


def ask(
    compiled: Compiled,
    patient: Patient,
    interventions: Sequence[str] | None = None,
    *,
    asking: Container[str] | None = None,
) -> Answers:
    """The certified answers for a patient, about the given interventions or all.

    Questions that would settle an undetermined answer are worked out for the interventions in `asking`, or for all;
    they are most of the work. Raises InputError, CertificateError.
    """
    wanted = choose_interventions(compiled.names, interventions)
    facts, steps = settle(compiled, patient)
    world = World(compiled.ground, facts, compiled.evaluate(facts))
    questions = Questions(compiled.ground, facts)
    alarming = _alerts(compiled, world, wanted)
    outcomes = {name: _outcome(compiled, patient, world, name) for name in (*wanted, *alarming)}
    given = [
        _answer(compiled, world, questions if asking is None or name in asking else None, name, outcomes[name])
        for name in wanted
    ]
    alerts = [_answer(compiled, world, None, name, outcomes[name]) for name in alarming]
    notes = assembly.notes(world, [*wanted, *(alert.intervention for alert in alerts)])
    claims = _claims(compiled, world, [*given, *alerts], outcomes, notes)
    written = document.write(compiled, patient, facts, steps, claims)
    certify(compiled, patient, written)
    certified, first = (tuple(assembly.certified(world, answer) for answer in part) for part in (given, alerts))
    names, guideline = compiled.names, compiled.guideline
    return Answers(guideline, names, patient, facts, steps, certified, tuple(notes), written, world, first)


def _alerts(compiled: Compiled, world: World, wanted: Sequence[str]) -> list[str]:
    """The interventions that nobody asked about and whose answer is an emergency, which is never left out."""
    asked = set(wanted)
    return [name for name in compiled.alarming if name not in asked and status_in(world, name) in EMERGENCIES]


def _claims(
    compiled: Compiled,
    world: World,
    given: Sequence[Answer],
    outcomes: Mapping[str, Outcome],
    notes: Sequence[Note],
) -> list[dict[str, Any]]:
    """Every claim with its proofs. Raises CertificateError where the model has nothing to show for a value."""
    try:
        return document.claims(compiled, world, given, outcomes, notes)
    except UncertifiableError as error:
        raise CertificateError(str(error)) from error


def settle(compiled: Compiled, patient: Patient) -> tuple[Facts, tuple[Any, ...]]:
    """The patient's facts with screens closed and background propagated.

    Raises InputError (GL421) for a contradiction, at the lines concerned.
    """
    found = propagate(compiled.ground, close(patient, compiled.names.vocabulary))
    if isinstance(found, Contradiction):
        raise InputError([_contradiction(found, patient)])
    return found


MOST_CONTRADICTIONS = 20


def without_contradictions(compiled: Compiled, patient: Patient) -> Patient:
    """The record in which what contradicts itself counts as unknown, and is named among what was not read.

    An absence that was only assumed, because a screen is complete, gives way first. So what does not depend on the
    contradiction is still answered. It is the record itself where nothing contradicts. Raises InputError (GL421) where
    so much does that the record as a whole cannot be trusted.
    """
    vocabulary = compiled.names.vocabulary
    patient = without_remarked(compiled, patient)
    for _ in range(MOST_CONTRADICTIONS):
        found = propagate(compiled.ground, close(patient, vocabulary))
        if not isinstance(found, Contradiction):
            return patient
        told = {**patient.content.get("findings", {}), **patient.content.get("measures", {})}
        assumed = [name for name in found.recorded if name not in told]
        if assumed:  # what a screen was closed over gives way to what is recorded; the background may supply it
            patient = opened(patient, assumed, vocabulary)
            continue
        names = [name for name in found.recorded if told[name] != "unknown"]
        if not names:
            break  # background rules contradict each other, whatever is recorded
        says = found.denial.rule.annotation("says") or found.denial.rule.annotation("title")
        reason = f"{getattr(says, 'value', 'they cannot all be so')} ({found.denial.rule.id})"
        patient = set_aside(patient, names, reason, vocabulary)
    settle(compiled, patient)
    raise InputError.of("GL421", "the record contradicts itself in too many places to be answered")


def without_remarked(compiled: Compiled, patient: Patient) -> Patient:
    """The record in which entries that the guideline remarks on as impossible count as unknown, and are named."""
    if not compiled.ground.remarks:
        return patient
    vocabulary = compiled.names.vocabulary
    fixed = Model(compiled.ground.fixed, compiled.ground.fixed)
    world = World(compiled.ground, close(patient, vocabulary), fixed)
    for denial in compiled.ground.remarks:
        text = denial.rule.annotation("remark")
        if text is not None and all(value is True for value in world.values(denial)):
            patient = remarked(patient, inputs_of(denial), plain(text), vocabulary)
    return patient


def certify(compiled: Compiled, patient: Patient, written: Mapping[str, Any]) -> None:
    """Have the independent checker accept a certificate. Raises CertificateError when it does not."""
    identity = {"id": compiled.guideline.id, "version": compiled.guideline.version}
    try:
        rulebook = compiled.rulebook
    except ValueError as error:  # the checker has limits of its own, and its own reader
        raise CertificateError(str(error)) from error
    try:
        checker.check(written, rulebook, patient.content, guideline=identity)
    except checker.Rejected as error:
        raise CertificateError(str(error)) from error


def choose_interventions(names: Names, wanted: Sequence[str] | None) -> list[str]:
    """The interventions asked for, in order; all when none is named. Raises InputError (GL612)."""
    known = names.vocabulary.interventions
    for name in wanted or ():
        if name not in known:
            near = nearest(name, known)
            raise InputError.of(
                "GL612",
                f"there is no intervention `{name}`",
                hint=f"did you mean `{near}`?" if near else f"there are: {', '.join(known)}",
            )
    return list(dict.fromkeys(wanted)) if wanted else list(known)


def _outcome(compiled: Compiled, patient: Patient, world: World, intervention: str) -> Outcome:
    """What the answer is. Raises InputError (GL421) where the background leaves no patient that the record fits."""
    try:
        return outcome(compiled, world, intervention)
    except NobodyError as error:
        raise InputError([_nobody(world, patient, intervention)]) from error


def _answer(compiled: Compiled, world: World, questions: Questions | None, intervention: str, found: Outcome) -> Answer:
    status, because = found.status, found.because
    if because is None:
        cases = found.cases.get(Ranges.KEPT)
        return assembly.build(compiled.guideline, world, intervention, status, None, None, cases)
    asks = questions is not None and because is not Because.TOO_MANY_CASES
    open_ = questions.about(intervention) if questions is not None and asks else None
    return assembly.build(compiled.guideline, world, intervention, status, because, open_)


def _nobody(world: World, patient: Patient, intervention: str) -> Diagnostic:
    """The diagnostic for a record that contradicts several background rules together."""
    denials = Cone(world.program, world.facts, intervention).denials
    inputs = dict.fromkeys(name for denial in denials for name in inputs_of(denial) if name in patient.spans)
    places = tuple(Label(patient.spans[name]) for name in inputs)
    ids = ", ".join(dict.fromkeys(denial.rule.id or "" for denial in denials))
    said = " and ".join(f"`{name}`" for name in inputs) or "the record"
    return Diagnostic("GL421", f"no patient can be like this: {said}", places, notes=(f"background rules {ids}",))


def _contradiction(found: Contradiction, patient: Patient) -> Diagnostic:
    places = tuple(Label(patient.spans[n]) for n in found.inputs if n in patient.spans)
    says = found.denial.rule.annotation("says") or found.denial.rule.annotation("title")
    notes = (f"background rule {found.denial.rule.id}: {getattr(says, 'value', '')}",)
    inputs = " and ".join(f"`{n}`" for n in found.inputs)
    return Diagnostic("GL421", f"the record contradicts itself: {inputs}", places, notes=notes)
