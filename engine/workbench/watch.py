"""Notice that files of a folder have changed, by looking at them a few times a second.

Polling works on every file system, in containers and over networks, and a guideline folder has few files.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

_SUFFIXES = {".dl", ".toml", ".yaml", ".yml", ".json"}
State = dict[Path, tuple[int, int]]


def state(folder: Path) -> State:
    """Time and size of each rule, metadata and vignette file in and below a folder."""
    found: State = {}
    for path in folder.rglob("*"):
        if path.suffix in _SUFFIXES:
            try:
                status = path.stat()
            except OSError:  # removed while we look
                continue
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def changes(folder: Path, *, every: float = 0.2, settle: float = 0.05) -> Iterator[list[Path]]:
    """The files that changed since the call, each time that some have. Never ends.

    Waits until an editor has finished writing.
    """
    return _changes(folder, state(folder), every, settle)


def _changes(folder: Path, before: State, every: float, settle: float) -> Iterator[list[Path]]:
    while True:
        time.sleep(every)
        now = state(folder)
        if now == before:
            continue
        while (later := _after(folder, settle)) != now:
            now = later
        changed = sorted(p for p in {*before, *now} if before.get(p) != now.get(p))
        before = now
        yield changed


def _after(folder: Path, seconds: float) -> State:
    time.sleep(seconds)
    return state(folder)
