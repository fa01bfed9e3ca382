"""An answer as a card: a sentence, six lines, what can be done, where it comes from.

Wording is the guideline's own. Everything from outside is made harmless in Markdown and HTML, because clients render
both.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from guidelog import wording
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.why import deciding_instances
from guidelog.explain.why_not import Criterion, criteria_of, why_not
from guidelog.fhir.hooks_config import HooksConfig
from guidelog.language.guideline import GuidelineFolder
from guidelog.patients import NotRead
from guidelog.semantics.status import Status
from guidelog.wording.presentation import presentation

from .request import DraftOrder
from .suggest import shortened

SUMMARY = 139
MOST_UNREAD = 3
ANSWER_FORM = "Complete the screens: answer the open questions"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:guidelog:cards")
LINE = 400
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
_STATES = {"not_met": "Not met", "not_known": "Not known", "met": "Met"}


ISSUED = "issued"
"""Under this key a card says what it is about, for the log of issued cards; it is taken out before it is sent."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What a card was about; nothing of the patient."""

    card: str
    intervention: str
    status: str
    rules: tuple[str, ...]
    guideline: str
    version: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What every card of a response shares: the guideline's page and the explanation's, and what hooks.toml says."""

    config: HooksConfig
    page: str
    explanation: str


def card(
    frame: Frame,
    answers: Answers,
    answer: Answer,
    suggestions: Sequence[dict[str, Any]] = (),
    *,
    indicator: str | None = None,
    remarks: Iterable[str] = (),
) -> dict[str, Any]:
    """The card of one answer; `remarks` are added to its last line."""
    head = f"{wording.sentence(answer.label)}: {wording.STATUS[answer.status]}"
    return assemble(
        frame,
        answers,
        summary_of(head, wording.sentence(answer.says)),
        indicator or presentation(answer.status).cds_indicator,
        [
            ("Answer", f"{head}" + (f" ({wording.BECAUSE[answer.because]})" if answer.because else "")),
            ("Says", wording.sentence(answer.says)),
            ("Because", _grounds(answers, answer)),
            _next(answers, answer),
            *_cautions(answer),
            *not_read(answers.patient.not_read),
            ("Source", _source(answers, answer)),
            ("Guideline", " ".join((_guideline(answers), *remarks))),
        ],
        suggestions,
        source_topic=answer.label,
        advice=(answer.intervention, answer.status.value, *answer.rules),
        asks=answer.status is Status.UNDETERMINED,
    )


def _cautions(answer: Answer) -> list[tuple[str, str]]:
    """The line of what has to be found out all the same: it is part of the answer."""
    told = " ".join(wording.sentence(caution.says).rstrip(".") + "." for caution in answer.cautions)
    return [("Caution", told)] if told else []


def summary_of(head: str, *sentences: str) -> str:
    """The head, and as many whole sentences behind it as a summary has room for."""
    told = f"{head}."
    for sentence in sentences:
        longer = f"{told} {sentence.rstrip('.')}."
        if len(longer) > SUMMARY:
            break
        told = longer
    return told if len(told) <= SUMMARY else shortened(head, SUMMARY)


def not_read(entries: Sequence[NotRead]) -> list[tuple[str, str]]:
    """The line of a card that says what was not understood, so that nobody takes it for "no"."""
    if not entries:
        return []
    shown = "; ".join(str(entry) for entry in entries[:MOST_UNREAD])
    more = len(entries) - MOST_UNREAD
    return [("Not read", f"{shown}; and {more} more" if more > 0 else shown)]


def card_id(guideline: GuidelineFolder, *parts: str) -> str:
    """The same for the same advice of the same rules, whatever the hook; nothing about a patient is in it."""
    return str(uuid.uuid5(NAMESPACE, "\n".join((guideline.id, guideline.version, guideline.sha256, *parts))))


def assemble(  # noqa: PLR0913 - what a card has
    frame: Frame,
    answers: Answers,
    summary: str,
    indicator: str,
    lines: Sequence[tuple[str, str]],
    suggestions: Sequence[dict[str, Any]] = (),
    *,
    source_topic: str | None = None,
    advice: tuple[str, ...] = (),
    asks: bool = False,
) -> dict[str, Any]:
    """A card from its parts; `advice` is what it is about, `asks` whether a form would settle it."""
    guideline = answers.guideline
    own = frame.config.mapping.own_system
    made: dict[str, Any] = {
        "uuid": card_id(guideline, *(advice or (summary,))),
        "summary": shortened(summary, SUMMARY),
        "indicator": indicator,
        "detail": "\n".join(f"- **{head}:** {plain(shortened(text, LINE))}" for head, text in lines),
        "source": {
            "label": f"{guideline.title}, version {guideline.version} ({guideline.review})",
            "url": frame.page,
            "topic": {"system": own, "code": guideline.id, "display": source_topic or guideline.title},
        },
        "links": [{"label": "Why: the whole explanation", "url": frame.explanation, "type": "absolute"}],
    }
    if advice:
        intervention, status, *rules = advice
        made[ISSUED] = Issued(made["uuid"], intervention, status, tuple(rules), guideline.id, guideline.version)
    if asks:
        form = frame.config.form
        label, url, kind = (form.label, form.url, form.type) if form else (ANSWER_FORM, frame.explanation, "absolute")
        made["links"].append({"label": label, "url": url, "type": kind})
    if suggestions:
        made["suggestions"] = list(suggestions)
        made["selectionBehavior"] = "at-most-one"
    if frame.config.overrides:
        made["overrideReasons"] = [o.to_json() for o in frame.config.overrides]
    return made


def plain(text: str) -> str:
    """Text that stays text in Markdown and in HTML."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


def _grounds(answers: Answers, answer: Answer) -> str:
    """The criteria that decide: those that are met, or those that stand in the way of the nearest advice."""
    if answer.status in {Status.NOT_NOW, Status.UNDETERMINED}:
        found = why_not(answers, answer).candidates
        if found and found[0].blockers:
            # What is so, not what should be: "not met" beside what the rule asks for reads as its opposite.
            says = [b.criterion.now or b.criterion.says for b in found[0].required]
            parts = [wording.in_the_way(wording.some(says, 6)).rstrip(".")] if says else []
            for choice in found[0].choices:
                facts = [wording.inner(b.criterion.now or b.criterion.says) for b in choice.blockers]
                parts.append(wording.choice(choice.says, wording.some(facts, 4), any_one=choice.any_one).rstrip("."))
            return ". ".join(parts)
    grounds = [c for i in deciding_instances(answers.world, answer)[:1] for c in criteria_of(answers, i)]
    return _criteria(grounds) or "no rule speaks for it"


def _criteria(criteria: Sequence[Criterion], most: int = 6) -> str:
    """The criteria by state, the rest counted."""
    shown = list({c.says: c for c in criteria}.values())
    parts = []
    for state, word in _STATES.items():
        says = [c.says for c in shown[:most] if c.state == state]
        if says:
            parts.append(f"{word}: {'; '.join(f'“{said}”' for said in says)}")
    more = len(shown) - most
    return ". ".join([*parts, f"And {more} more"] if more > 0 else parts)


def _next(answers: Answers, answer: Answer) -> tuple[str, str]:
    sets = sorted((q for q in answer.questions or () if q), key=len)
    if sets:
        return "Ask first", " ".join(wording.question(q, answers.names) for q in sets[0][:3])
    if answer.includes:
        return "Include", "; ".join(i.says for i in answer.includes)
    return "Ask first", "nothing more is needed for this answer"


def _source(answers: Answers, answer: Answer) -> str:
    cites = [f"{c}" + ("" if c in answers.guideline.references else " (unresolved)") for c in answer.citations]
    parts = [
        f"rules {', '.join(answer.rules) or 'none'}",
        f"statements {', '.join(answer.statements)}" if answer.statements else "",
        f"references {', '.join(cites)}" if cites else "",
        f"strength {answer.strength}" if answer.strength else "",
    ]
    return "; ".join(p for p in parts if p)


def _guideline(answers: Answers) -> str:
    guideline = answers.guideline
    return (
        f"{guideline.title}, version {guideline.version}, {guideline.review}; certificate accepted. "
        f"{guideline.disclaimer.split('. ')[0].strip()}."
    )


# Appropriateness ratings of draft orders (Argonaut CDS Hooks for PAMA), as system actions. A rating is given only where
# the guideline decides; undetermined, conflicting or emergency answers get none. The order is returned whole, its
# extensions apart. guidelog is no qualified mechanism of CMS, so no G-code is claimed.

RATING_EXTENSION = "http://fhir.org/argonaut/Extension/"
RATING_SYSTEM = "http://fhir.org/argonaut/CodeSystem/pama-rating"


def rated(order: DraftOrder, answer: Answer, criteria: str) -> dict[str, Any] | None:
    """The action that attaches the rating; `criteria` is the address of what was applied."""
    rating = presentation(answer.status).cds_rating
    if rating is None or not order.reference:
        return None
    given = order.resource.get("extension")
    before = [e for e in given if not _is_rating(e)] if isinstance(given, list) else []
    coding = {"system": RATING_SYSTEM, "code": rating}
    extensions = [
        {"url": f"{RATING_EXTENSION}pama-rating", "valueCodeableConcept": {"coding": [coding]}},
        {"url": f"{RATING_EXTENSION}pama-rating-consult-id", "valueUri": f"urn:uuid:{uuid.uuid4()}"},
        {"url": f"{RATING_EXTENSION}pama-rating-auc-applied", "valueUri": criteria},
    ]
    return {
        "type": "update",
        "description": f"Record the rating {rating}",
        "resource": {**order.resource, "extension": [*before, *extensions]},
    }


def _is_rating(extension: Any) -> bool:
    """A rating that an earlier answer attached."""
    url = extension.get("url") if isinstance(extension, dict) else None
    return isinstance(url, str) and url.startswith(f"{RATING_EXTENSION}pama-rating")
