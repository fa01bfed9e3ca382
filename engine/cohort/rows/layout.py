"""Which column of a wide table is what: findings, measures and their bounds, screens, the patient, the day.

A column that is nothing of the guideline's is an error with the nearest right name, as an unknown name in a patient
file is; whoever wants it passed over says so by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from guidelog.diagnostics import Diagnostic, InputError, nearest
from guidelog.language.vocabulary import TICKS_PER_UNIT, Vocabulary

ID, DAY = "patient", "as_of"
LOW, HIGH, SINCE, LAST = ".low", ".high", ".since", ".since_last"


@dataclass(frozen=True, slots=True)
class MeasureColumns:
    """Where a measure's value is: one number, bounds, or the day that it counts from.

    With `since_last` the day is only known to lie from `since` up to it.
    """

    value: str | None = None
    low: str | None = None
    high: str | None = None
    since: str | None = None
    since_last: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns that are there."""
        found = (self.value, self.low, self.high, self.since, self.since_last)
        return [column for column in found if column is not None]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table by what they say."""

    patient: str
    as_of: str | None
    findings: tuple[str, ...]
    measures: Mapping[str, MeasureColumns]
    screens: tuple[str, ...]
    ignored: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        found = [self.patient, *([self.as_of] if self.as_of else []), *self.findings, *self.screens]
        for m in self.measures.values():
            found += m.names
        return found


def narrowed(layout: Layout, idle: Collection[str]) -> Layout:
    """The layout without some findings."""
    return replace(layout, findings=tuple(f for f in layout.findings if f not in idle))


def layout_of(
    columns: Iterable[str], vocabulary: Vocabulary, where: str, patient: str = ID, ignore: Collection[str] = ()
) -> Layout:
    """What each column is.

    Raises InputError (GL710 to GL712) with every column that is nothing, and for a missing one.
    """
    problems: list[Diagnostic] = []
    findings: list[str] = []
    screens: list[str] = []
    measures: dict[str, dict[str, str]] = {}
    ignored: list[str] = []
    seen: set[str] = set()
    for column in columns:
        base, dot, part = column.rpartition(".")
        if column in seen:
            problems.append(Diagnostic("GL711", f"`{where}` has two columns `{column}`"))
        elif column in ignore:
            ignored.append(column)
        elif column in (patient, DAY):
            pass
        elif column in vocabulary.findings:
            findings.append(column)
        elif column in vocabulary.screens:
            screens.append(column)
        elif column in vocabulary.measures:
            measures.setdefault(column, {})["value"] = column
        elif dot and base in vocabulary.measures and dot + part in (LOW, HIGH, SINCE, LAST):
            if dot + part in (SINCE, LAST) and vocabulary.measures[base].unit not in TICKS_PER_UNIT:
                problems.append(Diagnostic("GL711", f"`{column}`: `{base}` is not counted in days or weeks"))
            measures.setdefault(base, {})[part] = column
        else:
            problems.append(_unknown(column, vocabulary, where, patient))
        seen.add(column)
    if patient not in seen:
        near = nearest(patient, seen)
        hint = f"did you mean `--patient-column {near}`?" if near else "name it with --patient-column"
        problems.append(
            Diagnostic("GL710", f"`{where}` has no column `{patient}` that says which patient a row is", hint=hint)
        )
    for name, parts in measures.items():
        if "since_last" in parts and "since" not in parts:
            problems.append(Diagnostic("GL712", f"`{parts['since_last']}` needs `{name + SINCE}`"))
        if "since" in parts and DAY not in seen:
            hint = f"add a column `{DAY}`, the day that the row describes"
            problems.append(Diagnostic("GL712", f"`{parts['since']}` needs `{DAY}`", hint=hint))
        measures[name] = parts
    if problems:
        raise InputError(problems)
    found = {name: MeasureColumns(**parts) for name, parts in measures.items()}
    return Layout(
        patient,
        DAY if DAY in seen and DAY not in ignored else None,
        tuple(findings),
        found,
        tuple(screens),
        tuple(ignored),
    )


def long_layout(vocabulary: Vocabulary) -> Layout:
    """The layout in which every name that a long table may have is a column."""
    measures = {
        name: MeasureColumns(
            name, name + LOW, name + HIGH, *((name + SINCE, name + LAST) if m.unit in TICKS_PER_UNIT else ())
        )
        for name, m in vocabulary.measures.items()
    }
    return Layout(ID, DAY, tuple(vocabulary.findings), measures, tuple(vocabulary.screens))


def _unknown(column: str, vocabulary: Vocabulary, where: str, patient: str) -> Diagnostic:
    names = (*vocabulary.findings, *vocabulary.measures, *vocabulary.screens, patient, DAY)
    near = nearest(column, names)
    hint = f"did you mean `{near}`? " if near else ""
    hint += f"`--ignore {column}` passes it over"
    return Diagnostic("GL711", f"`{where}` has a column `{column}`, which this guideline does not know", hint=hint)
