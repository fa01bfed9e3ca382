"""`guidelog cohort` on Spark: the answers of `ask`, the rows that are set aside, folders in and out, and nothing in the
plan that a cluster would have to move or interpret.

Skipped where PySpark or Java is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from guidelog.semantics import Plan, plan_of
from guidelog.semantics.one_patient import FastAnswer
from hypothesis_profiles import examples
from programs import compiled_of
from strategies import Written

pq = pytest.importorskip("pyarrow.parquet")
sql = pytest.importorskip("pyspark.sql")
exp = pytest.importorskip("sqlglot.expressions")
pa = pytest.importorskip("pyarrow")

from test_cohort import BAD, BAD_REASONS, KB, NAMES, QUICK, patients, rejects_of, rows_of, write  # noqa: E402
from test_meaning import answers_of_ask, by_bits, by_sql, check, cohorts, of_query, random_records, wide  # noqa: E402

from guidelog.cli.cohort import cohort  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.engines.sql import query  # noqa: E402
from guidelog.cohort.engines.sql_run import query_for, run_sql  # noqa: E402
from guidelog.cohort.options import RejectedError  # noqa: E402
from guidelog.cohort.rows.column_types import Kind  # noqa: E402
from guidelog.cohort.rows.layout import layout_of  # noqa: E402
from guidelog.cohort.run import run  # noqa: E402


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    try:
        builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        builder = builder.config(
            "spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
        )  # starts quickly
        session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    except Exception as error:  # noqa: BLE001 - whatever PySpark raises when there is no Java
        pytest.skip(f"Spark does not start: {str(error)[:80]}")
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_guideline(load_guideline(str(KB)))


def by_spark(spark: Any, folder: Path, compiled: Compiled, plan: Plan, table: Any) -> list[list[FastAnswer] | None]:
    """Spark's answers to the same table as the other engines are given."""
    file = write(table, folder / f"{len(list(folder.iterdir()))}.parquet")
    layout = layout_of(table.column_names, compiled.names.vocabulary, "table")
    kinds = {c: Kind.FLOAT if "." in c else Kind.TEXT for c in layout.columns}
    spark.read.parquet(str(file)).createOrReplaceTempView("patients")
    text = query(plan, compiled.names.vocabulary, layout, kinds, exp.to_table("patients")).sql("spark")
    return of_query(plan, [row.asDict() for row in spark.sql(text).collect()])


# ---------------------------------------------------------------- the answers


def test_random_patients_have_the_same_answers_on_all_four_engines(
    spark: Any, compiled: Compiled, tmp_path: Path
) -> None:
    written, names = random_records(compiled, 60, 7), NAMES[:3]
    plan, table = plan_of(compiled.ground, names), wide(compiled, written)
    asked = (answers_of_ask(compiled, record) for record in written)
    expected = [answer and [q for q in answer if q.intervention in names] for answer in asked]
    assert by_bits(compiled, plan, table) == expected
    assert by_sql(compiled, plan, table) == expected
    assert by_spark(spark, tmp_path, compiled, plan, table) == expected
    assert None in expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_random_patients_have_the_same_answers_on_spark(
    spark: Any, compiled: Compiled, tmp_path: Path, seed: int
) -> None:
    """The patients that `test_cohort_meaning` compares between pyDatalog, bits and DuckDB."""
    plan, table = plan_of(compiled.ground), wide(compiled, random_records(compiled, 1000, 100 + seed))
    expected = by_bits(compiled, plan, table)
    assert by_sql(compiled, plan, table) == expected
    assert by_spark(spark, tmp_path, compiled, plan, table) == expected


@pytest.mark.slow
def test_random_guidelines_have_the_same_answers_on_spark(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    seen = 0

    @examples(25)
    @given(cohorts())
    def compare(case: tuple[Written, list[dict[str, Any]]]) -> None:
        nonlocal seen
        written, records = case
        try:
            compiled = compiled_of(written.text)
        except InputError as error:
            if {d.code for d in error.diagnostics} == {"GL210"}:  # a loop through negation
                return
            raise
        expected = check(compiled, records, sql=True)
        folder = tmp_path_factory.mktemp("random")
        assert by_spark(spark, folder, compiled, plan_of(compiled.ground), wide(compiled, records)) == expected
        seen += 1

    compare()
    assert seen >= 10


# ---------------------------------------------------------------- in, out and set aside


def partitioned(table: Any, folder: Path, parts: int) -> Path:
    """The table as a folder of Parquet files, as Spark itself leaves one behind."""
    folder.mkdir()
    for place in range(parts):
        write(table.slice(place * table.num_rows // parts, table.num_rows // parts), folder / f"part-{place}.parquet")
    (folder / "_SUCCESS").write_text("")
    return folder


@pytest.mark.slow
def test_a_folder_of_parts_becomes_a_folder_of_parts(spark: Any, compiled: Compiled, tmp_path: Path) -> None:
    data = partitioned(patients(compiled, 120), tmp_path / "patients", 3)
    options = replace(QUICK, interventions=NAMES, audit=3)
    ours = run(compiled, str(data), str(tmp_path / "bits"), options)
    theirs = run_sql(compiled, str(data), str(tmp_path / "spark"), options, "spark")
    assert rows_of(tmp_path / "spark") == rows_of(tmp_path / "bits")
    assert len(list((tmp_path / "spark").glob("part-*.parquet"))) == 2  # one for each of the two that work on it
    assert theirs["answers"] == ours["answers"]
    assert theirs["audit"] == {"sample": 3, "certified": 3, "refused": 0}
    assert not list(tmp_path.glob("*.unfinished"))


def bad_table() -> Any:
    """The table of bad rows, as text."""
    header, *rows = (line.split(",") for line in BAD.splitlines())
    return pa.table({name: pa.array([row[n] or None for row in rows], pa.string()) for n, name in enumerate(header)})


@pytest.mark.slow
def test_spark_sets_the_same_rows_aside_and_strict_stops_at_the_first(
    spark: Any, compiled: Compiled, tmp_path: Path
) -> None:
    data, few = write(bad_table(), tmp_path / "bad.parquet"), replace(QUICK, interventions=NAMES[:2])
    account = run_sql(compiled, str(data), str(tmp_path / "out"), replace(few, audit=50), "spark")
    assert rejects_of(tmp_path / "out") == [(str(int(line) - 1), *rest) for line, *rest in BAD_REASONS]  # rows, from 1
    assert [row["patient"] for row in rows_of(tmp_path / "out")] == ["good", "unknown"]
    assert account["audit"] == {"sample": 13, "certified": 2, "refused": 11}  # all but the row without an id
    strict = replace(few, strict=True)
    with pytest.raises(RejectedError, match=r"^line 2, patient `word`: `maybe` is not a value of `mri_done`"):
        run_sql(compiled, str(data), str(tmp_path / "strict"), strict, "spark")
    words = [str(data), "--out", str(tmp_path / "strict"), "--engine", "spark", "--strict", "-q", "-i", NAMES[0]]
    stopped = CliRunner().invoke(cohort, words)
    assert stopped.exit_code == 1
    assert "stopped: line 2, patient `word`" in stopped.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.parquet", "out"]


def test_the_plan_on_spark_has_neither_python_nor_a_shuffle(
    spark: Any, compiled: Compiled, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = partitioned(patients(compiled, 40), tmp_path / "patients", 2)
    text = query_for(compiled, str(data), "patients", "spark", NAMES, "patient", (), None)
    spark.read.parquet(str(data)).createOrReplaceTempView("patients")
    unwanted = ("Python", "Exchange", "Join", "Aggregate", "Sort")
    for asked, expected in (
        (text, []),
        ("SELECT mri_done, count(*) FROM patients GROUP BY 1", ["Exchange", "Aggregate"]),
    ):
        capfd.readouterr()
        spark.sql(asked).explain(mode="formatted")
        plan = capfd.readouterr().out
        assert "Scan parquet" in plan
        assert [word for word in unwanted if word in plan] == expected
