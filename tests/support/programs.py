"""Rule text made ready to ask, without a folder of files: what tests of meaning start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.datalog.backend import Backend
from guidelog.datalog.clingo import Clingo
from guidelog.datalog.pydatalog import PyDatalog
from guidelog.language.guideline import GuidelineFolder
from guidelog.patients import Patient, patient_from_content
from guidelog.source import Source

BACKENDS: tuple[Backend, ...] = (PyDatalog(), Clingo())


def guideline_of(text: str, name: str = "rules.dl") -> GuidelineFolder:
    """A guideline that is one rule file."""
    return GuidelineFolder(
        folder=Path("memory"),
        id="test",
        title="test",
        version="1",
        review="draft",
        review_note="",
        source={},
        references={},
        unresolved=frozenset(),
        references_note="",
        unresolved_note="",
        disclaimer="",
        emergency="",
        main=(),
        readings={},
        sources=(Source(name, text),),
        files={name: text},
    )


def compiled_of(text: str, name: str = "rules.dl", readings: Mapping[str, str] | None = None) -> Compiled:
    """Rule text, checked and ready to ask. Raises InputError like `compile_guideline`."""
    return pipeline.compile_guideline(guideline_of(text, name), readings)


def on(compiled: Compiled, backend: Backend) -> Compiled:
    """The same rules on another engine."""
    return replace(compiled, backend=backend)


def patient_of(compiled: Compiled, **content: Any) -> Patient:
    """A patient of whom the record says this (`findings`, `measures`, `screens`, `as_of`)."""
    return patient_from_content({"patient": "someone", **content}, compiled.names.vocabulary)
