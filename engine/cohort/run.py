"""`guidelog cohort`: data in, answers out, batch by batch; readable on one screen.

Reading is one batch ahead, so that it and the evaluation share the machine. What was set aside is counted and listed,
the sample is answered again by `ask`, and only then does the result appear in its place.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..circuits import Plan, plan_of
from ..compiled import Compiled
from ..diagnostics import InputError
from ..pipeline import choose_interventions
from . import answers
from .answers import BECAUSE, MOST_BITS, RULES, Shape, answers_of
from .audit import Audit
from .bits import Evaluator, Words, pack, unpack
from .columns import Batch, Reject, read_batch
from .counts import Counter, add_up
from .layout import ID, Layout, layout_of, long_layout
from .long import is_long, pivot, rows_of
from .records import record_of
from .results import FORMAT, Results, sha256_of
from .tables import Table, open_tables

LARGEST_BATCH, SMALLEST_BATCH = 1 << 20, 1 << 12
PART = 1 << 18
"""Patients in a part of a folder: small enough that two are written while the next is evaluated."""
WRITERS = 2
_BYTES_A_CELL = 8
"""What a cell of input and its share of bits and answers take while a batch is worked on, measured and rounded up."""


class RejectedError(Exception):
    """Under `--strict`: the first row that would be set aside."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(f"line {reject.line}, patient `{reject.patient}`: {reject.reason} ({reject.code})")


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes. `memory` in bytes bounds the size of batches; `audit` patients are answered again by `ask`."""

    interventions: tuple[str, ...] = ()
    shape: Shape = field(default_factory=Shape)
    patient: str = ID
    ignore: tuple[str, ...] = ()
    table: str | None = None
    strict: bool = False
    overwrite: bool = False
    memory: int = 2 << 30
    audit: int = 20
    seed: int = 0
    batch_rows: int | None = None


Progress = Callable[[int, int], None]
"""Called after each batch with the patients answered and set aside so far."""


def run(compiled: Compiled, data: str, out: str, options: Options, progress: Progress | None = None) -> dict[str, Any]:
    """Answer a cohort; the account of the run, as it is kept beside the result.

    Raises InputError, RejectedError, AuditError; then there is no result, and what was finished is taken up next time.
    """
    tables = open_tables(data, options.table)
    if any(is_long(t.columns) != is_long(tables[0].columns) for t in tables):
        raise InputError.of("GL704", f"`{data}` has both wide and long tables", hint="run them one after the other")
    return _Run(compiled, tables, out, options).go(progress or _silent)


def batch_rows(columns: int, memory: int, most: int = LARGEST_BATCH) -> int:
    """How many rows a batch has, so that what is read, evaluated and written at one time fits: a multiple of 64."""
    rows = memory // (3 + WRITERS) // (_BYTES_A_CELL * max(columns, 1))
    return max(SMALLEST_BATCH, min(most, rows // 64 * 64))


def check_masks(plan: Plan) -> None:
    """Raises InputError (GL716) where there are more rules about an intervention, or denials, than a mask holds."""
    for what, number in (
        *((f"`{a.intervention}`", len(a.rules)) for a in plan.advice),
        ("the background", len(plan.denials)),
    ):
        if number > MOST_BITS:
            raise InputError.of("GL716", f"{what} has {number} rules; a table of answers has room for {MOST_BITS}")


class _Run:
    def __init__(self, compiled: Compiled, tables: Sequence[Table], out: str, options: Options) -> None:
        self.compiled, self.tables, self.options = compiled, list(tables), options
        self.vocabulary = compiled.names.vocabulary
        wanted = choose_interventions(compiled.names, options.interventions or None)
        self.plan: Plan = plan_of(compiled.ground, wanted)
        check_masks(self.plan)
        self.counter = Counter(self.plan, compiled.ground)
        self.evaluator = Evaluator(self.plan.circuit, [*self.plan.outputs, *self.counter.outputs])
        self.long = is_long(tables[0].columns)
        most = PART if Path(out).suffix == "" else LARGEST_BATCH  # the parts of one file must be joined again
        self.rows = options.batch_rows or batch_rows(
            len(self.vocabulary.findings) + 3 * len(wanted), options.memory, most
        )
        self.results = Results(Path(out), self.key(wanted))
        self.audit = Audit(compiled, wanted, options.audit, options.seed)
        self.aside: list[Reject] = []
        self.screens: list[str] = []

    def key(self, wanted: Sequence[str]) -> dict[str, Any]:
        """What a part depends on: the same key means that finished parts are still right."""
        guideline, shape = self.compiled.guideline, self.options.shape
        files = []
        for table in self.tables:
            stat = Path(table.path).stat()
            files.append(
                [table.name, stat.st_size, stat.st_mtime_ns if table.name != "<stdin>" else sha256_of(Path(table.path))]
            )
        return {
            "guideline": {"id": guideline.id, "version": guideline.version, "sha256": guideline.sha256},
            "readings": dict(self.compiled.readings),
            "interventions": list(wanted),
            "files": files,
            "rows": self.rows,
            "shape": [shape.long, shape.rules, shape.expand],
            "patient": self.options.patient,
            "ignore": list(self.options.ignore),
            "table": self.options.table,
        }

    def go(self, progress: Progress) -> dict[str, Any]:
        self.results.begin(overwrite=self.options.overwrite)
        sources = self.tables
        if self.long:
            sources = [self.pivoted()]
            if self.options.strict and self.aside:
                raise RejectedError(self.aside[0])
        done = len(self.results.parts)
        layouts = [self.layout(table) for table in sources]
        self.screens = list(self.vocabulary.screens)
        counts = [part["counts"] for part in self.results.parts]
        answered, aside = (sum(c[k] for c in counts) for k in ("patients", "rejected"))
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(WRITERS) as writers:
            waiting: deque[Future[dict[str, Any]]] = deque()

            def settle(most: int) -> None:
                nonlocal answered, aside
                while len(waiting) > most:
                    part = waiting.popleft().result()
                    self.results.add(part)
                    answered, aside = answered + part["counts"]["patients"], aside + part["counts"]["rejected"]
                    progress(answered, aside)

            for number, (table, layout, first, rows) in enumerate(_ahead(reader, self.batches(sources, layouts))):
                if number < done:
                    self.sample(layout, rows, None)
                    continue
                waiting.append(writers.submit(self.results.write, number, *self.part(table, layout, first, rows)))
                settle(WRITERS)
            settle(0)
        if not self.results.parts:
            raise InputError.of(
                "GL709", f"`{self.tables[0].name}` has no rows" if len(self.tables) == 1 else "the tables have no rows"
            )
        if self.long:
            self.audit.read_again(
                lambda patients: rows_of(self.tables, patients, self.options.patient, self.options.ignore),
                long_layout(self.vocabulary),
            )
        return self.finish()

    def layout(self, table: Table) -> Layout:
        patient = ID if self.long else self.options.patient
        return layout_of(table.columns, self.vocabulary, table.name, patient, self.options.ignore)

    def pivoted(self) -> Table:
        """The patients of a long table in a wide one.

        That of an interrupted run is used while it is intact: another would have another order, and the finished parts
        would not fit.
        """
        out, beside = self.results.work / "wide.parquet", self.results.work / "wide.json"
        try:
            known = json.loads(beside.read_text(encoding="utf-8"))
            self.aside = [Reject(*r) for r in known["rejects"]]
            intact = known["sha256"] == sha256_of(out)
        except (OSError, ValueError, KeyError):
            intact = False
        if not intact:
            self.results.parts.clear()
            self.aside = pivot(
                self.tables,
                self.vocabulary,
                out,
                patient=self.options.patient,
                ignore=self.options.ignore,
                memory=self.options.memory,
            )
            listed = [[r.line, r.patient, r.code, r.reason] for r in self.aside]
            beside.write_text(json.dumps({"sha256": sha256_of(out), "rejects": listed}), encoding="utf-8")
        return open_tables(str(out))[0]

    def batches(
        self, sources: Sequence[Table], layouts: Sequence[Layout]
    ) -> Iterator[tuple[Table, Layout, int, pa.RecordBatch]]:
        for table, layout in zip(sources, layouts, strict=True):
            line = table.first_line
            for batch in table.batches(self.rows, layout.columns):
                yield table, layout, line, batch
                line += batch.num_rows

    def part(
        self, table: Table, layout: Layout, first: int, rows: pa.RecordBatch
    ) -> tuple[pa.Table, list[Reject], dict[str, Any]]:
        """The answers of a batch, who was set aside, and the counts."""
        batch = read_batch(rows, layout, self.vocabulary, first)
        bits = self.evaluator.evaluate(batch.inputs)
        self.contradictions(batch, bits)
        batch.assumed = {s: batch.assumed.get(s, np.zeros(batch.inputs.words, np.uint64)) for s in self.screens}
        if self.options.strict and batch.rejects:
            raise RejectedError(min(batch.rejects, key=lambda r: r.line))
        found = answers_of(self.plan, bits, batch, self.options.shape)
        counted = self.counter.count(bits, batch.inputs, pack(~batch.bad), int(batch.bad.sum()))
        self.sample(layout, rows, (batch, bits))
        named = f"{Path(table.name).name}: " if len(self.tables) > 1 and not self.long else ""
        rejects = sorted(batch.rejects, key=lambda r: r.line)
        return found, [Reject(r.line, r.patient, r.code, named + r.reason) for r in rejects], counted

    def contradictions(self, batch: Batch, bits: dict[int, Words]) -> None:
        for denial in self.plan.denials:
            rows = unpack(bits[denial.contradicted], batch.inputs.rows)
            if rows.any():
                batch.reject(rows.copy(), "GL421", f"the record contradicts background rule {denial.rule}")

    def sample(self, layout: Layout, rows: pa.RecordBatch, given: tuple[Batch, dict[int, Words]] | None) -> None:
        """Take rows of a batch into the audit; those of a part from an earlier run are evaluated again for it."""
        picked = self.audit.pick(rows.num_rows)
        if not picked:
            return
        if given is None:
            batch = read_batch(rows, layout, self.vocabulary, 0)
            given = batch, self.evaluator.evaluate(batch.inputs)
            self.contradictions(*given)
        batch, bits = given
        for row, priority in picked:
            content = record_of(rows.slice(row, 1).to_pylist()[0], layout)
            self.audit.keep(priority, content, None if batch.bad[row] else self.given(bits, row))

    def given(self, bits: dict[int, Words], row: int) -> dict[str, Any]:
        """One patient's answers, straight from the bits."""
        word, bit = divmod(row, 64)

        def holds(number: int) -> bool:
            return bool(int(bits[number][word]) >> bit & 1)

        found: dict[str, Any] = {}
        for advice in self.plan.advice:
            status = next((s.value for s, number in advice.statuses.items() if holds(number)), "undetermined")
            by_range = status == "undetermined" and bool(advice.range_only) and holds(advice.range_only)
            found[advice.intervention] = status
            found[advice.intervention + BECAUSE] = (
                None if status != "undetermined" else "guideline_range" if by_range else "missing_data"
            )
            found[advice.intervention + RULES] = [r.rule for r in advice.rules if holds(r.gives)]
        return found

    def finish(self) -> dict[str, Any]:
        audited = self.audit.check() if self.audit.size else {"sample": 0, "certified": 0, "refused": 0}
        rejects = [*self.aside, *(Reject(*r) for part in self.results.parts for r in part["rejects"])]
        counts = add_up([part["counts"] for part in self.results.parts])
        counts["rejected"] = counts["rejected"] + len({r.patient for r in self.aside})
        codes: dict[str, int] = {}
        for reject in rejects:
            codes[reject.code] = codes.get(reject.code, 0) + 1
        guideline = self.compiled.guideline
        report = {
            "format": FORMAT,
            "guideline": {
                "id": guideline.id,
                "version": guideline.version,
                "sha256": guideline.sha256,
                "title": guideline.title,
                "review": guideline.review,
                "readings": dict(self.compiled.readings),
            },
            "data": [t.name for t in self.tables],
            "main": list(guideline.main),
            **counts,
            "reasons": codes,
            "audit": audited,
            "dictionary": answers.dictionary(self.plan, self.screens),
        }
        for name in ("wide.parquet", "wide.json"):
            (self.results.work / name).unlink(missing_ok=True)
        self.results.finish(report, rejects)
        return report


def _silent(answered: int, aside: int) -> None:
    """No progress."""
    del answered, aside


def _ahead(reader: ThreadPoolExecutor, items: Iterator[Any]) -> Iterator[Any]:
    """The same items, the next one always being read."""
    end = object()
    waiting = reader.submit(next, items, end)
    while (item := waiting.result()) is not end:
        waiting = reader.submit(next, items, end)
        yield item
