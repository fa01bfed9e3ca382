"""Suggestions: the next right step as something the record system can do, not only a refusal.

An order in place of the one that is not due, questions to be settled first, a higher priority. Resources are FHIR R4
drafts that a person still signs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from guidelog import wording
from guidelog.explain.answers import Answer
from guidelog.fhir.hooks_config import Coding, HooksConfig
from guidelog.language.names import Names
from guidelog.semantics.status import Status
from guidelog.wording.presentation import ADVISED

from .request import DraftOrder

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:guidelog:suggestions")
HASTE = ("urgent", "asap", "stat")
MOST = 3
LABEL = 80


class Suggester:
    """Makes suggestions for one patient."""

    def __init__(self, config: HooksConfig, names: Names, patient: str, today: date) -> None:
        self.config, self.names, self.patient, self.today = config, names, patient, today

    def instead_of(self, order: DraftOrder, answers: Iterable[Answer], present: frozenset[str]) -> list[dict[str, Any]]:
        """What the guideline recommends now in place of an order, and, last, the order withdrawn."""
        found: list[dict[str, Any]] = []
        for answer in answers:
            if self._orderable(answer) and answer.intervention not in present and len(found) < MOST:
                label = f"Instead: {answer.label}"
                found.append(self._suggestion(label, [*self._withdrawn(order), self._created(answer)]))
        if found:
            found[0]["isRecommended"] = True
        withdrawn = self._withdrawn(order)
        return [*found, self._suggestion("Withdraw this order for now", withdrawn)] if withdrawn else found

    def first_ask(self, answer: Answer) -> list[dict[str, Any]]:
        """The shortest set of questions that would settle an answer, as tasks."""
        sets = sorted((q for q in answer.questions or () if q), key=len)
        if not sets:
            return []
        made = self._suggestion(
            f"First: {wording.question_label(sets[0][0], self.names)}" + (" and more" if len(sets[0]) > 1 else ""),
            [self._task(question, answer) for question in sets[0][:5]],
        )
        return [{**made, "isRecommended": True}]

    def hurry(self, order: DraftOrder) -> list[dict[str, Any]]:
        """The same order with priority urgent, unless it has one."""
        if order.resource.get("priority") in HASTE:
            return []
        action = {
            "type": "update",
            "description": "Give the order the priority urgent",
            "resource": {**order.resource, "priority": "urgent"},
        }
        return [{**self._suggestion("Make this order urgent", [action]), "isRecommended": True}]

    def order(self, answer: Answer) -> list[dict[str, Any]]:
        """An intervention that is advised and not ordered yet."""
        if not self._orderable(answer):
            return []
        return [{**self._suggestion(f"Order: {answer.label}", [self._created(answer)]), "isRecommended": True}]

    def _orderable(self, answer: Answer) -> bool:
        """Whether an intervention is advised, and has a code that a record system can order."""
        orderable = self.config.orders.get(answer.intervention)
        return answer.status in ADVISED and orderable is not None and orderable.create is not None

    def _suggestion(self, label: str, actions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        name = "\n".join((label, *(str(a.get("description", "")) for a in actions)))
        made = {"label": shortened(label, LABEL), "uuid": str(uuid.uuid5(NAMESPACE, name)), "isRecommended": False}
        return {**made, "actions": list(actions)}

    @staticmethod
    def _withdrawn(order: DraftOrder) -> list[dict[str, Any]]:
        """The draft deleted, where it can be named."""
        action = {"type": "delete", "description": "Withdraw the draft order", "resourceId": order.reference}
        return [action] if order.reference else []

    def _created(self, answer: Answer) -> dict[str, Any]:
        orderable = self.config.orders.get(answer.intervention)
        kind = orderable.resource if orderable else "ServiceRequest"
        own = Coding(self.config.mapping.own_system, answer.intervention, answer.label)
        codings = [c.to_json() for c in ((orderable.create if orderable else None), own) if c]
        concept = {"coding": codings, "text": answer.label}
        resource: dict[str, Any] = {
            "resourceType": kind,
            "status": "draft",
            "intent": "proposal",
            "priority": "urgent" if answer.status is Status.URGENT else "routine",
            "subject": self._subject(),
            "authoredOn": self.today.isoformat(),
            "note": [{"text": f"{wording.sentence(answer.says)}."}],
            "medicationCodeableConcept" if kind == "MedicationRequest" else "code": concept,
        }
        return {"type": "create", "description": f"Order: {answer.label}", "resource": resource}

    def _task(self, question: str, answer: Answer) -> dict[str, Any]:
        says = wording.question(question, self.names)
        own = f"{self.config.mapping.own_system}:question"
        label = wording.question_label(question, self.names)
        code = {"coding": [Coding(own, question.replace(":", "."), label).to_json()]}
        resource = {
            "resourceType": "Task",
            "status": "draft",
            "intent": "proposal",
            "code": code,
            "description": says,
            "for": self._subject(),
            "authoredOn": self.today.isoformat(),
            "note": [{"text": f"Settles: {answer.label}."}],
        }
        return {"type": "create", "description": shortened(says, 200), "resource": resource}

    def _subject(self) -> dict[str, str]:
        return {"reference": f"Patient/{self.patient}"}


def shortened(text: str, most: int) -> str:
    """At most `most` characters, cut at a word."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[: most - 1].rsplit(" ", 1)[0] or text[: most - 1]
    return cut.rstrip(" ,.;:") + "…"
