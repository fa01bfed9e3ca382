"""Conditions and intolerances -> statements.

Refuted is absent. Entered in error is nothing. What is not confirmed is unknown, unless suspicion is what the guideline
asks for. Resolved or inactive says nothing of today: neither present nor absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ..terminology.mapping import Code, Fact
from .bundle import Entry
from .dates import DAYS_A_WEEK, When, period, when
from .evidence import Amount, Evidence, OneOf, Origin, Statement, both, facts_of, origin_of, safe
from .words import SEVERE, codings, status_code

_OPEN = ("unconfirmed", "provisional", "differential", "presumed")
_PAST = ("inactive", "remission", "resolved")


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
    verification = status_code(content.get("verificationStatus"))
    recorded = when(content.get("recordedDate")) or when(content.get("assertedDate"))
    start, _ = onset(entry)
    used, loose = evidence.codes(content.get("code"))
    reason = _silent(entry, verification, evidence) or (without_codes(loose) if not used else None)
    if reason is not None:
        evidence.ignore(entry, reason)
        return
    value = False if verification == "refuted" else None if verification in _OPEN else True
    case = _Case(entry, value, verification, tuple(used), start, recorded)
    reasons: list[str] = []
    said = False
    for concept, can_show, can_deny, loosely in evidence.concepts(used):
        if (value is False and not can_deny) or (value is not False and not can_show):
            reasons.append(
                f"refuted: that does not exclude {concept.name} altogether"
                if value is False
                else f"too broad a code: it need not be {concept.name}"
            )
            continue
        evidence.say(Statement(f"concept:{concept.name}", value, case.origin, standing=True))
        said = in_several(concept.name, evidence) or said
        for fact in facts_of(concept, "present", "lasting", "since"):
            silent = _tell(case, fact, loosely, evidence)
            said = said or silent is None
            reasons += [] if silent is None else [silent]
        reasons += [concept.note] if concept.note else []
    if not said:
        evidence.ignore(entry, next(iter(reasons), nothing(used[0].concept)))


def _silent(entry: Entry, verification: str, evidence: Evidence) -> str | None:
    """Why a condition says nothing of today, or None."""
    content = entry.content
    clinical = status_code(content.get("clinicalStatus"))
    start, ended = onset(entry)
    if verification == "entered-in-error":
        return "entered in error"
    if verification not in ("", "confirmed", "refuted", *_OPEN):
        return f"`{safe(verification)}` is not a verification status"
    if evidence.later(when(content.get("recordedDate"))) or evidence.later(start):
        return "it is dated after the day of the record"
    if verification != "refuted" and (clinical in _PAST or ended):
        return f"{clinical if clinical in _PAST else 'ended'}: it says nothing of today"
    return None


def _tell(case: _Case, fact: Fact, loosely: str, evidence: Evidence) -> str | None:
    """Say what one fact of the mapping makes of a condition; why nothing, or None."""
    assumes = both(fact.assumes, loosely)
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
        if value is not True:
            return f"{case.verification}: that does not settle any one of its signs"
        evidence.one_ofs.append(OneOf(fact.names, case.origin, assumes))
    else:
        for name in fact.names:
            evidence.say(Statement(name, value, case.origin, standing=True, assumes=assumes, reason=why))
    return None


def onset(entry: Entry) -> tuple[When | None, bool]:
    """When a condition began, and whether it has ended."""
    content = entry.content
    start = when(content.get("onsetDateTime")) or period(content.get("onsetPeriod"))[0]
    return start, any(key.startswith("abatement") for key in content)


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


def without_codes(loose: list[Code]) -> str:
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
