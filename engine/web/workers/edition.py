"""A guideline as a service evaluates it: by its circuits, certified like everything else that is shown.

pyDatalog, whose state is global, is not used here; a test compares the two on every vignette.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

from guidelog.compiled import Compiled
from guidelog.language.guideline import load_guideline
from guidelog.patients import Facts, patient_from_content
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.semantics.status import Status

T = TypeVar("T")


class GuidelineChanged(Exception):
    """The files of the guideline are no longer those that the service was started with."""


@dataclass(frozen=True)
class LiveGuideline(Compiled):
    """A compiled guideline that evaluates by circuits. Immutable, and safe to share between threads."""

    @classmethod
    def of(cls, compiled: Compiled) -> LiveGuideline:
        """The same guideline."""
        quick = compiled.on(CircuitEngine)
        return cls(**{f.name: getattr(quick, f.name) for f in fields(quick)})

    @cached_property
    def _remembered(self) -> dict[str, Any]:
        return {}

    def remember(self, key: str, make: Callable[[Compiled], T]) -> T:
        """What `make` gives for this guideline, made once. Two threads may both make it, and then agree."""
        if key not in self._remembered:
            self._remembered[key] = make(self)
        found: T = self._remembered[key]
        return found

    def statuses(self, facts: Facts) -> Mapping[str, Status]:
        """The status of every intervention, to choose what to ask about; nothing is shown that was not asked."""
        assert isinstance(self.engine, CircuitEngine)
        return self.engine.statuses(facts)


@dataclass(frozen=True, slots=True)
class Edition:
    """Which guideline, exactly: where it is, the readings chosen, the hash of its rules.

    `modules` are loaded with it.
    """

    where: str
    readings: tuple[tuple[str, str], ...]
    sha256: str
    modules: tuple[str, ...] = ()


def open_edition(edition: Edition) -> LiveGuideline:
    """The guideline of an edition. Raises InputError, GuidelineChanged."""
    for module in edition.modules:
        importlib.import_module(module)
    compiled = LiveGuideline.of(compile_guideline(load_guideline(edition.where), dict(edition.readings)))
    if compiled.guideline.sha256 != edition.sha256:
        raise GuidelineChanged
    return compiled


def ready(compiled: Compiled) -> str:
    """Answer, certified, for a patient of whom nothing is known; the hash of the guideline."""
    ask(compiled, patient_from_content({"patient": "nobody"}, compiled.names.vocabulary))
    return compiled.guideline.sha256
