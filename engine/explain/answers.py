"""What an answer is: its status, the rules behind it, what it rests on, what is open.

Plain data and its public JSON; `assembly` makes it from an evaluated model. Nothing here evaluates, proves or prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guidelog.ground.program import Atom
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Decision, Names
from guidelog.patients import Facts, Patient
from guidelog.semantics.background import Propagated
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Because, Status


@dataclass(frozen=True, slots=True)
class Included:
    """Something that belongs to an intervention when it is done."""

    item: str
    says: str
    rules: tuple[str, ...]
    statements: tuple[str, ...]
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """What to do while it is not known whether a rule holds an intervention back: part of the answer."""

    rule: str
    says: str
    statements: tuple[str, ...]
    citations: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """One object of `cautions`."""
        return {
            "rule": self.rule,
            "says": self.says,
            "statements": list(self.statements),
            "citations": list(self.citations),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one intervention.

    `rules` give it (or, undetermined, would once the questions are answered); `rests_on` are the rules and `decisions`
    the recorded decisions that it depends on; `unresolved` are citations that the source never resolves; `cautions` say
    what the answer takes for granted that nobody has settled, and `held_back` are the rules whose advice waits.
    """

    intervention: str
    label: str
    status: Status
    because: Because | None
    says: str
    rules: tuple[str, ...]
    statements: tuple[str, ...]
    citations: tuple[int, ...]
    unresolved: tuple[int, ...]
    strength: str | None
    decisions: tuple[str, ...]
    rests_on: tuple[str, ...]
    if_resolved: tuple[Status, ...]
    questions: tuple[tuple[str, ...], ...] | None
    includes: tuple[Included, ...]
    certified: bool = False
    cautions: tuple[Caution, ...] = ()
    held_back: tuple[str, ...] = ()
    whatever: tuple[str, ...] = ()
    """Inputs that are open, and about which the answer was shown case by case: it is the same whatever they are."""

    def to_json(self) -> dict[str, Any]:
        """As `docs/` and the public interface describe it."""
        return {
            "intervention": self.intervention,
            "label": self.label,
            "status": self.status.value,
            "undetermined_because": self.because.value if self.because else None,
            "says": self.says,
            "rules": list(self.rules),
            "statements": list(self.statements),
            "citations": list(self.citations),
            "unresolved_citations": list(self.unresolved),
            "strength": self.strength,
            "decisions": list(self.decisions),
            "rests_on": list(self.rests_on),
            "if_resolved": [s.value for s in self.if_resolved],
            "questions": None if self.questions is None else [list(q) for q in self.questions],
            "includes": [
                {
                    "item": i.item,
                    "says": i.says,
                    "rules": list(i.rules),
                    "statements": list(i.statements),
                    "citations": list(i.citations),
                }
                for i in self.includes
            ],
            "cautions": [caution.to_json() for caution in self.cautions],
            "held_back": list(self.held_back),
            "whatever": list(self.whatever),
            "certified": self.certified,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that is not advice; `about` is an intervention or any topic."""

    rule: str
    atom: Atom
    about: str
    statements: tuple[str, ...]
    says: str
    citations: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """One object; `statement` is the first where there are several."""
        return {
            "statement": self.statements[0] if self.statements else None,
            "statements": list(self.statements),
            "says": self.says,
            "about": self.about,
            "rule": self.rule,
            "citations": list(self.citations),
        }


@dataclass(frozen=True)
class Answers:
    """All answers about a patient, with the facts they rest on and the certificate that was accepted for them."""

    guideline: GuidelineFolder
    names: Names
    patient: Patient
    facts: Facts
    propagated: tuple[Propagated, ...]
    answers: tuple[Answer, ...]
    notes: tuple[Note, ...]
    certificate: Mapping[str, Any]
    world: World
    alerts: tuple[Answer, ...] = ()
    """Certified answers that nobody asked for and that come first all the same: an emergency is never left out."""
    remarks: tuple[str, ...] = ()
    """What the guideline remarks about the record, in words."""

    def decisions(self) -> list[Decision]:
        """The recorded decisions that some answer rests on."""
        used = {d for answer in self.answers for d in answer.decisions}
        return [decision for name, decision in self.names.decisions.items() if name in used]

    def to_json(self) -> dict[str, Any]:
        """The public JSON of `ask`."""
        guideline = self.guideline
        as_of = self.patient.as_of
        return {
            "guideline": {
                "id": guideline.id,
                "version": guideline.version,
                "review": guideline.review,
                "sha256": guideline.sha256,
                "title": guideline.title,
                "source_date": guideline.source.get("date"),
                "readings": dict(self.world.program.readings),
            },
            "patient": {
                "id": self.patient.id,
                "as_of": as_of.isoformat() if as_of else None,
                "sha256": self.patient.sha256,
            },
            "answers": [answer.to_json() for answer in self.answers],
            "alerts": [answer.to_json() for answer in self.alerts],
            "notes": [note.to_json() for note in self.notes],
            "assumptions": [
                {"screen": screen, "assumed_absent": list(members)}
                for screen, members in self.facts.closed.items()
                if members
            ],
            "background": [
                {
                    "input": p.name,
                    "value": ("present" if p.value else "absent")
                    if isinstance(p.value, bool)
                    else [p.value.low, p.value.high],
                    "rule": p.denial.rule.id,
                    "because": list(p.because),
                }
                for p in self.propagated
            ],
            "decisions": [{"id": d.id, "point": d.point, "decided": d.decided} for d in self.decisions()],
            "disclaimer": " ".join(guideline.disclaimer.split()),
        }
