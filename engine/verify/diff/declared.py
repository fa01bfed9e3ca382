"""`CHANGES.md` of a guideline: which changes of answers were announced.

An announcement is a list item that begins with `intervention: old status -> new status`; `any` stands for every
intervention or status. `name: edited` or `name: reworded` announces an edit that cannot be decided, of an input or a
file such as `codes.toml`. Whatever follows is for people, and so is every other line. An announcement counts for a
comparison when the new version's file has it and the old version's has not.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from guidelog.diagnostics import Diagnostic, Label, nearest
from guidelog.semantics.status import Status
from guidelog.source import Source, Span

from .result import Change

CHANGES = "CHANGES.md"
ANY = "any"

_ITEM = re.compile(
    r"^[-*][ \t]+`?([A-Za-z_]\w*)`?[ \t]*:[ \t]*`?([A-Za-z_]+)`?[ \t]*(?:->|→)[ \t]*`?([A-Za-z_]+)`?", re.MULTILINE
)


_EDITED = re.compile(r"^[-*][ \t]+`?([A-Za-z_][\w.]*)`?[ \t]*:[ \t]*(?:edited|reworded)\b", re.MULTILINE)


@dataclass(frozen=True)
class Announcement:
    """One announced change; `span` is its place in the file."""

    intervention: str
    old: str
    new: str
    span: Span

    def covers(self, change: Change) -> bool:
        """Whether it is about that change."""
        return self.fits(change.intervention, change.old, change.new)

    def fits(self, intervention: str, old: Status, new: Status) -> bool:
        """Whether it is about an answer that changes so."""
        wanted = ((self.intervention, intervention), (self.old, old.value), (self.new, new.value))
        return all(said in (ANY, found) for said, found in wanted)

    def __str__(self) -> str:
        return f"{self.intervention}: {self.old} -> {self.new}"


def read_announcements(folder: Path) -> list[Announcement]:
    """All announcements of a guideline folder; none when it has no such file."""
    path = folder / CHANGES
    if not path.is_file():
        return []
    source = Source(str(path), path.read_text(encoding="utf-8-sig", errors="replace"))
    return [Announcement(m[1], m[2], m[3], Span(source, m.start(), m.end())) for m in _ITEM.finditer(source.text)]


def announced_edits(old: Path, new: Path) -> set[str]:
    """The names of inputs and files whose edit the new version announces, and the old one had not yet."""
    before, after = (
        Counter(_EDITED.findall(path.read_text(encoding="utf-8-sig", errors="replace")) if path.is_file() else ())
        for path in (old / CHANGES, new / CHANGES)
    )
    return set(after - before)


def new_announcements(old: Path, new: Path) -> list[Announcement]:
    """Those that the new version adds."""
    before = Counter(map(str, read_announcements(old)))
    found = []
    for announcement in read_announcements(new):
        if before[str(announcement)]:
            before[str(announcement)] -= 1
        else:
            found.append(announcement)
    return found


def unknown_names(announcements: list[Announcement], interventions: list[str]) -> list[Diagnostic]:
    """Announcements of what does not exist (GL822)."""
    statuses = [status.value for status in Status]
    found = []
    for a in announcements:
        for what, name, known in (
            ("intervention", a.intervention, interventions),
            ("status", a.old, statuses),
            ("status", a.new, statuses),
        ):
            if name not in (ANY, *known):
                near = nearest(name, known)
                hint = f"did you mean `{near}`?" if near else None
                found.append(Diagnostic("GL822", f"there is no {what} `{name}`", (Label(a.span),), hint=hint))
    return found
