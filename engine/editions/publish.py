"""A guideline as one HTML file that needs neither a server nor a network, or as a folder for any static host.

The file holds the unmodified engine with compiled backend and checker, the libraries it imports, the guideline, and
Pyodide to run them; pictures are painted by Graphviz compiled to WebAssembly. Both come from npm and are given as
folders, so that nothing is fetched here. The pages are those of the service, asked of it in this process.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import importlib.util
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.files import make_folder, write_text
from guidelog.web.app import create_app
from guidelog.web.pages.clinician.examples import examples
from guidelog.web.pages.templating import STATIC
from guidelog.web.settings import Settings

LIBRARIES = ("graphviz", "jinja2", "lark", "markupsafe", "networkx", "pyDatalog", "yaml")
"""What the engine imports besides the standard library; pure Python as it stands in the installation."""
PYODIDE = {
    "loader": "pyodide.mjs",
    "runtime": "pyodide.asm.mjs",
    "wasm": "pyodide.asm.wasm",
    "library": "python_stdlib.zip",
    "lock": "pyodide-lock.json",
}
GRAPHVIZ = "dist/index.js"
_SOURCES = (".css", ".html", ".js", ".json", ".lark", ".py", ".svg")
_GUIDELINE = ("*.dl", "*.toml", "vignettes/**/*.yaml")
_CSP = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src data:; worker-src blob:; connect-src blob: data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts that are not Python come from: folders of npm packages."""

    pyodide: Path
    graphviz: Path | None


def find_parts(pyodide: Path | None, graphviz: Path | None) -> Parts:
    """The packages, given or in `node_modules` here. Raises InputError (GL647)."""
    found = pyodide or Path("node_modules/pyodide")
    missing = [name for name in PYODIDE.values() if not (found / name).is_file()]
    if missing:
        raise InputError.of(
            "GL647",
            f"Pyodide is not in `{found}`: {missing[0]} is missing",
            hint="run `npm install pyodide @hpcc-js/wasm-graphviz`, or say where it is with --pyodide",
        )
    painter = graphviz or Path("node_modules/@hpcc-js/wasm-graphviz")
    if graphviz is not None and not (painter / GRAPHVIZ).is_file():
        raise InputError.of("GL647", f"Graphviz for WebAssembly is not in `{painter}`: {GRAPHVIZ} is missing")
    return Parts(found, painter if (painter / GRAPHVIZ).is_file() else None)


def single_file(compiled: Compiled, parts: Parts) -> str:
    """The whole guideline as one HTML page."""
    pages = asyncio.run(_pages(compiled))
    text = pages.pop("/")
    offered = [(e.name, e.says) for e in examples(compiled)]
    stored = json.dumps({"pages": pages, "offered": offered}, ensure_ascii=False).replace("</", "<\\/")
    text = re.sub(r'<meta name="htmx-config"[^>]*>', _once(_htmx_config()), text)
    text = text.replace(
        "<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{html.escape(_CSP)}">', 1
    )
    text = re.sub(r'<link rel="(?:icon|stylesheet)"[^>]*>\n?', "", text)
    text = re.sub(r"<script src=[^>]*></script>", "", text)
    text = re.sub(r'<a href="/author"[^>]*>[^<]*</a>', "", text)
    text = text.replace("</head>", f"<style>\n{_style()}\n</style>\n</head>", 1)
    data = "".join(
        f'<script type="application/octet-stream" id="edition-{name}">{content}</script>\n'
        for name, content in _packed(compiled, parts).items()
    )
    scripts = "".join(
        f"<script>{_script(name)}</script>\n" for name in ("edition.js", "htmx-2.0.11.min.js", "app.js", "record.js")
    )
    starting = "The answers below are for an empty record; the engine is starting."
    state = f'<p id="edition-state" class="wide edition-state" role="status">{starting}</p>'
    text = text.replace('<main id="main"', f'{state}\n<main id="main"', 1)
    page_data = f'<script type="application/json" id="edition-pages">{stored}</script>\n'
    return text.replace("</body>", f"{page_data}{data}{scripts}</body>", 1)


def site(compiled: Compiled, parts: Parts, folder: Path) -> int:
    """The same as a folder: the file as `index.html`, and each review page as a page of its own. How many pages."""
    make_folder(folder, private=False)
    write_text(folder / "index.html", single_file(compiled, parts), private=False)
    pages = asyncio.run(_pages(compiled))
    pages.pop("/")
    write_text(folder / "app.css", _style(), private=False)
    for path, text in pages.items():
        place = folder / path.lstrip("/") / "index.html"
        make_folder(place.parent, private=False)
        up = "../" * len(path.strip("/").split("/"))
        write_text(place, _static(text, up, pages), private=False)
    return len(pages) + 1


def _static(text: str, up: str, pages: Mapping[str, str]) -> str:
    """A page for a static host: links are relative, and what needs a server is left out."""
    text = re.sub(r'<link rel="stylesheet"[^>]*>', f'<link rel="stylesheet" href="{up}app.css">', text)
    text = re.sub(r'<link rel="icon"[^>]*>\n?', "", text)
    text = re.sub(r"<script src=[^>]*></script>", "", text)
    text = re.sub(r'<a href="/author"[^>]*>[^<]*</a>', "", text)
    text = re.sub(r'<form [^>]*method="post".*?</form>', "", text, flags=re.DOTALL)

    def relative(match: re.Match[str]) -> str:
        path, mark, fragment = match[1].partition("#")
        if path == "/":
            return f'href="{up}index.html"'
        return f'href="{up}{path.strip("/")}/index.html{mark}{fragment}"' if path in pages else 'role="none"'

    return re.sub(r'(?<=\s)(?:xlink:)?href="(/[^"]*)"', relative, text)


async def _pages(compiled: Compiled) -> dict[str, str]:
    """The pages that do not depend on a patient, and the empty form, as the service gives them."""
    where = compiled.guideline.folder.absolute()
    app = create_app(
        Settings(guideline=str(where), readings=dict(compiled.readings), workers=0, rate=1e6, burst=1_000_000)
    )
    found: dict[str, str] = {}
    async with app.router.lifespan_context(app):
        waiting = ["/", "/review"]
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            text = await _get(app, path)
            if text is None:
                continue
            found[path] = text
            links = re.findall(r'href="(/review[^"#?]*)', text)
            waiting += [link for link in dict.fromkeys(links) if link not in found and _kept(link)]
    return {"/": found.pop("/"), **{path: found[path] for path in sorted(found)}}


def _kept(path: str) -> bool:
    """Whether a review page belongs in an edition: reading, not the rule files and not each vignette."""
    return not path.startswith(("/review/files", "/review/vignettes/", "/review/changes"))


async def _get(app: Any, path: str) -> str | None:
    """One page by the application itself; None where it has none."""
    status = 0
    body = bytearray()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"accept", b"text/html")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return body.decode() if status == 200 else None


def _packed(compiled: Compiled, parts: Parts) -> dict[str, str]:
    files = {name: (parts.pyodide / file).read_bytes() for name, file in PYODIDE.items()}
    files["site"] = _site_archive(compiled)
    if parts.graphviz is not None:
        files["graphviz"] = (parts.graphviz / GRAPHVIZ).read_bytes()
    return {name: base64.b64encode(gzip.compress(content, 9, mtime=0)).decode() for name, content in files.items()}


def _site_archive(compiled: Compiled) -> bytes:
    """The engine, its libraries and the guideline, as an archive that the page unpacks. Always the same bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(_site_files(compiled)):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return written.getvalue()


def _site_files(compiled: Compiled) -> Iterator[tuple[str, bytes]]:
    engine = Path(__file__).parent.parent
    for path in engine.rglob("*"):
        if path.suffix in _SOURCES and path.is_file() and "__pycache__" not in path.parts:
            yield f"guidelog/{path.relative_to(engine).as_posix()}", path.read_bytes()
    for library in LIBRARIES:
        spec = importlib.util.find_spec(library)
        if spec is None or spec.origin is None:
            raise InputError.of("GL647", f"the library {library} is not installed, and the file needs it")
        folder = Path(spec.origin).parent
        for path in folder.rglob("*"):
            if path.suffix in (".py", ".lark") and "tests" not in path.parts:
                yield f"{library}/{path.relative_to(folder).as_posix()}", path.read_bytes()
    root = compiled.guideline.folder
    for pattern in _GUIDELINE:
        for path in root.glob(pattern):
            yield f"guideline/{path.relative_to(root).as_posix()}", path.read_bytes()


def _style() -> str:
    """The style sheet without the fonts of a server: those of the machine are used."""
    return re.sub(r"@font-face \{[^}]*\}\n?", "", (STATIC / "app.css").read_text(encoding="utf-8"))


def _script(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8").replace("</script", "<\\/script")


def _htmx_config() -> str:
    config = {
        "allowEval": False, "includeIndicatorStyles": False, "historyEnabled": False, "selfRequestsOnly": False,
        "globalViewTransitions": False, "scrollIntoViewOnBoost": False, "timeout": 0,
    }  # fmt: skip
    return f'<meta name="htmx-config" content="{html.escape(json.dumps(config))}">'


def _once(text: str) -> Any:
    return lambda _match: text
