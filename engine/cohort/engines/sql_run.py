"""Run a cohort as SQL, in DuckDB or on Spark: the same answers, account and audit as the embedded engine.

The funnel and the questions of a summary are counted by the embedded engine only.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot.expressions as exp

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.language.vocabulary import Vocabulary
from guidelog.pipeline import choose_interventions
from guidelog.semantics import Plan, plan_of
from guidelog.semantics.status import Because, Status

from ..options import Options, RejectedError, check_masks
from ..results import answer_table as answers
from ..results.answer_table import BECAUSE, RULES, expand
from ..results.audit import Audit, read_resources_again
from ..results.folder import Results
from ..results.manifest import account
from ..rows.batch import Reject
from ..rows.column_types import Kind
from ..rows.duplicate_ids import is_one_of, patients_twice
from ..rows.find_rows import chosen_rows, rows_of_patients
from ..rows.layout import ID, Layout
from ..rows.locked_duckdb import identifier, literal, locked, quoted
from ..rows.read_columns import read_batch
from ..rows.row_to_record import record_of
from ..rows.tables import Table, connected, made_table, open_tables
from ..wide.long import is_long
from ..wide.make import is_wide, reader_of, tables_of, wide_of
from ..wide.wide_writer import PARQUET
from .sql import SET_ASIDE, query
from .vectors import Evaluator, unpack

_JUDGED = f"""* REPLACE (coalesce({SET_ASIDE},
    CASE WHEN CAST(patient AS VARCHAR) IN (SELECT p FROM twice) THEN 'GL713' END) AS {SET_ASIDE})"""


_WORDS = "answer_word"
"""The type of answers while DuckDB works on them."""


def query_for(
    compiled: Compiled,
    data: str,
    name: str,
    dialect: str,
    interventions: Sequence[str],
    patient: str,
    ignore: Sequence[str],
    inside: str | None,
) -> str:
    """The query over a table called `name` with the columns of a wide table, as text. Raises InputError."""
    table = open_tables(data, inside)[0]
    if is_long(table.columns):
        raise InputError.of(
            "GL704",
            f"`{data}` is a long table",
            hint="the query is over a wide one: `guidelog cohort` makes it on the way",
        )
    plan = plan_of(compiled.ground, choose_interventions(compiled.names, interventions or None))
    layout = table.layout(compiled.names.vocabulary, patient, ignore)
    return query(plan, compiled.names.vocabulary, layout, kinds_of(table, layout), exp.to_table(name)).sql(
        dialect, pretty=True
    )


def kinds_of(table: Table, layout: Layout) -> dict[str, Kind]:
    """What kind of cell each column has that is read; all are of kinds that a record is read from."""
    return {column: kind for column in layout.columns if (kind := table.kinds[column]) is not None}


def run_sql(compiled: Compiled, data: str, out: str, options: Options, engine: str) -> dict[str, Any]:
    """Answer a cohort with DuckDB or Spark; the account of the run. Raises InputError, RejectedError, AuditError."""
    if options.shape.long or options.shape.expand or not options.shape.rules:
        raise InputError.of(
            "GL714",
            f"`--engine {engine}` writes wide answers with rule masks",
            hint="leave out --long, --expand and --no-rules",
        )
    if Path(out).suffix not in ("", ".parquet"):
        raise InputError.of("GL714", f"`--engine {engine}` writes Parquet: a folder, or a file .parquet")
    started = _SqlRun(compiled, tables_of(data, options.table), out, options)
    with started.results.held():
        try:
            return started.execute(engine)
        except duckdb.OutOfMemoryException:
            hint = "give it more, or use the embedded engine, which needs no more for more patients"
            message = f"DuckDB cannot answer this within `--memory` ({options.memory >> 20:,} MB)"
            raise InputError.of("GL705", message, hint=hint) from None
        except duckdb.Error as error:
            raise started.tables[0].unreadable(error) from None
        finally:
            started.results.discard()  # a query is not taken up where it stopped, so nothing of it is worth keeping


class _SqlRun:
    def __init__(self, compiled: Compiled, tables: list[Table], out: str, options: Options) -> None:
        self.compiled, self.tables, self.options = compiled, tables, options
        self.vocabulary = compiled.names.vocabulary
        self.wanted = choose_interventions(compiled.names, options.interventions or None)
        self.plan: Plan = plan_of(compiled.ground, self.wanted)
        check_masks(self.plan)
        guideline = compiled.guideline
        key = {
            "guideline": {"id": guideline.id, "version": guideline.version, "sha256": guideline.sha256},
            "readings": dict(compiled.readings),
            "interventions": self.wanted,
            "shape": [False, True, False],
        }
        self.results = Results(Path(out), key)
        self.aside: list[Reject] = []

    def execute(self, engine: str) -> dict[str, Any]:
        shutil.rmtree(self.results.work, ignore_errors=True)
        self.results.begin(overwrite=self.options.overwrite)
        patient = self.options.patient
        tables = self.tables
        if not is_wide(tables[0]):
            wide = self.results.work / ("wide" + PARQUET)
            self.aside = wide_of(self.compiled, tables, wide, self.options)
            tables, patient = [made_table(wide)], ID
        if engine == "spark" and any(t.kind != "parquet" for t in tables):
            raise InputError.of("GL714", "`--engine spark` reads Parquet")
        layouts = [t.layout(self.vocabulary, patient, self.options.ignore) for t in tables]
        work, memory = self.results.work, self.options.memory
        if engine == "spark":
            files = self.by_spark(tables, layouts)
            sources = [f"read_parquet({quoted(literal(file))}, hive_partitioning = false)" for file in files]
            with locked(map(str, files), folder=work, memory=memory) as connection:
                return self.finish(connection, tables, layouts, sources)
        with connected(tables, folder=work, memory=memory) as connection:
            return self.finish(connection, tables, layouts, list(self.by_duckdb(connection, tables, layouts)))

    def query(self, table: Table, layout: Layout, words: str | None = None) -> exp.Select:
        patients = exp.to_table("patients")
        return query(self.plan, self.vocabulary, layout, kinds_of(table, layout), patients, words)

    def by_spark(self, tables: Sequence[Table], layouts: Sequence[Layout]) -> list[Path]:
        """Answer by Spark; the files of answers."""
        files: list[Path] = []
        for number, (group, layout) in enumerate(alike(tables, layouts)):
            folder = self.results.work / f"answers-{number:05}"
            folder.mkdir()
            on_spark(self.query(group[0], layout).sql("spark"), group, folder)
            files += sorted(folder.glob("*.parquet"))
        return files

    def by_duckdb(
        self, connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], layouts: Sequence[Layout]
    ) -> Iterator[str]:
        """Answer in DuckDB; the names of tables of answers. Their words are an ENUM: a byte in place of a text."""
        words = ", ".join(quoted(word.value) for word in (*Status, *Because))
        connection.execute(f"CREATE TYPE {_WORDS} AS ENUM ({words})")
        for number, (table, layout) in enumerate(zip(tables, layouts, strict=True)):
            try:
                connection.execute(
                    f"CREATE OR REPLACE TEMP VIEW patients AS SELECT * FROM {table.relation(connection)}"
                )
                text = self.query(table, layout, _WORDS).sql("duckdb")
                connection.execute(f"CREATE TEMP TABLE answers_{number} AS {text}")
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                raise table.unreadable(error) from None
            yield f"answers_{number}"

    def finish(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Sequence[Table],
        layouts: Sequence[Layout],
        sources: Sequence[str],
    ) -> dict[str, Any]:
        work, memory = self.results.work, self.options.memory
        twice = pa.array([], pa.string())
        if is_wide(self.tables[0]):
            twice = patients_twice(tables, layouts[0].patient, folder=work, memory=memory // 2)
        connection.register("twice", pa.table({"p": twice}))
        judged = _JUDGED if len(twice) else "*"
        every = " UNION ALL BY NAME ".join(f"SELECT {judged} FROM {source}" for source in sources)
        connection.execute(f"CREATE TEMP VIEW found AS {every}")
        aside = connection.execute(
            f"SELECT CAST(patient AS VARCHAR) FROM found WHERE {SET_ASIDE} IS NOT NULL"
        ).fetchall()
        rejects = list(self.aside)
        if aside:
            patients = [row[0] for row in aside]
            rejects += rejects_of(tables, layouts, patients, twice, self.plan, self.vocabulary)
        if rejects and self.options.strict:
            raise RejectedError(rejects[0])
        (total,) = connection.execute("SELECT count(*) FROM found").fetchall()[0]
        counted = {name: _counts(connection, name) for name in self.wanted}
        audited = self.audit(connection, tables, layouts)
        for number, source in enumerate(sources):
            name = f"part-{number:05}.parquet"
            connection.execute(
                f"COPY (SELECT * EXCLUDE ({SET_ASIDE}) FROM (SELECT {judged} FROM {source}) "
                f"WHERE {SET_ASIDE} IS NULL) TO {quoted(str((work / name).absolute()))} (FORMAT parquet)"
            )
            with pq.ParquetFile(work / name) as part:
                rows = part.metadata.num_rows
            self.results.parts.append({"file": name, "sha256": "", "rows": rows, "rejects": [], "counts": {}})
        counts = {
            "patients": total - len(aside),
            "rejected": len(aside) + len({r.patient for r in self.aside}),
            "answers": counted,
            "funnel": {},
            "settles": {},
            "sample": 0,
        }
        dictionary = answers.dictionary(self.plan, list(self.vocabulary.screens))
        report = account(self.compiled, self.tables, counts, rejects, audited, dictionary, self.results.not_read())
        for folder in self.results.work.glob("answers-*"):
            shutil.rmtree(folder)
        (self.results.work / "wide.parquet").unlink(missing_ok=True)
        self.results.finish(report, rejects)
        return report

    def audit(
        self, connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], layouts: Sequence[Layout]
    ) -> dict[str, int]:
        """Answer a random sample again; by patient, so a patient that occurs twice is left out."""
        audit = Audit(self.compiled, self.wanted, self.options.audit, self.options.seed)
        if not self.options.audit:
            return audit.check()
        names = [d[0] for d in connection.execute("SELECT * FROM found LIMIT 0").description or ()]
        sample = connection.execute(
            f"SELECT * FROM found USING SAMPLE reservoir({self.options.audit} ROWS) REPEATABLE ({self.options.seed})"
        ).fetchall()
        place = names.index("patient")
        given = {str(row[place]): dict(zip(names, row, strict=True)) for row in sample if row[place] is not None}
        rules = {a.intervention: [r.rule for r in a.rules] for a in self.plan.advice}
        seen: dict[str, list[dict[str, Any]]] = {name: [] for name in given}
        for table, layout in zip(tables, layouts, strict=True):
            for row in rows_of_patients(table, list(given), layout.patient, layout.columns):
                record = record_of(row, layout)
                seen[str(record["patient"])].append(record)
        for record in (records[0] for records in seen.values() if len(records) == 1):
            answer = given[str(record["patient"])]
            for name in self.wanted:
                answer[name + RULES] = expand(int(answer[name + RULES]), rules[name])
            for name, bits in answers.told(self.plan).items():
                answer[name] = expand(int(answer[name]), [r.rule for r in bits])
            audit.keep(0.0, record, None if answer[SET_ASIDE] is not None else answer)
        if self.tables[0].kind == "fhir":
            read_resources_again(audit, self.tables, reader_of(self.compiled, self.options), self.aside)
        return audit.check()


def _counts(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    rows = connection.execute(
        f"SELECT {identifier(name)}, {identifier(name + BECAUSE)}, count(*) FROM found "
        f"WHERE {SET_ASIDE} IS NULL GROUP BY ALL"
    ).fetchall()
    found: dict[str, int] = {}
    for status, because, number in rows:
        found[status] = found.get(status, 0) + number
        if because is not None:
            found[because] = number
    return found


def rejects_of(
    tables: Sequence[Table],
    layouts: Sequence[Layout],
    patients: Sequence[str | None],
    twice: pa.Array,
    plan: Plan,
    vocabulary: Vocabulary,
) -> list[Reject]:
    """Every row of these patients that cannot be answered, by table and line."""
    evaluator = Evaluator(plan.circuit, [d.contradicted for d in plan.denials])
    found: list[Reject] = []
    for table, layout in zip(tables, layouts, strict=True):
        named = f"{Path(table.name).name}: " if len(tables) > 1 else ""
        lines = table.lines
        for first, rows, chosen in chosen_rows(table, patients, layout.patient, layout.columns):
            batch = read_batch(rows.select(layout.columns).take(pa.array(chosen)), layout, vocabulary, 0)
            bits = evaluator.evaluate(batch.inputs)
            if len(twice):
                batch.reject(is_one_of(batch.ids, twice), "GL713", "the patient has several rows")
            for denial in plan.denials:
                holds = unpack(bits[denial.contradicted], batch.inputs.rows)
                batch.reject(holds.copy(), "GL421", f"the record contradicts background rule {denial.rule}")
            for reject in sorted(batch.rejects, key=lambda r: r.line):
                row = first + chosen[reject.line]
                line = row + table.first_line if lines is None else lines.of(row)
                found.append(Reject(line, reject.patient, reject.code, named + reject.reason))
    return found


def alike(tables: Sequence[Table], layouts: Sequence[Layout]) -> list[tuple[list[Table], Layout]]:
    """Neighbours of the same columns and types together: a query is planned once for all parts of a folder."""
    found = []
    listed = [(table, (layout, pq.read_schema(table.path))) for table, layout in zip(tables, layouts, strict=True)]
    for (layout, _), group in groupby(listed, lambda item: item[1]):
        found.append(([table for table, _ in group], layout))
    return found


def on_spark(text: str, tables: Sequence[Table], folder: Path) -> None:
    """Run a query over tables, called `patients`, into Parquet files of a folder. Raises InputError (GL705, GL715)."""
    with spark_session() as spark:
        from pyspark.errors import PySparkException

        try:
            spark.read.parquet(*(str(Path(t.path).resolve()) for t in tables)).createOrReplaceTempView("patients")
            spark.sql(text).write.mode("overwrite").parquet(str(folder.resolve()))
        except PySparkException as error:
            reason = (str(error).splitlines() or ["unknown error"])[0].lower()
            raise InputError.of("GL705", f"`{tables[0].name}` cannot be answered: {reason}") from None


@contextmanager
def spark_session() -> Iterator[Any]:
    """The Spark session of whoever runs this (spark-submit, a notebook), or a local one for the time being.

    Raises InputError (GL715) where PySpark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise InputError.of(
            "GL715", "`--engine spark` needs PySpark", hint="install the extra: pip install 'guidelog[spark]'"
        ) from None
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    try:
        builder = SparkSession.builder.appName("guidelog").config("spark.ui.enabled", "false")
        spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    except Exception as error:  # noqa: BLE001 - PySpark raises what it likes when there is no Java
        raise InputError.of(
            "GL715",
            f"Spark does not start: {(str(error).splitlines() or ['?'])[0].lower()}",
            hint="it needs Java 17 or newer",
        ) from None
    try:
        yield spark
    finally:
        spark.stop()
