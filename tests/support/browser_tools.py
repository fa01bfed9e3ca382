"""What the browser tests need of the machine: Chromium and axe-core, each None where it is not there."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def browser() -> str | None:
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


@cache
def axe_core() -> str | None:
    places = [os.environ.get("AXE_CORE", ""), str(ROOT / "node_modules" / "axe-core" / "axe.min.js")]
    path = next((Path(p) for p in places if p and Path(p).is_file()), None)
    return path.read_text(encoding="utf-8") if path else None
