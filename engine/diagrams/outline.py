"""The same picture in words, for people who do not see it: an outline of every box, then a table of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder

from .drawing.boxes import KIND_WORD
from .drawing.fonts import clean
from .drawing.page import cited
from .interchange import lines_between, pathway_graph
from .pathway.model import Node, Pathway
from .pathway.overlay import Overlay
from .proof.tree_layout import Branch
from .rulemap.graph import RuleMap


def pathway_outline(
    pathway: Pathway, overlay: Overlay, guideline: GuidelineFolder, title: str, facts: Sequence[str]
) -> str:
    """Every box with its lines, every table, then one table of all boxes."""
    out = [title, "=" * len(title), *facts, ""]
    leads: dict[str, list[str]] = {}
    for tail, head, label in lines_between(pathway):
        leads.setdefault(tail.key, []).append(f"{label} -> box {head.number}".strip())
    numbers = {n.key: n.number for n in pathway.nodes()}
    for phase in pathway.all_phases():
        out += [f"PHASE {phase.number}: {phase.title}", ""]
        for step in phase.steps:
            for node in (step.node, step.exit):
                if node is not None:
                    out += _node_words(node, overlay, guideline, numbers, leads.get(node.key, []))
    for letter, table in pathway.tables.items():
        out += [f"BOX {letter}: {table.title}", f"  {table.mode}"]
        heading = ""
        for index, item in enumerate(table.items):
            if item.heading and item.heading != heading and not item.level:
                heading = item.heading
                out.append(f"  {heading.upper()}")
            out.append(
                f"  {'  ' * item.level}- {clean(item.text)}{_after(letter, index, item.rules, overlay, guideline)}"
            )
        out.append("")
    missing = pathway.not_drawn()
    if missing:
        out += ["NOT DRAWN ON THIS SHEET", *(f"  {kind}: {', '.join(ids)}" for kind, ids in missing.items()), ""]
    return "\n".join([*out, *table_words(pathway_graph(pathway, overlay, guideline)), ""])


def _after(owner: str, index: int, rules: Iterable[object], overlay: Overlay, guideline: GuidelineFolder) -> str:
    words = cited({int(c) for r in rules if isinstance(r, tree.Rule) for c in r.listed("cites")}, guideline)
    ids = ", ".join(r.id or "" for r in rules if isinstance(r, tree.Rule))
    chip = overlay.items.get((owner, index))
    remark = overlay.remarks.get((owner, index))
    parts = [words, f"({ids})" if ids else "", f"= {chip.word}" if chip else "", f"({remark})" if remark else ""]
    text = " ".join(p for p in parts if p)
    return f" {text}" if text else ""


def _node_words(
    node: Node, overlay: Overlay, guideline: GuidelineFolder, numbers: Mapping[str, int], leads: Sequence[str]
) -> list[str]:
    mark = overlay.nodes.get(node.key)
    status = f" = {mark.word or mark.look.word}" if mark and (mark.word or mark.look.word) else ""
    out = [f"{node.number}. [{KIND_WORD[node.kind]}] {clean(node.title)}{status}"]
    for index, item in enumerate(node.body):
        heading = f"{item.heading}: " if item.heading else ""
        out.append(f"   - {heading}{clean(item.text)}{_after(node.key, index, item.rules, overlay, guideline)}")
    out += [f"   * {note}" for note in (mark.notes if mark else ())]
    if node.table:
        out.append(f"   see box {node.table}")
    if node.returns in numbers:
        out.append(f"   go on with box {numbers[node.returns]} (not stated by a rule)")
    if node.rules:
        out.append(f"   rules {', '.join(r.id or '' for r in node.rules)} {cited(node.cites, guideline)}".rstrip())
    if leads:
        out.append(f"   {'; '.join(leads)}")
    return [*out, ""]


def tree_outline(roots: Sequence[Branch], numbers: Mapping[str, int], title: str, facts: Sequence[str]) -> str:
    """A tree as an indented list; what stands twice is opened once."""
    out = [title, "=" * len(title), *facts, ""]
    shown: set[str] = set()
    stack: list[tuple[int, Branch]] = [(0, root) for root in reversed(roots)]
    while stack:
        depth, branch = stack.pop()
        again = branch.key in shown and bool(branch.below)
        pad = "  " * depth
        out.append(
            f"{pad}{numbers[branch.key]}. [{branch.word.lower() or 'rule'}] {clean(branch.title)}"
            + (" (see above)" if again else "")
        )
        if again:
            continue
        shown.add(branch.key)
        small = clean("".join(r.text for r in branch.small))
        out += [
            f"{pad}   {clean(text)}"
            for text in (branch.quote, *branch.remarks, small, branch.combine if branch.below else "")
            if text
        ]
        stack.extend((depth + 1, below) for below in reversed(branch.below))
    return "\n".join([*out, ""])


def map_outline(found: RuleMap, title: str, facts: Sequence[str]) -> str:
    """The rule map in words, stratum by stratum."""
    out = [title, "=" * len(title), *facts, ""]
    for level in sorted(set(found.strata.values())):
        out += [f"STRATUM {level}", ""]
        for key, place in found.places.items():
            if found.strata.get(key, 0) != level:
                continue
            word = (
                " UNDEFINED"
                if place.kind == "undefined"
                else " LOOP THROUGH NOT"
                if key in found.loops
                else " RECURSIVE"
                if key in found.recursive
                else ""
            )
            out.append(f"{place.title}{word}" + (f": {place.hint}" if place.hint else ""))
            if place.rules:
                out.append(f"   rules {', '.join(r.id or '?' for r in place.rules)}")
            before = [
                ("not " if found.graph.edges[b, key]["negated"] else "") + b for b in found.graph.predecessors(key)
            ]
            reads = [*before, *place.reads]
            if reads:
                out.append(f"   reads {', '.join(reads)}")
        out.append("")
    if found.unused_inputs:
        out += [f"UNUSED INPUTS: {', '.join(found.unused_inputs)}", ""]
    return "\n".join(out)


def table_words(graph: nx.DiGraph[str]) -> list[str]:
    """One row a box, in columns."""
    heads = ("box", "kind", "phase", "what it says", "status", "leads to", "rules")
    rows = [heads]
    for name in sorted(graph.nodes, key=lambda n: int(graph.nodes[n]["number"])):
        data = graph.nodes[name]
        leads = ", ".join(
            f"{graph.edges[name, head]['label']} {graph.nodes[head]['number']}".strip()
            for head in graph.successors(name)
        )
        rows.append(
            (str(data["number"]), data["kind"], data["phase"], data["title"], data["status"], leads, data["rules"])
        )
    used = [i for i in range(len(heads)) if any(row[i] for row in rows[1:])]
    widths = {i: min(60, max(len(row[i]) for row in rows)) for i in used}
    found = []
    for place, row in enumerate(rows):
        found.append(" | ".join(row[i].ljust(widths[i]) for i in used).rstrip())
        if place == 0:
            found.append("-+-".join("-" * widths[i] for i in used))
    return found
