"""The same picture for other programs: networkx graphs, Mermaid, GraphML. `outline` says it in words.

A `Picture` is its pages, its graph and its words. The graph's nodes carry `number`, `kind`, `title`, `phase`, `status`,
`rules`, `citations`, its edges `label`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from guidelog.language.guideline import GuidelineFolder

from .drawing.fonts import clean
from .drawing.page import cited
from .drawing.scene import Scene
from .pathway.model import Node, Pathway
from .pathway.overlay import Overlay
from .proof.tree_layout import Branch
from .rulemap.graph import RuleMap


@dataclass(frozen=True)
class Picture:
    """The pages of a picture, its text outline, and its graph."""

    name: str
    scenes: tuple[Scene, ...]
    outline: str
    graph: nx.DiGraph[str]


def pathway_graph(pathway: Pathway, overlay: Overlay, guideline: GuidelineFolder) -> nx.DiGraph[str]:
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


RETURNS = "go on with"
"""The label of a line that leads back up; no rule states it."""


def lines_between(pathway: Pathway) -> Iterable[tuple[Node, Node, str]]:
    """The lines of a pathway, as the page draws them."""
    trunk = [(p, s) for p in pathway.phases for s in p.steps]
    by_key = {node.key: node for node in pathway.nodes()}
    for place, (phase, step) in enumerate(trunk):
        following = trunk[place + 1] if place + 1 < len(trunk) else None
        decision = step.node.kind == "decision"
        onward = ("Yes" if step.yes_down else "No") if decision else ""
        if step.exit:
            yield step.node, step.exit, "No" if step.yes_down else "Yes"
            if step.exit.returns in by_key:
                yield step.exit, by_key[step.exit.returns], RETURNS
            if step.rejoins and place + 2 < len(trunk):
                yield step.exit, trunk[place + 2][1].node, ""
        if following is None:
            continue
        yield step.node, following[1].node, onward
        if following[0] is not phase:
            for other in following[0].beside:
                yield step.node, other.steps[0].node, onward
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


# other programs
MOST_RULES = 12
"""So many rules stand in a box of a Mermaid picture; GraphML has all."""
_SHAPES = {"state": ("([", "])"), "exit": ("([", "])"), "decision": ("{{", "}}")}


def to_mermaid(picture: Picture) -> str:
    """A Mermaid flowchart: phases as groups, each box with its rules and citations, each line with its label."""
    sideways = picture.name.startswith(("proof", "why-not", "rules"))
    out = ["flowchart LR" if sideways else "flowchart TD"]
    names = {name: f"b{i}" for i, name in enumerate(picture.graph.nodes)}
    phases: dict[str, list[str]] = {}
    for name, data in picture.graph.nodes(data=True):
        opening, closing = _SHAPES.get(str(data["kind"]), ("[", "]"))
        status = f" ({data['status']})" if data["status"] else ""
        rules = _shortened(str(data["rules"])) if picture.name.startswith(("pathway", "patient", "diff")) else ""
        text = _mermaid_text(f"{data['number']}. {data['title']}{status}")
        small = " ".join(part for part in (_mermaid_text(rules), _mermaid_text(str(data["citations"]))) if part)
        box = f'{names[name]}{opening}"{text}{"<br/>" + small if small else ""}"{closing}'
        phases.setdefault(str(data["phase"]), []).append(box)
    for place, (phase, boxes) in enumerate(phases.items()):
        if not phase:
            out += [f"  {box}" for box in boxes]
            continue
        out += [f'  subgraph p{place}["{_mermaid_text(phase)}"]', *(f"    {box}" for box in boxes), "  end"]
    for tail, head, data in picture.graph.edges(data=True):
        label = f"|{_mermaid_text(str(data['label']))}|" if data["label"] else ""
        arrow = "-.->" if data["label"] == "not" else "-->"
        out.append(f"  {names[tail]} {arrow}{label} {names[head]}")
    return "\n".join(out) + "\n"


def _shortened(rules: str) -> str:
    listed = rules.split(", ")
    return (
        rules if len(listed) <= MOST_RULES else f"{', '.join(listed[:MOST_RULES])} and {len(listed) - MOST_RULES} more"
    )


def _mermaid_text(text: str) -> str:
    return re.sub(r"[\"#<>&`;|{}\[\]()\\]", lambda m: f"#{ord(m[0])};", text)


def to_graphml(picture: Picture) -> str:
    """GraphML, for yEd, Gephi, Cytoscape or networkx."""
    return "\n".join(nx.generate_graphml(picture.graph, prettyprint=True)) + "\n"
