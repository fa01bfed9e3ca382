"""What the clinician's page shows about a record, as plain data: made in one go where patients are evaluated.

`view` is a task of the desk: it takes what stands in the form, asks, and gives back words only, so that it may run in
another process. Answers in it were certified there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import CertificateError
from guidelog.diagrams.drawing.paint import PaintError
from guidelog.diagrams.patient.record_words import recorded
from guidelog.diagrams.pictures import patient_picture
from guidelog.explain.answers import Answers
from guidelog.explain.description import Description, describe
from guidelog.language.names import Decision
from guidelog.patients import remarks

from ..picture import inline_pages
from . import answer_cards as cards
from .answer_cards import Ask, Card
from .entry import Entry, Problem, read_record
from .form import Front, Group, form, front
from .live import Live, look
from .summary import Summary, in_order, summary

TAKEN = "; assumed: "
"""How `fhir` writes into the source of a fact what it took for granted."""
REJECTED = (
    "No answer: the independent checker rejected the certificate. This is a defect of guidelog, not of the record; "
    "please report it."
)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a complete screen made absent although the record does not list it."""

    screen: str
    label: str
    absent: str
    count: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The answers about one record. `said` is what has changed, for a screen reader."""

    patient: str
    as_of: str
    sha256: str
    remarks: tuple[str, ...]
    summary: Summary
    cards: tuple[Card, ...]
    tally: str
    next: Ask | None
    next_kind: str
    next_settles: str
    next_may_settle: bool
    facts: tuple[str, ...]
    assumed: tuple[Assumed, ...]
    taken: tuple[tuple[str, str], ...]
    concluded: tuple[tuple[str, str, str], ...]
    description: Description
    decisions: tuple[Decision, ...]
    unresolved: tuple[int, ...]
    statuses: str
    said: str
    picture: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with the record: the id of the field, its label, what is wrong."""

    field: str
    label: str
    says: str


@dataclass(frozen=True, slots=True)
class View:
    """The form, and the answers or why there are none."""

    front: Front | None
    groups: tuple[Group, ...]
    troubles: tuple[Trouble, ...]
    shown: Shown | None
    failed: str = ""
    loose: tuple[tuple[str, str], ...] = ()
    """Sources of whole screens, which have no question of their own to stand with."""


def view(compiled: Compiled, entry: Entry, before: Mapping[str, str], pathway: bool) -> View:
    """The page about a record; with a picture of the pathway when it is wanted."""
    patient, problems = read_record(entry, compiled.names.vocabulary)
    live: Live | None = None
    failed = ""
    if patient is not None:
        try:
            live, contradictions = look(compiled, patient, entry)
            problems += contradictions
        except CertificateError:
            failed = REJECTED
    groups = form(compiled, entry, live, problems)
    troubles = tuple(_trouble(compiled, p) for p in problems)
    shown = shown_of(compiled, live, before, pathway) if live else None
    loose = tuple((n, text) for n, text in entry.sources.items() if n in compiled.names.vocabulary.screens)
    asked, rest = front(compiled, live, groups)
    return View(asked, rest, troubles, shown, failed, loose)


def certificate(compiled: Compiled, entry: Entry) -> str | None:
    """The accepted certificate of a record's answers as JSON; None when there are none. Raises CertificateError."""
    patient, problems = read_record(entry, compiled.names.vocabulary)
    live, wrong = look(compiled, patient, entry) if patient and not problems else (None, ())
    if wrong:  # the answers are about a record without what contradicts itself, which is not what the form says
        return None
    return json.dumps(live.answers.certificate, ensure_ascii=False, indent=1) if live else None


def shown_of(compiled: Compiled, live: Live, before: Mapping[str, str], pathway: bool) -> Shown:
    """All that the page says of accepted answers; `before` are the statuses that it showed last."""
    answers, names = live.answers, compiled.names
    ordered = in_order(answers, compiled.guideline.main)
    shown = tuple(cards.card(answers, a) for a in ordered)
    question = live.next
    kind = ""
    if question:
        single = question.question in names.vocabulary.findings
        kind = "screen" if question.question.startswith("screen:") else "finding" if single else "measure"
    return Shown(
        answers.patient.id,
        answers.patient.as_of.isoformat() if answers.patient.as_of else "",
        answers.patient.sha256,
        tuple(f"{wording.sentence(r.message)}; {r.hint}" for r in remarks(answers.patient)),
        summary(compiled, answers, shown, question),
        shown,
        cards.tally(shown),
        Ask(question.question, question.says) if question else None,
        kind,
        _listed(_labels(answers, question.settles or question.bears_on)) if question else "",
        bool(question and question.settles),
        record_words(answers),
        assumed(answers),
        taken(answers),
        concluded(answers),
        describe(answers),
        tuple(answers.decisions()),
        tuple(sorted({c for a in answers.answers for c in a.unresolved})),
        cards.statuses_text(answers),
        cards.changes(before, answers),
        _picture(compiled, answers) if pathway else "",
    )


def record_words(answers: Answers) -> tuple[str, ...]:
    """The record in words, all of it."""
    names, patient = answers.names, answers.patient
    lines = []
    for word, value in (("Present", True), ("Absent", False), ("Asked, and not known", None)):
        listed = [wording.label_of(n, names) for n, said in patient.findings.items() if said is value]
        lines += [f"{word}: {', '.join(listed)}."] if listed else []
    for name in patient.measures:
        label = wording.sentence(wording.label_of(name, names))
        lines.append(f"{label}: {recorded(name, answers.facts, answers.world).removeprefix('recorded: ')}.")
    lines += [f"{wording.sentence(wording.label_of(n, names))}, from: {text}." for n, text in patient.sources.items()]
    complete = [wording.label_of(screen, names) for screen in patient.screens]
    lines += [f"Recorded as complete: {', '.join(complete)}."] if complete else []
    return tuple(lines) or ("Nothing is recorded.",)


def assumed(answers: Answers) -> tuple[Assumed, ...]:
    """For each complete screen, what it made absent although the record does not list it."""
    names = answers.names
    return tuple(
        Assumed(
            screen,
            wording.label_of(screen, names),
            ", ".join(wording.label_of(m, names) for m in members),
            len(members),
        )
        for screen, members in answers.facts.closed.items()
        if members
    )


def taken(answers: Answers) -> tuple[tuple[str, str], ...]:
    """What was assumed when a record of another system was read, as its sources say: label, assumption."""
    found = ((name, text.partition(TAKEN)[2]) for name, text in answers.patient.sources.items())
    return tuple((wording.label_of(name, answers.names), text) for name, text in found if text)


def concluded(answers: Answers) -> tuple[tuple[str, str, str], ...]:
    """What background rules added: label, why, rule."""
    found = []
    for step in answers.propagated:
        rule = step.denial.rule
        says = rule.annotation("says") or rule.annotation("title")
        found.append((wording.label_of(step.name, answers.names), str(getattr(says, "value", "")), rule.id or ""))
    return tuple(found)


def _picture(compiled: Compiled, answers: Answers) -> str:
    try:
        return "".join(inline_pages(patient_picture(compiled, answers), "pathway"))
    except PaintError:
        return ""


def _labels(answers: Answers, interventions: Iterable[str]) -> list[str]:
    listed = [wording.label_of(i, answers.names) for i in interventions]
    return listed if len(listed) <= 4 else [*listed[:3], f"{len(listed) - 3} more"]


def _listed(words: Iterable[str]) -> str:
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _trouble(compiled: Compiled, problem: Problem) -> Trouble:
    vocabulary = compiled.names.vocabulary
    if problem.name in ("patient", "as_of"):
        label = {"patient": "Patient", "as_of": "Date of the record"}[problem.name]
        return Trouble(problem.name, label, problem.says)
    if not problem.name:
        return Trouble("", "", problem.says)
    declared = vocabulary.findings.get(problem.name) or vocabulary.measures[problem.name]
    return Trouble(f"q-{problem.name}", wording.sentence(declared.label), problem.says)
