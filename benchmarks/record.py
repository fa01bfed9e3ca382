"""Add a line to `benchmarks/history/ask.jsonl`: what today's code takes for the things that people wait for.

    python benchmarks/record.py            (about a minute)

Medians in milliseconds of one run, with commit, machine and Python, so that a slower release is seen. Figures of
different machines are not compared; `--show` prints the lines of this one.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import guidelog

ROOT = Path(__file__).parent.parent
HISTORY = Path(__file__).parent / "history" / "ask.jsonl"
FOLDER = ROOT / "kb" / "lumbar_radiculopathy"
SEED = FOLDER / "vignettes" / "seed.yaml"


def median(run: Callable[[], object], times: int) -> float:
    """Milliseconds, the median of so many runs after one that does not count."""
    run()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return round(statistics.median(taken) * 1000, 2)


def figures() -> dict[str, float]:
    """What is measured, by name."""
    guideline = guidelog.load(FOLDER)
    patient = guideline.read(SEED)
    answers = guideline.ask(patient)
    command = [sys.executable, "-m", "guidelog.cli", "ask", str(SEED)]
    return {
        "load": median(lambda: guidelog.load(FOLDER), 7),
        "ask": median(lambda: guideline.ask(patient), 15),
        "why": median(lambda: guideline.why(answers, guideline.main[0]), 15),
        "patient picture": median(lambda: guideline.diagram("patient", answers, format="dot"), 7),
        "verify": median(guideline.verify, 3),
        "ask as a process": median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), 7),  # noqa: S603 - our own command
    }


def line() -> dict[str, Any]:
    """One line of the history."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whatever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "day": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "version": guidelog.__version__,
        "machine": f"{platform.machine()} {platform.system()}",
        "python": platform.python_version(),
        "ms": figures(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print the history and measure nothing")
    if not parser.parse_args().show:
        HISTORY.parent.mkdir(exist_ok=True)
        with HISTORY.open("a", encoding="utf-8") as history:
            history.write(json.dumps(line()) + "\n")
    for entry in map(json.loads, HISTORY.read_text(encoding="utf-8").splitlines()):
        shown = ", ".join(f"{name} {ms:g}" for name, ms in entry["ms"].items())
        print(f"{entry['day']} {entry['commit']} ({entry['machine']}, Python {entry['python']}): {shown}")


if __name__ == "__main__":
    main()
