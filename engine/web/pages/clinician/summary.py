"""What stands first on the clinician's page: a verdict, what to do today, what comes later, where the patient is.

Statuses and sentences are those of the certified answers; nothing is decided here, only put in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.patient.statuses import Overlaying
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.changes.when import when
from guidelog.explain.questions.next import Next
from guidelog.pipeline import ask
from guidelog.semantics.status import Status

from .answer_cards import Card

ALARMS = (Status.EMERGENCY_PATHWAY, Status.URGENT)
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Section:
    """Answers under one heading, in the guideline's order; `key` is the end of its id in the page."""

    key: str
    title: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A box of the pathway: its title, a word on where it stands for this patient, and its look in the style sheet."""

    title: str
    word: str
    look: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """The first screen. `alarms` are answers that cannot wait; `subject` the answer that the verdict is about."""

    verdict: str
    detail: str
    alarms: tuple[Card, ...]
    subject: Card | None
    sections: tuple[Section, ...]
    places: tuple[Place, ...]
    dates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates_if: str = ""


def summary(compiled: Compiled, answers: Answers, cards: Sequence[Card], question: Next | None) -> Summary:
    """The first screen of a record's answers."""
    alarms = tuple(c for c in cards if c.answer.status in ALARMS)
    main = [c for c in cards if c.name in compiled.guideline.main] or list(cards)
    open_ = [c for c in main if c.answer.status is Status.UNDETERMINED]
    settled = set(question.settles or question.bears_on) if question else set()
    subject = next((c for c in open_ if c.name in settled), open_[0] if open_ else main[0] if main else None)
    verdict, detail = _verdict(answers, alarms, subject, main)
    dates, assumption = _dates(compiled, answers)
    return Summary(
        verdict,
        detail,
        alarms,
        subject,
        tuple(_sections(cards, bool(alarms))),
        tuple(_places(compiled, answers)),
        dates,
        assumption,
    )


def _verdict(answers: Answers, alarms: Sequence[Card], subject: Card | None, main: Sequence[Card]) -> tuple[str, str]:
    """One sentence to act on, and one more to understand it."""
    if alarms:
        return wording.sentence(alarms[0].answer.says) + ".", ""
    if subject is None:
        return "The guideline has no answer.", ""
    if subject.answer.status is Status.UNDETERMINED:
        outcomes = wording.alternatives(wording.OUTCOME[s] for s in subject.answer.if_resolved)
        first = f"{subject.label}: {outcomes}." if outcomes else f"{subject.label}: not settled."
        asked = subject.answer.questions[0] if subject.answer.questions else ()
        if not asked:
            return first, subject.judgement
        return f"{first} {_depends(answers, asked[0])}", ""
    now = [c.label for c in main if c.answer.status is Status.RECOMMENDED]
    wait = [c.label for c in main if c.answer.status in (Status.NOT_NOW, Status.AVOID)]
    if now:
        return f"Now: {_some(now)}.", f"Not now: {_some(wait)}." if wait else ""
    return f"{subject.label}: {subject.word}.", wording.sentence(subject.answer.says) + "."


def _depends(answers: Answers, name: str) -> str:
    if name.startswith("screen:"):
        return f"{wording.sentence(wording.label_of(name.removeprefix('screen:'), answers.names))} is not complete."
    return f"First: {wording.inner(wording.question(name, answers.names))}"


def _some(labels: Sequence[str]) -> str:
    shown = [wording.inner(label) for label in labels[:MOST_NAMED]]
    more = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _sections(cards: Sequence[Card], alarmed: bool) -> list[Section]:
    titles: tuple[tuple[str, str, tuple[Status, ...]], ...] = (
        ("today", "After the emergency: do" if alarmed else "Do today", (Status.RECOMMENDED,)),
        ("conflict", "The guideline contradicts itself here", (Status.CONFLICT,)),
        ("consider", "To consider", (Status.CONSIDER,)),
        ("open", "Not settled yet", (Status.UNDETERMINED,)),
        ("later", "Later", (Status.NOT_NOW,)),
        ("avoid", "Advised against", (Status.AVOID,)),
        ("outside", "Outside this guideline", (Status.OUTSIDE_GUIDELINE,)),
    )
    found = ((key, title, tuple(c for c in cards if c.answer.status in listed)) for key, title, listed in titles)
    return [Section(key, title, listed) for key, title, listed in found if listed]


def _dates(compiled: Compiled, answers: Answers) -> tuple[dict[str, tuple[str, ...]], str]:
    """The first days on which answers change by the passing of time alone; and on what condition."""
    if answers.patient.as_of is None:
        return {}, ""
    try:
        forecast = when(answers, partial(ask, compiled))
    except InputError:
        return {}, ""
    found: dict[str, tuple[str, ...]] = {}
    for event in forecast.events:
        day = event.day.strftime("%-d %b %Y")
        if event.earliest:
            day = f"between {event.earliest.strftime('%-d %b %Y')} and {day}"
        line = f"{day}: {wording.OUTCOME[Status(event.after)]}"
        if event.after == Status.UNDETERMINED.value:
            line = f"{day}: {wording.inner(event.says)}"
        found[event.intervention] = (*found.get(event.intervention, ()), line)
    return found, wording.if_time_passes(forecast.assumptions) if found and forecast.assumptions else ""


_STATES = {palette.REACHED: ("passed", "yes"), palette.UNKNOWN: ("ask", "not known")}
_LOOKS = {
    Status.EMERGENCY_PATHWAY: "alarm",
    Status.URGENT: "alarm",
    Status.RECOMMENDED: "now",
    Status.CONFLICT: "ask",
    Status.UNDETERMINED: "ask",
    Status.CONSIDER: "consider",
}
"""Gravest first: a box with several interventions is shown as the first of these that one of them has."""


def _places(compiled: Compiled, answers: Answers) -> list[Place]:
    """The trunk of the pathway in order; the patient is at the first box that asks or tells something."""
    pathway = infer(compiled)
    marks = Overlaying(pathway, answers).overlay().nodes
    statuses = {a.intervention: a.status for a in answers.answers}
    found: list[Place] = []
    for node in (step.node for phase in pathway.phases for step in phase.steps):
        if node.interventions:
            mine = {statuses[name] for name, _ in node.interventions if name in statuses}
            status = next((s for s in _LOOKS if s in mine), next(iter(mine), Status.NOT_NOW))
            look, word = _LOOKS.get(status, "ahead"), wording.STATUS[status]
        else:
            mark = marks.get(node.key)
            look, word = _STATES.get(mark.look, ("ahead", "")) if mark else ("ahead", "")
            if mark and not word and mark.word:
                word = mark.word.partition(":")[0].lower()
        found.append(Place(node.title, word, look))
    here = next((p for p in found if p.look == "alarm"), None)
    here = here or next((p for p in found if p.look in ("ask", "now", "consider")), None)
    return [replace(p, here=p is here) for p in found]


def in_order(answers: Answers, main: Sequence[str]) -> tuple[Answer, ...]:
    """All answers and emergencies that nobody asked about, the guideline's main interventions first."""
    rank = {name: place for place, name in enumerate(main)}
    listed = (*answers.alerts, *answers.answers)
    return tuple(sorted(listed, key=lambda a: rank.get(a.intervention, len(rank))))
