"""The pages in Debian's Chromium: a case from the empty form to its answers by keyboard, axe-core, phone, dark, print, two patients.

Skipped with the reason where Chromium or Playwright is missing; axe-core is looked for as in test_diagrams_browser.py. One server for
all of them, in a thread of this process, with one worker process.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from browser_tools import axe_core, browser
from guidelog.web.app import create_app
from guidelog.web.settings import Settings
from web_site import KB

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(browser() is None, reason="no Chromium on this machine")

MAIN = ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation", "surgical_referral")
WAIT = 60_000
ABORTED = ("htmx:afterRequest", "htmx:sendAbort")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(guideline=str(KB), port=port, workers=1, rate=1000, burst=1000, seconds=60)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        found = play.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def opened(chromium: Any, address: str, **how: Any) -> Iterator[Any]:
    """A browser of its own; fails for a request to elsewhere, a script error, or something the content policy refused."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    wrong: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((address, "data:")) else wrong.append(r.url))
    page.on("pageerror", lambda e: wrong.append(str(e)))
    # A request that a newer one replaces is aborted, which htmx writes down as well.
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" and not m.text.startswith(ABORTED) else None)
    page.goto(address)
    yield page
    assert wrong == []
    context.close()


def statuses(page: Any) -> dict[str, str]:
    """The statuses on the page, by intervention."""
    return dict(word.split("=") for word in page.get_attribute("input[name=before]", "value").split())


def settled(page: Any, name: str, status: str) -> None:
    """Wait until an answer is there."""
    page.wait_for_selector(f'input[name=before][value*="{name}={status}"]', state="attached")


def load(page: Any, name: str) -> None:
    page.set_input_files("#file", KB / "vignettes" / f"{name}.yaml")
    page.click("#load button")
    page.wait_for_selector(".loaded")


def violations(page: Any) -> list[Any]:
    axe = axe_core()
    if axe is None:
        pytest.skip("no axe-core: set AXE_CORE to axe.min.js")
    # Not as an element of the page, which its content policy would refuse.
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (v["id"], v["nodes"][0]["html"][:160], v["nodes"][0].get("failureSummary", "")[:200])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def choose(page: Any, name: str, value: str) -> None:
    """Answer by keyboard: into the group, then with the arrow keys."""
    page.focus(f"#i-{name}-present")
    for _ in range(("present", "absent", "unknown").index(value)):
        page.keyboard.press("ArrowRight")
    if value == "present":
        page.keyboard.press("Space")


def test_the_seed_case_by_keyboard_from_the_empty_form(chromium: Any, address: str) -> None:
    """Only keys; the answers are the article's own, and the focus stays where it was."""
    with opened(chromium, address) as page:
        assert set(statuses(page).values()) == {"undetermined"}
        for name in (
            "chronic_radiculopathy",
            "level_l5_s1",
            "low_back_pain",
            "radiating_left",
            "radiating_right",
            "ncs_chronic_reinnervation",
        ):
            choose(page, name, "present")
        choose(page, "ncs_acute_denervation", "absent")
        page.focus("#i-conservative_care_weeks")
        page.keyboard.type("0")
        settled(page, "nerve_root_injection", "not_now")
        assert page.evaluate("document.activeElement.id") == "i-conservative_care_weeks"
        found = statuses(page)
        assert [found[n] for n in MAIN] == ["undetermined", "not_now", "not_now", "undetermined"]
        assert "Have you asked about and examined for every red flag" in page.inner_text("#next-title")
        assert "now not now" in page.inner_text("#announce").lower()
        # The question at the top, by its button; then the next question has the focus.
        page.focus("#next-absent")
        page.keyboard.press("Enter")
        settled(page, "mri_lumbar", "not_now")
        page.wait_for_function("document.activeElement.id === 'next-title'")
        assert [statuses(page)[n] for n in MAIN] == ["not_now"] * 4
        assert page.is_checked("#i-red_flags-complete")
        assert "Because the red flag screen is recorded as complete" in page.inner_text(".assumed")
        assert page.inner_text("#h-saddle_anesthesia").startswith("Assumed:")


@pytest.mark.slow
def test_details_stay_open_and_errors_stand_at_the_field(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        load(page, "seed")
        page.click("#d-mri_lumbar > summary")
        page.fill("#i-conservative_care_weeks", "8,5")
        page.wait_for_selector("#next.wrong")
        assert "write 8.5 with a point" in page.inner_text("#h-conservative_care_weeks")
        assert page.query_selector("input[name=before]") is None
        page.fill("#i-conservative_care_weeks", "8.5")
        page.wait_for_selector("#next:not(.wrong)")
        assert page.evaluate("document.getElementById('d-mri_lumbar').open")
        assert page.evaluate("document.activeElement.id") == "i-conservative_care_weeks"


@pytest.mark.slow
def test_an_irrelevant_question_is_greyed_with_the_reason(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        load(page, "seed-screen-negative")
        assert "Cannot change an answer now" in page.inner_text("#h-surgical_candidate")
        grey = page.evaluate("getComputedStyle(document.querySelector('#q-surgical_candidate legend')).color")
        ink = page.evaluate("getComputedStyle(document.querySelector('#q-chronic_radiculopathy legend')).color")
        assert grey != ink
        choose(page, "saddle_anesthesia", "present")
        settled(page, "mri_lumbar", "urgent")
        assert page.inner_text("#next .at-once").startswith("Urgent: MRI of the lumbar spine")


@pytest.mark.slow
def test_without_javascript(chromium: Any, address: str) -> None:
    with opened(chromium, address, java_script_enabled=False) as page:
        page.check("#i-saddle_anesthesia-present", force=True)
        page.check("#show-pathway")
        page.click(".show-answers")
        page.wait_for_selector(".picture")
        assert statuses(page)["mri_lumbar"] == "urgent"
        page.click("#a-mri_lumbar .tools button")
        page.wait_for_selector(".explanation")
        page.click("text=Back to the record")
        page.wait_for_selector("#record")
        assert page.is_checked("#i-saddle_anesthesia-present")


def test_two_browsers_with_two_patients_never_mix(chromium: Any, address: str) -> None:
    with opened(chromium, address) as one, opened(chromium, address) as two:
        load(one, "red-flag-saddle-anesthesia")
        load(two, "seed-screen-negative")
        for _ in range(3):
            for page, name, status in ((one, "red-flag-saddle-anesthesia", "urgent"), (two, "seed-case", "not_now")):
                page.click("#show-pathway")
                settled(page, "mri_lumbar", status)
                assert name.split("-")[0] in page.input_value("#patient")
        assert two.input_value("#patient") != one.input_value("#patient")
        assert one.context.cookies()[0]["value"] != two.context.cookies()[0]["value"]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        pytest.param("desktop", {}, marks=pytest.mark.slow),
        pytest.param("dark", {"color_scheme": "dark"}, marks=pytest.mark.slow),
        ("phone", {"viewport": {"width": 360, "height": 740}, "has_touch": True}),
    ],
)
def test_axe_finds_nothing_serious_on_the_patients_page(
    chromium: Any, address: str, name: str, how: dict[str, Any]
) -> None:
    with opened(chromium, address, **how) as page:
        assert violations(page) == []
        load(page, "red-flag-with-failed-care")
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.check("#show-pathway")
        page.wait_for_selector(".picture")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], (
            f"{name} scrolls sideways"
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/review", "/review/statements/S15", "/review/vignettes/seed", "/review/pathway", "/author"]
)
def test_axe_finds_nothing_serious_elsewhere(chromium: Any, address: str, path: str) -> None:
    with opened(chromium, address, viewport={"width": 360, "height": 740}) as page:
        page.goto(address + path)
        if path == "/author":
            page.wait_for_selector("#checked .said")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.slow
def test_axe_on_the_explanation(chromium: Any, address: str) -> None:
    with opened(chromium, address, color_scheme="dark") as page:
        load(page, "seed")
        page.click("#a-surgical_referral .tools button")
        page.wait_for_selector(".explanation")
        assert violations(page) == []


def test_dark_mode_is_dark_and_motion_is_reduced(chromium: Any, address: str) -> None:
    with opened(chromium, address, color_scheme="dark", reduced_motion="reduce") as page:
        red, green, blue = eval_rgb(page, "getComputedStyle(document.documentElement).backgroundColor")
        assert max(red, green, blue) < 60
        assert page.evaluate("getComputedStyle(document.getElementById('answers')).transitionDuration") in ("0s", "")


def eval_rgb(page: Any, script: str) -> tuple[int, int, int]:
    numbers = [int(n) for n in page.evaluate(script).removeprefix("rgb(").rstrip(")").split(",")[:3]]
    return numbers[0], numbers[1], numbers[2]


def test_printed_it_is_one_page_with_what_is_assumed(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        load(page, "surgery-18-weeks-fitness-unknown")
        pdf = page.pdf(format="A4", prefer_css_page_size=True)
        assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/") == 1
        page.emulate_media(media="print")
        text = page.inner_text("body")
        for words in ("Draft under review", "Assumed", "surgery-18-weeks-fitness-unknown", "not a medical device"):
            assert words.lower() in text.lower(), words
        assert "Load a patient file" not in text


@pytest.mark.slow
def test_right_to_left_text_keeps_the_layout(chromium: Any, address: str) -> None:
    with opened(chromium, address, viewport={"width": 360, "height": 740}) as page:
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_browser_tests_can_fail(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        page.evaluate(
            "document.querySelector('#patient').closest('label').replaceWith(document.querySelector('#patient'))"
        )
        assert "label" in [v[0] for v in violations(page)]
