"""A patient record that a search found, as plain data that the reader takes, and as YAML that people read.

What is listed is what the property needs; a screen is recorded as complete where that says the same in fewer lines. The
reader must give exactly the facts of the model back; `verify.witness` makes sure of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guidelog.language.guideline import GuidelineFolder
from guidelog.language.vocabulary import Measure, Vocabulary
from guidelog.patients.values import ISO_DAY
from guidelog.solver.literals import Truth
from guidelog.solver.records import Record, Regions, Writing


@dataclass(frozen=True)
class CandidateRecord:
    """Findings listed as present or absent, and measures narrowed to an interval in ticks (both ends included).

    `screens` that the record calls complete and inputs that it lists as `unknown` are there where two vocabularies read
    them differently; elsewhere what they say is among the findings and measures.
    """

    findings: Mapping[str, bool]
    measures: Mapping[str, tuple[int, int]]
    screens: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of listed inputs."""
        return len(self.findings) + len(self.measures) + len(self.screens) + len(self.unknown)

    def entries(self) -> list[str]:
        """The names of what is listed, those that are hardest to read first: numbers, what is present, the rest."""
        findings = sorted(self.findings, key=self.findings.__getitem__, reverse=True)
        return [*self.unknown, *self.measures, *findings, *self.screens]

    def without(self, name: str) -> CandidateRecord:
        """The record without one entry."""
        return CandidateRecord(
            {n: v for n, v in self.findings.items() if n != name},
            {n: v for n, v in self.measures.items() if n != name},
            tuple(n for n in self.screens if n != name),
            tuple(n for n in self.unknown if n != name),
        )


def sketch(
    truth: Truth,
    record: Record,
    regions: Mapping[str, Regions],
    values: Mapping[str, tuple[int, int]],
    writing: Writing | None = None,
) -> CandidateRecord:
    """The record of a model, with the chosen values of its measures."""
    findings = {name: True for name, literal in record.present.items() if truth(literal)}
    findings |= {name: False for name, literal in record.absent.items() if truth(literal)}
    order = {name: i for i, name in enumerate(record.present)}
    listed = {name: values[name] for name in regions if values[name] != (regions[name].low, regions[name].high)}
    written = writing or Writing({}, {})
    screens, unknown = (
        tuple(n for n, x in s.items() if truth(x) and n not in listed) for s in (written.complete, written.unknown)
    )
    return CandidateRecord(dict(sorted(findings.items(), key=lambda item: order[item[0]])), listed, screens, unknown)


def content_of(found: CandidateRecord, vocabulary: Vocabulary, name: str, as_of: str | None = None) -> dict[str, Any]:
    """The record as plain data. No answer depends on `as_of`, because no start dates are written."""
    findings: dict[str, str] = {n: "present" if value else "absent" for n, value in found.findings.items()}
    measures: dict[str, Any] = {n: _value(interval, vocabulary.measures[n]) for n, interval in found.measures.items()}
    screens = dict.fromkeys(found.screens, "complete")
    for input_ in found.unknown:
        (measures if input_ in vocabulary.measures else findings)[input_] = "unknown"
    for screen in vocabulary.screens.values():
        implied = [m for m in screen.members if findings.get(m) == "absent" or _is_unlisted(m, found, vocabulary)]
        open_findings = [m for m in screen.members if m in vocabulary.findings and m not in findings]
        open_measures = [
            m
            for m in screen.members
            if m in vocabulary.measures and m not in measures and vocabulary.measures[m].unlisted is not None
        ]
        if len(implied) > 1 + len(open_findings) + len(open_measures):
            screens[screen.name] = "complete"
            for member in implied:
                findings.pop(member, None)
                measures.pop(member, None)
            findings |= dict.fromkeys(open_findings, "unknown")
            measures |= dict.fromkeys(open_measures, "unknown")
    content: dict[str, Any] = {"patient": name}
    if as_of is not None:
        content["as_of"] = as_of
    parts = {"findings": findings, "measures": measures, "screens": screens}
    return {**content, **{part: entries for part, entries in parts.items() if entries}}


def day_of(guideline: GuidelineFolder) -> str:
    """The day that made-up patients are dated: that of the guideline's source, or a fixed one."""
    day = guideline.source.get("date", "")
    return day if ISO_DAY.fullmatch(day) else "2000-01-01"


def _is_unlisted(name: str, found: CandidateRecord, vocabulary: Vocabulary) -> bool:
    measure = vocabulary.measures.get(name)
    if measure is None or measure.unlisted is None:
        return False
    ticks = measure.unlisted * measure.ticks
    return found.measures.get(name) == (ticks, ticks)


def _value(interval: tuple[int, int], measure: Measure) -> Any:
    low, high = (number_of(ticks, measure) for ticks in interval)
    if interval[0] == interval[1]:
        return low
    if interval[0] == measure.low * measure.ticks:
        return {"at_most": high}
    if interval[1] == measure.high * measure.ticks:
        return {"at_least": low}
    return {"between": [low, high]}


def number_of(ticks: int, measure: Measure) -> int | float:
    """Ticks in the measure's unit: a whole number, or one with at most three decimals."""
    whole, rest = divmod(ticks, measure.ticks)
    if not rest:
        return whole
    thousandths = ticks * 1000 // measure.ticks
    assert thousandths * measure.ticks // 1000 == ticks, "chosen so that a record can say it"
    return thousandths / 1000


def yaml_of(content: Mapping[str, Any], comments: tuple[str, ...] = ()) -> str:
    """A record in the layout of vignettes."""
    lines = [f"# {line}" for line in comments]
    lines += [f"{key}: {content[key]}" for key in ("patient", "as_of") if key in content]
    for part in ("findings", "measures", "screens"):
        if part in content:
            lines.append(f"{part}:")
            lines.extend(f"  {name}: {_flow(value)}" for name, value in content[part].items())
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case _:
            return str(value)
