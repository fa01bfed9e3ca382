"""The pages without a browser: the form a guideline gives, its way to a record and back, answers, guards, limits, hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape as html_text
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from explaining import lumbar, patient, vignette
from guidelog import pipeline
from guidelog.diagrams.drawing import palette
from guidelog.explain.questions.relevance import bearings
from guidelog.patients import patient_from_content
from guidelog.semantics.status import Status
from guidelog.web.pages.author.copy import check_copy
from guidelog.web.pages.clinician.answer_cards import LOOKS
from guidelog.web.pages.clinician.entry import Amount, BadForm, Entry, entry_of, read_form, read_record
from guidelog.web.pages.clinician.form import form, members
from guidelog.web.pages.clinician.live import look
from guidelog.web.pages.clinician.router import hidden_fields
from guidelog.web.pages.picture import inline
from guidelog.web.pages.posted import COOKIE
from web_site import KB, Page, fields_of, site

STATIC = Path(__file__).parents[2] / "engine" / "web" / "static"
SEED = (KB / "vignettes" / "seed.yaml").read_bytes()


@pytest.fixture(scope="module")
def web() -> Iterator[Page]:
    with site() as page:
        yield page


def statuses(html: str) -> dict[str, str]:
    found = re.search(r'name="before" value="([^"]*)"', html)
    assert found is not None, "the page has no answers"
    return dict(word.split("=") for word in found[1].split())


# the form


def test_every_finding_measure_and_screen_is_asked_once(web: Page) -> None:
    html = web.client.get("/").text
    vocabulary = lumbar().names.vocabulary
    for name in vocabulary.findings:
        assert len(re.findall(rf'name="f:{name}"', html)) == 3
    for name in vocabulary.measures:
        assert len(re.findall(rf'name="m:{name}:mode"', html)) == 1
    for name in vocabulary.screens:
        # The screen in front has a button in place of the two.
        assert len(re.findall(rf'name="s:{name}"', html)) == (1 if f"say screen:{name}=complete" in html else 2)
    assert sum(len(listed) for listed in members(lumbar()).values()) == len(vocabulary.findings) + len(
        vocabulary.measures
    )


def test_nothing_is_answered_in_an_empty_form(web: Page) -> None:
    sent = fields_of(web.client.get("/").text)
    assert not any(key.startswith("f:") for key in sent)
    assert all(value in ("", "exact") for key, value in sent.items() if key.startswith(("m:", "s:")))


def test_groups_come_in_the_order_of_what_matters_next() -> None:
    entry = entry_of(vignette("seed"))
    live, _ = look(lumbar(), vignette("seed"), entry)
    groups = form(lumbar(), entry, live)
    assert [g.screen for g in groups][:1] == ["red_flags"]
    hints = {q.name: q.hint for g in groups for q in g.questions}
    assert hints["surgical_candidate"].state == "settled"
    assert hints["symptom_weeks"].state == "unused"
    assert hints["oral_steroid_contraindicated"].says == "May change: short course of oral corticosteroid"
    assert hints["chronic_radiculopathy"].state == ""


def test_what_is_assumed_is_said_and_not_greyed() -> None:
    record = patient(
        {"patient": "x", "findings": {"chronic_radiculopathy": "present"}, "screens": {"red_flags": "complete"}}
    )
    entry = entry_of(record)
    live, _ = look(lumbar(), record, entry)
    hints = {q.name: q.hint for g in form(lumbar(), entry, live) for q in g.questions}
    assert hints["saddle_anesthesia"].state == "assumed"
    assert "the red flag screen is complete" in hints["saddle_anesthesia"].says
    assert not hints["saddle_anesthesia"].greyed


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(p.stem for p in (KB / "vignettes").glob("s*.yaml"))), st.data())
def test_what_is_greyed_changes_no_answer(name: str, data: st.DataObject) -> None:
    compiled, record = lumbar(), vignette(name)
    before = pipeline.ask(compiled, record)
    greyed = [n for n, b in bearings(before.world, compiled.names.vocabulary.interventions).items() if not b.matters]
    greyed = [n for n in greyed if n in compiled.names.vocabulary.findings and n not in record.findings]
    if not greyed:
        return
    chosen = data.draw(st.sampled_from(greyed))
    content = {
        **record.content,
        "findings": {**record.content["findings"], chosen: data.draw(st.sampled_from(["present", "absent"]))},
    }
    try:
        facts, _ = pipeline.settle(compiled, patient(content))
    except pipeline.InputError:
        return  # no such patient
    assert {a.intervention: a.status for a in before.answers} == {
        n: compiled_status(facts)[n] for n in compiled.names.vocabulary.interventions
    }


def compiled_status(facts: object) -> dict[str, Status]:
    from guidelog.semantics.one_patient import statuses as quick

    found = quick(lumbar().ground, facts)
    assert found is not None
    return dict(found)


# the record


@pytest.mark.parametrize("path", sorted((KB / "vignettes").glob("*e*.yaml"))[::6], ids=lambda p: p.stem)
def test_a_record_survives_the_form(path: Path) -> None:
    record = vignette(path.stem)
    again, problems = read_record(
        read_form(hidden_fields(entry_of(record)), lumbar().names.vocabulary), lumbar().names.vocabulary
    )
    assert problems == ()
    assert again is not None
    assert (again.findings, again.measures, again.screens, again.as_of) == (
        record.findings,
        record.measures,
        record.screens,
        record.as_of,
    )


NUMBERS = (
    st.decimals(0, 500, places=2).map(lambda d: str(d.normalize() if d % 1 else int(d))).filter(lambda t: "E" not in t)
)
AMOUNTS = st.one_of(
    st.builds(Amount, st.sampled_from(["exact", "at_least", "at_most"]), NUMBERS),
    st.lists(NUMBERS, min_size=2, max_size=2).map(lambda two: Amount("between", *sorted(two, key=float))),
    st.dates(
        max_value=__import__("datetime").date(2025, 11, 13), min_value=__import__("datetime").date(2017, 1, 1)
    ).map(lambda day: Amount("since", first=day.isoformat())),
    st.just(Amount("unknown")),
)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(lumbar().names.vocabulary.findings)), st.sampled_from(["present", "absent", "unknown"])
    ),
    st.dictionaries(st.sampled_from(sorted(lumbar().names.vocabulary.measures)), AMOUNTS),
    st.sets(st.sampled_from(sorted(lumbar().names.vocabulary.screens))),
)
def test_any_entry_becomes_a_file_and_the_same_entry_again(
    findings: dict[str, str], measures: dict[str, Amount], screens: set[str]
) -> None:
    vocabulary = lumbar().names.vocabulary
    entry = Entry("p", "2025-11-13", findings, measures, frozenset(screens))
    record, problems = read_record(entry, vocabulary)
    assert (record is None) == bool(problems)
    if record is not None:
        written = yaml.safe_load(yaml.safe_dump(dict(record.content)))
        again = read_record(entry_of(patient_from_content(written, vocabulary)), vocabulary)[0]
        assert again is not None
        assert again.content == record.content


def test_the_downloaded_file_loads_again(web: Page) -> None:
    sent = fields_of(web.load("seed.yaml", SEED).text)
    file = web.client.post("/record", data=sent)
    assert file.headers["content-disposition"] == 'attachment; filename="seed-case.yaml"'
    assert file.headers["cache-control"] == "no-store"
    assert fields_of(web.load("again.yaml", file.content).text) == sent
    assert yaml.safe_load(file.text)["measures"] == {"conservative_care_weeks": 0}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("8,5", "with a point"),
        ("eight", "is not a number"),
        ("9999", "outside the range"),
        ("1.2345", "decimal places"),
        ("010", "is not a number"),
        ("9" * 30, "is not a number"),
    ],
)
def test_a_wrong_number_is_said_at_its_field_and_the_other_answers_stay(web: Page, typed: str, says: str) -> None:
    html = web.post(
        m_conservative_care_weeks__low=typed, m_conservative_care_weeks__mode="exact", f_saddle_anesthesia="present",
        s_treatment_history="complete",
    ).text  # fmt: skip
    assert statuses(html)["mri_lumbar"] == "urgent"
    assert "Not read, and counted as not known" in html
    # Its screen is complete, and yet it is not taken for zero.
    absent = html[html.index("recorded as complete: the treatment history. Not listed there") :].partition("</p>")[0]
    assert "formal physical therapy" in absent
    assert "weeks of conservative care" not in absent.lower()
    assert re.search(rf'id="h-conservative_care_weeks"[^>]*>[^<]*{says}', html)
    assert 'href="#q-conservative_care_weeks"' in html


def test_a_contradiction_is_said_at_both_fields_and_the_other_answers_stay(web: Page) -> None:
    html = web.post(f_mri_correlates="present", f_mri_done="absent", f_saddle_anesthesia="present").text
    for name in ("mri_correlates", "mri_done"):
        assert f'href="#q-{name}"' in html
        assert re.search(rf'id="h-{name}"[^>]*>[^<]*[Tt]he record contradicts itself: [^<]*BG-1', html)
        assert re.search(rf'name="f:{name}"[^>]*checked', html)  # what was said stays in the form
    without = web.post(f_mri_correlates="unknown", f_mri_done="unknown", f_saddle_anesthesia="present").text
    assert statuses(html) == statuses(without)
    assert statuses(html)["mri_lumbar"] == "urgent"


def test_a_contradicting_record_has_no_certificate_of_another_record(web: Page) -> None:
    html = web.post("/certificate", f_mri_correlates="present", f_mri_done="absent").text
    assert "the record contradicts itself" in html


def test_what_a_file_says_and_nobody_can_read_is_marked_and_stays_marked(web: Page) -> None:
    content = (
        b"patient: a\nas_of: 2025-11-13\nfindings: {saddle_anesthesia: present, mri_done: perhaps}\n"
        b"measures: {conservative_care_weeks: 8O}\nscreens: {treatment_history: complete}\n"
        b"not_read: [{source: Observation/7, display: a report, reason: a code that is not known}]\n"
    )
    found = web.load("x.yaml", content)
    assert found.status_code == 200
    sent = fields_of(found.text)
    assert (sent["f:mri_done"], sent["m:conservative_care_weeks:mode"]) == ("unknown", "unknown")
    assert "x.yaml was loaded" in found.text
    listed = re.findall(r'name="not_read" value="([^"]*)"', found.text)
    assert len(listed) == 3
    again = web.client.post("/", data={**sent, "not_read": [html_text(text) for text in listed]}).text
    for html in (found.text, again):
        assert statuses(html)["mri_lumbar"] == "urgent"
        assert all(said in html for said in ("perhaps", "8O", "a code that is not known"))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 3000, "1"])
def test_a_part_that_was_not_read_and_is_not_an_object_is_refused(web: Page, text: str) -> None:
    assert web.post(not_read=text).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"f_no_such_finding": "present"},
        {"f_saddle_anesthesia": "maybe"},
        {"s_red_flags": "done"},
        {"m_symptom_weeks__mode": "guess"},
        {"m_symptom_weeks__no": "1"},
        {"press": "say saddle_anesthesia=maybe"},
        {"press": "drop tables"},
        {"patient": "x" * 500},
    ],
)
def test_what_the_form_cannot_send_is_refused(web: Page, fields: dict[str, str]) -> None:
    assert web.post(**fields).status_code == 400


def test_a_measure_that_the_guideline_does_not_have() -> None:
    with pytest.raises(BadForm):
        read_form([("m:x:mode", "exact")], lumbar().names.vocabulary)


# answers


def test_the_pages_answers_are_those_of_ask(web: Page) -> None:
    expected = {a.intervention: a.status.value for a in pipeline.ask(lumbar(), vignette("seed")).answers}
    html = web.load("seed.yaml", SEED).text
    assert statuses(html) == expected
    assert "Certified: the independent checker accepted every answer shown here." in html


def test_no_answer_without_a_certificate(web: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    from guidelog import checker

    def refuse(*_: object, **__: object) -> None:
        raise checker.Rejected("no")

    monkeypatch.setattr(checker, "check", refuse)
    html = web.post(f_saddle_anesthesia="present").text
    assert "the independent checker rejected the certificate" in html
    assert 'name="before"' not in html
    assert "s-urgent" not in html


def test_an_answer_that_changes_is_announced(web: Page) -> None:
    before = statuses(web.post().text)
    part = web.post(
        "/live", part=True, f_saddle_anesthesia="present", before=" ".join(f"{k}={v}" for k, v in before.items())
    ).text
    assert "MRI of the lumbar spine: urgent" in part[part.index('id="announce"') :]
    assert "<html" not in part


def test_answering_the_question_at_the_top(web: Page) -> None:
    sent = fields_of(web.load("seed.yaml", SEED).text)
    html = web.client.post("/", data={**sent, "press": "say screen:red_flags=complete"}).text
    assert statuses(html)["mri_lumbar"] == "not_now"
    assert (
        "Absent, because this is recorded as complete: the red flag screen. Not listed there: urinary retention" in html
    )
    assert re.search(r"that makes \d+ absent", html)
    undone = web.client.post("/", data={**fields_of(html), "press": "reopen red_flags"}).text
    assert statuses(undone)["mri_lumbar"] == "undetermined"
    assert fields_of(undone).get("f:chronic_radiculopathy") == "present"
    cleared = web.client.post("/", data={**fields_of(html), "press": "clear screen:red_flags"}).text
    assert statuses(cleared)["mri_lumbar"] == "undetermined"


def test_a_question_that_cannot_be_answered_is_not_asked_again(web: Page) -> None:
    known = {"s_red_flags": "complete", "f_chronic_radiculopathy": "present"}
    asked = re.search(r'value="say ([a-z0-9_]+)=unknown"', web.post(**known).text)
    assert asked is not None
    again = re.search(r'value="say ([a-z0-9_]+)=unknown"', web.post(**known, **{f"f_{asked[1]}": "unknown"}).text)
    assert again is None or again[1] != asked[1]


def test_the_explanation_has_everything(web: Page) -> None:
    sent = fields_of(web.load("seed.yaml", SEED).text)
    html = web.client.post("/explain", data={**sent, "explain": "nerve_root_injection"}).text
    for text in (
        "2025-12-25",
        "Continue conservative care, at least 6 weeks in all",
        "The proof, drawn",
        "What is missing",
        "Why not",
    ):
        assert text in html, text
    back = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html))
    assert statuses(web.client.post("/", data=back).text) == statuses(web.load("seed.yaml", SEED).text)


def test_a_certificate_can_be_kept(web: Page) -> None:
    sent = fields_of(web.load("seed.yaml", SEED).text)
    found = web.client.post("/certificate", data=sent)
    assert found.json()["format"] == "guidelog-certificate/2"


# files


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.yaml", b"patient: a\nfindings: {no_such: present}\n", "there is no finding"),
        ("x.yaml", b"\xff\xfe", "not UTF-8"),
        ("x.yaml", b"", "no file was chosen|is empty"),
        ("x.json", b'{"patient": "a"', "expected"),
        ("<b>x.yaml", b"{[", "GL40"),
    ],
)
def test_a_file_that_cannot_be_read_fills_nothing_in(web: Page, name: str, content: bytes, says: str) -> None:
    found = web.load(name, content)
    assert found.status_code == 422
    assert re.search(says, found.text)
    assert "<b>x" not in found.text
    assert not any(key.startswith("f:") for key in fields_of(found.text))


def test_a_fhir_bundle_fills_the_form_and_what_it_assumes_is_shown(web: Page) -> None:
    bundle = (KB.parent.parent / "tests" / "fhir" / "refuted-cauda-equina.json").read_bytes()
    found = web.load("bundle.json", bundle)
    sent = fields_of(found.text)
    assert (sent["patient"], sent["f:urinary_retention"], sent["m:symptom_weeks:mode"]) == ("p1", "absent", "since")
    assert "entries ignored" in found.text
    again = web.client.post("/", data=sent).text
    assert (
        again.count("assumed: the symptoms began when the condition began") >= 2
    )  # at the field, and in the record in words
    assert "Weeks of symptoms: the symptoms began when the condition began." in again[again.index('id="known-title"') :]


# guards


def test_a_form_needs_its_token(web: Page) -> None:
    web.client.get("/")
    for token in ("", "0" * 64):
        assert web.client.post("/", data={"token": token, "patient": "a"}).status_code == 403
    assert web.client.post("/", data={"patient": "a"}).status_code == 403
    assert web.client.post("/load", data={}, files={"file": ("a.yaml", b"patient: a")}).status_code == 403


def test_a_token_belongs_to_one_browser(web: Page) -> None:
    token = web.token()
    kept = dict(web.client.cookies)
    web.client.cookies.clear()
    assert web.client.post("/", data={"token": token, "patient": "a"}).status_code == 403
    for name, value in kept.items():
        web.client.cookies.set(name, value)


@pytest.mark.parametrize(
    "header", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}]
)
def test_another_site_cannot_post(web: Page, header: dict[str, str]) -> None:
    token = web.token()
    assert web.client.post("/", data={"token": token, "patient": "a"}, headers=header).status_code == 403


def test_the_cookie_holds_nothing_and_is_closed(web: Page) -> None:
    web.client.cookies.clear()
    cookie = web.client.get("/").headers["set-cookie"]
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=strict", cookie)


def test_no_address_and_no_log_has_a_record(web: Page, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        html = web.post(patient="secret-7", f_saddle_anesthesia="present", m_conservative_care_weeks__low="7x").text
    assert "secret-7" not in caplog.text
    assert "saddle_anesthesia" not in caplog.text
    addresses = re.findall(r'(?:href|action|src|formaction|hx-post)="([^"]*)"', html)
    assert addresses
    assert not any("secret-7" in a or "=" in a for a in addresses if not a.startswith("/static/"))


def test_pages_allow_no_inline_script_or_style(web: Page) -> None:
    sent = {**fields_of(web.load("seed.yaml", SEED).text), "pathway": "show"}
    pages = [web.client.get(p) for p in ("/", "/review", "/review/pathway", "/author")]
    pages += [web.client.post("/", data=sent), web.client.post("/explain", data={**sent, "explain": "mri_lumbar"})]
    for page in pages:
        assert page.status_code == 200
        assert "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(
            r"<style|\sstyle=|<script(?! src=)|\son[a-z]+=|javascript:|https?://(?!www\.w3\.org/)", page.text
        )


def test_large_and_malformed_bodies(web: Page) -> None:
    token = web.token()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert web.client.post("/", content=b"token=" + b"x" * 400_000, headers=kind).status_code == 413
    assert web.client.post("/", content=b"a=1&" * 4000, headers=kind).status_code == 400
    assert web.client.post("/", content=b"a=%ff", headers=kind).status_code == 400
    assert web.client.post("/", json={"token": token}).status_code == 415
    assert web.client.post("/load", data={"token": token}).status_code == 415
    assert web.client.post(
        "/load", content=b"--x", headers={"content-type": "multipart/form-data; boundary=y"}
    ).status_code in (400, 403)


def test_a_page_that_was_posted_to_starts_again(web: Page) -> None:
    for path in ("/explain", "/live", "/record", "/load", "/certificate"):
        assert web.client.get(path, follow_redirects=False).headers["location"] == "/"


# hostile text

NASTY = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def test_hostile_text_is_only_text(web: Page) -> None:
    content = yaml.safe_dump(
        {"patient": NASTY, "sources": {"saddle_anesthesia": NASTY}, "findings": {"saddle_anesthesia": "present"}}
    )
    first = web.load(f"{NASTY}.yaml", content.encode())
    sent = {**fields_of(first.text), "pathway": "show", "explain": "mri_lumbar"}
    for page in (
        first,
        web.client.post("/", data=sent),
        web.client.post("/explain", data=sent),
        web.client.post("/live", data=sent),
    ):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "49" not in re.sub(r"\d{3,}", "", re.findall(r"alert\(1\)[^<]{0,80}", page.text)[0])
    file = web.client.post("/record", data=sent)
    assert yaml.safe_load(file.text)["patient"] == NASTY
    assert re.fullmatch(r'attachment; filename="[\w.-]+"', file.headers["content-disposition"])


def test_a_picture_needs_no_style() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="5pt" height="5pt"><style>a{}</style><defs><g id="g"/></defs>'
        '<path id="a" style="stroke:red;fill: url(#g)" fill="#ffffff"/><a href="#a"><text aria-labelledby="a b">x</text></a></svg>'
    )
    found = inline(svg, "p-")
    assert "style" not in found
    assert 'stroke="red"' in found
    assert 'fill="url(#p-g)"' in found
    assert 'id="p-a"' in found
    assert 'href="#p-a"' in found
    assert 'aria-labelledby="p-a p-b"' in found


# reviewers and authors


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/review", "Unresolved:"),
        ("/review/statements", "Comprehensive conservative care"),
        ("/review/statements/S15", "The patient is a candidate for surgery or intervention"),
        ("/review/decisions", "Any one sign raises the flag"),
        ("/review/rules/IMG-2", "advise(P, mri_lumbar, do)"),
        ("/review/interventions/mri_lumbar", "MRI at once: cauda equina syndrome"),
        ("/review/files/imaging.dl", 'id="L12"'),
        ("/review/vignettes", "seed-screen-negative"),
        ("/review/vignettes/seed", "Every answer is what the vignette expects"),
        ("/review/coverage", "thresholds"),
        ("/review/changes", "No older version was given"),
    ],
)
def test_review_pages(web: Page, path: str, text: str) -> None:
    found = web.client.get(path)
    assert found.status_code == 200
    assert text in found.text


@pytest.mark.parametrize(
    "path",
    [
        "/review/statements/S999",
        "/review/rules/NO",
        "/review/vignettes/no",
        "/review/files/..%2Fguideline.toml",
        "/author?file=no.dl",
        "/fonts/no.ttf",
    ],
)
def test_what_is_not_there_is_not_found(web: Page, path: str) -> None:
    assert web.client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["LiberationSans-Regular", "LiberationMono-Regular"])
def test_fonts_are_there(web: Page, name: str) -> None:
    found = web.client.get(f"/fonts/{name}.ttf")
    assert found.status_code == 200
    assert found.content[:4] == b"\0\1\0\0"


def test_links_between_the_review_pages_lead_somewhere(web: Page) -> None:
    seen: dict[str, int] = {}
    for page in (
        "/review",
        "/review/statements/S15",
        "/review/statements/S29",
        "/review/decisions",
        "/review/vignettes/seed",
    ):
        for link in re.findall(r'href="(/[^"#]*)', web.client.get(page).text)[:400]:
            if link not in seen and not link.startswith(("/static", "/review/vignettes/")):
                seen[link] = web.client.get(link).status_code
    assert len(seen) > 60
    assert [link for link, status in seen.items() if status != 200] == []


def test_another_reading_is_said_on_every_page() -> None:
    with site(readings={"surgical_trial": "strict"}) as page:
        assert "read with how long conservative care must have failed" in page.client.get("/").text
        assert "in force; not the one declared" in page.client.get("/review").text


@pytest.mark.slow
def test_changes_to_another_version(tmp_path: Path) -> None:
    import shutil

    older = tmp_path / "older"
    shutil.copytree(KB, older, ignore=shutil.ignore_patterns("vignettes"))
    imaging = older / "imaging.dl"
    imaging.write_text(
        imaging.read_text()
        .replace(
            "advise(P, mri_lumbar, urgent) :- finding(P, significant_trauma).",
            "advise(P, mri_lumbar, consider) :- finding(P, significant_trauma).",
        )
        .replace(
            'strength = strong, everyone = true, decisions = ["Q13", "L02"],\n  title = "MRI at once: significant trauma"',
            'strength = conditional, everyone = true, decisions = ["Q13", "L02"],\n  title = "MRI at once: significant trauma"',
        )
    )
    with site(compare=str(older)) as page:
        html = page.client.get("/review/changes").text
    assert "significant_trauma: present" in html
    assert "Proved unchanged" in html


def test_the_playground_checks_a_copy(web: Page) -> None:
    text = (KB / "imaging.dl").read_text()
    fine = web.client.post(
        "/author", data={"token": web.token(), "file": "imaging.dl", "text": text, "vignette": "seed"}
    ).text
    assert re.search(r"0 errors, [0-9]+ other; no expectations of the vignettes failing", fine)
    assert "changed</strong>" not in fine
    broken = text.replace("mri_too_early(P).", "mri_to_early(P).", 1)
    wrong = web.client.post(
        "/author",
        data={"token": web.token(), "file": "imaging.dl", "text": broken, "vignette": "seed"},
        headers={"hx-request": "true"},
    ).text
    assert "mri_to_early" in wrong
    assert "data-line=" in wrong
    assert "did you mean `mri_too_early`?" in wrong
    assert (KB / "imaging.dl").read_text() == text


def test_the_playground_shows_what_a_change_does() -> None:
    text = (KB / "imaging.dl").read_text()
    rule = "advise(P, mri_lumbar, defer) :- mri_too_early(P)."
    changed = text.replace(rule, "advise(P, mri_lumbar, urgent) :- mri_too_early(P).")
    checked = check_copy(lumbar(), "imaging.dl", changed, "first-visit-fully-known", False)
    assert changed != text
    assert checked.errors == 0, checked.said
    mri = next(a for a in checked.answers if a.intervention == "mri_lumbar")
    assert mri.before is Status.NOT_NOW
    assert mri.after in (Status.URGENT, Status.CONFLICT)
    assert [a for a in checked.answers if a.before is not a.after] == [mri]
    assert checked.failing > 0


@pytest.mark.parametrize("text", ["x" * 200_001, "\0", ":- " * 5000, "(" * 20_000])
def test_the_playground_takes_any_text(web: Page, text: str) -> None:
    found = web.client.post(
        "/author", data={"token": web.token(), "file": "imaging.dl", "text": text, "vignette": "seed"}
    )
    assert found.status_code == 200
    assert re.search(r"[1-9][0-9]* errors?,|are not checked|was stopped", found.text)


@pytest.mark.slow
def test_checking_a_copy_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    from guidelog.web.workers import workroom

    with site(workers=1) as page:
        post = {
            "token": page.token(),
            "file": "imaging.dl",
            "text": (KB / "imaging.dl").read_text(),
            "vignette": "seed",
        }
        monkeypatch.setattr(workroom, "SECONDS", 0.001)
        assert "took too long and was stopped" in page.client.post("/author", data=post).text
        # Nobody else waits for it, and the next one is served.
        assert "Certified" in page.post(f_saddle_anesthesia="present").text


def test_a_copy_cannot_take_all_memory() -> None:
    import subprocess
    import sys

    code = (
        "import resource; from guidelog.web.pages.author.copy import _limit_memory, MOST_MEMORY; _limit_memory();"
        "assert resource.getrlimit(resource.RLIMIT_AS)[0] <= MOST_MEMORY\n"
        "try: bytearray(MOST_MEMORY)\nexcept MemoryError: print('stopped')"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout == "stopped\n"
    )


# looks


def test_the_style_sheet_has_the_colours_of_the_diagrams() -> None:
    css = (STATIC / "app.css").read_text()
    light = css[: css.index("@media (prefers-color-scheme: dark)")]
    values = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    named = {
        "paper": palette.PAPER, "ink": palette.INK, "soft": palette.SOFT, "faint": palette.FAINT, "rule": palette.RULE,
        "band": palette.BAND, "band-line": palette.BAND_LINE, "navy": palette.NAVY, "maroon": palette.MAROON, "amber": palette.AMBER,
        "amber-line": palette.AMBER_LINE, "amber-text": palette.AMBER_TEXT, "green": palette.GREEN, "steel": palette.STEEL,
        "now-fill": palette.DO_NOW.fill, "consider-fill": palette.CONSIDER.fill, "unknown-fill": palette.UNKNOWN.fill,
        "blocked-fill": palette.BLOCKED.fill, "urgent-fill": palette.URGENT.fill, "met-fill": palette.MET.fill,
        "assumed-fill": palette.ASSUMED.fill, "assumed-line": palette.ASSUMED.line, "none-chip": palette.NOT_REACHED.chip, "none-line": palette.NOT_REACHED.line,
    }  # fmt: skip
    assert {name: values[name] for name in named} == named
    for status, look_ in LOOKS.items():
        rule = re.search(rf"[^}}]*\.s-{status.value.replace('_', '-')}\b[^{{}}]*{{([^}}]*--edge[^}}]*)}}", css)
        assert rule is not None, status
        edge = re.search(r"--edge: var\(--([\w-]+)\)", rule[1])
        assert edge is not None
        # Dark red is for emergencies alone; pictures of what is advised against are older than that.
        if status not in (Status.AVOID, Status.CONFLICT):
            assert values[edge[1]] == look_.line, status
        assert (edge[1] == "maroon") == (status in (Status.URGENT, Status.EMERGENCY_PATHWAY)), status


def test_every_status_has_a_word_and_a_mark_of_its_own() -> None:
    from guidelog.web.pages.site import environment

    parts = environment().get_template("parts.html").module
    marks = {s: str(parts.mark(s.value.replace("_", "-"))) for s in Status}  # type: ignore[attr-defined]
    same = {Status.URGENT, Status.EMERGENCY_PATHWAY}
    assert len({m for s, m in marks.items() if s not in same}) == len(Status) - len(same)


def test_htmx_is_the_file_that_was_reviewed() -> None:
    import hashlib

    text = (STATIC / "htmx-2.0.11.min.js").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
    assert (
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
        in (Path(__file__).parents[2] / "docs" / "dependencies.md").read_text()
    )


# errors

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/static/nothing.css", {}, 404),
        ("POST", "/cds-services/nothing", {}, 404),
        ("PUT", "/", {}, 405),
        ("POST", "/", {"content-length": "999999999"}, 413),
    ],
)
def test_an_error_is_a_page_for_a_browser_and_json_for_a_program(
    web: Page, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    page = web.client.request(method, path, headers={**headers, **BROWSER})
    assert page.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page.text
    assert f"Error {status}." in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    data = web.client.request(method, path, headers=headers)
    assert data.status_code == status
    assert data.headers["content-type"] == "application/json"
    assert ("OperationOutcome" if path.startswith("/cds-services") else "message") in data.text


def test_too_many_requests_is_a_page_as_well() -> None:
    with site(rate=0.1, burst=1) as page:
        page.client.get("/health")
        refused = page.client.get("/", headers=BROWSER)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert "Too many requests" in refused.text


def test_a_record_of_a_day_to_come_is_remarked(web: Page) -> None:
    assert "a day that is still to come" in web.post(as_of="2999-01-01").text
    assert "a day that is still to come" not in web.post().text
