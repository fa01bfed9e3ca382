"""How many questions settle an answer: the best next question against asking in the order of a form.

    python benchmarks/questions.py [PATIENTS]

Random patients, of whom nothing is known at first: every measure lies anywhere around the thresholds of the rules,
every finding is present or absent with equal weight. In the second table the members of the red flag screen are each
present in one patient of fifty, as in practice, where most screens find nothing. A screen is one question, and its
reply tells all of its members; the form asks every input by itself, in order of declaration, and stops as soon as the
answer is settled.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from statistics import mean

from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.explain.questions import Questions
from guidelog.explain.questions.next import next_question
from guidelog.language.guideline import read_guideline
from guidelog.patients import Patient, close, patient_from_content
from guidelog.semantics.cone import all_cuts
from guidelog.semantics.kleene import World
from guidelog.semantics.one_patient import circuits_of
from guidelog.semantics.status import Because

KB = Path(__file__).parent.parent / "kb" / "lumbar_radiculopathy"
RARE = "red_flags"


def main() -> None:
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    compiled = pipeline.compile_guideline(read_guideline(KB))
    seen: dict[object, str | None] = {}
    for title, rare in (("red flags as likely as not", 0.5), ("each red flag in 1 patient of 50", 0.02)):
        print(f"\nmean questions until settled, {patients} random patients, {title}\n")
        print("| answer about | best next question | most | form order |\n|---|---:|---:|---:|")
        for intervention in compiled.guideline.main:
            draw = random.Random(20251113)  # noqa: S311 - not for secrets
            truths = [truth(compiled, draw, rare) for _ in range(patients)]
            best = [asked(compiled, intervention, t, seen) for t in truths]
            form = mean(in_order(compiled, intervention, t) for t in truths)
            print(f"| {intervention} | {mean(best):.1f} | {max(best)} | {form:.1f} |")


def truth(compiled: Compiled, draw: random.Random, rare: float) -> dict[str, object]:
    """A patient of whom everything is known, who breaks no background rule; `rare` is the share with each red flag."""
    vocabulary = compiled.names.vocabulary
    flags = set(vocabulary.screens[RARE].members)
    cuts = all_cuts(r for rules in compiled.ground.instances.values() for r in rules)
    while True:
        found: dict[str, object] = {
            n: "present" if draw.random() < (rare if n in flags else 0.5) else "absent" for n in vocabulary.findings
        }
        for name, measure in vocabulary.measures.items():
            edges = [measure.low, *(-(-cut // measure.ticks) for cut in cuts.get(name, ())), measure.high]
            place = draw.randrange(len(edges) - 1)
            found[name] = draw.randint(edges[place], max(edges[place], edges[place + 1] - 1))
        try:
            pipeline.settle(compiled, record(compiled, found))
        except InputError:  # a contradiction with the background: draw again
            continue
        else:
            return found


def answers_of(compiled: Compiled, intervention: str, known: dict[str, object]) -> Answers:
    """The answer without its certificate."""
    patient = record(compiled, known)
    facts, steps = pipeline.settle(compiled, patient)
    world = World(compiled.ground, facts, compiled.evaluate(facts))
    questions = Questions(compiled.ground, facts)
    answer = pipeline._answer(compiled, world, questions, intervention)  # noqa: SLF001 - what `ask` does, uncertified
    return Answers(compiled.guideline, compiled.names, patient, facts, steps, (answer,), (), {}, world)


def record(compiled: Compiled, known: dict[str, object]) -> Patient:
    """A patient of whom this is known."""
    vocabulary = compiled.names.vocabulary
    content: dict[str, object] = {"patient": "random"}
    content["findings"] = {n: v for n, v in known.items() if n in vocabulary.findings}
    content["measures"] = {n: v for n, v in known.items() if n in vocabulary.measures}
    return patient_from_content({k: v for k, v in content.items() if v}, vocabulary)


def asked(compiled: Compiled, intervention: str, patient: dict[str, object], seen: dict[object, str | None]) -> int:
    """How many of the best next questions it takes; `seen` keeps the question for what is known."""
    known: dict[str, object] = {}
    for count in range(1000):
        key = (intervention, tuple(sorted(known.items(), key=str)))
        if key not in seen:
            question = next_question(answers_of(compiled, intervention, known), [intervention])
            seen[key] = question.question if question else None
        name = seen[key]
        if name is None:
            return count
        screen = compiled.names.vocabulary.screens.get(name.removeprefix("screen:"))
        members = screen.members if screen and name.startswith("screen:") else (name,)
        known |= {m: patient[m] for m in members}
    raise AssertionError("an interview without an end")


def in_order(compiled: Compiled, intervention: str, patient: dict[str, object]) -> int:
    """How many of a form's questions it takes, in order of declaration."""
    known: dict[str, object] = {}
    circuits = circuits_of(compiled.ground)
    form = declared(compiled)
    for count, name in enumerate(form):
        facts = close(record(compiled, known), compiled.names.vocabulary)
        answer = next(a for a in circuits.answers(facts) if a.intervention == intervention)
        if answer.because is not Because.MISSING_DATA:
            return count
        known[name] = patient[name]
    return len(form)


def declared(compiled: Compiled) -> list[str]:
    """Findings and measures as the guideline's vocabulary has them."""
    return [d.name for d in compiled.program.declarations if d.keyword in ("finding", "measure")]


if __name__ == "__main__":
    main()
