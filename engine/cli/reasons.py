"""Explanations as text: one line, a summary that can be read aloud, or everything."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from ..answers import Answer, Answers
from ..explain import wording
from ..explain.reasons import Kind, Node, Proof
from ..explain.why import Why, deciding_instances
from ..explain.why_not import Candidate, Criterion, WhyNot, criteria_of, why_not
from ..ground import GroundRule
from ..names import STANCES
from ..status import Status

MARKS = {"met": "[x]", "not_met": "[ ]", "not_known": "[?]", "not_required": "[-]"}
_LONGEST_LIST = 4
_MOST_LINES = 400
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
    """`MRI of the lumbar spine: undetermined (data missing), urgent or not now`."""
    text = f"{wording.sentence(answer.label)}: {wording.STATUS[answer.status]}"
    if answer.because is not None:
        text += f" ({wording.BECAUSE[answer.because]})"
    if answer.if_resolved:
        text += f"; once settled {wording.alternatives(wording.STATUS[s] for s in answer.if_resolved)}"
    return text


def sources(answer: Answer, answers: Answers) -> str:
    """Statements, citations and recorded doubt behind an answer, in one sentence."""
    known = answers.guideline.references
    cites = ", ".join(str(c) if c in known else f"{c} (unresolved)" for c in answer.citations)
    parts = []
    if answer.statements:
        parts.append(f"Source: {', '.join(answer.statements)}" + (f" [{cites}]" if cites else ""))
    if answer.decisions:
        parts.append(f"decisions {', '.join(answer.decisions)}")
    parts.append(f"guideline {answers.guideline.version}, {answers.guideline.review}")
    return "; ".join(parts) + "."


def why_line(why: Why) -> str:
    """The verdict and the facts that decide it."""
    leaves = [n for n in why.proof.nodes.values() if _telling(n)]
    facts = "; ".join(dict.fromkeys(n.says for n in leaves[:_LONGEST_LIST]))
    more = len(leaves) - _LONGEST_LIST
    return f"{heading(why.answer)}" + (f" -- {facts}" if facts else "") + (f"; and {more} more" if more > 0 else "")


def why_summary(why: Why, answers: Answers) -> str:
    """Verdict, decisive criteria as a checklist, what comes next, sources."""
    page, answer = Lines(), why.answer
    page.add(heading(answer))
    if answer.status is not Status.UNDETERMINED:
        page.add(answer.says + ".", 2)
    for instance in _shown_instances(why, answers):
        for criterion in criteria_of(answers, instance):
            _checklist(page, criterion)
    if not answer.rules:
        for node in why.proof.nodes.values():
            if node.id in why.proof.roots:
                page.add(f"- {node.says}", 2, 4)
    _next(page, answer, answers)
    page.add(sources(answer, answers))
    return page.text()


def _shown_instances(why: Why, answers: Answers) -> list[GroundRule]:
    """The instance that decides, or, where it is open, the one that is closest to deciding."""
    deciding = deciding_instances(answers.world, why.answer)
    if deciding:
        shown = set(why.proof.nodes[r].rule for r in why.proof.roots)
        return [i for i in deciding if i.rule.id in shown][:1] or deciding[:1]
    world = answers.world
    open_ = [
        instance
        for stance in STANCES
        for instance in world.program.instances.get(("advise", why.answer.intervention, stance), ())
        if instance.rule.id in why.answer.rules
    ]
    return sorted(open_, key=lambda i: -sum(world.element(e) is True for e in i.elements))[:1]


def _checklist(page: Lines, criterion: Criterion) -> None:
    page.add(f"{MARKS[criterion.state]} {criterion.says}{_because(criterion)}", 2, 6)


def _because(criterion: Criterion) -> str:
    """What decides a criterion, behind a dash: a number, a source, or how much is not known."""
    if not criterion.parts:
        told = "; ".join(t for t in (criterion.detail, criterion.source) if t)
        return f" ({told})" if told else ""
    leaves = list(criterion.leaves())
    if criterion.state == "not_known":
        open_ = [leaf for leaf in leaves if leaf.state == "not_known"]
        return f" -- {len(open_)} not known" if len(open_) > 1 else f" -- {open_[0].says}" if open_ else ""
    wanted = "met" if (criterion.state == "met") != (criterion.combine == "none") else "not_met"
    telling = [leaf for leaf in leaves if leaf.state == wanted]
    numbers = [leaf for leaf in telling if leaf.input and ":" in leaf.says]
    if wanted == "not_met" and telling:
        return f" -- {(numbers or telling)[0].says}" if numbers or len(telling) == 1 else f" -- {len(telling)} not met"
    if wanted == "met" and criterion.combine in ("any", "none") and telling:
        return f" -- {telling[0].says}"
    return ""


def _next(page: Lines, answer: Answer, answers: Answers) -> None:
    """What would have to be asked or done."""
    if answer.questions:
        asked = [wording.question(q, answers.names) for q in answer.questions[0]]
        more = f" (and {len(asked) - 1} more: guidelog missing)" if len(asked) > 1 else ""
        page.add(f"Next: {asked[0]}{more}", 0, 6)
        return
    if answer.status in (Status.NOT_NOW, Status.AVOID):
        candidates = why_not(answers, answer).candidates
        if candidates:
            closest = candidates[0]
            open_ = [c.says for c in closest.criteria if c.state in ("not_met", "not_known")]
            shown = "; ".join(open_[:_LONGEST_LIST]) + (
                f"; and {len(open_) - _LONGEST_LIST} more" if len(open_) > _LONGEST_LIST else ""
            )
            if shown:
                page.add(f"Still needed for it: {shown}.", 0, 2)
    if answer.includes:
        page.add(f"With it: {'; '.join(i.says for i in answer.includes)}.", 0, 2)


def why_full(why: Why, answers: Answers) -> str:
    """The whole proof, rule by rule."""
    page = Lines()
    page.add(heading(why.answer))
    page.add(sources(why.answer, answers))
    for root in why.proof.roots:
        page.blank()
        _proof(page, why.proof, root)
    if why.reasons:
        page.blank()
        page.add("Independent reasons, each sufficient by itself:" if len(why.reasons) > 1 else "The only reason:")
        for number, reason in enumerate(why.reasons, 1):
            labels = ", ".join(wording.label_of(n, answers.names) for n in sorted(reason)) or "the guideline itself"
            page.add(f"{number}. {labels}", 2, 5)
        if not why.complete:
            page.add("There are more; only the smallest are listed.", 2)
    _decisions(page, why.answer, answers)
    return page.text()


def _proof(page: Lines, proof: Proof, root: str) -> None:
    hidden = 0
    for depth, node, first in proof.walk(root):
        if len(page.lines) > _MOST_LINES:
            hidden += 1
            continue
        indent = 2 * min(depth, 20)
        if not first:
            page.add(f"{node.says} (shown above)", indent, indent + 2)
            continue
        page.add(f"{node.says}{_tail(node)}", indent, indent + 2)
    if hidden:
        page.add(f"{hidden} further steps are not shown here; --format json has them all.")


def _tail(node: Node) -> str:
    parts = []
    if node.rule:
        cites = f" [{', '.join(map(str, node.citations))}]" if node.citations else ""
        parts.append(f"rule {node.rule}, {', '.join(node.statements)}{cites}")
    if node.detail:
        parts.append(node.detail)
    if node.kind is Kind.RECORDED:
        parts.append(f"recorded: {node.source}" if node.source else "recorded")
    elif node.source:
        parts.append(node.source)
    if node.atom and node.kind in (Kind.DERIVED, Kind.ABSENT, Kind.OPEN):
        parts.append(node.atom)
    return f"  ({'; '.join(parts)})" if parts else ""


def _telling(node: Node) -> bool:
    """Leaves that say something about the patient; a comparison says more than the number in it."""
    return node.kind is Kind.MEASURED or (
        not node.premises and node.kind in (Kind.RECORDED, Kind.ASSUMED, Kind.UNKNOWN)
    )


def _decisions(page: Lines, answer: Answer, answers: Answers) -> None:
    decisions = [answers.names.decisions[d] for d in answer.decisions]
    if decisions:
        page.blank()
        page.add("Decisions where the source leaves room:")
        for decision in decisions:
            page.add(f"{decision.id}: {decision.decided}", 2, 4)
    if answer.unresolved:
        page.add(f"The source never resolves citation {', '.join(map(str, answer.unresolved))}.", 2)


def why_not_line(result: WhyNot) -> str:
    """The verdict and what stands in the way of the closest route."""
    if not result.candidates:
        return f"{heading(result.answer)} -- no other advice is possible"
    closest = result.candidates[0]
    blocked = [c for c in closest.criteria if c.state in ("not_met", "not_known")]
    words = "; ".join(f"{c.says}: {wording.STATE[c.state]}" for c in blocked[:_LONGEST_LIST])
    return f"{heading(result.answer)} -- {words}"


def why_not_summary(result: WhyNot, answers: Answers) -> str:
    """The closest route criterion by criterion, the others in a line each."""
    page = Lines()
    page.add(heading(result.answer))
    if not result.candidates:
        page.add("No other advice is possible for this intervention.", 2)
        page.add(sources(result.answer, answers))
        return page.text()
    closest, *others = result.candidates
    page.add(f"{wording.sentence(wording.STANCE[closest.stance])} needs all of these ({_tally(closest)}):", 2, 4)
    for criterion in closest.criteria:
        _checklist(page, criterion)
    hidden = {(c.input, c.says) for c in closest.criteria}
    deeper = [b for b in closest.blockers() if (b.criterion.input, b.criterion.says) not in hidden and b.wanted]
    unmet = [b for b in deeper if b.criterion.state == "not_met"]
    unknown = [b for b in deeper if b.criterion.state == "not_known"]
    for lead, blockers in (("Behind these, not met", unmet), ("Behind these, not known", unknown)):
        if blockers:
            shown = "; ".join(b.criterion.says for b in blockers[:6])
            more = f"; and {len(blockers) - 6} more" if len(blockers) > 6 else ""
            page.add(f"{lead}: {shown}{more}.", 2, 4)
    if others:
        page.add(
            f"Other routes checked: {'; '.join(_route(c) for c in others[:_LONGEST_LIST])}"
            + (f"; and {len(others) - _LONGEST_LIST} more" if len(others) > _LONGEST_LIST else "")
            + ".",
            2,
            4,
        )
    page.add(sources(result.answer, answers))
    return page.text()


def _route(candidate: Candidate) -> str:
    state = "closed" if candidate.count("not_met") else "open" if candidate.count("not_known") else "taken"
    return f"{wording.STANCE[candidate.stance]} by {', '.join(candidate.statements) or candidate.rule} ({state})"


def _tally(candidate: Candidate) -> str:
    states = [s for s in ("met", "not_met", "not_known") if candidate.count(s)]
    return ", ".join(f"{candidate.count(s)} {wording.STATE[s]}" for s in states)


def why_not_full(result: WhyNot, answers: Answers) -> str:
    """Every route with every criterion."""
    page = Lines()
    page.add(heading(result.answer))
    page.add(sources(result.answer, answers))
    for candidate in result.candidates:
        page.blank()
        cites = f" [{', '.join(map(str, candidate.citations))}]" if candidate.citations else ""
        page.add(f"{candidate.rule} ({', '.join(candidate.statements)}{cites}): {candidate.says}", 0, 2)
        page.add(_tally(candidate), 2)
        for criterion in candidate.criteria:
            _tree(page, criterion, 2)
    _decisions(page, result.answer, answers)
    return page.text()


def _tree(page: Lines, criterion: Criterion, indent: int) -> None:
    stack: list[tuple[Criterion, int]] = [(criterion, indent)]
    while stack:
        current, depth = stack.pop()
        detail = f" -- {current.detail}" if current.detail else ""
        source = f" ({current.source})" if current.source else ""
        group = ""
        if current.combine in ("any", "none", "atleast"):
            group = f" ({wording.COMBINES[current.combine].format(count=current.count)})"
        cites = f" [{', '.join(map(str, current.citations))}]" if current.citations else ""
        rules = f"  {', '.join(current.rules)}{cites}" if current.rules else ""
        page.add(f"{MARKS[current.state]} {current.says}{detail}{source}{group}{rules}", depth, depth + 4)
        if current.hidden:
            page.add(f"{current.hidden} criteria behind this are not opened here", depth + 2)
        stack.extend((p, depth + 2) for p in reversed(current.parts))


def legend() -> str:
    """What the marks mean."""
    return ", ".join(f"{mark} {wording.STATE[state]}" for state, mark in MARKS.items())


def join(parts: Iterable[str]) -> str:
    """Sections with a blank line between them."""
    return "\n\n".join(parts)
