"""A request's body -> the reply: the whole way of one CDS Hooks call, as a task of the desk.

Nothing is shown that is not certified. `cards` is empty where the guideline has nothing to say: a patient it is not
about, or, when a chart is opened, one of whom nothing says that it is; an order that is none of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

import orjson

from guidelog import wording
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answer, Answers
from guidelog.fhir import read_records
from guidelog.fhir.hooks_config import HooksConfig, Match, load_hooks_config
from guidelog.fhir.reading.bundle import NotSent, Records
from guidelog.fhir.reading.words import codings
from guidelog.ground.program import GroundLiteral
from guidelog.patients import NotRead, Patient, patient_from_content
from guidelog.pipeline import ask, settle
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Because, Status
from guidelog.wording.presentation import ADVISED

from ..workers.edition import LiveGuideline
from .cards import ISSUED, Frame, Issued, assemble, card, not_read, rated, summary_of
from .request import Call, DataMissing, DraftOrder, Malformed, read_call
from .suggest import Suggester

SPOKEN = (*ADVISED, Status.CONFLICT, Status.EMERGENCY_PATHWAY)
"""What is said when a chart is opened; that something is not due is said once, and together."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The day to answer for and, where it is the day of the call, the instant; the clinic's time zone, if known."""

    today: date
    now: datetime | None = None
    zone: tzinfo | None = None
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, JSON body, the record that the cards' link explains (None without cards), and which cards they are."""

    status: int
    body: bytes
    record: Mapping[str, Any] | None = None
    issued: tuple[Issued, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordered:
    """A draft order whose code the guideline knows."""

    order: DraftOrder
    match: Match


def respond(compiled: LiveGuideline, body: bytes, hook: str, page: str, explanation: str, clock: Clock) -> Reply:
    """The reply to a call. Raises CertificateError; never InputError, whatever was sent."""
    try:
        call = read_call(body, hook)
        config = compiled.remember("hooks.config", load_hooks_config)
        ordered = [o for o in _ordered(config, call.orders) if config.orders[o.match.intervention].answered]
        if hook != "patient-view" and not ordered:
            return Reply(200, _json({"cards": []}))
        frame = Frame(config, page, explanation)
        patient = _patient(compiled, config, call, clock)
    except Malformed as error:
        return problem(400, "structure", str(error))
    except DataMissing as error:
        return problem(412, "required", str(error))
    except Died as error:
        return _said([_no_advice(compiled, frame, str(error))], [], None)
    try:
        facts, _ = settle(compiled, patient)
    except InputError as error:
        return _said([_contradiction(compiled, frame, error)], [], patient)
    suggester = Suggester(config, compiled.names, call.patient, clock.today)
    statuses = compiled.statuses(facts)
    if hook == "patient-view":
        world = World(compiled.ground, facts, compiled.evaluate(facts))
        if not _concerns(world):
            unread = _may_concern(world, patient)
            return _said([_unknown_scope(compiled, frame, unread)] if unread else [], [], patient)
        main = compiled.guideline.main
        open_first = [n for n in main if statuses[n] is Status.UNDETERMINED][:1]
        answers = ask(compiled, patient, [*main, *_advised(config, statuses, main)], asking=open_first)
        return _said(_view(frame, answers, suggester), [], patient)
    asked = list(dict.fromkeys(o.match.intervention for o in ordered))
    answers = ask(compiled, patient, [*asked, *_advised(config, statuses, asked)])
    present = frozenset(o.match.intervention for o in _ordered(config, call.drafts))
    return _said(*_order_cards(frame, answers, suggester, ordered, present), patient)


def _concerns(world: World) -> bool:
    """Whether the guideline may be about the patient, and something on record speaks for it."""
    return any(
        all(value is not False for _, value in known) and any(value for recorded, value in known if recorded)
        for instance in world.program.instances.get(("in_scope",), ())
        for known in [[(isinstance(e, GroundLiteral) and not e.negated, world.element(e)) for e in instance.elements]]
    )


def _may_concern(world: World, patient: Patient) -> list[NotRead]:
    """What was not read and may say that the guideline is about the patient, where nothing says that it is not."""
    found: dict[NotRead, None] = {}
    for instance in world.program.instances.get(("in_scope",), ()):
        values = [(e, world.element(e)) for e in instance.elements]
        if any(value is False for _, value in values):
            continue
        names = {str(t) for e, value in values if value is None and isinstance(e, GroundLiteral) for t in e.atom[1:]}
        found |= dict.fromkeys(n for n in patient.not_read if any(n.speaks_of_name(name) for name in names))
    return list(found)


def _unknown_scope(compiled: LiveGuideline, frame: Frame, unread: Sequence[NotRead]) -> dict[str, Any]:
    """Whether the guideline is about the patient cannot be told, because of what was not read."""
    title = compiled.guideline.title
    summary = f"Not known whether “{title}” is about this patient: part of the record was not read"
    [line] = not_read(unread)
    return _bare(compiled, frame, summary, "info", [("Answer", "none: the record could not be read in full"), line])


def _no_advice(compiled: LiveGuideline, frame: Frame, why: str) -> dict[str, Any]:
    """The patient has died."""
    made = _bare(compiled, frame, f"No advice: {why}", "info", [("Answer", f"none, because {why}")])
    made.pop("overrideReasons", None)
    return made


def problem(status: int, code: str, message: str) -> Reply:
    """An error, as an OperationOutcome."""
    issue = {"severity": "error", "code": code, "details": {"text": message}}
    return Reply(status, _json({"resourceType": "OperationOutcome", "issue": [issue]}))


def _said(cards: Sequence[dict[str, Any]], actions: Sequence[Mapping[str, Any]], patient: Patient | None) -> Reply:
    """Both where the specification puts system actions and where clients of the earlier draft look for them."""
    seen: dict[str, int] = {}
    for made in cards:  # two orders of the same thing get the same advice, on cards of their own
        count = seen[made["uuid"]] = seen.get(made["uuid"], 0) + 1
        if count > 1:
            made["uuid"] = str(uuid.uuid5(uuid.UUID(made["uuid"]), str(count)))
    issued = tuple(made.pop(ISSUED) for made in cards if ISSUED in made)
    said: dict[str, Any] = {"cards": cards}
    if actions:
        said |= {"systemActions": actions, "extension": {"systemActions": actions}}
    return Reply(200, _json(said), patient.content if cards and patient is not None else None, issued)


def _json(data: Any) -> bytes:
    return orjson.dumps(data)


def _ordered(config: HooksConfig, orders: Iterable[DraftOrder]) -> list[Ordered]:
    """The orders whose codes the guideline knows."""
    found = []
    for order in orders:
        concept = order.resource.get("code") or order.resource.get("medicationCodeableConcept")
        reasons = order.resource.get("reasonCode")
        known = any(
            config.mapping.find(system, code) is not None
            for reason in (reasons if isinstance(reasons, list) else ())
            for system, code, _ in codings(reason)
        )
        matches = [m for s, c, _ in codings(concept) if (m := config.meaning((s, c), with_reason=known))]
        if matches:
            found.append(Ordered(order, min(matches, key=lambda m: not m.verified)))
    return found


def _patient(compiled: LiveGuideline, config: HooksConfig, call: Call, clock: Clock) -> Patient:
    """The record: what was prefetched, and the reasons that the orders give. Raises DataMissing, Died."""
    records: list[tuple[str, Mapping[str, Any]]] = []
    reason = "the record system sent nothing for it"
    missing = [NotSent(f"prefetch `{key}`", config.kinds(key), reason) for key in call.missing if config.kinds(key)]
    for key, sent in call.records:
        if sent.get("resourceType") == "OperationOutcome":
            said = Records()
            said.outcome(sent, f"prefetch `{key}`", config.kinds(key))
            missing += said.not_sent if config.kinds(key) else []  # what nobody asked for is not missed
        else:
            records.append((f"prefetch `{key}`", sent))
    records += [("the reason of an order", reason) for reason in _reasons(call)]
    vocabulary = compiled.names.vocabulary
    try:
        if not records and not missing:
            return patient_from_content({"patient": call.patient, "as_of": clock.today.isoformat()}, vocabulary)
        return read_records(
            records,
            config.mapping,
            vocabulary,
            as_of=clock.today,
            patient=call.patient,
            zone=clock.zone,
            now=clock.now,
            not_sent=missing,
            unverified=clock.unverified,
        ).patient
    except InputError as error:
        if error.diagnostics[0].code == "GL459":
            raise Died(error.diagnostics[0].message) from None
        raise DataMissing("; ".join(d.message for d in error.diagnostics[:5])) from None


def _reasons(call: Call) -> list[dict[str, Any]]:
    """What an order gives as its reason is a condition that the clinician takes to be there."""
    found = []
    for order in call.drafts:
        reasons = order.resource.get("reasonCode")
        for number, reason in enumerate(reasons if isinstance(reasons, list) else ()):
            if any(codings(reason)):
                found.append(
                    {
                        "resourceType": "Condition",
                        "id": f"reason-{number + 1}-of-{order.reference.rsplit('/', 1)[-1] or 'order'}"[:64],
                        "code": reason,
                        "subject": {"reference": f"Patient/{call.patient}"},
                    }
                )
    return found


def _advised(config: HooksConfig, statuses: Mapping[str, Status], asked: Sequence[str]) -> list[str]:
    """What could be suggested instead of what is not due, to be certified with it."""
    found = dict.fromkeys(
        name
        for intervention in asked
        if intervention in config.orders and statuses[intervention] not in ADVISED
        for name in config.orders[intervention].instead
        if statuses[name] in ADVISED
    )
    return [name for name in found if name not in asked]


def _order_cards(
    frame: Frame, answers: Answers, suggester: Suggester, ordered: Sequence[Ordered], present: frozenset[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A card for each order, and the ratings."""
    by_name = {answer.intervention: answer for answer in answers.answers}
    cards, actions = _alerts(frame, answers, [item.match.intervention for item in ordered]), []
    for item in ordered:
        answer = by_name[item.match.intervention]
        orderable = frame.config.orders[answer.intervention]
        forbidden = item.order.resource.get("doNotPerform") is True
        if orderable.rated and not forbidden and (action := rated(item.order, answer, frame.page)):
            actions.append(action)
        if answer.status is Status.OUTSIDE_GUIDELINE:
            continue
        suggestions: list[dict[str, Any]] = []
        match answer.status:
            case _ if forbidden:
                pass  # an order not to do it is neither hurried nor withdrawn for something else
            case Status.NOT_NOW | Status.AVOID:
                suggestions = suggester.instead_of(item.order, _instead(by_name, orderable.instead), present)
            case Status.UNDETERMINED:
                suggestions = suggester.first_ask(answer)
            case Status.URGENT:
                suggestions = suggester.hurry(item.order)
            case _:
                pass
        remarks = [] if item.match.verified else ["The code of this order is not verified in codes.toml."]
        remarks += ["The order says not to do it."] if forbidden else []
        cards.append(card(frame, answers, answer, suggestions, remarks=remarks))
    return cards, actions


def _alerts(frame: Frame, answers: Answers, told: Iterable[str]) -> list[dict[str, Any]]:
    """A card for each emergency that nobody asked about: it comes first, whatever was ordered."""
    known = set(told)
    return [card(frame, answers, alert) for alert in answers.alerts if alert.intervention not in known]


def _instead(by_name: Mapping[str, Answer], names: Iterable[str]) -> list[Answer]:
    return [by_name[name] for name in names if name in by_name]


def _view(frame: Frame, answers: Answers, suggester: Suggester) -> list[dict[str, Any]]:
    """When a chart is opened: what is due, what to find out first, or, in one card, that nothing is due yet."""
    main = [a for a in answers.answers if a.intervention in answers.guideline.main]
    by_name = {answer.intervention: answer for answer in answers.answers}
    cards = _alerts(frame, answers, answers.guideline.main)
    cards += [
        card(frame, answers, a, suggester.order(a) if a.status in ADVISED else ()) for a in main if a.status in SPOKEN
    ]
    ranges = [a for a in main if a.status is Status.UNDETERMINED and a.because is Because.GUIDELINE_RANGE]
    cards += [card(frame, answers, a, indicator="info") for a in ranges]
    missing = [a for a in main if a.status is Status.UNDETERMINED and a.because is not Because.GUIDELINE_RANGE]
    if missing:
        first = next((a for a in missing if a.questions), missing[0])
        made = card(frame, answers, first, suggester.first_ask(first), indicator="info")
        others = [a.label for a in missing if a is not first]
        if others:
            also = f" (not settled either: {', '.join(others)})"
            made["detail"] = made["detail"].replace("\n- **Because", f"{also}\n- **Because", 1)
        cards.append(made)
    waiting = [a for a in main if a.status in {Status.NOT_NOW, Status.AVOID}]
    if waiting and not cards:
        orders = [frame.config.orders[a.intervention] for a in waiting if a.intervention in frame.config.orders]
        names = [name for orderable in orders for name in orderable.instead]
        steps = _instead(by_name, dict.fromkeys(names))
        suggestions = [s for step in steps if step.status in ADVISED for s in suggester.order(step)][:1]
        made = card(frame, answers, waiting[0], suggestions, indicator="info")
        labels = wording.alternatives([a.label for a in waiting])
        made["summary"] = _not_due(labels, waiting)
        cards.append(made)
    return cards


def _not_due(labels: str, waiting: Sequence[Answer]) -> str:
    return summary_of(f"Not due now: {labels}", wording.sentence(waiting[0].says))


class Died(Exception):
    """The patient has died: nobody is advised."""


def _bare(
    compiled: LiveGuideline, frame: Frame, summary: str, indicator: str, lines: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """A card without an answer."""
    unknown = patient_from_content({"patient": "nobody"}, compiled.names.vocabulary)
    nobody = ask(compiled, unknown, compiled.guideline.main, asking=())
    guideline = nobody.guideline
    last = ("Guideline", f"{guideline.title}, version {guideline.version}, {guideline.review}")
    made = assemble(frame, nobody, summary, indicator, [*lines, last])
    del made["links"]
    return made


def _contradiction(compiled: LiveGuideline, frame: Frame, error: InputError) -> dict[str, Any]:
    """No answer can be given; that is said, with the reason."""
    unknown = patient_from_content({"patient": "nobody"}, compiled.names.vocabulary)
    nobody = ask(compiled, unknown, compiled.guideline.main, asking=())
    found = error.diagnostics[0]
    notes = "; ".join(found.notes) or "background rules of the guideline"
    made = assemble(
        frame,
        nobody,
        f"No answer: {found.message.replace('`', '')}",
        "warning",
        [
            ("Answer", "none, because the record contradicts itself"),
            ("Says", found.message.replace("`", "")),
            ("Because", notes),
            ("Ask first", "which of the entries is right"),
            ("Source", "the record as it was sent"),
            ("Guideline", f"{nobody.guideline.title}, version {nobody.guideline.version}, {nobody.guideline.review}"),
        ],
    )
    del made["links"]
    return made
