"""`why-not` as text: one line, the closest route as a checklist, or every route with every criterion."""

from __future__ import annotations

from collections.abc import Iterable

from guidelog import wording
from guidelog.explain.answers import Answers
from guidelog.explain.why_not import Candidate, Choice, Criterion, WhyNot
from guidelog.semantics.status import STATUS_OF_STANCE
from guidelog.wording.presentation import ADVISED

from .page import LONGEST_LIST, MARKS, Lines, add_criterion, add_sources, heading


def why_not_line(result: WhyNot) -> str:
    """The verdict and what stands in the way of the closest route."""
    if not result.candidates or result.answer.status in ADVISED:
        return f"{heading(result.answer)} -- {_without_route(result)}"
    closest = result.candidates[0]
    facts = [wording.inner(b.criterion.now or b.criterion.says) for b in closest.required]
    facts += [wording.inner(_choice(c, LONGEST_LIST).rstrip(".")) for c in closest.choices]
    return f"{heading(result.answer)} -- {'; '.join(wording.some(facts, LONGEST_LIST))}"


def _without_route(result: WhyNot) -> str:
    """Where no route is to be explained, or none that is needed."""
    if result.answer.status not in ADVISED:
        return wording.NO_OTHER_ADVICE
    return wording.ADVISED_SO if result.candidates else wording.ADVISED


def why_not_summary(result: WhyNot, answers: Answers) -> str:
    """The closest route criterion by criterion, all that blocks it, and the other routes."""
    page = Lines()
    page.add(heading(result.answer), 0, 2)
    if not result.candidates:
        page.add(_without_route(result), 2)
        add_sources(page, result.answer, answers)
        return page.text()
    closest, *others = result.candidates
    page.add(wording.would_need(wording.STATUS[STATUS_OF_STANCE[closest.stance]], _tally(closest)), 2, 4)
    for criterion in closest.criteria:
        add_criterion(page, criterion, answers)
    top = {c.input for c in closest.criteria if c.input and not c.parts}
    deeper = [b.criterion for b in closest.required if b.criterion.input not in top]
    known = [c for c in deeper if c.state != "not_known" or c.input is None or _said(c, answers)]
    if known and any(wording.inner(c.now or c.says) not in " ".join(map(str.strip, page.lines)) for c in known):
        page.add(wording.in_the_way(wording.some((c.now or c.says for c in known), 8)), 2, 4)
    unknown = [wording.label_of(c.input, answers.names) for c in deeper if c not in known and c.input]
    if unknown:
        page.add(wording.not_known(wording.some(unknown, LONGEST_LIST)), 2, 4)
    for choice in closest.choices:
        page.add(_choice(choice, LONGEST_LIST), 2, 4)
    if others:
        page.add(wording.other_routes(wording.some(_routes(others), LONGEST_LIST)), 2, 4)
    add_sources(page, result.answer, answers)
    return page.text()


def _choice(choice: Choice, most: int) -> str:
    """What would be enough, where there are several ways."""
    facts = [b.criterion.now or b.criterion.says for b in choice.blockers]
    return wording.choice(choice.says, wording.some(map(wording.inner, facts), most), any_one=choice.any_one)


def _said(criterion: Criterion, answers: Answers) -> bool:
    """Whether a criterion is open although its measure is known: the guideline's own range."""
    return criterion.input is not None and answers.facts.known(criterion.input)


def _routes(candidates: Iterable[Candidate]) -> list[str]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for c in candidates:
        state = "not_met" if c.count("not_met") else "not_known" if c.count("not_known") else "met"
        grouped.setdefault((c.stance, state), []).extend(c.statements or (c.rule,))
    return [wording.route(stance, dict.fromkeys(names), state) for (stance, state), names in grouped.items()]


def _tally(candidate: Candidate) -> str:
    states = [s for s in ("met", "not_met", "not_known") if candidate.count(s)]
    return ", ".join(f"{candidate.count(s)} {wording.STATE[s]}" for s in states)


def why_not_full(result: WhyNot, answers: Answers) -> str:
    """Every route with every criterion."""
    page = Lines()
    page.add(heading(result.answer), 0, 2)
    add_sources(page, result.answer, answers)
    for candidate in result.candidates:
        page.blank()
        page.add(
            f"{candidate.says}  ({wording.rule_line(candidate.rule, candidate.statements, candidate.citations)})", 2, 4
        )
        page.add(wording.would_need(wording.STATUS[STATUS_OF_STANCE[candidate.stance]], _tally(candidate)), 2)
        for criterion in candidate.criteria:
            _tree(page, criterion, 4)
    if not result.candidates:
        page.add(_without_route(result), 2)
    return page.text()


def _tree(page: Lines, criterion: Criterion, indent: int) -> None:
    stack: list[tuple[Criterion, int]] = [(criterion, indent)]
    while stack:
        current, depth = stack.pop()
        told = "; ".join(t for t in (current.detail, current.source) if t)
        group = ""
        if current.combine in ("any", "none", "atleast"):
            group = f" ({wording.COMBINES[current.combine].format(count=current.count)})"
        rules = (
            f"  ({wording.rule_line(', '.join(current.rules), current.statements, current.citations)})"
            if current.rules
            else ""
        )
        at = min(depth, 40)
        page.add(f"{MARKS[current.state]} {current.says}{f' ({told})' if told else ''}{group}{rules}", at, at + 4)
        if current.hidden:
            page.add(wording.hidden(current.hidden), at + 2)
        stack.extend((p, depth + 2) for p in reversed(current.parts))
