"""Feedback: whole requests or nothing, the same entry once, a store that is locked or full, export and clearing."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from fhir_support import guidelog
from guidelog.web.app import create_app
from guidelog.web.hooks.feedback import Entry, FeedbackStore, Malformed, StoreBusy, StoreFull, read_feedback
from guidelog.web.hooks.schemas import schema
from guidelog.web.settings import Settings
from hook_requests import DAY, IDS, MRI, request

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
TAKEN = "e56e1945-20b3-4393-8503-a1a20fd73152"
URL = f"/cds-services/{IDS['order-sign']}/feedback"
ACCEPTED = {
    "card": CARD,
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": TAKEN}],
    "outcomeTimestamp": "2025-11-13T10:05:31Z",
}
OVERRIDDEN = {
    "card": CARD,
    "outcome": "overridden",
    "outcomeTimestamp": "2025-11-13T12:00:00.52+01:00",
    "overrideReason": {
        "reason": {"system": "urn:x", "code": "patient-choice", "display": "Shared decision"},
        "userComment": "=1+1, too long",
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def http(path: Path) -> Iterator[TestClient]:
    with TestClient(
        create_app(Settings(workers=0, feedback=path, feedback_rows=5)), base_url="http://localhost"
    ) as client:
        yield client


def rows(path: Path) -> list[dict[str, Any]]:
    return list(FeedbackStore(path).rows())


def test_what_the_specification_sends_is_kept_once(http: TestClient, path: Path) -> None:
    sent = {"feedback": [ACCEPTED, OVERRIDDEN]}
    Draft202012Validator(schema("feedback")).validate(sent)
    for _ in range(3):
        got = http.post(URL, json=sent)
        assert (got.status_code, got.json()) == (200, {})
    first, second = sorted(rows(path), key=lambda r: r["outcome"])
    assert first["suggestions"] == [TAKEN]
    assert first["service"] == IDS["order-sign"]
    assert first["happened"] == "2025-11-13T10:05:31+00:00"
    assert second["happened"] == "2025-11-13T11:00:00.520000+00:00"
    assert second["reason"] == OVERRIDDEN["overrideReason"]["reason"]
    assert second["comment"] == "=1+1, too long"


WRONG = [
    {},
    [],
    {"feedback": {}},
    {"feedback": [1]},
    {"feedback": [{**ACCEPTED, "card": "x"}]},
    {"feedback": [{**ACCEPTED, "outcome": "ignored"}]},
    {"feedback": [{**ACCEPTED, "acceptedSuggestions": []}]},
    {"feedback": [{**ACCEPTED, "acceptedSuggestions": [{"id": 1}]}]},
    {"feedback": [{**ACCEPTED, "outcomeTimestamp": "yesterday"}]},
    {"feedback": [{**ACCEPTED, "outcomeTimestamp": "2025-11-13T10:05:31"}]},
    {"feedback": [{**OVERRIDDEN, "overrideReason": {"reason": {"code": ""}}}]},
    {"feedback": [{**OVERRIDDEN, "overrideReason": {"userComment": "x" * 4001}}]},
    {"feedback": [OVERRIDDEN, {**ACCEPTED, "card": None}]},
    {"feedback": [ACCEPTED] * 1001},
]


def test_what_is_malformed_is_refused_whole(http: TestClient, path: Path) -> None:
    for wrong in WRONG:
        got = http.post(URL, json=wrong)
        assert got.status_code == 400, wrong
        Draft202012Validator(schema("outcome")).validate(got.json())
        with pytest.raises(Malformed):
            read_feedback(json.dumps(wrong).encode())
    assert not path.exists() or rows(path) == []


def test_a_full_store_keeps_what_it_has_and_takes_more_after_export(http: TestClient, path: Path) -> None:
    def entry(second: int) -> dict[str, Any]:
        return {**ACCEPTED, "outcomeTimestamp": f"2025-11-13T10:05:{second:02}Z"}

    assert http.post(URL, json={"feedback": [entry(i) for i in range(4)]}).status_code == 200
    assert http.post(URL, json={"feedback": [entry(4), entry(5)]}).status_code == 507
    assert len(rows(path)) == 4, "all or nothing"
    assert http.post(URL, json={"feedback": [entry(4)]}).status_code == 200
    assert http.post(URL, json={"feedback": [entry(4)]}).status_code == 200, "what is there already needs no room"
    assert FeedbackStore(path).forget(rows(path)[:3]) == 3
    assert http.post(URL, json={"feedback": [entry(6)]}).status_code == 200
    assert len(rows(path)) == 3


def test_a_full_disk_is_an_error_and_loses_nothing(path: Path) -> None:
    store = FeedbackStore(path)
    [entry] = read_feedback(json.dumps({"feedback": [OVERRIDDEN]}).encode())
    store.add("s", [entry])
    original = store._open

    def nearly_full() -> sqlite3.Connection:
        database = original()
        database.execute("pragma max_page_count = 4")
        return database

    store._open = nearly_full  # type: ignore[method-assign]
    big = [Entry(CARD, "overridden", (), None, "x" * 4000, f"2025-11-13T10:{i:02}:00+00:00") for i in range(60)]
    with pytest.raises(StoreFull):
        store.add("s", big)
    assert len(rows(path)) == 1
    FeedbackStore(path).add("s", big)
    assert len(rows(path)) == 61


def test_a_locked_store_says_so_and_recovers(http: TestClient, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert http.post(URL, json={"feedback": [ACCEPTED]}).status_code == 200
    quick = FeedbackStore(path, seconds=0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(StoreBusy):
            quick.add("s", read_feedback(json.dumps({"feedback": [OVERRIDDEN]}).encode()))
        got = http.post(URL, json={"feedback": [OVERRIDDEN]})
        assert got.status_code == 503
        assert got.headers["retry-after"] == "2"
        other.execute("rollback")
    assert http.post(URL, json={"feedback": [OVERRIDDEN]}).status_code == 200
    assert len(rows(path)) == 2


def test_a_store_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.sqlite").write_text("this is not a database, and long enough to be looked at" * 100)
    for wrong in (tmp_path / "no.sqlite", tmp_path / "nowhere" / "f.sqlite"):
        with pytest.raises(StoreBusy):
            FeedbackStore(wrong).add("s", [])


def test_many_at_once_lose_nothing(path: Path) -> None:
    store = FeedbackStore(path, seconds=30)

    def add(number: int) -> None:
        for second in range(5):
            store.add(f"s{number}", [Entry(CARD, "overridden", (), None, None, f"2025-11-13T10:05:{second:02}+00:00")])

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(path)) == 40


def test_export_as_a_user_does_it(http: TestClient, path: Path, tmp_path: Path) -> None:
    http.post(URL, json={"feedback": [ACCEPTED, OVERRIDDEN]})

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "guidelog.cli", "feedback", "export", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    table = list(csv.DictReader(io.StringIO(run(str(path), "--format", "csv").stdout)))
    assert [r["outcome"] for r in table if r["reason_code"] == "patient-choice"] == ["overridden"]
    assert [r["comment"] for r in table if r["comment"]] == ["'=1+1, too long"], "no formula for a spreadsheet"
    cleared = run(str(path), "--clear")
    assert len(cleared.stdout.splitlines()) == 2
    assert cleared.stderr == "2 entries taken out\n"
    assert run(str(path)).stdout == ""
    missing = run(str(tmp_path / "none.sqlite"))
    assert (missing.returncode, "GL483" in missing.stderr) == (2, True)


def test_feedback_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "feedback.sqlite"
    file.touch(0o644)
    file.chmod(0o644)
    store = FeedbackStore(file)
    with closing(store._open()):
        modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}
    assert len(modes) >= 1
    assert set(modes.values()) == {0o600}


# ---------------------------------------------------------------- what became of each piece of advice


def test_feedback_is_counted_by_advice(path: Path) -> None:
    settings = Settings(workers=0, feedback=path, as_of=DAY)
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as http:
        cards = [
            http.post(f"/cds-services/{IDS['order-sign']}", json=request("order-sign", MRI)).json()["cards"][0]["uuid"]
            for _ in range(3)
        ]
        assert len(set(cards)) == 1, "the same advice has the same id"
        for entry in (ACCEPTED, OVERRIDDEN):
            assert http.post(URL, json={"feedback": [entry | {"card": cards[0]}]}).status_code == 200
        assert http.post(URL, json={"feedback": [ACCEPTED]}).status_code == 200  # a card that nobody sent
    unknown, known = FeedbackStore(path).report()
    assert (known["intervention"], known["status"], known["issued"]) == ("mri_lumbar", "undetermined", 3)
    assert (known["accepted"], known["overridden"]) == (1, 1)
    assert known["reasons"] == {"Shared decision": 1}
    assert known["version"]
    assert (unknown["intervention"], unknown["accepted"]) == ("", 1)
    with closing(sqlite3.connect(path)) as database:
        log = json.dumps(list(database.execute("select * from issued")))
    assert "Patient" not in log
    shown = guidelog("feedback", "report", str(path)).stdout
    assert "mri_lumbar: undetermined" in shown
    assert "sent 3, accepted 1, overridden 1" in shown
    assert "1  Shared decision" in shown
