"""The one place where a running service evaluates patients.

A task is a module's function that takes the compiled guideline and plain data, and gives plain data back. It runs in a
worker process that does one task at a time, so that patients cannot meet; a worker that dies is replaced and its task
done once more; one that takes too long is killed. Without worker processes tasks run in a thread of the server, which
is as correct (nothing about a patient is shared) but cannot be stopped.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from guidelog.diagnostics import CertificateError, InputError
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline

from .edition import Edition, GuidelineChanged, LiveGuideline, ready
from .outcome import Changed, Done, Failed, Outcome, Refused, Uncertified, perform
from .pool import START_SECONDS, WorkerLost, Workers

P = ParamSpec("P")
T = TypeVar("T")


class Busy(Exception):
    """More is waiting than will be taken; to be tried again."""


class TooSlow(Exception):
    """The task took longer than allowed, and was stopped."""


class TaskFailed(Exception):
    """A defect in a task; says what kind and where, nothing of the patient."""


class Dispatcher:
    """Evaluates tasks, at most `workers` at a time; `start` and `stop` frame its life in an event loop.

    `modules` are those of the tasks: a worker loads them when it starts, not when the first patient waits. Raises
    InputError when the guideline cannot be compiled.
    """

    def __init__(
        self,
        where: str | None = None,
        readings: Mapping[str, str] | None = None,
        *,
        workers: int = 0,
        waiting: int = 64,
        seconds: float = 10.0,
        modules: tuple[str, ...] = (),
    ) -> None:
        self.compiled = LiveGuideline.of(compile_guideline(load_guideline(where), readings or {}))
        guideline = self.compiled.guideline
        chosen = tuple(sorted((readings or {}).items()))
        self.edition = Edition(str(guideline.folder), chosen, guideline.sha256, modules)
        self._number, self._seconds = workers, seconds
        self._most_waiting = waiting + max(workers, 1)
        self._waiting = 0
        self._limiter: anyio.CapacityLimiter | None = None
        self.workers: Workers | None = None

    async def start(self) -> None:
        """Have every worker compile the guideline and answer once, certified. Raises what stands in the way."""
        self._limiter = anyio.CapacityLimiter(max(self._number, 1))
        hello = pickle.dumps((self.edition, ready, ()), pickle.HIGHEST_PROTOCOL)
        self.workers = Workers(self._number, hello) if self._number else None
        outcomes = await asyncio.gather(*(self._twice(ready, (), START_SECONDS) for _ in range(max(self._number, 1))))
        for outcome in outcomes:
            _value(outcome)

    async def stop(self) -> None:
        """End the workers."""
        if self.workers is not None:
            await self.workers.stop()

    async def run(self, task: Callable[Concatenate[LiveGuideline, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The task's result for this guideline. No keyword arguments.

        Raises InputError and CertificateError as the task does; Busy, TooSlow, WorkerLost, GuidelineChanged,
        TaskFailed.
        """
        assert not kwargs, "arguments travel to another process by place"
        if self._waiting >= self._most_waiting:
            raise Busy
        self._waiting += 1
        try:
            outcome = await self._twice(task, args, self._seconds)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._waiting -= 1
        return _value(outcome)  # type: ignore[no-any-return]

    async def _twice(self, task: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Outcome:
        """A task has no effects, so that doing it again after a worker's death is safe."""
        try:
            return await self._once(task, arguments, seconds)
        except WorkerLost:
            return await self._once(task, arguments, seconds)

    async def _once(self, task: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Outcome:
        if self.workers is None:
            return await anyio.to_thread.run_sync(perform, self.compiled, task, arguments, limiter=self._limiter)
        request = pickle.dumps((self.edition, task, arguments), pickle.HIGHEST_PROTOCOL)
        answer: Outcome = pickle.loads(await self.workers.call(request, seconds))  # noqa: S301 -- our own worker
        return answer


def _value(outcome: Outcome) -> Any:
    match outcome:
        case Done(value):
            return value
        case Refused(diagnostics):
            raise InputError(diagnostics)
        case Uncertified(reason):
            raise CertificateError(reason)
        case Changed():
            raise GuidelineChanged
        case Failed(kind, place):
            raise TaskFailed(f"{kind} at {place}")
