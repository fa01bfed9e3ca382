"""The same picture for other programs and for people who do not see it: outline, table, Mermaid, GraphML.

A `Picture` is its pages, its graph and its words. The graph's nodes carry `number`, `kind`, `title`, `phase`, `status`,
`rules`, `citations`, its edges `label`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from ..guideline import Guideline
from .branches import Branch
from .flow import KIND_WORD, Overlay
from .fonts import clean
from .model import Node, Pathway
from .page import cited
from .rulemap import RuleMap
from .scene import Scene


@dataclass(frozen=True)
class Picture:
    """The pages of a picture, its text outline, and its graph."""

    name: str
    scenes: tuple[Scene, ...]
    outline: str
    graph: nx.DiGraph[str]


def pathway_graph(pathway: Pathway, overlay: Overlay, guideline: Guideline) -> nx.DiGraph[str]:
    """Boxes and lines of a pathway."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for phase in pathway.all_phases():
        for step in phase.steps:
            for node in (step.node, step.exit):
                if node is not None:
                    mark = overlay.nodes.get(node.key)
                    status = (mark.word or mark.look.word).lower() if mark else ""
                    graph.add_node(
                        f"box{node.number}",
                        number=node.number,
                        kind=node.kind,
                        title=clean(node.title),
                        phase=clean(phase.title),
                        status=status,
                        rules=", ".join(r.id or "" for r in node.rules),
                        citations=cited(node.cites, guideline),
                        table=node.table,
                        key=clean(node.key),
                    )
    for tail, head, label in lines_between(pathway):
        graph.add_edge(f"box{tail.number}", f"box{head.number}", label=label)
    return graph


def lines_between(pathway: Pathway) -> Iterable[tuple[Node, Node, str]]:
    """The lines of a pathway, as the page draws them."""
    trunk = [(p, s) for p in pathway.phases for s in p.steps]
    for place, (phase, step) in enumerate(trunk):
        following = trunk[place + 1] if place + 1 < len(trunk) else None
        decision = step.node.kind == "decision"
        if step.exit:
            yield step.node, step.exit, "No" if step.yes_down else "Yes"
            if step.rejoins and place + 2 < len(trunk):
                yield step.exit, trunk[place + 2][1].node, ""
        if following is None:
            continue
        yield step.node, following[1].node, ("Yes" if step.yes_down else "No") if decision else ""
        if following[0] is not phase:
            for other in following[0].beside:
                yield step.node, other.steps[0].node, ""
            for other in phase.beside:
                yield other.steps[0].node, following[1].node, ""


def branch_graph(roots: Sequence[Branch], numbers: Mapping[str, int]) -> nx.DiGraph[str]:
    """Boxes of a tree, each once."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    stack = list(roots)
    while stack:
        branch = stack.pop()
        name = f"box{numbers[branch.key]}"
        if name in graph and graph.nodes[name].get("title"):
            continue
        small = clean("".join(r.text for r in branch.small))
        graph.add_node(
            name,
            number=numbers[branch.key],
            kind=branch.look.word.lower() or "rule",
            title=clean(branch.title),
            phase="",
            status=branch.word.lower(),
            rules=small,
            citations="",
            table="",
            key=branch.key,
        )
        for below in branch.below:
            graph.add_edge(name, f"box{numbers[below.key]}", label="")
            stack.append(below)
    return graph


def map_graph(found: RuleMap) -> nx.DiGraph[str]:
    """The rule map's graph with what the page says of each box."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for number, (key, place) in enumerate(found.places.items(), 1):
        status = "loop through not" if key in found.loops else "recursive" if key in found.recursive else ""
        graph.add_node(
            key,
            number=number,
            kind=place.kind,
            title=clean(place.title),
            phase=f"stratum {found.strata.get(key, 0)}",
            status=status,
            rules=", ".join(r.id or "" for r in place.rules),
            citations="",
            table="",
            key=key,
        )
    for tail, head, data in found.graph.edges(data=True):
        graph.add_edge(tail, head, label="not" if data["negated"] else "")
    return graph


# words
def pathway_outline(pathway: Pathway, overlay: Overlay, guideline: Guideline, title: str, facts: Sequence[str]) -> str:
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
    return "\n".join([*out, *table_words(pathway_graph(pathway, overlay, guideline)), ""])


def _after(owner: str, index: int, rules: Iterable[object], overlay: Overlay, guideline: Guideline) -> str:
    from .. import tree

    words = cited({int(c) for r in rules if isinstance(r, tree.Rule) for c in r.listed("cites")}, guideline)
    ids = ", ".join(r.id or "" for r in rules if isinstance(r, tree.Rule))
    chip = overlay.items.get((owner, index))
    remark = overlay.remarks.get((owner, index))
    parts = [words, f"({ids})" if ids else "", f"= {chip.word}" if chip else "", f"({remark})" if remark else ""]
    text = " ".join(p for p in parts if p)
    return f" {text}" if text else ""


def _node_words(
    node: Node, overlay: Overlay, guideline: Guideline, numbers: Mapping[str, int], leads: Sequence[str]
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


# other programs
_SHAPES = {"state": ("([", "])"), "exit": ("([", "])"), "decision": ("{{", "}}")}


def to_mermaid(picture: Picture) -> str:
    """A Mermaid flowchart."""
    sideways = picture.name.startswith(("proof", "why-not", "rules"))
    out = ["flowchart LR" if sideways else "flowchart TD"]
    names = {name: f"b{i}" for i, name in enumerate(picture.graph.nodes)}
    for name, data in picture.graph.nodes(data=True):
        opening, closing = _SHAPES.get(str(data["kind"]), ("[", "]"))
        status = f" ({data['status']})" if data["status"] else ""
        text = _mermaid_text(f"{data['number']}. {data['title']}{status}")
        out.append(f'  {names[name]}{opening}"{text}"{closing}')
    for tail, head, data in picture.graph.edges(data=True):
        label = f"|{_mermaid_text(str(data['label']))}|" if data["label"] else ""
        arrow = "-.->" if data["label"] == "not" else "-->"
        out.append(f"  {names[tail]} {arrow}{label} {names[head]}")
    return "\n".join(out) + "\n"


def _mermaid_text(text: str) -> str:
    return re.sub(r"[\"#<>&`;|{}\[\]()\\]", lambda m: f"#{ord(m[0])};", text)


def to_graphml(picture: Picture) -> str:
    """GraphML, for yEd, Gephi, Cytoscape or networkx."""
    return "\n".join(nx.generate_graphml(picture.graph, prettyprint=True)) + "\n"
