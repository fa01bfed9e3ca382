"""Edits that are no matter of rules: promises, clocks, the words of questions, what the service offers.

Promises that were changed or dropped are tried on the new version. What no search over records can decide is named, so
that it is not taken for unchanged: whether people record the same when a question is worded otherwise, on which days
answers change when a clock is edited, what cards offer when `hooks.toml` is. Edits of `codes.toml` are compared by
`guidelog.workbench.code_changes`, which can read health records.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.language import parse, print_statement, tree
from guidelog.language.guideline import PROPERTIES
from guidelog.solver.literals import Budget
from guidelog.source import Source

from ..properties.language import read_properties
from ..properties.prove import verify
from ..properties.verdicts import Result, Verdict
from ..witness.find import Ask
from ..witness.replay import certified
from .edits import Edit

HOOKS = "hooks.toml"
_ASKED = ("finding", "measure", "screen")
_QUESTION = {"label", "true", "false", "ask"}


@dataclass(frozen=True)
class PromiseEdit:
    """A property that was added, removed or changed; `verdict`: what became of the old one in the new version."""

    id: str
    kind: str
    says: str
    verdict: Verdict | None

    @property
    def broken(self) -> bool:
        """Whether the old version's promise does not hold for the new one."""
        return self.verdict is not None and self.verdict.result is Result.BROKEN

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "property": self.id,
            "kind": self.kind,
            "says": self.says,
            "on_the_new_version": self.verdict.to_json() if self.verdict else None,
        }


def promises(
    old: Compiled, new: Compiled, ask: Ask = certified, *, budget: Budget | None = None
) -> tuple[list[PromiseEdit], list[tuple[str, str]]]:
    """The edits of `properties.dl`, and what could not be decided about them."""
    texts = [_text(c.guideline.folder / PROPERTIES) for c in (old, new)]
    if texts[0] == texts[1]:
        return [], []
    before, after = (_by_id(text) for text in texts)
    helpers = [sorted(print_statement(s) for s in parsed[None]) for parsed in (before, after)]
    edits: list[PromiseEdit] = []
    undecided: list[tuple[str, str]] = []
    for id_ in dict.fromkeys((*(k for k in before if k), *(k for k in after if k))):
        if id_ not in before:
            edits.append(PromiseEdit(id_, "added", _says(after[id_]), None))
            continue
        same = id_ in after and [*map(print_statement, before[id_])] == [*map(print_statement, after[id_])]
        if same and helpers[0] == helpers[1]:
            continue
        try:
            chosen = read_properties(new, texts[0]).choose((id_,))
            (verdict,) = verify(new, chosen, ask, budget=budget, rules=False).verdicts
        except InputError:
            undecided.append((f"{PROPERTIES}, {id_}", "the old promise speaks of names that the new version has not"))
            continue
        if same and verdict.result is Result.PROVED:
            continue  # other helpers, the same promise, and it holds
        kind = "changed" if id_ in after else "removed"
        edits.append(PromiseEdit(id_, kind, _says(before[id_]), verdict))
        if verdict.result is Result.NOT_DECIDED:
            undecided.append((f"{PROPERTIES}, {id_}", "not decided whether the old promise holds for the new version"))
    return edits, undecided


def not_compared(old: Compiled, new: Compiled, edits: Iterable[Edit]) -> Iterator[tuple[str, str]]:
    """What was edited and is not compared: names, and what may change by it."""
    for edit in edits:
        statement = edit.statement
        if edit.kind != "changed" or not isinstance(statement, tree.Declaration) or statement.keyword not in _ASKED:
            continue
        if _QUESTION & set(edit.parts):
            yield statement.name, "reworded: whether people record the same under the new words, nobody can prove"
        if "clock" in edit.parts:
            yield (
                statement.name,
                "its clock was edited: on which days answers change by themselves is not compared",
            )
    first, second = (_toml(c.guideline.folder / HOOKS) for c in (old, new))
    if first != second:
        yield HOOKS, "edited: what the service offers and suggests is not compared"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise InputError.of("GL603", f"`{path}` cannot be read as UTF-8 text") from None


def _toml(path: Path) -> Any:
    text = _text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text


def _by_id(text: str) -> dict[str | None, list[tree.Statement]]:
    """The statements of each property; all others under None."""
    program, _ = parse(Source(PROPERTIES, text))
    found: dict[str | None, list[tree.Statement]] = {None: []}
    for statement in program.statements:
        promises_ = isinstance(statement, tree.Rule) and statement.annotation("says") is not None
        key = statement.id if isinstance(statement, tree.Rule) and promises_ else None
        found.setdefault(key, []).append(statement)
    return found


def _says(statements: list[tree.Statement]) -> str:
    for statement in statements:
        if isinstance(statement, tree.Rule) and (said := statement.annotation("says")) is not None:
            return tree.plain(said)
    return ""
