"""Geometry read back from a painted SVG: what overlaps, what is cut, which line runs through which box.

Reads the file that Graphviz wrote, not the scene that asked for it.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from guidelog.diagrams.drawing.fonts import Font, width

_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Shape:
    """A node: its outline's points (empty for free text) and its texts as (x, y, width, size, words)."""

    name: str
    points: tuple[tuple[float, float], ...]
    texts: tuple[tuple[float, float, float, float, str], ...]

    @property
    def box(self) -> tuple[float, float, float, float]:
        xs, ys = [p[0] for p in self.points], [p[1] for p in self.points]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True)
class Picture:
    """A page: its size, its nodes, its lines as sampled points with the names of what they join."""

    w: float
    h: float
    shapes: tuple[Shape, ...]
    lines: tuple[tuple[tuple[float, float], ...], ...]


def parse(svg: bytes | str) -> Picture:
    """The geometry of an SVG that Graphviz painted."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own file
    w, h = (float(v) for v in (root.get("viewBox") or "").split()[2:])
    shapes, lines = [], []
    for group in root.iter(f"{_SVG}g"):
        if group.get("class") == "node" and group.get("id") != "paper":
            shapes.append(_shape(group, h))
        elif group.get("class") == "edge":
            lines += [_sampled(p.get("d") or "", h) for p in group.iter(f"{_SVG}path") if p.get("fill") == "none"]
    return Picture(w, h, tuple(shapes), tuple(lines))


def _shape(group: ElementTree.Element, h: float) -> Shape:
    points: list[tuple[float, float]] = []
    for child in group:
        if child.tag in (f"{_SVG}polygon", f"{_SVG}path") and not points and child.get("stroke") != "none":
            numbers = [float(n) for n in _NUMBER.findall(child.get("points") or child.get("d") or "")]
            points = [(x, y + h) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    texts = []
    for text in group.iter(f"{_SVG}text"):
        words = "".join(text.itertext())
        size = float(text.get("font-size") or 0)
        family = "Liberation Mono" if "Mono" in (text.get("font-family") or "") else "Liberation Sans"
        font = Font(size, text.get("font-weight") == "bold", text.get("font-style") == "italic", family)
        texts.append((float(text.get("x") or 0), float(text.get("y") or 0) + h, width(words, font) - 2, size, words))
    return Shape(group.get("id") or "", tuple(points), tuple(texts))


def _sampled(d: str, h: float) -> tuple[tuple[float, float], ...]:
    numbers = [float(n) for n in _NUMBER.findall(d)]
    points = [(x, y + h) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    found = [points[0]]
    for i in range(0, len(points) - 3, 3):
        a, b, c, e = points[i : i + 4]
        steps = max(4, int((abs(a[0] - e[0]) + abs(a[1] - e[1])) / 3))
        for step in range(1, steps + 1):
            t = step / steps
            u = 1 - t
            found.append(
                tuple(u**3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t**3 * e[k] for k in (0, 1))  # type: ignore[arg-type]
            )
    return tuple(found)


def overlaps(picture: Picture, ground: tuple[str, ...] = ("phase-", "stratum-", "alone")) -> list[str]:
    """Pairs of boxes that overlap, bands aside; touching cells of a table are not an overlap."""
    boxes = [s for s in picture.shapes if s.points and not _is_ground(s, ground)]
    found = []
    for i, a in enumerate(boxes):
        left, top, right, bottom = a.box
        for b in boxes[i + 1 :]:
            x1, y1, x2, y2 = b.box
            if left < x2 - 0.5 and x1 < right - 0.5 and top < y2 - 0.5 and y1 < bottom - 0.5:
                found.append(f"{a.name} and {b.name}")
    return found


def cut_texts(picture: Picture) -> list[str]:
    """Texts that reach out of their box, or of the page."""
    found = []
    for shape in picture.shapes:
        for x, y, w, size, words in shape.texts:
            if not words.strip():
                continue
            if x < 0 or x + w > picture.w or y - size < 0 or y > picture.h:
                found.append(f"off the page: {words}")
            elif shape.points:
                for corner in ((x, y - size * 0.72), (x + w, y - size * 0.72), (x, y), (x + w, y)):
                    if not _inside(corner, shape):
                        found.append(f"{shape.name}: {words}")
                        break
    return found


def overlapping_texts(picture: Picture) -> list[str]:
    """Texts that lie over each other."""
    found = []
    placed = [text for shape in picture.shapes for text in shape.texts if text[4].strip()]
    texts = [(x, y - size * 0.7, x + w, y, words) for x, y, w, size, words in placed]
    texts.sort()
    for i, (x1, y1, x2, y2, words) in enumerate(texts):
        for a1, b1, a2, b2, other in texts[i + 1 :]:
            if a1 >= x2 - 1.5:
                break
            # The widths are upper bounds: two runs of one line may seem to touch.
            slack = 0.1 * (x2 - x1) if abs(y2 - b2) < 0.1 else 1.5
            if y1 < b2 - 1 and b1 < y2 - 1 and a1 < x2 - max(slack, 1.5) and x1 < a2:
                found.append(f"`{words}` and `{other}`")
    return found


def crossed_boxes(picture: Picture, ground: tuple[str, ...] = ("phase-", "stratum-", "alone")) -> list[str]:
    """Boxes that a line runs through; a line may touch the boxes that it joins."""
    other = (*ground, "legend", "rule-", "change-")
    boxes = [s for s in picture.shapes if s.points and not _is_ground(s, other)]
    boxes += [s for s in picture.shapes if s.points and s.name.startswith("rule-") and s.texts]
    found = []
    for number, line in enumerate(picture.lines):
        for shape in boxes:
            left, top, right, bottom = shape.box
            within = (p for p in line if left + 2.5 < p[0] < right - 2.5 and top + 2.5 < p[1] < bottom - 2.5)
            if any(_inside(p, shape) for p in within):
                found.append(f"line {number} through {shape.name}")
    return found


def _is_ground(shape: Shape, ground: tuple[str, ...]) -> bool:
    return shape.name.startswith(ground)


def _inside(point: tuple[float, float], shape: Shape) -> bool:
    """Within the outline, with half a point of tolerance; curves are taken as their control polygon."""
    left, top, right, bottom = shape.box
    x, y = point
    if not (left - 0.5 <= x <= right + 0.5 and top - 0.5 <= y <= bottom + 0.5):
        return False
    if len(shape.points) != 7:  # only a hexagon has less room than its bounding box
        return True
    points = shape.points
    crossings = 0
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            crossings += 1
    return crossings % 2 == 1
