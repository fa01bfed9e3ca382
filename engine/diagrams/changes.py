"""`diff OLD NEW`: two versions on one pathway: changed, added, removed, knock-on; with a change list.

What an edit does to answers is not guessed here: it is the semantic difference of `verify`, each change with a patient
that both versions were asked about, everything else proved to be answered alike. Boxes keep their places; what the new
version no longer has stays where it was, marked as removed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .. import tree
from ..compiled import Compiled
from ..explain.wording import STATUS
from ..ground import GroundComparison
from ..status import Status
from ..syntax import print_statement
from ..verify.compare import Change, Difference
from ..verify.edits import Edit
from . import palette
from .criteria import Criteria, Criterion
from .flow import Flow, Links, Mark, Overlay
from .fonts import Font, Run
from .model import Item, Node, Pathway, Phase, Step, Table, numbered
from .page import MARGIN, Head, Legend, Notes, Page, facts_of
from .palette import Look
from .pathway import infer
from .pathway_page import SYMBOLS, foot
from .scene import BODY, HEAD, SMALL, SMALL_BOLD, Box, Chip, Line, Scene, gap, height_of, lines_of

LEGEND = (
    Legend("box", palette.CHANGED, "changed"),
    Legend("box", palette.ADDED, "added"),
    Legend("box", palette.REMOVED, "removed"),
    Legend("box", palette.KNOCK_ON, "knock-on effect"),
    Legend("box", palette.UNCHANGED, "unchanged"),
)
_LEAVING = {Status.URGENT, Status.EMERGENCY_PATHWAY}
MOST_EFFECTS, LONGEST_CELL, MOST_ROWS = 3, 260, 60


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

    def run(self) -> Changed:
        gone = {key for key in self.before if key not in self.after}
        phases = [self._with_gone(phase, gone) for phase in self.new.phases]
        left = [p for p in self.old.all_phases() if p.key not in {q.key for q in self.new.all_phases()}]
        for phase in left:
            steps = tuple(self._old_step(s) for s in phase.steps)
            phases.append(replace(phase, steps=steps, beside=()))
        letters = self._letters(phases)
        phases = [_relettered(p, letters) for p in phases]
        for key, node in self.after.items():
            self._mark(key, node, letters)
        for key in gone:
            self.nodes[key] = Mark(palette.REMOVED)
            self.titles[key] = (
                Run(" ", HEAD, palette.MAROON),
                Run(self.before[key].title, HEAD, palette.MAROON, struck=True),
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
        table = f"old {step.node.table}" if step.node.table else ""
        return replace(step, node=replace(step.node, table=table), exit=leave)

    def _letters(self, phases: Sequence[Phase]) -> dict[str, str]:
        """New letters in reading order; tables that only the old version has are called `old X` until here."""
        letters: dict[str, str] = {}
        for phase in (p for outer in phases for p in (outer, *outer.beside)):
            for step in phase.steps:
                name = step.node.table
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
        changed = False
        old = {_identity(i): i for i in before.body}
        for index, item in enumerate(node.body):
            was = old.pop(_identity(item), None)
            changed |= self._item((key, index), was, item)
        return changed or bool(old)

    def _table(self, before: Node, node: Node, letter: str) -> bool:
        old_items = self.old.tables[before.table].items if before.table else ()
        new_items = self.new.tables[node.table].items
        mode = before.table and self.old.tables[before.table].mode != self.new.tables[node.table].mode
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
        changed = bool(mode)
        items: list[Item] = []
        for index, (was, now) in enumerate(merged):
            kept = now or was
            assert kept is not None
            items.append(kept)
            if now is None:
                self.items[letter, index] = _chip(palette.REMOVED)
                self.runs[letter, index] = (Run(kept.text, BODY, palette.MAROON, struck=True),)
                changed = True
            else:
                changed |= self._item((letter, index), was, now)
        self.tables[letter] = replace(self.tables[letter], items=tuple(items))
        if changed:
            self.looks[letter] = palette.CHANGED
        return changed

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
        rules = {r.id for c in _walk(node.criterion) for r in c.rules}
        return bool(rules & self.edited) and bool(self.affected)


def _walk(criterion: Criterion | None) -> Iterator[Criterion]:
    if criterion is not None:
        yield criterion
        for part in criterion.parts:
            yield from _walk(part)


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


def _relettered(phase: Phase, letters: dict[str, str]) -> Phase:
    steps = tuple(replace(s, node=replace(s.node, table=letters.get(s.node.table, ""))) for s in phase.steps)
    return replace(phase, steps=steps, beside=tuple(_relettered(p, letters) for p in phase.beside))


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
            runs.append(Run(lead + " ".join(before[a:b]), font, palette.MAROON, struck=True))
        if d > c:
            runs.append(Run((" " if runs else "") + " ".join(after[c:d]), font, palette.NAVY, inserted=True))
    return tuple(runs)


# the page
def diff_scene(
    old: Compiled, new: Compiled, difference: Difference, links: Links | None = None, merged: Changed | None = None
) -> Scene:
    """The page of two versions."""
    found = merged or both_versions(old, new, difference)
    guideline = new.guideline
    page = Page("diff")
    versions = f"{old.guideline.version} to {guideline.version}"
    title = f"{guideline.title}: what changed, {versions}"
    counts = (
        ", ".join(f"{n} {'boxes' if n != 1 else 'box'} {word.lower()}" for word, n in found.counts.items() if n)
        or "no box changed"
    )
    page.head(
        Head(
            title,
            f"{len(difference.edits)} edits: {counts}",
            facts_of(guideline, f"{len(difference.changes)} changes of answers"),
        )
    )
    Flow(page, found.pathway, guideline, links or Links(), found.overlay).draw()
    page.symbols(
        "Symbols",
        [replace(s, look=replace(s.look, fill=palette.PAPER, line=palette.HEADER, weight=1.4)) for s in SYMBOLS[:3]],
    )
    page.symbols("Changes", LEGEND)
    page.rule()
    _table(page, rows(old, new, difference, found.pathway))
    foot(page, new, Notes("About the effects", about(difference)))
    return page.scene(
        title,
        f"{len(difference.edits)} edits; {counts}; {len(difference.changes)} changes of answers. "
        "The text outline has the change list.",
    )


def about(difference: Difference) -> tuple[str, ...]:
    """How the effect column was found, and what was not decided."""
    lines = [
        (
            "Proved over all possible patients: each effect has a patient that both versions were asked about, with "
            "certified answers; "
            "answers not named are the same in both versions."
        ),
    ]
    if difference.undecided:
        lines.append("Not decided: " + "; ".join(f"{name} ({why})" for name, why in difference.undecided))
    if difference.added or difference.removed:
        lines.append(
            f"Interventions added: {', '.join(difference.added) or 'none'}; "
            f"removed: {', '.join(difference.removed) or 'none'}."
        )
    if difference.refused:
        lines.append(f"{len(difference.refused)} kinds of record are refused by one version only.")
    return tuple(lines)


def rows(old: Compiled, new: Compiled, difference: Difference, pathway: Pathway) -> list[tuple[str, str, str, str]]:
    """The change list: where, old, new, effect."""
    found = []
    for edit in difference.edits[:MOST_ROWS]:
        boxes = [
            str(n.number)
            for n in pathway.nodes()
            if edit.name in {r.id for r in n.rules} | {r.id for c in _walk(n.criterion) for r in c.rules}
        ]
        where = edit.name + (f" ({'box' if len(boxes) == 1 else 'boxes'} {', '.join(boxes[:8])})" if boxes else "")
        before, after = _sides(old, new, edit)
        found.append((where, before, after, _effect(edit, difference, new)))
    if len(difference.edits) > MOST_ROWS:
        found.append((f"and {len(difference.edits) - MOST_ROWS} more edits", "", "", "see guidelog diff"))
    return found


def _sides(old: Compiled, new: Compiled, edit: Edit) -> tuple[str, str]:
    if edit.old is None:
        return "not there", _statement(new, edit.new)
    if edit.new is None:
        return _statement(old, edit.old), "removed"
    if isinstance(edit.old, tree.Rule) and isinstance(edit.new, tree.Rule) and "body" in edit.parts:
        before, after = _conditions(old, edit.old), _conditions(new, edit.new)
        less, more = [c for c in before if c not in after], [c for c in after if c not in before]
        if less or more:
            return "; ".join(less) or "no such condition", "; ".join(more) or "condition removed"
    if isinstance(edit.old, tree.Rule) and isinstance(edit.new, tree.Rule) and edit.parts:
        parts = [p for p in edit.parts if p not in ("head", "body")]
        if parts:
            return _annotations(edit.old, parts), _annotations(edit.new, parts)
    return _statement(old, edit.old), _statement(new, edit.new)


def _annotations(rule: tree.Rule, parts: Sequence[str]) -> str:
    words = []
    for part in parts:
        value = rule.annotation(part)
        words.append(f"{part}: {tree.plain(value) if value is not None else 'none'}")
    return _short("; ".join(words))


def _conditions(compiled: Compiled, rule: tree.Rule) -> list[str]:
    criteria = Criteria(compiled.ground)
    found: dict[str, None] = {}
    instances = [i for rules in compiled.ground.instances.values() for i in rules] + list(compiled.ground.denials)
    for instance in instances:
        if instance.rule.id == rule.id:
            found.update(dict.fromkeys(criteria.text(e) for e in criteria.conditions(instance)))
    return list(found)


def _statement(compiled: Compiled, statement: tree.Statement | None) -> str:
    if isinstance(statement, tree.Rule):
        says = statement.annotation("says") or statement.annotation("title")
        words = _conditions(compiled, statement)
        text = f"{tree.plain(says)}: " if says else ""
        if words:
            return _short(text + "if " + " and ".join(words))
    return _short(" ".join(print_statement(statement).split()) if statement is not None else "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL].rsplit(" ", 1)[0] + " …"


def _effect(edit: Edit, difference: Difference, new: Compiled) -> str:
    own = [c for c in difference.changes if edit in c.edits]
    if not own:
        return "no answer changes" if not difference.undecided else "no change found"
    by_name: dict[str, list[Change]] = {}
    for change in own:
        by_name.setdefault(change.intervention, []).append(change)
    words = []
    for name, changes in list(by_name.items())[:MOST_EFFECTS]:
        declared = new.names.vocabulary.interventions.get(name)
        moves = ", ".join(f"{STATUS[c.old]} → {STATUS[c.new]}" for c in changes)
        words.append(f"{declared.label if declared else name}: {moves}")
    if len(by_name) > MOST_EFFECTS:
        words.append(f"and {len(by_name) - MOST_EFFECTS} more interventions")
    return "; ".join(words)


def _table(page: Page, found: Sequence[tuple[str, str, str, str]]) -> None:
    """The change list as a ruled table."""
    page.text(MARGIN, page.y, 300, lines_of("Change list", 300, HEAD))
    page.y += 20
    whole = page.w - 2 * MARGIN
    widths = [26.0, 150.0, 190.0, 190.0]
    widths.append(whole - sum(widths))
    thin = Look("", palette.RULE, palette.PAPER, "", "", 0.7)
    header = replace(thin, fill=palette.BAND)
    titled = [("#", "Where", "Before", "After", "Effect on answers")] + [
        (str(i), *row) for i, row in enumerate(found, 1)
    ]
    if not found:
        titled.append(("", "nothing was edited", "", "", ""))
    for number, row in enumerate(titled):
        font = SMALL_BOLD if number == 0 else SMALL
        cells: list[list[Line]] = [
            lines_of(text, w - 10, font) if text else [gap(font.line)] for text, w in zip(row, widths, strict=True)
        ]
        h = max(height_of(c) for c in cells) + 8
        x = MARGIN
        for column, (lines, w) in enumerate(zip(cells, widths, strict=True)):
            label = f"change list, row {number}: {'; '.join(row)}" if column == 0 and number else ""
            page.boxes.append(
                Box(
                    f"change-{number}-{column}",
                    "box",
                    x,
                    page.y,
                    w,
                    h,
                    tuple(lines),
                    header if number == 0 else thin,
                    label,
                    pad=5,
                    top=3.0,
                )
            )
            x += w
        page.y += h
    page.y += 10


def outline_rows(found: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """The change list in words."""
    out = ["CHANGE LIST", ""]
    for number, (where, before, after, effect) in enumerate(found, 1):
        out += [f"{number}. {where}", f"   before: {before}", f"   after: {after}", f"   effect: {effect}", ""]
    return out if found else ["CHANGE LIST", "", "nothing was edited", ""]
