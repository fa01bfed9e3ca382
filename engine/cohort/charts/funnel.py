"""How many patients come by each box of the pathway, and the pathway picture with these numbers.

The pathway is inferred from the rules (`diagrams.pathway`); its conditions are pairs of bits that the plan has already.
Reaching a box is three-valued as everything is: known to be reached, known not to be, or open. The boxes of what is
advised also count the patients who are advised it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.drawing.page import Head, Notes, Page, facts_of
from guidelog.diagrams.interchange import Picture, pathway_graph
from guidelog.diagrams.outline import pathway_outline
from guidelog.diagrams.pathway.criteria import Criterion
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.pathway.model import Node, Pathway, Step
from guidelog.diagrams.pathway.overlay import Links, Mark, Overlay, Trace
from guidelog.diagrams.pathway.page import OUTLINES, foot
from guidelog.diagrams.pathway.sheets import Furniture, pathway_scenes
from guidelog.ground.program import GroundElement, GroundLiteral, Ranges
from guidelog.language.stances import Side, Stance
from guidelog.semantics import Plan
from guidelog.semantics.circuit import FALSE, NO, TRUE, YES, Pair

from ..engines.vectors import Inputs, Words, count

_Bits: TypeAlias = "tuple[Words, Words]"
_WIDEST = 7.0
COUNTING = Notes(
    "How patients are counted",
    (
        "Reached: everything above the box on its way is known to hold. Open: not known to hold, nor known to fail.",
        "Advised: the rules advise it, whatever the way.",
        "More can be advised than reach the box: a rule asks for its own conditions only, wherever the way leads.",
    ),
)


class Flow:
    """Counts by box; `outputs` are the bits that it needs."""

    def __init__(self, plan: Plan, compiled: Compiled) -> None:
        self.atoms = plan.atoms[Ranges.KEPT]
        self.elements: dict[GroundElement, Pair] = {}
        for probes in plan.probes.values():
            for probe in probes:
                self.elements.update(zip(probe.instance.elements, probe.elements, strict=True))
        self.pathway = infer(compiled)
        nodes = self.pathway.nodes()
        self.criteria = {n.key: n.criterion for n in nodes if n.criterion is not None}
        self.advised = {n.key: self.stances(n) for n in nodes}
        found: dict[int, None] = {}
        for criterion in self.criteria.values():
            for pair in self.pairs(criterion):
                found.update(dict.fromkeys(pair))
        for pairs in self.advised.values():
            for pair in pairs:
                found.update(dict.fromkeys(pair))
        self.outputs = list(found)

    def stances(self, node: Node) -> list[Pair]:
        """What the box is about, as pairs; leaving out advice against."""
        found = [(n, s) for n, s in node.interventions if Stance(s).side in (Side.FOR, Side.EMERGENCY)]
        return [self.atoms.get(("advise", *item), NO) for item in found]

    def pairs(self, criterion: Criterion) -> Iterable[Pair]:
        if criterion.element is not None:
            yield self.pair(criterion.element)
        else:
            for part in criterion.parts:
                yield from self.pairs(part)

    def pair(self, element: GroundElement) -> Pair:
        """Known to hold, known not to; never known for what no rule looks at."""
        if element in self.elements:
            return self.elements[element]
        if isinstance(element, GroundLiteral):
            other = self.elements.get(GroundLiteral(element.atom, not element.negated))
            true, false = (other[1], other[0]) if other else (FALSE, FALSE)
            if element.atom in self.atoms:
                true, false = self.atoms[element.atom]
                true, false = (false, true) if element.negated else (true, false)
            return true, false
        return (FALSE, FALSE)

    def count(self, bits: Mapping[int, Words], inputs: Inputs, good: Words) -> dict[str, dict[str, int]]:
        """For each box: reached, open, and for decisions and advice how many with which answer."""
        return _Walk(self, bits, inputs, good).counts()


class _Walk:
    def __init__(self, flow: Flow, bits: Mapping[int, Words], inputs: Inputs, good: Words) -> None:
        self.flow, self.bits, self.rows, self.good = flow, bits, inputs.rows, good
        nobody = np.zeros_like(good)
        self.constant = {FALSE: nobody, TRUE: ~nobody}
        self.found: dict[str, dict[str, int]] = {}

    def counts(self) -> dict[str, dict[str, int]]:
        """Down the trunk, as a patient's picture is walked."""
        reach = self.words(YES)
        returning = reach
        local = False
        for phase in self.flow.pathway.phases:
            for step in phase.steps:
                if step is phase.steps[0]:
                    for other in phase.beside:
                        self.box(other.steps[0].node, reach)
                node = step.node
                self.box(node, reach)
                if node.kind in ("state", "decision"):
                    value = self.value(node.criterion)
                    onward = value if step.yes_down or node.kind == "state" else (value[1], value[0])
                    if step.exit:
                        away = onward[1], onward[0]
                        self.box(step.exit, away if self.for_everyone(step) else self.both(reach, away))
                    if step.rejoins:
                        returning, local = reach, True
                    reach = self.both(reach, onward)
                elif local:
                    reach, local = returning, False
        return self.found

    def box(self, node: Node, reach: _Bits) -> None:
        """The numbers of one box."""
        true, false = (w & self.good for w in reach)
        total = self.number(self.good)
        found = {"reached": self.number(true), "open": total - self.number(true) - self.number(false)}
        if node.criterion is not None:
            yes, no = self.value(node.criterion)
            found["yes"], found["no"] = self.number(true & yes), self.number(true & no)
        if advised := self.flow.advised[node.key]:
            some = np.zeros_like(self.good)
            for pair in advised:
                some |= self.words(pair)[0]
            found["advised"] = self.number(some & self.good)
        self.found[node.key] = found

    def for_everyone(self, step: Step) -> bool:
        """Whether the way out is open to patients outside the scope as well."""
        return step.exit is not None and step.exit.kind == "urgent"

    def value(self, criterion: Criterion | None) -> _Bits:
        if criterion is None:
            return self.words(YES)
        if criterion.element is not None:
            return self.words(self.flow.pair(criterion.element))
        values = [self.value(part) for part in criterion.parts]
        needed = len(values) if criterion.mode == "all" else 1 if criterion.mode == "any" else int(criterion.mode or 1)
        return self.at_least(needed, [t for t, _ in values]), self.at_least(
            len(values) - needed + 1, [f for _, f in values]
        )

    def at_least(self, needed: int, parts: list[Words]) -> Words:
        rows = [self.constant[TRUE]] + [self.constant[FALSE]] * needed
        for part in parts:
            rows = [rows[0], *(rows[k] | (part & rows[k - 1]) for k in range(1, len(rows)))]
        return rows[-1]

    def both(self, first: _Bits, second: _Bits) -> _Bits:
        return first[0] & second[0], first[1] | second[1]

    def words(self, pair: Pair) -> _Bits:
        first, second = (self.constant[n] if n in self.constant else self.bits[n] for n in pair)
        return first, second

    def number(self, words: Words) -> int:
        return count(words, self.rows)


def flow_picture(compiled: Compiled, account: Mapping[str, Any]) -> Picture:
    """The pathway with the numbers of a result. Raises InputError (GL709) where they are of other rules or missing."""
    counted = account.get("flow")
    if not counted:
        raise InputError.of("GL709", "this result has no numbers of the pathway: the embedded engine counts them")
    if account["guideline"]["sha256"] != compiled.guideline.sha256:
        raise InputError.of(
            "GL709", "this result is of another version of the guideline", hint="name its folder with --guideline"
        )
    found = infer(compiled)
    overlay = overlay_of(found, counted, account["patients"])
    guideline, patients = compiled.guideline, account["patients"]
    title = f"{guideline.title}: {patients:,} patients on the pathway"

    def head(where: str) -> Head:
        aside = f"{account['rejected']:,} set aside"
        return Head(title, "how many reach each box", facts_of(guideline, aside, *((where,) if where else ())))

    def ends(page: Page) -> None:
        page.symbols(("Symbols", OUTLINES))
        page.rule()
        foot(page, compiled, before=(COUNTING,))

    furniture = Furniture("flow", title, "Boxes with the number of patients who reach them.", head, ends)
    scenes = tuple(pathway_scenes(found, guideline, Links(), overlay, furniture))
    outline = pathway_outline(found, overlay, guideline, title, facts_of(guideline))
    return Picture("flow", scenes, outline, pathway_graph(found, overlay, guideline))


def overlay_of(pathway: Pathway, counted: Mapping[str, Mapping[str, int]], patients: int) -> Overlay:
    """A mark on each box, and lines as wide as the share of patients who come along them."""
    total = max(patients, 1)
    nodes = {}
    for node in pathway.nodes():
        found = counted.get(node.key)
        if found is None:
            continue
        look = palette.REACHED if found["reached"] else palette.UNKNOWN if found["open"] else palette.NOT_REACHED
        nodes[node.key] = Mark(look, notes=tuple(_notes(found, total)))
    edges = {}
    trunk = [s for p in pathway.phases for s in p.steps]
    pairs = [(a.node, b.node) for a, b in pairwise(trunk)]
    pairs += [(s.node, s.exit) for s in trunk if s.exit]
    for tail, head in pairs:
        share = counted[head.key]["reached"] / total if head.key in counted else 0.0
        edges[tail.key, head.key] = Trace(palette.NAVY if share else palette.RULE, 0.8 + _WIDEST * share)
    return Overlay(nodes=nodes, edges=edges)


def _notes(found: Mapping[str, int], total: int) -> Iterable[str]:
    def share(number: int) -> str:
        return f"{number:,} ({number / total:.1%})"

    yield f"reached by {share(found['reached'])}" + (f", open for {share(found['open'])}" if found["open"] else "")
    if "yes" in found and found["reached"]:
        rest = found["reached"] - found["yes"] - found["no"]
        yield f"of these yes {found['yes']:,}, no {found['no']:,}, not known {rest:,}"
    if "advised" in found:
        yield f"advised for {share(found['advised'])}"
