"""Conditions and intolerances -> statements.

Refuted is absent. Entered in error is nothing. What is not confirmed is unknown, unless suspicion is what the guideline
asks for. What was over on the day of the record says nothing of that day: neither present nor absent. A status that is
not understood leaves open what the condition is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..terminology.mapping import Code, Fact
from .bundle import Entry
from .dates import DAYS_A_WEEK, When
from .evidence import CONCEPT, Amount, Evidence, OneOf, Origin, Statement, both, facts_of, origin_of
from .unlisted import note_unlisted, note_unverified
from .words import CLINICAL, SEVERE, VERIFICATION, codings, status_of

_OPEN = ("unconfirmed", "provisional", "differential", "presumed")
_PAST = ("inactive", "remission", "resolved")
_NOW = ("active", "recurrence", "relapse")


@dataclass(frozen=True, slots=True)
class _Case:
    """A condition as its facts look at it: what is said of it, its codes, and its days."""

    entry: Entry
    value: bool | None
    verification: str
    codes: tuple[Code, ...]
    start: When | None
    recorded: When | None

    @property
    def origin(self) -> Origin:
        return origin_of(self.entry, self.recorded or self.start, self.codes)


def read_condition(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence what a Condition or AllergyIntolerance says."""
    content = entry.content
    verification = status_of(content.get("verificationStatus"), VERIFICATION, "verification")
    clinical = status_of(content.get("clinicalStatus"), CLINICAL, "clinical")
    recorded = evidence.when(content.get("recordedDate")) or evidence.when(content.get("assertedDate"))
    start = _onset(entry, evidence)
    if verification.code == "entered-in-error":
        evidence.ignore(entry, "entered in error")
        return
    if evidence.later(start) or (start is None and evidence.later(recorded)):
        evidence.ignore(entry, "it is dated after the day of the record")
        return
    if not evidence.trying and (strange := verification.strange or clinical.strange):
        evidence.unread_as(entry, strange, verificationStatus=None, clinicalStatus=None)
        return
    if verification.code != "refuted":
        over, why = _over(entry, clinical.code, evidence)
        if over:
            evidence.ignore(entry, why)
            return
        if why and not evidence.trying:
            ended = [key for key in content if key.startswith("abatement")]
            changes: dict[str, Any] = dict.fromkeys(("clinicalStatus", *ended))
            evidence.unread_as(entry, why, **changes)
            return
    used, loose = evidence.codes(content.get("code"))
    if not used:
        when = start or recorded
        if verification.code == "refuted" or (
            not note_unverified(entry, evidence, loose, when=when, standing=True)
            and not note_unlisted(entry, evidence, (content.get("code"),), when=when, standing=True)
        ):
            evidence.ignore(entry, without_codes(loose))
        return
    value = False if verification.code == "refuted" else None if verification.code in _OPEN else True
    case = _Case(entry, value, verification.code, tuple(used), start, recorded)
    reasons: list[str] = []
    said = False
    for concept, can_show, can_deny, loosely in evidence.concepts(used):
        if (value is False and not can_deny) or (value is not False and not can_show):
            reasons.append(
                f"refuted: that does not exclude {concept.name} altogether"
                if value is False
                else f"too broad a code: it need not be {concept.name}"
            )
            if value is not False:
                names = evidence.mapping.names_of(concept.name)
                evidence.not_understood(
                    entry.reference,
                    evidence.called(entry),
                    names,
                    reasons[-1],
                    when=start or recorded,
                    standing=True,
                    weak=True,
                )
            continue
        evidence.say(Statement(f"{CONCEPT}{concept.name}", value, case.origin, standing=True))
        said = in_several(concept.name, evidence) or said
        for fact in facts_of(concept, "present", "lasting", "since"):
            silent = _tell(case, fact, loosely, evidence)
            said = said or silent is None
            reasons += [] if silent is None else [silent]
        reasons += [concept.note] if concept.note else []
    if not said:
        evidence.ignore(entry, next(iter(reasons), nothing(used[0].concept)))


def _over(entry: Entry, clinical: str, evidence: Evidence) -> tuple[bool, str]:
    """Whether a condition was over on the day of the record, and why; not over, with a reason: that is not known."""
    content = entry.content
    started, ended = evidence.period(content.get("abatementPeriod"))
    end = evidence.when(content.get("abatementDateTime")) or ended or started
    day = evidence.as_of
    if end is not None and day is not None:
        if end.first > day or evidence.later(end):
            return False, ""
        if end.last > day:
            return False, f"it ended on a day of {end}, before or after the day of the record"
        if clinical in _NOW:
            return False, f"its clinical status is {clinical}, and it ended on {end}"
        return (
            True,
            "ended: it says nothing of today" if clinical not in _PAST else f"{clinical}: it says nothing of today",
        )
    if clinical in _PAST:
        meta = content.get("meta")
        changed = evidence.when(meta.get("lastUpdated")) if isinstance(meta, dict) else None
        if evidence.asked_for and day is not None and changed is not None and changed.first > day:
            return False, f"it is {clinical}, and whether it was on the day of the record is not known"
        return True, f"{clinical}: it says nothing of today"
    if any(key.startswith("abatement") and value is not False for key, value in content.items()):
        if clinical in _NOW:
            return False, f"its clinical status is {clinical}, and it has ended"
        return True, "ended: it says nothing of today"
    return False, ""


def _tell(case: _Case, fact: Fact, loosely: str, evidence: Evidence) -> str | None:
    """Say what one fact of the mapping makes of a condition; why nothing, or None."""
    assumes = both(fact.assumes, loosely)
    if fact.opens and case.value is not False:
        reason, when = "that it is there does not settle it", case.recorded or case.start
        called = evidence.called(case.entry)
        evidence.not_understood(case.entry.reference, called, fact.names, reason, when=when, standing=True, weak=True)
        return None
    if (fact.denies and case.value is not False) or (fact.opens and not fact.denies):
        return "that it is there does not say so"
    if fact.when == "since":
        amount = _since(fact, case, evidence) if case.value is True else None
        if amount is None:
            return "since when is not recorded"
        evidence.amounts[amount.name].append(amount)
        return None
    value, why = case.value, ""
    if value is None and fact.suspicion:
        value, assumes = True, both(assumes, f"{case.verification}: a suspicion is what is asked for")
    elif value is None:
        why = f"{case.verification}, and not confirmed"
    if value is True:
        value, why = _qualified(case, fact, evidence)
    if len(fact.names) > 1:
        if value is False:
            return f"{case.verification}: that does not settle any one of its signs"
        if value is True:
            evidence.one_ofs.append(OneOf(fact.names, case.origin, assumes))
        else:
            for name in fact.names:
                evidence.say(Statement(name, None, case.origin, standing=True, reason=why, unread=True))
    else:
        for name in fact.names:
            evidence.say(Statement(name, value, case.origin, standing=True, assumes=assumes, reason=why))
    return None


def _onset(entry: Entry, evidence: Evidence) -> When | None:
    """When a condition began."""
    content = entry.content
    return evidence.when(content.get("onsetDateTime")) or evidence.period(content.get("onsetPeriod"))[0]


def _qualified(case: _Case, fact: Fact, evidence: Evidence) -> tuple[bool | None, str]:
    """Whether a condition that is present is severe enough, and has lasted long enough."""
    if fact.severe and not any((s, c) in SEVERE for s, c, _ in codings(case.entry.content.get("severity"))):
        return None, "the record does not say that it is severe"
    if fact.when != "lasting":
        return True, ""
    known = case.start or case.recorded
    if known is None or evidence.as_of is None:
        return None, f"since when is not recorded, and it takes {fact.weeks} weeks"
    if known.last <= evidence.as_of - timedelta(days=fact.weeks * DAYS_A_WEEK):
        return True, ""
    return None, f"it {'began' if case.start else 'was recorded'} on {known}, and it takes {fact.weeks} weeks"


def _since(fact: Fact, case: _Case, evidence: Evidence) -> Amount | None:
    """How long a condition has been there: from its start, or at least since somebody wrote it down."""
    if evidence.as_of is None or not fact.names:
        return None
    start, recorded, name = case.start, case.recorded, fact.names[0]
    if start is not None:
        last = min(start.last, evidence.as_of, *([recorded.last] if recorded else []))
        origin = origin_of(case.entry, start, case.codes)
        return Amount(name, None, None, origin, (start.first, max(start.first, last)), assumes=fact.assumes)
    if recorded is not None:
        days = (evidence.as_of - min(recorded.last, evidence.as_of)).days
        return Amount(name, days, None, case.origin, assumes=fact.assumes)
    return None


def without_codes(loose: Sequence[Code]) -> str:
    """Why a resource whose codes are not used says nothing."""
    if loose:
        return "its code is not verified (--unverified-codes uses it)"
    return "the guideline's code list has none of its codes"


def nothing(concept: str) -> str:
    """Why a concept without facts says nothing."""
    return f"the guideline asks for nothing that {concept} says by itself"


def in_several(concept: str, evidence: Evidence) -> bool:
    """Whether a concept says something together with other resources."""
    mapping = evidence.mapping
    return any(concept in a.concepts for a in mapping.all_of) or any(concept in w.concepts for w in mapping.worsening)
