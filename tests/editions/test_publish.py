"""A guideline as one file, opened from disk in Chromium without a network: the answers of the command line, byte for byte."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser_tools import axe_core, browser
from guidelog.diagnostics import InputError
from guidelog.editions.publish import Parts, find_parts, single_file, site
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline

ROOT = Path(__file__).parents[2]
KB = ROOT / "kb" / "lumbar_radiculopathy"
PYODIDE = ROOT / "node_modules" / "pyodide"
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")


@pytest.fixture(scope="module")
def parts() -> Parts:
    if not (PYODIDE / "pyodide.asm.wasm").is_file():
        pytest.skip("no Pyodide: npm install pyodide @hpcc-js/wasm-graphviz")
    return find_parts(PYODIDE, None)


def stand_in(folder: Path) -> Parts:
    """Files of the right names, for tests of what is written rather than of what it does."""
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"):
        (folder / name).write_bytes(b"x")
    return find_parts(folder, None)


def test_without_pyodide_it_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        find_parts(tmp_path, None)


def test_a_site_has_pages_that_lead_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "npm").mkdir()
    count = site(compile_guideline(load_guideline(str(KB)), {}), stand_in(tmp_path / "npm"), tmp_path / "public")
    pages = list((tmp_path / "public").rglob("*.html"))
    assert count == len(pages) > 100
    for page in pages:
        if page.parent == tmp_path / "public":
            continue
        text = page.read_text()
        assert "<script" not in text
        for link in re.findall(r'href="([^"#:]+)', text):
            assert (page.parent / link).resolve().is_file(), (page, link)


def test_the_file_asks_nothing_of_a_network(tmp_path: Path) -> None:
    text = single_file(compile_guideline(load_guideline(str(KB)), {}), stand_in(tmp_path))
    assert "connect-src blob: data:" in text
    start = text[: text.index('<script type="application/json"')]
    assert not re.search(r'(?:src|href)="(?:https?:)?//', start)
    assert 'name="before"' in start  # the certified answers for an empty record stand there before anything runs


@pytest.fixture(scope="module")
def opened(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if browser() is None:
        pytest.skip("no Chromium on this machine")
    file = tmp_path_factory.mktemp("edition") / "guideline.html"
    file.write_text(single_file(compile_guideline(load_guideline(str(KB)), {}), parts))
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        page = chromium.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        wrong: list[str] = []
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "blob:", "data:")) else wrong.append(r.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        yield page
        assert wrong == []
        chromium.close()


@pytest.mark.slow
def test_the_answers_are_those_of_the_command_line_byte_for_byte(opened: Any) -> None:
    """Every vignette."""
    names = sorted(p.stem for p in (KB / "vignettes").rglob("*.yaml"))
    paths = {p.stem: p for p in (KB / "vignettes").rglob("*.yaml")}
    assert len(names) > 150
    for name in names:
        told = subprocess.run(
            [sys.executable, "-m", "guidelog.cli", "ask", str(paths[name]), "--format", "json", "--engine", "compiled"],
            capture_output=True, check=True,
        )  # fmt: skip
        assert opened.evaluate("name => guidelogAnswers(name)", name).encode() == told.stdout, name


@pytest.mark.slow
def test_the_page_works_from_disk(opened: Any) -> None:
    opened.click("label:has(#i-saddle_anesthesia-present)")
    opened.wait_for_selector("#verdict.alarm")
    assert "Certified" in opened.inner_text("#aside")
    opened.click("#verdict a[href^='/review/statements/'] >> nth=0")
    opened.wait_for_selector("#drawer[open] >> text=Rules that encode it")
    opened.keyboard.press("Escape")
    opened.click("#verdict .reasons > summary >> nth=0")
    opened.click("#verdict .tools button >> nth=0")
    opened.wait_for_selector("#drawer[open] .explanation")
    axe = axe_core()
    if axe is not None:
        opened.evaluate(axe)
        found = opened.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [v["id"] for v in found["violations"]] == []
    opened.keyboard.press("Escape")
    assert json.loads(opened.evaluate("guidelogAnswers('seed')"))["answers"]
