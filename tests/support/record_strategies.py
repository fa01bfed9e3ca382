"""Random partial records for random guidelines.

Findings are present, absent, listed as unknown or left out; measures are exact, bounded or unknown, near the whole
numbers at which rules change; a screen may be complete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from guidelog.language.tree import Number, Program
from strategies import Choices, Written, programs


def cases(unknown: int = 4) -> st.SearchStrategy[tuple[Written, dict[str, Any]]]:
    """A guideline with a partial record."""
    return programs().flatmap(lambda written: st.tuples(st.just(written), records(written.program, unknown)))


@st.composite
def records(draw: Callable[[st.SearchStrategy[Any]], Any], program: Program, unknown: int = 4) -> dict[str, Any]:
    """A partial record for a program, as plain data, with about `unknown` in ten of the inputs left out."""
    choose = Choices(draw)
    content: dict[str, Any] = {"patient": "someone", "findings": {}, "measures": {}}
    if choose.chance(5):
        content["as_of"] = "2025-11-13"
    screened = False
    for declaration in program.declarations:
        match declaration.keyword:
            case "finding" if not choose.chance(unknown):
                content["findings"][declaration.name] = choose.pick(("absent", "present"))
            case "finding" if choose.chance(2):
                content["findings"][declaration.name] = "unknown"
            case "measure" if not choose.chance(unknown):
                low, high = (v.value for v in declaration.values("range") if isinstance(v, Number))
                content["measures"][declaration.name] = _measure(choose, low, high)
            case "screen":
                screened = True
            case _:
                pass
    if screened and choose.chance(3):
        content["screens"] = {"sa": "complete"}
    return content


def _measure(choose: Choices, low: int, high: int) -> Any:
    """A value near the whole numbers at which rules change, or bounds on one."""

    def value() -> int | float:
        whole = choose.number(low, high)
        near = choose.pick((0, 0, 0.5, 0.001, -0.001))
        return whole + near if near and low <= whole + near <= high else whole

    match choose.number(0, 4):
        case 1:
            return {"at_least": value()}
        case 2:
            return {"at_most": value()}
        case 3:
            first, second = sorted((value(), value()))
            return {"between": [first, second]}
        case 4:
            return "unknown"
        case _:
            return value()
