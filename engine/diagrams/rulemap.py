"""`rules`: the map that authors need: what conclusions read, strata, negation, recursion, unused and undefined names.

Made from the rules as written, so that it also shows a guideline that has errors. Graphviz's `dot` arranges the boxes;
all else is as on the other pages.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import graphviz
import networkx as nx

from .. import tree
from ..diagnostics import nearest
from ..guideline import Guideline
from ..names import INPUTS, STANCES, Names
from . import palette
from .flow import BAND_LOOK, Links
from .fonts import MONO, Font, Run
from .page import MARGIN, Head, Legend, Notes, Page, facts_of, missing_note
from .paint import arrange
from .palette import Look
from .scene import SMALL, SMALL_BOLD, Box, Chip, Edge, Line, Scene, fitted_height, gap, lines_of

W = 214.0
CODE, CODE_SMALL = Font(10, bold=True, family=MONO), Font(9, family=MONO)
CROWDED = 9
"""A conclusion that more boxes read than this is named inside them, not joined by lines."""
MOST_READS, MOST_RULES = 8, 8
CONCEPT = Look("", palette.STEEL, "#eaf2fa", palette.NAVY, palette.PAPER, 1.4)
ADVICE = Look("", palette.NAVY, "#d8e7f5", palette.NAVY, palette.PAPER, 2.8)
UNUSED = Look("UNUSED", palette.AMBER_LINE, "#fff4d8", palette.AMBER, palette.INK, 1.6, "dashed")
UNDEFINED = Look("UNDEFINED", palette.MAROON, "#f9e4e2", palette.MAROON, palette.PAPER, 2.0, "dashed")


@dataclass
class Place:
    """A box of the map: a conclusion (or all advice on one intervention) with its rules and the inputs it reads."""

    key: str
    title: str
    kind: str  # concept, advice, relation, undefined, unused
    rules: list[tree.Rule] = field(default_factory=list)
    reads: dict[str, None] = field(default_factory=dict)
    hint: str = ""
    used: bool = False


@dataclass(frozen=True)
class RuleMap:
    """Boxes, edges (with `negated`), strata and loops as a networkx graph."""

    graph: nx.DiGraph[str]
    places: Mapping[str, Place]
    strata: Mapping[str, int]
    recursive: frozenset[str]
    loops: frozenset[str]  # boxes on a loop through negation
    unused_inputs: tuple[str, ...]


def map_rules(program: tree.Program, names: Names) -> RuleMap:
    """The map of a parsed program, checked or not."""
    places: dict[str, Place] = {}
    graph: nx.DiGraph[str] = nx.DiGraph()
    rules = [r for r in program.rules if r.head is not None and r.body]
    facts: dict[str, list[tree.Rule]] = {}
    for rule in program.rules:
        if rule.head is not None and not rule.body:
            facts.setdefault(rule.head.predicate, []).append(rule)
    for rule in rules:
        assert rule.head is not None
        key, title, kind = _conclusion(rule.head, names)
        places.setdefault(key, Place(key, title, kind)).rules.append(rule)
        graph.add_node(key)
    heads: dict[str, list[str]] = {}
    for rule in rules:
        assert rule.head is not None
        heads.setdefault(rule.head.predicate, []).append(_conclusion(rule.head, names)[0])
    seen: set[str] = set()
    reader = _Reader(heads, facts, names, graph, places, seen)
    for rule in rules:
        assert rule.head is not None
        place = places[_conclusion(rule.head, names)[0]]
        for atom, negated in _literals(rule):
            reader.read(atom, place, negated=negated)
    for denial in (r for r in program.rules if r.head is None):
        for atom, _ in _literals(denial):
            seen.update(t.name for t in atom.terms if isinstance(t, tree.Symbol))
    for name, predicate in names.predicates.items():
        if name in INPUTS or name in heads or name in facts or predicate.declaration is None:
            continue
        if name not in places:
            place = Place(name, f"{name}/{predicate.arity}", "undefined", hint="declared, but no rule defines it")
            places[name] = place
            graph.add_node(name)
    inputs = {**names.vocabulary.findings, **names.vocabulary.measures}
    unused = tuple(n for n in inputs if n not in seen)
    strata, recursive, loops = _strata(graph)
    return RuleMap(graph, places, strata, recursive, loops, unused)


def _conclusion(head: tree.Atom, names: Names) -> tuple[str, str, str]:
    if head.predicate in ("advise", "include") and len(head.terms) == 3:
        about = head.terms[1]
        name = about.name if isinstance(about, tree.Symbol) else "*"
        return f"advise:{name}", name, "advice"
    if head.predicate == "note":
        return "note", "notes", "advice"
    kind = (
        "concept"
        if head.predicate not in names.predicates or names.predicates[head.predicate].about_patient
        else "relation"
    )
    return head.predicate, f"{head.predicate}/{len(head.terms)}", kind


def _literals(rule: tree.Rule) -> list[tuple[tree.Atom, bool]]:
    found: list[tuple[tree.Atom, bool]] = []
    for element in rule.body:
        match element:
            case tree.Literal(atom, negated):
                found.append((atom, negated))
            case tree.AtLeast(_, members):
                for member in members:
                    found.append((member.literal.atom, member.literal.negated))
                    found += [(c.atom, c.negated) for c in member.conditions]
            case tree.Comparison():
                pass
    return found


@dataclass
class _Reader:
    """Joins what a rule reads to the rule's box."""

    heads: Mapping[str, list[str]]
    facts: Mapping[str, list[tree.Rule]]
    names: Names
    graph: nx.DiGraph[str]
    places: dict[str, Place]
    seen: set[str]

    def read(self, atom: tree.Atom, place: Place, *, negated: bool) -> None:
        name = atom.predicate
        if name == "patient":
            return
        if name in INPUTS:
            second = atom.terms[1] if len(atom.terms) > 1 else None
            if isinstance(second, tree.Symbol):
                known = self.names.vocabulary.findings if name == "finding" else self.names.vocabulary.measures
                self.seen.add(second.name)
                if second.name in known:
                    place.reads[("not " if negated else "") + second.name] = None
                    return
                near = nearest(second.name, known)
                self._undefined(second.name, second.name, f"did you mean {near}?" if near else f"no such {name}")
                self.graph.add_edge(second.name, place.key, negated=negated)
            return
        if name in self.heads:
            for target in dict.fromkeys(self.heads[name]):
                second = atom.terms[1] if len(atom.terms) > 1 else None
                if (
                    name in ("advise", "include")
                    and isinstance(second, tree.Symbol)
                    and target != f"advise:{second.name}"
                ):
                    continue
                previous = self.graph.get_edge_data(target, place.key, {}).get("negated", False)
                self.graph.add_edge(target, place.key, negated=negated or previous)
                self.places[target].used = True
            return
        if name in self.facts:
            self.seen.update(
                t.name for r in self.facts[name] if r.head for t in r.head.terms if isinstance(t, tree.Symbol)
            )
            place.reads[f"{name}/{len(atom.terms)} ({len(self.facts[name])} facts)"] = None
            return
        near = nearest(name, [*self.heads, *self.facts, *self.names.predicates])
        hint = (
            "declared, but no rule defines it"
            if name in self.names.predicates
            else f"did you mean {near}?"
            if near
            else "no rule and no input"
        )
        self._undefined(name, f"{name}/{len(atom.terms)}", hint)
        self.graph.add_edge(name, place.key, negated=negated)

    def _undefined(self, key: str, title: str, hint: str) -> None:
        if key not in self.places:
            self.places[key] = Place(key, title, "undefined", hint=hint)
            self.graph.add_node(key)


def _strata(graph: nx.DiGraph[str]) -> tuple[dict[str, int], frozenset[str], frozenset[str]]:
    """The stratum of each box, boxes that are recursive, and those on a loop through negation."""
    condensed = nx.condensation(graph)
    level: dict[int, int] = {}
    recursive: set[str] = set()
    loops: set[str] = set()
    strata: dict[str, int] = {}
    for block in nx.topological_sort(condensed):
        members = condensed.nodes[block]["members"]
        inner = [(a, b) for a, b in graph.subgraph(members).edges]
        if inner:
            recursive |= set(members)
            if any(graph.edges[e]["negated"] for e in inner):
                loops |= set(members)
        place = 0
        for node in members:
            for before in graph.predecessors(node):
                if before not in members:
                    place = max(place, strata[before] + int(graph.edges[before, node]["negated"]))
        level[block] = place
        strata.update(dict.fromkeys(members, place))
    return strata, frozenset(recursive), frozenset(loops)


def rules_scene(guideline: Guideline, program: tree.Program, names: Names, links: Links | None = None) -> Scene:
    """The rule map as a page."""
    found = map_rules(program, names)
    linked = links or Links()
    crowded = frozenset(n for n in found.graph if found.graph.out_degree(n) > CROWDED)
    boxes = {key: _box(place, found, crowded, linked) for key, place in found.places.items()}
    if found.unused_inputs:
        boxes["unused inputs"] = _unused_box(found.unused_inputs)
    drawn = [(a, b) for a, b in found.graph.edges if a not in crowded or b == a]
    joined = {key: box for key, box in boxes.items() if any(key in edge for edge in drawn)}
    alone = {key: box for key, box in boxes.items() if key not in joined}
    arranged = arrange(_dot(joined, drawn, found)) if joined else {"bb": "0,0,0,0"}
    page = Page("rules")
    _, _, w, h = (float(v) for v in arranged["bb"].split(","))
    page.w = max(1191.0, w + 2 * MARGIN + 24)
    rules = [r for r in program.rules if r.head is not None and r.body]
    strata = max(found.strata.values(), default=0) + 1
    undefined = sum(p.kind == "undefined" for p in found.places.values())
    counts = f"{len(rules)} rules, {len(found.places)} conclusions in {strata} {'stratum' if strata == 1 else 'strata'}"
    sub = f"{counts}; {len(found.recursive)} recursive, {undefined} undefined, {len(found.unused_inputs)} unused inputs"
    page.head(
        Head(f"{guideline.title}: rule map", sub, facts_of(guideline, "for rule authors", "read from left to right"))
    )
    if joined:
        x0, y0 = (page.w - w) / 2, page.y + 34
        _place(page, arranged, joined, drawn, found, x0, y0, h)
        page.y = y0 + h + 28
    if alone:
        _rows(page, alone)
    page.symbols("Symbols", _legend())
    page.rule()
    crowd = sorted(crowded)
    notes = (
        "A box is a conclusion, or all advice on one intervention, with its rules and, behind arrows, what it reads.",
        "A stratum may use “not” on the strata to its left only.",
        "Solid line: is read by. Dashed line with a ring: is read under “not”.",
        *((f"Named inside boxes because more than {CROWDED} read them: {', '.join(crowd)}.",) if crowd else ()),
        *missing_note(page.scene("", "").texts()),
    )
    page.notes([Notes("How to read", notes)])
    return page.scene(f"{guideline.title}: rule map", f"{sub}. The text outline says the same in words.")


def _legend() -> list[Legend]:
    return [
        Legend("box", CONCEPT, "conclusion"),
        Legend("box", ADVICE, "advice"),
        Legend("box", UNUSED, "never read"),
        Legend("box", UNDEFINED, "not defined"),
    ]


def _box(place: Place, found: RuleMap, crowded: frozenset[str], links: Links) -> Box:
    concept_unused = place.kind == "concept" and not place.used and place.key != "in_scope"
    look = (
        UNDEFINED
        if place.kind == "undefined"
        else UNUSED
        if concept_unused
        else ADVICE
        if place.kind == "advice"
        else CONCEPT
    )
    words = [look.word] if look.word else []
    if place.key in found.loops:
        words.append("LOOP THROUGH NOT")
        look = UNDEFINED
    elif place.key in found.recursive:
        words.append("RECURSIVE")
    room = W - 16
    lines: list[Line] = []
    for word in words:
        lines += [Line(chip=Chip(word, look.chip, look.chip_text), height=13.0), gap(3)]
    lines += lines_of(place.title, room, CODE)
    if place.hint:
        lines += lines_of(place.hint, room, SMALL_BOLD, palette.MAROON)
    runs: list[Run] = []
    for index, rule in enumerate(place.rules[:MOST_RULES]):
        stance = ""
        if rule.head is not None and rule.head.predicate == "advise" and isinstance(rule.head.terms[2], tree.Symbol):
            stance = f" {rule.head.terms[2].name}" if rule.head.terms[2].name in STANCES else ""
        last = index == min(len(place.rules), MOST_RULES) - 1
        runs.append(Run(f"{rule.id or '?'}{stance}{'' if last else ','}", SMALL, palette.SOFT, href=links.rule(rule)))
        runs.append(Run(" ", SMALL, palette.SOFT))
    if len(place.rules) > MOST_RULES:
        runs.append(Run(f"and {len(place.rules) - MOST_RULES} more", SMALL, palette.SOFT))
    if runs:
        lines += lines_of(runs, room)
    reads = list(place.reads) + [
        f"{'not ' if found.graph.edges[c, place.key]['negated'] else ''}{c}"
        for c in sorted(crowded)
        if found.graph.has_edge(c, place.key)
    ]
    for name in reads[:MOST_READS]:
        lines += lines_of(f"← {name}", room, CODE_SMALL, palette.SOFT)
    if len(reads) > MOST_READS:
        lines += lines_of(f"← and {len(reads) - MOST_READS} more", room, SMALL, palette.SOFT)
    after = ", ".join(places.title for key, places in found.places.items() if found.graph.has_edge(place.key, key))
    label = "; ".join(
        w
        for w in (
            place.title,
            *map(str.lower, words),
            place.hint,
            "rules " + ", ".join(r.id or "" for r in place.rules),
            "reads " + ", ".join(reads) if reads else "",
            f"read by {after}" if after else "",
        )
        if w
    )
    return Box(
        f"rule-{place.key}", "box", 0, 0, W, fitted_height("box", W, lines, 8, 0) + 2, tuple(lines), look, label, pad=8
    )


def _unused_box(names: tuple[str, ...]) -> Box:
    lines: list[Line] = [Line(chip=Chip("UNUSED", UNUSED.chip, UNUSED.chip_text), height=13.0), gap(3)]
    lines += lines_of("inputs that no rule reads", W - 16, SMALL_BOLD)
    for name in names[:MOST_READS]:
        lines += lines_of(name, W - 16, CODE_SMALL, palette.SOFT)
    if len(names) > MOST_READS:
        lines += lines_of(f"and {len(names) - MOST_READS} more", W - 16, SMALL, palette.SOFT)
    label = f"unused: inputs that no rule reads: {', '.join(names)}"
    return Box(
        "rule-unused", "box", 0, 0, W, fitted_height("box", W, lines, 8, 0) + 2, tuple(lines), UNUSED, label, pad=8
    )


def _rows(page: Page, boxes: Mapping[str, Box]) -> None:
    """Boxes that no line reaches, in columns that are filled evenly."""
    top = page.y
    room = page.w - 2 * MARGIN - 24
    columns = max(1, min(len(boxes), int((room + 12) // (W + 12))))
    heights = [top + 30] * columns
    for box in boxes.values():
        column = heights.index(min(heights))
        page.boxes.append(box.moved(MARGIN + 12 + column * (W + 12), heights[column]))
        heights[column] += box.h + 10
    bottom = max(heights) + 4
    page.ground.append(Box("alone", "rounded", MARGIN, top, page.w - 2 * MARGIN, bottom - top, (), BAND_LOOK))
    words = "STANDING ALONE: what reads inputs, and conclusions named inside the box, only"
    page.text(MARGIN + 12, top + 9, room, lines_of(words, room, SMALL_BOLD, palette.SOFT), "alone-title")
    page.y = bottom + 14


def _dot(boxes: Mapping[str, Box], edges: list[tuple[str, str]], found: RuleMap) -> str:
    """Strata from left to right: an unseen box between two keeps all of the one left of all of the other."""
    graph = graphviz.Digraph(name="page")
    graph.attr(rankdir="LR", nodesep="0.22", ranksep="0.75", splines="spline")
    graph.attr("node", shape="box", fixedsize="true", label="")
    numbers = {key: f"n{i}" for i, key in enumerate(boxes)}
    levels = sorted({found.strata.get(key, 0) for key in boxes})
    for key, box in boxes.items():
        graph.node(numbers[key], width=f"{box.w / 72:.4f}", height=f"{box.h / 72:.4f}")
    for low, high in itertools.pairwise(levels):
        graph.node(f"between{low}", width="0.01", height="0.01", style="invis")
        for key in boxes:
            if found.strata.get(key, 0) == low:
                graph.edge(numbers[key], f"between{low}", style="invis", id="-1", weight="0")
            elif found.strata.get(key, 0) == high:
                graph.edge(f"between{low}", numbers[key], style="invis", id="-1", weight="0")
    for index, (a, b) in enumerate(edges):
        graph.edge(numbers[a], numbers[b], id=str(index), tailport="e", headport="w")
    return str(graph.source)


def _place(
    page: Page,
    arranged: Mapping[str, object],
    boxes: Mapping[str, Box],
    drawn: list[tuple[str, str]],
    found: RuleMap,
    x0: float,
    y0: float,
    h: float,
) -> None:
    keys = list(boxes)
    objects, edges = arranged.get("objects", []), arranged.get("edges", [])
    assert isinstance(objects, list)
    assert isinstance(edges, list)
    placed: dict[str, Box] = {}
    for item in objects:
        name = str(item["name"])
        if name.startswith("n"):
            x, y = (float(v) for v in str(item["pos"]).split(","))
            box = boxes[keys[int(name[1:])]]
            placed[keys[int(name[1:])]] = box.moved(x0 + x - box.w / 2, y0 + h - y - box.h / 2)
    for level in sorted({found.strata.get(key, 0) for key in placed}):
        own = [box for key, box in placed.items() if found.strata.get(key, 0) == level]
        left, right = min(b.x for b in own) - 14, max(b.right for b in own) + 14
        page.ground.append(Box(f"stratum-{level}", "rounded", left, y0 - 30, right - left, h + 44, (), BAND_LOOK))
        words = f"STRATUM {level}"
        page.text(
            left + 14,
            y0 - 22,
            right - left - 28,
            lines_of(words, right - left - 28, SMALL_BOLD, palette.SOFT),
            f"stratum-title-{level}",
        )
    page.boxes += [placed[k] for k in keys]
    for item in edges:
        if int(item["id"]) < 0:
            continue
        a, b = drawn[int(item["id"])]
        negated = found.graph.edges[a, b]["negated"]
        points = _points(str(item["pos"]), x0, y0, h)
        colour = palette.MAROON if negated else palette.SOFT
        dash, arrow = ("dashed", "odot") if negated else ("solid", "normal")
        page.edges.append(Edge(placed[a].id, placed[b].id, points, colour, 1.3, dash, arrow, smooth=True))


def _points(pos: str, x0: float, y0: float, h: float) -> tuple[tuple[float, float], ...]:
    end: tuple[float, float] | None = None
    points: list[tuple[float, float]] = []
    for part in pos.split():
        if part.startswith("e,"):
            x, y = part[2:].split(",")
            end = (x0 + float(x), y0 + h - float(y))
        else:
            x, y = part.split(",")
            points.append((x0 + float(x), y0 + h - float(y)))
    if end is not None:
        points[-1] = end
    return tuple(points)
