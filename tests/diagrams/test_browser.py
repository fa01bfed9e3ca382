"""The SVG in a browser: axe-core finds nothing serious, and the tab key reaches every box.

Optional: needs Chromium (Debian's `chromium`) and axe-core (the file named by AXE_CORE, or node_modules/axe-core).
Skipped with the reason where one is missing.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from browser_tools import axe_core, browser

ROOT = Path(__file__).parents[2]
PICTURES = (
    "pathway",
    "rules",
    "first-visit-patient",
    "first-visit-proof",
    "first-visit-why-not",
)
_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Picture</title></head>
<body><main><h1>Picture</h1>{svg}</main><pre id="result"></pre>
<script>{axe}</script>
<script>
const boxes = [...document.querySelectorAll('svg [tabindex="0"]')];
const reached = boxes.filter(b => {{ b.focus(); return document.activeElement === b; }}).length;
axe.run(document.querySelector('svg')).then(r => {{
  document.getElementById('result').textContent = JSON.stringify({{
    boxes: boxes.length, reached: reached,
    violations: r.violations.map(v => ({{id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.length,
                                         html: v.nodes[0].html.slice(0, 200)}}))}});
}});
</script></body></html>"""


def opened(svg: str, folder: Path) -> dict[str, Any]:
    """What the browser says about a picture."""
    chromium, axe = browser(), axe_core()
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    if axe is None:
        pytest.skip("no axe-core: set AXE_CORE to axe.min.js")
    page = folder / "page.html"
    inline = re.sub(r"<\\?xml[^>]*\\?>", "", svg).replace('<?xml version="1.0" encoding="UTF-8"?>', "")
    page.write_text(_PAGE.format(svg=inline, axe=axe), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'profile'}",
    ]
    done = subprocess.run(
        [chromium, *options, "--dump-dom", page.as_uri()], capture_output=True, check=False, timeout=120
    )
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout.decode(errors="replace"), re.DOTALL)
    assert found, done.stderr.decode(errors="replace")[-500:]
    assert found[1], "axe did not finish"
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


@pytest.mark.parametrize("name", PICTURES)
def test_in_a_browser(name: str, tmp_path: Path) -> None:
    svg = (ROOT / "diagrams" / f"{name}.svg").read_text(encoding="utf-8")
    result = opened(svg, tmp_path)
    assert [v for v in result["violations"] if v["impact"] in ("serious", "critical")] == []
    assert result["boxes"] == result["reached"] == svg.count('tabindex="0"')


def test_the_browser_test_can_fail(tmp_path: Path) -> None:
    svg = (ROOT / "diagrams" / "pathway.svg").read_text(encoding="utf-8")
    silent = re.sub(r' aria-labelledby="[^"]*"|<title.*?</title>|<desc.*?</desc>', "", svg)
    bad = silent.replace('role="graphics-document document"', 'role="img"')
    assert [v["id"] for v in opened(bad, tmp_path)["violations"] if v["impact"] == "serious"]


@pytest.mark.parametrize("name", ["pathway", "first-visit-proof"])
def test_the_tab_key_reaches_every_box(name: str) -> None:
    """Real key presses on the file as it is opened from the disk: every box comes, once, in the order of the page."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if browser() is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto((ROOT / "diagrams" / f"{name}.svg").as_uri())
        stops = "[...document.querySelectorAll('[tabindex=\"0\"], a')]"
        expected = page.evaluate(f"{stops}.length")
        reached = []
        for _ in range(expected):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(f"{stops}.indexOf(document.activeElement)"))
        chromium.close()
    assert expected > 0
    assert reached == list(range(expected))
