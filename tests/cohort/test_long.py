"""A long table becomes a wide one: every (name, value) is bits, and what disagrees, or is nothing, is seen."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from hypothesis_profiles import examples

pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")

from guidelog.cohort.options import Options  # noqa: E402
from guidelog.cohort.rows.batch import Reject  # noqa: E402
from guidelog.cohort.rows.tables import made_table, open_tables  # noqa: E402
from guidelog.cohort.run import run  # noqa: E402
from guidelog.cohort.wide import long  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.wide import pivot as pairs  # noqa: E402
from guidelog.cohort.wide.long import pivot  # noqa: E402

COMPILED = compile_guideline(load_guideline("lumbar_radiculopathy"))
VOCABULARY = COMPILED.names.vocabulary
KINDS = {n.name: n.kind for n in pairs.names_of(VOCABULARY)}
SYMPTOMS, CARE = "symptom_weeks", "conservative_care_weeks"
TRUTH = {"true": "yes", "True": "yes", "false": "no", "False": "no"}
WORDS = {
    pairs.WORD: {"present": "yes", "absent": "no", "unknown": "unknown", **TRUTH},
    pairs.ACT: {"complete": "yes", "incomplete": "no", **TRUTH},
}


def widened(rows: list[tuple[str | None, str | None, str | None]], folder: Path) -> tuple[dict[str, Any], list[Reject]]:
    """The cells of each patient that says something, and what was set aside."""
    data, out = folder / "long.csv", folder / "wide.arrow"
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("patient", "name", "value"), *rows])
    aside = pivot(open_tables(str(data)), VOCABULARY, out, patient="patient", ignore=("weight",), memory=1 << 28)
    found = {}
    for batch in made_table(out).batches(7):
        for row in batch.to_pylist():
            patient = row.pop("patient")
            found[patient] = {name: cell for name, cell in row.items() if cell is not None}
    return found, aside


def meaning(name: str, value: str) -> object:
    """What a value says, or None: written once more, without the tables of the code."""
    kind = KINDS[name]
    if kind in WORDS:
        return WORDS[kind].get(value)
    if kind == pairs.NUMBER:
        whole, _, rest = value.partition(".")
        fine = (
            whole.isdigit() and (whole == "0" or whole[0] != "0") and len(rest) < 4 and (rest == "" or rest.isdigit())
        )
        return "unknown" if value == "unknown" else float(value) if fine and not value.endswith(".") else None
    return value if value in ("2026-01-31", "2025-12-01") else None


SPELLED = (
    "present",
    "absent",
    "unknown",
    "true",
    "False",
    "complete",
    "incomplete",
    "True",
    "false",
    "maybe",
    "infinity",
)
NUMBERS = ("6", "6.0", "6.25", "7", "007", "1e3", "6.0001", "-0")
DAYS = ("2026-01-31", "2025-12-01", "2026-02-30", "2026-W05-1", "20260131")
values = st.sampled_from((*SPELLED, *NUMBERS, *DAYS))
names = st.sampled_from([*KINDS, "weight", "nothing_of_this_guideline"])
rows_drawn = st.lists(
    st.tuples(st.sampled_from("abcd"), names, st.one_of(values, st.just(""))), min_size=1, max_size=30
)


@examples(60)
@given(rows_drawn)
def test_a_patient_is_what_its_rows_say_or_is_set_aside(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    found, aside = widened(list(rows), tmp_path_factory.mktemp("long"))
    expected: dict[str, dict[str, object]] = {}
    wrong: dict[str, set[str]] = {}
    for patient, name, value in rows:
        cells = expected.setdefault(patient, {})
        if value == "" or name == "weight":
            continue
        if name not in KINDS:
            wrong.setdefault(patient, set()).add("GL412")
        elif (says := meaning(name, value) if value != "-0" else -0.0 if KINDS[name] == pairs.NUMBER else None) is None:
            wrong.setdefault(patient, set()).add(("GL414", "GL419", "GL415", "GL417")[KINDS[name]])
        elif cells.setdefault(name, says) != says:
            wrong.setdefault(patient, set()).add("GL408")
    assert set(found) == set(expected) - set(wrong)
    assert {p: {r.code for r in aside if r.patient == p} for p in wrong} == wrong
    for patient, cells in found.items():
        read = {name: _said(cell, KINDS[name]) for name, cell in cells.items()}
        assert read == expected[patient]


def _said(cell: Any, kind: int) -> object:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str) and kind == pairs.NUMBER and cell != "unknown":
        return float(cell)
    return {"present": "yes", "absent": "no"}.get(cell, cell) if isinstance(cell, str | float) else str(cell)


def test_more_names_and_values_than_fit_into_a_word(tmp_path: Path) -> None:
    rows: list[tuple[str | None, str | None, str | None]] = []
    for number in range(5000):
        patient = f"p{number}"
        rows += [
            (patient, SYMPTOMS, str(number / 10)),
            (patient, CARE, str(number % 520)),
            (patient, CARE + ".low", "1"),
        ]
        rows += [
            (patient, name, ("present", "absent", "unknown")[(number + i) % 3])
            for i, name in enumerate(VOCABULARY.findings)
        ]
    found, aside = widened(rows, tmp_path)
    assert not aside
    assert len(found) == 5000
    for number in (0, 1, 17, 4999):
        cells = found[f"p{number}"]
        assert (cells[SYMPTOMS], cells[CARE], cells[CARE + ".low"]) == (number / 10, number % 520, 1)
        assert [cells[name] for name in VOCABULARY.findings] == [
            ("present", "absent", "unknown")[(number + i) % 3] for i in range(len(VOCABULARY.findings))
        ]


def test_a_patient_of_whom_nothing_is_said_is_answered_and_one_without_a_name_is_not(tmp_path: Path) -> None:
    found, aside = widened([("a", "mri_done", ""), ("b", "weight", "80"), ("", "mri_done", "present")], tmp_path)
    assert found == {"a": {}, "b": {}}
    assert [(r.line, r.code) for r in aside] == [(4, "GL410")]


def test_a_cohort_of_which_everybody_is_set_aside_has_a_result_that_says_so(tmp_path: Path) -> None:
    data = tmp_path / "long.csv"
    data.write_text("patient,name,value\na,mri_dnoe,present\nb,mri_done,perhaps\n", encoding="utf-8")
    account = run(COMPILED, str(data), str(tmp_path / "out.csv"), Options(audit=5))
    assert (account["patients"], account["rejected"]) == (0, 2)
    assert len((tmp_path / "out.rejects.csv").read_text(encoding="utf-8").splitlines()) == 3


def shuffled(patients: int) -> list[tuple[str | None, str | None, str | None]]:
    """Ten rows of each patient, none beside another of the same."""
    names = list(VOCABULARY.findings)[:10]
    return [
        (f"p{p}", name, "present" if p % (i + 2) else "absent") for i, name in enumerate(names) for p in range(patients)
    ]


def test_patients_whose_rows_are_far_apart_are_gathered_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = widened(shuffled(300), tmp_path)
    monkeypatch.setattr(long, "_BYTES_A_PATIENT", (1 << 28) // 40)
    asked: list[int] = []
    real = long._Pivot.gather

    def noted(self: Any, code: Any, parts: int) -> bool:
        asked.append(parts)
        return real(self, code, parts)

    monkeypatch.setattr(long._Pivot, "gather", noted)
    monkeypatch.setattr(long, "_BATCH", 200)
    assert widened(shuffled(300), tmp_path) == (whole, [])
    assert 6 <= asked[0] <= 10
    asked.clear()
    assert widened(sorted(shuffled(300)), tmp_path) == (whole, [])
    assert asked == [1]


def test_what_turns_out_not_to_fit_is_gathered_again_in_smaller_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = widened(shuffled(50), tmp_path)
    asked: list[int] = []
    real = long._Pivot.gather

    def short(self: Any, code: Any, parts: int) -> bool:
        asked.append(parts)
        if parts < 16:
            self.connection.execute("SET memory_limit = '1MB'")
        found = real(self, code, parts)
        self.connection.execute("SET memory_limit = '256MB'")
        return found

    monkeypatch.setattr(long, "connected", lambda tables, **_: duckdb.connect())  # whose memory may still be changed
    monkeypatch.setattr(long._Pivot, "gather", short)
    assert widened(shuffled(50), tmp_path) == (whole, [])
    assert asked == [1, 4, 16]


def test_pairs_whose_hashes_are_the_same_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = widened(shuffled(50), tmp_path)
    monkeypatch.setattr(pairs, "KEY", "1")
    assert widened(shuffled(50), tmp_path) == (whole, [])
