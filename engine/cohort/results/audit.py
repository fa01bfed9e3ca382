"""Answer a random sample of a cohort again, one patient at a time, through `ask` with certificates.

The sample is read from the rows themselves, cell by cell (of a FHIR export from the resources as they stand in it), and
includes rows that were set aside: those `ask` must refuse. One difference stops the run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.patients import Patient, patient_from_content
from guidelog.pipeline import ask
from guidelog.semantics.status import Status

from ..rows.batch import Reject
from ..rows.layout import Layout
from ..rows.lines import Lines
from ..rows.row_to_record import record_of, row_of
from ..rows.tables import Table
from ..wide.fhir import Reader
from ..wide.fhir_ndjson import resources_of
from .answer_table import ALERTS, BECAUSE, CAUTIONS, NOTES, RULES


class AuditError(Exception):
    """A cohort answer differs from `ask`: a defect of the program, and there is no result."""


@dataclass(order=True)
class _Chosen:
    priority: float
    order: int
    record: dict[str, Any] = field(compare=False)
    given: dict[str, Any] | None = field(compare=False)
    read: Callable[[], Patient] | None = field(compare=False, default=None)
    """How to read the patient from the source itself, where the row was made from one."""
    place: tuple[int, int] | None = field(compare=False, default=None)
    """Which table, and which of its rows from 0, where the row can be read once more from the file's bytes."""


class Audit:
    """A sample of `size` rows, each row as likely as any other, gathered while batches go by."""

    def __init__(self, compiled: Compiled, interventions: Sequence[str], size: int, seed: int) -> None:
        self.compiled, self.interventions, self.size = compiled, list(interventions), size
        self.random = np.random.default_rng(seed)
        self.chosen: list[_Chosen] = []  # a heap, the row to give up first at its top
        self.seen = 0

    def pick(self, rows: int) -> list[tuple[int, float]]:
        """The rows of a batch that come into the sample, with their priorities."""
        if not self.size or not rows:
            return []
        priorities = self.random.random(rows)
        best = np.argpartition(priorities, min(self.size, rows) - 1)[: self.size]
        limit = -self.chosen[0].priority if len(self.chosen) == self.size else 2.0
        return sorted((int(row), float(priorities[row])) for row in best if priorities[row] < limit)

    def keep(
        self,
        priority: float,
        record: dict[str, Any],
        given: dict[str, Any] | None,
        place: tuple[int, int] | None = None,
    ) -> None:
        """Keep a row: its record, its answers (None when it was set aside), and its place in a text file."""
        self.seen += 1
        item = _Chosen(-priority, self.seen, record, given, place=place)
        if len(self.chosen) < self.size:
            heapq.heappush(self.chosen, item)
        else:
            heapq.heappushpop(self.chosen, item)

    def read_again(self, rows_of: Callable[[list[Any]], Mapping[str, list[tuple[str, Any]]]], layout: Layout) -> None:
        """Take the records of the sample from the rows of a long table instead."""
        if not self.chosen:
            return
        found = rows_of([item.record["patient"] for item in self.chosen])
        for item in self.chosen:
            identity = item.record["patient"]
            row = row_of(found[str(identity)], identity)
            item.record = record_of({column: row.get(column) for column in layout.columns}, layout)

    def read_lines_again(self, tables: Sequence[Table], layouts: Sequence[Layout]) -> None:
        """Take the records of rows of text files from the bytes of these files instead. Raises AuditError."""
        for number, (table, layout) in enumerate(zip(tables, layouts, strict=True)):
            chosen = {c.place[1]: c for c in self.chosen if c.place is not None and c.place[0] == number}
            if not chosen or table.lines is None:
                continue
            found = self._records(table.lines, layout, chosen)
            if any(not _same(found[row], item) for row, item in chosen.items()):
                found = self._records(Lines(table.path, table.kind, careful=True), layout, chosen)
            for row, item in chosen.items():
                if not _same(found[row], item):
                    line = Lines(table.path, table.kind, careful=True).of(row)
                    message = f"line {line} of `{table.name}` is not the row that was read as patient "
                    raise AuditError(message + f"`{item.record['patient']}`")
                item.record = found[row]

    def _records(self, lines: Lines, layout: Layout, rows: Collection[int]) -> dict[int, dict[str, Any]]:
        cells = lines.cells(rows)
        return {row: record_of({c: cells.get(row, {}).get(c) for c in layout.columns}, layout) for row in rows}

    def read_from(self, read: Callable[[str], Patient], refused: Iterable[str] = ()) -> None:
        """Take the records of the sample from their source instead, and add patients whom it does not give."""
        for name in refused:
            self.seen += 1
            self.chosen.append(_Chosen(0.0, self.seen, {"patient": name}, None))
        for item in self.chosen:
            item.read = partial(read, item.record["patient"])

    def check(self) -> dict[str, int]:
        """Answer the sample again. Raises AuditError at the first difference."""
        certified = refused = 0
        for item in sorted(self.chosen, key=lambda c: c.order):
            if self._agrees(item):
                certified += 1
            else:
                refused += 1
        return {"sample": len(self.chosen), "certified": certified, "refused": refused}

    def _agrees(self, item: _Chosen) -> bool:
        given, name = item.given, f"patient `{item.record.get('patient')}`"
        try:
            patient = item.read() if item.read else patient_from_content(item.record, self.compiled.names.vocabulary)
            answers = ask(self.compiled, patient, self.interventions)
        except InputError as error:
            if given is None:
                return False
            raise AuditError(
                f"{name} was answered, and `ask` refuses the record: {error.diagnostics[0].message}"
            ) from None
        if given is None:
            raise AuditError(f"{name} was set aside, and `ask` answers")
        for answer in answers.answers:
            i, because = answer.intervention, answer.because.value if answer.because else None
            if (given[i], given[i + BECAUSE]) != (answer.status.value, because):
                raise AuditError(
                    f"{name}, `{i}`: {given[i]} {given[i + BECAUSE] or ''}, and `ask` says {answer.status.value} "
                    f"{because or ''}"
                )
            rules = given.get(i + RULES)
            same = set(rules or ()) == set(answer.rules) or (
                answer.status is Status.UNDETERMINED and set(rules or ()).issuperset(answer.rules)
            )
            if rules is not None and not same:
                raise AuditError(f"{name}, `{i}`: rules {', '.join(rules)}, and `ask` names {', '.join(answer.rules)}")
        for column, said in _told(answers).items():
            if (found := set(given.get(column, ()))) != said:
                listed = "; ".join(sorted(found)) or "none", "; ".join(sorted(said)) or "none"
                raise AuditError(f"{name}, {column}: {listed[0]}, and `ask` says {listed[1]}")
        return True


def _told(answers: Answers) -> dict[str, set[str]]:
    """What `ask` tells with its answers."""
    return {
        CAUTIONS: {f"{a.intervention} {c.rule}" for a in answers.answers for c in a.cautions},
        NOTES: {note.rule for note in answers.notes},
        ALERTS: {alert.intervention for alert in answers.alerts},
    }


def _same(record: Mapping[str, Any], item: _Chosen) -> bool:
    return str(record["patient"]) == str(item.record["patient"])


def read_resources_again(audit: Audit, tables: Sequence[Table], reader: Reader, aside: Sequence[Reject]) -> None:
    """Let the sample of a FHIR export be read from the export itself, with some of those who were set aside."""
    names = sorted({reject.patient for reject in aside if reject.patient})
    chosen = audit.random.permutation(len(names))[: audit.size]
    refused = [names[place] for place in chosen]
    wanted = [*(item.record["patient"] for item in audit.chosen), *refused]
    found = resources_of(tables, wanted) if wanted else {}
    audit.read_from(lambda patient: reader.read(patient, found[patient]), refused)
