"""How a rule speaks about an intervention (docs/language.md, *What is built in*).

`Stance` is closed: a member that is added makes the type checker name every place that has to decide about it.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import assert_never


class Side(Enum):
    """What a stance does to an answer."""

    EMERGENCY = auto()
    HOLD = auto()
    FOR = auto()
    AGAINST = auto()


class Stance(StrEnum):
    """A stance, as rules write it; in order of precedence."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    HOLD = "hold"
    """Outranks every stance but `urgent` and `emergency`; in no conflict with any."""
    DO = "do"
    CONSIDER = "consider"
    AVOID = "avoid"
    DEFER = "defer"

    @property
    def side(self) -> Side:
        """Whether it speaks for, against, holds back, or hands over to an emergency pathway."""
        match self:
            case Stance.EMERGENCY:
                return Side.EMERGENCY
            case Stance.HOLD:
                return Side.HOLD
            case Stance.URGENT | Stance.DO | Stance.CONSIDER:
                return Side.FOR
            case Stance.AVOID | Stance.DEFER:
                return Side.AGAINST
            case _:
                assert_never(self)


STANCES: tuple[Stance, ...] = tuple(Stance)
STANCES_FOR = tuple(stance for stance in Stance if stance.side is Side.FOR)
STANCES_AGAINST = tuple(stance for stance in Stance if stance.side is Side.AGAINST)
EMERGENCY, HOLD = Stance.EMERGENCY, Stance.HOLD
