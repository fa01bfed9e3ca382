"""A diagram as part of a page that allows no inline style: the same SVG, with everything it needs in attributes.

Style sheets and `style` attributes of the drawing are turned into attributes of presentation, which a strict content
security policy allows; the focus ring of boxes is in static/app.css. Ids get a prefix, so that several pictures stand
on one page. Nothing is moved or recoloured.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from guidelog.diagrams.interchange import Picture
from guidelog.diagrams.pictures import rendered

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ADDRESS = re.compile(r"url\(#([^)]+)\)")
_LINKS = ("href", f"{{{_XLINK}}}href")


def inline_pages(picture: Picture, prefix: str) -> tuple[str, ...]:
    """The pages of a picture as elements to stand in HTML. Raises PaintError."""
    return tuple(
        inline(content.decode("utf-8"), f"{prefix}-{number}-")
        for number, (_, content) in enumerate(rendered(picture, "svg"), 1)
    )


def inline(svg: str, prefix: str) -> str:
    """One accessible SVG without inline style. Raises ParseError for what is not XML."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(svg)  # noqa: S314 - made by guidelog just now
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag == f"{{{_SVG}}}style"]:
            parent.remove(child)
    for element in root.iter():
        for key, value in _declarations(element.attrib.pop("style", "")):
            element.set(key, value)
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, prefix + value)
            elif key in ("aria-labelledby", "aria-describedby"):
                element.set(key, " ".join(prefix + word for word in value.split()))
            elif key in _LINKS and value.startswith("#"):
                element.set(key, f"#{prefix}{value[1:]}")
            elif "url(" in value:
                element.set(key, _ADDRESS.sub(lambda m: f"url(#{prefix}{m[1]})", value))
    # The page decides how large it is; the view box keeps its proportions.
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    root.set("class", "picture")
    return ElementTree.tostring(root, encoding="unicode")


def _declarations(style: str) -> list[tuple[str, str]]:
    found = (part.partition(":") for part in style.split(";") if ":" in part)
    return [(key.strip(), value.strip()) for key, _, value in found]
