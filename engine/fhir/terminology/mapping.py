"""What codes of records mean in a guideline's names: plain data, read from codes.toml by `codes`.

A `Concept` is a group of codes with the same meaning, listed one by one or as a `Family` of a hierarchy; its `Fact`s
say what a resource with such a code says about the patient. A `Net` says what a code or word that no concept has may be
about, so that it is left open and not taken for "no". Nothing here reads a file or a resource, and nothing here knows
a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

from .value_sets import Heading

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
    `severe`: the resource has to say that it is severe. `routes`: codes of the routes of a drug that count. `denies`:
    only an absence says something (no weakness at all is none in both legs). `opens`: a presence leaves the finding
    open, because it may be that. `unit`: that of a number with limits.
    `says`: words that have to stand beside the code, because it alone does not say on which scale it is.
    `assumes`: what the mapping takes for granted, shown with the fact.
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
    denies: bool = False
    opens: bool = False
    unit: str = ""
    says: str = ""
    assumes: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """The codes of a hierarchical system that begin alike, as codes of one concept.

    `under` is the beginning as codes are compared (`M464`); `endings`: only codes that end so, `ignore`: none of these.
    """

    code: Code
    under: str
    endings: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()

    def has(self, code: str) -> bool:
        """Whether a code, as codes are compared, is one of the family."""
        return (
            code.startswith(self.under)
            and code not in self.ignore
            and (not self.endings or code.endswith(self.endings))
        )


@dataclass(frozen=True, slots=True)
class Concept:
    """Codes that mean the same, and what they say; `note` says why nothing follows, where nothing does.

    `words`: text that speaks of it where no code is known. `reports`: what a report of it in words may be about.
    """

    name: str
    codes: tuple[Code, ...]
    facts: tuple[Fact, ...]
    note: str = ""
    families: tuple[Family, ...] = ()
    words: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Net:
    """What codes and words that no concept has may be about.

    `names`: the findings and measures that stay open. `families`: beginnings of codes, by short name of the system.
    `words` in a text speak of it, unless one of `but_not` stands there too. `weeks`: how long ago at most a dated
    condition may have been recorded. `kinds`: the types of resource that it looks at; empty for all.
    """

    name: str
    names: tuple[str, ...]
    families: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    but_not: tuple[str, ...] = ()
    weeks: int | None = None
    kinds: frozenset[str] = frozenset()

    def of_kind(self, kind: str) -> bool:
        """Whether it looks at resources of this type."""
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True)
class Form:
    """A questionnaire of somebody else: which of its items asks for which name, and what its own answer codes mean."""

    url: str
    items: Mapping[str, str]
    answers: Mapping[tuple[str, str], bool | None] = field(default_factory=dict)


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
    `hierarchies`: the codes of a system as far as the guideline's folder has them, for `check`.
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
    nets: tuple[Net, ...] = ()
    forms: tuple[Form, ...] = ()
    hierarchies: Mapping[str, Mapping[str, Heading]] = field(default_factory=dict)

    @cached_property
    def _families(self) -> Mapping[str, tuple[Family, ...]]:
        """By short name of their system, the longest beginning first."""
        found: dict[str, list[Family]] = {}
        for concept in self.concepts.values():
            for family in concept.families:
                found.setdefault(family.code.system, []).append(family)
        return {s: tuple(sorted(group, key=lambda f: (-len(f.under), f.under))) for s, group in found.items()}

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
        if found is not None or (short := self.systems.get(system)) is None:
            return found
        if short.startswith("icd"):
            code = normal(short, code)
            found = self._index.get((system, code))
        if found is None:
            for family in self._families.get(short, ()):
                if family.has(code):
                    return replace(family.code, code=code)
        return found

    def names_of(self, concept: str) -> tuple[str, ...]:
        """Every finding and measure that something with this concept may be about."""
        known = self.concepts.get(concept)
        found = {n for fact in known.facts if fact.opens or not fact.denies for n in fact.names} if known else set()
        found |= {a.finding for a in self.all_of if concept in a.concepts}
        found |= {w.finding for w in self.worsening if concept in w.concepts}
        found |= {o.measure for o in self.overlaps if any(concept in group for group in o.groups)}
        return tuple(sorted(found))

    @cached_property
    def _names_by_when(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for concept in self.concepts.values():
            for fact in concept.facts:
                found.setdefault(fact.when, set()).update(self.names_of(concept.name))
        return {when: frozenset(names) for when, names in found.items()}

    def names_of_kind(self, kind: str) -> tuple[str, ...]:
        """Every name that a resource of a type can give by its codes; none at all for types that are not read."""
        whens = KINDS.get(kind, ())
        found = {n for when in whens for n in self._names_by_when.get(when, ())}
        return tuple(sorted(found))

    @cached_property
    def all_nets(self) -> tuple[Net, ...]:
        """The nets, and for each concept that has words one of its own."""
        own = [Net(c.name, self.names_of(c.name), words=c.words) for c in self.concepts.values() if c.words]
        return (*self.nets, *(n for n in own if n.names))

    @cached_property
    def _word(self) -> re.Pattern[str] | None:
        words = sorted({w for net in self.all_nets for w in net.words}, key=len, reverse=True)
        return re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + ")") if words else None

    @cached_property
    def _beginnings(self) -> Mapping[str, tuple[tuple[str, Net], ...]]:
        """By the address of a system, the beginnings of its codes that nets have."""
        found: dict[str, list[tuple[str, Net]]] = {}
        for net in self.nets:
            for short, under in net.families:
                for address in (a for a, s in self.systems.items() if s == short):
                    found.setdefault(address, []).append((under, net))
        return {address: tuple(listed) for address, listed in found.items()}

    def nets_of_code(self, system: str, code: str) -> Iterator[Net]:
        """The nets that a code falls into."""
        beginnings = self._beginnings.get(system)
        if beginnings is None:
            return
        code = normal(self.systems[system], code)
        seen = None
        for under, net in beginnings:
            if net is not seen and code.startswith(under):
                seen = net
                yield net

    def nets_of_text(self, text: str) -> Iterator[Net]:
        """The nets of which a text speaks."""
        if self._word is None or not text:
            return
        text = " ".join(text.casefold().split())
        if self._word.search(text) is None:
            return
        for net in self.all_nets:
            if any(_stands_in(w, text) for w in net.words) and not any(w in text for w in net.but_not):
                yield net

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


KINDS: Mapping[str, tuple[When, ...]] = {
    "Condition": ("present", "lasting", "since"),
    "AllergyIntolerance": ("present", "lasting", "since"),
    "Observation": ("present", "level"),
    "DiagnosticReport": ("present", "done"),
    "Procedure": ("done", "completed", "course"),
    "ImagingStudy": ("done",),
    "Encounter": ("done", "course"),
    "EpisodeOfCare": ("done", "completed", "course"),
    "MedicationStatement": ("taken",),
    "MedicationRequest": ("taken",),
    "MedicationDispense": ("taken",),
    "MedicationAdministration": ("taken",),
}
"""What kinds of facts a resource of a type can give."""


def _stands_in(word: str, text: str) -> bool:
    """Whether a word begins somewhere in a text."""
    at = text.find(word)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


def normal(system: str, code: str) -> str:
    """A code as it is compared: ICD codes are often written without their point."""
    return code.replace(".", "").upper() if system.startswith("icd") else code
