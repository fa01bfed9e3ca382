"""Drugs that were taken, dispensed or prescribed -> statements and courses.

A clinical drug counts as its ingredient where the mapping lists it, or where its Medication (contained or in the
record) names the ingredient. That a drug is *not* taken now does not say that it never was, so nothing here makes a
finding absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..terminology.mapping import Code, Fact
from .bundle import Entry
from .conditions import nothing, without_codes
from .dates import When
from .evidence import Course, Evidence, Statement, both, facts_of, origin_of, safe
from .observations import strange_status
from .unlisted import note_unlisted, note_unverified
from .words import DAYS, codings, label

_INTENTS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")
_NO_ORDER = ("proposal", "plan", "option")
_MOST = 50
_TAKEN: Mapping[str, tuple[str, ...]] = {
    "MedicationStatement": ("active", "completed", "stopped", "on-hold"),
    "MedicationRequest": ("active", "completed", "stopped", "on-hold"),
    "MedicationDispense": ("completed", "in-progress", "on-hold", "stopped"),
    "MedicationAdministration": ("completed", "in-progress", "on-hold", "stopped"),
}
_SILENT = {
    "entered-in-error": "entered in error",
    "draft": "a draft is not yet a prescription",
    "cancelled": "cancelled",
    "not-taken": "not taken: that says nothing of other times",
    "intended": "intended, and not yet taken",
    "not-done": "not done: that says nothing of other times",
    "declined": "declined",
}


def read_drug(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence what a resource says of a drug."""
    start, end = _time(entry, evidence)
    silent, strange = _status(entry, start, evidence)
    if silent is not None:
        evidence.ignore(entry, silent)
        return
    if strange is not None and not evidence.trying:
        evidence.unread_as(entry, strange, status="completed")
        return
    concepts, missing = _medication(entry, evidence)
    used, loose = [], []
    for concept in concepts:
        found, more = evidence.codes(concept)
        used += found
        loose += more
    if not used:
        _unlisted(entry, concepts, missing, loose, start, evidence)
        return
    origin = origin_of(entry, start, used, next((label(c) for c in concepts if label(c)), ""))
    known_form = any(" " in c.display.strip() for c in used)  # a clinical drug says its form, an ingredient does not
    done = False
    reason = ""
    for concept, can_show, _, loosely in evidence.concepts(used):
        old = False
        reason = reason or concept.note or nothing(concept.name)
        for fact in facts_of(concept, "taken") if can_show else ():
            done = True
            value: bool | None = True
            why = ""
            if fact.routes:
                value, why = _route(entry, fact, known_form=known_form)
            if evidence.older(end, fact.present_for):
                value, why, old = None, f"it is older than {fact.present_for} weeks", True
            for name in fact.names:
                evidence.say(Statement(name, value, origin, assumes=both(fact.assumes, loosely), reason=why))
        if start is not None and not old:
            evidence.courses.append(Course(concept.name, start, end, False, origin))
    if not done:
        evidence.ignore(entry, reason or nothing(used[0].concept))


def _unlisted(
    entry: Entry,
    concepts: Sequence[Any],
    missing: Sequence[tuple[str, str]],
    loose: Sequence[Code],
    when: When | None,
    evidence: Evidence,
) -> None:
    """A drug none of whose codes is used: what it may be is left open."""
    if note_unverified(entry, evidence, loose, when=when):
        return
    if missing:  # words may say that it is another drug, but nobody has seen its code
        reference, shown = missing[0]
        names = dict.fromkeys(n for net in evidence.mapping.nets_of_text(shown) for n in net.names)
        names = names or dict.fromkeys(evidence.mapping.names_of_kind(entry.type))
        reason = f"it refers to {safe(reference)}{f' (“{safe(shown)}”)' if shown else ''}"
        evidence.not_understood(entry.reference, shown or evidence.called(entry), names, reason, when=when)
    elif not note_unlisted(entry, evidence, concepts, when=when):
        evidence.ignore(entry, without_codes(loose))


def _medication(entry: Entry, evidence: Evidence) -> tuple[list[Any], list[tuple[str, str]]]:
    """The CodeableConcepts of a drug and its ingredients, and references to what was not sent, with their displays.

    Each Medication is looked at once, so that a loop ends. One that was entered in error says nothing.
    """
    content = entry.content
    queue: list[tuple[Any, Any]] = [(content.get("medicationCodeableConcept"), content.get("medicationReference"))]
    concepts: list[Any] = []
    missing: list[tuple[str, str]] = []
    seen: set[int] = set()
    for concept, reference in queue:  # grows while it is read
        if isinstance(concept, Mapping) and len(concepts) < _MOST:
            concepts.append(concept)
        if not isinstance(reference, Mapping):
            continue
        found = evidence.resolve(reference, entry)
        if found is None:
            named, shown = reference.get("reference"), reference.get("display")
            called = named if isinstance(named, str) else "a Medication"
            missing.append((f"{called}, which was not sent", shown if isinstance(shown, str) else ""))
            continue
        if found.get("resourceType") != "Medication" or id(found) in seen or len(seen) >= _MOST:
            continue
        seen.add(id(found))
        if found.get("status") == "entered-in-error":
            missing.append(("a Medication that was entered in error", label(found.get("code"))))
            continue
        if found.get("modifierExtension") or found.get("implicitRules"):
            missing.append(("a Medication with an extension that changes what it means", label(found.get("code"))))
            continue
        queue.append((found.get("code"), None))
        ingredients = found.get("ingredient")
        queue += [
            (item.get("itemCodeableConcept"), item.get("itemReference"))
            for item in (ingredients if isinstance(ingredients, list) else ())[:_MOST]
            if isinstance(item, Mapping)
        ]
    return concepts, missing


def _status(entry: Entry, start: When | None, evidence: Evidence) -> tuple[str | None, str | None]:
    """Why nothing is taken from it by design, or None; and why its status is not understood, or None."""
    content = entry.content
    status, intent = content.get("status"), content.get("intent")
    if str(status) in _SILENT:
        return _SILENT[str(status)], None
    if evidence.later(start):
        return "it is dated after the day of the record", None
    if entry.type == "MedicationRequest":
        if content.get("doNotPerform") is True:
            return "an instruction not to give it", None
        if intent in _NO_ORDER:
            return f"a {intent}, and not a prescription", None
        if start is None:
            return None, "it is not dated, so that it may be of today"
        if evidence.as_of is not None and start.last >= evidence.as_of:
            return "prescribed on the day of the record: not tried yet", None
        if intent not in _INTENTS:
            return None, f"its intent `{str(intent)[:40]}` is not one of FHIR's codes" if intent else "it has no intent"
    if status not in _TAKEN[entry.type]:
        return None, strange_status(status)
    return None, None


def _time(entry: Entry, evidence: Evidence) -> tuple[When | None, When | None]:
    """From when to when; the end is None while it goes on."""
    content = entry.content
    match entry.type:
        case "MedicationStatement" | "MedicationAdministration":
            start, end = evidence.period(content.get("effectivePeriod"))
            moment = evidence.when(content.get("effectiveDateTime"))
            start = start or moment
            if start is None:
                return None, None
            goes_on = moment is None and content.get("status") in ("active", "in-progress")
            return start, end if end or goes_on else moment or start
        case "MedicationRequest":
            start = evidence.when(content.get("authoredOn"))
            if start is None:
                return None, None
            return start, None if content.get("status") == "active" else _until(content, start)
    moment = evidence.when(content.get("whenHandedOver")) or evidence.when(content.get("whenPrepared"))
    return moment, moment


def _until(content: Mapping[str, Any], start: When) -> When:
    """How long a prescription that is over went on for certain: its supply, or nothing beyond its day."""
    supply = content.get("dispenseRequest")
    expected = supply.get("expectedSupplyDuration") if isinstance(supply, Mapping) else None
    if isinstance(expected, Mapping) and content.get("status") == "completed":
        value, unit = expected.get("value"), expected.get("code", expected.get("unit"))
        if isinstance(value, int | float) and isinstance(unit, str) and 0 < value < 10_000:
            days = int(value * DAYS.get(unit, (0.0, 0.0))[0])
            try:
                return When(start.first + timedelta(days=days), start.first + timedelta(days=days))
            except OverflowError:
                return start
    return start


def _route(entry: Entry, fact: Fact, *, known_form: bool) -> tuple[bool | None, str]:
    """Whether a drug was given by one of the routes that count."""
    content = entry.content
    dosages = content.get("dosageInstruction", content.get("dosage"))
    routes = {
        code
        for dosage in (dosages if isinstance(dosages, list) else (dosages,))
        if isinstance(dosage, Mapping)
        for _, code, _ in codings(dosage.get("route"))
    }
    if routes & fact.routes or (not routes and known_form):
        return True, ""
    return None, "by another route" if routes else "by which route is not recorded"
