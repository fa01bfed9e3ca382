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
WAIT = 20_000
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
    page.click("#m-file summary")
    page.set_input_files("#file", KB / "vignettes" / f"{name}.yaml")
    page.click("#load button")
    page.wait_for_selector("#loaded")


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
    ]


def choose(page: Any, name: str, value: str) -> None:
    """Answer by keyboard: into the group, then with the arrow keys."""
    page.focus(f"#i-{name}-present")
    for _ in range(("present", "absent", "unknown").index(value)):
        page.keyboard.press("ArrowRight")
    if value == "present":
        page.keyboard.press("Space")


def ask_in(page: Any, name: str) -> None:
    """Open the group of a question, if it is folded."""
    page.evaluate("n => { const d = document.getElementById('q-' + n).closest('details'); if (d) d.open = true }", name)


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
            ask_in(page, name)
            choose(page, name, "present")
        ask_in(page, "ncs_acute_denervation")
        choose(page, "ncs_acute_denervation", "absent")
        ask_in(page, "conservative_care_weeks")
        page.focus("#i-conservative_care_weeks")
        page.keyboard.type("0")
        settled(page, "nerve_root_injection", "not_now")
        assert page.evaluate("document.activeElement.id") == "i-conservative_care_weeks"
        found = statuses(page)
        assert [found[n] for n in MAIN] == ["undetermined", "not_now", "not_now", "undetermined"]
        assert "red flag screen" in page.inner_text("#next-title").lower()
        # Only what changed is announced, and once.
        said = page.inner_text("#announce").lower()
        assert "not now" in said
        assert said.count("injection") == 1
        assert "more answers changed" in said
        # The question in front, by its button, which says what it records; then the next question has the focus.
        assert "significant trauma" in page.inner_text("#deny-list")
        page.focus("#next-absent")
        page.keyboard.press("Enter")
        settled(page, "mri_lumbar", "not_now")
        page.wait_for_selector("#next-title:focus")
        assert [statuses(page)[n] for n in MAIN] == ["not_now"] * 4
        assert "absent" in page.inner_text(".done")
        assert page.is_checked("#i-red_flags-complete")
        assert page.inner_text("#h-saddle_anesthesia").startswith("Assumed:") or "Assumed" in page.inner_text(".aside")
        page.click(".done button")
        settled(page, "mri_lumbar", "undetermined")


def test_the_answer_with_its_reason_in_three_actions(chromium: Any, address: str) -> None:
    """Examples, the first of them, why; and by keyboard the reason is at most fifteen Tabs away."""
    with opened(chromium, address, viewport={"width": 1280, "height": 720}) as page:
        page.click("#m-examples summary")
        page.click("#m-examples li button >> nth=0")
        settled(page, "nerve_root_injection", "not_now")
        box = page.locator("#verdict-title").bounding_box()
        assert box["y"] + box["height"] < 720
        assert "MRI of the lumbar spine" in page.inner_text("#verdict-title")
        page.click("#d-verdict > summary")
        assert page.is_visible("#d-verdict .criteria")
        page.reload()
        settled(page, "nerve_root_injection", "not_now")
        presses = 0
        while "Why" not in page.evaluate(
            "document.activeElement.tagName === 'SUMMARY' ? document.activeElement.innerText : ''"
        ):
            page.keyboard.press("Tab")
            presses += 1
            assert presses <= 15
        assert page.evaluate("document.activeElement.closest('#verdict') !== null")


def test_an_emergency_fills_the_width_and_the_other_signs_stay_askable(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        page.click("label:has(#i-saddle_anesthesia-present)")
        settled(page, "mri_lumbar", "urgent")
        page.wait_for_selector("#verdict.alarm")
        width = page.locator("#verdict").bounding_box()["width"]
        assert width >= page.locator(".page").bounding_box()["width"] - 1
        assert page.locator("#verdict-title").inner_text().startswith("Get an MRI")
        assert page.is_enabled("#i-suspected_cancer-present")
        assert "saddle" not in page.inner_text("#deny-list")
        page.click("label:has(#i-suspected_cancer-absent)")
        page.wait_for_selector("#deny-list:not(:has-text('suspected cancer'))")
        # After a page of its own the screen is still in front.
        page.reload()
        page.wait_for_selector("#verdict.alarm")
        assert page.is_checked("#i-saddle_anesthesia-present")
        assert page.is_visible("#front .grid")


def test_nothing_is_lost_on_reload_back_and_in_a_second_tab(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        page.click("label:has(#i-saddle_anesthesia-present)")
        settled(page, "mri_lumbar", "urgent")
        page.reload()
        settled(page, "mri_lumbar", "urgent")
        page.goto(address + "/review")
        page.go_back()
        settled(page, "mri_lumbar", "urgent")
        # A source comes in a drawer; the form stays where it is.
        page.click("#verdict a[href^='/review/statements/'] >> nth=0")
        page.wait_for_selector("#drawer[open] #drawer-body >> text=Rules that encode it")
        assert page.url.rstrip("/") == address
        assert violations(page) == []
        page.keyboard.press("Escape")
        assert page.is_checked("#i-saddle_anesthesia-present")
        other = page.context.new_page()
        other.goto(address)
        other.wait_for_selector("#elsewhere:not([hidden])")
        assert statuses(other)["mri_lumbar"] == "undetermined"
        other.click("text=Go on with it here")
        settled(other, "mri_lumbar", "urgent")
        other.close()
        assert page.evaluate("Object.keys(localStorage).length") == 0
        page.click("#m-file summary")
        page.click("[data-forget]")
        settled(page, "mri_lumbar", "undetermined")
        page.reload()
        settled(page, "mri_lumbar", "undetermined")
        assert page.evaluate("sessionStorage.getItem('guidelog-record')") is None


def test_without_a_network_nothing_stale_looks_fresh(chromium: Any, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(address)
    context.set_offline(True)
    page.click("label:has(#i-saddle_anesthesia-present)")
    page.wait_for_selector("#work.stale")
    assert not page.is_visible(".certified")
    assert page.is_visible(".outdated")
    assert "out of date" in page.inner_text("#failure").lower()
    assert float(page.evaluate("getComputedStyle(document.getElementById('verdict')).opacity")) < 0.7
    context.set_offline(False)
    settled(page, "mri_lumbar", "urgent")
    page.wait_for_selector("#work:not(.stale)")
    assert page.is_visible(".certified")
    assert not page.is_visible("#failure")
    context.close()


def test_a_server_that_was_started_again_goes_on(chromium: Any, address: str) -> None:
    """A token of another server: the page fetches a new one and asks again, and nothing is typed twice."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.evaluate("document.querySelectorAll('input[name=token]').forEach(i => { i.value = '0'.repeat(64) })")
    page.click("label:has(#i-saddle_anesthesia-present)")
    settled(page, "mri_lumbar", "urgent")
    page.wait_for_selector("#work:not(.stale)")
    context.close()


def test_on_a_phone_answer_leads_to_the_answer(chromium: Any, address: str) -> None:
    with opened(chromium, address, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        ask_in(page, "conservative_care_weeks")
        page.locator("#q-conservative_care_weeks").scroll_into_view_if_needed()
        page.click("#dock a")
        assert abs(page.evaluate("document.getElementById('verdict').getBoundingClientRect().top")) < 60
        assert page.evaluate("document.activeElement.id") == "verdict"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_details_stay_open_and_errors_stand_at_the_field(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        load(page, "seed")
        page.click("#d-mri_lumbar > summary")
        ask_in(page, "conservative_care_weeks")
        page.fill("#i-conservative_care_weeks", "8,5")
        page.wait_for_selector("#verdict .not-read")
        assert "write 8.5 with a point" in page.inner_text("#h-conservative_care_weeks")
        page.fill("#i-conservative_care_weeks", "8.5")
        page.wait_for_selector("#verdict:not(:has(.not-read))")
        assert page.evaluate("document.getElementById('d-mri_lumbar').open")
        assert page.evaluate("document.activeElement.id") == "i-conservative_care_weeks"


@pytest.mark.slow
def test_an_irrelevant_question_is_greyed_with_the_reason(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        load(page, "seed-screen-negative")
        page.evaluate("document.querySelectorAll('#rest details').forEach(d => { d.open = true })")
        assert "Cannot change an answer now" in page.inner_text("#h-surgical_candidate")
        grey = page.evaluate("getComputedStyle(document.querySelector('#q-surgical_candidate legend')).color")
        ink = page.evaluate("getComputedStyle(document.querySelector('#q-chronic_radiculopathy legend')).color")
        assert grey != ink


@pytest.mark.slow
def test_without_javascript(chromium: Any, address: str) -> None:
    with opened(chromium, address, java_script_enabled=False) as page:
        page.check("#i-saddle_anesthesia-present", force=True)
        page.check("#show-pathway")
        page.click(".show-answers")
        page.wait_for_selector(".picture")
        assert statuses(page)["mri_lumbar"] == "urgent"
        page.click("#d-mri_lumbar > summary")
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
        page.click("#d-surgical_referral > summary")
        page.click("#a-surgical_referral .tools button")
        page.wait_for_selector("#drawer[open] .explanation")
        assert violations(page) == []


def test_dark_mode_is_dark_and_motion_is_reduced(chromium: Any, address: str) -> None:
    with opened(chromium, address, color_scheme="dark", reduced_motion="reduce") as page:
        red, green, blue = eval_rgb(page, "getComputedStyle(document.documentElement).backgroundColor")
        assert max(red, green, blue) < 60
        assert page.evaluate("getComputedStyle(document.getElementById('answers')).transitionDuration") in ("0s", "")


def eval_rgb(page: Any, script: str) -> tuple[int, int, int]:
    numbers = [int(n) for n in page.evaluate(script).removeprefix("rgb(").rstrip(")").split(",")[:3]]
    return numbers[0], numbers[1], numbers[2]


def test_printed_it_is_two_pages_at_most_with_what_is_assumed(chromium: Any, address: str) -> None:
    with opened(chromium, address) as page:
        load(page, "surgery-18-weeks-fitness-unknown")
        pdf = page.pdf(format="A4", prefer_css_page_size=True)
        assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/") in (1, 2)
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
        page.evaluate("document.querySelector('#patient').removeAttribute('title')")
        page.evaluate(
            "document.querySelector('#patient').closest('label').replaceWith(document.querySelector('#patient'))"
        )
        assert "label" in [v[0] for v in violations(page)]
