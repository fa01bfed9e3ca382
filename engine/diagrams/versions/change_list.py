"""The change list of two versions: each edit, what it was and is, what it does to answers, and a patient who shows it.

An effect is called proved only where `verify` has proved it: it comes with a patient whom both versions were asked
about, with certified answers. What was not decided is named, and never shown as "no change".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from guidelog.compiled import Compiled
from guidelog.language import print_statement, tree
from guidelog.language.names import Names
from guidelog.verify.diff.compare import Change, Difference
from guidelog.verify.diff.edits import Edit
from guidelog.wording import STATUS, label_of

from ..drawing import palette
from ..drawing.page import MARGIN, Page
from ..drawing.palette import Look
from ..drawing.scene import HEAD, SMALL, SMALL_BOLD, Box, Line, gap, height_of, lines_of
from ..pathway.criteria import Criteria
from ..pathway.model import Pathway
from .changes import walk

MOST_EFFECTS, LONGEST_CELL, MOST_ROWS, MOST_ENTRIES = 5, 260, 60, 12
HEADINGS = ("#", "Where", "Before", "After", "Effect on answers", "Smallest record that shows it")


@dataclass(frozen=True, slots=True)
class Row:
    """An edit: where, what it was, what it is, its effects with how each is known, a witness for each."""

    where: str
    before: str
    after: str
    effects: tuple[str, ...]
    witnesses: tuple[str, ...] = ()


def about(difference: Difference) -> tuple[str, ...]:
    """How the effect column was found, and what was not decided."""
    proved = (
        "Proved: over all possible patients. The patient named beside an effect was put to both versions, which "
        "answered with certificates. An effect stands beside each edit that makes it alone, or, where none does, "
        "beside those without which it would not be."
    )
    lines = [proved]
    if difference.undecided:
        lines.append(
            "Evaluated only, not proved either way: "
            + "; ".join(f"{name} ({why})" for name, why in difference.undecided)
            + ". Answers on all other interventions that are not named are proved to be the same."
        )
    else:
        lines.append("Answers that are not named are proved to be the same in both versions.")
    if difference.added or difference.removed:
        lines.append(
            f"Interventions added: {', '.join(difference.added) or 'none'}; "
            f"removed: {', '.join(difference.removed) or 'none'}."
        )
    if difference.refused:
        lines.append(f"{len(difference.refused)} kinds of record are refused by one version only.")
    return tuple(lines)


def rows(old: Compiled, new: Compiled, difference: Difference, pathway: Pathway) -> list[Row]:
    """The change list; the boxes named are those of the page."""
    found = []
    for edit in difference.edits[:MOST_ROWS]:
        boxes = [
            str(n.number)
            for n in pathway.nodes()
            if edit.name in {r.id for r in n.rules} | {r.id for c in walk(n.criterion) for r in c.rules}
        ]
        where = edit.name + (f" ({'box' if len(boxes) == 1 else 'boxes'} {', '.join(boxes[:8])})" if boxes else "")
        before, after = _sides(old, new, edit)
        found.append(Row(where, before, after, *_effects(edit, difference, new)))
    if len(difference.edits) > MOST_ROWS:
        found.append(Row(f"and {len(difference.edits) - MOST_ROWS} more edits", "", "", ("see guidelog diff",)))
    return found


def _effects(edit: Edit, difference: Difference, new: Compiled) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own = [c for c in difference.changes if edit in c.edits]
    if not own:
        open_ = ", ".join(name for name, _ in difference.undecided)
        return (f"no change found; not proved for {open_}" if open_ else "proved: no answer changes",), ()
    first: dict[str, Change] = {}
    for change in own:
        first.setdefault(change.intervention, change)
    ordered = [*first.values(), *(c for c in own if c is not first[c.intervention])]
    effects, witnesses = [], []
    for change in ordered[:MOST_EFFECTS]:
        declared = new.names.vocabulary.interventions.get(change.intervention)
        label = declared.label if declared else change.intervention
        effects.append(f"proved: {label}: {STATUS[change.old]} → {STATUS[change.new]}")
        witnesses.append(witness(change, new.names))
    if len(ordered) > MOST_EFFECTS:
        effects.append(f"proved: {len(ordered) - MOST_EFFECTS} more, see guidelog diff")
    return tuple(effects), tuple(witnesses)


def witness(change: Change, names: Names) -> str:
    """The patient of a change in labels."""
    content: dict[str, Any] = change.content
    findings = content.get("findings", {})
    words = []
    for value in ("present", "absent", "unknown"):
        labels = [label_of(n, names) for n, v in findings.items() if v == value]
        more = f" and {len(labels) - MOST_ENTRIES} more" if len(labels) > MOST_ENTRIES else ""
        words += [f"{value}: {', '.join(labels[:MOST_ENTRIES])}{more}"] if labels else []
    words += [f"{label_of(n, names)}: {_amount(v)}" for n, v in content.get("measures", {}).items()]
    words += [f"{label_of(n, names)}: {v}" for n, v in content.get("screens", {}).items()]
    return ("" if change.smallest else "not the smallest: ") + ("; ".join(words) or "nothing recorded")


def _amount(value: object) -> str:
    match value:
        case {"between": [low, high]}:
            return f"{low} to {high}"
        case {"at_least": low}:
            return f"at least {low}"
        case {"at_most": high}:
            return f"at most {high}"
        case _:
            return str(value)


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


def draw(page: Page, found: Sequence[Row], start: int = 0, bottom: float = 1e9) -> int:
    """The change list as a ruled table from a row on, down to `bottom`; how many rows are done."""
    page.text(MARGIN, page.y, 300, lines_of("Change list" + (", continued" if start else ""), 300, HEAD))
    page.y += 18
    whole = page.w - 2 * MARGIN
    widths = [24.0, 110.0, 0.16 * whole, 0.16 * whole, 0.22 * whole]
    widths.append(whole - sum(widths))
    thin = Look("", palette.RULE, palette.PAPER, "", "", 0.7)
    _row(page, 0, [[h] for h in HEADINGS], widths, replace(thin, fill=palette.BAND))
    if not found:
        _row(page, 1, [[""], ["nothing was edited"], [""], [""], [""], [""]], widths, thin)
    done = start
    for number, row in list(enumerate(found, 1))[start:]:
        cells = [[str(number)], [row.where], [row.before], [row.after], row.effects, row.witnesses or [""]]
        if done > start and page.y + _height(cells, widths) > bottom:
            break
        _row(page, number, cells, widths, thin)
        done = number
    page.y += 8
    return done


def _lines(texts: Sequence[str], w: float, number: int) -> list[Line]:
    font = SMALL if number else SMALL_BOLD
    lines: list[Line] = []
    for place, text in enumerate(texts):
        # The same letter stands before an effect and before its patient.
        letter = f"{chr(97 + place)}" if len(texts) > 1 else ""
        lines += lines_of(text, w - 10, font, bullet=letter) if text else []
    return lines


def _height(cells: Sequence[Sequence[str]], widths: Sequence[float]) -> float:
    return max(height_of(_lines(c, w, 1)) for c, w in zip(cells, widths, strict=True)) + 8


def _row(page: Page, number: int, cells: Sequence[Sequence[str]], widths: Sequence[float], look: Look) -> None:
    h = _height(cells, widths)
    x = MARGIN
    for column, (texts, w) in enumerate(zip(cells, widths, strict=True)):
        words = "; ".join(text for cell in cells for text in cell if text)
        label = f"change list, row {number}: {words}" if column == 0 and number else ""
        lines = tuple(_lines(texts, w, number)) or (gap(11),)
        page.boxes.append(Box(f"change-{number}-{column}", "box", x, page.y, w, h, lines, look, label, pad=5, top=3.0))
        x += w
    page.y += h


def outline(found: Sequence[Row]) -> list[str]:
    """The change list in words."""
    out = ["CHANGE LIST", ""]
    for number, row in enumerate(found, 1):
        out += [f"{number}. {row.where}", f"   before: {row.before}", f"   after: {row.after}"]
        out += [f"   effect: {effect}" for effect in row.effects]
        out += [f"   patient: {words}" for words in row.witnesses]
        out.append("")
    return out if found else ["CHANGE LIST", "", "nothing was edited", ""]
