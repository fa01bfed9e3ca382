"""Everything about one answer: why, why not, what is missing, when it changes, and what would change it.

`explain` is a task of the desk, as `view` is. Searches are bounded by themselves; the days and ways that are shown were
each asked through `ask`, certificate and all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing.paint import PaintError
from guidelog.diagrams.pictures import proof_picture, refusal_picture
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.changes import Change
from guidelog.explain.changes.smallest import Ways, ways_to
from guidelog.explain.changes.when import when
from guidelog.language.names import Decision
from guidelog.language.stances import STANCES_FOR
from guidelog.pipeline import ask
from guidelog.semantics.status import STATUS_OF_STANCE, Status

from ..picture import inline_pages
from .answer_cards import Card, card
from .entry import Entry, read_record
from .live import look
from .view import Assumed, assumed, concluded, record_words

MOST_WAYS = 4


@dataclass(frozen=True, slots=True)
class Way:
    """One smallest set of changes that reaches a status, by who can make them."""

    steps: tuple[tuple[str, tuple[Change, ...]], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """How a status could be reached; `more` ways are not listed, `decided` when the search came to its end."""

    status: Status
    ways: tuple[Way, ...]
    more: int
    decided: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """One answer with everything behind it. `days` are date, change and reason; `no_days` why there are none."""

    patient: str
    as_of: str
    card: Card
    facts: tuple[str, ...]
    assumed: tuple[Assumed, ...]
    concluded: tuple[tuple[str, str, str], ...]
    targets: tuple[Target, ...]
    days: tuple[tuple[str, str, str], ...]
    assumptions: tuple[str, ...]
    no_days: str
    decisions: tuple[Decision, ...]
    pictures: tuple[tuple[str, str], ...]


def explain(compiled: Compiled, entry: Entry, intervention: str) -> Explanation | None:
    """The explanation of one answer; None when the record has none. Raises InputError, CertificateError."""
    patient, _ = read_record(entry, compiled.names.vocabulary)
    live = look(compiled, patient, entry)[0] if patient else None
    answers = live.answers if live else None
    answer = next((a for a in answers.answers if a.intervention == intervention), None) if answers else None
    if answers is None or answer is None:
        return None
    days, assumptions, no_days = _days(compiled, answers, answer)
    shown = card(answers, answer)
    return Explanation(
        answers.patient.id,
        answers.patient.as_of.isoformat() if answers.patient.as_of else "",
        shown,
        record_words(answers),
        assumed(answers),
        concluded(answers),
        tuple(_targets(answers, answer)),
        days,
        assumptions,
        no_days,
        tuple(d for d in answers.names.decisions.values() if d.id in answer.decisions),
        tuple(_pictures(compiled, answers, answer, refused=bool(shown.routes))),
    )


def _targets(answers: Answers, answer: Answer) -> list[Target]:
    """The statuses that the guideline could give here, and the ways there."""
    program = answers.world.program
    possible = [STATUS_OF_STANCE[s] for s in STANCES_FOR if ("advise", answer.intervention, s) in program.instances]
    found = []
    for status in (*possible, Status.NOT_NOW):
        if status is not answer.status:
            try:
                ways = ways_to(answers, answer.intervention, status)
            except ImportError:  # the solver is native: a page without a server says that it did not search
                found.append(Target(status, (), 0, decided=False))
                continue
            if ways.ways or not ways.decided:
                found.append(_target(ways))
    return found


def _target(ways: Ways) -> Target:
    shown = []
    for way in ways.ways[:MOST_WAYS]:
        by_kind: dict[str, list[Change]] = {}
        for change in way:
            by_kind.setdefault(change.kind, []).append(change)
        steps = tuple((wording.KINDS[kind], tuple(by_kind[kind])) for kind in wording.KINDS if kind in by_kind)
        shown.append(Way(steps))
    return Target(ways.status, tuple(shown), max(0, len(ways.ways) - MOST_WAYS), ways.decided)


def _days(
    compiled: Compiled, answers: Answers, answer: Answer
) -> tuple[tuple[tuple[str, str, str], ...], tuple[str, ...], str]:
    try:
        forecast = when(answers, partial(ask, compiled))
    except InputError as error:
        return (), (), wording.sentence("; ".join(d.message for d in error.diagnostics)) + "."
    found = tuple(
        (
            wording.within(e.earliest.isoformat(), e.day.isoformat()) if e.earliest else e.day.isoformat(),
            f"{wording.OUTCOME[Status(e.before)]} → {wording.OUTCOME[Status(e.after)]}",
            "; ".join(e.because),
        )
        for e in forecast.events
        if e.intervention == answer.intervention
    )
    unseen = forecast.not_looked_at
    nothing = (
        wording.say("not_looked_at", labels=wording.together(unseen)) if unseen else wording.NOTHING_CHANGES_IN_TIME
    )
    no_days = "" if found else nothing
    return found, forecast.assumptions, no_days if forecast.complete else wording.LATER_LEFT_OUT


def _pictures(compiled: Compiled, answers: Answers, answer: Answer, *, refused: bool) -> list[tuple[str, str]]:
    """The proof, and what stands in the way, drawn."""
    found: list[tuple[str, str]] = []
    try:
        found.append(("The proof, drawn", "".join(inline_pages(proof_picture(compiled, answers, answer), "proof"))))
        if refused:
            pages = inline_pages(refusal_picture(compiled, answers, answer), "refusal")
            found.append(("What stands in the way, drawn", "".join(pages)))
    except PaintError:
        return found
    return found
