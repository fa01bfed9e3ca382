"""Courses and series -> how long something went on, and what got worse.

Sessions and prescriptions that are no further apart than the mapping allows are one course. A length is given as
certain bounds: partial dates widen it, and what went on before the first session is not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ..terminology.mapping import Overlap, Worsening
from .dates import DAYS_A_WEEK, When
from .evidence import Amount, Course, Evidence, Origin, Point, Statement, facts_of


def measure_courses(evidence: Evidence) -> None:
    """Note the lengths of courses, and what the guideline counts as care going on together."""
    if evidence.as_of is None:
        return
    by_concept: dict[str, list[Course]] = defaultdict(list)
    for course in evidence.courses:
        by_concept[course.concept].append(course)
    for name, concept in evidence.mapping.concepts.items():
        for fact in facts_of(concept, "course"):
            if by_concept[name] and fact.names:
                evidence.amounts[fact.names[0]] += _length(fact.names[0], by_concept[name], fact.assumes, evidence)
    for overlap in evidence.mapping.overlaps:
        _overlap(overlap, by_concept, evidence)


def note_worsening(evidence: Evidence) -> None:
    """Note as evidence what the later of two observations says to have got worse."""
    for rule in evidence.mapping.worsening:
        series: dict[tuple[str, ...], list[Point]] = defaultdict(list)
        for point in evidence.points:
            if point.concept in rule.concepts:
                series[point.series].append(point)
        for points in series.values():
            _worse(rule, points, evidence)


def _worse(rule: Worsening, points: Sequence[Point], evidence: Evidence) -> None:
    dated = [(p, p.origin.when) for p in points if p.origin.when is not None]
    dated.sort(key=lambda found: (found[1].last, found[1].instant or 0.0, found[0].origin.reference))
    if len(dated) < 2:
        return
    (earlier, before), (later, after) = dated[-2:]
    limit = timedelta(days=rule.within_weeks * DAYS_A_WEEK)
    if not after.after(before) or after.last - before.first > limit or evidence.older(after, rule.within_weeks):
        return
    if isinstance(later.value, bool):
        worse = later.value and not earlier.value
    else:
        worse = later.value < earlier.value if rule.lower_is_worse else later.value > earlier.value
    if worse:
        reference = f"{earlier.origin.reference} and {later.origin.reference}"
        label = f"{later.origin.label}: {_told(earlier.value)} on {before}, {_told(later.value)} on {after}"
        evidence.say(Statement(rule.finding, True, Origin(reference, label, None), assumes=rule.assumes))


def _told(value: bool | float) -> str:
    if isinstance(value, bool):
        return "present" if value else "absent"
    return f"{value:g}"


def _length(name: str, courses: Sequence[Course], assumes: str, evidence: Evidence) -> list[Amount]:
    """The length of the latest course: of one that is recorded as a whole, else of the sessions that make one."""
    assert evidence.as_of is not None
    whole = [c for c in courses if c.whole]
    if whole:
        course = max(whole, key=lambda c: (c.end is None, (c.end or c.start).last, c.start.last, c.origin.reference))
        if course.end is None:
            since = (course.start.first, min(course.start.last, evidence.as_of))
            return [Amount(name, None, None, course.origin, since, assumes=assumes)]
        end = _until(course.end, evidence.as_of)
        low = max((end.first - course.start.last).days, 0)
        high = max((end.last - course.start.first).days, 0)
        return [Amount(name, low, high, course.origin, None, assumes=assumes)]
    stretch = _stretches(courses, evidence)[-1]
    days = (stretch.end - stretch.start).days
    return [Amount(name, days, None, stretch.origin(), None, assumes=assumes)]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The days from `start` to `end` on which something certainly went on."""

    start: date
    end: date
    origins: tuple[Origin, ...]

    def origin(self) -> Origin:
        first, *_, last = (self.origins[0], self.origins[-1])
        more = f" to {last.reference}" if len(self.origins) > 1 else ""
        day = When(self.start, self.end)
        label = f"{first.label}, {len(self.origins)} entries" if more else first.label
        return Origin(f"{first.reference}{more}", label, day)


def _stretches(courses: Iterable[Course], evidence: Evidence) -> list[_Stretch]:
    """Courses without longer pauses joined together, in order of time; at least one when there is a course."""
    assert evidence.as_of is not None
    gap = timedelta(days=evidence.mapping.gap_weeks * DAYS_A_WEEK)
    pieces = []
    for course in courses:
        start = min(course.start.last, evidence.as_of)
        end = evidence.as_of if course.end is None else max(min(course.end.first, evidence.as_of), start)
        pieces.append(_Stretch(start, end, (course.origin,)))
    pieces.sort(key=lambda s: (s.start, s.end, s.origins[0].reference))
    joined: list[_Stretch] = []
    for piece in pieces:
        if joined and piece.start - joined[-1].end <= gap:
            last = joined[-1]
            joined[-1] = _Stretch(last.start, max(last.end, piece.end), (*last.origins, *piece.origins))
        else:
            joined.append(piece)
    return joined


def _overlap(rule: Overlap, by_concept: dict[str, list[Course]], evidence: Evidence) -> None:
    """The latest time during which something of every group went on."""
    together: list[_Stretch] | None = None
    for group in rule.groups:
        found = _stretches([c for name in sorted(group) for c in by_concept.get(name, ())], evidence)
        if together is None:
            together = found
        else:
            together = [
                _Stretch(max(a.start, b.start), min(a.end, b.end), (*a.origins, *b.origins))
                for a in together
                for b in found
                if max(a.start, b.start) < min(a.end, b.end)
            ]
    if together:
        latest = max(together, key=lambda s: (s.end, s.start))
        evidence.amounts[rule.measure].append(
            Amount(rule.measure, (latest.end - latest.start).days, None, latest.origin(), None, assumes=rule.assumes)
        )


def _until(end: When, as_of: date) -> When:
    return When(min(end.first, as_of), min(end.last, as_of))
