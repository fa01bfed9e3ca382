"""`rules`: the rule map as a page. Graphviz's `dot` arranges the boxes; all else is as on the other pages."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import graphviz

from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.stances import STANCES

from ..drawing import palette
from ..drawing.fonts import MONO, Font, Run
from ..drawing.page import A3_LONG, MARGIN, SMALLEST_SCALE, Head, Legend, Notes, Page, facts_of, missing_note
from ..drawing.paint import arrange
from ..drawing.palette import Look
from ..drawing.scene import SMALL, SMALL_BOLD, Box, Chip, Edge, Line, Scene, fitted_height, gap, lines_of
from ..pathway.flow import BAND_LOOK
from ..pathway.overlay import Links
from .graph import Place, RuleMap

MANY = 40
LANDSCAPE, FEW = 0.95 * A3_LONG / SMALLEST_SCALE, 12
"""The width of a page of more than a few boxes, which is then less high."""
W = 214.0
CODE, CODE_SMALL = Font(10, bold=True, family=MONO), Font(9, family=MONO)
CROWDED = 9
"""A conclusion that more boxes read than this is named inside them, not joined by lines."""
MOST_READS, MOST_RULES = 8, 8
CONCEPT = Look("", palette.STEEL, "#eaf2fa", palette.NAVY, palette.PAPER, 1.4)
ADVICE = Look("", palette.NAVY, "#d8e7f5", palette.NAVY, palette.PAPER, 2.8)
UNUSED = Look("UNUSED", palette.AMBER_LINE, "#fff4d8", palette.AMBER, palette.INK, 1.6, "dashed")
UNDEFINED = Look("UNDEFINED", palette.BROWN, "#faf2e3", palette.BROWN, palette.PAPER, 2.0, "dashed")


def rules_scene(guideline: GuidelineFolder, program: tree.Program, found: RuleMap, links: Links) -> Scene:
    """The rule map as a page."""
    crowded = frozenset(n for n in found.graph if found.graph.out_degree(n) > CROWDED)
    boxes = {key: _box(place, found, crowded, links) for key, place in found.places.items()}
    if found.unused_inputs:
        boxes["unused inputs"] = _unused_box(found.unused_inputs)
    drawn = [(a, b) for a, b in found.graph.edges if a not in crowded or b == a]
    joined = {key: box for key, box in boxes.items() if any(key in edge for edge in drawn)}
    alone = {key: box for key, box in boxes.items() if key not in joined}
    arranged = arrange(_dot(joined, drawn, found)) if joined else {"bb": "0,0,0,0"}
    page = Page("rules")
    _, _, w, h = (float(v) for v in arranged["bb"].split(","))
    page.w = max(LANDSCAPE if len(boxes) > FEW else A3_LONG, w + 2 * MARGIN + 24)
    rules = program.numbered_rules
    strata = max(found.strata.values(), default=0) + 1
    undefined = sum(p.kind == "undefined" for p in found.places.values())
    counts = f"{len(rules)} rules, {len(found.places)} conclusions in {strata} {'stratum' if strata == 1 else 'strata'}"
    sub = f"{counts}; {len(found.recursive)} recursive, {undefined} undefined, {len(found.unused_inputs)} unused inputs"
    page.head(
        Head(f"{guideline.title}: rule map", sub, facts_of(guideline, "for rule authors", "read from left to right"))
    )
    if joined:
        x0, y0 = (page.w - w) / 2, page.y + 26
        _place(page, arranged, joined, drawn, found, x0, y0, h)
        page.y = y0 + h + 22
    if alone:
        _rows(page, alone)
    page.symbols(("Symbols", _legend()))
    page.rule()
    crowd = sorted(crowded)
    boxes_say = (
        "A box is a conclusion, or all advice on one intervention, with its rules and, behind arrows, what it reads.",
        "A stratum may use “not” on the strata to its left only.",
    )
    lines_say = (
        "Solid line: is read by. Dashed line with a ring: is read under “not”.",
        *((f"Named inside boxes because more than {CROWDED} read them: {', '.join(crowd)}.",) if crowd else ()),
        *missing_note(page.scene("", "").texts()),
    )
    page.notes([Notes("Boxes", boxes_say), Notes("Lines", lines_say)])
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
        lines += lines_of(place.hint, room, SMALL_BOLD, palette.BROWN)
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
    heights = [top + 24] * columns
    for box in boxes.values():
        column = heights.index(min(heights))
        page.boxes.append(box.moved(MARGIN + 12 + column * (W + 12), heights[column]))
        heights[column] += box.h + 8
    bottom = max(heights) + 4
    page.ground.append(Box("alone", "rounded", MARGIN, top, page.w - 2 * MARGIN, bottom - top, (), BAND_LOOK))
    words = "STANDING ALONE: what reads inputs, and conclusions named inside the box, only"
    page.text(MARGIN + 12, top + 7, room, lines_of(words, room, SMALL_BOLD, palette.SOFT), "alone-title")
    page.y = bottom + 10


def _dot(boxes: Mapping[str, Box], edges: list[tuple[str, str]], found: RuleMap) -> str:
    """Strata from left to right: an unseen box between two keeps all of the one left of all of the other."""
    graph = graphviz.Digraph(name="page")
    graph.attr(rankdir="LR", splines="spline")
    if len(boxes) > MANY:  # lines need room
        graph.attr(nodesep="0.25", ranksep="0.8")
    else:
        graph.attr(nodesep="0.14", ranksep="0.5", ratio="compress", size="16,8")
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
        page.ground.append(Box(f"stratum-{level}", "rounded", left, y0 - 24, right - left, h + 36, (), BAND_LOOK))
        words = f"STRATUM {level}"
        page.text(
            left + 14,
            y0 - 18,
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
        colour = palette.BROWN if negated else palette.SOFT
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
