"""What is shown of a patient's certified answers: one description, which every surface renders.

`describe` turns `Answers` into sentences in the order in which they have to be read: an emergency first, then the
answers by urgency with all that belongs to each (cautions before remarks), what to do today, notes that belong to no
intervention, the questions that settle what is open, what was assumed, concluded, doubted and not read, and the
decisions that the answers rest on. Terminal, page, card, FHIR, pictures and cohorts lay it out and add no answer of
their own, so that none shows a status, caution or note that another lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from guidelog import wording
from guidelog.ground.program import GroundLiteral
from guidelog.semantics.status import Status
from guidelog.wording.english import say_count
from guidelog.wording.presentation import Presentation, presentation

from .answers import Answer, Answers, Caution, Included, Note
from .proof import Reasons
from .proofs import Kind
from .why import deciding_instances

CAUTION = "caution"
"""The kind of a statement whose notes come before those that only tell something."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence with the rule and statements that it comes from."""

    says: str
    rule: str
    statements: tuple[str, ...]
    citations: tuple[int, ...]
    caution: bool = False

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "says": self.says,
            "rule": self.rule,
            "statements": list(self.statements),
            "citations": list(self.citations),
            "caution": self.caution,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer as it is shown.

    `cautions` have to be read with the answer: what is not settled about what it rests on, then notes that warn;
    `notes` only tell something. `questions` are alternatives, each a list of questions in the order to ask.
    """

    answer: Answer
    says: str
    cautions: tuple[Told, ...]
    notes: tuple[Told, ...]
    includes: tuple[Included, ...]
    questions: tuple[tuple[str, ...], ...] | None
    silent: tuple[str, ...]
    """Decisions that are part of the answer's text, in words."""

    @property
    def shown(self) -> Presentation:
        """Word, tone and order of its status."""
        return presentation(self.answer.status)

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "intervention": self.answer.intervention,
            "status": self.answer.status.value,
            "word": self.shown.word,
            "says": self.says,
            "cautions": [told.to_json() for told in self.cautions],
            "notes": [told.to_json() for told in self.notes],
            "questions": None if self.questions is None else [list(q) for q in self.questions],
            "decisions_in_words": list(self.silent),
        }


@dataclass(frozen=True, slots=True)
class Emergency:
    """What comes before everything else.

    `pathway` when an emergency pathway takes over, and not only something is urgent; `act` what to do now; `because`
    the recorded facts behind it; `call` the guideline's own word on whom to call, empty where it has none.
    """

    pathway: bool
    act: tuple[str, ...]
    because: tuple[str, ...]
    call: str
    interventions: tuple[str, ...]

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons as one sentence; empty where nothing is recorded."""
        return (wording.say("emergency.because", reasons="; ".join(self.because)),) if self.because else ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What to do, why and whom to call, in the order to read."""
        return (*self.act, *self.why, *((self.call,) if self.call else ()))

    def to_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "pathway": self.pathway,
            "act": list(self.act),
            "because": list(self.because),
            "call": self.call,
            "interventions": list(self.interventions),
        }


@dataclass(frozen=True, slots=True)
class Assumed:
    """Members of a completed screen that the record does not list: each named, and counted as absent."""

    screen: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """All that is shown, in order."""

    headline: str
    emergency: Emergency | None
    entries: tuple[Entry, ...]
    """The answers that were asked for and those that are urgent all the same, the most urgent first."""
    today: tuple[str, ...]
    """What to do or consider today, as labels."""
    also: tuple[Told, ...]
    """Notes that belong to no intervention that was asked about, cautions first."""
    assumed: tuple[Assumed, ...]
    concluded: tuple[str, ...]
    """What background rules added, in words."""
    remarks: tuple[str, ...]
    """What is odd about the record, and what was therefore not relied on."""
    not_read: tuple[str, ...]
    """What the record says that was not understood."""
    decisions: tuple[tuple[str, str, str], ...]
    """The recorded decisions that the answers rest on: id, point, what was decided."""
    unresolved: tuple[int, ...]
    """Citations that the source never resolves."""

    def entry(self, intervention: str) -> Entry | None:
        """The entry of an intervention."""
        return next((entry for entry in self.entries if entry.answer.intervention == intervention), None)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "headline": self.headline,
            "emergency": self.emergency.to_json() if self.emergency else None,
            "entries": [entry.to_json() for entry in self.entries],
            "today": list(self.today),
            "also": [told.to_json() for told in self.also],
            "assumed": [{"screen": a.screen, "absent": list(a.members)} for a in self.assumed],
            "concluded": list(self.concluded),
            "remarks": list(self.remarks),
            "not_read": list(self.not_read),
            "decisions": [dict(zip(("id", "point", "decided"), d, strict=True)) for d in self.decisions],
            "unresolved_citations": list(self.unresolved),
        }


def describe(answers: Answers) -> Description:
    """The description of certified answers."""
    listed = sorted([*answers.alerts, *answers.answers], key=lambda a: presentation(a.status).urgency)
    entries = tuple(_entry(answers, answer) for answer in listed)
    asked = {answer.intervention for answer in listed}
    decisions = {d for answer in listed for d in answer.decisions}
    emergency = _emergency(answers, listed)
    return Description(
        headline=_headline(entries, emergency),
        emergency=emergency,
        entries=entries,
        today=tuple(wording.sentence(a.label) for a in listed if presentation(a.status).advised),
        also=_ordered(_told(answers, n) for n in answers.notes if n.about not in asked),
        assumed=tuple(_assumed(answers)),
        concluded=tuple(_concluded(answers)),
        remarks=tuple(answers.remarks),
        not_read=tuple(str(entry) for entry in answers.patient.not_read),
        decisions=tuple((d.id, d.point, d.decided) for d in answers.names.decisions.values() if d.id in decisions),
        unresolved=tuple(sorted({c for answer in listed for c in answer.unresolved})),
    )


def _entry(answers: Answers, answer: Answer) -> Entry:
    notes = _ordered(_told(answers, n) for n in answers.notes if n.about == answer.intervention)
    declared = answers.names.vocabulary.interventions[answer.intervention]
    asked = None
    if answer.questions is not None:
        asked = tuple(tuple(wording.question(q, answers.names) for q in group) for group in answer.questions)
    return Entry(
        answer=answer,
        says=_whole(answer.says),
        cautions=(*(_caution(c) for c in answer.cautions), *(n for n in notes if n.caution)),
        notes=tuple(n for n in notes if not n.caution),
        includes=answer.includes,
        questions=asked,
        silent=tuple(answers.names.decisions[d].decided for d in declared.silent if d in answers.names.decisions),
    )


def _whole(text: str) -> str:
    """A sentence with its capital letter and its full stop."""
    return wording.sentence(text) + ("" if text.endswith((".", "!", "?")) else ".")


def _caution(caution: Caution) -> Told:
    return Told(_whole(caution.says), caution.rule, caution.statements, caution.citations, caution=True)


def _told(answers: Answers, note: Note) -> Told:
    declared = answers.names.statements
    warns = any(declared[s].kind == CAUTION for s in note.statements if s in declared)
    return Told(_whole(note.says), note.rule, note.statements, note.citations, warns)


def _ordered(told: Iterable[Told]) -> tuple[Told, ...]:
    return tuple(sorted(told, key=lambda t: not t.caution))


def _emergency(answers: Answers, listed: Iterable[Answer]) -> Emergency | None:
    first = [answer for answer in listed if presentation(answer.status).emergency]
    if not first:
        return None
    reasons: dict[str, None] = {}
    shared = Reasons(answers)
    for answer in first:
        reasons.update(dict.fromkeys(_facts_behind(answers, answer, shared)))
    return Emergency(
        pathway=any(a.status is Status.EMERGENCY_PATHWAY for a in first),
        act=tuple(dict.fromkeys(_whole(a.says) for a in first)),
        because=tuple(reasons),
        call=answers.guideline.emergency,
        interventions=tuple(a.intervention for a in first),
    )


def _facts_behind(answers: Answers, answer: Answer, reasons: Reasons) -> Iterable[str]:
    """The recorded facts that make it urgent, apart from those that only put the patient in scope."""
    for instance in deciding_instances(answers.world, answer):
        for element in instance.elements:
            if not isinstance(element, GroundLiteral) or element.negated or element.atom == ("in_scope",):
                continue
            holding = answers.world.holding(element.atom)  # each of them is a reason of its own
            proof = reasons.of_instance(*holding) if holding else reasons.of_atom(element.atom)
            for leaf in proof.leaves():
                if leaf.kind in (Kind.RECORDED, Kind.BACKGROUND, Kind.MEASURED) and leaf.value is True:
                    yield wording.inner(leaf.says)


def _headline(entries: Iterable[Entry], emergency: Emergency | None) -> str:
    """The verdict in a sentence: an emergency, or the number of answers of each kind that matters most."""
    if emergency is not None:
        return wording.say("headline.emergency" if emergency.pathway else "headline.urgent")
    listed = list(entries)
    advised = [e.answer.label for e in listed if e.shown.advised]
    open_ = [e for e in listed if e.answer.status is Status.UNDETERMINED]
    if advised:
        text = wording.say("headline.advised", labels=_few(advised))
    elif all(e.answer.status is Status.OUTSIDE_GUIDELINE for e in listed) and listed:
        return wording.say("headline.outside")
    else:
        text = wording.say("headline.nothing")
    return text + (" " + say_count("headline.open", len(open_)) if open_ else "")


def _few(labels: list[str]) -> str:
    """The first three of many, and how many more."""
    return wording.together(labels) if len(labels) <= 4 else ", ".join(wording.some(labels, 3))


def _assumed(answers: Answers) -> Iterable[Assumed]:
    for screen, members in answers.facts.closed.items():
        if members:
            labels = tuple(wording.label_of(member, answers.names) for member in members)
            yield Assumed(wording.label_of(screen, answers.names), labels)


def _concluded(answers: Answers) -> Iterable[str]:
    for step in answers.propagated:
        says = step.denial.rule.annotation("says") or step.denial.rule.annotation("title")
        label = wording.label_of(step.name, answers.names)
        yield wording.say("concluded", label=label, says=getattr(says, "value", ""), rule=step.denial.rule.id)
