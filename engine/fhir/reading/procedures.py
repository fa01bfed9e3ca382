"""What was done: procedures, reports, images, visits and episodes -> statements and courses.

An order is not a deed, and something that was not done on one day says nothing about other days. A report in words is
not read: what reports of its kind may be about stays open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..terminology.mapping import Code, Concept, Fact
from .bundle import Entry
from .conditions import nothing, without_codes
from .dates import When
from .evidence import Course, Evidence, Origin, Statement, both, facts_of, origin_of, safe
from .observations import AFTER, dated, read_conclusions, strange_status
from .unlisted import note_unlisted, note_unverified
from .words import label

_PROCEDURE = {
    "preparation": "not begun yet",
    "not-done": "not done: that says nothing of other times",
}
_UNCLEAR = {"on-hold": "interrupted, and not said how far it got", "unknown": "its status is unknown"}
_DONE: Mapping[str, tuple[str, ...]] = {
    "Procedure": ("completed", "in-progress", "stopped"),
    "DiagnosticReport": ("partial", "preliminary", "final", "amended", "corrected", "appended"),
    "ImagingStudy": ("available",),
    "Encounter": ("in-progress", "finished", "onleave"),
    "EpisodeOfCare": ("active", "finished", "onhold"),
}
_NOT_YET: Mapping[str, tuple[str, ...]] = {
    "Procedure": (),
    "DiagnosticReport": ("registered", "cancelled"),
    "ImagingStudy": ("registered", "cancelled"),
    "Encounter": ("planned", "arrived", "triaged", "cancelled"),
    "EpisodeOfCare": ("planned", "waitlist", "cancelled"),
}
_GOOD = {
    "Procedure": "completed",
    "DiagnosticReport": "final",
    "ImagingStudy": "available",
    "Encounter": "finished",
    "EpisodeOfCare": "finished",
}
"""A status that counts, to see what a resource would say whose status is not understood."""


def read_procedure(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence what a resource says was done."""
    silent, strange = _status(entry)
    start, end = _time(entry, evidence)
    if silent is None and (evidence.later(start) or (start is None and evidence.later(end))):
        silent = AFTER
    if silent is not None:
        evidence.ignore(entry, silent)
        return
    if strange is not None and not evidence.trying:
        evidence.unread_as(entry, strange, status=_GOOD[entry.type])
        return
    used, loose, called = [], [], ""
    concepts = list(_codes(entry))
    for coded in concepts:
        found, more = evidence.codes(coded)
        used += found
        loose += more
        called = called or (label(coded) if found else "")
    report = entry.type == "DiagnosticReport"
    said = report and read_conclusions(entry, evidence, start)
    if report:
        said = _in_words(entry, used, start, evidence) or said
    if entry.type == "Encounter":
        said = _reasons(entry, start, evidence) or said
    if not used:
        if (
            not note_unverified(entry, evidence, loose, when=start or end)
            and not _unlisted(entry, concepts, start or end, evidence, wordless=not said)
            and not said
        ):
            evidence.ignore(entry, without_codes(loose))
        return
    origin = origin_of(entry, start or end, used, called)
    reasons = []
    for concept, can_show, _, loosely in evidence.concepts(used):
        if not can_show:
            reasons.append(f"too broad a code: it need not be {concept.name}")
            if names := evidence.mapping.names_of(concept.name):
                evidence.not_understood(
                    entry.reference, evidence.called(entry), names, reasons[-1], when=start or end, weak=True
                )
                said = True
            continue
        silent = _done(entry, concept, origin, loosely, evidence)
        course = _course(entry, concept, origin, loosely, evidence)
        said = said or silent is None or course is None
        reasons += [r for r in (silent, course) if r]
    if not said:
        evidence.ignore(entry, next(iter(reasons), nothing(used[0].concept)))


def _unlisted(entry: Entry, concepts: Sequence[Any], when: When | None, evidence: Evidence, *, wordless: bool) -> bool:
    """Leave open what something that was done may be whose code is not listed; whether there was anything.

    Visits are left out where they have no words: nearly all of them are no therapy.
    """
    return note_unlisted(
        entry, evidence, concepts, when=when, wordless=wordless and entry.type in ("Procedure", "DiagnosticReport")
    )


def _in_words(entry: Entry, used: Sequence[Code], when: When | None, evidence: Evidence) -> bool:
    """Leave open what a report in words may be about; whether there was anything."""
    content = entry.content
    words = content.get("conclusion")
    attached = content.get("presentedForm")
    if not (isinstance(words, str) and words.strip()) and not (isinstance(attached, list) and attached):
        return False
    names = dict.fromkeys(n for c in used for n in evidence.mapping.concepts[c.concept].reports)
    if isinstance(words, str):
        names |= dict.fromkeys(
            n for net in evidence.mapping.nets_of_text(words) for n in net.names if net.of_kind(entry.type)
        )
    if not names:
        return False
    reason = f"a report in words: “{safe(words)}”" if isinstance(words, str) and words.strip() else "a report in words"
    evidence.not_understood(entry.reference, evidence.called(entry), names, reason, when=when)
    return True


def _reasons(entry: Entry, when: When | None, evidence: Evidence) -> bool:
    """Leave open what the reason of a visit speaks of: a complaint is not yet a finding."""
    found = entry.content.get("reasonCode")
    said = False
    for concept in found if isinstance(found, list) else ():
        used, _ = evidence.codes(concept)
        names = dict.fromkeys(
            n
            for c in used
            for f in evidence.mapping.concepts[c.concept].facts
            if f.when == "present" and not f.denies
            for n in f.names
        )
        if names:
            why = "the reason of a visit is not yet a finding"
            evidence.not_understood(entry.reference, label(concept) or evidence.called(entry), names, why, when=when)
            said = True
    return said


def _done(entry: Entry, concept: Concept, origin: Origin, loosely: str, evidence: Evidence) -> str | None:
    """Say that something was done; why not, or None."""
    facts = facts_of(concept, "done")
    if not facts:
        return concept.note or nothing(concept.name)
    status = str(entry.content.get("status"))
    unfinished = entry.type == "Procedure" and status != "completed" and not facts_of(concept, "course")
    for fact in facts:
        why = f"its status is {status}: not done to its end" if unfinished else _too_old(entry, fact, evidence)
        for name in fact.names:
            evidence.say(
                Statement(name, None if why else True, origin, assumes=both(fact.assumes, loosely), reason=why)
            )
    return None


def _too_old(entry: Entry, fact: Fact, evidence: Evidence) -> str:
    """Why something that was done may be of another time than the guideline asks about, or empty."""
    start, end = _time(entry, evidence)
    latest = end or start
    if fact.present_for is None or (entry.content.get("status") in ("in-progress", "active") and end is None):
        return ""
    if latest is None:
        return "it has no date"
    return f"it is older than {fact.present_for} weeks" if evidence.older(latest, fact.present_for) else ""


def _course(entry: Entry, concept: Concept, origin: Origin, loosely: str, evidence: Evidence) -> str | None:
    """Note a course or a session of one; why not, empty where nothing is to be noted, or None when it was."""
    start, end = _time(entry, evidence)
    if not facts_of(concept, "course"):
        return ""
    if start is None:
        return _unmeasured(concept, origin, "when it began is not recorded", evidence)
    old = next((why for fact in facts_of(concept, "course") if (why := _too_old(entry, fact, evidence))), None)
    if old is not None:
        return old
    status = str(entry.content.get("status"))
    whole = entry.type == "EpisodeOfCare" or (entry.type == "Procedure" and "performedPeriod" in entry.content)
    if not whole:
        evidence.courses.append(Course(concept.name, start, end or start, False, origin))
        return None
    goes_on = status in ("in-progress", "active")
    for fact in facts_of(concept, "completed"):
        for name in fact.names:
            value = status in ("completed", "finished")
            evidence.say(Statement(name, value, origin, assumes=both(fact.assumes, loosely)))
    if end is None and not goes_on:
        return _unmeasured(concept, origin, "it has ended, and when is not recorded", evidence)
    evidence.courses.append(Course(concept.name, start, None if goes_on else end, True, origin))
    return None


def _unmeasured(concept: Concept, origin: Origin, reason: str, evidence: Evidence) -> str:
    """Leave open how long a course went on that is not dated."""
    measures = [n for n in evidence.mapping.names_of(concept.name) if n in evidence.vocabulary.measures]
    for name in measures:
        evidence.unread_measures[name].append((origin, reason))
    return reason


def _status(entry: Entry) -> tuple[str | None, str | None]:
    """Why a resource says nothing by design, or None; and why its status is not understood, or None."""
    status = entry.content.get("status")
    if status == "entered-in-error":
        return "entered in error", None
    if entry.type == "Procedure" and status in _PROCEDURE:
        return _PROCEDURE[status], None
    if status in _DONE[entry.type]:
        return None, None
    if status in _NOT_YET[entry.type]:
        return f"its status is {status}: nothing has been done yet", None
    return None, _UNCLEAR.get(str(status)) or strange_status(status)


def _time(entry: Entry, evidence: Evidence) -> tuple[When | None, When | None]:
    """When it began and ended."""
    content = entry.content
    match entry.type:
        case "Procedure":
            start, end = evidence.period(content.get("performedPeriod"))
            moment = evidence.when(content.get("performedDateTime"))
            return (moment, moment) if moment else (start, end)
        case "DiagnosticReport":
            moment = dated(content, evidence)
            return moment, moment
        case "ImagingStudy":
            moment = evidence.when(content.get("started"))
            return moment, moment
    return evidence.period(content.get("period"))


def _codes(entry: Entry) -> Iterator[Any]:
    """The CodeableConcepts that say what was done."""
    keys = {"ImagingStudy": ("procedureCode",), "Encounter": ("type", "serviceType"), "EpisodeOfCare": ("type",)}
    for key in keys.get(entry.type, ("code",)):
        found = entry.content.get(key)
        yield from found if isinstance(found, list) else (found,)
