"""Two versions on one pathway: changed, added, removed, knock-on.

Boxes keep their places; what the new version no longer has stays where it was, marked as removed. What an edit does to
answers is not guessed here: it is the semantic difference of `verify`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from guidelog.compiled import Compiled
from guidelog.ground.program import GroundComparison
from guidelog.semantics.status import Status
from guidelog.verify.diff.compare import Difference

from ..drawing import palette
from ..drawing.fonts import Font, Run
from ..drawing.palette import Look
from ..drawing.scene import BODY, HEAD, Chip
from ..pathway.criteria import Criterion
from ..pathway.derive import infer
from ..pathway.model import Item, Node, Pathway, Phase, Step, Table, numbered
from ..pathway.overlay import Mark, Overlay

_LEAVING = {Status.URGENT, Status.EMERGENCY_PATHWAY}


@dataclass(frozen=True)
class Changed:
    """Both versions as one pathway, with what is laid over it."""

    pathway: Pathway
    overlay: Overlay
    counts: dict[str, int]


def both_versions(old: Compiled, new: Compiled, difference: Difference) -> Changed:
    """The pathway of both versions with their differences marked."""
    return _Merge(old, new, difference).run()


class _Merge:
    def __init__(self, old: Compiled, new: Compiled, difference: Difference) -> None:
        self.old, self.new = infer(old), infer(new)
        self.difference = difference
        self.edited = {e.name for e in difference.edits}
        self.affected = {c.intervention for c in difference.changes}
        self.before = {n.key: n for n in self.old.nodes()}
        self.after = {n.key: n for n in self.new.nodes()}
        self.nodes: dict[str, Mark] = {}
        self.items: dict[tuple[str, int], Chip] = {}
        self.runs: dict[tuple[str, int], tuple[Run, ...]] = {}
        self.titles: dict[str, tuple[Run, ...]] = {}
        self.looks: dict[str, Look] = {}
        self.tables: dict[str, Table] = {}
        self.bodies: dict[str, tuple[Item, ...]] = {}

    def run(self) -> Changed:
        gone = {key for key in self.before if key not in self.after}
        phases = [self._with_gone(phase, gone) for phase in self.new.phases]
        left = [p for p in self.old.all_phases() if p.key not in {q.key for q in self.new.all_phases()}]
        for phase in left:
            # A phase with another name has its boxes under the new one; only what is gone stays behind.
            steps = tuple(self._old_step(s) for s in phase.steps if s.node.key in gone)
            if steps:
                phases.append(replace(phase, steps=steps, beside=()))
        letters = self._letters(phases)
        for key, node in self.after.items():
            self._mark(key, node, letters)
        phases = [self._relettered(p, letters) for p in phases]
        for key in gone:
            self.nodes[key] = Mark(palette.REMOVED)
            self.titles[key] = (
                Run(" ", HEAD, palette.BROWN),
                Run(self.before[key].title, HEAD, palette.BROWN, struck=True),
            )
        counts = {look.word: sum(m.look is look for m in self.nodes.values()) for look in palette.CHANGES}
        overlay = Overlay(nodes=self.nodes, items=self.items, runs=self.runs, titles=self.titles, tables=self.looks)
        return Changed(numbered(phases, self.tables, {}), overlay, counts)

    # what is gone
    def _with_gone(self, phase: Phase, gone: set[str]) -> Phase:
        before = next((p for p in self.old.all_phases() if p.key == phase.key), None)
        steps = list(phase.steps)
        for place, step in enumerate(before.steps if before else ()):
            if step.node.key in gone:
                steps.insert(min(place, len(steps)), self._old_step(step))
        return replace(phase, steps=tuple(steps), beside=tuple(self._with_gone(p, gone) for p in phase.beside))

    def _old_step(self, step: Step) -> Step:
        leave = step.exit if step.exit and step.exit.key not in self.after else None
        return replace(step, node=_old_letter(step.node), exit=_old_letter(leave) if leave else None)

    def _letters(self, phases: Sequence[Phase]) -> dict[str, str]:
        """New letters in reading order; tables that only the old version has are called `old X` until here."""
        letters: dict[str, str] = {}
        for phase in (p for outer in phases for p in (outer, *outer.beside)):
            for name in (n.table for step in phase.steps for n in (step.node, step.exit) if n is not None):
                if name and name not in letters:
                    letters[name] = chr(65 + len(letters)) if len(letters) < 26 else f"Z{len(letters) - 25}"
                    table = self.old.tables[name[4:]] if name.startswith("old ") else self.new.tables[name]
                    self.tables[letters[name]] = replace(table, letter=letters[name])
        return letters

    # marks
    def _mark(self, key: str, node: Node, letters: dict[str, str]) -> None:
        before = self.before.get(key)
        if before is None:
            self.nodes[key] = Mark(palette.ADDED)
            if node.table:
                self.looks[letters[node.table]] = palette.ADDED
            return
        changed = self._title(key, before, node)
        changed |= self._body(key, before, node)
        if node.table:
            changed |= self._table(before, node, letters[node.table])
        changed |= {r.id for r in before.rules} != {r.id for r in node.rules} or before.cites != node.cites
        if changed:
            self.nodes[key] = Mark(palette.CHANGED)
        elif self._follows(node):
            self.nodes[key] = Mark(palette.KNOCK_ON)
        else:
            self.nodes[key] = Mark(palette.UNCHANGED)

    def _title(self, key: str, before: Node, node: Node) -> bool:
        if before.title == node.title:
            return False
        self.titles[key] = (Run(" ", HEAD, palette.INK), *word_runs(before.title, node.title, HEAD))
        return True

    def _body(self, key: str, before: Node, node: Node) -> bool:
        self.bodies[key], changed = self._items(key, before.body, node.body)
        return changed

    def _table(self, before: Node, node: Node, letter: str) -> bool:
        old = self.old.tables[before.table] if before.table else None
        new = self.new.tables[node.table]
        items, changed = self._items(letter, old.items if old else (), new.items)
        self.tables[letter] = replace(self.tables[letter], items=items)
        changed |= old is not None and old.mode != new.mode
        if changed:
            self.looks[letter] = palette.CHANGED
        return changed

    def _items(self, owner: str, old_items: Sequence[Item], new_items: Sequence[Item]) -> tuple[tuple[Item, ...], bool]:
        """The items of both versions in one list, with what came and went marked; and whether anything did."""
        merged: list[tuple[Item | None, Item | None]] = []
        matcher = difflib.SequenceMatcher(
            None, [_identity(i) for i in old_items], [_identity(i) for i in new_items], autojunk=False
        )
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind == "equal":
                merged += zip(old_items[a:b], new_items[c:d], strict=True)
            else:
                merged += [(i, None) for i in old_items[a:b]]
                merged += [(None, i) for i in new_items[c:d]]
        changed = False
        items: list[Item] = []
        for index, (was, now) in enumerate(merged):
            kept = now or was
            assert kept is not None
            items.append(kept)
            if now is None:
                self.items[owner, index] = _chip(palette.REMOVED)
                self.runs[owner, index] = (Run(kept.text, BODY, palette.BROWN, struck=True),)
                changed = True
            else:
                changed |= self._item((owner, index), was, now)
        return tuple(items), changed

    def _item(self, place: tuple[str, int], was: Item | None, now: Item) -> bool:
        if was is None:
            self.items[place] = _chip(palette.ADDED)
            self.runs[place] = (Run(now.text, BODY, palette.GREEN, inserted=True),)
            return True
        if was.text != now.text:
            self.items[place] = _chip(palette.CHANGED)
            self.runs[place] = word_runs(was.text, now.text, BODY)
            return True
        if {r.id for r in was.rules} != {r.id for r in now.rules} or [r.listed("cites") for r in was.rules] != [
            r.listed("cites") for r in now.rules
        ]:
            self.items[place] = _chip(palette.CHANGED)
            return True
        return False

    def _relettered(self, phase: Phase, letters: dict[str, str]) -> Phase:
        steps = tuple(
            replace(
                s,
                node=replace(
                    s.node, table=letters.get(s.node.table, ""), body=self.bodies.get(s.node.key, s.node.body)
                ),
                exit=replace(
                    s.exit,
                    table=letters.get(s.exit.table, ""),
                    body=self.bodies.get(s.exit.key, s.exit.body),
                )
                if s.exit
                else None,
            )
            for s in phase.steps
        )
        return replace(phase, steps=steps, beside=tuple(self._relettered(p, letters) for p in phase.beside))

    def _follows(self, node: Node) -> bool:
        about = {n for n, _ in node.interventions}
        for change in self.difference.changes:
            statuses = {change.old, change.new}
            if (
                change.intervention in about
                and (node.kind != "urgent" or statuses & _LEAVING)
                and not statuses <= _LEAVING
            ):
                return True
        rules = {r.id for c in walk(node.criterion) for r in c.rules}
        return bool(rules & self.edited) and bool(self.affected)


def _old_letter(node: Node) -> Node:
    return replace(node, table=f"old {node.table}" if node.table else "")


def walk(criterion: Criterion | None) -> Iterator[Criterion]:
    """A criterion and all below it."""
    if criterion is not None:
        yield criterion
        for part in criterion.parts:
            yield from walk(part)


def _identity(item: Item) -> str:
    """What an item is, whatever its number says."""
    if item.intervention is not None:
        return f"{item.intervention} {item.stance}"
    element = item.criterion.element if item.criterion else None
    if isinstance(element, GroundComparison):
        return f"{element.terms}"
    if element is not None:
        return str(element)
    rules = ",".join(r.id or "" for r in item.rules)
    return rules or item.text


def _chip(look: Look) -> Chip:
    return Chip(look.word, look.chip, look.chip_text)


def word_runs(old: str, new: str, font: Font) -> tuple[Run, ...]:
    """The new text with what went struck out and what came underlined."""
    before, after = old.split(), new.split()
    runs: list[Run] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        lead = " " if runs else ""
        if kind == "equal":
            runs.append(Run(lead + " ".join(after[c:d]), font, palette.INK))
            continue
        if b > a:
            runs.append(Run(lead + " ".join(before[a:b]), font, palette.BROWN, struck=True))
        if d > c:
            runs.append(Run((" " if runs else "") + " ".join(after[c:d]), font, palette.NAVY, inserted=True))
    return tuple(runs)
