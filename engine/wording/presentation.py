"""How each status is presented: one row, which every surface reads.

Terminal, pages, cards, FHIR, pictures and cohorts take word, order, tone and codes from here, so that a status looks
and reads alike wherever it is shown. A tone is a role; what colour a role has is the surface's (ANSI here, hex values
in `diagrams.drawing.palette` alone).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from guidelog.semantics.status import Status

from .phrases import OUTCOME, STATUS


class Tone(Enum):
    """The role of a colour. `EMERGENCY` is used for an emergency and for nothing else."""

    EMERGENCY = "emergency"
    FOR = "for"
    OPTION = "option"
    LATER = "later"
    AGAINST = "against"
    OPEN = "open"
    FAULT = "fault"
    OUTSIDE = "outside"


_ANSI = {
    Tone.EMERGENCY: "1;31",
    Tone.FOR: "1;32",
    Tone.OPTION: "1;36",
    Tone.LATER: "1",
    Tone.AGAINST: "1;35",
    Tone.OPEN: "1;33",
    Tone.FAULT: "1;35;7",
    Tone.OUTSIDE: "2",
}


@dataclass(frozen=True, slots=True)
class Presentation:
    """What is shown of a status.

    `urgency` orders answers (0 first); `advised` says whether something is to be done for it; the FHIR codes are those
    of request actions and their priority, the CDS Hooks codes those of a card's indicator and of an order's rating.
    """

    status: Status
    tone: Tone
    urgency: int
    symbol: str
    advised: bool
    fhir_activity: str
    fhir_priority: str | None
    cds_indicator: str
    cds_rating: str | None

    @property
    def word(self) -> str:
        """The status as a verdict, in the language in use."""
        return STATUS[self.status]

    @property
    def outcome(self) -> str:
        """The status as one of several that are possible."""
        return OUTCOME[self.status]

    @property
    def ansi(self) -> str:
        """The terminal's code for its tone."""
        return _ANSI[self.tone]

    @property
    def emergency(self) -> bool:
        """Whether it is shown before everything else."""
        return self.tone is Tone.EMERGENCY


def _row(status: Status) -> Presentation:
    match status:
        case Status.EMERGENCY_PATHWAY:
            return Presentation(status, Tone.EMERGENCY, 0, "‼", False, "unknown", None, "critical", None)
        case Status.URGENT:
            return Presentation(status, Tone.EMERGENCY, 1, "!", True, "not-started", "stat", "critical", "appropriate")
        case Status.CONFLICT:
            return Presentation(status, Tone.FAULT, 2, "≠", False, "unknown", None, "warning", None)
        case Status.RECOMMENDED:
            return Presentation(status, Tone.FOR, 3, "✓", True, "not-started", "routine", "info", "appropriate")
        case Status.CONSIDER:
            return Presentation(status, Tone.OPTION, 4, "○", True, "not-started", "routine", "info", "appropriate")
        case Status.UNDETERMINED:
            return Presentation(status, Tone.OPEN, 5, "?", False, "unknown", None, "warning", None)
        case Status.NOT_NOW:
            return Presentation(status, Tone.LATER, 6, "–", False, "on-hold", None, "warning", "not-appropriate")
        case Status.AVOID:
            return Presentation(status, Tone.AGAINST, 7, "×", False, "stopped", None, "warning", "not-appropriate")
        case Status.OUTSIDE_GUIDELINE:
            return Presentation(status, Tone.OUTSIDE, 8, "·", False, "unknown", None, "info", "no-criteria-apply")
        case _:
            assert_never(status)


_TABLE = {status: _row(status) for status in Status}


def presentation(status: Status) -> Presentation:
    """The row of a status."""
    return _TABLE[status]


def by_urgency(statuses: Iterable[Status]) -> list[Status]:
    """Statuses, the most urgent first."""
    return sorted(statuses, key=lambda status: presentation(status).urgency)


EMERGENCIES = frozenset(status for status in Status if presentation(status).emergency)
ADVISED = tuple(status for status in by_urgency(Status) if presentation(status).advised)
