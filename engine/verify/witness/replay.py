"""The engine's own answer for a made-up patient: evaluated by pyDatalog, certified, without looking for questions.

`certified` gives the statuses that `pipeline.ask` gives, why an open one is open and which rules are behind it, with a
certificate that the independent checker accepted. It leaves out what a witness does not need: wording, notes, and the
questions that would settle an answer, which in a large guideline take far longer than everything else. Where rules are
many, only those below the answers wanted are evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guidelog import checker
from guidelog.certificate import build as document
from guidelog.certificate.outcomes import NobodyError, Outcome, outcome
from guidelog.compiled import Compiled
from guidelog.diagnostics import CertificateError
from guidelog.explain.answers import Answer, Answers
from guidelog.ground.program import Ranges
from guidelog.language.stances import STANCES
from guidelog.patients import Patient, close
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.case_trees import leaves
from guidelog.semantics.kleene import World
from guidelog.semantics.one_patient import circuits_of
from guidelog.semantics.status import Status, deciding, stances_in

MANY_RULES = 300
"""From here on a part of the rules is taken out first; below, that would take longer than it saves."""


class Disagreement(Exception):
    """The search and the engine say different things about one patient.

    A defect of the program, and no result is given.
    """


def certified(compiled: Compiled, patient: Patient, interventions: Sequence[str] | None = None) -> Answers:
    """Certified answers about some interventions or all.

    Raises Disagreement when the record contradicts the background, CertificateError when the checker does not accept
    the certificate.
    """
    wanted = list(interventions or compiled.names.vocabulary.interventions)
    return _certified(part_of(compiled, wanted), patient, wanted)


def certified_quickly(compiled: Compiled, patient: Patient, interventions: Sequence[str] | None = None) -> Answers:
    """The same by circuits in place of pyDatalog, for large guidelines and many patients.

    Certified by the same checker. Raises as `certified` does.
    """
    return _certified(compiled.on(circuits_of), patient, list(interventions or compiled.names.vocabulary.interventions))


def _certified(part: Compiled, patient: Patient, wanted: Sequence[str]) -> Answers:
    settled = propagate(part.ground, close(patient, part.names.vocabulary))
    if isinstance(settled, Contradiction):
        raise Disagreement(f"the record of `{patient.id}` contradicts a background rule")
    facts, steps = settled
    world = World(part.ground, facts, part.evaluate(facts))
    try:
        outcomes = {name: outcome(part, world, name) for name in wanted}
    except NobodyError as error:
        raise Disagreement(f"the record of `{patient.id}` contradicts the background rules together") from error
    given = [_answer(world, name, found) for name, found in outcomes.items()]
    written = document.write(part, patient, facts, steps, document.claims(part, world, given, outcomes, ()))
    try:
        identity = {"id": part.guideline.id, "version": part.guideline.version}
        checker.check(written, part.rulebook, patient.content, guideline=identity)
    except checker.Rejected as error:
        raise CertificateError(str(error)) from error
    marked = tuple(replace(answer, certified=True) for answer in given)
    return Answers(part.guideline, part.names, patient, facts, steps, marked, (), written, world)


def part_of(compiled: Compiled, interventions: Sequence[str]) -> Compiled:
    """The guideline as far as these answers rest on it, where that is worth while."""
    return compiled if len(compiled.ground.clauses) < MANY_RULES else compiled.about(interventions)


def _answer(world: World, intervention: str, found: Outcome) -> Answer:
    status, because = found.status, found.because
    cases = found.cases.get(Ranges.KEPT)
    worlds = [world] if cases is None else list(leaves(cases))
    behind = dict.fromkeys(rule for w in worlds for rule in _behind(w, intervention, status))
    return Answer(
        intervention=intervention,
        label=world.program.names.vocabulary.interventions[intervention].label,
        status=status,
        because=because,
        says="",
        rules=tuple(behind),
        statements=(),
        citations=(),
        unresolved=(),
        strength=None,
        decisions=(),
        rests_on=(),
        if_resolved=(),
        questions=None,
        includes=(),
    )


def _behind(world: World, intervention: str, status: Status) -> dict[str, None]:
    """The ids of the rules behind an answer, as `ask` names them before it knows which questions are open."""
    found: dict[str, None] = {}
    stances = [stance for stance, value in stances_in(world, intervention).items() if value is True]
    decides = deciding(stances, status)
    for stance in STANCES:
        for rule in world.program.instances.get(("advise", intervention, stance), ()):
            values = world.values(rule)
            if status is Status.UNDETERMINED:
                behind = False not in values
            else:
                behind = set(values) <= {True} and stance in decides
            if behind:
                found.setdefault(rule.rule.id or "")
    return found
