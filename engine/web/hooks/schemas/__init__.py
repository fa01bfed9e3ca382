"""JSON Schemas (2020-12) of CDS Hooks 2.0.1 messages, written from the specification's models; data, read by name."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def schema(name: str) -> dict[str, Any]:
    """`discovery`, `request`, `response`, `feedback` or `outcome`. Not to be changed."""
    found: dict[str, Any] = json.loads((resources.files(__package__) / f"{name}.json").read_text(encoding="utf-8"))
    return found
