"""Scene -> DOT, with every position in it: `layout=nop2`, so that Graphviz paints and moves nothing.

Each box is a node with an HTML-like label of rows of fixed size; a text that is wider than the stored width table says
makes Graphviz complain, which `paint` turns into an error. Node names are made here, so that no author's text is ever
an identifier.
"""

from __future__ import annotations

import math
import re
from html import escape

import graphviz

from .fonts import MONO, SANS, Run, clean, width
from .palette import INK
from .scene import CHIP, CHIP_HEIGHT, SMALL_BOLD, Box, Chip, Edge, Line, Point, Scene

_SHAPES = {"box": "box", "rounded": "box", "hexagon": "hexagon", "oval": "ellipse", "bare": "none"}
_FRAME = 2.0  # Graphviz keeps a point free on each side of a label
_EDGE = 5.0  # between a chip and the right side of its box
_RADIUS = 6.0
ARROW = 9.0


def to_dot(scene: Scene) -> str:
    """The DOT text of a page."""
    graph = graphviz.Digraph(name="page")
    graph.attr(
        layout="nop2",
        bb=f"0,0,{_n(scene.w)},{_n(scene.h)}",
        pad="0",
        margin="0",
        outputorder="nodesfirst",
        bgcolor="white",
        fontname=SANS,
        charset="UTF-8",
        notranslate="true",
    )
    graph.attr("node", fontname=SANS, margin="0", fixedsize="true")
    graph.attr("edge", fontname=SANS, arrowsize="0.75")
    names: dict[str, str] = {}
    # The page itself: Graphviz takes the size of the picture from what is on it.
    graph.node(
        "page",
        label="",
        shape="box",
        style="filled",
        fillcolor="white",
        color="white",
        penwidth="0",
        id="paper",
        **_place(Box("page", "box", 0, 0, scene.w, scene.h), scene),
    )
    for number, box in enumerate((*scene.ground, *scene.boxes, *scene.legend)):
        names[box.id] = f"n{number}"
        _node(graph, names[box.id], box, scene)
    for number, edge in enumerate(scene.edges):
        _edge(graph, names, number, edge, scene)
    return str(graph.source)


def element_id(text: str) -> str:
    """A safe id for an SVG element; different texts of one scene keep different ids."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda m: f"_{ord(m[0]):x}_", text)


def _node(graph: graphviz.Digraph, name: str, box: Box, scene: Scene) -> None:
    look = box.look
    attributes = {
        "id": element_id(box.id),
        "label": _label(box) if box.lines else "",
        "shape": _SHAPES[box.shape],
        **_place(box, scene),
    }
    if box.shape != "bare":
        styles = ["filled"] + (["rounded"] if box.shape == "rounded" else [])
        if look.dash != "solid":
            styles.append(look.dash)
        attributes |= {
            "style": ",".join(styles),
            "fillcolor": look.fill,
            "color": look.line,
            "penwidth": _n(look.weight),
        }
    graph.node(name, **attributes)


def _place(box: Box, scene: Scene) -> dict[str, str]:
    x, y = box.centre
    frame = _FRAME + 0.1 if box.shape == "bare" else 0.0
    size = {"width": _n((box.w + frame) / 72, 4), "height": _n((box.h + frame) / 72, 4)}
    return {"pos": f"{_n(x)},{_n(scene.h - y)}!", **size}


def _label(box: Box) -> str:
    """Rows of the width that the lines may use, from the top or in the middle of the box."""
    inner = box.w - 2 * (1.0 if box.shape in ("hexagon", "oval") else box.pad)
    used = sum(line.height for line in box.lines)
    free = max(0.0, box.h - used - _FRAME)
    above = box.top or free / 2
    rows = []
    if above >= 1:
        rows.append(_row("", inner, above))
    rows += [_line(line, inner) for line in box.lines]
    if free - above >= 1:
        rows.append(_row("", inner, free - above))
    return f'<<TABLE {_PLAIN} CELLSPACING="0">{"".join(rows)}</TABLE>>'


_PLAIN = 'BORDER="0" CELLBORDER="0" CELLPADDING="0"'


def _row(content: str, w: float, h: float, align: str = "LEFT", fill: str | None = None) -> str:
    ground = f' BGCOLOR="{fill}"' if fill else ""
    return f"<TR>{_cell(content, w, h, align, ground)}</TR>"


def _cell(content: str, w: float, h: float, align: str = "LEFT", more: str = "") -> str:
    return f'<TD FIXEDSIZE="TRUE" WIDTH="{int(w)}" HEIGHT="{int(h)}" ALIGN="{align}"{more}>{content}</TD>'


def _line(line: Line, inner: float) -> str:
    align = {"left": "LEFT", "centre": "CENTER"}[line.align]
    if not line.runs and not line.chip and not line.right:
        return _row("", inner, line.height, fill=line.fill)
    cells = []
    left = inner
    if line.indent:
        if line.mark:
            font = line.runs[0].font if line.runs else SMALL_BOLD
            bullet_width = min(line.indent, math.ceil(width(line.mark + " ", font)))
            if line.indent - bullet_width >= 0.5:
                cells.append(_cell("", line.indent - bullet_width, line.height))
            cells.append(
                _cell(_run(Run(line.mark, font, line.runs[0].colour if line.runs else INK)), bullet_width, line.height)
            )
        else:
            cells.append(_cell("", line.indent, line.height))
        left -= line.indent
    if line.chip:
        if line.align == "centre":
            side = (left - line.chip.width) / 2
            content = [_cell("", side, line.height), _chip(line.chip), _cell("", side, line.height)]
            return _row(_table("".join(content)), inner, line.height, fill=line.fill)
        cells.append(_chip(line.chip))
        left -= line.chip.width
        if line.runs:
            cells.append(_cell("", 6, line.height))
            left -= 6
    if line.right:
        left -= line.right.width + _EDGE
    if line.runs or left >= 1:
        cells.append(_text_cell(line, left, align))
    if line.right:
        cells += [_chip(line.right), _cell("", _EDGE, line.height)]
    if len(cells) == 1:
        return f"<TR>{cells[0]}</TR>" if not line.fill else _row(_table(cells[0]), inner, line.height, fill=line.fill)
    return _row(_table("".join(cells)), inner, line.height, fill=line.fill)


def _table(cells: str) -> str:
    return f'<TABLE {_PLAIN} CELLSPACING="0"><TR>{cells}</TR></TABLE>'


def _text_cell(line: Line, w: float, align: str) -> str:
    if not any(run.href for run in line.runs):
        return _cell("".join(map(_run, line.runs)), w, line.height, align)
    # A link is a cell of its own, because Graphviz links cells and not text.
    cells = []
    left = w
    for run in line.runs:
        # A cell loses spaces at its ends: they become empty cells.
        text = run.text
        lead, tail = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
        space = run.font.size * 0.18  # the words beside it are given a little more room than they take
        stripped = text.strip()
        for amount, part in (
            (int(lead * space), ""),
            (math.ceil(width(stripped, run.font)), stripped),
            (int(tail * space), ""),
        ):
            if amount > 0:
                href = ""
                if part and run.href:
                    href = f' HREF="{escape(run.href, quote=True)}" TITLE="{escape(stripped, quote=True)}"'
                cells.append(_cell(_run(run._replace(text=part)) if part else "", amount, line.height, "LEFT", href))
                left -= amount
    if left >= 1:
        cells.append(_cell("", left, line.height))
    return (
        f'<TD FIXEDSIZE="TRUE" WIDTH="{int(w)}" HEIGHT="{int(line.height)}" ALIGN="LEFT">{_table("".join(cells))}</TD>'
    )


def _chip(chip: Chip) -> str:
    text = _run(Run(chip.word, CHIP, chip.text))
    return _cell(text, chip.width, CHIP_HEIGHT, "CENTER", f' BGCOLOR="{chip.fill}"')


def _run(run: Run) -> str:
    text = escape(clean_keep(run.text), quote=True).replace("  ", " &#160;")
    if not text:
        return ""
    if run.struck or run.inserted:
        tag = "S" if run.struck else "U"
        lead = " " if text.startswith(" ") else ""  # the line begins at the word
        text = f"{lead}<{tag}>{text.removeprefix(' ')}</{tag}>"
    if run.font.bold:
        text = f"<B>{text}</B>"
    elif run.font.italic and run.font.family != MONO:
        text = f"<I>{text}</I>"
    face = f' FACE="{run.font.family}"' if run.font.family != SANS else ""
    return f'<FONT POINT-SIZE="{_n(run.font.size)}" COLOR="{run.colour}"{face}>{text}</FONT>'


def clean_keep(text: str) -> str:
    """Cleaned, with the spaces at the ends kept."""
    lead = " " if text[:1] == " " else ""
    tail = " " if len(text) > 1 and text[-1:] == " " else ""
    return f"{lead}{clean(text)}{tail}"


def _edge(graph: graphviz.Digraph, names: dict[str, str], number: int, edge: Edge, scene: Scene) -> None:
    points = [(x, scene.h - y) for x, y in edge.points]
    tip = points[-1]
    ended = edge.arrow != "none"
    curve = _pulled(points) if edge.smooth and ended else points if edge.smooth else _curve(points, ended)
    position = " ".join(f"{_n(x)},{_n(y)}" for x, y in curve)
    attributes = {
        "id": f"edge-{number}",
        "pos": f"e,{_n(tip[0])},{_n(tip[1])} {position}" if ended else position,
        "color": edge.colour,
        "penwidth": _n(edge.weight),
        "style": edge.dash,
        "arrowhead": edge.arrow,
    }
    if edge.label:
        x, y = edge.label_at
        attributes |= {
            "label": f'<<FONT POINT-SIZE="9.5" COLOR="{INK}"><B>{escape(clean(edge.label))}</B></FONT>>',
            "lp": f"{_n(x)},{_n(scene.h - y)}",
        }
    tail, head = names.get(edge.tail, "page"), names.get(edge.head, "page")
    graph.edge(tail, head, **attributes)


def _curve(points: list[Point], ended: bool) -> list[Point]:
    """Control points of a line with rounded corners; the last stretch leaves room for the arrow."""
    points = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    if ended:
        points[-1] = _towards(points[-1], points[-2], min(ARROW, _distance(points[-1], points[-2]) * 0.6))
    curve = [points[0]]
    at = points[0]
    for index in range(1, len(points)):
        corner = points[index]
        if index < len(points) - 1:
            following = points[index + 1]
            r = min(_RADIUS, _distance(at, corner) / 2, _distance(corner, following) / 2)
            before, after = _towards(corner, at, r), _towards(corner, following, r)
            curve += [*_straight(at, before), before]
            curve += [_towards(corner, before, r * 0.45), _towards(corner, after, r * 0.45), after]
            at = after
        else:
            curve += [*_straight(at, corner), corner]
    return curve


def _pulled(points: list[Point]) -> list[Point]:
    return [*points[:-1], _towards(points[-1], points[-2], min(ARROW, _distance(points[-1], points[-2]) * 0.6))]


def _straight(a: Point, b: Point) -> list[Point]:
    return [((2 * a[0] + b[0]) / 3, (2 * a[1] + b[1]) / 3), ((a[0] + 2 * b[0]) / 3, (a[1] + 2 * b[1]) / 3)]


def _distance(a: Point, b: Point) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)


def _towards(a: Point, b: Point, length: float) -> Point:
    d = _distance(a, b)
    return (a[0] + (b[0] - a[0]) * length / d, a[1] + (b[1] - a[1]) * length / d) if d else a


def _n(value: float, digits: int = 2) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
