"""What a card's link leads to: a record kept in memory for a short time, under a name that says nothing.

The name is random (128 bits), so that nothing about a patient stands in an address. Bounded in number and time; gone
when the service stops. Never written anywhere.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any


class RecordStore:
    """Records by random names; the oldest give way."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: OrderedDict[str, tuple[float, Mapping[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def name() -> str:
        """A name that nobody can guess."""
        return secrets.token_urlsafe(16)

    def put(self, content: Mapping[str, Any], name: str | None = None) -> str:
        """Keep a record (as `Patient.content`) under a name; the name."""
        name = name or self.name()
        with self._lock:
            self._forget()
            while len(self._kept) >= self._most:
                self._kept.popitem(last=False)
            if self._most > 0:
                self._kept[name] = (self._clock() + self._seconds, content)
        return name

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The record of that name, None when there is none any more."""
        with self._lock:
            self._forget()
            found = self._kept.get(name)
        return found[1] if found else None

    def _forget(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._kept.popitem(last=False)
