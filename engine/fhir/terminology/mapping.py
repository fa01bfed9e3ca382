"""What codes of records mean in a guideline's names: plain data, read from codes.toml by `codes`.

A `Concept` is a group of codes with the same meaning; its `Fact`s say what a resource with such a code says about the
patient. Nothing here reads a file or a resource, and nothing here knows a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

Match: TypeAlias = Literal["exact", "narrower", "broader"]
"""How a code relates to its concept: a narrower one can only show presence, a broader one only absence."""

When: TypeAlias = Literal["present", "lasting", "level", "done", "taken", "completed", "since", "course"]
"""What has to be so for a fact: a condition or sign is present; has lasted; a number is high or low; something was
done; a drug was taken; a course was completed; (measures) counted from a start, or the length of a course."""

NO_SYSTEM = ""


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a code system. `system` is the short name in codes.toml, `place` where it stands there."""

    concept: str
    system: str
    code: str
    display: str
    match: Match = "exact"
    verified: bool = True
    source: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """What a resource with a code of a concept says.

    `names`: one finding or measure; several when the resource says that at least one of them is present (`one_of`).
    `weeks`: for `lasting`, how long at least. `present_from`, `absent_to`: for `level`. `absent_for` and `present_for`:
    for how many weeks a dated observation is taken to hold. `suspicion`: what is not confirmed counts as well.
    `severe`: the resource has to say that it is severe. `routes`: codes of the routes of a drug that count. `assumes`:
    what the mapping takes for granted, shown with the fact.
    """

    names: tuple[str, ...]
    when: When
    weeks: int = 0
    present_from: float | None = None
    absent_to: float | None = None
    scale: tuple[float, float] | None = None
    absent_for: int | None = None
    present_for: int | None = None
    suspicion: bool = False
    severe: bool = False
    routes: frozenset[str] = frozenset()
    assumes: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """Codes that mean the same, and what they say; `note` says why nothing follows, where nothing does."""

    name: str
    codes: tuple[Code, ...]
    facts: tuple[Fact, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class AllOf:
    """A finding that is present when all of several concepts are, absent when one of them is."""

    finding: str
    concepts: tuple[str, ...]
    assumes: str = ""


@dataclass(frozen=True, slots=True)
class Worsening:
    """A finding that is present when the later of two dated observations of the same thing is the worse one."""

    finding: str
    concepts: frozenset[str]
    within_weeks: int
    lower_is_worse: bool = True
    assumes: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """A measure that is at least as long as one course of every group has gone on at the same time."""

    measure: str
    groups: tuple[frozenset[str], ...]
    assumes: str = ""


@dataclass(frozen=True)
class CodeMapping:
    """All that a guideline says about codes; empty for a guideline that says nothing.

    `systems` gives the short name of a code system's address. `own_system` is the address under which the guideline's
    own public names are codes. `gap_weeks`: how long a course may pause. `resets`: measures that start again.
    """

    own_system: str = ""
    systems: Mapping[str, str] = field(default_factory=dict)
    concepts: Mapping[str, Concept] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], Code] = field(default_factory=dict)
    all_of: tuple[AllOf, ...] = ()
    worsening: tuple[Worsening, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    gap_weeks: int = 2
    resets: frozenset[str] = frozenset()

    @cached_property
    def _index(self) -> Mapping[tuple[str, str], Code]:
        """Codes by the address of their system; ICD codes without their point."""
        addresses: dict[str, list[str]] = {}
        for address, short in self.systems.items():
            addresses.setdefault(short, []).append(address)
        return {(address, code): found for (short, code), found in self.codes.items() for address in addresses[short]}

    def find(self, system: str, code: str) -> Code | None:
        """The code of a coding, or None. ICD codes are the same with and without their point."""
        found = self._index.get((system, code))
        if found is None and (short := self.systems.get(system)) is not None and short.startswith("icd"):
            return self._index.get((system, normal(short, code)))
        return found

    def find_all(self, concept: Any) -> list[Code]:
        """The codes of a CodeableConcept. Asked of everything in a record, so it looks at nothing twice."""
        codings = concept.get("coding") if isinstance(concept, dict) else None
        found: list[Code] = []
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict):
                system, code = coding.get("system"), coding.get("code")
                if isinstance(system, str) and isinstance(code, str) and (known := self.find(system, code)) is not None:
                    found.append(known)
        return found

    def is_own(self, concept: Any) -> bool:
        """Whether a CodeableConcept has a code that is one of the guideline's own names."""
        codings = concept.get("coding") if isinstance(concept, dict) else None
        return (
            isinstance(codings, list)
            and bool(self.own_system)
            and any(isinstance(coding, dict) and coding.get("system") == self.own_system for coding in codings)
        )


def normal(system: str, code: str) -> str:
    """A code as it is compared: ICD codes are often written without their point."""
    return code.replace(".", "").upper() if system.startswith("icd") else code
