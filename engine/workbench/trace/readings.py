"""What each ambiguity switch changes: answers, for which patient, and how many vignettes.

For every option that is not chosen: the interventions whose status is another for some completely known patient, with
that patient, found exactly over all possible patients; and the vignettes whose statuses change. The witness is
evaluated again under both options, so what is shown is what `ask` would say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.language.names import Reading
from guidelog.patients import patient_from_content
from guidelog.pipeline import compile_guideline
from guidelog.semantics.bdd import TooLarge
from guidelog.semantics.status import Status

from ..all_patients.space import changed_answers
from ..vignettes.cases import case_of
from ..vignettes.vignette import Vignette
from .statement_rules import Register


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """An intervention whose status is another under an option, for a patient (a record's content)."""

    intervention: str
    before: Status
    after: Status
    patient: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """What choosing an option changes; `answers` is None when the patients were too many to search."""

    reading: Reading
    option: str
    answers: tuple[ChangedAnswer, ...] | None
    vignettes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        answers = None
        if self.answers is not None:
            answers = [
                {
                    "intervention": a.intervention,
                    "before": a.before.value,
                    "after": a.after.value,
                    "patient": dict(a.patient),
                }
                for a in self.answers
            ]
        return {
            "reading": self.reading.name,
            "decision": self.reading.decision,
            "option": self.option,
            "instead_of": self.reading.chosen,
            "answers": answers,
            "vignettes": list(self.vignettes),
        }


def effects(compiled: Compiled, vignettes: Sequence[Vignette]) -> Iterator[Effect]:
    """The effect of each option that is not in force."""
    for reading in compiled.names.readings.values():
        for option in reading.options:
            if option != compiled.readings[reading.name]:
                other = compile_guideline(compiled.guideline, {**compiled.readings, reading.name: option})
                yield effect(compiled, other, reading, option, vignettes)


def effect(compiled: Compiled, other: Compiled, reading: Reading, option: str, vignettes: Sequence[Vignette]) -> Effect:
    """What changes from one compiled guideline to the other."""
    try:
        witnesses = changed_answers(compiled.ground, other.ground)
    except TooLarge:
        return Effect(reading, option, None, changed_vignettes(compiled, other, vignettes))
    answers = tuple(_answer(compiled, other, name, content) for name, content in witnesses.items())
    return Effect(reading, option, answers, changed_vignettes(compiled, other, vignettes))


def changed_vignettes(compiled: Compiled, other: Compiled, vignettes: Sequence[Vignette]) -> tuple[str, ...]:
    """The vignettes in which some intervention has another status, or one is undetermined for another reason."""
    found = []
    for vignette in vignettes:
        try:
            before, after = (case_of(c, vignette.patient, Register(c.ground)) for c in (compiled, other))
        except InputError:
            continue  # a record that contradicts itself has no answer under any option
        if any(
            before.status(name) is not after.status(name) or before.because(name) is not after.because(name)
            for name in compiled.names.vocabulary.interventions
        ):
            found.append(vignette.name)
    return tuple(found)


def _answer(compiled: Compiled, other: Compiled, intervention: str, content: Mapping[str, Any]) -> ChangedAnswer:
    patient = patient_from_content({"patient": "witness", **content}, compiled.names.vocabulary)
    before, after = (case_of(c, patient, Register(c.ground)).status(intervention) for c in (compiled, other))
    return ChangedAnswer(intervention, before, after, content)


def shortly(content: Mapping[str, Any]) -> str:
    """A complete record in few words: what is present, and the measures that are not zero."""
    present = [name for name, value in content.get("findings", {}).items() if value == "present"]
    measures = [f"{name} {value}" for name, value in content.get("measures", {}).items() if value]
    return ", ".join([*present, *measures]) or "nothing present"
