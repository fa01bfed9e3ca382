"""Worker processes: started, handed one task at a time, killed when too slow, replaced when gone."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

LENGTH = struct.Struct(">Q")
"""The length in front of every message."""

WORKER = __package__


class WorkerLost(Exception):
    """The worker process died before it answered."""


START_SECONDS = 60.0
"""How long a worker may take to load what it needs; a patient's own time does not run meanwhile."""


class Workers:
    """At most `number` processes. `call` takes an idle one, or starts one, or waits for one.

    `hello` is a request that a new worker answers before it is given any other.
    """

    def __init__(self, number: int, hello: bytes) -> None:
        self._hello = hello
        self._places: asyncio.LifoQueue[Process | None] = asyncio.LifoQueue()
        for _ in range(number):
            self._places.put_nowait(None)
        self._all: set[Process] = set()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that are alive."""
        return tuple(p.pid for p in self._all if p.returncode is None)

    async def call(self, request: bytes, seconds: float) -> bytes:
        """What a worker answers; `seconds` bound the wait for one, and again its work.

        Raises WorkerLost, and TimeoutError: then, or cancelled, the worker is killed.
        """
        async with asyncio.timeout(seconds):
            process = await self._places.get()
        kept = None
        try:
            try:
                if process is None or process.returncode is not None:
                    process = await self._start()
                    async with asyncio.timeout(START_SECONDS):
                        await _exchange(process, self._hello)
                async with asyncio.timeout(seconds):
                    answer = await _exchange(process, request)
            except TimeoutError:  # an OSError too
                raise
            except (OSError, asyncio.IncompleteReadError):
                raise WorkerLost from None
            kept = process
            return answer
        finally:
            if kept is None and process is not None:
                self._end(process)
            self._places.put_nowait(kept)

    async def stop(self) -> None:
        """End all of them, and wait until they are gone."""
        for process in tuple(self._all):
            self._end(process)
            await process.wait()
        self._all.clear()

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", WORKER, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        self._all = {p for p in self._all if p.returncode is None} | {process}
        return process

    @staticmethod
    def _end(process: Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _exchange(process: Process, request: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(LENGTH.pack(len(request)) + request)
    await process.stdin.drain()
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return await process.stdout.readexactly(length)
