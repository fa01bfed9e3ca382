"""DOT -> SVG, PNG, PDF: by the Graphviz inside the pygraphviz wheel, in this process, in the bundled fonts.

Works with an empty PATH and gives the same picture on every machine. Whatever Graphviz says on stderr is an error,
because it says so when a text does not fit or a font is missing, and then paints all the same. Painting is serialised:
Graphviz is not safe to use from two threads. `SYSTEM` uses the `dot` command of the machine instead.
`bind` puts the sheets of a picture into one PDF, titled and in order, each in its own size.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

from .fonts import missing, stand_ins

FORMATS = ("svg", "png", "pdf")
BUNDLED, SYSTEM = "bundled", "system"
DPI = 120
_LOCK = threading.Lock()
_OTHER: list[Callable[[str, str, str], bytes]] = []
_CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir>
<match target="font"><edit name="hinting" mode="assign"><bool>false</bool></edit></match>
<match target="font"><edit name="hintstyle" mode="assign"><const>hintnone</const></edit></match>
<match target="font"><edit name="antialias" mode="assign"><bool>true</bool></edit></match>
</fontconfig>
"""
# fontconfig also glances through the machine's own templates, which it does not use, and may find words there that are
# newer than itself.
_ABOUT_TEMPLATES = re.compile(r'Fontconfig warning: "[^"]*/conf\.avail/')
# Graphviz counts the links of a process, not of a picture.
_ANCHOR = re.compile(rb'<g id="a_[^"]*">')


class PaintError(Exception):
    """Graphviz failed, or had something to say."""


def paint(dot: str, format_: str, painter: str = BUNDLED) -> bytes:
    """The picture of a DOT text in one of `FORMATS`. Raises PaintError."""
    if format_ not in FORMATS:
        raise PaintError(f"`{format_}` is not one of {', '.join(FORMATS)}")
    # The fonts do not have these characters: an honest box in PNG and PDF, the real ones for the reader's fonts in SVG.
    standing = stand_ins(dot) if format_ == "svg" else {}
    for character in sorted(missing(dot)):
        dot = dot.replace(character, standing.get(character, "\u25a1"))
    if format_ == "png":
        dot = dot.replace("{\n", f"{{\n\tdpi={DPI}\n", 1)
    with _LOCK:
        picture = _system(dot, format_) if painter == SYSTEM else _bundled(dot, format_)
    if format_ == "svg":
        picture = _ANCHOR.sub(b"<g>", picture)
    if standing:
        text = picture.decode()
        for character, stand_in in standing.items():
            text = text.replace(stand_in, character).replace(f"&#{ord(stand_in)};", character)
        picture = text.encode()
    return picture


def arrange(dot: str) -> dict[str, Any]:
    """Graphviz's own `dot` layout of a graph, as its JSON: for graphs that no grid fits. Raises PaintError."""
    with _LOCK:
        found: dict[str, Any] = json.loads(_bundled(dot, "json", "dot"))
    return found


def paint_with(engine: Callable[[str, str, str], bytes] | None) -> None:
    """Have another Graphviz than the bundled one paint from now on: called with DOT, format and layout.

    For places where the bundled one cannot be, such as a browser; what it raises becomes a PaintError.
    """
    _OTHER[:] = [engine] if engine is not None else []


def _bundled(dot: str, format_: str, layout: str = "nop2") -> bytes:
    if _OTHER:
        try:
            return _OTHER[0](dot, format_, layout)
        except Exception as failure:  # noqa: BLE001 - whatever another engine raises
            raise PaintError(f"Graphviz says: {failure}") from None
    with _fonts():
        library = _library()
        with _silence() as said:
            graph = library.AGraph(string=dot)
            gv = sys.modules["pygraphviz.graphviz"]
            context = gv.gvContextWithBuiltins()
            try:
                failed = gv.gvLayout(context, graph.handle, layout.encode())
                result = (-1, b"") if failed else gv.gvRenderData(context, graph.handle, format_.encode())
                gv.gvFreeLayout(context, graph.handle)
            finally:
                graph.close()
                gv.gvFreeContext(context)
    words = said()
    if words:
        raise PaintError(f"Graphviz says: {words}")
    error, data = result
    if error or not data:
        raise PaintError(f"Graphviz could not paint the picture (error {error})")
    return bytes(data)


@cache
def _library() -> Any:
    try:
        import pygraphviz
    except ImportError:
        raise PaintError("there is no Graphviz here") from None
    return pygraphviz


def _system(dot: str, format_: str) -> bytes:
    import subprocess

    program = shutil.which("dot")
    if program is None:
        raise PaintError("there is no `dot` command on this machine; leave out --painter to use the bundled Graphviz")
    with _fonts():
        done = subprocess.run([program, "-Knop2", f"-T{format_}"], input=dot.encode(), capture_output=True, check=False)  # noqa: S603
    words = done.stderr.decode(errors="replace").strip()
    if words or done.returncode:
        raise PaintError(f"Graphviz says: {words or done.returncode}")
    return done.stdout


@contextmanager
def _fonts() -> Iterator[None]:
    """FONTCONFIG_FILE pointing at the bundled fonts while Graphviz works."""
    before = os.environ.get("FONTCONFIG_FILE")
    os.environ["FONTCONFIG_FILE"] = _font_config()
    try:
        yield
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before


@cache
def _font_config() -> str:
    folder = Path(tempfile.mkdtemp(prefix="guidelog-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fonts = resources.files(__package__).joinpath("fonts")
    config = folder / "fonts.conf"
    config.write_text(_CONFIG.format(fonts=fonts, cache=folder / "cache"), encoding="utf-8")
    return str(config)


@contextmanager
def _silence() -> Iterator[Any]:
    """File descriptor 2 into a file; what was said is read back afterwards."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as heard:
        kept = os.dup(2)
        words: list[str] = []
        try:
            os.dup2(heard.fileno(), 2)
            yield lambda: "".join(words)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            heard.seek(0)
            said = heard.read().decode(errors="replace").splitlines()
            words.append("\n".join(line for line in said if line.strip() and not _ABOUT_TEMPLATES.match(line)))


def bind(sheets: Sequence[bytes], title: str, names: Sequence[str]) -> bytes:
    """One PDF of painted ones; `names` are the outline entries that readers jump to, one for each sheet."""
    from pypdf import PdfWriter  # loaded for PDF only

    book = PdfWriter()
    for name, sheet in zip(names, sheets, strict=True):
        book.append(BytesIO(sheet), outline_item=name)
    book.add_metadata({"/Title": title})
    with BytesIO() as out:
        book.write(out)
        return out.getvalue()
