"""Tasks for the desk in tests: worker processes import this module by its name, so the tests' folder is on their path."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from guidelog.compiled import Compiled
from guidelog.patients import patient_from_content
from guidelog.pipeline import ask


def doze(_compiled: Compiled, seconds: float) -> str:
    time.sleep(seconds)
    return "awake"


def die(_compiled: Compiled) -> None:
    os._exit(9)


def die_once(_compiled: Compiled, mark: str) -> str:
    if not Path(mark).exists():
        Path(mark).touch()
        os._exit(9)
    return "second"


def fail(_compiled: Compiled, secret: str) -> None:
    raise ValueError(f"about {secret}")


def answered(compiled: Compiled, content: dict[str, Any]) -> list[dict[str, Any]]:
    """The main answers, whole."""
    patient = patient_from_content(content, compiled.names.vocabulary)
    return [a.to_json() for a in ask(compiled, patient, compiled.guideline.main).answers]
