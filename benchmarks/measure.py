"""Timing side by side: all contenders in one run, taking turns, medians and ratios reported."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of one contender over all rounds."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def side_by_side(contenders: Mapping[str, Callable[[], object]], *, rounds: int = 15, warm: int = 2) -> list[Timing]:
    """Each contender once a round, in turn, so that a slow moment of the machine hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(warm):
        for run in contenders.values():
            run()
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return [Timing(name, tuple(seconds)) for name, seconds in times.items()]


def table(timings: list[Timing], *, base: str) -> str:
    """Medians in milliseconds and ratios to one of the contenders, as Markdown."""
    reference = next(t.median for t in timings if t.name == base)
    lines = ["| | median ms | fastest ms | ratio |", "|---|---:|---:|---:|"]
    for timing in timings:
        ratio = timing.median / reference
        lines.append(f"| {timing.name} | {timing.median * 1e3:.3f} | {min(timing.seconds) * 1e3:.3f} | {ratio:.3g} |")
    return "\n".join(lines)


def machine() -> str:
    """What it ran on."""
    return f"Python {platform.python_version()}, {platform.machine()}, {time.strftime('%Y-%m-%d')}"
