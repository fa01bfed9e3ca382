"""How a run goes, and what a plan and a table must be like for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from guidelog.diagnostics import InputError
from guidelog.semantics import Plan

from .results.answer_table import MOST_BITS, Shape
from .rows.batch import Reject
from .rows.layout import ID

LARGEST_BATCH, SMALLEST_BATCH = 1 << 18, 1 << 12
"""Patients in a part: at most so few that two are written while the next is evaluated."""
WRITERS = 2
_BYTES_A_CELL = 8
"""What a cell of input and its share of bits and answers take while a batch is worked on, measured and rounded up."""

_COPIES = 32
"""Into how many batches of cells the memory is divided: those that are read, answered and written at one time."""
_LEAST_BYTES = 1 << 20


class RejectedError(Exception):
    """Under `--strict`: the first row that would be set aside."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(f"line {reject.line}, patient `{reject.patient}`: {reject.reason} ({reject.code})")


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes. `memory` in bytes bounds the size of batches; `audit` patients are answered again by `ask`.

    `as_of` and `unverified` are about FHIR: the day to answer for, and whether codes count that nobody has verified.
    """

    interventions: tuple[str, ...] = ()
    shape: Shape = field(default_factory=Shape)
    patient: str = ID
    ignore: tuple[str, ...] = ()
    table: str | None = None
    strict: bool = False
    overwrite: bool = False
    memory: int = 2 << 30
    audit: int = 20
    seed: int = 0
    as_of: date | None = None
    unverified: bool = False
    batch_rows: int | None = None


def batch_rows(columns: int, memory: int) -> int:
    """How many rows a batch has, so that what is read, evaluated and written at one time fits: a multiple of 64."""
    rows = memory // (3 + WRITERS) // (_BYTES_A_CELL * max(columns, 1))
    return max(SMALLEST_BATCH, min(LARGEST_BATCH, rows // 64 * 64))


def batch_bytes(memory: int) -> int:
    """How many bytes the cells of a batch have at most, ids and words included: they are copied on their way."""
    return max(_LEAST_BYTES, memory // _COPIES)


def check_masks(plan: Plan) -> None:
    """Raises InputError (GL716) where there are more rules about an intervention, or denials, than a mask holds."""
    for what, number in (
        *((f"`{a.intervention}`", len(a.rules)) for a in plan.advice),
        ("the background", len(plan.denials)),
        *(("`unsettled`", len(plan.cautions)), ("notes", len(plan.notes)), ("alerts", len(plan.alerts))),
    ):
        if number > MOST_BITS:
            raise InputError.of("GL716", f"{what} has {number} rules; a table of answers has room for {MOST_BITS}")
