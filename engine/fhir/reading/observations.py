"""Observations and the conclusions of reports -> statements.

Present, absent or unknown from the value (a truth value, an answer code), else from the interpretation (POS, NEG);
high or low from a number, where the mapping gives limits for its unit. Components are read as observations of their
own. A code with a value that is none of these (words, another unit, no value at all) speaks of its finding and is not
understood: the finding stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from guidelog.diagnostics import nearest

from ..terminology.mapping import Code, Fact
from .bundle import Entry
from .conditions import in_several, nothing, without_codes
from .dates import When
from .evidence import (
    CONCEPT,
    Amount,
    Evidence,
    OneOf,
    Origin,
    Point,
    Statement,
    both,
    facts_of,
    origin_of,
    safe,
)
from .unlisted import note_unlisted, note_unverified
from .words import DAYS, OTHER, answer, codings, interpretation, label, strange_interpretation, texts_of

_DONE = ("final", "amended", "corrected", "preliminary", "appended", "partial")
_NO_RESULT = ("registered", "cancelled")
UCUM = "http://unitsofmeasure.org"
SCORES = frozenset({"", "1", "{score}", "{Score}", "score", "points"})
AFTER = "it is dated after the day of the record"
_MEASURED = frozenset({"vital-signs", "laboratory"})
_MakeOrigin: TypeAlias = Callable[[Sequence[Code]], Origin]


def read_observation(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence what an Observation and its components say."""
    content = entry.content
    status = content.get("status")
    if status == "entered-in-error" or status in _NO_RESULT:
        evidence.ignore(entry, "entered in error" if status not in _NO_RESULT else f"its status is {status}: no result")
        return
    parts = content.get("component")
    components = [c for c in (parts if isinstance(parts, list) else ()) if isinstance(c, Mapping)]
    if all(_is_quiet(part, evidence) for part in (content, *components)):
        evidence.ignore(entry, without_codes([]))
        return
    at = dated(content, evidence)
    if evidence.later(at):
        evidence.ignore(entry, AFTER)
        return
    if status not in _DONE and not evidence.trying:
        evidence.unread_as(entry, strange_status(status), status="final")
        return
    own = _Part(entry, content, entry.reference, evidence.called, lambda codes: origin_of(entry, at, codes), at)
    silent = _observe(own, evidence, has_parts=bool(components))
    reasons = [] if silent is None else [silent]
    said = silent is None
    for number, part in enumerate(components, 1):
        silent = _component(entry, number, part, at, evidence)
        said = said or silent is None
        reasons += [] if silent is None else [silent]
    if not said:
        evidence.ignore(entry, next((r for r in reasons if not r.startswith("the guideline's code list")), reasons[0]))


def _is_quiet(content: Mapping[str, Any], evidence: Evidence) -> bool:
    """Whether a part is a number, or nothing, under a code that is not listed: most of a record is so."""
    if any(key.startswith("value") and key != "valueQuantity" for key in content) or "interpretation" in content:
        return False
    code, mapping = content.get("code"), evidence.mapping
    listed = code.get("coding") if isinstance(code, dict) else None
    if not isinstance(listed, list) or ("valueQuantity" not in content and "component" not in content):
        return False
    for coding in listed:
        if not isinstance(coding, dict):
            return False
        system, value, shown = coding.get("system"), coding.get("code"), coding.get("display")
        if not isinstance(system, str) or not isinstance(value, str) or system == mapping.own_system:
            return False
        if mapping.find(system, value) is not None or any(mapping.nets_of_code(system, value)):
            return False
        if shown is not None and (not isinstance(shown, str) or any(mapping.nets_of_text(shown))):
            return False
    text = code.get("text") if isinstance(code, dict) else None
    return text is None or (isinstance(text, str) and not any(mapping.nets_of_text(text)))


def _component(entry: Entry, number: int, part: Mapping[str, Any], at: When | None, evidence: Evidence) -> str | None:
    """Read a component; why nothing follows, or None when something does or was left open."""
    source = f"{entry.reference}#component {number}"

    def made(codes: Sequence[Code]) -> Origin:
        called = safe(label(part.get("code")) or _named(codes))
        return Origin(safe(source), called, at, (entry.reference,))

    own = _Part(entry, part, source, lambda _: label(part.get("code")), made, at)
    if not part.get("modifierExtension"):
        return _observe(own, evidence, site=entry.content)
    trial = evidence.trial()
    _observe(own, trial, site=entry.content)
    evidence.open_all(trial, source, label(part.get("code")), MODIFIED, of=entry.reference)
    return None if trial.anything else MODIFIED


def strange_status(status: Any) -> str:
    """Why a status is not understood."""
    return f"its status `{str(status)[:40]}` is not one of FHIR's codes" if status else "its status is missing"


MODIFIED = "an extension that this program does not know changes what it means"


def read_conclusions(entry: Entry, evidence: Evidence, at: When | None) -> bool:
    """Note as evidence what the conclusion codes of a DiagnosticReport say; whether there was anything."""
    found = entry.content.get("conclusionCode")
    said = False
    for concept in found if isinstance(found, list) else ():
        used, loose = evidence.codes(concept)
        origin = Origin(safe(entry.reference), safe(label(concept) or _named(used)), at, (entry.reference,))
        if used:
            said = _present(entry, used, said=True, reason="", origin=origin, evidence=evidence) is None or said
        elif note_unverified(entry, evidence, loose, when=at) or note_unlisted(entry, evidence, (concept,), when=at):
            said = True
    return said


def _named(codes: Sequence[Code]) -> str:
    return next((c.display for c in codes if c.display), "")


def dated(content: Mapping[str, Any], evidence: Evidence) -> When | None:
    """When an observation or a report was made."""
    start, end = evidence.period(content.get("effectivePeriod"))
    return (
        evidence.when(content.get("effectiveDateTime"))
        or evidence.when(content.get("effectiveInstant"))
        or end
        or start
        or evidence.when(content.get("issued"))
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """An observation, or a component of one: its content, where it stands, and how its origin is made when needed."""

    entry: Entry
    content: Mapping[str, Any]
    source: str
    called: Callable[[Entry], str]
    make: _MakeOrigin
    at: When | None

    def open(self, names: Iterable[str], reason: str, evidence: Evidence) -> None:
        """Leave names open: the part speaks of them and was not understood."""
        evidence.not_understood(
            self.source, self.called(self.entry), names, reason, of=self.entry.reference, when=self.at
        )


def _observe(
    part: _Part, evidence: Evidence, *, has_parts: bool = False, site: Mapping[str, Any] | None = None
) -> str | None:
    """Read one code with its value; why nothing follows, or None when something does or was left open."""
    content = part.content
    code, value = content.get("code"), content.get("valueCodeableConcept")
    if evidence.mapping.is_own(code):
        return _own(part, evidence) or None
    used, loose = evidence.codes(code)
    if not used and answer(value) == OTHER:  # `finding: saddle numbness`: the value names what was found
        used, more = evidence.codes(value)
        loose += more
        if used:
            said = interpretation(content)
            return _present(
                part.entry,
                used,
                said=True if said == OTHER else said,
                reason="",
                origin=part.make(used),
                evidence=evidence,
            )
    if not used:
        if note_unverified(part.entry, evidence, loose, when=part.at) or _unlisted(part, evidence):
            return None
        return without_codes(loose)
    origin = part.make(used)
    names = dict.fromkeys(n for c in used for n in evidence.mapping.names_of(c.concept))
    number = quantity(content)
    if number is not None:
        _series(used, content, site, number[0], origin, evidence)
        silent = _level(used, number, origin, texts_of(code), evidence)
        if silent is None:
            return None
        if not any(facts_of(evidence.mapping.concepts[c.concept], "level") for c in used):
            if any(p.concept in {c.concept for c in used} for p in evidence.points[-1:]):
                return None  # a grade in a series: what got worse is seen from several
            silent = f"its value is a number ({number[0]:g} {safe(number[1])}), where present or absent belongs"
        if names:
            part.open(names, silent, evidence)
            return None
        return silent
    said, reason = _said(content)
    if said == OTHER:
        if has_parts and not any(key.startswith("value") for key in content):
            return "its code says nothing without a value"
        if not names:
            return next((evidence.mapping.concepts[c.concept].note for c in used), "") or reason
        part.open(names, reason, evidence)
        return None
    assert said is None or isinstance(said, bool)
    if said is not None:
        _series(used, content, site, said, origin, evidence)
    return _present(part.entry, used, said=said, reason=reason, origin=origin, evidence=evidence)


def _unlisted(part: _Part, evidence: Evidence) -> bool:
    """Leave open what an observation may be about whose code is not listed; whether there was anything."""
    content = part.content
    value = content.get("valueCodeableConcept")
    named = value is not None and answer(value) == OTHER
    measured = "valueQuantity" in content or _measured(part.entry.content)  # most of a record
    positive = not measured and (
        content.get("valueBoolean") is True or answer(value) is True or interpretation(content) is True
    )
    return note_unlisted(
        part.entry,
        evidence,
        (content.get("code"), value) if named else (content.get("code"),),
        texts=(content.get("valueString"),),
        when=part.at,
        wordless=(positive or named) and not measured,
        source=part.source,
        called=part.called,
    )


def _measured(content: Mapping[str, Any]) -> bool:
    """Whether a vital sign or a laboratory result."""
    found = content.get("category")
    return any(c in _MEASURED for concept in (found if isinstance(found, list) else ()) for _, c, _ in codings(concept))


def _said(content: Mapping[str, Any]) -> tuple[bool | str | None, str]:
    """True, False, None (left open, with the reason), or `OTHER` with the reason why it was not understood."""
    truth, concept = content.get("valueBoolean"), content.get("valueCodeableConcept")
    value: bool | str | None = truth if isinstance(truth, bool) else answer(concept)
    interpreted = interpretation(content)
    if "dataAbsentReason" in content and not any(key.startswith("value") for key in content):
        return None, f"no result: {safe(label(content['dataAbsentReason'])) or 'the reason is not given'}"
    if value == OTHER:
        if interpreted == OTHER or any(key.startswith("value") for key in content):
            return OTHER, _strange_value(content)
        return interpreted, "indeterminate" if interpreted is None else ""
    if isinstance(interpreted, bool) and isinstance(value, bool) and interpreted is not value:
        return None, "its value and its interpretation contradict each other"
    return value, "its answers are unknown, or contradict each other" if value is None else ""


def _strange_value(content: Mapping[str, Any]) -> str:
    """Why a value is neither present nor absent."""
    if isinstance(words := content.get("valueString"), str):
        return f"its answer is in words: “{safe(words)}”"
    if (concept := content.get("valueCodeableConcept")) is not None:
        called = texts_of(concept) or next((c for _, c, _ in codings(concept)), "")
        return f"its answer “{safe(called)}” is not an answer code that is known here"
    if strange_interpretation(content):
        return "its interpretation is of a code system that is not known here"
    kind = next((key for key in content if key.startswith("value")), "")
    return f"its {kind} says neither present nor absent" if kind else "it has no value"


def _present(
    entry: Entry, used: list[Code], *, said: bool | str | None, reason: str, origin: Origin, evidence: Evidence
) -> str | None:
    silent = ""
    done = False
    for concept, can_show, can_deny, loosely in evidence.concepts(used):
        value, why = said if isinstance(said, bool) else None, reason
        names = evidence.mapping.names_of(concept.name)
        if value is False and not can_deny:
            silent = f"its code is too narrow to say so of {concept.name}"
            continue
        if value is True and not can_show:
            silent = f"its code is too broad to say so of {concept.name}"
            if names:
                evidence.not_understood(
                    origin.reference, origin.label, names, silent, of=entry.reference, when=origin.when, weak=True
                )
                done = True
            continue
        evidence.say(Statement(f"{CONCEPT}{concept.name}", value, origin))
        done = done or in_several(concept.name, evidence)
        for fact in facts_of(concept, "present"):
            if fact.opens and value is True:
                reason_ = "that it is there does not settle it"
                evidence.not_understood(
                    origin.reference, origin.label, fact.names, reason_, of=entry.reference, when=origin.when, weak=True
                )
                done = True
                continue
            if (fact.denies and value is True) or (fact.opens and not fact.denies and value is False):
                silent = silent or "that it is there does not say so"
                continue
            assumes = both(fact.assumes, loosely)
            if fact.severe and value is True:
                value, why = None, "the record does not say that it is severe"
            if len(fact.names) > 1:
                if value is True:
                    evidence.one_ofs.append(OneOf(fact.names, origin, assumes))
                elif value is None:
                    for name in fact.names:
                        evidence.say(Statement(name, None, origin, reason=why, unread=True))
                done = done or value is not False
                silent = silent or "not being there does not exclude each of its signs"
                continue
            for name in fact.names:
                done = True
                evidence.say(Statement(name, value, origin, assumes=assumes, reason=why))
        silent = silent or concept.note or nothing(concept.name)
    return None if done else silent


def quantity(content: Mapping[str, Any]) -> tuple[float, str, str] | None:
    """A number with its unit and its comparator, or None. A code of a system other than UCUM is no unit."""
    for key in ("valueInteger", "valueDecimal"):
        if isinstance(content.get(key), int | float) and not isinstance(content.get(key), bool):
            return float(content[key]), "", ""
    value = content.get("valueQuantity")
    if not isinstance(value, Mapping):
        return None
    known = value.get("system") in (None, UCUM)
    unit = value.get("code", value.get("unit", "")) if known else value.get("unit", value.get("code", "?"))
    number, comparator = value.get("value"), value.get("comparator", "")
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return float(number), unit if isinstance(unit, str) else "?", comparator if isinstance(comparator, str) else "?"


def _level(
    used: list[Code], number: tuple[float, str, str], origin: Origin, words: str, evidence: Evidence
) -> str | None:
    """A number against the limits of the mapping; why they do not apply, or None."""
    silent = "the mapping has no limits for this number"
    done = False
    for concept, _, _, loosely in evidence.concepts(used):
        silent = concept.note or silent
        for fact in facts_of(concept, "level"):
            value, why = _on_scale(number, fact)
            if fact.says and fact.says not in words.casefold():
                silent = f"its words do not say `{fact.says}`, and its code alone does not say on which scale it is"
            elif value is None:
                silent = why
            else:
                said = _against(value, number[2], fact)
                reason = "" if said is not None else f"{number[2]}{value:g} lies between the limits of the mapping"
                for name in fact.names:
                    evidence.say(Statement(name, said, origin, assumes=both(fact.assumes, loosely), reason=reason))
                done = True
    return None if done else silent


def _on_scale(number: tuple[float, str, str], fact: Fact) -> tuple[float | None, str]:
    """The value in the unit of the limits, or None with the reason. 0.45 of unit 1 is 45 %."""
    value, unit, comparator = number
    if comparator not in ("", "<", "<=", ">", ">="):
        return None, f"its comparator is `{safe(comparator)}`"
    if fact.unit == "%" and unit in SCORES:
        if unit == "1":
            value = round(value * _PERCENT, 6)
        elif 0 < value < 1:
            return None, f"{value:g} without a unit is a fraction or a percentage"
    elif unit != fact.unit and not (not fact.unit and unit in SCORES):
        return None, f"its unit is `{safe(unit)}`, not {f'`{fact.unit}`' if fact.unit else 'a score'}"
    if fact.scale is not None and not fact.scale[0] <= value <= fact.scale[1]:
        return None, f"{value:g} is not on the scale from {fact.scale[0]:g} to {fact.scale[1]:g}"
    return value, ""


_PERCENT = 100


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


def _own(part: _Part, evidence: Evidence) -> str:
    """Read an observation under one of the guideline's own names; why not, or empty."""
    content, vocabulary = part.content, evidence.vocabulary
    for system, name, _ in codings(content.get("code")):
        if system != evidence.mapping.own_system or not system:
            continue
        origin = part.make([])
        if name in vocabulary.findings:
            said, reason = _said(content)
            if said == OTHER:
                part.open((name,), reason, evidence)
            else:
                evidence.say(Statement(name, said if isinstance(said, bool) else None, origin, reason=reason))
            return ""
        if name in vocabulary.measures:
            number = quantity(content)
            amount = amount_of(name, number, origin, evidence) if number else None
            if amount is None:
                part.open((name,), "it has no number in a unit of this measure", evidence)
            else:
                evidence.amounts[name].append(amount)
            return ""
        why = f"the guideline has no name `{safe(name)}`"
        near = nearest(name[:100], (*vocabulary.findings, *vocabulary.measures))
        if near is None:
            return why
        part.open((near,), f"{why}; did you mean `{near}`?", evidence)
        return ""
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
