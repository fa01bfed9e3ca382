"""The lumbar guideline and its vignettes, compiled once, and short ways to ask: shared by the tests of explanations."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from guidelog import pipeline
from guidelog.certificate.outcomes import outcome
from guidelog.compiled import Compiled
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.questions import Questions
from guidelog.language.guideline import read_guideline
from guidelog.patients import Patient, patient_from_content, read_patient, read_text
from guidelog.semantics.cone import all_cuts
from guidelog.semantics.kleene import World
from guidelog.semantics.one_patient import circuits_of

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"


@cache
def lumbar() -> Compiled:
    return pipeline.compile_guideline(read_guideline(KB))


@cache
def vignette(name: str) -> Patient:
    return read_patient(read_text(KB / "vignettes" / f"{name}.yaml"), lumbar().names.vocabulary)


@cache
def answers_for(name: str) -> Answers:
    return pipeline.ask(lumbar(), vignette(name))


def patient(content: dict[str, Any], compiled: Compiled | None = None) -> Patient:
    return patient_from_content(content, (compiled or lumbar()).names.vocabulary)


def uncertified(compiled: Compiled, record: Patient) -> Answers:
    """The answers without their certificate, which has tests of its own and costs more than the rest."""
    facts, steps = pipeline.settle(compiled, record)
    world = World(compiled.ground, facts, circuits_of(compiled.ground).model(facts))
    questions = Questions(compiled.ground, facts)
    given = tuple(
        pipeline._answer(compiled, world, questions, n, outcome(compiled, world, n))
        for n in compiled.names.vocabulary.interventions
    )
    return Answers(compiled.guideline, compiled.names, record, facts, steps, given, (), {}, world)


def answer_in(answers: Answers, intervention: str) -> Answer:
    return next(a for a in answers.answers if a.intervention == intervention)


def main_answers(answers: Answers) -> list[Answer]:
    return [a for a in answers.answers if a.intervention in answers.guideline.main]


def replies(answers: Answers, names: list[str]) -> list[dict[str, Any]]:
    """All replies to questions about inputs, as record entries: findings either way, measures on each side of each threshold."""
    program, vocabulary = answers.world.program, answers.names.vocabulary
    cuts = all_cuts((*(r for rules in program.instances.values() for r in rules), *program.denials))
    choices: list[list[Any]] = []
    for name in names:
        if name in vocabulary.findings:
            choices.append(["present", "absent"])
            continue
        measure, interval = vocabulary.measures[name], answers.facts.measures[name]
        ends = [interval.low, *(c for c in cuts.get(name, ()) if interval.low < c <= interval.high)]
        choices.append([round(t / measure.ticks, 3) if t % measure.ticks else t // measure.ticks for t in ends])
    return [dict(zip(names, values, strict=True)) for values in product(*choices)]


def with_replies(answers: Answers, given: dict[str, Any]) -> dict[str, Any]:
    """The record with replies entered."""
    content = dict(answers.patient.content)
    for name, value in given.items():
        part = "findings" if name in answers.names.vocabulary.findings else "measures"
        content[part] = {**content.get(part, {}), name: value}
    return content


def members(answers: Answers, group: tuple[str, ...]) -> list[str]:
    """The unknown inputs that a set of questions asks about."""
    found: list[str] = []
    for question in group:
        if question.startswith("screen:"):
            screen = answers.names.vocabulary.screens[question.removeprefix("screen:")]
            found += [m for m in screen.members if not answers.facts.known(m)]
        else:
            found.append(question)
    return found
