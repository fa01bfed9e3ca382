"""What one comparison of two versions found, as plain data.

`compare` fills it in; nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guidelog.ground.program import Atom
from guidelog.semantics.status import Status

from ..witness.candidate import CandidateRecord, yaml_of
from .edits import Edit


@dataclass(frozen=True)
class Change:
    """Some patients get another status.

    `needed` are the entries of the witness that every such patient has (None: not looked for); `edits` the edits that
    alone make the change, or, where none does, those without which it would not happen. `smallest` when no smaller
    record will do; `spare` when this change may need only a part of the record, which shows others as well.
    """

    intervention: str
    old: Status
    new: Status
    sketch: CandidateRecord
    content: dict[str, Any]
    needed: tuple[str, ...] | None
    edits: tuple[Edit, ...]
    alone: bool
    smallest: bool
    spare: bool = False

    @property
    def text(self) -> str:
        """The witness as a patient file."""
        return yaml_of(self.content, (f"{self.intervention}: {self.old.value} before, {self.new.value} now",))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "old": self.old.value,
            "new": self.new.value,
            "patient": self.content,
            "every_such_patient_has": None if self.needed is None else list(self.needed),
            "edits": [e.name for e in self.edits],
            "each_edit_alone": self.alone,
            "smallest": self.smallest,
            "every_entry_needed": not self.spare,
        }


@dataclass(frozen=True)
class Reason:
    """Some patients get the same answer for another reason.

    `rule` is now (`gained`) or no longer among the rules behind the answer; where it is None, the answer is open as
    before, but what it would be at an end of the guideline's ranges is not.
    """

    intervention: str
    rule: str | None
    gained: bool
    status: Status
    content: dict[str, Any]
    edits: tuple[Edit, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "status": self.status.value,
            "change": "range" if self.rule is None else "gained" if self.gained else "lost",
            "rule": self.rule,
            "patient": self.content,
            "edits": [e.name for e in self.edits],
        }


@dataclass(frozen=True)
class Shown:
    """An included item, a note or a caution that some patients get in one version only, from a rule."""

    atom: Atom
    rule: str
    gained: bool
    content: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "atom": [str(a) for a in self.atom],
            "rule": self.rule,
            "change": "gained" if self.gained else "lost",
            "patient": self.content,
        }


@dataclass(frozen=True)
class Difference:
    """All that one comparison found.

    `same` are interventions proved to be answered alike, `shared` those of them that are defined alike; those of `same`
    that are in no `reasons` are proved to have the same reasons as well. `undecided` are names with what was not
    decided about them.
    """

    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...]
    shown: tuple[Shown, ...]
    same: tuple[str, ...]
    shared: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    refused: tuple[tuple[str, dict[str, Any]], ...]
    undecided: tuple[tuple[str, str], ...]
    edits: tuple[Edit, ...]
    seconds: float
    size: int

    @property
    def otherwise_reasoned(self) -> tuple[str, ...]:
        """Interventions answered alike for every record, but for some of them with other reasons."""
        return tuple(dict.fromkeys(r.intervention for r in self.reasons))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "changes": [c.to_json() for c in self.changes],
            "reasons": [r.to_json() for r in self.reasons],
            "included_and_notes": [s.to_json() for s in self.shown],
            "unchanged": list(self.same),
            "only_reasons_change": list(self.otherwise_reasoned),
            "added": list(self.added),
            "removed": list(self.removed),
            "refused": [{"by": by, "patient": content} for by, content in self.refused],
            "not_decided": [{"intervention": name, "why": why} for name, why in self.undecided],
            "edits": [e.to_json() for e in self.edits],
            "seconds": round(self.seconds, 4),
        }
