"""The worker process, `python -m guidelog.web.workers`.

One task at a time from standard input, its outcome to standard output. Both are pickles with their length in front,
between this process and the one that started it only. What a task prints goes nowhere. Ends when its input ends, so
that no worker outlives the server.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, BinaryIO

from guidelog.diagnostics import InputError

from .edition import Edition, GuidelineChanged, open_edition
from .outcome import Changed, Outcome, Refused, perform
from .pool import LENGTH

_opened = lru_cache(maxsize=1)(open_edition)


def _outcome(edition: Edition, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    try:
        compiled = _opened(edition)
    except GuidelineChanged:
        return Changed()
    except InputError as error:
        return Refused(error.diagnostics)
    return perform(compiled, task, arguments)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Task after task, until the input ends."""
    warm = False
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        edition, task, arguments = pickle.loads(source.read(LENGTH.unpack(head)[0]))  # noqa: S301 -- our own server
        answer = pickle.dumps(_outcome(edition, task, arguments), pickle.HIGHEST_PROTOCOL)
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()
        if not warm:  # the guideline stays; collecting garbage need not look through it for every patient
            gc.collect()
            gc.freeze()
            warm = True


def main() -> None:
    """Keep the pipe to the server to ourselves, and serve."""
    sink = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
