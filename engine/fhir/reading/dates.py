"""Dates of FHIR -> the days that they may mean.

A FHIR date may be a year, a month, a day or an instant; a `When` keeps every day that it leaves open, so that nothing
is rounded. An instant is a day only in some time zone: that of the clinic where it is given, else the one it is written
in. Nothing is raised: what is not a date is None.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(T.*)?)?)?", re.DOTALL)
_LONGEST = 40
DAYS_A_WEEK = 7
_FARTHEST_EAST = timedelta(hours=14)
_FARTHEST_WEST = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class When:
    """One of the days from `first` to `last`.

    `instant` is the second since 1970 and `offset` that from UTC, where time and zone are given.
    """

    first: date
    last: date
    instant: float | None = None
    offset: timedelta | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if self.first == self.last:
            return self.first.isoformat()
        year = self.first == date(self.first.year, 1, 1) and self.last == date(self.first.year, 12, 31)
        month = self.first.day == 1 and self.last == _end_of_month(self.first.year, self.first.month)
        if year:
            return f"{self.first.year:04}"
        return self.first.isoformat()[:7] if month else f"{self.first} to {self.last}"

    def after(self, other: When) -> bool:
        """Whether this is certainly later."""
        if self.instant is not None and other.instant is not None:
            return self.instant > other.instant
        return self.first > other.last


def when(value: Any, zone: tzinfo | None = None) -> When | None:
    """The days of a date, dateTime or instant; None for anything else. The day of an instant is that of a zone."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    found = _DATE.fullmatch(value)
    if found is None:
        return None
    year, month, day, time = found.groups()
    try:
        if month is None:
            return When(date(int(year), 1, 1), date(int(year), 12, 31))
        if day is None:
            return When(date(int(year), int(month), 1), _end_of_month(int(year), int(month)))
        on = date(int(year), int(month), int(day))
        moment = _instant(value) if time else None
        if moment is None:
            return When(on, on)
        if zone is not None:
            on = moment.astimezone(zone).date()
        return When(on, on, moment.timestamp(), moment.utcoffset())
    except (ValueError, IndexError, OverflowError, OSError):
        return None


def period(value: Any, zone: tzinfo | None = None) -> tuple[When | None, When | None]:
    """The start and the end of a Period; what it leaves open is None."""
    if not isinstance(value, dict):
        return None, None
    return when(value.get("start"), zone), when(value.get("end"), zone)


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _end_of_month(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def last_day_anywhere(instant: float) -> date:
    """The day that an instant is farthest east, where a day begins first."""
    return (datetime.fromtimestamp(instant, UTC) + _FARTHEST_EAST).date()


def first_day_anywhere(instant: float) -> date:
    """The day that an instant is farthest west, where a day ends last."""
    return (datetime.fromtimestamp(instant, UTC) - _FARTHEST_WEST).date()
