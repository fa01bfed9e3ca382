"""What has to be certain for a status to be certain: docs/language.md, *Status*, as lists of atoms with their values.

One table for everything that asks the question: reasons, questions, changes. That it says the same as `status_of` is
tested over all combinations of stances.
"""

from __future__ import annotations

from typing import TypeAlias

from guidelog.ground.ground import Atom
from guidelog.language.names import HOLD, STANCES_AGAINST, STANCES_FOR

from .status import Status

Wanted: TypeAlias = tuple[Atom, bool]
SCOPE: Atom = ("in_scope",)


def conditions(intervention: str, status: Status) -> list[list[Wanted]]:
    """The status is certain when, in one of these lists, every atom certainly has its value."""

    def stance(*names: str, value: bool) -> list[Wanted]:
        return [(("advise", intervention, name), value) for name in names]

    calm, free = stance("emergency", value=False), stance(HOLD, value=False)
    none_for, none_against = stance(*STANCES_FOR, value=False), stance(*STANCES_AGAINST, value=False)
    match status:
        case Status.EMERGENCY_PATHWAY:
            return [stance("emergency", value=True)]
        case Status.CONFLICT:
            pairs = [(one, other) for one in STANCES_FOR for other in STANCES_AGAINST]
            return [[*stance(*p, value=True), *calm, *(() if p[0] == "urgent" else free)] for p in pairs]
        case Status.URGENT:
            return [[*stance("urgent", value=True), *none_against, *calm]]
        case Status.RECOMMENDED:
            return [[*stance("do", value=True), *stance("urgent", value=False), *none_against, *free, *calm]]
        case Status.CONSIDER:
            return [
                [*stance("consider", value=True), *stance("urgent", "do", value=False), *none_against, *free, *calm]
            ]
        case Status.AVOID:
            return [[*stance("avoid", value=True), *none_for, *free, *calm]]
        case Status.NOT_NOW:
            rest = [*none_for, *stance("avoid", value=False), *calm]
            held = [*stance(HOLD, value=True), *stance("urgent", value=False), *calm]
            return [held, [*stance("defer", value=True), *rest], [(SCOPE, True), *rest]]
        case Status.OUTSIDE_GUIDELINE:
            return [[*none_for, *none_against, *free, *calm, (SCOPE, False)]]
        case _:
            return []
