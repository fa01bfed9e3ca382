"""The review desk: the source's own sentence, readings with patients, and sign-offs that end up in the guideline's folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from web_site import KB, Page, site


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("desk") / "guideline"
    shutil.copytree(KB, copy, ignore=shutil.ignore_patterns("details", "reviews"))
    statements = copy / "statements.dl"
    text = statements.read_text()
    if "locator(" in text:
        text = re.sub(r'\s*locator\((?:"[^"]*"|[^")])*\)', "", text)
    first = re.search(r'\.statement S10 "[^"]*"', text)
    assert first is not None
    statements.write_text(text.replace(first[0], f'{first[0]} locator("Imaging > item 2")'))
    return copy


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Page]:
    copy = folder.parent / "copy.md"
    copy.write_text("# Article\n\n## Imaging\n\n- First.\n- The article's <b>own</b> words on imaging.\n")
    with site(guideline=str(folder), source_copy=copy, sign_off=True) as page:
        yield page


def sign(desk: Page, name: str = "S10", **fields: str) -> str:
    shown = desk.client.get(f"/review/statements/{name}").text
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', shown)
    token = re.search(r'name="token" value="([0-9a-f]+)"', shown)
    assert seen is not None
    assert token is not None
    sent = {"token": token[1], "seen": seen[1], "by": "Ada", "role": "clinician", **fields}
    return str(desk.client.post(f"/review/statements/{name}", data=sent).text)


def test_the_sources_own_sentence_stands_beside_ours(desk: Page) -> None:
    html = desk.client.get("/review/statements/S10").text
    assert "The article&#39;s &lt;b&gt;own&lt;/b&gt; words on imaging." in html
    assert (
        "The guideline does not say where in the source this stands." in desk.client.get("/review/statements/S11").text
    )


def test_nothing_of_the_code_is_seen_but_for_programmers(desk: Page) -> None:
    html = desk.client.get("/review/statements/S10").text
    seen = re.sub(r"<details>.*?</details>", "", html[html.index("<main") : html.index("</main>")], flags=re.DOTALL)
    assert ":-" not in seen
    assert "`" not in seen
    assert not re.search(r">[^<]*\b[a-z]+_[a-z_]+\b[^<]*<", re.sub(r"<(input|form)[^>]*>", "", seen))


def test_a_query_an_acceptance_and_what_is_refused(desk: Page, folder: Path) -> None:
    assert "needs a comment" in sign(desk, verdict="query")
    assert "Choose accept, query or reject" in sign(desk)
    assert "needs a name and a role" in sign(desk, verdict="accept", by="")
    assert "changed meanwhile" in sign(desk, verdict="accept", seen="0" * 32)
    assert not (folder / "reviews").exists()
    assert "Queried</strong> by Ada (clinician)" in sign(desk, verdict="query", comment="From <when>?")
    assert "From &lt;when&gt;?" in desk.client.get("/review/statements/S10").text
    assert "Accepted</strong> by Ada (clinician)" in sign(desk, verdict="accept")
    assert len((folder / "reviews" / "ada.jsonl").read_text().splitlines()) == 2
    assert "1 accepted" in desk.client.get("/review/statements").text
    assert "under review" in desk.client.get("/review").text


def test_after_an_edit_the_signoff_is_out_of_date_and_says_for_what(desk: Page, folder: Path) -> None:
    sign(desk, verdict="accept")
    changed = folder.parent / "changed"
    shutil.copytree(folder, changed)
    file = changed / "statements.dl"
    text = file.read_text()
    file.write_text(re.sub(r'(\.statement S10 ")', r"\1Now: ", text))
    with site(guideline=str(changed), compare=str(folder)) as page:
        html = page.client.get("/review/statements/S10").text
        assert "Out of date. Since then changed: the statement." in html
        assert "To sign here, start the service with" in html
        token = page.token()
        assert page.client.post("/review/statements/S10", data={"token": token}).status_code == 403


def test_a_signoff_needs_the_pages_token(desk: Page) -> None:
    assert desk.client.post("/review/statements/S10", data={"verdict": "accept"}).status_code == 403


def test_what_another_reading_would_mean_has_a_patient_in_words(desk: Page) -> None:
    rows = desk.client.get("/review/statements").text.split("<tr")
    names = [m[1] for row in rows if "decisions#Q01" in row and (m := re.search(r"/review/statements/(S\d+)", row))]
    html = desk.client.get(f"/review/statements/{names[0]}").text
    assert "Otherwise:</strong> at least 3 months: 12 weeks" in html
    assert "for example for this patient:" in html
    assert re.search(r"<li dir=\"auto\">Has: [^<]*radiculopathy", html)
