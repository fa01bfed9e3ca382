"""`why` as text: one line, a summary that can be read aloud, or the whole proof."""

from __future__ import annotations

from collections.abc import Iterable

from guidelog import wording
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.proofs import Kind, Node, Proof
from guidelog.explain.why import Why, deciding_instances
from guidelog.explain.why_not import criteria_of, why_not
from guidelog.ground.program import GroundComparison, GroundRule
from guidelog.language.stances import STANCES
from guidelog.semantics.status import Because, Status

from .page import LONGEST_LIST, Lines, add_criterion, add_sources, heading

_MOST_LINES = 400


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
    facts = "; ".join(wording.some((wording.inner(n.says) for n in leaves), LONGEST_LIST - 1))
    return heading(why.answer) + (f" -- {facts}" if facts else "")


def why_summary(why: Why, answers: Answers) -> str:
    """Verdict, decisive criteria as a checklist, what comes next, sources."""
    page, answer = Lines(), why.answer
    page.add(heading(answer), 0, 2)
    if answer.status is not Status.UNDETERMINED:
        page.add(answer.says + ".", 2)
    for instance in _shown_instances(why, answers):
        for criterion in criteria_of(answers, instance):
            add_criterion(page, criterion, answers)
    if not answer.rules:
        for root in why.proof.roots:
            page.add(f"- {why.proof.nodes[root].says}", 2, 4)
    _next(page, answer, answers)
    add_sources(page, answer, answers)
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
                page.add(wording.still_to_meet(wording.some(open_, LONGEST_LIST)), 2, 4)
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
    add_sources(page, why.answer, answers, told=True)
    for root in why.proof.roots:
        page.blank()
        _proof(page, why.proof, root)
    if why.reasons:
        page.blank()
        page.add(wording.REASONS if len(why.reasons) > 1 else wording.ONLY_REASON)
        order = {n: i for i, n in enumerate((*answers.facts.findings, *answers.facts.measures))}
        for number, reason in enumerate(why.reasons, 1):
            page.add(f"{number}. {_reason(sorted(reason, key=order.__getitem__), answers)}", 2, 5)
        if not why.complete:
            page.add(wording.MORE_REASONS, 2)
    return page.text()


def _reason(names: Iterable[str], answers: Answers) -> str:
    facts = answers.facts
    said = [wording.input_now(n, facts.findings.get(n), facts.measures.get(n), answers.names) for n in names]
    return wording.clauses(said) or wording.THE_GUIDELINE


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
        parts.append(wording.say("recorded_in", source=node.source) if node.source else wording.RECORDED)
    elif node.kind is Kind.FACT:
        parts.append(wording.IN_GUIDELINE)
    elif node.source:
        parts.append(node.source)
    if node.atom and node.kind in (Kind.DERIVED, Kind.ABSENT, Kind.OPEN):
        parts.append(node.atom)
    return "; ".join(parts)


def _leaf(node: Node) -> bool:
    """Leaves that say something about the patient."""
    return not node.premises and node.kind in (Kind.RECORDED, Kind.ASSUMED, Kind.UNKNOWN)
