"""Cohorts and single patients, our engines beside what one would write by hand, in one run on one machine.

    python benchmarks/cohort.py [--rows 1000000] [--repeat 5] [--guideline kb/lumbar_radiculopathy] [--markdown]
    python benchmarks/cohort.py --rows 100,10000,1000000,10000000 --seconds 600 --markdown

Every peer answers the same patients about the same four interventions, status and rules (as a mask), from the same wide
Parquet file to a Parquet file; the first 100,000 answers of every peer are compared with ours. Repeats of all peers
take turns, so that whatever else the machine does falls on all of them; what is reported is the median. Above 1,000,000
rows only we and a scan of the file are measured. `--seconds` bounds each table: after it no further turn begins. What
takes too long for all patients is measured on few and multiplied, and its line says so.
"""

from __future__ import annotations

import argparse
import operator
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cohort_peers import hand_clingo, hand_pivot, hand_sql
from synthetic import copies

from guidelog.cohort.engines.sql_run import run_sql
from guidelog.cohort.engines.vectors import Evaluator
from guidelog.cohort.results.answer_table import Shape
from guidelog.cohort.rows.layout import layout_of
from guidelog.cohort.rows.read_columns import read_batch
from guidelog.cohort.run import Options, run
from guidelog.datalog.clingo import Clingo
from guidelog.language.guideline import load_guideline
from guidelog.patients import close, patient_from_content
from guidelog.pipeline import ask, compile_guideline, settle
from guidelog.semantics import plan_of
from guidelog.semantics.one_patient import CircuitEngine

MAIN = ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation", "surgical_referral")
RED = (
    "urinary_retention",
    "urinary_incontinence",
    "bilateral_motor_weakness",
    "saddle_anesthesia",
    "progressive_neurological_deficit",
    "suspected_cancer",
    "suspected_infection",
    "suspected_fracture",
    "significant_trauma",
)
USED = (
    "chronic_radiculopathy",
    "level_l5_s1",
    *RED,
    "formal_physical_therapy",
    "physical_therapy_completed",
    "gabapentinoid_tried",
    "nsaid_tried",
    "symptoms_persist",
    "intervention_candidate",
    "mri_done",
    "mri_correlates",
    "functional_impairment",
    "surgical_candidate",
    "instability_documented",
    "spondylolisthesis_documented",
    "severe_stenosis_documented",
)
UNDETERMINED = 0
STATUSES = (
    "undetermined",
    "urgent",
    "recommended",
    "consider",
    "not_now",
    "conflict",
    "outside_guideline",
    "emergency_pathway",
)


def by_hand(t: Any, f: Any, ge: Any, lt: Any) -> tuple[dict[str, list[tuple[int, Any]]], dict[str, list[Any]]]:
    """The four interventions as someone would write them for one engine: known true, known false, `&`, `|`, `~`.

    `t(name)` and `f(name)` say that a finding is known present or absent, `ge(measure, n)` and `lt(measure, n)` that a
    measure is known to reach n weeks or not. Gives for each intervention the conditions of its statuses and rules.
    """

    def every(*parts: tuple[Any, Any]) -> tuple[Any, Any]:
        return reduce(operator.and_, [p[0] for p in parts]), reduce(operator.or_, [p[1] for p in parts])

    def some(*parts: tuple[Any, Any]) -> tuple[Any, Any]:
        return reduce(operator.or_, [p[0] for p in parts]), reduce(operator.and_, [p[1] for p in parts])

    def no(part: tuple[Any, Any]) -> tuple[Any, Any]:
        return part[1], part[0]

    def is_(name: str) -> tuple[Any, Any]:
        return t(name), f(name)

    # Background: findings on an MRI presuppose one.
    done = (t("mri_done") | t("mri_correlates"), f("mri_done"))
    matches = (t("mri_correlates"), f("mri_correlates") | f("mri_done"))
    formal = (t("formal_physical_therapy"), f("formal_physical_therapy") | t("home_exercise_only"))
    scope = every(is_("chronic_radiculopathy"), is_("level_l5_s1"))
    cauda, deficit = some(*map(is_, RED[:4])), is_(RED[4])
    serious, trauma = some(*map(is_, RED[5:8])), is_(RED[8])
    red = some(cauda, deficit, serious, trauma)
    adequate = every(
        formal, is_("physical_therapy_completed"), (ge("physical_therapy_weeks", 6), lt("physical_therapy_weeks", 6))
    )
    drug = some(is_("gabapentinoid_tried"), is_("nsaid_tried"))
    care = "conservative_care_weeks"
    failed = every((ge(care, 6), lt(care, 6)), adequate, drug, is_("symptoms_persist"))
    long_enough = every(failed, (ge(care, 26), lt(care, 12)))
    structural = some(*map(is_, USED[-3:]))
    criteria = every(
        long_enough, is_("functional_impairment"), every(done, matches), is_("surgical_candidate"), structural
    )
    calm = no(red)
    order = every(scope, failed, is_("intervention_candidate"), no(done))
    wait = [every(scope, calm, no(part)) for part in (failed, is_("intervention_candidate"))] + [
        every(scope, calm, done)
    ]
    against = some(*wait)
    refer, no_refer = every(scope, calm, criteria), every(scope, calm, no(criteria))
    inject, no_inject = every(scope, failed), every(scope, no(failed))
    outside = STATUSES.index("outside_guideline")

    def pair(code: str, do: tuple[Any, Any], defer: tuple[Any, Any]) -> list[tuple[int, Any]]:
        return [
            (STATUSES.index("conflict"), every(do, defer)[0]),
            (STATUSES.index(code), every(do, no(defer))[0]),
            (STATUSES.index("not_now"), every(no(do), some(defer, scope))[0]),
            (outside, every(no(do), no(defer), no(scope))[0]),
        ]

    statuses = {
        "mri_lumbar": [
            (STATUSES.index("conflict"), every(some(red, order), against)[0]),
            (STATUSES.index("urgent"), every(red, no(against))[0]),
            (STATUSES.index("recommended"), every(order, no(red), no(against))[0]),
            (STATUSES.index("not_now"), every(no(red), no(order), some(against, scope))[0]),
            (outside, every(no(red), no(order), no(against), no(scope))[0]),
        ],
        "nerve_root_injection": pair("consider", inject, no_inject),
        "multidisciplinary_rehabilitation": pair("recommended", inject, no_inject),
        "surgical_referral": [(STATUSES.index("emergency_pathway"), red[0])]
        + [(code, condition & red[1]) for code, condition in pair("recommended", refer, no_refer)],
    }
    fires = {
        "mri_lumbar": [("urgent", p) for p in (cauda, deficit, serious, trauma)]
        + [("recommended", order)]
        + [("not_now", p) for p in wait],
        "nerve_root_injection": [("consider", inject), ("not_now", no_inject)],
        "multidisciplinary_rehabilitation": [("recommended", inject), ("not_now", no_inject)],
        "surgical_referral": [("emergency_pathway", red), ("recommended", refer), ("not_now", no_refer)],
    }
    rules: dict[str, list[Any]] = {}
    for name, listed in fires.items():
        when = dict(statuses[name])
        known = reduce(operator.or_, when.values())
        rules[name] = [(p[0] & when[STATUSES.index(s)]) | (~known & ~p[1]) for s, p in listed]
    return statuses, rules


def generate(rows: int, vocabulary: Any, seed: int = 0, first: int = 0) -> pa.Table:
    """Random patients, no contradictions; screens recorded for six in ten."""
    chance = np.random.default_rng((seed, first))
    columns: dict[str, Any] = {"patient": pa.array(np.char.add("p", np.arange(first, first + rows).astype(str)))}
    for name, finding in vocabulary.findings.items():
        rate = (
            0.85
            if name in ("chronic_radiculopathy", "level_l5_s1", "symptoms_persist")
            else 0.03
            if finding.screen == "red_flags"
            else 0.4
        )
        present = chance.random(rows) < rate
        if name in ("mri_correlates", "home_exercise_only"):
            present[:] = False
        columns[name] = pa.array(present, mask=chance.random(rows) < 0.15)
    for name in vocabulary.screens:
        columns[name] = pa.array(chance.random(rows) < 0.6, mask=chance.random(rows) < 0.1)
    for name in vocabulary.measures:
        columns[name] = pa.array(chance.integers(0, 40, rows).astype(np.float64), mask=chance.random(rows) < 0.2)
    return pa.table(columns)


def write_patients(source: Path, rows: int, vocabulary: Any) -> None:
    """Random patients as a Parquet file, never more than a row group of them in memory."""
    group = 1 << 18
    with pq.ParquetWriter(source, generate(1, vocabulary).schema) as writer:
        for first in range(0, rows, group):
            writer.write_table(generate(min(group, rows - first), vocabulary, first=first), row_group_size=group)


# ---------------------------------------------------------------- peers for cohorts


def hand_polars(vocabulary: Any, source: Path, out: Path, *, rules: bool) -> None:
    import polars as pl

    # Column by column on bit-packed series: as one lazy query the shared conditions are planned again and again.
    weeks = ("physical_therapy_weeks", "conservative_care_weeks")
    table = pl.read_parquet(source, columns=["patient", *USED, "home_exercise_only", *weeks, *vocabulary.screens])
    column = {name: table[name] for name in table.columns}

    def closed(owner: Any, name: str) -> Any:
        return column[owner.screen].fill_null(value=False) & column[name].is_null() if owner.screen else nobody

    nobody = pl.repeat(value=False, n=table.height, eager=True)
    statuses, fires = by_hand(
        lambda n: column[n].fill_null(value=False),
        lambda n: (~column[n]).fill_null(value=False) | closed(vocabulary.findings[n], n),
        lambda n, b: (column[n] >= b).fill_null(value=False),
        lambda n, b: (column[n] < b).fill_null(value=False) | closed(vocabulary.measures[n], n),
    )
    found = {"patient": column["patient"]}
    for name, listed in statuses.items():
        found[name] = reduce(operator.add, [c.cast(pl.Int8) * code for code, c in listed])  # at most one of them holds
        if rules:
            found[name + ".rules"] = reduce(
                operator.add, [c.cast(pl.Int16) * (1 << i) for i, c in enumerate(fires[name])]
            )
    pl.DataFrame(found).write_parquet(out, compression="snappy")


def hand_numpy(vocabulary: Any, source: Path, out: Path, *, rules: bool) -> None:
    """As OpenFisca does it: a boolean array a column, in Python's order."""
    names = [
        *USED,
        "home_exercise_only",
        "patient",
        *vocabulary.screens,
        "physical_therapy_weeks",
        "conservative_care_weeks",
    ]
    table = pq.read_table(source, columns=names)
    found = {n: table.column(n).combine_chunks() for n in names}
    present = {n: np.asarray(c.fill_null(False)) for n, c in found.items() if pa.types.is_boolean(c.type)}
    listed = {n: np.asarray(c.is_valid()) for n, c in found.items()}
    value = {n: np.asarray(found[n].fill_null(0.0)) for n in ("physical_therapy_weeks", "conservative_care_weeks")}
    nobody = np.zeros(table.num_rows, bool)

    def closed(owner: Any, name: str) -> Any:
        return present[owner.screen] & ~listed[name] if owner.screen else nobody

    statuses, fires = by_hand(
        lambda n: present[n],
        lambda n: (~present[n] & listed[n]) | closed(vocabulary.findings[n], n),
        lambda n, b: (value[n] >= b) & listed[n],
        lambda n, b: ((value[n] < b) & listed[n]) | closed(vocabulary.measures[n], n),
    )
    columns: dict[str, Any] = {"patient": found["patient"]}
    for name, chosen in statuses.items():
        columns[name] = np.select([c for _, c in chosen], [np.int8(code) for code, _ in chosen], np.int8(UNDETERMINED))
        if rules:
            columns[name + ".rules"] = reduce(
                operator.add, [c.astype(np.int16) << i for i, c in enumerate(fires[name])]
            )
    pq.write_table(pa.table(columns), out)


class _Bit:
    """A truth value for one patient that knows `&`, `|`, `~` as arrays do."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __and__(self, other: _Bit) -> _Bit:
        return _Bit(self.value and other.value)

    def __or__(self, other: _Bit) -> _Bit:
        return _Bit(self.value or other.value)

    def __invert__(self) -> _Bit:
        return _Bit(not self.value)


def row_by_row(vocabulary: Any, row: Mapping[str, Any]) -> dict[str, int]:
    """A plain Python function of one patient."""

    def closed(owner: Any, name: str) -> bool:
        return bool(owner.screen and row[owner.screen] and row[name] is None)

    statuses, fires = by_hand(
        lambda n: _Bit(row[n] is True),
        lambda n: _Bit(row[n] is False or closed(vocabulary.findings[n], n)),
        lambda n, b: _Bit(row[n] is not None and row[n] >= b),
        lambda n, b: _Bit(row[n] < b if row[n] is not None else closed(vocabulary.measures[n], n)),
    )
    found: dict[str, int] = {}
    for name, listed in statuses.items():
        found[name] = next((code for code, condition in listed if condition.value), UNDETERMINED)
        found[name + ".rules"] = sum(c.value << i for i, c in enumerate(fires[name]))
    return found


def hand_python(vocabulary: Any, source: Path, out: Path) -> None:
    rows = pq.read_table(source).to_pylist()
    pq.write_table(
        pa.Table.from_pylist([{"patient": row["patient"], **row_by_row(vocabulary, row)} for row in rows]), out
    )


def polars_copy(source: Path, answers: Path, out: Path) -> None:
    """What Polars needs to read the same file and to write the same output."""
    import polars as pl

    pl.read_parquet(source)
    pl.read_parquet(answers).write_parquet(out, compression="snappy")


# ---------------------------------------------------------------- measuring


SECONDS = 600.0
"""After this time a table begins no further turn; `--seconds` sets it."""
MOST_FOR_PEERS, MOST_FOR_CLINGO = 1_000_000, 500


def timed(peers: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Median seconds of each, taking turns; the first turn does not count. At least one turn, however long it takes."""
    taken: dict[str, list[float]] = {name: [] for name in peers}
    begun = time.perf_counter()
    for turn in range(repeat + 1):
        if turn > 1 and time.perf_counter() - begun > SECONDS:
            break
        for name, peer in peers.items():
            start = time.perf_counter()
            peer()
            if turn:
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


def same(ours: Path, theirs: Path) -> None:
    """Stop when a peer disagrees with us: its time would mean nothing. Patients may stand in any order."""
    one, other = (pq.read_table(p).sort_by("patient").slice(0, 100_000) for p in (ours, theirs))
    assert one.column("patient").to_pylist() == other.column("patient").to_pylist()
    for name in MAIN:
        codes = other.column(name).to_pylist()
        found = [STATUSES[c] if isinstance(c, int) else c for c in codes]
        assert one.column(name).to_pylist() == found, name
        if name + ".rules" in other.column_names:
            assert one.column(name + ".rules").to_pylist() == other.column(name + ".rules").to_pylist(), name


def same_bits(wide: Path, pivot: Path, names: list[str], measures: list[str]) -> None:
    """Stop when the pivot by bits does not hold what the wide table holds."""
    given = {row["patient"]: row for row in pq.read_table(wide).slice(0, 10_000).to_pylist()}
    for row in pq.read_table(pivot).to_pylist():
        for place, name in enumerate(names):
            if (expected := given.get(row["patient"])) is None:
                break
            found = bool(row["present"] >> place & 1)
            value = row["numbers"] >> 8 * measures.index(name) & 255 if name in measures else found
            assert expected[name] == (value if row["listed"] >> place & 1 else None), name


def cohort_times(compiled: Any, folder: Path, rows: int, repeat: int) -> dict[str, float]:
    vocabulary = compiled.names.vocabulary
    source = folder / f"wide-{rows}.parquet"
    write_patients(source, rows, vocabulary)
    base = Options(interventions=MAIN, audit=0, overwrite=True)
    ours, all_ = folder / "ours.parquet", folder / "all.parquet"

    def go(out: Path, options: Options = base) -> None:
        run(compiled, str(source), str(out), options)

    go(ours)
    go(all_, replace(base, interventions=()))
    peers: dict[str, Callable[[], object]] = {
        "guidelog, with rules": lambda: go(ours),
        "guidelog, without rules": lambda: go(folder / "bare.parquet", replace(base, shape=Shape(rules=False))),
        "guidelog, all 19 interventions": lambda: go(all_, replace(base, interventions=())),
        "guidelog, all 19, a folder of parts": lambda: go(folder / "parts", replace(base, interventions=())),
        "DuckDB scan of the file": lambda: scan(source),
    }
    if rows <= MOST_FOR_PEERS:
        peers |= {
            "Polars: read the file, write our 4": lambda: polars_copy(source, ours, folder / "copy.parquet"),
            "Polars: read the file, write our 19": lambda: polars_copy(source, all_, folder / "copy.parquet"),
        }
        by: dict[str, Callable[[Path, bool], None]] = {
            "Polars": lambda out, rules: hand_polars(vocabulary, source, out, rules=rules),
            "NumPy": lambda out, rules: hand_numpy(vocabulary, source, out, rules=rules),
            "SQL on DuckDB": lambda out, rules: hand_sql(vocabulary, source, out, USED, STATUSES, rules=rules),
        }
        for name, peer in by.items():
            for rules, said in ((True, "with"), (False, "without")):
                out = folder / f"peer-{name}-{said}.parquet"
                peers[f"{name} by hand, {said} rules"] = lambda p=peer, o=out, r=rules: p(o, r)  # type: ignore[misc]
        peers["guidelog's SQL on DuckDB"] = lambda: run_sql(
            compiled, str(source), str(folder / "peer-sql.parquet"), base, "duckdb"
        )
    if rows <= 10_000:
        peers["Python by hand, row by row"] = lambda: hand_python(vocabulary, source, folder / "peer-python.parquet")
    few = min(rows, MOST_FOR_CLINGO)
    people = pq.ParquetFile(source).read_row_group(0).slice(0, few).to_pylist()
    if rows <= MOST_FOR_PEERS:
        assert hand_clingo(vocabulary, people, by_hand) == [row_by_row(vocabulary, row) for row in people]
        peers["clingo"] = lambda: hand_clingo(vocabulary, people, by_hand)
    found = timed(peers, repeat)
    for path in folder.glob("peer-*.parquet"):
        same(ours, path)
        path.unlink()
    if "clingo" in found:
        seconds = found.pop("clingo")
        label = "clingo by hand, with rules, without reading and writing"
        found[label if few == rows else f"{label} (extrapolated from {few:,})"] = seconds * rows / few
    return found


def peak_memory(source: Path, out: Path, guideline: str | None) -> int:
    """Bytes that `guidelog cohort` takes at most, in a process of its own, with its default of `--memory`. Linux only.

    Looked up while it runs: what a process is said to have used in the end includes what its parent had.
    """
    command = [sys.executable, "-m", "guidelog.cli", "cohort", str(source), "--out", str(out), "--quiet", "--overwrite"]
    command += ["--guideline", guideline] if guideline else []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    peak = 0
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        peak = max([peak, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))])
        time.sleep(0.02)
    assert process.returncode == 0, command
    return peak * 1024


def scan(source: Path) -> None:
    with duckdb.connect() as connection:
        names = connection.execute(f"DESCRIBE SELECT * FROM '{source}'").fetchall()
        connection.execute("SELECT " + ", ".join(f'count("{n[0]}")' for n in names) + f" FROM '{source}'").fetchall()


def evaluation_alone(compiled: Any, rows: int, repeat: int) -> dict[str, float]:
    """From Arrow in memory to bits, without reading and writing."""
    vocabulary = compiled.names.vocabulary
    table = generate(rows, vocabulary).combine_chunks()
    layout = layout_of(table.column_names, vocabulary, "memory")
    batch = read_batch(table.to_batches()[0], layout, vocabulary, 1)
    plan = plan_of(compiled.ground)
    kept = Evaluator(plan.circuit, [*plan.outputs, *plan.told])
    bare = Evaluator(plan.circuit, [n for a in plan.advice for n in a.statuses.values()])
    return timed(
        {
            "bits: statuses, reasons, rules of 19 interventions": lambda: kept.evaluate(batch.inputs),
            "bits: statuses only": lambda: bare.evaluate(batch.inputs),
            "columns of the table to bits": lambda: read_batch(table.to_batches()[0], layout, vocabulary, 1),
        },
        repeat,
    )


def long_times(compiled: Any, folder: Path, rows: int, repeat: int) -> dict[str, float]:
    """A long table to answers, against pivots of the same table that answer nothing."""
    import polars as pl

    wide, long = folder / "w.parquet", folder / "long.parquet"
    pq.write_table(generate(rows, compiled.names.vocabulary), wide)
    columns = [c for c in pq.read_schema(wide).names if c != "patient"]
    listed = ", ".join(f'CAST("{c}" AS VARCHAR) AS "{c}"' for c in columns)
    with duckdb.connect() as connection:
        quoted = ", ".join(f'"{c}"' for c in columns)
        connection.execute(
            f"COPY (SELECT patient, name, value FROM (SELECT patient, {listed} FROM '{wide}') "
            f"UNPIVOT (value FOR name IN ({quoted}))) TO '{long}' (FORMAT parquet)"
        )

    def duck() -> None:
        with duckdb.connect() as connection:
            picked = ", ".join(f"max(value) FILTER (name = '{c}') AS \"{c}\"" for c in columns)
            connection.execute(
                f"COPY (SELECT patient, {picked} FROM '{long}' GROUP BY patient) "
                f"TO '{folder / 'p.parquet'}' (FORMAT parquet)"
            )

    measures = list(compiled.names.vocabulary.measures)
    hand_pivot(long, columns, measures, folder / "p3.parquet")
    same_bits(wide, folder / "p3.parquet", columns, measures)
    options = Options(interventions=MAIN, audit=0, overwrite=True)
    return timed(
        {
            "guidelog: long Parquet to answers": lambda: run(compiled, str(long), str(folder / "l.parquet"), options),
            "DuckDB: pivot by filtered max, no answers": duck,
            "Polars: pivot, no answers": lambda: (
                pl.read_parquet(long)
                .pivot(on="name", index="patient", values="value")
                .write_parquet(folder / "p2.parquet")
            ),
            "DuckDB by hand: pivot by three bit_or, no checks, no answers": lambda: hand_pivot(
                long, columns, measures, folder / "p3.parquet"
            ),
            "DuckDB: scan of the long file": lambda: scan(long),
        },
        repeat,
    )


def single_times(compiled: Any, repeat: int) -> dict[str, float]:
    """One patient, warm, all 19 interventions except by hand (4): the mean over 100 patients."""
    vocabulary = compiled.names.vocabulary
    rows = generate(100, vocabulary, seed=5).to_pylist()
    records = []
    for row in rows:
        said = {True: "present", False: "absent"}
        records.append(
            {
                "patient": row["patient"],
                "findings": {n: said[row[n]] for n in vocabulary.findings if row[n] is not None},
                "screens": {n: "complete" for n in vocabulary.screens if row[n]},
                "measures": {n: int(row[n]) for n in vocabulary.measures if row[n] is not None},
            }
        )
    people = [patient_from_content(r, vocabulary) for r in records]
    facts = [close(p, vocabulary) for p in people]
    settled = [settle(compiled, p)[0] for p in people]
    circuits, clingo = CircuitEngine(compiled.ground), replace(compiled, backend=Clingo())

    def each(function: Callable[[Any], object], items: list[Any]) -> Callable[[], None]:
        def all_() -> None:
            for item in items:
                function(item)

        return all_

    by_circuits = compiled.on(CircuitEngine)

    def certified(interventions: Sequence[str] | None) -> Callable[[], None]:
        def all_() -> None:
            by_circuits.ground.kept.clear()  # nobody's answers have been put into words before
            for person in people:
                ask(by_circuits, person, interventions, asking=())

        return all_

    found = timed(
        {
            "guidelog compiled: 4 answers certified, no questions": certified(MAIN),
            f"guidelog compiled: {len(vocabulary.interventions)} answers certified, no questions": certified(None),
            "guidelog compiled: statuses": each(circuits.statuses, facts),
            "guidelog compiled: statuses, reasons, rules": each(circuits.answers, facts),
            "guidelog compiled: every atom, for proofs": each(circuits.model, settled),
            "Python by hand (4 interventions), with rules": each(lambda r: row_by_row(vocabulary, r), rows),
            "pyDatalog: every atom": each(compiled.evaluate, settled[:10]),
            "clingo: every atom": each(clingo.evaluate, settled[:10]),
        },
        repeat,
    )
    few = ("pyDatalog: every atom", "clingo: every atom")
    return {name: seconds / (10 if name in few else 100) for name, seconds in found.items()}


def planning_times(guideline: str | None, rules: int, repeat: int) -> dict[str, float]:
    """From a compiled guideline to what evaluates it; the large one is copies of ours, every name of each its own."""
    small = compile_guideline(load_guideline(guideline))
    large = compile_guideline(copies(Path(small.guideline.folder), -(-rules // number_of_rules(small))))

    def plan(compiled: Any) -> None:
        made = plan_of(compiled.ground)
        Evaluator(made.circuit, made.outputs)

    return timed(
        {f"{number_of_rules(compiled):,} rules": lambda c=compiled: plan(c) for compiled in (small, large)},  # type: ignore[misc]
        repeat,
    )


def number_of_rules(compiled: Any) -> int:
    return len({id(instance.rule) for instances in compiled.ground.instances.values() for instance in instances})


def show(title: str, times: Mapping[str, float], markdown: bool, unit: str = "s") -> None:
    factor = {"s": 1.0, "us": 1e6, "ms": 1e3}[unit]
    print(f"\n{'### ' if markdown else ''}{title}\n")
    if markdown:
        print(f"| | {unit} |\n|---|--:|")
    for name, seconds in times.items():
        print(
            f"| {name} | {seconds * factor:,.3f} |" if markdown else f"{seconds * factor:12,.3f} {unit}  {name}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="cohorts and single patients beside what one would write by hand")
    parser.add_argument("--rows", default="100,10000,1000000", help="sizes of cohorts")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--guideline", default=None)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="no further turn of a table after this time")
    given = parser.parse_args()
    globals()["SECONDS"] = given.seconds
    start = time.perf_counter()
    compiled = compile_guideline(load_guideline(given.guideline))
    loaded = time.perf_counter() - start
    start = time.perf_counter()
    plan = plan_of(compiled.ground)
    print(
        f"guideline loaded in {loaded:.3f} s, planned in {time.perf_counter() - start:.4f} s: "
        f"{len(plan.circuit.gates)} gates"
    )
    folder = Path(tempfile.mkdtemp(prefix="guidelog-bench-"))
    try:
        show("planning", planning_times(given.guideline, 1000, given.repeat), given.markdown)
        show("one patient", single_times(compiled, given.repeat), given.markdown, "us")
        show("1,000,000 patients in memory", evaluation_alone(compiled, 1_000_000, given.repeat), given.markdown, "ms")
        for rows in map(int, given.rows.split(",")):
            show(
                f"{rows:,} patients, wide Parquet to Parquet",
                cohort_times(compiled, folder, rows, given.repeat),
                given.markdown,
            )
            source = folder / f"wide-{rows}.parquet"
            peak = peak_memory(source, folder / "peak.parquet", given.guideline)
            print(f"\nat most {peak / 2**20:,.0f} MB in memory, all 19 interventions")
            source.unlink()
        show("100,000 patients, long Parquet", long_times(compiled, folder, 100_000, given.repeat), given.markdown)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
