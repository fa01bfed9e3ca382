"""Vignettes run on several processors: each runs a share of them, and what comes out is the same as on one.

Processes are forked, so that nothing is read or compiled again; where that is not possible (another platform, other
threads running), or where the vignettes are few, all run here. A process that dies costs time: its share is run here.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from multiprocessing.connection import Connection

from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic
from guidelog.semantics.interpret import with_ground_evaluation

from ..trace.statement_rules import Register
from .cases import case_of
from .runner import Mismatch, Outcome, run
from .vignette import Vignette

MOST = 4
"""Processes unless told otherwise: beyond that, writing and checking certificates is no longer what takes the time."""

_FEW = 24
_Result = tuple[tuple[Mismatch, ...], tuple[Diagnostic, ...], float]


def run_shared(compiled: Compiled, vignettes: Sequence[Vignette], *, jobs: int | None, cases: bool) -> list[Outcome]:
    """Certified outcomes in the order of the vignettes. `cases` adds the evaluated patient to each, for coverage."""
    count = min(jobs or min(MOST, os.cpu_count() or 1), len(vignettes) // (_FEW // 2))
    if count < 2 or len(vignettes) < _FEW or sys.platform not in ("linux", "darwin") or threading.active_count() > 1:
        return list(run(compiled, vignettes))
    quick, register = with_ground_evaluation(compiled), Register(compiled.ground)
    _ = quick.rulebook  # read once, before there are several of us
    shares = [vignettes[number::count] for number in range(count)]
    others = [_start(quick, share) for share in shares[1:]]
    results = [_run(quick, shares[0]), *(_receive(quick, *other) for other in others)]
    found = []
    for number, vignette in enumerate(vignettes):
        mismatches, problems, seconds = results[number % count][number // count]
        case = case_of(quick, vignette.patient, register) if cases and not problems else None
        found.append(Outcome(vignette, case, mismatches, problems, seconds))
    return found


_Other = tuple[Sequence[Vignette], multiprocessing.process.BaseProcess, Connection]


def _start(compiled: Compiled, share: Sequence[Vignette]) -> _Other:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(compiled, share, sender), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads; there are none
        process.start()
    sender.close()
    return share, process, receiver


def _send(compiled: Compiled, share: Sequence[Vignette], sender: Connection) -> None:
    try:
        sender.send(_run(compiled, share))
    except KeyboardInterrupt:
        os._exit(130)  # the one that started this process says so


def _receive(
    compiled: Compiled, share: Sequence[Vignette], process: multiprocessing.process.BaseProcess, receiver: Connection
) -> list[_Result]:
    try:
        found: list[_Result] = receiver.recv()
    except (EOFError, OSError):
        found = _run(compiled, share)
    process.join()
    return found


def _run(compiled: Compiled, share: Sequence[Vignette]) -> list[_Result]:
    return [(o.mismatches, o.problems, o.seconds) for o in run(compiled, share)]
