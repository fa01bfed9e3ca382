"""The public names of a guideline: findings, measures, screens, interventions.

What a patient record may mention, with units, ranges, screens and wording. Read from the declarations of a checked
program; knows neither rules nor patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TICKS_PER_UNIT: Mapping[str, int] = {"day": 1000, "week": 7000}
"""How many ticks a unit has; every other unit has 1000, so that three decimals are exact."""

DEFAULT_TICKS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is present, absent or unknown."""

    name: str
    label: str
    screen: str | None = None
    when_true: str | None = None
    when_false: str | None = None
    ask: str | None = None
    doable: str | None = None
    group: str | None = None
    implied_by: tuple[str, ...] = ()
    """Findings whose presence shows this one's, by a background rule: a screen does not close it over them."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with a unit; `low` and `high` bound its possible values, in units."""

    name: str
    label: str
    unit: str
    low: int
    high: int
    screen: str | None = None
    unlisted: int | None = None
    ask: str | None = None
    clock: str | None = None
    doable: str | None = None
    group: str | None = None

    @property
    def ticks(self) -> int:
        """Ticks per unit."""
        return TICKS_PER_UNIT.get(self.unit, DEFAULT_TICKS)


@dataclass(frozen=True, slots=True)
class Screen:
    """A group of findings and measures that is asked as one act; members in order of declaration."""

    name: str
    label: str
    members: tuple[str, ...] = ()
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class Intervention:
    """Something the guideline advises about."""

    name: str
    label: str
    group: str | None = None
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All public names, in order of declaration."""

    findings: Mapping[str, Finding] = field(default_factory=dict)
    measures: Mapping[str, Measure] = field(default_factory=dict)
    screens: Mapping[str, Screen] = field(default_factory=dict)
    interventions: Mapping[str, Intervention] = field(default_factory=dict)
