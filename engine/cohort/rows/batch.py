"""Patients of a batch, ready to be evaluated, and the rows of it that cannot be answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..engines.vectors import Inputs, Words


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not answered: its line (row, for tables without lines), the patient, code and reason."""

    line: int
    patient: str
    code: str
    reason: str


@dataclass(slots=True)
class Batch:
    """Patients ready to be evaluated. `assumed`: for each screen, whose record was completed by it."""

    ids: pa.Array
    inputs: Inputs
    assumed: dict[str, Words]
    bad: NDArray[np.bool_]
    rejects: list[Reject] = field(default_factory=list)
    first: int = 0

    def reject(self, rows: NDArray[np.bool_], code: str, reason: str | Callable[[int], str]) -> None:
        """Set rows aside; each is listed once, with the first reason."""
        if not rows.any():
            return
        for row in np.flatnonzero(rows & ~self.bad).tolist():
            says = reason if isinstance(reason, str) else reason(row)
            self.rejects.append(Reject(self.first + row, text_of(self.ids[row]), code, says))
        self.bad |= rows


def text_of(value: pa.Scalar) -> str:
    """A cell as a message says it."""
    try:
        found = value.as_py()
    except (ValueError, OverflowError):  # a day that Python's calendar does not have
        found = value.cast(pa.string()).as_py()
    return "" if found is None else str(found)
