"""`guidelog cohort`: data in, answers out, batch by batch; readable on one screen.

Reading is one batch ahead, so that it and the evaluation share the machine. What was set aside is counted and listed,
the sample is answered again by `ask`, and only then does the result appear in its place.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.fhir.terminology.code_file import FILE as CODES
from guidelog.files import write_text
from guidelog.pipeline import choose_interventions
from guidelog.semantics import Known, Plan, plan_of

from .charts.funnel import Flow
from .engines.vectors import WORD, Evaluator, Words, pack, unpack
from .options import LARGEST_BATCH, WRITERS, Options, RejectedError, batch_bytes, batch_rows, check_masks
from .results import answer_table as answers
from .results.answer_table import BECAUSE, RULES, answers_of
from .results.audit import Audit, read_resources_again
from .results.counts import SAMPLE, Counter, add_up
from .results.folder import Results, sha256_of
from .results.manifest import account
from .rows.batch import Batch, Reject
from .rows.duplicate_ids import IdFingerprints, is_one_of, patients_twice
from .rows.layout import ID, Layout, long_layout, narrowed
from .rows.lines import Lines
from .rows.read_columns import read_batch
from .rows.row_to_record import cells_of, record_of
from .rows.tables import STDIN, Table, made_table
from .wide.fhir_ndjson import Preparing
from .wide.long import is_long, rows_of
from .wide.make import ABOUT, WIDE, is_wide, make_wide, reader_of, tables_of, wide_again

__all__ = ["Options", "RejectedError", "run"]

Progress = Callable[[int, int], None]
"""Called after each batch with the patients answered and set aside so far."""


def run(
    compiled: Compiled,
    data: str,
    out: str,
    options: Options,
    progress: Progress | None = None,
    preparing: Preparing | None = None,
) -> dict[str, Any]:
    """Answer a cohort; the account of the run, as it is kept beside the result.

    Raises InputError, RejectedError, AuditError; then there is no result. What was finished is taken up next time,
    except after RejectedError: the data has to change then.
    """
    tables = tables_of(data, options.table)
    if any(is_long(t.columns) != is_long(tables[0].columns) for t in tables):
        raise InputError.of("GL704", f"`{data}` has both wide and long tables", hint="run them one after the other")
    started = _Run(compiled, tables, out, options)
    with started.results.held(passing=data == STDIN):
        try:
            return started.execute(progress or _silent, preparing)
        except RejectedError:
            started.results.discard()
            raise


class Piece(NamedTuple):
    """A batch of rows, and where it is from: the `first` row of the table of this `number`, from 0."""

    number: int
    table: Table
    layout: Layout
    lines: Lines | None
    first: int
    rows: pa.RecordBatch

    def placed(self, reject: Reject, named: str = "") -> Reject:
        """A row of this batch that was set aside, with its line in the file."""
        row = self.first + reject.line
        line = row + self.table.first_line if self.lines is None else self.lines.of(row)
        return Reject(line, reject.patient, reject.code, named + reject.reason)


class _Run:
    def __init__(self, compiled: Compiled, tables: Sequence[Table], out: str, options: Options) -> None:
        self.compiled, self.tables, self.options = compiled, list(tables), options
        self.vocabulary = compiled.names.vocabulary
        wanted = choose_interventions(compiled.names, options.interventions or None)
        self.plan: Plan = plan_of(compiled.ground, wanted)
        check_masks(self.plan)
        self.rows = options.batch_rows or batch_rows(len(self.vocabulary.findings) + 3 * len(wanted), options.memory)
        self.bytes = batch_bytes(options.memory)
        self.flow = Flow(self.plan, compiled)
        self.counter = Counter(self.plan, compiled.ground, max(WORD, SAMPLE * self.rows // LARGEST_BATCH))
        self.evaluator = Evaluator(
            self.plan.circuit, [*self.plan.outputs, *self.plan.told, *self.counter.outputs, *self.flow.outputs]
        )
        gates = (gate for _, gate in self.evaluator.gates)
        self.asked = {gate.name for gate in gates if isinstance(gate, Known)}
        self.asked.update(m for screen in self.vocabulary.screens.values() for m in screen.members)
        self.asked.update(self.vocabulary.screens)
        self.long = is_long(tables[0].columns)
        self.made = not is_wide(tables[0])
        self.results = Results(Path(out), self.key(wanted))
        self.audit = Audit(compiled, wanted, options.audit, options.seed)
        self.aside: list[Reject] = []
        self.screens = list(self.vocabulary.screens)
        self.twice: pa.Array | None = None

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
            "fhir": self.reading() if self.tables[0].kind == "fhir" else None,
        }

    def reading(self) -> list[Any]:
        """What the reading of a FHIR export depends on."""
        codes = self.compiled.guideline.folder / CODES
        return [str(self.options.as_of), self.options.unverified, sha256_of(codes) if codes.is_file() else None]

    def execute(self, progress: Progress, preparing: Preparing | None) -> dict[str, Any]:
        self.results.begin(overwrite=self.options.overwrite)
        sources = self.tables
        if self.made:
            sources = [self.widened(preparing)]
            if self.options.strict and self.aside:
                raise RejectedError(self.aside[0])
        layouts = [self.layout(table) for table in sources]
        if self.made:
            self.answer(sources, layouts, progress, None)
        else:
            self.answer_once(sources, layouts, progress)
        if not self.results.parts:
            raise InputError.of(
                "GL717", f"`{self.tables[0].name}` has no rows" if len(self.tables) == 1 else "the tables have no rows"
            )
        if self.long:
            self.audit.read_again(
                lambda patients: rows_of(self.tables, patients, self.options.patient, self.options.ignore),
                long_layout(self.vocabulary),
            )
        elif not self.made:
            self.audit.read_lines_again(sources, layouts)
        else:
            read_resources_again(self.audit, self.tables, reader_of(self.compiled, self.options), self.aside)
        return self.finish()

    def answer_once(self, sources: Sequence[Table], layouts: Sequence[Layout], progress: Progress) -> None:
        """Answer every patient that has one row; when some turn out to have several, begin again without them."""
        known, numbers = self.results.work / "twice.json", self.results.work / "ids.tmp"
        if known.is_file():
            self.twice = pa.array(json.loads(known.read_text(encoding="utf-8")), pa.string())
        seen = IdFingerprints(numbers, self.options.memory) if self.twice is None else None
        if not self.answer(sources, layouts, progress, seen):
            return
        self.twice = patients_twice(
            self.tables, self.options.patient, folder=self.results.work, memory=self.options.memory
        )
        if len(self.twice):
            self.results.parts.clear()
            self.results.save()
            write_text(known, json.dumps(self.twice.to_pylist()))
            self.audit = Audit(self.compiled, self.audit.interventions, self.options.audit, self.options.seed)
            self.answer(sources, layouts, progress, None)

    def answer(
        self, sources: Sequence[Table], layouts: Sequence[Layout], progress: Progress, seen: IdFingerprints | None
    ) -> bool:
        """Answer batch by batch what is not answered yet; whether some patient may have been seen twice."""
        done = len(self.results.parts)
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

            for number, piece in enumerate(_ahead(reader, self.batches(sources, layouts))):
                if seen is not None:
                    seen.add(piece.rows.column(piece.layout.patient))
                if number < done:
                    self.sample(piece, None)
                    continue
                waiting.append(writers.submit(self.results.write, number, *self.part(piece)))
                settle(WRITERS)
            twice = seen is not None and seen.any_twice()  # while the last parts are written
            settle(0)
        return twice

    def layout(self, table: Table) -> Layout:
        patient = ID if self.made else self.options.patient
        found = table.layout(self.vocabulary, patient, self.options.ignore)
        return narrowed(found, table.booleans - self.asked)

    def widened(self, preparing: Preparing | None) -> Table:
        """The patients of long tables, or of a FHIR export, in a wide table."""
        aside = wide_again(self.results.work)
        if aside is None:
            self.results.parts.clear()
            aside = make_wide(self.compiled, self.tables, self.results.work, self.options, preparing)
        self.aside = aside
        return made_table(self.results.work / WIDE)

    def batches(self, sources: Sequence[Table], layouts: Sequence[Layout]) -> Iterator[Piece]:
        first = 0
        for number, (table, layout) in enumerate(zip(sources, layouts, strict=True)):
            first, lines = 0, table.lines
            for batch in table.batches(self.rows, layout.columns, self.bytes):
                yield Piece(number, table, layout, lines, first, batch)
                first += batch.num_rows
        if not first and self.aside:
            yield Piece(number, table, layout, lines, 0, table.empty(layout.columns))  # nobody is left: a result, too

    def part(self, piece: Piece) -> tuple[pa.Table, list[Reject], dict[str, Any]]:
        """The answers of a batch, who was set aside, and the counts."""
        batch = read_batch(piece.rows, piece.layout, self.vocabulary, 0)
        bits = self.evaluator.evaluate(batch.inputs)
        self.contradictions(batch, bits)
        batch.assumed = {s: batch.assumed.get(s, np.zeros(batch.inputs.words, np.uint64)) for s in self.screens}
        if self.options.strict and batch.rejects:
            raise RejectedError(piece.placed(min(batch.rejects, key=lambda r: r.line)))
        found = answers_of(self.plan, bits, batch, self.options.shape)
        counted = self.counter.count(bits, batch.inputs, pack(~batch.bad), int(batch.bad.sum()))
        counted["flow"] = self.flow.count(bits, batch.inputs, pack(~batch.bad))
        self.sample(piece, (batch, bits))
        named = f"{Path(piece.table.name).name}: " if len(self.tables) > 1 and not self.made else ""
        rejects = sorted(batch.rejects, key=lambda r: r.line)
        return found, [piece.placed(r, named) for r in rejects], counted

    def contradictions(self, batch: Batch, bits: dict[int, Words]) -> None:
        if self.twice is not None and len(self.twice):
            batch.reject(is_one_of(batch.ids, self.twice), "GL713", "the patient has several rows")
        for denial in self.plan.denials:
            rows = unpack(bits[denial.contradicted], batch.inputs.rows)
            if rows.any():
                batch.reject(rows.copy(), "GL421", f"the record contradicts background rule {denial.rule}")

    def sample(self, piece: Piece, given: tuple[Batch, dict[int, Words]] | None) -> None:
        """Take rows of a batch into the audit; those of a part from an earlier run are evaluated again for it."""
        rows, layout = piece.rows, piece.layout
        picked = self.audit.pick(rows.num_rows)
        if not picked:
            return
        if given is None:
            batch = read_batch(rows, layout, self.vocabulary, 0)
            given = batch, self.evaluator.evaluate(batch.inputs)
            self.contradictions(*given)
        batch, bits = given
        for row, priority in picked:
            if self.twice is not None and is_one_of(batch.ids.slice(row, 1), self.twice)[0]:
                continue  # `ask` is asked about records, and would answer for each row
            content = record_of(cells_of(rows, row), layout)
            place = None if piece.lines is None else (piece.number, piece.first + row)
            self.audit.keep(priority, content, None if batch.bad[row] else self.given(bits, row), place)

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
        for name, bits_ in answers.told(self.plan).items():
            found[name] = [r.rule for r in bits_ if holds(r.gives)]
        return found

    def finish(self) -> dict[str, Any]:
        audited = self.audit.check() if self.audit.size else {"sample": 0, "certified": 0, "refused": 0}
        rejects = [*self.aside, *(Reject(*r) for part in self.results.parts for r in part["rejects"])]
        counts = add_up([part["counts"] for part in self.results.parts])
        counts["rejected"] = counts["rejected"] + len({r.patient for r in self.aside})
        dictionary = answers.dictionary(self.plan, self.screens)
        report = account(self.compiled, self.tables, counts, rejects, audited, dictionary, self.results.not_read())
        for name in (WIDE, ABOUT, "twice.json"):
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
