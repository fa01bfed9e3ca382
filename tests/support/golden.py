"""The type of the fixture `golden`: compares a text with the expected one in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Golden = Callable[[Path, str], None]
