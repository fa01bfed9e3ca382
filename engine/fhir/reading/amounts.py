"""Amounts that resources give -> the value of a measure in a record.

Every amount is turned into certain bounds on the day of the record, and the bounds are put together. Amounts that
exclude each other leave the measure open. Weeks are kept to the day: 41 days are between 5.857 and 5.858 weeks, never
six.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guidelog.language.vocabulary import Measure

from .dates import DAYS_A_WEEK
from .evidence import Amount, Evidence, both
from .resolve import Verdict

_DAYS = {"day": 1, "week": DAYS_A_WEEK}
_PLACES = 1000
_Bounds = tuple[float | None, float | None]


def measure_value(name: str, evidence: Evidence) -> tuple[Any, Verdict | None]:
    """The value of a measure as a record writes it, and what it rests on: None where nothing speaks of it."""
    measure = evidence.vocabulary.measures[name]
    found = [(a, b) for a in evidence.amounts.get(name, ()) if (b := _bounds(a, measure, evidence)) != (None, None)]
    found = [(a, b) for a, b in found if not (b[0] is not None and b[0] <= _least(measure) and b[1] is None)]
    if unread := evidence.unread_measures.get(name):
        given = dict.fromkeys([*(a.origin for a, _ in found), *(origin for origin, _ in unread)])
        origins = tuple(sorted(given, key=lambda o: (o.reference, o.label)))
        return "unknown", Verdict(None, origins, reason=both(*(why for _, why in unread)))
    if not found:
        return None, None
    amounts = [a for a, _ in found]
    origins = tuple(sorted(dict.fromkeys(a.origin for a in amounts), key=lambda o: (o.reference, o.label)))
    assumes = both(*sorted({a.assumes for a in amounts}))
    low = max((b[0] for _, b in found if b[0] is not None), default=None)
    high = min((b[1] for _, b in found if b[1] is not None), default=None)
    reason = ""
    if low is not None and high is not None and low > high:
        reason = "the resources contradict each other"
    elif (low is not None and low > _most(measure)) or (high is not None and high < _least(measure)):
        reason = f"it is outside the range from {measure.low} to {measure.high}"
    if reason:
        evidence.problems.append(f"`{name}` is left open: {', '.join(o.reference for o in origins)}: {reason}")
        return "unknown", Verdict(None, origins, reason=reason)
    since = _one_start(found, (low, high))
    if since is not None:
        return since, Verdict(True, origins, assumes)
    value = _written(low, high, measure)
    if value == "unknown":
        return value, Verdict(None, origins, assumes, "it says too little")
    return value, Verdict(True, origins, assumes)


def _bounds(amount: Amount, measure: Measure, evidence: Evidence) -> _Bounds:
    """The lowest and the highest value on the day of the record, in days or in the measure's unit."""
    if amount.since is not None:
        if evidence.as_of is None:
            return None, None
        first, last = amount.since
        return (evidence.as_of - last).days, (evidence.as_of - first).days
    low, high = amount.low, amount.high
    said_on = amount.said_on
    if said_on is not None and evidence.as_of is not None and measure.clock is not None and measure.unit in _DAYS:
        passed = (evidence.as_of - said_on.first).days
        high = None if high is None else high + max(passed, 0)
        if amount.name in evidence.mapping.resets and said_on.first != evidence.as_of:
            low = None
    return low, high


def _one_start(found: Sequence[tuple[Amount, _Bounds]], bounds: _Bounds) -> dict[str, Any] | None:
    """A start date that says it all, so that the measure goes on counting."""
    for amount, own in found:
        if amount.since is not None and own == bounds:
            first, last = amount.since
            if first == last:
                return {"since": first.isoformat()}
            return {"since": {"between": [first.isoformat(), last.isoformat()]}}
    return None


def _written(low: float | None, high: float | None, measure: Measure) -> Any:
    """Bounds as a record writes them: in units, with three decimals, rounded outwards."""
    unit = _DAYS.get(measure.unit, 1)
    least = None if low is None else int(low * _PLACES // unit)
    most = None if high is None else -int(-high * _PLACES // unit)
    if least is not None and least <= measure.low * _PLACES and (most is None or most > least):
        least = None
    if most is not None and most >= measure.high * _PLACES and least is not None and most > least:
        most = None
    match least, most:
        case None, None:
            return "unknown"
        case None, int(value):
            return {"at_most": _number(value)} if value < measure.high * _PLACES else "unknown"
        case int(value), None:
            return {"at_least": _number(value)}
        case int(a), int(b):
            return _number(a) if a == b else {"between": [_number(a), _number(b)]}
    return "unknown"


def _number(thousandths: int) -> int | float:
    return thousandths // _PLACES if thousandths % _PLACES == 0 else thousandths / _PLACES


def _least(measure: Measure) -> float:
    return measure.low * _DAYS.get(measure.unit, 1)


def _most(measure: Measure) -> float:
    return measure.high * _DAYS.get(measure.unit, 1)
