"""Patient -> Facts: a value for every declared name, with completed screens closed and start dates counted.

Closing is the only place where something that nobody wrote becomes a fact, so each such name is kept in `closed` and
`assumed`. Background rules are not propagated here. The record must have been read with the same vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guidelog.language.vocabulary import Measure, Vocabulary

from .record import Patient
from .values import Interval, MeasureValue, Since


@dataclass(frozen=True, slots=True)
class Facts:
    """What is taken to be so about one patient, before background rules.

    `findings` has every declared finding (None is unknown), `measures` every declared measure in ticks (the whole range
    is unknown). `closed` has for each complete screen the members that the record does not list and that therefore
    count as absent or as their `unlisted` value, in order of declaration; `assumed` has the same names together.
    """

    findings: Mapping[str, bool | None]
    measures: Mapping[str, Interval]
    closed: Mapping[str, tuple[str, ...]]
    assumed: frozenset[str]

    def known(self, name: str) -> bool:
        """Whether a finding is present or absent, or a measure is one exact value. KeyError for other names."""
        if name in self.findings:
            return self.findings[name] is not None
        interval = self.measures[name]
        return interval.low == interval.high


def close(patient: Patient, vocabulary: Vocabulary) -> Facts:
    """The facts of a record: listed values, members of completed screens, and unknown for the rest.

    A member that is listed as unknown stays unknown, and one that a listed finding implies is left to the background;
    so does a measure without an `unlisted` value, and whatever an entry of `not_read` may be about: what was not
    understood is not "no". Raises ValueError when the record has names
    that the vocabulary does not declare.
    """
    strangers = {*patient.findings, *patient.measures, *patient.screens}.difference(
        vocabulary.findings, vocabulary.measures, vocabulary.screens
    )
    if strangers:
        message = f"the record was read with another vocabulary: {', '.join(sorted(strangers))}"
        raise ValueError(message)
    findings = {name: patient.findings.get(name) for name in vocabulary.findings}
    measures = {
        name: _interval(patient, patient.measures.get(name), measure) for name, measure in vocabulary.measures.items()
    }
    closed: dict[str, tuple[str, ...]] = {}
    for screen in patient.screens:
        assumed: list[str] = []
        for member in vocabulary.screens[screen].members:
            if member in patient.findings or member in patient.measures:
                continue
            if any(entry.speaks_of_name(member) for entry in patient.not_read):
                continue
            if member in findings:
                if any(patient.findings.get(shown) for shown in vocabulary.findings[member].implied_by):
                    continue  # the background shows that it is present
                findings[member] = False
                assumed.append(member)
            elif (unlisted := vocabulary.measures[member].unlisted) is not None:
                ticks = unlisted * vocabulary.measures[member].ticks
                measures[member] = Interval(ticks, ticks)
                assumed.append(member)
        closed[screen] = tuple(assumed)
    return Facts(findings, measures, closed, frozenset(name for names in closed.values() for name in names))


def _interval(patient: Patient, value: MeasureValue, measure: Measure) -> Interval:
    match value:
        case Interval():
            return value
        case Since() if patient.as_of is not None:  # without it the reader refuses the record
            return value.interval(patient.as_of)
        case _:
            return Interval(measure.low * measure.ticks, measure.high * measure.ticks)
