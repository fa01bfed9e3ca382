"""A patient's record and answers in few words, for the foot and the title of a page."""

from __future__ import annotations

from guidelog.explain.answers import Answers
from guidelog.patients import Facts, Interval
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Status
from guidelog.wording import question, sentence

MOST_FACTS, MOST_QUESTIONS = 14, 6


def recorded(name: str, facts: Facts, world: World) -> str:
    """What the record has of a measure, in its unit."""
    measure = world.program.names.vocabulary.measures[name]
    interval: Interval = facts.measures[name]
    low, high = measure.low * measure.ticks, measure.high * measure.ticks

    def number(ticks: int) -> str:
        return f"{ticks / measure.ticks:.3f}".rstrip("0").rstrip(".")

    if (interval.low, interval.high) == (low, high) and low != high:
        return "not recorded"
    assumed = "assumed, its screen is complete: " if name in facts.assumed else "recorded: "
    if interval.low == interval.high:
        return f"{assumed}{number(interval.low)} {measure.unit}s"
    if interval.high == high:
        return f"{assumed}at least {number(interval.low)} {measure.unit}s"
    if interval.low == low:
        return f"{assumed}at most {number(interval.high)} {measure.unit}s"
    return f"{assumed}between {number(interval.low)} and {number(interval.high)} {measure.unit}s"


def facts_used(answers: Answers) -> tuple[str, ...]:
    """The record in labels: present, absent, measures; with what was left out counted."""
    vocabulary = answers.names.vocabulary
    lines: list[str] = []
    listed = answers.patient.findings
    present = [vocabulary.findings[n].label for n, v in listed.items() if v is True]
    absent = [vocabulary.findings[n].label for n, v in listed.items() if v is False]
    for word, names in (("Present", present), ("Absent", absent)):
        if names:
            more = f" and {len(names) - MOST_FACTS} more" if len(names) > MOST_FACTS else ""
            lines.append(f"{word}: {', '.join(names[:MOST_FACTS])}{more}.")
    for name in answers.patient.measures:
        label = vocabulary.measures[name].label
        lines.append(f"{sentence(label)}: {recorded(name, answers.facts, answers.world).removeprefix('recorded: ')}.")
    for screen, members in answers.facts.closed.items():
        label = vocabulary.screens[screen].label
        lines.append(f"{sentence(label)} is complete: {len(members)} assumed absent.")
    for step in answers.propagated:
        shown = "present" if step.value is True else "absent" if step.value is False else "narrowed"
        known = vocabulary.findings.get(step.name) or vocabulary.measures[step.name]
        lines.append(f"{sentence(known.label)}: {shown}, by background rule {step.denial.rule.id}.")
    return tuple(lines) or ("Nothing is recorded.",)


def ask_next(answers: Answers) -> tuple[str, ...]:
    """The questions that would settle what is open, main interventions first."""
    order = list(answers.guideline.main)
    open_ = [a for a in answers.answers if a.status is Status.UNDETERMINED]
    open_.sort(key=lambda a: order.index(a.intervention) if a.intervention in order else len(order))
    asked: dict[str, list[str]] = {}
    for answer in open_:
        for name in answer.questions[0] if answer.questions else ():
            asked.setdefault(name, []).append(answer.label)
    lines = []
    for number, (name, about) in enumerate(list(asked.items())[:MOST_QUESTIONS], 1):
        first = ", ".join(about[:2]) + (f" and {len(about) - 2} more" if len(about) > 2 else "")
        lines.append(f"{number}. {question(name, answers.names)} Bears on: {first}.")
    if len(asked) > MOST_QUESTIONS:
        lines.append(f"and {len(asked) - MOST_QUESTIONS} more")
    ranges = [a.label for a in open_ if a.because is not None and a.because.value == "guideline_range"]
    if ranges:
        lines.append(f"Left to judgement by the guideline: {', '.join(ranges)}.")
    return tuple(lines) or ("Nothing is open.",)
