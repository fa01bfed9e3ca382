"""The running service under load and faults: patients never mix, workers die, clients are slow or send too much."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

import guidelog.web.server
import service_tasks
from guidelog.diagnostics import InputError
from guidelog.language.guideline import load_guideline
from guidelog.patients import patient_from_content, read_patient, read_text
from guidelog.pipeline import ask, compile_guideline, settle
from guidelog.web.app import create_app
from guidelog.web.middleware import Rates, _Answered, _Body
from guidelog.web.server import run, server, warnings
from guidelog.web.settings import Settings
from guidelog.web.workers.dispatcher import Busy, Dispatcher, TaskFailed, TooSlow
from guidelog.web.workers.edition import GuidelineChanged, LiveGuideline, ready
from guidelog.web.workers.pool import WorkerLost
from guidelog.web.workers.record_store import RecordStore
from hook_requests import DAY, IDS, MRI, RADICULOPATHY, answers, bundle, request, steady

ROOT = Path(__file__).parents[2]
TESTS = Path(__file__).parents[1]


@pytest.fixture
def task_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes find the tests' tasks."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS / "support"))


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """The application on a real socket, in a thread; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        running = server(create_app(settings))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not running.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running.started
        try:
            yield port
        finally:
            running.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def random_patient(seed: int, compiled: Any) -> dict[str, Any]:
    """A record that does not contradict itself, different for every seed."""
    chance = random.Random(seed)
    vocabulary = compiled.names.vocabulary
    while True:
        findings = {
            n: chance.choice(["present", "absent", "unknown"]) for n in vocabulary.findings if chance.random() < 0.5
        }
        findings |= {"chronic_radiculopathy": "present", "level_l5_s1": "present"}
        measures = {
            n: chance.randint(m.low, min(m.high, m.low + 30))
            for n, m in vocabulary.measures.items()
            if chance.random() < 0.4
        }
        content = {"patient": f"random-{seed}", "as_of": "2025-11-13", "findings": findings, "measures": measures}
        try:
            settle(compiled, patient_from_content(content, vocabulary))
        except InputError:
            continue
        return content


FRESH = """
import json, sys
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from service_tasks import answered
compiled = compile_guideline(load_guideline())
for line in sys.stdin:
    print(json.dumps(answered(compiled, json.loads(line))), flush=True)
"""


def test_patients_never_mix_in_64_threads() -> None:
    """All at once through one guideline, by circuits; each answer is that of a fresh process, by pyDatalog."""
    compiled = LiveGuideline.of(compile_guideline(load_guideline()))
    patients = [random_patient(seed, compiled) for seed in range(64)]
    barrier = threading.Barrier(64)

    def one(content: dict[str, Any]) -> list[dict[str, Any]]:
        barrier.wait()
        return service_tasks.answered(compiled, content)

    with ThreadPoolExecutor(64) as pool:
        together = list(pool.map(one, patients))
    fresh = subprocess.run(
        [sys.executable, "-c", FRESH],
        input="\n".join(map(json.dumps, patients)),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS / "support")},
        check=True,
        timeout=120,
    )
    alone = [json.loads(line) for line in fresh.stdout.splitlines()]
    assert len({json.dumps(a) for a in alone}) > 20, "the patients must differ for this to show anything"
    for said, expected in zip(together, alone, strict=True):
        assert json.loads(json.dumps(said)) == expected


def test_circuits_answer_every_vignette_as_pydatalog_does() -> None:
    compiled = compile_guideline(load_guideline())
    live = LiveGuideline.of(compiled)
    for path in sorted((compiled.guideline.folder / "vignettes").glob("*.yaml"))[::8]:
        patient = read_patient(read_text(path), compiled.names.vocabulary)
        first, second = (ask(c, patient, compiled.guideline.main) for c in (compiled, live))
        assert [a.to_json() for a in first.answers] == [a.to_json() for a in second.answers], path.name
        assert first.world.model == second.world.model, path.name


def test_a_worker_that_dies_is_replaced_and_nothing_is_lost(task_path: None, tmp_path: Path) -> None:
    async def story() -> None:
        desk = Dispatcher(workers=1, seconds=30)
        await desk.start()
        assert desk.workers is not None
        try:
            (first,) = desk.workers.pids
            os.kill(first, signal.SIGKILL)  # while idle
            assert await desk.run(ready) == desk.edition.sha256
            (second,) = desk.workers.pids
            assert second != first
            assert await desk.run(service_tasks.die_once, str(tmp_path / "mark")) == "second"  # while at work
            with pytest.raises(WorkerLost):
                await desk.run(service_tasks.die)
            assert await desk.run(ready) == desk.edition.sha256
            with pytest.raises(TaskFailed) as caught:
                await desk.run(service_tasks.fail, "a secret")
            assert "secret" not in str(caught.value)
            assert "ValueError at service_tasks.py" in str(caught.value)
        finally:
            await desk.stop()
        assert desk.workers.pids == ()

    asyncio.run(story())


def test_what_takes_too_long_is_stopped_and_what_is_too_much_refused(task_path: None) -> None:
    async def story() -> None:
        desk = Dispatcher(workers=1, waiting=1, seconds=30)
        await desk.start()
        desk._seconds = 0.8
        try:
            slow = [asyncio.create_task(desk.run(service_tasks.doze, 20.0)) for _ in range(2)]
            await asyncio.sleep(0.1)
            with pytest.raises(Busy):
                await desk.run(service_tasks.doze, 0.0)
            started = time.monotonic()
            outcomes = await asyncio.gather(*slow, return_exceptions=True)
            assert [type(o) for o in outcomes] == [TooSlow, TooSlow]
            assert time.monotonic() - started < 10
            desk._seconds = 30
            assert await desk.run(ready) == desk.edition.sha256, "the worker that was stopped has been replaced"
        finally:
            await desk.stop()

    asyncio.run(story())


def test_a_guideline_that_changes_under_the_service_is_noticed(tmp_path: Path, task_path: None) -> None:
    import shutil

    shutil.copytree(ROOT / "kb/lumbar_radiculopathy", tmp_path / "g")

    async def story() -> None:
        desk = Dispatcher(str(tmp_path / "g"), workers=1, seconds=30)
        await desk.start()
        assert desk.workers is not None
        try:
            with (tmp_path / "g/notes.dl").open("a") as file:
                file.write("\n% changed\n")
            assert await desk.run(ready) == desk.edition.sha256, "a worker keeps what it has read"
            os.kill(desk.workers.pids[0], signal.SIGKILL)
            with pytest.raises(GuidelineChanged):
                await desk.run(ready)
        finally:
            await desk.stop()

    asyncio.run(story())


@pytest.mark.slow
def test_concurrent_calls_over_http_never_mix() -> None:
    """Different patients at once over real connections and worker processes; each gets the reply it gets alone."""
    cases = [
        request(
            "order-sign",
            MRI,
            prefetch={
                "q": bundle(
                    RADICULOPATHY, answers(level_l5_s1=True, saddle_anesthesia=False, conservative_care_weeks=i)
                )
            },
            patientId="1",
        )
        for i in range(8)
    ]
    with serving(Settings(workers=2, as_of=DAY, waiting=500, rate=1000, burst=1000, seconds=60)) as port:
        url = f"http://127.0.0.1:{port}/cds-services/{IDS['order-sign']}"
        with httpx2.Client(timeout=60) as http:
            alone = [steady(http.post(url, json=c).json()) for c in cases]
            with ThreadPoolExecutor(16) as pool:
                together = list(pool.map(lambda i: steady(http.post(url, json=cases[i % 8]).json()), range(32)))
    assert len({json.dumps(a) for a in alone}) > 5, "the replies must differ for this to show anything"
    assert all(said == alone[i % 8] for i, said in enumerate(together))


@pytest.mark.slow
def test_a_client_in_a_browser_may_call_from_another_origin() -> None:
    """As the public sandbox does: a page of another origin, in Chromium, with a token that nobody asked for."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None)
    if chromium is None:
        pytest.skip("there is no Chromium")
    script = """async ([url, sent]) => {
        const headers = {"Content-Type": "application/json", "Authorization": "Bearer a.b.c"};
        const found = await (await fetch(url, {headers})).json();
        const got = await fetch(url + "/" + found.services[2].id, {method: "POST", headers, body: JSON.stringify(sent)});
        const wrong = await fetch(url + "/" + found.services[2].id, {method: "POST", headers, body: "{"});
        const page = await fetch(url.replace("/cds-services", "/health")).then(() => "read", () => "refused");
        return [found.services.length, got.status, (await got.json()).cards.length, wrong.status, page];
    }"""
    with (
        serving(Settings(workers=0, as_of=DAY, origins=("*",))) as port,
        serving(Settings(workers=0)) as other,
        sync_api.sync_playwright() as run_,
    ):
        browser = run_.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(bypass_csp=True)  # our own page stands for the client's, which has no such policy
        page.goto(f"http://127.0.0.1:{other}/cds-services")
        sent = request("order-sign", MRI)
        assert page.evaluate(script, [f"http://127.0.0.1:{port}/cds-services", sent]) == [3, 200, 1, 400, "refused"]
        browser.close()


@pytest.fixture(scope="module")
def small() -> Iterator[TestClient]:
    with TestClient(
        create_app(Settings(workers=0, body_bytes=1000, rate=10_000, burst=10_000)), base_url="http://localhost"
    ) as http:
        yield http


def test_what_is_too_large_is_refused_before_and_while_it_arrives(small: TestClient) -> None:
    url = f"/cds-services/{IDS['patient-view']}"
    headers = {"content-type": "application/json"}
    assert small.post(url, content=b" " * 1001, headers=headers).status_code == 413

    def parts() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 100

    got = small.post(url, content=parts(), headers=headers)
    assert got.status_code == 413
    assert "too large" in got.text
    assert small.post(url, content=b" " * 1000, headers=headers).status_code == 400


def test_every_answer_has_the_security_headers(small: TestClient) -> None:
    for path in ("/health", "/cds-services", "/nope", "/openapi.json"):
        headers = small.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
    assert "server" not in small.get("/health").headers


def test_other_host_names_are_not_answered(small: TestClient) -> None:
    assert small.get("/health", headers={"host": "attacker.example"}).status_code == 400
    assert small.get("/health", headers={"host": "127.0.0.1:8000"}).status_code == 200
    assert set(Settings(public_url="https://cds.example:8443/x").allowed_hosts) >= {"cds.example", "localhost"}
    assert "[::1]" in Settings(host="::1").allowed_hosts


def test_the_log_says_nothing_of_patients(small: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="guidelog.web"):
        small.post(f"/cds-services/{IDS['patient-view']}", json=request("patient-view", patientId="secret-77"))
        small.get("/explain/secret-77")
        small.get("/secret-77?name=secret-77")
    assert len(caplog.records) >= 3
    assert "POST /cds-services/{service_id} 200" in caplog.text
    assert "secret" not in caplog.text


def test_a_client_that_asks_too_often_has_to_wait() -> None:
    clock = [0.0]
    rates = Rates(2.0, 3, lambda: clock[0])
    assert [rates.allow("a") for _ in range(4)] == [True, True, True, False]
    assert rates.allow("b")
    clock[0] = 1.0
    assert [rates.allow("a") for _ in range(3)] == [True, True, False]
    clock[0] = 3600.0  # however long nobody asked, no more than a burst
    assert [rates.allow("a") for _ in range(4)] == [True, True, True, False]
    limited = Settings(workers=0, rate=0.01, burst=1, origins=("*",))
    with TestClient(create_app(limited), base_url="http://localhost") as http:
        assert http.get("/cds-services").status_code == 200
        got = http.get("/cds-services", headers={"origin": "https://x.example"})
        assert got.status_code == 429
        assert got.headers["retry-after"]
        assert got.headers["access-control-allow-origin"] == "*"


def test_a_body_has_one_deadline_however_often_a_part_arrives() -> None:
    """A client that sends a byte at a time, each in time, is shown the door all the same."""

    async def dribble() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> tuple[int, int]:
        body = _Body(dribble, 1_000_000, 0.3)
        for count in range(100):
            try:
                await body.receive()
            except _Answered as refusal:
                return count, refusal.status
        return 100, 200

    count, status = asyncio.run(read())
    assert 1 <= count <= 6
    assert status == 408


def test_slow_clients_are_shown_the_door_and_others_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guidelog.web.server, "HEAD_SECONDS", 0.5)
    with serving(Settings(workers=0, body_seconds=0.5)) as port:
        with (
            socket.create_connection(("127.0.0.1", port)) as head,
            socket.create_connection(("127.0.0.1", port)) as body,
        ):
            head.sendall(b"GET /health HTTP/1.1\r\nHost: loc")
            body.sendall(
                f"POST /cds-services/{IDS['patient-view']} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: 100\r\n\r\n{".encode()
            )
            assert httpx2.get(f"http://127.0.0.1:{port}/cds-services").status_code == 200, "others are served meanwhile"
            head.settimeout(5)
            body.settimeout(5)
            assert head.recv(1000) == b"", "closed"
            assert body.recv(1000).startswith(b"HTTP/1.1 408 ")
        with socket.create_connection(("127.0.0.1", port)) as again:
            again.sendall(b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\n\r\n")
            again.settimeout(5)
            assert again.recv(20).startswith(b"HTTP/1.1 200"), "a client that is not slow is not timed"
            time.sleep(0.7)
            again.sendall(b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert again.recv(100_000)


def test_what_cards_link_to_is_forgotten() -> None:
    clock = [0.0]
    kept = RecordStore(10.0, 2, lambda: clock[0])
    names = [kept.put({"patient": str(i)}) for i in range(3)]
    assert len({*names}) == 3
    assert all(len(n) >= 22 for n in names)
    assert kept.get(names[0]) is None, "the oldest gives way"
    assert kept.get(names[2]) == {"patient": "2"}
    clock[0] = 10.0
    assert kept.get(names[2]) is None


def test_warnings_for_what_is_open() -> None:
    assert len(warnings(Settings(trust=Path("x")))) == 0
    assert "JWT" in warnings(Settings())[0]
    for host in ("192.0.2.1", "::", "cds.example"):
        assert f"listening on {host}" in warnings(Settings(host=host))[0]
    assert Settings(host="localhost").loopback
    assert Settings(host="::1").loopback


def test_serve_as_a_user_starts_it(tmp_path: Path) -> None:
    """The command itself: started, asked, told what became of the card, stopped."""
    command = [
        sys.executable,
        "-m",
        "guidelog.cli",
        "serve",
        "--port",
        "0",
        "--workers",
        "1",
        "--feedback",
        str(tmp_path / "f.sqlite"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line
            url = line.split()[2]
            for _ in range(100):
                try:
                    assert httpx2.get(f"{url}/health", timeout=20).json()["status"] == "ok"
                    break
                except httpx2.TransportError:
                    time.sleep(0.1)
            got = httpx2.post(f"{url}/cds-services/{IDS['order-sign']}", json=request("order-sign", MRI), timeout=30)
            assert got.status_code == 200
            (card,) = got.json()["cards"]
            assert card["links"][0]["url"].startswith(url)
            assert httpx2.get(card["links"][0]["url"], timeout=30).status_code == 200
            entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2025-11-13T10:00:00Z"}
            kept = httpx2.post(
                f"{url}/cds-services/{IDS['order-sign']}/feedback", json={"feedback": [entry]}, timeout=30
            )
            assert kept.status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "JWT of CDS clients is not verified" in errors
    assert "Traceback" not in errors
    assert "Patient/1" not in errors
    out = subprocess.run(
        [sys.executable, "-m", "guidelog.cli", "feedback", "export", str(tmp_path / "f.sqlite")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(out.stdout)["card"] == card["uuid"]


def test_serve_says_what_is_wrong(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        run(Settings(port=taken.getsockname()[1]), announce=said.append, warn=said.append)
    with pytest.raises(InputError, match="cannot read"):
        run(Settings(trust=tmp_path / "none.toml"), announce=said.append, warn=said.append, check=True)
    assert not any("listening on http" in s for s in said)
