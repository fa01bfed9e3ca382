"""The rows of a Parquet file are the same whoever decodes them, and however its row groups are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
np = pytest.importorskip("numpy")
pytest.importorskip("polars")

from guidelog.cohort.rows import tables  # noqa: E402 - after the check that the extra is there

NAMES = ["patient", "told", "number", "whole", "day", "word"]


def table(rows: int) -> Any:
    chance = np.random.default_rng(rows)

    def some(values: Any, kind: Any = None) -> Any:
        return pa.array(values, kind, mask=chance.random(rows) < 0.3)

    return pa.table(
        {
            "patient": [f"p{i}é" for i in range(rows)],
            "told": some(chance.random(rows) < 0.5),
            "number": some(chance.random(rows)),
            "whole": some(chance.integers(0, 99, rows), pa.int16()),
            "day": some(chance.integers(0, 20_000, rows).astype("datetime64[D]")),
            "word": some(np.array(["present", "absent", "unknown", ""])[chance.integers(0, 4, rows)].astype(object)),
            "not_asked_for": some(chance.random(rows)),
        }
    )


@pytest.mark.parametrize("large", [0, 1 << 30], ids=["polars", "arrow"])
@pytest.mark.parametrize("group", [1, 7, 64, 100, 1000])
def test_batches_hold_every_row_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int, group: int
) -> None:
    written = table(700)
    pq.write_table(written, tmp_path / "t.parquet", row_group_size=group)
    monkeypatch.setattr(tables, "LARGE", large)
    batches = list(tables.parquet_batches(str(tmp_path / "t.parquet"), 128, NAMES))
    assert max(b.num_rows for b in batches) <= 128
    assert all(b.schema.names == NAMES for b in batches)
    assert pa.Table.from_batches(batches).equals(written.select(NAMES))


def test_what_polars_hands_on_differently_is_read_by_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = pa.table({"patient": ["a", "b"], "word": pa.array(["present", None]).dictionary_encode()})
    pq.write_table(written, tmp_path / "t.parquet")
    monkeypatch.setattr(tables, "LARGE", 0)
    monkeypatch.setattr(tables, "_by_polars", None)
    (batch,) = tables.parquet_batches(str(tmp_path / "t.parquet"), 64, ["patient", "word"])
    assert pa.Table.from_batches([batch]).equals(written)


def test_a_file_without_rows_has_no_batches(tmp_path: Path) -> None:
    pq.write_table(table(0), tmp_path / "t.parquet")
    assert list(tables.parquet_batches(str(tmp_path / "t.parquet"), 64, NAMES)) == []


def test_the_reader_of_large_files_is_really_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(table(100), tmp_path / "t.parquet")
    monkeypatch.setattr(tables, "LARGE", 50)
    asked: list[tuple[int, int]] = []
    real = tables._by_polars

    def noted(path: str, schema: Any, first: int, length: int) -> Any:
        asked.append((first, length))
        return real(path, schema, first, length)

    monkeypatch.setattr(tables, "_by_polars", noted)
    assert sum(b.num_rows for b in tables.parquet_batches(str(tmp_path / "t.parquet"), 128, NAMES)) == 100
    assert asked == [(0, 100)]
