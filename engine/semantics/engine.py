"""What answers for one patient: any way to find the atoms that are certain and those that are possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from guidelog.ground.program import GroundProgram, Ranges
from guidelog.patients import Facts

from .kleene import Model


class Engine(Protocol):
    """Evaluates one ground program. Safe to share between threads."""

    name: str

    def model(self, facts: Facts, ranges: Ranges = Ranges.KEPT) -> Model:
        """The certain and the possible atoms for a patient's facts, which must not contradict the background."""
        ...


EngineOf: TypeAlias = Callable[[GroundProgram], Engine]
"""Makes an engine ready for a program, as `KleeneEngine` and `one_patient.circuits_of` do."""
