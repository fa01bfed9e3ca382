"""Where the review of a guideline stands: who accepted which statement as it is now, what is stale, what is asked.

A sign-off is fresh while every part that its reviewer saw is the same and no part has come or gone. The status of the
guideline follows: approved when every statement is accepted, freshly, by everybody who is required, and nothing is
queried or rejected; under review when somebody has begun; draft before that.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, Label, Severity

from .entries import FOLDER, Entry, Verdict, read_entries
from .seen import Part, parts_of

REQUIRED = "required.toml"
DRAFT, UNDER_REVIEW, APPROVED = "draft", "under review", "approved"


@dataclass(frozen=True, slots=True)
class SignOff:
    """The last word of a reviewer on a statement; `stale` names the parts that are not what was seen."""

    entry: Entry
    stale: tuple[str, ...]

    @property
    def fresh(self) -> bool:
        """Whether what was seen is what stands there now."""
        return not self.stale


@dataclass(frozen=True, slots=True)
class StatementStanding:
    """A statement: its parts as they are now, the reviewers' last words, the roles that have not accepted it afresh."""

    statement: str
    parts: tuple[Part, ...]
    signoffs: tuple[SignOff, ...]
    missing: tuple[str, ...]

    @property
    def open(self) -> tuple[SignOff, ...]:
        """Queries and rejections. They stay open over edits until their reviewer says something else."""
        return tuple(s for s in self.signoffs if s.entry.verdict is not Verdict.ACCEPT)

    @property
    def accepted(self) -> bool:
        """Whether nothing is missing and nothing is open."""
        return not self.missing and not self.open

    @property
    def state(self) -> str:
        """In one word or two: accepted, rejected, queried, stale, not reviewed, accepted in part."""
        if self.accepted:
            return "accepted"
        verdicts = {s.entry.verdict for s in self.open}
        if verdicts:
            return "rejected" if Verdict.REJECT in verdicts else "queried"
        if any(s.stale for s in self.signoffs):
            return "stale"
        return "accepted in part" if self.signoffs else "not reviewed"

    @property
    def seen(self) -> dict[str, str]:
        """What a reviewer sees now, for a new entry."""
        return {part.key: part.digest for part in self.parts}


@dataclass(frozen=True)
class Standing:
    """The review of a guideline. `roles` are those that each statement needs; empty when anybody's will do."""

    statements: Mapping[str, StatementStanding]
    roles: tuple[str, ...]
    orphans: tuple[Entry, ...] = ()
    wrong: tuple[Diagnostic, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """What the guideline may say of itself."""
        if self.statements and all(s.accepted for s in self.statements.values()) and not self.wrong:
            return APPROVED
        return UNDER_REVIEW if any(s.signoffs for s in self.statements.values()) else DRAFT

    @property
    def missing(self) -> tuple[StatementStanding, ...]:
        """The statements that are not accepted."""
        return tuple(s for s in self.statements.values() if not s.accepted)


def standing(compiled: Compiled) -> Standing:
    """Where the review stands. Raises InputError (GL641) for a list of required roles that cannot be read."""
    entries, wrong = read_entries(compiled.guideline.folder)
    roles = required_roles(compiled.guideline.folder)
    last: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda e: e.on):
        last[entry.statement, entry.by.casefold()] = entry
    found: dict[str, StatementStanding] = {}
    for name, parts in parts_of(compiled).items():
        mine = tuple(SignOff(e, changed_parts(e, parts)) for (statement, _), e in last.items() if statement == name)
        found[name] = StatementStanding(name, parts, mine, _missing(mine, roles))
    orphans = tuple(e for (statement, _), e in last.items() if statement not in found)
    counts: dict[str, int] = {}
    for s in found.values():
        counts[s.state] = counts.get(s.state, 0) + 1
    return Standing(found, roles, orphans, wrong, counts)


def changed_parts(entry: Entry, parts: Iterable[Part]) -> tuple[str, ...]:
    """What is not as the entry's author saw it, in words: changed, new, or gone."""
    now = {part.key: part for part in parts}
    changed = [p.label for key, p in now.items() if key in entry.seen and entry.seen[key] != p.digest]
    new = [f"{p.label} (new)" for key, p in now.items() if key not in entry.seen]
    gone = [f"{key} (gone)" for key in entry.seen if key not in now]
    return (*changed, *new, *gone)


def required_roles(folder: Path) -> tuple[str, ...]:
    """The roles in `reviews/required.toml` (`roles = ["clinician", …]`). Raises InputError (GL641)."""
    path = folder / FOLDER / REQUIRED
    if not path.is_file():
        return ()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError.of("GL641", f"`{path}` cannot be read as TOML") from None
    roles = content.get("roles")
    if set(content) != {"roles"} or not isinstance(roles, list) or not all(isinstance(r, str) and r for r in roles):
        raise InputError.of("GL641", f"`{path}` must have `roles`, a list of names, and nothing else")
    return tuple(roles)


def diagnostics(compiled: Compiled) -> list[Diagnostic]:
    """What authors should know of the review: queries (GL941), stale sign-offs (GL942), a status too good (GL943)."""
    found = standing(compiled)
    listed = list(found.wrong)
    for item in found.statements.values():
        declared = compiled.names.statements[item.statement].declaration
        place = (Label(declared.name_span),) if declared.name_span else ()
        for signoff in item.signoffs:
            e = signoff.entry
            if e.verdict is not Verdict.ACCEPT:
                says = "rejected" if e.verdict is Verdict.REJECT else "queried"
                message = f"{item.statement} is {says} by {e.by} ({e.role}): {' '.join(e.comment.split())}"
                listed.append(Diagnostic("GL941", message, place, Severity.NOTE))
            elif signoff.stale:
                parts = ", ".join(signoff.stale)
                message = f"the sign-off of {e.by} ({e.role}) on {item.statement} is stale: {parts}"
                listed.append(Diagnostic("GL942", message, place, Severity.NOTE))
    if compiled.guideline.review == APPROVED and found.status != APPROVED:
        short = ", ".join(s.statement for s in found.missing[:8])
        message = f"the guideline calls itself approved, but {len(found.missing)} statements are not accepted: {short}"
        listed.append(Diagnostic("GL943", message, (), Severity.ERROR))
    return listed


def _missing(mine: Iterable[SignOff], roles: tuple[str, ...]) -> tuple[str, ...]:
    fresh = {s.entry.role.casefold() for s in mine if s.fresh and s.entry.verdict is Verdict.ACCEPT}
    if roles:
        return tuple(role for role in roles if role.casefold() not in fresh)
    return () if fresh else ("a reviewer",)
