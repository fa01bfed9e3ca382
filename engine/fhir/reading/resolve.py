"""Statements about a finding -> what is taken to be so, or that it stays open.

The later of two days wins among observations, and among conditions. An absence never outweighs a condition that still
stands, an unconfirmed one never outweighs a confirmed one; what remains contradictory is left open and reported. What
was not understood could be a presence: where that would not leave an absence standing, the finding is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..terminology.mapping import AllOf, CodeMapping
from .evidence import CONCEPT, Evidence, Origin, Statement, both


@dataclass(frozen=True, slots=True)
class Verdict:
    """The value of a finding with the resources it rests on; None is open, for the reason given."""

    value: bool | None
    origins: tuple[Origin, ...]
    assumes: str = ""
    reason: str = ""


def verdict(name: str, evidence: Evidence) -> Verdict | None:
    """What is taken to be so of a finding; None where nothing speaks of it."""
    said = [s for s in evidence.statements.get(name, ()) if not _too_old(s, evidence)]
    if not all(s.weak for s in said):
        said = [s for s in said if not s.weak]
    unread = [s for s in said if s.unread]
    found, contradiction = _settled([s for s in said if not s.unread])
    if unread and (found is None or found.value is not True):
        as_present = [replace(s, value=True) if s.unread else s for s in said]
        if found is None or found.value is None or _settled(as_present)[0] != found:
            reasons = [*(s.reason for s in unread), *((found.reason,) if found and found.value is None else ())]
            found, contradiction = _open(said, both(*reasons)), ""
    if contradiction:
        evidence.problems.append(f"`{name}` is left open: {contradiction} contradict each other")
    return found


def _settled(said: Sequence[Statement]) -> tuple[Verdict | None, str]:
    """What statements that were understood come to, and the resources that contradict each other."""
    if not said:
        return None, ""
    there = [s for s in said if s.value is True]
    not_there = [s for s in said if s.value is False]
    open_ = [s for s in said if s.value is None]
    if there and not_there:
        if any(_after_all(s, not_there) for s in there):
            return _given(there), ""
        same_kind = not any(s.standing for s in there) or all(s.standing for s in not_there)
        if same_kind and any(_after_all(s, there) for s in not_there):
            return _given([s for s in not_there if _after_all(s, there)]), ""
        listed = " and ".join(dict.fromkeys(s.origin.reference for s in _in_order([*there, *not_there])))
        return _open([*there, *not_there], "the resources contradict each other"), listed
    if there:
        return _given(there), ""
    if not_there and (not open_ or any(_after_all(s, open_) for s in not_there)):
        return _given(not_there), ""
    return _open([*open_, *not_there], both(*(s.reason for s in open_))), ""


def all_of(evidence: Evidence) -> None:
    """Statements about findings that are several concepts together."""
    for rule in evidence.mapping.all_of:
        parts = [verdict(f"{CONCEPT}{name}", evidence) for name in rule.concepts]
        values = [None if p is None else p.value for p in parts]
        if all(v is None for v in values) and not any(parts):
            continue
        value = False if False in values else True if all(values) else None
        shown = [p for p in parts if p is not None and (value is None or p.value is value)]
        if value is None:  # half of it says neither yes nor no
            if all(p is not None for p in parts):
                _half_open(rule, [p for p in parts if p is not None], evidence)
            continue
        origins = tuple(dict.fromkeys(o for p in shown for o in p.origins))
        for origin in origins:
            evidence.say(Statement(rule.finding, value, origin, standing=value, assumes=rule.assumes))


def _half_open(rule: AllOf, parts: Sequence[Verdict], evidence: Evidence) -> None:
    """Every part is spoken of, none is denied, and some are open: so is the whole."""
    reason = both(*(p.reason for p in parts))
    for origin in dict.fromkeys(o for p in parts for o in p.origins):
        evidence.say(Statement(rule.finding, None, origin, reason=reason, unread=True))


def one_of(evidence: Evidence) -> None:
    """Where a resource says that one of several findings is present: the one known to be, or the first not denied."""
    for claim in sorted(evidence.one_ofs, key=lambda c: (c.origin.reference, c.names)):
        found = {name: verdict(name, evidence) for name in claim.names}
        if any(v is not None and v.value is True for v in found.values()):
            chosen = next(n for n, v in found.items() if v is not None and v.value is True)
            evidence.say(Statement(chosen, True, claim.origin, standing=True))
            continue
        free = [name for name, v in found.items() if v is None or v.value is None]
        if not free:
            listed = ", ".join(f"`{name}`" for name in claim.names)
            evidence.problems.append(
                f"{claim.origin.reference} says that one of {listed} is present, and others deny each"
            )
            why = "the resources contradict each other"
            evidence.say(Statement(claim.names[0], None, claim.origin, standing=True, reason=why, unread=True))
            continue
        evidence.say(Statement(free[0], True, claim.origin, standing=True, assumes=claim.assumes))


def screens(evidence: Evidence) -> dict[str, Verdict]:
    """The screens that were completed, if that is not too long ago for their members."""
    found = {}
    for name, screen in evidence.vocabulary.screens.items():
        holds = [h for member in screen.members if (h := held(member, evidence.mapping)[0]) is not None]
        limit = min(holds, default=None)
        fresh = []
        for origin in evidence.screens.get(name, ()):
            if evidence.older(origin.when, limit):
                reason = f"older than {limit} weeks: it says nothing of today"
                evidence.ignored.append((origin.reference, origin.label, reason))
            else:
                fresh.append(origin)
        if fresh:
            found[name] = Verdict(True, tuple(sorted(dict.fromkeys(fresh), key=lambda o: o.reference)))
    return found


def held(name: str, mapping: CodeMapping) -> tuple[int | None, int | None]:
    """For how many weeks an observation holds that a finding is absent, and present."""
    absent: list[int] = []
    present: list[int] = []
    for concept in mapping.concepts.values():
        for fact in concept.facts:
            if name in fact.names and fact.when in ("present", "level"):
                absent += [] if fact.absent_for is None else [fact.absent_for]
                present += [] if fact.present_for is None else [fact.present_for]
    return min(absent, default=None), min(present, default=None)


def _too_old(statement: Statement, evidence: Evidence) -> bool:
    if statement.standing or (statement.value is None and not statement.unread):
        return False
    absent, present = held(statement.name, evidence.mapping)
    limit = absent if statement.value is False else present
    if not evidence.older(statement.origin.when, limit):
        return False
    reason = f"older than {limit} weeks: it says nothing of today"
    evidence.ignored.append((statement.origin.reference, statement.origin.label, reason))
    return True


def _after_all(one: Statement, others: Iterable[Statement]) -> bool:
    day = one.origin.when
    return day is not None and all(o.origin.when is not None and day.after(o.origin.when) for o in others)


def _given(said: Sequence[Statement]) -> Verdict:
    ordered = _in_order(said)
    return Verdict(said[0].value, _origins(ordered), both(*(s.assumes for s in ordered)))


def _open(said: Sequence[Statement], reason: str) -> Verdict:
    return Verdict(None, _origins(_in_order(said)), reason=reason)


def _in_order(said: Iterable[Statement]) -> list[Statement]:
    return sorted(said, key=lambda s: (s.origin.reference, s.origin.label, s.assumes, s.reason))


def _origins(said: Iterable[Statement]) -> tuple[Origin, ...]:
    return tuple(dict.fromkeys(s.origin for s in said))
