"""Tables that went wrong, with their right value: what `ask` refuses is set aside, a type is refused by its name.

`cases/` holds inputs of kinds that people report; each is tried on the embedded engine and on DuckDB.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.files import locked
from guidelog.language.guideline import load_guideline
from guidelog.patients import patient_from_content
from guidelog.pipeline import compile_guideline

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
duckdb = pytest.importorskip("duckdb")

from guidelog.cohort.engines.sql_run import run_sql  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.options import Options  # noqa: E402
from guidelog.cohort.results import folder  # noqa: E402
from guidelog.cohort.results.audit import AuditError  # noqa: E402
from guidelog.cohort.results.patient import find_patient  # noqa: E402
from guidelog.cohort.rows.lines import Lines  # noqa: E402
from guidelog.cohort.rows.tables import Table, open_tables  # noqa: E402
from guidelog.cohort.run import run  # noqa: E402

CASES = Path(__file__).parent / "cases"
KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
HEADER = "patient,as_of,chronic_radiculopathy,level_l5_s1,urinary_retention,conservative_care_weeks\n"
ROW = "present,present,absent,6\n"
ENGINES = pytest.mark.parametrize("engine", ["bits", "duckdb"])


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_guideline(load_guideline(str(KB)))


def answered(compiled: Compiled, data: Path, out: Path, engine: str, **given: Any) -> dict[Any, str]:
    """The status of the MRI by patient, or the code for which a row was set aside by its line. Everything is audited."""
    options = Options(interventions=("mri_lumbar",), overwrite=True, **{"audit": 500, **given})
    if engine == "bits":
        run(compiled, str(data), str(out), options)
    else:
        run_sql(compiled, str(data), str(out), options, engine)
    rows = [row for part in sorted(out.glob("part-*")) for row in pq.read_table(part).to_pylist()]
    found: dict[Any, str] = {row["patient"]: row["mri_lumbar"] for row in rows}
    with (out / "rejects.csv").open(encoding="utf-8", newline="") as file:
        found.update({int(row["line"]): row["code"] for row in csv.DictReader(file)})
    return found


def refused(compiled: Compiled, data: Path, out: Path, engine: str) -> str:
    with pytest.raises(InputError) as caught:
        answered(compiled, data, out, engine)
    (problem,) = caught.value.diagnostics
    return f"{problem.code}: {problem.message}"


@ENGINES
def test_excels_truth_values_are_words_and_numbers_are_not(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    found = answered(compiled, CASES / "bool-words.csv", tmp_path / "out", engine)
    assert found == {
        **{str(p): "urgent" for p in (0, 1, 2)},
        "7": "undetermined",
        **dict.fromkeys((5, 6, 7, 8, 10, 11, 12), "GL414"),
    }


@ENGINES
def test_days_in_other_words_are_set_aside(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    found = answered(compiled, CASES / "dates.csv", tmp_path / "out", engine)
    wrong = {line: "GL417" for line in range(3, 15) if line != 12}
    assert found == {"0": "undetermined", "10": "undetermined"} | wrong


@ENGINES
def test_ids_that_a_record_may_not_have_are_set_aside(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    found = answered(compiled, CASES / "ids.csv", tmp_path / "out", engine)
    assert {key: found[key] for key in found if isinstance(key, int)} == {3: "GL420", 4: "GL410", 8: "GL403"}
    assert {key for key in found if isinstance(key, str)} >= {"a\tb", "é", "a\u202eb", "'q'", "ok"}


@ENGINES
@pytest.mark.parametrize("audit", [0, 1, 2000])
def test_one_bad_date_is_found_whatever_is_audited(compiled: Compiled, tmp_path: Path, engine: str, audit: int) -> None:
    rows = (f"P{i},{'13/11/2025' if i == 777 else '2025-11-13'},{ROW}" for i in range(2000))
    (tmp_path / "t.csv").write_text(HEADER + "".join(rows))
    found = answered(compiled, tmp_path / "t.csv", tmp_path / "out", engine, audit=audit)
    assert found.pop(779) == "GL417"
    assert len(found) == 1999
    assert "P777" not in found


@ENGINES
def test_a_row_of_another_length_is_named_by_its_line(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    message = refused(compiled, CASES / "ragged-long.csv", tmp_path / "out", engine)
    assert message.startswith("GL705: line 2 of ")
    assert message.endswith("has 7 cells, and its header has 6")
    (tmp_path / "t.csv").write_text(HEADER + f'a,,{ROW}\n"b\nb",,{ROW}c,,present\n')
    assert "line 6 of" in refused(compiled, tmp_path / "t.csv", tmp_path / "out", engine)


@ENGINES
def test_columns_of_other_types_are_refused_by_name(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    for file, column, says in (
        ("float-ids", "patient", "holds double, and a patient's id is text or a whole number"),
        ("int-findings", "urinary_retention", "holds int64, and a finding is text or a truth value"),
        ("list-col", "urinary_retention", "holds list<element: string>, and a finding is text or a truth value"),
    ):
        message = refused(compiled, CASES / f"{file}.parquet", tmp_path / "out", engine)
        assert message == f"GL718: the column `{column}` of `{CASES / file}.parquet` {says}"


@ENGINES
def test_numbers_that_are_none_are_set_aside_without_a_warning(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    found = answered(compiled, CASES / "nan-measure.parquet", tmp_path / "out", engine)
    assert found == {"a": "urgent", "c": "undetermined", 2: "GL415", 4: "GL415"}


@ENGINES
def test_binary_numbers_are_thousandths_or_between_two(compiled: Compiled, tmp_path: Path, engine: str) -> None:
    """5.9 in 32 bits is 5.9; 41/7 weeks lie between 5.857 and 5.858, and so below 6; 6 + 1e-9 is not surely 6."""
    assert set(answered(compiled, CASES / "float32.parquet", tmp_path / "out", engine)) == set("abcd")
    assert set(answered(compiled, CASES / "days-over-seven.parquet", tmp_path / "out", engine)) == set("abcd")
    weeks = [6.0, 41 / 7, 43 / 7, 6 - 1e-9, 6 + 1e-9, 519.99999]
    record = {c: ["present"] * 6 for c in ("chronic_radiculopathy", "level_l5_s1", "motor_deficit") if c in _findings()}
    table = pa.table({"patient": [f"p{i}" for i in range(6)], "conservative_care_weeks": weeks, **record})
    pq.write_table(table, tmp_path / "t.parquet")
    assert set(answered(compiled, tmp_path / "t.parquet", tmp_path / "out", engine)) == {f"p{i}" for i in range(6)}
    vocabulary = compiled.names.vocabulary
    found = [find_patient(str(tmp_path / "t.parquet"), f"p{i}", compiled) for i in range(6)]
    written = [6, {"between": [5.857, 5.858]}, {"between": [6.142, 6.143]}, {"between": [5.999, 6]}]
    written += [{"between": [6, 6.001]}, {"between": [519.999, 520]}]
    for patient, value in zip(found, written, strict=True):
        content = {"patient": "p", "measures": {"conservative_care_weeks": value}}
        assert patient.measures == patient_from_content(content, vocabulary).measures


def _findings() -> set[str]:
    return set(compile_guideline(load_guideline(str(KB))).names.vocabulary.findings)


@ENGINES
@pytest.mark.parametrize("name", ["c[1].csv", "c[1].ndjson", "l[1].csv"])
def test_a_files_name_is_no_pattern(compiled: Compiled, tmp_path: Path, engine: str, name: str) -> None:
    assert answered(compiled, CASES / "glob" / name, tmp_path / "out", engine) == {"ALICE": "urgent"}


@pytest.mark.parametrize("ending", ["parquet", "duckdb", "csv"])
@pytest.mark.parametrize(
    ("name", "engine"),
    [("t[ab]", "bits"), ("t[ab]", "duckdb"), ("t?", "duckdb"), ("k=v", "duckdb"), ("~a'b{\"*}", "duckdb")],
)
def test_no_name_of_a_file_or_folder_is_a_pattern(
    compiled: Compiled, tmp_path: Path, engine: str, ending: str, name: str
) -> None:
    for place, patient in ((name, "RIGHT"), ("ta", "WRONG"), ("t", "WRONG")):
        (tmp_path / place).mkdir()
        table = pa.table({"patient": [patient], "urinary_retention": ["present"]})
        file = tmp_path / f"plain.{ending}"
        if ending == "parquet":
            pq.write_table(table, file)
        elif ending == "csv":
            file.write_text(f"patient,urinary_retention\n{patient},present\n")
        else:
            with duckdb.connect(str(file)) as connection:
                connection.execute(
                    f"CREATE TABLE patients AS SELECT '{patient}' AS patient, 'present' AS urinary_retention"
                )
        file.rename(tmp_path / place / f"{place}.{ending}")
    data = tmp_path / name / f"{name}.{ending}"
    assert answered(compiled, data, tmp_path / "out", engine, audit=1) == {"RIGHT": "urgent"}
    assert find_patient(str(data), "RIGHT", compiled).id == "RIGHT"


def test_a_database_is_read_by_its_tables_alone(compiled: Compiled, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("patient,urinary_retention\nsomebody,present\n")
    file = tmp_path / "d.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE VIEW patients AS FROM read_csv('{tmp_path / 'secret.csv'}')")
        connection.execute("CREATE TABLE people AS SELECT 'ANN' AS patient, 'present' AS urinary_retention")
    assert (
        refused(compiled, file, tmp_path / "out", "bits")
        == f"GL705: `patients` in `{file}` is a view, and only tables are read"
    )
    assert answered(compiled, file, tmp_path / "out", "bits", table="people") == {"ANN": "urgent"}
    another = f"FROM read_csv('{tmp_path / 'secret.csv'}')"
    with open_tables(str(file), "people")[0].connected() as connection:
        for text in (
            another,
            "INSTALL httpfs",
            "SET enable_external_access = true",
            f"ATTACH '{tmp_path / 'other.duckdb'}' AS other",
            f"COPY (SELECT 1) TO '{tmp_path / 'x.csv'}'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(text)


def test_the_databases_of_a_folder_are_told_apart(compiled: Compiled, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        with duckdb.connect(str(tmp_path / "data" / f"{name}.duckdb")) as connection:
            connection.execute(f"CREATE TABLE patients AS SELECT '{name}' AS patient, 'present' AS urinary_retention")
    assert answered(compiled, tmp_path / "data", tmp_path / "out", "bits") == {"a": "urgent", "b": "urgent"}


def test_lines_are_those_of_the_file(compiled: Compiled, tmp_path: Path) -> None:
    """Blank lines and line ends in quotes are counted; a quote inside a cell opens nothing."""
    text = f'\ufeff{HEADER}\na,x,{ROW}\n\n"b\r\nb",,{ROW}c"c,x,{ROW}"d,""\n\n",x,{ROW}e,x,{ROW}'
    (tmp_path / "t.csv").write_bytes(text.encode())
    found = answered(compiled, tmp_path / "t.csv", tmp_path / "out", "bits")
    assert found == {3: "GL417", 6: "GL410", 8: "GL417", 9: "GL410", 12: "GL417"}


def test_an_audit_that_reads_another_row_stops_the_run(
    compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text(HEADER + f"a,,{ROW}b,,{ROW}")
    real = Table.batches

    def swapped(self: Table, *given: Any) -> Any:
        for batch in real(self, *given):
            yield batch.take(pa.array([1, 0]))

    monkeypatch.setattr(Table, "batches", swapped)
    with pytest.raises(AuditError, match=r"line 2 of .* is not the row that was read as patient `b`"):
        answered(compiled, tmp_path / "t.csv", tmp_path / "out", "bits")


def test_ids_of_ndjson_keep_every_digit_or_are_refused(compiled: Compiled, tmp_path: Path) -> None:
    file = tmp_path / "t.ndjson"
    file.write_text('{"patient": 18446744073709551615, "urinary_retention": true}\n\n{"patient": "01"}\n')
    found = answered(compiled, file, tmp_path / "out", "bits")
    assert found == {"18446744073709551615": "urgent", "01": "undetermined"}
    for wrong in ("123456789012345678901", "1.0", "true", "[1]", '{"a": 1}'):
        file.write_text(f'{{"patient": {wrong}}}\n')
        assert refused(compiled, file, tmp_path / "out", "bits").startswith("GL718: ")
    file.write_text('{"patient": "a", "patient": "b"}\n')
    assert refused(compiled, file, tmp_path / "out", "bits").startswith("GL705: ")
    file.write_text('[{"patient": "a"}]\n')
    assert "lines that are not objects" in refused(compiled, file, tmp_path / "out", "bits")


def test_a_csv_as_an_old_mac_wrote_it_has_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"patient,x\ra,1\rb,2\r")
    lines = Lines(str(tmp_path / "t.csv"), "csv")
    assert lines.cells([1]) == {1: {"patient": "b", "x": "2"}}
    assert lines.of(1) == 3


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_text_that_is_no_utf_8_is_refused(compiled: Compiled, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(HEADER.encode() + b"a\xe9,," + ROW.encode())
    assert refused(compiled, tmp_path / "t.csv", tmp_path / "out", "bits").startswith("GL705: ")


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "duckdb"])
def test_batches_are_bounded_in_bytes(tmp_path: Path, ending: str) -> None:
    """Long ids, and long words that are the same in every row, make batches shorter; no row is lost."""
    rows = 3000
    table = pa.table({"patient": [f"{'x' * 2000}{i}" for i in range(rows)], "urinary_retention": ["y" * 500] * rows})
    file = tmp_path / f"t.{ending}"
    if ending == "parquet":
        pq.write_table(table, file)
    elif ending == "csv":
        file.write_text(
            "patient,urinary_retention\n" + "".join(f"{r['patient']},{'y' * 500}\n" for r in table.to_pylist())
        )
    elif ending == "ndjson":
        file.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        with duckdb.connect(str(file)) as connection:
            connection.register("given", table)
            connection.execute("CREATE TABLE patients AS FROM given")
    batches = list(open_tables(str(file))[0].batches(1 << 18, ["patient", "urinary_retention"], 1 << 20))
    assert max(batch.nbytes for batch in batches) < 1 << 21
    assert pa.Table.from_batches(batches).equals(table)


# ---------------------------------------------------------------- results


def small(tmp_path: Path, rows: int = 3) -> Path:
    (tmp_path / "t.csv").write_text(HEADER + "".join(f"p{i},,{ROW}" for i in range(rows)))
    return tmp_path / "t.csv"


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize(
    ("engine", "result"),
    [("bits", "o"), ("bits", "o.parquet"), ("bits", "o.csv"), ("bits", "o.duckdb"), ("duckdb", "o")],
)
def test_results_are_for_their_owner_alone(compiled: Compiled, tmp_path: Path, engine: str, result: str) -> None:
    data, place = small(tmp_path), tmp_path / "results"
    place.mkdir()
    options = Options(audit=0)
    run(compiled, str(data), str(place / result), options) if engine == "bits" else run_sql(
        compiled, str(data), str(place / result), options, engine
    )
    found = {p: p.stat().st_mode & 0o777 for p in place.rglob("*")}
    assert found
    assert all(mode == (0o700 if p.is_dir() else 0o600) for p, mode in found.items()), found
    assert not [p for p in found if ".new" in p.name or ".lock" in p.name or "unfinished" in p.name]


def test_two_runs_do_not_write_one_result(compiled: Compiled, tmp_path: Path) -> None:
    data, out = small(tmp_path), tmp_path / "out"
    with locked(out):
        for go in (run, run_sql):
            with pytest.raises(InputError, match="another run is writing"):
                go(compiled, str(data), str(out), Options(audit=0), *(["duckdb"] if go is run_sql else []))
    run(compiled, str(data), str(out), Options(audit=0))
    assert (out / "run.json").exists()


@pytest.mark.parametrize("result", ["out", "out.parquet"])
def test_a_full_disk_leaves_nothing(
    compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    data, place = small(tmp_path), tmp_path / "results"
    place.mkdir()

    def full(table: Any, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(folder, "write_parquet", full)
        with pytest.raises(InputError, match="no space left on device") as caught:
            run(compiled, str(data), str(place / result), Options(audit=0))
    assert caught.value.diagnostics[0].code == "GL605"
    assert not list(place.iterdir())
    run(compiled, str(data), str(place / result), Options(audit=0))


def test_a_result_that_is_a_link_stays_one(compiled: Compiled, tmp_path: Path) -> None:
    data = small(tmp_path)
    (tmp_path / "far").mkdir()
    for result in ("o.parquet", "o"):
        (tmp_path / result).symlink_to(tmp_path / "far" / result)
        for _ in range(2):
            run(compiled, str(data), str(tmp_path / result), Options(audit=0, overwrite=True))
        assert (tmp_path / result).is_symlink()
        assert (tmp_path / "far" / result).exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_standard_input_leaves_nothing_after_a_signal(tmp_path: Path) -> None:
    """The patients of a pipe are in a private folder, which is gone when the process is told to end."""
    passing, words = tmp_path / "tmp", ["cohort", "-", "-o", str(tmp_path / "out"), "-g", str(KB)]
    passing.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "guidelog.cli", *words], stdin=subprocess.PIPE, env=os.environ | {"TMPDIR": str(passing)}
    )
    assert process.stdin is not None
    process.stdin.write((HEADER + f"ann,,{ROW}" * 10_000).encode())
    process.stdin.flush()
    for _ in range(600):
        if any(p.stat().st_size for p in passing.rglob("stdin.csv")):
            break
        time.sleep(0.05)
    (file,) = passing.rglob("stdin.csv")
    assert file.parent.stat().st_mode & 0o777 == 0o700
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    process.stdin.close()
    assert not list(passing.iterdir())
    assert {p.name for p in tmp_path.iterdir()} == {"tmp"}
