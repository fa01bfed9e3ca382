"""`guidelog cohort`: every way in and out says the same, bad rows are set aside, runs can be taken up."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_meaning import random_records

from guidelog.cli.cohort import cohort
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.language.guideline import load_guideline
from guidelog.patients import patient_from_content
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.semantics.plan import ALARMS
from guidelog.wording.presentation import EMERGENCIES

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
np = pytest.importorskip("numpy")
duckdb = pytest.importorskip("duckdb")

from guidelog.cohort import run as run_room  # noqa: E402
from guidelog.cohort.charts import funnel as flow_room  # noqa: E402
from guidelog.cohort.charts.status_shares import render_svg  # noqa: E402
from guidelog.cohort.charts.transitions import render_moves  # noqa: E402
from guidelog.cohort.engines.sql_run import query_for, run_sql  # noqa: E402
from guidelog.cohort.engines.vectors import Inputs, count, pack, unpack  # noqa: E402
from guidelog.cohort.results import audit as audit_room  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.results.answer_table import Shape, expand  # noqa: E402
from guidelog.cohort.results.diff import diff, render_diff  # noqa: E402
from guidelog.cohort.results.folder import Results, read_account  # noqa: E402
from guidelog.cohort.results.patient import find_patient  # noqa: E402
from guidelog.cohort.results.summary import questions, render_summary  # noqa: E402
from guidelog.cohort.rows import duplicate_ids as twice  # noqa: E402
from guidelog.cohort.rows.layout import layout_of  # noqa: E402
from guidelog.cohort.rows.read_columns import read_batch  # noqa: E402
from guidelog.cohort.run import Options, RejectedError, run  # noqa: E402
from guidelog.cohort.wide import parquet_concat as joining  # noqa: E402

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
QUICK = Options(audit=0, overwrite=True)
NAMES = ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation", "surgical_referral", "reassessment")


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_guideline(load_guideline(str(KB)))


def patients(compiled: Compiled, number: int, seed: int = 0) -> Any:
    """Random patients with everything that a wide table may say."""
    chance, vocabulary = np.random.default_rng(seed), compiled.names.vocabulary
    columns: dict[str, Any] = {
        "patient": [f"p{i}" for i in range(number)],
        "as_of": pa.array(["2026-03-01"] * number).cast(pa.date32()),
    }
    for place, name in enumerate(vocabulary.findings):
        present, open_ = chance.random(number) < 0.4, chance.random(number) < 0.3
        if name in ("home_exercise_only", "mri_correlates"):
            present[:] = False
        words = np.where(present, "present", "absent").astype(object)
        words[open_] = None
        if place % 2:
            words[open_ & (chance.random(number) < 0.5)] = "unknown"
            columns[name] = pa.array(words, pa.string())
        else:
            columns[name] = pa.array(present, mask=open_)
    for name in vocabulary.screens:
        columns[name] = pa.array(chance.random(number) < 0.6, mask=chance.random(number) < 0.2)
    for place, (name, measure) in enumerate(vocabulary.measures.items()):
        value, open_ = chance.integers(0, 30, number), chance.random(number) < 0.4
        if place == 0 and measure.unit == "week":
            columns[name + ".since"] = pa.array(np.datetime64("2026-03-01") - 7 * value, mask=open_).cast(pa.date32())
        elif place == 1:
            columns[name] = pa.array(value / 2, mask=open_)
        else:
            low, high = chance.random(number) < 0.5, chance.random(number) < 0.5
            columns[name] = pa.array(value, mask=~(open_ & ~low & ~high))
            columns[name + ".low"], columns[name + ".high"] = (
                pa.array(value, mask=~low),
                pa.array(value + 4.5, mask=~high),
            )
    return pa.table(columns)


def write(table: Any, path: Path) -> Path:
    """The table as a file of the kind that its name says."""
    with duckdb.connect() as connection:
        connection.register("source", table)
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        elif path.suffix == ".duckdb":
            connection.execute(f"ATTACH '{path}' AS file")
            connection.execute("CREATE TABLE file.patients AS SELECT * FROM source")
        else:
            connection.execute(
                f"COPY source TO '{path}' ({'FORMAT json' if path.suffix == '.ndjson' else 'FORMAT csv, HEADER'})"
            )
    return path


def long(table: Any) -> Any:
    """A row for each cell that says something, in no order."""
    rows = [
        (row["patient"], name, value)
        for row in table.to_pylist()
        for name, value in row.items()
        if name != "patient" and value is not None
    ]
    np.random.default_rng(1).shuffle(rows)
    text = [str(v).lower() if isinstance(v, bool) else str(v) for _, _, v in rows]
    return pa.table({"patient": [r[0] for r in rows], "name": [r[1] for r in rows], "value": text})


def rows_of(path: Path) -> list[dict[str, Any]]:
    table = pa.concat_tables(
        [pq.read_table(p) for p in ([path] if path.is_file() else sorted(path.glob("part-*.parquet")))]
    )
    return sorted(table.to_pylist(), key=lambda row: str(row["patient"]))


def rejects_of(result: Path) -> list[tuple[str, ...]]:
    path = result / "rejects.csv" if result.is_dir() else result.with_name(result.stem + ".rejects.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


# ---------------------------------------------------------------- in and out


def test_every_kind_of_table_gives_the_same_answers_as_ask(compiled: Compiled, tmp_path: Path) -> None:
    table = patients(compiled, 300)
    files = [write(table, tmp_path / f"p{suffix}") for suffix in (".parquet", ".csv", ".ndjson", ".duckdb")]
    files += [write(long(table), tmp_path / f"long{suffix}") for suffix in (".parquet", ".csv", ".ndjson")]
    folder = tmp_path / "folder"
    folder.mkdir()
    write(table.slice(0, 100), folder / "a.csv")
    write(table.slice(100), folder / "b.parquet")
    expected = None
    for file in [*files, folder]:
        account = run(compiled, str(file), str(tmp_path / "out.parquet"), replace(QUICK, audit=10))
        assert (account["patients"], account["rejected"]) == (300, 0), file
        assert account["audit"] == {"sample": 10, "certified": 10, "refused": 0}
        found = rows_of(tmp_path / "out.parquet")
        expected = expected or found
        assert found == expected, file
    assert len({row["mri_lumbar"] for row in expected or ()}) > 2


def test_what_is_written_is_what_ask_says(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 60), tmp_path / "p.parquet")
    account = run(compiled, str(data), str(tmp_path / "wide.parquet"), QUICK)
    rules = account["dictionary"]["rules"]
    for row in rows_of(tmp_path / "wide.parquet")[::6]:
        answers = ask(compiled, find_patient(str(data), row["patient"], compiled))
        for answer in answers.answers:
            name = answer.intervention
            assert row[name] == answer.status.value
            assert row[name + ".because"] == (answer.because.value if answer.because else None)
            given = expand(row[name + ".rules"], rules[name])
            assert set(given) >= set(answer.rules)
            assert row[name] == "undetermined" or given == list(answer.rules)
        assumed = [s for s, members in answers.facts.closed.items() if members]
        assert expand(row["assumed"], account["dictionary"]["assumed"]) == assumed


@pytest.mark.parametrize("suffix", ["", ".parquet", ".csv", ".duckdb"])
def test_long_answers_say_the_same_as_wide_ones(compiled: Compiled, tmp_path: Path, suffix: str) -> None:
    data = write(patients(compiled, 200), tmp_path / "p.parquet")
    options = replace(QUICK, interventions=NAMES, batch_rows=64)
    account = run(compiled, str(data), str(tmp_path / "wide"), options)
    run(compiled, str(data), str(tmp_path / f"long{suffix}"), replace(options, shape=Shape(long=True, expand=True)))
    where = tmp_path / "long" / "part-*.parquet" if not suffix else tmp_path / f"long{suffix}"
    with duckdb.connect() as connection:
        if suffix == ".duckdb":
            connection.execute(f"ATTACH '{where}' AS result (READ_ONLY)")
        source = "result.answers" if suffix == ".duckdb" else f"'{where}'"
        found = connection.execute(f"SELECT patient, intervention, status, because, rules FROM {source}").fetchall()  # noqa: S608 - our own file
    expected = [
        (
            row["patient"],
            name,
            row[name],
            row[name + ".because"],
            " ".join(expand(row[name + ".rules"], account["dictionary"]["rules"][name])),
        )
        for row in rows_of(tmp_path / "wide")
        for name in NAMES
    ]
    assert sorted((a, b, c, d, e or "") for a, b, c, d, e in found) == sorted(expected, key=lambda r: (r[0], r[1]))
    assert account["patients"] == 200


def test_standard_input_is_csv(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 20), tmp_path / "p.csv")
    done = command(
        "cohort", "-", "-o", str(tmp_path / "out.csv"), "--audit", "2", "-g", str(KB), input_=data.read_bytes()
    )
    assert done.returncode == 0, done.stderr
    assert "20 patients answered, 0 set aside" in done.stdout
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 21


def command(*words: str, input_: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "guidelog.cli", *words], input=input_, capture_output=True, check=False, timeout=120
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


# ---------------------------------------------------------------- what is set aside

CARE = "conservative_care_weeks"
BAD = f"""patient,as_of,mri_done,mri_correlates,red_flags,{CARE},{CARE}.low,{CARE}.high,symptom_weeks.since
good,2026-01-01,present,present,complete,6,,,
word,2026-01-01,maybe,,,,,,
screen,2026-01-01,,,done,,,,
number,2026-01-01,,,,six,,,
far,2026-01-01,,,,521,,,
fine,2026-01-01,,,,6.0001,,,
both,2026-01-01,,,,6,5,,
crossed,2026-01-01,,,,,8,7,
day,2026-01-01,,,,,,,2026-13-01
later,2026-01-01,,,,,,,2026-01-02
undated,,,,,,,,2025-12-01
clash,2026-01-01,absent,present,,,,,
,2026-01-01,present,,,,,,
unknown,2026-01-01,unknown,,,unknown,,,
"""
BAD_REASONS = [
    ("3", "word", "GL414", "`maybe` is not a value of `mri_done`; there are present, absent, unknown"),
    ("4", "screen", "GL419", "`done` is not a value of `red_flags`; there are complete, incomplete"),
    ("5", "number", "GL415", "`six` is not a number of `conservative_care_weeks`"),
    ("6", "far", "GL416", "`521` is outside the range of `conservative_care_weeks`, from 0 to 520 (unit `week`)"),
    ("7", "fine", "GL415", "`6.0001` in `conservative_care_weeks` has more than 3 decimal places"),
    ("8", "both", "GL415", "`conservative_care_weeks` has a value, and so no `conservative_care_weeks.low`"),
    ("9", "crossed", "GL415", "the lower bound of `conservative_care_weeks` is above the upper one"),
    ("10", "day", "GL417", "`2026-13-01` in `symptom_weeks.since` is not a date"),
    ("11", "later", "GL418", "`symptom_weeks.since` is after `as_of`"),
    ("12", "undated", "GL418", "`symptom_weeks.since` needs `as_of`"),
    ("13", "clash", "GL421", "the record contradicts background rule BG-1"),
    ("14", "", "GL410", "the patient's id is missing"),
]


def test_rows_that_ask_refuses_are_set_aside_with_line_and_reason(compiled: Compiled, tmp_path: Path) -> None:
    data = tmp_path / "bad.csv"
    data.write_text(BAD)
    account = run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, audit=50))
    assert rejects_of(tmp_path / "out") == BAD_REASONS
    assert [row["patient"] for row in rows_of(tmp_path / "out")] == ["good", "unknown"]
    assert (account["patients"], account["rejected"]) == (2, 12)
    assert account["audit"] == {"sample": 14, "certified": 2, "refused": 12}


def test_strict_stops_at_the_first_bad_row_and_writes_nothing(compiled: Compiled, tmp_path: Path) -> None:
    data = tmp_path / "bad.csv"
    data.write_text(BAD)
    with pytest.raises(RejectedError, match=r"^line 3, patient `word`: `maybe` is not a value of `mri_done`"):
        run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_rows_of_a_long_table_that_disagree_or_say_nothing_known_set_the_patient_aside(
    compiled: Compiled, tmp_path: Path
) -> None:
    data = tmp_path / "long.csv"
    data.write_text(
        "patient,name,value,date,source\n"
        "a,mri_done,present,2026-01-01,note\na,mri_done,present,2026-02-01,note\na,conservative_care_weeks,6,,\na,conservative_care_weeks,6.0,,\n"
        "b,mri_done,present,,\nb,mri_done,absent,,\n"
        "c,mri_dnoe,present,,\nc,mri_done,present,,\n"
        "d,conservative_care_weeks,6,,\nd,conservative_care_weeks,7,,\n"
        "e,mri_done,perhaps,,\n"
        "f,mri_done,absent,,\nf,mri_correlates,present,,\n"
        "g,physical_therapy_weeks,unknown,,\ng,treatment_history,complete,,\ng,mri_done,,,\n"
    )
    account = run(compiled, str(data), str(tmp_path / "out"), QUICK)
    found = rejects_of(tmp_path / "out")
    assert found[:4] == [
        ("7", "b", "GL408", "`mri_done` has the values `present` and `absent`"),
        ("8", "c", "GL412", "there is nothing named `mri_dnoe` in this guideline; did you mean `mri_done`?"),
        ("11", "d", "GL408", "`conservative_care_weeks` has the values `6` and `7`"),
        ("12", "e", "GL414", "`perhaps` is not a value of `mri_done`"),
    ]
    assert found[4][1:3] == ("f", "GL421")
    assert [row["patient"] for row in rows_of(tmp_path / "out")] == ["a", "g"]
    assert (account["patients"], account["rejected"]) == (2, 5)
    ignoring = run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, ignore=("mri_dnoe",), audit=9))
    assert (ignoring["patients"], ignoring["rejected"]) == (3, 4)


def message(error: InputError) -> list[tuple[str, str, str | None]]:
    return [(d.code, d.message, d.hint) for d in error.diagnostics]


def test_columns_that_are_nothing_of_the_guidelines_are_errors(compiled: Compiled) -> None:
    vocabulary = compiled.names.vocabulary
    with pytest.raises(InputError) as caught:
        layout_of(["pateint", "mri_don", "age", "symptom_weeks.since"], vocabulary, "t.csv", ignore=["age"])
    assert message(caught.value) == [
        (
            "GL711",
            "`t.csv` has a column `pateint`, which this guideline does not know",
            "did you mean `patient`? `--ignore pateint` passes it over",
        ),
        (
            "GL711",
            "`t.csv` has a column `mri_don`, which this guideline does not know",
            "did you mean `mri_done`? `--ignore mri_don` passes it over",
        ),
        (
            "GL710",
            "`t.csv` has no column `patient` that says which patient a row is",
            "did you mean `--patient-column pateint`?",
        ),
        ("GL712", "`symptom_weeks.since` needs `as_of`", "add a column `as_of`, the day that the row describes"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("none.csv", None, "GL702"),
        ("table.xlsx", "x", "GL703"),
        ("empty.csv", "", "GL705"),
        ("header.csv", "patient,mri_done\n", "GL717"),
        ("broken.parquet", "x", "GL705"),
        ("ragged.csv", "patient,mri_done\na\nb,present,absent\n", "GL705"),
        ("half.csv", "patient,name,value,age\n", "GL704"),
    ],
)
def test_tables_that_cannot_be_read(
    compiled: Compiled, tmp_path: Path, name: str, content: str | None, code: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        run(compiled, str(tmp_path / name), str(tmp_path / "out"), QUICK)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("separator", "said"), [(";", "`;`"), ("\t", "tabs"), ("|", "`|`")])
def test_another_separator_is_recognised(compiled: Compiled, tmp_path: Path, separator: str, said: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"patient{separator}mri_done\na{separator}present\n")
    with pytest.raises(InputError) as caught:
        run(compiled, str(path), str(tmp_path / "out"), QUICK)
    assert f"look separated by {said}, not by `,`" in caught.value.diagnostics[0].message


# ---------------------------------------------------------------- trust


def test_a_wrong_bit_stops_the_run(compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(patients(compiled, 50), tmp_path / "p.parquet")
    right = run_room._Run.given

    def wrong(self: Any, bits: Any, row: int) -> dict[str, Any]:
        found = right(self, bits, row)
        return {**found, "mri_lumbar": "recommended" if found["mri_lumbar"] != "recommended" else "avoid"}

    monkeypatch.setattr(run_room._Run, "given", wrong)
    with pytest.raises(audit_room.AuditError, match=r"`mri_lumbar`: .* and `ask` says"):
        run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, audit=3))
    assert not (tmp_path / "out").exists()


def test_a_run_that_answers_what_ask_refuses_is_stopped(
    compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "bad.csv"
    data.write_text(BAD)
    monkeypatch.setattr(run_room._Run, "contradictions", lambda *_: None)
    with pytest.raises(audit_room.AuditError, match="patient `clash` was answered, and `ask` refuses the record"):
        run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, audit=50))


def test_the_sample_is_spread_over_all_batches(compiled: Compiled) -> None:
    audit = audit_room.Audit(compiled, [], 50, seed=3)
    for batch in range(20):
        for row, priority in audit.pick(100):
            audit.keep(priority, {"patient": batch * 100 + row}, None)
    batches = {item.record["patient"] // 100 for item in audit.chosen}
    assert len(audit.chosen) == 50
    assert len(batches) > 12


# ---------------------------------------------------------------- going on after an interruption


def test_an_interrupted_run_goes_on_where_it_stopped(
    compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (
        write(patients(compiled, 640), tmp_path / "p.parquet"),
        write(long(patients(compiled, 640)), tmp_path / "l.parquet"),
    ):
        options = replace(QUICK, batch_rows=64, overwrite=False, audit=4)
        out, work = tmp_path / f"{data.stem}-out", tmp_path / f"{data.stem}-out.unfinished"
        calls = 0

        def stop(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 6:
                raise KeyboardInterrupt
            return read_batch(*arguments)

        monkeypatch.setattr(run_room, "read_batch", stop)
        with pytest.raises(KeyboardInterrupt):
            run(compiled, str(data), str(out), options)
        assert not out.exists()
        finished = json.loads((work / "run.json").read_text())["parts"]
        assert 1 <= len(finished) <= 5
        spoilt = work / finished[-1]["file"]
        spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"?")
        calls = -1000
        written: list[str] = []
        add = Results.add

        def note(self: Results, part: dict[str, Any], written: list[str] = written, add: Any = add) -> None:
            written.append(part["file"])
            add(self, part)

        monkeypatch.setattr(Results, "add", note)
        account = run(compiled, str(data), str(out), options)
        monkeypatch.undo()
        assert len(written) == 10 - len(finished) + 1, "the part that was spoilt is written again, the others are not"
        assert account["patients"] == 640
        assert not work.exists()
        assert [row["patient"] for row in rows_of(out)] == sorted(f"p{i}" for i in range(640))


def test_other_rules_or_data_start_anew(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 200), tmp_path / "p.parquet")
    work = tmp_path / "out.unfinished"
    work.mkdir()
    (work / "run.json").write_text(
        json.dumps({"format": "guidelog-cohort/1", "key": {"other": 1}, "parts": [{"file": "part-00000.parquet"}]})
    )
    (work / "part-00000.parquet").write_text("from something else")
    assert run(compiled, str(data), str(tmp_path / "out"), QUICK)["patients"] == 200


def test_a_result_is_not_replaced_unless_asked(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 20), tmp_path / "p.parquet")
    run(compiled, str(data), str(tmp_path / "out.parquet"), QUICK)
    with pytest.raises(InputError, match="is already there"):
        run(compiled, str(data), str(tmp_path / "out.parquet"), replace(QUICK, overwrite=False))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is left alone"):
        run(compiled, str(data), str(tmp_path / "mine"), QUICK)
    assert (tmp_path / "mine" / "thesis.txt").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_no_half_written_result(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 100_000), tmp_path / "p.csv")
    words = ["cohort", str(data), "-o", str(tmp_path / "out"), "--memory", "8M", "--audit", "1", "-g", str(KB)]
    process = subprocess.Popen(
        [sys.executable, "-m", "guidelog.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if (tmp_path / "out.unfinished" / "part-00002.parquet").exists():
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "goes on from here" in errors
    assert not (tmp_path / "out").exists()
    done = command(*words)
    assert done.returncode == 0, done.stderr
    assert "100,000 patients answered" in done.stdout


# ---------------------------------------------------------------- summary, why, diff


def test_counts_are_those_of_the_table(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 500), tmp_path / "p.parquet")
    account = run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, batch_rows=192))
    rows = rows_of(tmp_path / "out")
    for name, found in account["answers"].items():
        for word, number in found.items():
            key = name + ".because" if word in ("missing_data", "guideline_range") else name
            assert sum(row[key] == word for row in rows) == number
    assert read_account(str(tmp_path / "out"))["answers"] == account["answers"]
    text = render_summary(account)
    assert "500 patients answered, 0 set aside" in text
    assert "how far patients get with IMG-2:" in text
    picture = render_svg(account, ["mri_lumbar"])
    for status in ("urgent", "undetermined"):
        number = account["answers"]["mri_lumbar"][status]
        assert f"{status}: {number:,} ({number / 500:.1%})" in picture
        assert picture.count(f"{number / 500:.1%}") > 1, "a share can be read without pointing at it"
    assert render_svg(account).count("<rect") > 19
    blocked = [line for line in text.splitlines() if line.startswith("      of the blocked")]
    assert any(" with `" in line for line in blocked), "what is not allowed to be there blocks when it is there"
    assert any(" without `" in line for line in blocked)


def test_the_question_that_settles_most_does_settle(compiled: Compiled, tmp_path: Path) -> None:
    table = patients(compiled, 400)
    data = write(table, tmp_path / "p.parquet")
    account = run(compiled, str(data), str(tmp_path / "out"), QUICK)
    name, question_ = "flexion_extension_radiographs", "chronic_radiculopathy"
    asked = {question: (always, ever) for question, always, ever in questions(account, name)}
    always, _ = asked[question_]
    before = {row["patient"]: row[name] for row in rows_of(tmp_path / "out")}
    place = table.column_names.index(question_)
    settled = set(before)
    for reply in (True, False):
        told = [
            reply if v is None or v == "unknown" else v in (True, "present") for v in table.column(place).to_pylist()
        ]
        write(table.set_column(place, question_, pa.array(told)), data)
        run(compiled, str(data), str(tmp_path / "out"), QUICK)
        settled &= {row["patient"] for row in rows_of(tmp_path / "out") if row[name] != "undetermined"}
    assert always == sum(before[p] == "undetermined" for p in settled) > 0


def test_why_is_ask(compiled: Compiled, tmp_path: Path) -> None:
    table = patients(compiled, 30)
    for data in (write(table, tmp_path / "p.csv"), write(long(table), tmp_path / "l.parquet")):
        patient = find_patient(str(data), "p7", compiled)
        assert patient.id == "p7"
        assert all(a.certified for a in ask(compiled, patient, NAMES).answers)
        with pytest.raises(InputError, match="there is no patient `p30`"):
            find_patient(str(data), "p30", compiled)


def test_diff_counts_who_changes(compiled: Compiled, tmp_path: Path) -> None:
    data = tmp_path / "p.csv"
    header = "patient,chronic_radiculopathy,level_l5_s1,instability_suspected\n"
    data.write_text(header + "a,present,present,absent\nb,present,present,present\nc,present,present,\nd,absent,,\n")
    run(compiled, str(data), str(tmp_path / "old"), QUICK)
    data.write_text(
        header + "a,present,present,present\nb,present,present,present\nc,present,present,absent\ne,absent,,\n"
    )
    run(compiled, str(data), str(tmp_path / "new.parquet"), replace(QUICK, shape=Shape(long=True)))
    found = diff(
        str(tmp_path / "old"),
        str(tmp_path / "new.parquet"),
        ["flexion_extension_radiographs"],
        str(tmp_path / "changes.csv"),
    )
    assert (found.changed, found.only_old, found.only_new) == (2, 1, 1)
    open_ = "undetermined (missing_data)"
    flows = {(f.old, f.new): f.patients for f in found.flows}
    assert flows["not_now", open_] == flows[open_, "not_now"] == flows[open_, open_] == 1
    assert f"not_now -> {open_}: 1" in render_diff(found)
    picture = render_moves(found, "old", "new", {"flexion_extension_radiographs": "flexion < extension"})
    assert "2 patients with another answer" in picture
    assert "flexion &lt; extension" in picture
    assert "<title>not now to undetermined (missing data): 1</title>" in picture
    assert (tmp_path / "changes.csv").read_text().splitlines()[1] == f"a,flexion_extension_radiographs,not_now,{open_}"


def test_the_pathway_picture_has_the_numbers_of_the_run(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 400), tmp_path / "p.parquet")
    account = run(compiled, str(data), str(tmp_path / "out"), replace(QUICK, batch_rows=192))
    flow = account["flow"]
    assert flow["scope"]["reached"] == 400
    urgent = account["answers"]["mri_lumbar"].get("urgent", 0) + account["answers"]["mri_lumbar"].get("conflict", 0)
    assert flow["urgent"]["advised"] >= urgent > 0
    for found in flow.values():
        assert found["reached"] + found["open"] <= 400
        assert found.get("yes", 0) + found.get("no", 0) <= found["reached"]
    picture = flow_room.flow_picture(compiled, account)
    assert f"reached by {flow['bypass']['reached']:,}" in " ".join(picture.outline.split())
    assert any(found.get("advised", 0) > found["reached"] for found in flow.values())  # so the page has to say why
    assert "More can be advised than reach the box" in picture.scenes[-1].texts()
    with pytest.raises(InputError, match="another version of the guideline"):
        flow_room.flow_picture(compiled, {**account, "guideline": {**account["guideline"], "sha256": "0"}})


def test_ask_by_the_compiled_engine_says_the_same_certified(compiled: Compiled) -> None:
    quick = compiled.on(CircuitEngine)
    for name in ("seed", "surgery-all-criteria-met", "red-flag-with-failed-care"):
        path = KB / "vignettes" / f"{name}.yaml"
        words = [
            command("ask", str(path), "-g", str(KB), "--all", "--format", "json", "--engine", e).stdout
            for e in ("pydatalog", "compiled")
        ]
        assert words[0] == words[1]
        assert '"certified": true' in words[0]
    for record in random_records(compiled, 25, 3):
        patient = patient_from_content(record, compiled.names.vocabulary)
        said = []
        for engine in (compiled, quick):
            try:
                said.append(ask(engine, patient, asking=()).to_json())
            except InputError as error:
                said.append(message(error))
        assert said[0] == said[1]


def test_commands(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 40), tmp_path / "p.parquet")
    out = tmp_path / "out"
    done = command("cohort", str(data), "--out", str(out), "-g", str(KB), "--audit", "3", "-i", "mri_lumbar")
    assert (done.returncode, done.stderr) == (0, "")
    assert command("cohort", "summary", str(out), "mri_lumbar", "--format", "json").returncode == 0
    assert command("cohort", "diff", str(out), str(out)).returncode == 0
    why = command("cohort", "why", str(data), "p3", "mri_lumbar", "-g", str(KB))
    assert why.returncode == 0
    assert "mri_lumbar" in why.stdout.lower().replace(" ", "_") or "MRI" in why.stdout
    assert command("cohort", str(data), "--out", str(out), "-g", str(KB)).returncode == 2
    assert command("cohort", "summary", str(data)).returncode == 2


# ---------------------------------------------------------------- SQL


def test_duckdb_writes_the_same_result(compiled: Compiled, tmp_path: Path) -> None:
    table = patients(compiled, 300)
    for data in (
        write(table, tmp_path / "p.parquet"),
        write(table, tmp_path / "p.csv"),
        write(long(table), tmp_path / "l.csv"),
    ):
        ours = run(compiled, str(data), str(tmp_path / "bits.parquet"), QUICK)
        theirs = run_sql(compiled, str(data), str(tmp_path / "sql.parquet"), replace(QUICK, audit=5), "duckdb")
        assert rows_of(tmp_path / "sql.parquet") == rows_of(tmp_path / "bits.parquet")
        assert theirs["answers"] == ours["answers"]
        assert theirs["audit"]["certified"] == 5


def test_duckdb_sets_the_same_rows_aside(compiled: Compiled, tmp_path: Path) -> None:
    data = tmp_path / "bad.csv"
    data.write_text(BAD)
    run_sql(compiled, str(data), str(tmp_path / "out"), QUICK, "duckdb")
    assert rejects_of(tmp_path / "out") == BAD_REASONS


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("result", ["out", "out.parquet"])
def test_duckdb_stops_at_a_bad_row_when_strict_and_leaves_nothing(
    compiled: Compiled, tmp_path: Path, form: str, result: str
) -> None:
    data, out, strict = tmp_path / "bad.csv", tmp_path / result, replace(QUICK, strict=True)
    good = {"wide": "patient,mri_done\na,present\n", "long": "patient,name,value\na,mri_done,present\n"}[form]
    data.write_text(good + {"wide": "word,maybe\n", "long": "word,mri_done,maybe\n"}[form])
    with pytest.raises(RejectedError, match=r"line 3, patient `word`: `maybe` is not a value of `mri_done`"):
        run_sql(compiled, str(data), str(out), strict, "duckdb")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]
    arguments = [str(data), "--out", str(out), "--engine", "duckdb", "--strict", "--quiet"]
    stopped = CliRunner().invoke(cohort, arguments)
    assert stopped.exit_code == 1
    assert "stopped: line 3, patient `word`" in stopped.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]
    data.write_text(good)
    assert run_sql(compiled, str(data), str(out), strict, "duckdb")["patients"] == 1


def test_the_query_has_a_layer_a_level_and_nothing_else(compiled: Compiled, tmp_path: Path) -> None:
    data = write(patients(compiled, 5), tmp_path / "p.parquet")
    for dialect in ("duckdb", "spark"):
        text = query_for(compiled, str(data), "patients", dialect, (), "patient", (), None)
        assert "JOIN" not in text
        assert "GROUP BY" not in text
        assert text.count("AS (\n  SELECT") < 25


# ---------------------------------------------------------------- bits


def test_bits_are_packed_from_the_lowest() -> None:
    bits = np.zeros(130, bool)
    bits[[0, 63, 64, 129]] = True
    words = pack(bits)
    assert [int(w) for w in words] == [1 | 1 << 63, 1, 2]
    assert (unpack(words, 130) == bits).all()
    full = np.full(3, np.uint64(0xFFFFFFFFFFFFFFFF))
    assert [count(full, n) for n in (0, 1, 64, 130)] == [0, 1, 64, 130]
    assert Inputs(130, {}, {}).words == 3


def test_ask_does_not_load_what_cohorts_need() -> None:
    code = (
        "import sys; from guidelog.cli.main import _guidelog; import guidelog.cli.ask, guidelog.pipeline; "
        "print([m for m in ('numpy', 'pyarrow', 'duckdb', 'sqlglot', 'polars') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- a row for each patient


def test_a_patient_with_several_rows_is_set_aside(compiled: Compiled, tmp_path: Path) -> None:
    table = patients(compiled, 300)
    names = table.column("patient").to_pylist()
    names[250], names[299], names[17] = "p3", "p3", "an id of more than eight bytes, also twice"
    names[18] = names[17]
    data = write(table.set_column(0, "patient", pa.array(names)), tmp_path / "p.parquet")
    folder = tmp_path / "several"
    folder.mkdir()
    write(pq.read_table(data).slice(0, 260), folder / "a.parquet")
    write(pq.read_table(data).slice(260), folder / "b.csv")
    for source, batch in ((data, None), (data, 64), (folder, None)):
        account = run(compiled, str(source), str(tmp_path / "out"), replace(QUICK, batch_rows=batch, audit=10))
        assert (account["patients"], account["rejected"]) == (295, 5)
        found = rejects_of(tmp_path / "out")
        assert {
            (p, code, reason.removeprefix("a.parquet: ").removeprefix("b.csv: ")) for _, p, code, reason in found
        } == {
            ("p3", "GL713", "the patient has several rows"),
            (names[17], "GL713", "the patient has several rows"),
        }
        assert len(rows_of(tmp_path / "out")) == 295
    run_sql(compiled, str(data), str(tmp_path / "sql"), replace(QUICK, audit=10), "duckdb")
    assert sorted(rejects_of(tmp_path / "sql")) == sorted(
        (str(line), p, "GL713", "the patient has several rows")
        for line, p in ((4, "p3"), (251, "p3"), (300, "p3"), (18, names[17]), (19, names[17]))
    )


def test_numbers_of_ids_differ_when_the_ids_do() -> None:
    words = [f"{prefix}{n}" for prefix in ("", "p", "patient-", "x" * 30) for n in range(3000)]
    found = twice.fingerprints(pa.array([*words, None, ""]))
    assert len(found) == len(set(found.tolist())) == len(words)
    again = twice.fingerprints(pa.array([None, *words]).slice(1))
    assert sorted(again.tolist()) == sorted(found.tolist())
    assert twice.fingerprints(pa.array([5, None, -1])).tolist() == [5, (1 << 64) - 1]


@pytest.mark.parametrize("memory", [1 << 30, 1])
def test_a_number_seen_twice_is_found_however_little_memory(tmp_path: Path, memory: int) -> None:
    for last, expected in ((7, True), (10**7, False)):
        seen = twice.IdFingerprints(tmp_path / "ids", memory)
        seen.most = min(seen.most, 1000)
        for start in range(0, 5000, 500):
            seen.add(pa.array(range(start, start + 500)))
        seen.add(pa.array([last]))
        assert seen.any_twice() is expected
        assert not (tmp_path / "ids").exists()


def test_parts_joined_are_the_parts_one_after_the_other(tmp_path: Path) -> None:
    tables = [
        pa.table(
            {
                "patient": pa.array([f"p{n}" for n in range(first, first + rows)], pa.string()),
                "x": pa.array(range(rows), pa.int8()),
            }
        )
        for first, rows in ((0, 100), (100, 3), (103, 0), (103, 50))
    ]
    files = [write(table, tmp_path / f"{place}.parquet") for place, table in enumerate(tables)]
    joining.join_parquet(files, tmp_path / "whole.parquet")
    assert pq.read_table(tmp_path / "whole.parquet") == pa.concat_tables(tables)
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(tmp_path / "whole.parquet")).aggregate("count(*), sum(x)").fetchall()
        assert found == [(153, 4950 + 3 + 1225)]
    (tmp_path / "bad").write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(ValueError, match="is not a Parquet file"):
        joining.join_parquet([tmp_path / "bad"], tmp_path / "no.parquet")


# ---------------------------------------------------------------- what is told with the answers


@pytest.mark.parametrize("engine", ["bits", "duckdb"])
@pytest.mark.parametrize("asked", [("nsaid", "mri_lumbar", "surgical_referral"), ("nerve_root_injection",)])
def test_cautions_notes_and_alerts_are_those_of_ask(
    compiled: Compiled, tmp_path: Path, engine: str, asked: tuple[str, ...]
) -> None:
    lines = (KB.parents[1] / "docs" / "examples" / "patients.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    data = tmp_path / "p.csv"
    data.write_text("".join(lines[:40]), encoding="utf-8")
    options = replace(QUICK, interventions=asked, audit=5)
    account = (
        run(compiled, str(data), str(tmp_path / "out"), options)
        if engine == "bits"
        else run_sql(compiled, str(data), str(tmp_path / "out"), options, engine)
    )
    listed = account["dictionary"]
    seen = set()
    for row in rows_of(tmp_path / "out"):
        given = ask(compiled, find_patient(str(data), row["patient"], compiled), asked, asking=())
        cautions = {f"{a.intervention} {c.rule}": c.says for a in given.answers for c in a.cautions}
        notes = {note.rule: note.says for note in given.notes}
        alerts = {alert.intervention for alert in given.alerts}
        for column, said in (("cautions", set(cautions)), ("notes", set(notes)), ("alerts", alerts)):
            found = set(expand(int(row.get(column, 0)), listed.get(column, ())))
            assert found == said, (row["patient"], column)
            seen.update(column for _ in said)
    assert seen == ({"cautions", "notes"} if "nsaid" in asked else {"notes", "alerts"})
    assert all(listed["says"].get(rule) for rule in listed["notes"])


def test_what_alarms_is_the_same_for_plans_and_presentation() -> None:
    assert ALARMS == EMERGENCIES
