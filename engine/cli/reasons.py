"""Explanations as text: one line, a summary that can be read aloud, or everything.

Layout only: which criterion stands where, how deep, how wide. Every word comes from the guideline or from
`explain/wording.py`.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from ..explain import wording
from ..explain.answers import Answer, Answers
from ..explain.reasons import Kind, Node, Proof
from ..explain.why import Why, deciding_instances
from ..explain.why_not import Candidate, Criterion, WhyNot, criteria_of, why_not
from ..ground import GroundComparison, GroundRule
from ..names import STANCES
from ..status import STATUS_OF_STANCE, Because, Status

MARKS = {"met": "[x]", "not_met": "[ ]", "not_known": "[?]", "not_required": "[-]"}
_LONGEST_LIST = 4
_MOST_LINES = 400
_WIDEST = 100
_ADVISED = (Status.URGENT, Status.RECOMMENDED, Status.CONSIDER)


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


def _sources(page: Lines, answer: Answer, answers: Answers) -> None:
    """Statements, citations and recorded doubt behind an answer."""
    page.add(wording.source_line(answer.statements, answer.citations, answers.guideline.references), 2, 4)
    page.add(wording.doubt_line(answer.decisions, answers.guideline.version, answers.guideline.review), 2, 4)


def why_line(why: Why) -> str:
    """The verdict and the facts that decide it."""
    nodes = why.proof.nodes
    compared = {p for n in nodes.values() if n.kind is Kind.MEASURED for p in n.premises}
    leaves = [n for n in nodes.values() if n.id not in compared and (n.kind is Kind.MEASURED or _leaf(n))]
    if why.answer.status is Status.UNDETERMINED:
        leaves = [n for n in reversed(leaves) if n.value is None]
    # What a rule asks last is most its own; what the guideline is about stands first in every rule.
    leaves.reverse()
    leaves.sort(key=lambda n: n.kind is not Kind.MEASURED)
    facts = "; ".join(wording.some((n.says for n in leaves), _LONGEST_LIST - 1))
    return heading(why.answer) + (f" -- {facts}" if facts else "")


def why_summary(why: Why, answers: Answers) -> str:
    """Verdict, decisive criteria as a checklist, what comes next, sources."""
    page, answer = Lines(), why.answer
    page.add(heading(answer), 0, 2)
    if answer.status is not Status.UNDETERMINED:
        page.add(answer.says + ".", 2)
    for instance in _shown_instances(why, answers):
        for criterion in criteria_of(answers, instance):
            _checklist(page, criterion, answers)
    if not answer.rules:
        for root in why.proof.roots:
            page.add(f"- {why.proof.nodes[root].says}", 2, 4)
    _next(page, answer, answers)
    _sources(page, answer, answers)
    return page.text()


def _shown_instances(why: Why, answers: Answers) -> list[GroundRule]:
    """The instance that decides, or, where it is open, the one that is closest to deciding."""
    deciding = deciding_instances(answers.world, why.answer)
    if deciding:
        shown = {why.proof.nodes[r].rule for r in why.proof.roots}
        return [i for i in deciding if i.rule.id in shown][:1] or deciding[:1]
    world = answers.world
    open_ = [
        instance
        for stance in STANCES
        for instance in world.program.instances.get(("advise", why.answer.intervention, stance), ())
        if instance.rule.id in why.answer.rules
    ]
    return sorted(open_, key=lambda i: -sum(world.element(e) is True for e in i.elements))[:1]


def _checklist(page: Lines, criterion: Criterion, answers: Answers) -> None:
    because = _because(criterion, answers)
    page.add(f"{MARKS[criterion.state]} {criterion.says}" + (f" ({because})" if because else ""), 2, 6)


def _because(criterion: Criterion, answers: Answers) -> str:
    """What decides a criterion: a number, a source, or how much is not known."""
    if not criterion.parts:
        return "; ".join(t for t in (criterion.detail, criterion.source) if t)
    leaves = [leaf for leaf in criterion.leaves() if leaf.state != "not_required"]
    if criterion.state == "not_known":
        open_ = [leaf for leaf in leaves if leaf.state == "not_known"]
        return (
            wording.unknown_count(len(open_)) if len(open_) > 1 else wording.inner(open_[0].now or "") if open_ else ""
        )
    reverse = criterion.combine == "none"
    holds = (criterion.state == "met") is not reverse
    telling = [leaf for leaf in leaves if leaf.state == ("met" if holds else "not_met")]
    if not holds and reverse:
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
    facts = [wording.inner(leaf.now or leaf.says) for leaf in reversed(ordered.values())]
    return "; ".join(wording.some(facts, 1 if holds else 2))


def _next(page: Lines, answer: Answer, answers: Answers) -> None:
    """What would have to be asked, decided or done."""
    if answer.questions:
        asked = [wording.question(q, answers.names) for q in answer.questions[0]]
        page.add(wording.next_question_line(asked[0], len(asked) - 1), 2, 4)
    elif answer.questions is None:
        page.add(wording.TOO_MANY, 2, 4)
    elif answer.because is Because.GUIDELINE_RANGE:
        page.add(wording.next_judgement(_range_decision(answer, answers)), 2, 4)
    elif answer.status in (Status.NOT_NOW, Status.AVOID):
        candidates = why_not(answers, answer).candidates
        # What would have to be undone is nothing to wait for.
        if candidates and all(b.wanted for b in candidates[0].blockers):
            open_ = [c.says for c in candidates[0].criteria if c.state in ("not_met", "not_known")]
            if open_:
                page.add(wording.still_to_meet(wording.some(open_, _LONGEST_LIST)), 2, 4)
    elif answer.includes:
        page.add(wording.with_it(i.says for i in answer.includes), 2, 4)


def _range_decision(answer: Answer, answers: Answers) -> str:
    """What was decided about the range that leaves an answer open."""
    world = answers.world
    for rules in world.program.instances.values():
        for rule in rules:
            if rule.rule.id in answer.rests_on or rule.rule.id in answer.rules:
                for element in rule.elements:
                    if (
                        isinstance(element, GroundComparison)
                        and element.low != element.high
                        and rule.rule.listed("decisions")
                    ):
                        decision = answers.names.decisions[rule.rule.listed("decisions")[0]]
                        return f"{decision.id}: {decision.decided}"
    return ""


def why_full(why: Why, answers: Answers) -> str:
    """The whole proof, rule by rule."""
    page = Lines()
    page.add(heading(why.answer), 0, 2)
    _sources(page, why.answer, answers)
    for root in why.proof.roots:
        page.blank()
        _proof(page, why.proof, root)
    if why.reasons:
        page.blank()
        page.add(wording.REASONS[len(why.reasons) > 1])
        order = {n: i for i, n in enumerate((*answers.facts.findings, *answers.facts.measures))}
        for number, reason in enumerate(why.reasons, 1):
            page.add(f"{number}. {_reason(sorted(reason, key=order.__getitem__), answers)}", 2, 5)
        if not why.complete:
            page.add(wording.MORE_REASONS, 2)
    return page.text()


def _reason(names: Iterable[str], answers: Answers) -> str:
    facts = answers.facts
    said = [wording.input_now(n, facts.findings.get(n), facts.measures.get(n), answers.names) for n in names]
    return "; ".join(said) or wording.THE_GUIDELINE


def _proof(page: Lines, proof: Proof, root: str) -> None:
    hidden = 0
    # The number in a comparison needs no line of its own.
    folded = {
        p for n in proof.nodes.values() if n.kind is Kind.MEASURED for p in n.premises if not proof.nodes[p].premises
    }
    for depth, node, first in proof.walk(root):
        if node.id in folded:
            continue
        if len(page.lines) > _MOST_LINES:
            hidden += 1
            continue
        indent = 2 + 2 * min(depth, 20)
        tails = [_tail(node), *(_tail(proof.nodes[p]) for p in node.premises if p in folded)]
        told = "; ".join(dict.fromkeys(t for t in tails if t)) if first else wording.SHOWN_ABOVE
        page.add(f"{node.says}{f'  ({told})' if told else ''}", indent, indent + 2)
    if hidden:
        page.add(wording.steps_left_out(hidden))


def _tail(node: Node) -> str:
    parts = []
    if node.rule:
        parts.append(wording.rule_line(node.rule, node.statements, node.citations))
    if node.detail:
        parts.append(node.detail)
    if node.kind is Kind.RECORDED:
        parts.append(f"{wording.RECORDED}: {node.source}" if node.source else wording.RECORDED)
    elif node.source:
        parts.append(node.source)
    if node.atom and node.kind in (Kind.DERIVED, Kind.ABSENT, Kind.OPEN):
        parts.append(node.atom)
    return "; ".join(parts)


def _leaf(node: Node) -> bool:
    """Leaves that say something about the patient."""
    return not node.premises and node.kind in (Kind.RECORDED, Kind.ASSUMED, Kind.UNKNOWN)


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


def why_not_line(result: WhyNot) -> str:
    """The verdict and what stands in the way of the closest route."""
    if not result.candidates or result.answer.status in _ADVISED:
        verdict = wording.ADVISED if result.answer.status in _ADVISED else wording.NO_OTHER_ADVICE
        return f"{heading(result.answer)} -- {verdict}"
    facts = [b.criterion.now or b.criterion.says for b in result.candidates[0].blockers]
    return f"{heading(result.answer)} -- {'; '.join(wording.some(facts, _LONGEST_LIST))}"


def why_not_summary(result: WhyNot, answers: Answers) -> str:
    """The closest route criterion by criterion, all that blocks it, and the other routes."""
    page = Lines()
    page.add(heading(result.answer), 0, 2)
    if not result.candidates:
        page.add(wording.ADVISED if result.answer.status in _ADVISED else wording.NO_OTHER_ADVICE, 2)
        _sources(page, result.answer, answers)
        return page.text()
    closest, *others = result.candidates
    page.add(wording.would_need(wording.STATUS[STATUS_OF_STANCE[closest.stance]], _tally(closest)), 2, 4)
    for criterion in closest.criteria:
        _checklist(page, criterion, answers)
    top = {c.input for c in closest.criteria if c.input and not c.parts}
    deeper = [b.criterion for b in closest.blockers if b.criterion.input not in top]
    known = [c for c in deeper if c.state != "not_known" or c.input is None or _said(c, answers)]
    if known and any(wording.inner(c.now or c.says) not in " ".join(map(str.strip, page.lines)) for c in known):
        page.add(wording.in_the_way(wording.some((c.now or c.says for c in known), 8)), 2, 4)
    unknown = [wording.label_of(c.input, answers.names) for c in deeper if c not in known and c.input]
    if unknown:
        page.add(wording.not_known(wording.some(unknown, _LONGEST_LIST)), 2, 4)
    if others:
        page.add(wording.other_routes(wording.some(_routes(others), _LONGEST_LIST)), 2, 4)
    _sources(page, result.answer, answers)
    return page.text()


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
    _sources(page, result.answer, answers)
    for candidate in result.candidates:
        page.blank()
        page.add(
            f"{candidate.says}  ({wording.rule_line(candidate.rule, candidate.statements, candidate.citations)})", 2, 4
        )
        page.add(wording.would_need(wording.STATUS[STATUS_OF_STANCE[candidate.stance]], _tally(candidate)), 2)
        for criterion in candidate.criteria:
            _tree(page, criterion, 4)
    if not result.candidates:
        page.add(wording.ADVISED if result.answer.status in _ADVISED else wording.NO_OTHER_ADVICE, 2)
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


def legend() -> str:
    """What the marks mean."""
    return ", ".join(f"{mark} {wording.STATE[state]}" for state, mark in MARKS.items())


def join(parts: Iterable[str]) -> str:
    """Sections with a blank line between them."""
    return "\n\n".join(part for part in parts if part)
