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
from guidelog.compiled import Compiled
from guidelog.diagnostics import CertificateError
from guidelog.explain.answers import Answer, Answers
from guidelog.ground.program import Ranges
from guidelog.language.stances import STANCES
from guidelog.patients import Patient, close
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.kleene import World
from guidelog.semantics.one_patient import circuits_of
from guidelog.semantics.status import Because, Status, deciding, stances_in, status_in

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
    given = [_answer(part, world, name) for name in wanted]
    written = document.write(part, patient, facts, steps, document.claims(part, world, given, ()))
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


def _answer(compiled: Compiled, world: World, intervention: str) -> Answer:
    status = status_in(world, intervention)
    because = None
    if status is Status.UNDETERMINED:
        ends = [document.at_end(compiled, world, ranges) for ranges in (Ranges.LOW, Ranges.HIGH)]
        data = any(status_in(end, intervention) is Status.UNDETERMINED for end in ends)
        because = Because.MISSING_DATA if data else Because.GUIDELINE_RANGE
    return Answer(
        intervention=intervention,
        label=world.program.names.vocabulary.interventions[intervention].label,
        status=status,
        because=because,
        says="",
        rules=tuple(_behind(world, intervention, status)),
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
