"""`proof`: why an answer is what it is, as a page: the conclusion, the rules and their source, down to the record.

What is recorded, what a completed screen lets the guideline assume and what is not known look different and say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.proofs import Kind, Node, Proof
from guidelog.explain.why import Why
from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder
from guidelog.semantics.status import Status
from guidelog.wording import STATUS, sentence

from ..drawing import palette
from ..drawing.fonts import Run
from ..drawing.page import Head, Legend, Notes, Page, cited, facts_of, missing_note, references
from ..drawing.palette import Look
from ..drawing.scene import SMALL, Scene
from ..pathway.overlay import Links
from ..pathway.page import UNSTATED_TEXT
from ..patient.lines import other_routes
from ..patient.record_words import ask_next
from .tree_layout import Branch, draw, tree_pages, width_of

LEGEND = (
    Legend("box", palette.HOLDS, "conclusion"),
    Legend("box", palette.DERIVED, "derived by a rule"),
    Legend("rounded", palette.RECORDED, "recorded"),
    Legend("rounded", palette.ASSUMED, "assumed from a completed screen"),
    Legend("box", palette.NOT_MET, "does not hold"),
    Legend("rounded", palette.UNKNOWN, "not known"),
    Legend("box", palette.BACKGROUND, "background or counted"),
)
LONGEST_QUOTE = 170


def proof_scenes(compiled: Compiled, answers: Answers, why: Why, root: Branch) -> tuple[list[Scene], dict[str, int]]:
    """The pages of a proof, one unless it is deep; and the numbers of its boxes."""
    answer, nodes = why.answer, why.proof.nodes.values()
    title = f"Why: {answer.label}. {sentence(STATUS[answer.status])}"
    kinds = [n.kind for n in nodes]
    counts = (
        f"{len({n.rule for n in nodes if n.rule})} rules, {kinds.count(Kind.RECORDED)} recorded, "
        f"{kinds.count(Kind.ASSUMED)} assumed, {kinds.count(Kind.UNKNOWN)} not known"
    )
    routes = other_routes(answers, answer, frozenset(n.rule for n in nodes if n.rule))
    desc = f"{answer.says}. Proof with {len(nodes)} steps: {counts}. The text outline says the same."

    def paint_page(branch: Branch, place: int, count: int, numbers: dict[str, int]) -> Scene:
        page = Page("proof" if place == 1 else f"proof-{place}", w=width_of(branch))
        where = (f"page {place} of {count}",) if count > 1 else ()
        facts = facts_of(
            compiled.guideline, f"patient {answers.patient.id}", counts, *where, "for review only, not for use in care"
        )
        page.head(Head(title, f"“{answer.says}” and everything it rests on", facts))
        draw(page, branch, numbers)
        page.symbols(("Symbols", LEGEND))
        page.rule()
        _foot(page, compiled, answers, answer, routes)
        return page.scene(title, desc)

    return tree_pages(root, paint_page)


def proof_root(compiled: Compiled, why: Why, links: Links) -> Branch:
    """The whole proof as one tree."""
    return _root(compiled, why.answer, why.proof, links)


def _foot(page: Page, compiled: Compiled, answers: Answers, answer: Answer, routes: tuple[str, ...]) -> None:
    change = []
    if answer.status is Status.UNDETERMINED:
        outcomes = ", ".join(STATUS[s] for s in answer.if_resolved)
        change.append(f"Still possible: {outcomes}." if outcomes else "Open.")
        change += ask_next(answers)[:3]
    else:
        change.append("Settled: no missing record can change it, only a new finding.")
    decisions = [d for d in answers.decisions() if d.id in answer.decisions]
    points = tuple(f"{d.id}: {d.point} {d.decided}" for d in decisions[:4])
    if len(decisions) > 4:
        points += (f"and {len(decisions) - 4} more: {', '.join(d.id for d in decisions[4:])}",)
    reading = (
        "Read from left to right: each box is so because of what is to its right.",
        "Dashed boxes are not facts: amber ones are not recorded, violet ones rest on a completed screen.",
        *missing_note(page.scene("", "").texts()),
    )
    page.notes(
        [
            Notes("What would change this", tuple(change)),
            Notes(f"Other routes to {answer.label}, checked", routes),
            Notes("Reading this page", reading),
            Notes("Points decided where the source is open", points),
            references(compiled.guideline, page.scene("", "").texts(), UNSTATED_TEXT),
        ]
    )


def _root(compiled: Compiled, answer: Answer, proof: Proof, links: Links) -> Branch:
    builder = _Builder(compiled, proof, links)
    below = tuple(builder.branch(proof.nodes[r], frozenset()) for r in proof.roots)
    look = {Status.UNDETERMINED: palette.UNKNOWN, Status.CONFLICT: palette.NOT_MET, Status.URGENT: palette.URGENT}.get(
        answer.status, palette.HOLDS
    )
    word = STATUS[answer.status].upper()
    if len(below) == 1 and below[0].look is palette.DERIVED:
        return replace(below[0], look=look, word=word)
    assumed = sum(n.kind is Kind.ASSUMED for n in proof.nodes.values())
    remarks = (f"rests on {assumed} assumptions",) if assumed else ()
    return Branch(
        "conclusion", look, word, sentence(answer.label), remarks, combine="Because:" if below else "", below=below
    )


class _Builder:
    def __init__(self, compiled: Compiled, proof: Proof, links: Links) -> None:
        self.compiled, self.proof, self.links = compiled, proof, links
        self.rules: Mapping[str, tree.Rule] = compiled.ground.rules_by_id
        self.built: dict[str, Branch] = {}

    def branch(self, node: Node, above: frozenset[str]) -> Branch:
        """The branch of a proof node; a node that rests on itself is not opened again."""
        if node.id in self.built:
            return self.built[node.id]
        if node.kind is Kind.MEASURED and len(node.premises) == 1 and not self.proof.nodes[node.premises[0]].premises:
            self.built[node.id] = self._measured(node, self.proof.nodes[node.premises[0]])
            return self.built[node.id]
        below = tuple(self.branch(self.proof.nodes[p], above | {node.id}) for p in node.premises if p not in above)
        look, word = look_of(node)
        quote, combine = "", ""
        small: tuple[Run, ...] = ()
        if node.rule:
            quote = statement_of(node.statements, self.compiled)
            small = rule_runs(
                self.rules.get(node.rule),
                node.rule,
                node.statements,
                node.citations,
                self.compiled.guideline,
                self.links,
            )
            combine = "Because ALL of these hold:" if len(below) > 1 else "Because:"
            if node.value is None:
                combine = "Depends on:"
        elif node.kind is Kind.ABSENT:
            combine = "Every rule for it fails at:" if len(below) > 1 else "Its only rule fails at:"
        elif node.kind is Kind.OPEN:
            combine = "Not known, because of:"
        elif node.kind is Kind.COUNTED:
            combine = "Counted:"
        remarks = tuple(t for t in (node.detail, f"source: {node.source}" if node.source else None) if t)
        shape = "rounded" if node.kind in (Kind.RECORDED, Kind.ASSUMED, Kind.UNKNOWN) else "box"
        found = Branch(node.id, look, word, sentence(node.says), remarks, quote, small, combine, below, shape)
        self.built[node.id] = found
        return found

    def _measured(self, node: Node, leaf: Node) -> Branch:
        """A comparison with the record of its one measure in the same box."""
        look, word = look_of(leaf)
        if node.value is False:
            look = palette.NOT_MET
            word = f"{word}: DOES NOT HOLD"
        elif node.value is None and leaf.kind is not Kind.UNKNOWN:
            look = palette.UNKNOWN
            word = f"{word}: OPEN"
        remarks = tuple(t for t in (leaf.detail, f"source: {leaf.source}" if leaf.source else None) if t)
        return Branch(node.id, look, word, sentence(node.says), remarks, shape="rounded")


def look_of(node: Node) -> tuple[Look, str]:
    """How a proof step looks, and its word."""
    match node.kind:
        case Kind.DERIVED:
            return (palette.UNKNOWN, "OPEN") if node.value is None else (palette.DERIVED, "DERIVED")
        case Kind.ABSENT:
            return palette.DERIVED, "ABSENT"
        case Kind.OPEN:
            return palette.UNKNOWN, "NOT KNOWN"
        case Kind.RECORDED:
            return palette.RECORDED, "RECORDED"
        case Kind.ASSUMED:
            return palette.ASSUMED, "ASSUMED"
        case Kind.BACKGROUND:
            return palette.BACKGROUND, "BACKGROUND"
        case Kind.FACT:
            return palette.BACKGROUND, "GUIDELINE"
        case Kind.UNKNOWN:
            return palette.UNKNOWN, "NOT RECORDED"
        case _:
            if node.value is None:
                return palette.UNKNOWN, "NOT KNOWN"
            return (palette.MET, "HOLDS") if node.value else (palette.NOT_MET, "DOES NOT HOLD")


def statement_of(statements: tuple[str, ...], compiled: Compiled) -> str:
    """What the source says, in the guideline's words: the first statement, shortened."""
    known = [compiled.names.statements[s].says for s in statements if s in compiled.names.statements]
    if not known:
        return ""
    text = known[0] if len(known[0]) <= LONGEST_QUOTE else known[0][:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"
    return f"{statements[0]}: {text}"


def rule_runs(
    rule: tree.Rule | None,
    rule_id: str,
    statements: tuple[str, ...],
    cites: tuple[int, ...],
    guideline: GuidelineFolder,
    links: Links,
) -> tuple[Run, ...]:
    """The small print of a rule, with links."""
    href = links.rule(rule) if rule is not None else None
    runs = [Run("rule ", SMALL, palette.SOFT), Run(rule_id, SMALL, palette.SOFT, href=href)]
    if statements:
        shown = ", ".join(statements[:6]) + (" …" if len(statements) > 6 else "")
        runs.append(Run(f" · {shown}", SMALL, palette.SOFT))
    words = cited(cites, guideline)
    if words:
        runs += [Run(" · ", SMALL, palette.SOFT), Run(words, SMALL, palette.SOFT, href="#references")]
    return tuple(runs)
