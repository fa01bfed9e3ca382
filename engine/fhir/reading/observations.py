"""Observations and the conclusions of reports -> statements.

Present, absent or unknown from the value (a truth value, an answer code), else from the interpretation (POS, NEG);
high or low from a number, where the mapping gives limits. Components are read as observations of their own. A code
alone, without a value, says neither present nor absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ..terminology.mapping import Code, Fact
from .bundle import Entry
from .conditions import in_several, nothing, without_codes
from .dates import When, period, when
from .evidence import Amount, Evidence, OneOf, Origin, Point, Statement, both, facts_of, origin_of, safe
from .words import DAYS, INTERPRETATIONS, answer, codings, label

_DONE = ("final", "amended", "corrected", "preliminary", "appended", "partial")
_VALUES = ("valueBoolean", "valueCodeableConcept", "valueQuantity", "valueInteger", "valueDecimal", "valueString")
SCORES = frozenset({"", "1", "{score}", "{Score}", "score", "points", "%"})
_OTHER = "other"
AFTER = "it is dated after the day of the record"
_MakeOrigin: TypeAlias = Callable[[Sequence[Code]], Origin]


def read_observation(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence what an Observation and its components say."""
    content = entry.content
    parts = content.get("component")
    components = [c for c in (parts if isinstance(parts, list) else ()) if isinstance(c, Mapping)]
    reason = _status(content)
    if reason is None and not any(_relevant(part, evidence) for part in (content, *components)):
        reason = without_codes([])  # most of a record: vital signs, laboratory
    at = dated(content) if reason is None else None
    if reason is None and evidence.later(at):
        reason = AFTER
    if reason is not None:
        evidence.ignore(entry, reason)
        return
    silent = _observe(content, lambda codes: origin_of(entry, at, codes), evidence, has_parts=bool(components))
    reasons = [] if silent is None else [silent]
    said = silent is None
    for number, part in enumerate(components, 1):
        if part.get("modifierExtension"):
            reasons.append("an extension that this program does not know changes what it means")
            continue
        silent = _observe(part, _component(entry, number, part, at), evidence, site=content)
        said = said or silent is None
        reasons += [] if silent is None else [silent]
    if not said:
        evidence.ignore(entry, next((r for r in reasons if not r.startswith("the guideline's code list")), reasons[0]))


def read_conclusions(entry: Entry, evidence: Evidence) -> bool:
    """Note as evidence what the conclusion codes of a DiagnosticReport say; whether there was anything."""
    content = entry.content
    found = content.get("conclusionCode")
    at = dated(content)
    said = False
    for concept in found if isinstance(found, list) else ():
        if _status(content) is None and not evidence.later(at):
            origin = Origin(safe(entry.reference), safe(label(concept) or _named(evidence.codes(concept)[0])), at)
            used, _ = evidence.codes(concept)
            said = (_present(used, True, "", origin, evidence) is None and bool(used)) or said
    return said


def _component(entry: Entry, number: int, part: Mapping[str, Any], at: When | None) -> _MakeOrigin:
    """How the origin of a component is made, once it turns out to say something."""
    return lambda codes: Origin(
        f"{safe(entry.reference)}#component {number}", safe(label(part.get("code")) or _named(codes)), at
    )


def _named(codes: Sequence[Code]) -> str:
    return next((c.display for c in codes if c.display), "")


def dated(content: Mapping[str, Any]) -> When | None:
    """When an observation or a report was made."""
    start, end = period(content.get("effectivePeriod"))
    return (
        when(content.get("effectiveDateTime"))
        or when(content.get("effectiveInstant"))
        or end
        or start
        or when(content.get("issued"))
    )


def _relevant(content: Mapping[str, Any], evidence: Evidence) -> bool:
    """Whether a code or a value is one that the mapping knows."""
    code, mapping = content.get("code"), evidence.mapping
    return bool(mapping.find_all(code) or mapping.find_all(content.get("valueCodeableConcept")) or mapping.is_own(code))


def _status(content: Mapping[str, Any]) -> str | None:
    """Why nothing is taken from an observation, or None."""
    status = content.get("status")
    if status == "entered-in-error":
        return "entered in error"
    if status not in _DONE:
        return f"its status is {str(status)[:40] if status else 'missing'}: no result"
    return None


def _observe(
    content: Mapping[str, Any],
    make: _MakeOrigin,
    evidence: Evidence,
    *,
    has_parts: bool = False,
    site: Mapping[str, Any] | None = None,
) -> str | None:
    """Read one code with its value; why nothing follows, or None when something does."""
    code, value = content.get("code"), content.get("valueCodeableConcept")
    if evidence.mapping.is_own(code):
        return _own(content, make, evidence) or None
    used, loose = evidence.codes(code)
    if not used and answer(value) == _OTHER:  # `finding: saddle numbness`: the value names what was found
        used, more = evidence.codes(value)
        loose += more
        if used:
            said = _interpretation(content)
            return _present(used, True if said == _OTHER else said, "", make(used), evidence)
    if not used:
        return without_codes(loose)
    origin = make(used)
    number = quantity(content)
    if number is not None:
        _series(used, content, site, number[0], origin, evidence)
        silent = _level(used, number, origin, evidence)
        if silent is None or not facts_of(evidence.mapping.concepts[used[0].concept], "present"):
            return silent
    said, reason = _said(content)
    if said == _OTHER:
        if has_parts and not any(key in content for key in _VALUES):
            return "its code says nothing without a value"
        return reason
    assert said is None or isinstance(said, bool)
    if said is not None:
        _series(used, content, site, said, origin, evidence)
    return _present(used, said, reason, origin, evidence)


def _said(content: Mapping[str, Any]) -> tuple[bool | str | None, str]:
    """True, False, None (left open, with the reason), or `other` with the reason why it says nothing."""
    truth = content.get("valueBoolean")
    value: bool | str | None = truth if isinstance(truth, bool) else answer(content.get("valueCodeableConcept"))
    interpreted = _interpretation(content)
    if "dataAbsentReason" in content and not any(key in content for key in _VALUES):
        return None, f"no result: {safe(label(content['dataAbsentReason'])) or 'the reason is not given'}"
    if value == _OTHER:
        if interpreted == _OTHER:
            return _OTHER, "it says neither present nor absent"
        return interpreted, "indeterminate" if interpreted is None else ""
    if isinstance(interpreted, bool) and isinstance(value, bool) and interpreted is not value:
        return None, "its value and its interpretation contradict each other"
    return value, "the answer is: unknown" if value is None else ""


def _interpretation(content: Mapping[str, Any]) -> bool | str | None:
    found = content.get("interpretation")
    words = {
        INTERPRETATIONS[code]
        for concept in (found if isinstance(found, list) else (found,))
        for _, code, _ in codings(concept)
        if code in INTERPRETATIONS
    }
    if len(words) == 1:
        return next(iter(words))
    return None if words else _OTHER


def _present(used: list[Code], said: bool | str | None, reason: str, origin: Origin, evidence: Evidence) -> str | None:
    silent = ""
    done = False
    value = said if isinstance(said, bool) else None
    for concept, can_show, can_deny, loosely in evidence.concepts(used):
        if (value is False and not can_deny) or (value is True and not can_show):
            silent = f"its code is too {'narrow' if value is False else 'broad'} to say so of {concept.name}"
            continue
        evidence.say(Statement(f"concept:{concept.name}", value, origin))
        done = done or in_several(concept.name, evidence)
        for fact in facts_of(concept, "present"):
            assumes = both(fact.assumes, loosely)
            if fact.severe and value is True:
                value, reason = None, "the record does not say that it is severe"
            if len(fact.names) > 1:
                if value is True:
                    evidence.one_ofs.append(OneOf(fact.names, origin, assumes))
                    done = True
                silent = silent or "not being there does not exclude each of its signs"
                continue
            for name in fact.names:
                done = True
                evidence.say(Statement(name, value, origin, assumes=assumes, reason=reason))
        silent = silent or concept.note or nothing(concept.name)
    return None if done else silent


def quantity(content: Mapping[str, Any]) -> tuple[float, str, str] | None:
    """A number with its unit and its comparator, or None."""
    for key in ("valueInteger", "valueDecimal"):
        if isinstance(content.get(key), int | float) and not isinstance(content.get(key), bool):
            return float(content[key]), "", ""
    value = content.get("valueQuantity")
    if not isinstance(value, Mapping):
        return None
    number, unit, comparator = value.get("value"), value.get("code", value.get("unit", "")), value.get("comparator", "")
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return float(number), unit if isinstance(unit, str) else "", comparator if isinstance(comparator, str) else ""


def _level(used: list[Code], number: tuple[float, str, str], origin: Origin, evidence: Evidence) -> str | None:
    """A number against the limits of the mapping."""
    value, unit, comparator = number
    silent = "the mapping has no limits for this number"
    done = False
    for concept, _, _, loosely in evidence.concepts(used):
        silent = concept.note or silent
        for fact in facts_of(concept, "level"):
            if unit not in SCORES:
                silent = f"its unit is `{safe(unit)}`, not a score"
            elif fact.scale is not None and not fact.scale[0] <= value <= fact.scale[1]:
                silent = f"{value:g} is not on the scale from {fact.scale[0]:g} to {fact.scale[1]:g}"
            else:
                said = _against(value, comparator, fact)
                reason = "" if said is not None else f"{comparator}{value:g} lies between the limits of the mapping"
                for name in fact.names:
                    evidence.say(Statement(name, said, origin, assumes=both(fact.assumes, loosely), reason=reason))
                done = True
    return None if done else silent


def _against(value: float, comparator: str, fact: Fact) -> bool | None:
    high, low = fact.present_from, fact.absent_to
    if high is not None and value >= high and comparator in ("", ">", ">="):
        return True
    if low is not None and value <= low and comparator in ("", "<", "<="):
        return False
    return None


def _series(
    used: list[Code],
    content: Mapping[str, Any],
    site: Mapping[str, Any] | None,
    value: bool | float,
    origin: Origin,
    evidence: Evidence,
) -> None:
    """Note a dated observation of something whose worsening matters."""
    watched = {c for w in evidence.mapping.worsening for c in w.concepts}
    place = content.get("bodySite", (site or {}).get("bodySite"))
    sites = tuple(sorted(f"{s}|{c}" for s, c, _ in codings(place)))
    for code in used:
        if code.concept in watched and origin.when is not None:
            kind = "answer" if isinstance(value, bool) else "number"
            evidence.points.append(Point(code.concept, (code.system, code.code, kind, *sites), value, origin))


def _own(content: Mapping[str, Any], make: _MakeOrigin, evidence: Evidence) -> str:
    """Read an observation under one of the guideline's own names; why not, or empty."""
    for system, name, _ in codings(content.get("code")):
        if system != evidence.mapping.own_system or not system:
            continue
        origin = make([])
        if name in evidence.vocabulary.findings:
            said, reason = _said(content)
            if said == _OTHER:
                return reason
            evidence.say(Statement(name, said if isinstance(said, bool) else None, origin, reason=reason))
            return ""
        if name in evidence.vocabulary.measures:
            number = quantity(content)
            amount = amount_of(name, number, origin, evidence) if number else None
            if amount is None:
                return "it has no number in a unit of this measure"
            evidence.amounts[name].append(amount)
            return ""
        return f"the guideline has no name `{safe(name)}`"
    return "its code is none of the guideline's names"


def amount_of(name: str, number: tuple[float, str, str], origin: Origin, evidence: Evidence) -> Amount | None:
    """A number as an amount of a measure; None where the unit does not fit. Without a unit it is the measure's own."""
    value, unit, comparator = number
    measure = evidence.vocabulary.measures[name]
    if comparator not in ("", "<", "<=", ">", ">="):
        return None
    if measure.unit in ("day", "week"):
        shortest, longest = DAYS.get(unit or measure.unit, (0.0, 0.0))
        if not longest:
            return None
        low, high = value * shortest, value * longest
    elif unit in ("", measure.unit, *SCORES):
        low = high = value
    else:
        return None
    return Amount(
        name,
        None if comparator.startswith("<") else low,
        None if comparator.startswith(">") else high,
        origin,
        said_on=origin.when,
    )
