"""What an engine is: layers of rules and the rows of their inputs in, the rows of every derived predicate out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from guidelog.ground.joins import Constant

from .strata import Layer

Row: TypeAlias = tuple[Constant, ...]
Rows: TypeAlias = Mapping[str, Iterable[Row]]


class Backend(Protocol):
    """Evaluates layers of ordinary stratified Datalog."""

    name: str

    def evaluate(self, layers: Iterable[Layer], inputs: Rows) -> dict[str, set[Row]]:
        """The rows of each predicate that the layers define, given the rows of all others (missing means none)."""
        ...
