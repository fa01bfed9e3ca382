"""What became of a task, as data.

Exceptions do not survive the way between processes, and their messages may quote a record.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from guidelog.diagnostics import CertificateError, Diagnostic, InputError

from .edition import LiveGuideline


@dataclass(frozen=True, slots=True)
class Done:
    """The task's result."""

    value: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """The input was wrong."""

    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Uncertified:
    """The independent checker did not accept an answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The guideline's files are not those that the service was started with."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A defect: the kind of exception and where, without its message."""

    kind: str
    place: str


Outcome: TypeAlias = Done | Refused | Uncertified | Changed | Failed


def perform(compiled: LiveGuideline, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """The outcome of a task. Never raises an Exception: one patient's defect must not end a worker."""
    try:
        return Done(task(compiled, *arguments))
    except InputError as error:
        return Refused(error.diagnostics)
    except CertificateError as error:
        return Uncertified(str(error))
    except Exception as error:  # noqa: BLE001 -- see above
        return Failed(type(error).__name__, place_of(error))


def place_of(error: BaseException) -> str:
    """`file:line` of the innermost place."""
    places = traceback.extract_tb(error.__traceback__)
    return f"{places[-1].filename.rsplit('/', 1)[-1]}:{places[-1].lineno}" if places else "?"
