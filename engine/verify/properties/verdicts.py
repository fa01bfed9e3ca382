"""What one run of `verify` found, as plain data: verdicts on properties, remarks on rules.

Nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..witness.find import Witness


class Result(Enum):
    """What became of a property."""

    PROVED = "proved"
    BROKEN = "broken"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True)
class Verdict:
    """A property and what became of it; `idle` when no patient has what it is about, so that it says nothing."""

    id: str
    says: str
    result: Result
    seconds: float
    witness: Witness | None = None
    idle: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "property": self.id,
            "says": self.says,
            "result": self.result.value,
            "seconds": round(self.seconds, 4),
            "idle": self.idle,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True)
class Remark:
    """Something that the rules show about themselves. `about` is an intervention or a rule."""

    kind: str  # conflict, gap, dead rule, idle condition, not decided
    about: str
    says: str
    witness: Witness | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": self.kind,
            "about": self.about,
            "says": self.says,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True)
class Verification:
    """All that one run found, and what it was about."""

    verdicts: tuple[Verdict, ...]
    remarks: tuple[Remark, ...]
    checked: tuple[tuple[str, int], ...]
    """What else was looked at: `conflicts`, `gaps`, `rules`, `conditions`, with their numbers."""

    inputs: tuple[int, int, int]
    """Findings, measures, background rules that the patients range over."""

    ranges: int
    load_seconds: float
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a promise is broken or about nobody, or the rules contradict each other for somebody."""
        return any(v.result is Result.BROKEN or v.idle for v in self.verdicts) or any(
            r.kind == "conflict" for r in self.remarks
        )

    @property
    def complete(self) -> bool:
        """Whether everything was decided."""
        return all(v.result is not Result.NOT_DECIDED for v in self.verdicts) and all(
            r.kind != "not decided" for r in self.remarks
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        findings, measures, background = self.inputs
        return {
            "over": {
                "findings": findings,
                "measures": measures,
                "background_rules": background,
                "threshold_ranges": self.ranges,
                "patients": "every record that the reader accepts and that does not contradict the background",
            },
            "properties": [v.to_json() for v in self.verdicts],
            "remarks": [r.to_json() for r in self.remarks],
            "checked": dict(self.checked),
            "complete": self.complete,
            "load_seconds": round(self.load_seconds, 4),
            "seconds": round(self.seconds, 4),
        }
