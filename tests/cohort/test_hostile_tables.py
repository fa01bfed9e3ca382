"""Hostile cells of every type: a row is set aside exactly where `ask` refuses it, and otherwise says what `ask` reads.

Rows are drawn cell by cell, from spellings that are nearly right; the columnar reader and the SQL of the same rules are
compared with the reader of patient files on every row.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidelog.diagnostics import InputError
from guidelog.language.vocabulary import Finding, Measure, Screen, Vocabulary
from guidelog.patients import close, patient_from_content
from guidelog.patients.facts import Facts
from hypothesis_profiles import examples

pa = pytest.importorskip("pyarrow")
pa_csv = pytest.importorskip("pyarrow.csv")
np = pytest.importorskip("numpy")
duckdb = pytest.importorskip("duckdb")
exp = pytest.importorskip("sqlglot.expressions")

from guidelog.cohort.engines.sql_inputs import InputQuery  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.engines.vectors import unpack  # noqa: E402
from guidelog.cohort.rows.column_types import kind_of_arrow  # noqa: E402
from guidelog.cohort.rows.layout import layout_of  # noqa: E402
from guidelog.cohort.rows.read_columns import read_batch  # noqa: E402
from guidelog.cohort.rows.row_to_record import cells_of, record_of  # noqa: E402
from guidelog.cohort.rows.tables import open_tables  # noqa: E402

VOCABULARY = Vocabulary(
    findings={"fever": Finding("fever", "fever", "flags"), "pain": Finding("pain", "pain")},
    measures={
        "care": Measure("care", "care", "week", 0, 520, "flags", 0),
        "age": Measure("age", "age", "year", -5, 120),
    },
    screens={"flags": Screen("flags", "flags", ("fever", "care"))},
    interventions={},
)
ENDS = [(name, upper) for name in VOCABULARY.measures for upper in (False, True)]
OF_IDS, OF_MEASURES = {"GL420", "GL410", "GL403"}, {"GL415", "GL416", "GL417", "GL418"}
"""Codes of which a row has the first; `ask` looks at a whole measure before its numbers, and at all of a record."""

ids = st.one_of(st.integers(0, 50).map(lambda i: f"p{i}"), st.sampled_from(["", " ", "\u00a0", "a\tb", "a\nb", "a\rb"]),
                st.sampled_from(["\x07", "a\x7f", "\u2028", "x" * 70, "\u202e", "null", "1", "-0", "\ufeff", "é", "\x85", "\x1c"]),
                st.text(max_size=3))  # fmt: skip
words = st.sampled_from(
    ["present", "absent", "unknown", "true", "TRUE", "True", "tRUE", "false", "FALSE", "1", "0", "yes", "", " ", "no"]
) | st.sampled_from(["Present", "present ", "complete", "incomplete", "null", "~", "absent\n"])
texts = st.one_of(
    st.sampled_from(
        ["", "unknown", "Unknown", " 6", "6 ", "6\n", "06", "+6", "-0", "-0.0", "6.", ".5", "6.5", "6.500", "6.5000"]
    ),
    st.sampled_from(
        ["6,5", "6e0", "1e3", "0x6", "6_0", "NaN", "nan", "inf", "520", "520.001", "521", "-0.001", "true", "null"]
    ),
    st.sampled_from(
        ["0.30000000000000004", "9" * 15, "9" * 16, "1" * 400, "0.0005", "119.9999", "²", "\uff16", "6.12é"]
    ),
    st.integers(-10, 600).map(str),
    st.decimals(-6, 130, places=3).map(str),
)
floats = st.one_of(
    st.floats(),
    st.sampled_from([0.1 + 0.2, 41 / 7, 5.9, 6 - 1e-12, 6 + 1e-12, 520.0, 519.9999, -0.0, 1e16, 0.57, 4.35, -4.999]),
    st.integers(-6000, 521_000).map(lambda k: k / 1000),
    st.integers(-6000, 521_000).map(lambda k: float(np.nextafter(k / 1000, 9e9))),
    st.floats(-6, 600),
)
singles = floats.filter(lambda x: not 3e38 <= abs(x) < float("inf")).map(lambda x: float(np.float32(x)))
days = st.one_of(
    st.dates(date(2020, 1, 1), date(2026, 6, 1)).map(date.isoformat),
    st.sampled_from(
        ["", "2025-11-13", "13/11/2025", "2025-11-13T00:00:00", "20251113", "2025-1-3", "2025-02-30", "0000-01-01"]
    ),
    st.sampled_from(
        [
            "0001-01-01",
            "9999-12-31",
            "10000-01-01",
            "unknown",
            "2025-11-13 ",
            "2025-11-13\n",
            "\uff12025-11-13",
            "45974",
        ]
    ),
)
real_days = st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.dates(date(2020, 1, 1), date(2026, 1, 1))
instants = real_days.map(lambda d: datetime(max(d.year, 1700) % 500 + 1700, d.month, min(d.day, 28))).flatmap(  # noqa: DTZ001
    lambda d: st.sampled_from([d, d, d + timedelta(microseconds=1), d + timedelta(hours=12)])
)
numbers = st.sampled_from(
    [
        (pa.string(), texts),
        (pa.float64(), floats),
        (pa.float32(), singles),
        (pa.int8(), st.integers(-128, 127)),
        (pa.uint64(), st.integers(0, 2**64 - 1) | st.integers(0, 600)),
        (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-10, 600)),
        (pa.decimal128(20, 6), st.decimals(-6, 600, places=6)),
        (pa.decimal128(38, 30), st.decimals(-6, 600, places=20).map(lambda d: d + Decimal("1e-25"))),
        (pa.dictionary(pa.int8(), pa.string()), texts),
        (pa.null(), st.none()),
    ]
)
a_day = st.sampled_from(
    [
        (pa.string(), days),
        (pa.string(), days),
        (pa.date32(), real_days),
        (pa.timestamp("us"), instants),
        (pa.null(), st.none()),
    ]
)
a_word = st.sampled_from(
    [
        (pa.string(), words),
        (pa.string(), words),
        (pa.bool_(), st.booleans()),
        (pa.large_string(), words),
        (pa.null(), st.none()),
    ]
)
an_id = st.sampled_from([(pa.string(), ids), (pa.string(), ids), (pa.int64(), st.integers(-(2**63), 2**63 - 1))])
COLUMNS = {
    "patient": an_id,
    "as_of": a_day,
    "fever": a_word,
    "pain": a_word,
    "flags": a_word,
    "care": numbers,
    "care.low": numbers,
    "care.high": numbers,
    "care.since": a_day,
    "care.since_last": a_day,
    "age": numbers,
    "age.high": numbers,
}


@st.composite
def tables(draw: Any) -> Any:
    """A table of some of the columns, each of one type, up to a third of its cells empty."""
    rows = draw(st.integers(1, 12))
    chosen = {"patient", "as_of"} | set(draw(st.lists(st.sampled_from(list(COLUMNS)), max_size=8)))
    if "care.since_last" in chosen:
        chosen.add("care.since")
    columns = {}
    for name, drawn_from in COLUMNS.items():
        if name in chosen:
            kind, cells = draw(drawn_from)
            drawn = [None if draw(st.integers(0, 3)) == 0 and name != "patient" else draw(cells) for _ in range(rows)]
            columns[name] = pa.array(drawn, kind)
    return pa.table(columns)


def by_ask(row: dict[str, Any], layout: Any) -> tuple[set[str], Facts | None]:
    """The codes for which the reader of patient files refuses a row, or what it reads."""
    try:
        return set(), close(patient_from_content(record_of(row, layout), VOCABULARY), VOCABULARY)
    except InputError as error:
        return {problem.code for problem in error.diagnostics}, None


def compared(table: Any) -> None:
    layout = layout_of(table.column_names, VOCABULARY, "table")
    (rows,) = table.combine_chunks().to_batches()
    batch = read_batch(rows, layout, VOCABULARY, 0)
    codes = {reject.line: reject.code for reject in batch.rejects}
    kinds = {name: kind_of_arrow(table.schema.field(name).type) for name in layout.columns}
    query = InputQuery(VOCABULARY, layout, kinds).base(ENDS, exp.to_table("patients")).sql("duckdb")
    with duckdb.connect() as connection:
        connection.register("patients", table)
        said = connection.sql(query).to_arrow_table().to_pylist()
    inputs, count = batch.inputs, table.num_rows
    known = {key: unpack(words_, count) for key, words_ in inputs.known.items()}
    for row in range(count):
        cells = cells_of(rows, row)
        refused, facts = by_ask(cells, layout)
        code, sql = codes.get(row), said[row]
        assert sql["wrong"] == code, (cells, code, sql["wrong"])
        if facts is None:
            assert code is not None, (cells, refused)
            assert code in refused or {code, *refused} & OF_IDS or code in OF_MEASURES, (cells, code, refused)
            continue
        assert code is None, (cells, code, facts)
        for name, value in facts.findings.items():
            for side in (True, False):
                found = bool(known[name, side][row]) if (name, side) in known else False
                assert found is (value is side), (cells, name, facts)
                assert bool(sql[f"{name}.{'t' if side else 'f'}"]) is (value is side), (cells, name, facts)
        for name, interval in facts.measures.items():
            for upper, end in ((False, interval.low), (True, interval.high)):
                column = inputs.ends.get((name, upper))
                found_end = inputs.ranges[name][upper] if column is None else int(column[row])
                assert found_end == end, (cells, name, facts)
                assert sql[f"{name}.{'high' if upper else 'low'}.ticks"] == end, (cells, name, facts)


@examples(60)
@given(tables())
def test_typed_cells_are_read_as_ask_reads_them(table: Any) -> None:
    compared(table)


@pytest.mark.slow
@examples(3000)
@given(tables())
def test_many_typed_cells_are_read_as_ask_reads_them(table: Any) -> None:
    compared(table)


@examples(60)
@given(rows=st.lists(st.tuples(ids, days, words, texts, texts), min_size=1, max_size=8))
def test_the_bytes_of_a_csv_are_what_arrow_makes_of_them(tmp_path_factory: Any, rows: list[tuple[str, ...]]) -> None:
    """Line by line, with quotes, line ends and commas wherever they may be."""
    import csv

    path = tmp_path_factory.mktemp("csv") / "t.csv"
    header = ["patient", "as_of", "fever", "care", "age"]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    (table,) = open_tables(str(path))
    read = [cells for batch in table.batches(64) for cells in batch.to_pylist()]
    assert table.lines is not None
    assert list(table.lines.cells(range(len(read))).values()) == read
