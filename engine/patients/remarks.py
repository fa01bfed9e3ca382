"""What is odd about a record that can be read: it is answered, and whoever asked is told.

Compares with the day it is, so two runs may remark different things; no answer depends on it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from guidelog.diagnostics import Diagnostic, Label, Severity

from .record import Patient

_FARTHEST_EAST = timedelta(hours=14)
"""Where a day begins first, ahead of UTC: a date that has begun somewhere is no mistake."""


def remarks(patient: Patient, now: datetime | None = None) -> tuple[Diagnostic, ...]:
    """Warnings about a record: that it describes a day which is still to come."""
    latest = ((now or datetime.now(UTC)).astimezone(UTC) + _FARTHEST_EAST).date()
    if patient.as_of is None or patient.as_of <= latest:
        return ()
    place = () if patient.dated is None else (Label(patient.dated),)
    message = f"the record describes {patient.as_of}, a day that is still to come"
    hint = "the answers are as of that day; correct the date if it is mistyped"
    return (Diagnostic("GL422", message, place, Severity.WARNING, hint=hint),)
