"""Graphviz's SVG -> an accessible one.

`role="graphics-document"` with title and description; each box a `graphics-object` with an accessible name that the
keyboard reaches in reading order; what only decorates is hidden from screen readers. Nothing is moved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from .dot import element_id
from .fonts import MONO, SANS, Font, missing, natural_width
from .scene import Scene

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_FAMILIES: Mapping[str, str] = {
    "Liberation Sans": "'Liberation Sans', Arimo, Arial, Helvetica, sans-serif",
    "Liberation Mono": "'Liberation Mono', Cousine, 'Courier New', monospace",
}
_STYLE = "g[tabindex]:focus{outline:2.5px solid #0b3f7a;outline-offset:2px}a:focus{outline:2px solid #0b3f7a}"


def accessible(svg: bytes, scene: Scene) -> str:
    """The SVG with roles, names and a tab order. Raises ParseError for what is not XML."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    text = re.sub(r"<!DOCTYPE[^>]*>", "", svg.decode("utf-8"), count=1)
    root = ElementTree.fromstring(text)  # noqa: S314 - made by Graphviz just now
    root.set("role", "graphics-document document")
    root.set("aria-labelledby", "title desc")
    root.set("lang", "en")
    for parent in root.iter():
        for child in [c for c in parent if c.tag == f"{{{_SVG}}}title"]:
            parent.remove(child)
    heading = []
    for tag, identity, words in (("title", "title", scene.title), ("desc", "desc", scene.desc)):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": identity})
        element.text = words
        element.tail = "\n"
        heading.append(element)
    style = ElementTree.Element(f"{{{_SVG}}}style")
    style.text = _STYLE
    style.tail = "\n"
    for place, element in enumerate((*heading, style)):
        root.insert(place, element)
    labels = {element_id(box.id): box.label for box in (*scene.ground, *scene.boxes, *scene.legend)}
    for group in root.iter(f"{{{_SVG}}}g"):
        _describe(group, labels)
    for element in root.iter():
        family = element.get("font-family")
        if family:
            element.set("font-family", _FAMILIES.get(family.split(",")[0], family))
        if element.tag == f"{{{_SVG}}}text":
            _hold(element)
        if element.tag == f"{{{_SVG}}}a":
            title = element.attrib.pop(f"{{{_XLINK}}}title", None)
            if title:
                element.set("aria-label", title)
    body = ElementTree.tostring(root, encoding="unicode")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + body + "\n"


def _hold(element: ElementTree.Element) -> None:
    """Tell the browser how wide a text is, so that it stays in its box in whatever font the reader has."""
    text = element.text or ""
    if not text.strip() or missing(text):
        return
    family = MONO if "Mono" in (element.get("font-family") or "") else SANS
    bold, italic = element.get("font-weight") == "bold", element.get("font-style") == "italic"
    font = Font(float(element.get("font-size") or 0), bold, italic, family)
    element.set("textLength", f"{natural_width(text, font):.1f}")
    element.set("lengthAdjust", "spacingAndGlyphs")


def _describe(group: ElementTree.Element, labels: Mapping[str, str]) -> None:
    kind, identity = group.get("class"), group.get("id", "")
    if kind == "graph":
        group.set("role", "presentation")
    elif kind == "edge":
        group.set("aria-hidden", "true")  # the outline and the boxes' names say where each edge leads
    elif kind == "node":
        label = labels.get(identity, "")
        if label:
            group.set("role", "graphics-object")
            group.set("tabindex", "0")
            group.set("aria-label", label)
        elif identity == "paper":
            group.set("aria-hidden", "true")
