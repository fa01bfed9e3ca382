"""Where reviewers' and authors' work is done: a worker of its own, so that no patient waits for it.

Started when it is first needed, with its own limits of time; killed and replaced when it takes longer. What depends on
the guideline alone is worked out once and kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..settings import Settings
from .dispatcher import Dispatcher
from .edition import LiveGuideline

P = ParamSpec("P")
T = TypeVar("T")
SECONDS = 20.0
WAITING = 4


class Workroom:
    """One worker for what is no patient's business."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desk: Dispatcher | None = None
        self._starting = asyncio.Lock()
        self._kept: dict[str, Any] = {}
        self._making = asyncio.Lock()

    @property
    def separate(self) -> bool:
        """Whether it is a process of its own, which can be stopped and whose memory can be bounded."""
        return self._settings.workers > 0

    async def run(self, task: Callable[Concatenate[LiveGuideline, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Dispatcher.run`."""
        async with self._starting:
            if self._desk is None:
                settings = self._settings
                desk = Dispatcher(
                    settings.guideline,
                    settings.readings,
                    workers=min(1, settings.workers),
                    waiting=WAITING,
                    seconds=SECONDS,
                )
                await desk.start()
                self._desk = desk
        return await self._desk.run(task, *args, **kwargs)

    async def once(
        self, name: str, task: Callable[Concatenate[LiveGuideline, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The result of a task that depends on the guideline alone."""
        async with self._making:
            if name not in self._kept:
                self._kept[name] = await self.run(task, *args, **kwargs)
        found: T = self._kept[name]
        return found

    async def stop(self) -> None:
        """End the worker."""
        if self._desk is not None:
            await self._desk.stop()
            self._desk = None
