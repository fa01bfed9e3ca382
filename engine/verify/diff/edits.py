"""What was edited between two versions of a guideline: rules, facts, declarations, metadata, lines.

Rules are matched by id, facts and denials without one by what they say, declarations by keyword and name. An edit can
be made alone, so that it can be found out which of several changed an answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from guidelog.compiled import Compiled
from guidelog.language import print_statement, tree
from guidelog.language.guideline import GuidelineFolder

_ABOUT_THE_SOURCE = {"statement", "decision"}
_WORDS = {"label", "true", "false", "ask", "doable", "clock", "title", "group", "phase", "silent"}
"""Attributes of declarations that say something to people and are no part of any answer."""


@dataclass(frozen=True)
class Edit:
    """One statement added, removed or changed. `parts` names what changed in it: `head`, `body`, or annotations."""

    name: str
    old: tree.Statement | None
    new: tree.Statement | None
    parts: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        return "added" if self.old is None else "removed" if self.new is None else "changed"

    @property
    def matters(self) -> bool:
        """Whether it can change an answer, and not only words."""
        if self.kind != "changed":
            return not (isinstance(self.statement, tree.Declaration) and self.statement.keyword in _ABOUT_THE_SOURCE)
        if isinstance(self.statement, tree.Rule):
            return bool({"head", "body", "reading", "option"} & set(self.parts))
        return self.statement.keyword not in _ABOUT_THE_SOURCE and not set(self.parts) <= _WORDS

    @property
    def statement(self) -> tree.Statement:
        """The new statement, or the old one where it was removed."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def place(self) -> str:
        """File and line of the new text, or of the old one."""
        return repr(self.statement.span) if self.statement.span is not None else ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "parts": list(self.parts),
            "place": self.place,
            "old": print_statement(self.old).strip() if self.old else None,
            "new": print_statement(self.new).strip() if self.new else None,
        }


def edits(old: tree.Program, new: tree.Program) -> list[Edit]:
    """All edits, in the order of the new version, removed ones last."""
    before, after = _keyed(old), _keyed(new)
    for key in [k for k in before if k in after and _unrelated(before[k], after[k])]:
        before[(*key, "before")] = before.pop(key)  # one id, two rules that have nothing to do with each other
    found = [
        Edit(_name(key), before.get(key), statement, _parts(before[key], statement) if key in before else ())
        for key, statement in after.items()
        if key not in before or before[key] != statement
    ]
    return found + [Edit(_name(key), statement, None) for key, statement in before.items() if key not in after]


def apply(program: tree.Program, edit: Edit, *, undo: bool = False) -> tree.Program:
    """The program with one edit made (of the old version), or undone (of the new one)."""
    source, target = (edit.new, edit.old) if undo else (edit.old, edit.new)
    statements = list(program.statements)
    if source is None:
        if target is not None:
            statements.append(target)
    else:
        place = next((i for i, s in enumerate(statements) if s == source), None)
        if place is not None:
            statements[place : place + 1] = [] if target is None else [target]
    return replace(program, statements=tuple(statements))


def lines(old: GuidelineFolder, new: GuidelineFolder) -> Iterator[str]:
    """The texts of the rule files as a unified diff."""
    for name in sorted({*old.files, *new.files}):
        before, after = (g.files.get(name, "").splitlines() for g in (old, new))
        if before != after:
            yield from difflib.unified_diff(before, after, f"old/{name}", f"new/{name}", lineterm="", n=2)


def metadata(old: Compiled, new: Compiled) -> dict[str, tuple[str, str]]:
    """Version, review state and readings, where they differ."""
    pairs: dict[str, tuple[Any, Any]] = {
        key: (getattr(old.guideline, key), getattr(new.guideline, key)) for key in ("id", "title", "version", "review")
    }
    for name in {**old.readings, **new.readings}:
        pairs[f"reading {name}"] = (old.readings.get(name), new.readings.get(name))
    return {key: (str(a), str(b)) for key, (a, b) in pairs.items() if a != b}


def _keyed(program: tree.Program) -> dict[tuple[str, ...], tree.Statement]:
    found: dict[tuple[str, ...], tree.Statement] = {}
    for statement in program.statements:
        if isinstance(statement, tree.Declaration):
            found[statement.keyword, statement.name] = statement
        elif statement.id is not None:
            found["rule", statement.id] = statement
        else:
            found["text", print_statement(statement).strip()] = statement
    return found


def _unrelated(old: tree.Statement, new: tree.Statement) -> bool:
    """Whether two rules of one id conclude something else from something else."""
    if not (isinstance(old, tree.Rule) and isinstance(new, tree.Rule)) or old.head is None or new.head is None:
        return False
    about = [(h.predicate, *(t.name for t in h.terms if isinstance(t, tree.Symbol))) for h in (old.head, new.head)]
    return about[0] != about[1] and not set(old.body) & set(new.body)


def _name(key: tuple[str, ...]) -> str:
    return key[1] if key[0] in ("rule", "text") else f".{key[0]} {key[1]}"


def _parts(old: tree.Statement, new: tree.Statement) -> tuple[str, ...]:
    if isinstance(old, tree.Declaration) and isinstance(new, tree.Declaration):
        own = [part for part in ("parameters", "label") if getattr(old, part) != getattr(new, part)]
        named = dict.fromkeys(a.name for a in (*old.attributes, *new.attributes))
        return (*own, *(name for name in named if _written(old, name) != _written(new, name)))
    if not (isinstance(old, tree.Rule) and isinstance(new, tree.Rule)):
        return ()
    found = [part for part in ("head", "body") if getattr(old, part) != getattr(new, part)]
    keys: Mapping[str, None] = dict.fromkeys(a.name for a in (*old.annotations, *new.annotations))
    return (*found, *(key for key in keys if old.annotation(key) != new.annotation(key)))


def _written(declaration: tree.Declaration, name: str) -> list[tree.Attribute]:
    return [attribute for attribute in declaration.attributes if attribute.name == name]
