"""What was done: procedures, reports, images, visits and episodes -> statements and courses.

An order is not a deed, and something that was not done on one day says nothing about other days.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..terminology.mapping import Concept, Fact
from .bundle import Entry
from .conditions import nothing, without_codes
from .dates import When, period, when
from .evidence import Course, Evidence, Origin, Statement, both, facts_of, origin_of, safe
from .observations import AFTER, dated, read_conclusions
from .words import label

_PROCEDURE = {
    "entered-in-error": "entered in error",
    "preparation": "not begun yet",
    "on-hold": "interrupted, and not said how far it got",
    "not-done": "not done: that says nothing of other times",
    "unknown": "its status is unknown",
}
_REPORT = ("partial", "preliminary", "final", "amended", "corrected", "appended")
_VISIT = ("in-progress", "finished", "onleave", "active")


def read_deed(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence what a resource says was done."""
    reason = _status(entry)
    used, loose, called = [], [], ""
    for coded in _codes(entry) if reason is None else ():
        found, more = evidence.codes(coded)
        used += found
        loose += more
        called = called or (label(coded) if found else "")
    if reason is None and not used and entry.type != "DiagnosticReport":
        reason = without_codes(loose)  # most of a record: visits, laboratory
    start, end = _time(entry) if reason is None else (None, None)
    if reason is None and (evidence.later(start) or (start is None and evidence.later(end))):
        reason = AFTER
    if reason is not None:
        evidence.ignore(entry, reason)
        return
    said = entry.type == "DiagnosticReport" and read_conclusions(entry, evidence)
    if not used:
        if not said:
            evidence.ignore(entry, without_codes(loose))
        return
    origin = origin_of(entry, start or end, used, called)
    reasons = []
    for concept, can_show, _, loosely in evidence.concepts(used):
        silent = _done(entry, concept, origin, loosely, evidence) if can_show else f"too broad a code: {concept.name}"
        course = _course(entry, concept, origin, loosely, evidence) if can_show else None
        said = said or silent is None or course is None
        reasons += [r for r in (silent, course) if r]
    if not said:
        evidence.ignore(entry, next(iter(reasons), nothing(used[0].concept)))


def _done(entry: Entry, concept: Concept, origin: Origin, loosely: str, evidence: Evidence) -> str | None:
    """Say that something was done; why not, or None."""
    facts = facts_of(concept, "done")
    if not facts:
        return concept.note or nothing(concept.name)
    status = str(entry.content.get("status"))
    if entry.type == "Procedure" and status != "completed" and not facts_of(concept, "course"):
        return f"its status is {status}: not done to its end"
    for fact in facts:
        why = _too_old(entry, fact, evidence)
        for name in fact.names:
            evidence.say(
                Statement(name, None if why else True, origin, assumes=both(fact.assumes, loosely), reason=why)
            )
    return None


def _too_old(entry: Entry, fact: Fact, evidence: Evidence) -> str:
    """Why something that was done may be of another time than the guideline asks about, or empty."""
    start, end = _time(entry)
    latest = end or start
    if fact.present_for is None or (entry.content.get("status") in ("in-progress", "active") and end is None):
        return ""
    if latest is None:
        return "it has no date"
    return f"it is older than {fact.present_for} weeks" if evidence.older(latest, fact.present_for) else ""


def _course(entry: Entry, concept: Concept, origin: Origin, loosely: str, evidence: Evidence) -> str | None:
    """Note a course or a session of one; why not, empty where nothing is to be noted, or None when it was."""
    start, end = _time(entry)
    if start is None or not facts_of(concept, "course"):
        return ""
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
        return "it has ended, and when is not recorded"
    evidence.courses.append(Course(concept.name, start, None if goes_on else end, True, origin))
    return None


def _status(entry: Entry) -> str | None:
    status = entry.content.get("status")
    match entry.type:
        case "Procedure":
            if status in ("completed", "in-progress", "stopped"):
                return None
            return _PROCEDURE.get(str(status), f"its status is {safe(str(status)) if status else 'missing'}")
        case "DiagnosticReport" if status in _REPORT:
            return None
        case "ImagingStudy" if status == "available":
            return None
        case "Encounter" if status in _VISIT:
            return None
        case "EpisodeOfCare" if status in ("active", "finished"):
            return None
    if status == "entered-in-error":
        return "entered in error"
    return f"its status is {safe(str(status)) if status else 'missing'}: nothing has been done yet"


def _time(entry: Entry) -> tuple[When | None, When | None]:
    """When it began and ended."""
    content = entry.content
    match entry.type:
        case "Procedure":
            start, end = period(content.get("performedPeriod"))
            moment = when(content.get("performedDateTime"))
            return (moment, moment) if moment else (start, end)
        case "DiagnosticReport":
            moment = dated(content)
            return moment, moment
        case "ImagingStudy":
            moment = when(content.get("started"))
            return moment, moment
    return period(content.get("period"))


def _codes(entry: Entry) -> Iterator[Any]:
    """The CodeableConcepts that say what was done."""
    keys = {"ImagingStudy": ("procedureCode",), "Encounter": ("type", "serviceType"), "EpisodeOfCare": ("type",)}
    for key in keys.get(entry.type, ("code",)):
        found = entry.content.get(key)
        yield from found if isinstance(found, list) else (found,)
