"""A page of text about answers: lines within the width of a terminal, headings, checklists, sources and doubt.

Layout only. Every word comes from the guideline or from `explain/words.py`.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from guidelog import wording
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.why_not import Criterion

MARKS = {"met": "[x]", "not_met": "[ ]", "not_known": "[?]", "not_required": "[-]"}
LONGEST_LIST = 4
_WIDEST = 100


class Lines:
    """Lines within the width of the terminal."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)

    def add(self, text: str, indent: int = 0, hanging: int | None = None) -> None:
        rest = indent if hanging is None else hanging
        self.lines += textwrap.wrap(
            text,
            max(40, self.width),
            initial_indent=" " * indent,
            subsequent_indent=" " * rest,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def blank(self) -> None:
        self.lines.append("")

    def text(self) -> str:
        return "\n".join(self.lines)


def heading(answer: Answer) -> str:
    """`MRI of the lumbar spine: undetermined, because data are missing (urgent or not now)`."""
    return wording.verdict(answer.label, answer.status, answer.because, answer.if_resolved)


def add_sources(page: Lines, answer: Answer, answers: Answers, *, told: bool = False) -> None:
    """Statements, citations and recorded doubt behind an answer; `told` where the decisions follow."""
    page.add(wording.source_line(answer.statements, answer.citations, answers.guideline.references), 2, 4)
    page.add(wording.doubt_line(answer.decisions, answers.guideline.version, answers.guideline.review, told=told), 2, 4)


def add_criterion(page: Lines, criterion: Criterion, answers: Answers) -> None:
    """One line of a checklist, with what decides it."""
    because = _because(criterion, answers)
    page.add(f"{MARKS[criterion.state]} {criterion.says}" + (f" ({because})" if because else ""), 2, 6)


def _because(criterion: Criterion, answers: Answers) -> str:
    """What decides a criterion: a number, a source, or how much is not known."""
    if not criterion.parts:
        return "; ".join(t for t in (criterion.detail, criterion.source) if t)
    if criterion.state == "not_known":
        open_ = list(criterion.open_leaves())
        return wording.unknown_count(len(open_)) if len(open_) > 1 else _fact(open_[0]) if open_ else ""
    reverse = criterion.combine == "none"
    holds = (criterion.state == "met") is not reverse
    telling = list(criterion.telling())
    if not holds and reverse and not any(answers.facts.findings.get(leaf.input or "") for leaf in telling):
        closed = answers.facts.closed
        inputs = [leaf.input for leaf in telling]
        screens = [s for s, members in closed.items() if any(i in members for i in inputs)]
        if screens and all(any(i in closed[s] for s in screens) for i in inputs):
            return wording.screened(screens, answers.names)
        if len(telling) > 1 and all(leaf.input in answers.facts.findings for leaf in telling):
            return wording.none_present(len(telling))
    if holds and criterion.combine == "all":
        return ""
    compared = [leaf for leaf in telling if leaf.input in answers.facts.measures or leaf.input is None]
    ordered = {t.input or t.says: t for t in reversed([*compared, *(t for t in telling if t not in compared)])}
    facts = [_fact(leaf) for leaf in reversed(ordered.values())]
    return "; ".join(wording.some(facts, 1 if holds else 2))


def _fact(leaf: Criterion) -> str:
    """A criterion at the bottom as it is, with the source that the record names."""
    said = wording.inner(leaf.now or leaf.says)
    return wording.say("with_source", fact=said, source=leaf.source) if leaf.source else said


def decisions(shown: Iterable[Answer], answers: Answers) -> str:
    """What was decided for the guideline where its source leaves room, once for all answers shown."""
    page = Lines()
    answers_ = list(shown)
    used = {d for answer in answers_ for d in answer.decisions}
    if used:
        page.add(wording.DECISIONS)
        for decision in answers.names.decisions.values():
            if decision.id in used:
                page.add(f"{decision.id}: {decision.decided}", 2, 4)
    unresolved = sorted({c for answer in answers_ for c in answer.unresolved})
    if unresolved:
        page.add(wording.cited_unresolved(unresolved))
    return page.text()


def legend() -> str:
    """What the marks mean."""
    return ", ".join(f"{mark} {wording.STATE[state]}" for state, mark in MARKS.items())


def join(parts: Iterable[str]) -> str:
    """Sections with a blank line between them."""
    return "\n\n".join(part for part in parts if part)
