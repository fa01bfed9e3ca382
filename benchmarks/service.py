"""The CDS Hooks service under load, on loopback only: patient-view with checked certificates.

    python benchmarks/service.py [--seconds 20] [--rate 20] [--workers 2]

Starts `guidelog serve`, sends different patients at a steady rate (each request at its time, whether or not the last
one was answered), and reports latency, the processor time of the service, and what it could do at most. Every reply is
checked: status 200, and the cards that this patient gets when asked alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from hook_requests import IDS, RADICULOPATHY, answers, bundle, request, steady

HOOK = "patient-view"


def patients() -> list[dict[str, Any]]:
    """From nothing but a diagnosis to a record that settles everything."""
    known: list[dict[str, bool | int]] = [
        {},
        {"level_l5_s1": True},
        {"level_l5_s1": True, "chronic_radiculopathy": True, "conservative_care_weeks": 3},
        {"level_l5_s1": True, "chronic_radiculopathy": True, "screen__red_flags": True, "conservative_care_weeks": 8},
        {
            "level_l5_s1": True,
            "chronic_radiculopathy": True,
            "screen__red_flags": True,
            "screen__treatment_history": True,
            "conservative_care_weeks": 2,
        },
        {"level_l5_s1": True, "chronic_radiculopathy": True, "saddle_anesthesia": True},
    ]
    return [request(HOOK, prefetch={"q": bundle(RADICULOPATHY, *([answers(**k)] if k else []))}) for k in known]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--rate", type=float, default=20)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    command = [
        sys.executable,
        "-m",
        "guidelog.cli",
        "serve",
        "--port",
        "0",
        "--workers",
        str(chosen.workers),
        "--no-feedback",
        "--as-of",
        "2025-11-13",
        "--rate",
        "10000",
    ]
    with subprocess.Popen(  # noqa: S603 -- our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2]
            measure(url, chosen.seconds, chosen.rate, process.pid)
        finally:
            process.terminate()


def measure(url: str, seconds: float, rate: float, pid: int) -> None:
    sent = [json.dumps(p).encode() for p in patients()]
    address = f"{url}/cds-services/{IDS[HOOK]}"
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=100)
    with httpx2.Client(headers={"content-type": "application/json"}, limits=limits, timeout=30) as http:
        for _ in range(200):  # until it listens
            try:
                http.get(f"{url}/health")
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        expected = [steady(http.post(address, content=s).json()) for s in sent]
        assert all(e["cards"] for e in expected), "a patient without a card measures nothing"
        for _ in range(5):
            for s in sent:
                http.post(address, content=s)
        before = processor_seconds(pid)
        done = steadily(http, address, sent, expected, seconds, rate)
        print(f"processor time of the service: {1000 * (processor_seconds(pid) - before) / done:.1f} ms a request")
        flat_out(http, address, sent, seconds / 4)


def steadily(http: Any, address: str, sent: list[bytes], expected: list[Any], seconds: float, rate: float) -> int:
    """Open loop: a slow answer does not make the next patient wait."""
    found: list[float] = []
    wrong: list[Any] = []

    def one(number: int, due: float) -> None:
        got = http.post(address, content=sent[number % len(sent)])
        found.append(time.perf_counter() - due)
        if got.status_code != 200 or steady(got.json()) != expected[number % len(sent)]:
            wrong.append(got.status_code)

    threads, start = [], time.perf_counter()
    for number in range(int(seconds * rate)):
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        threads.append(threading.Thread(target=one, args=(number, due)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(found, n=100)
    print(
        f"{len(found)} requests at {rate:g} a second: p50 {1000 * cuts[49]:.1f} ms, p90 {1000 * cuts[89]:.1f} ms, "
        f"p99 {1000 * cuts[98]:.1f} ms"
    )
    print("every reply was right" if not wrong else f"not answered or wrong: {Counter(wrong)}")
    return len(found)


def processor_seconds(pid: int) -> float:
    """User and system time of the server and its workers so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    fields = [Path(f"/proc/{p}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split() for p in (pid, *children)]
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


def flat_out(http: Any, address: str, sent: list[bytes], seconds: float) -> None:
    """Closed loop with four clients: what it can do at most."""
    count = [0] * 4
    end = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < end:
            assert http.post(address, content=sent[count[place] % len(sent)]).status_code == 200
            count[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"at most {sum(count) / seconds:.0f} requests a second with four clients at once")


if __name__ == "__main__":
    main()
