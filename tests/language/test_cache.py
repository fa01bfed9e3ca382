"""Kept programs: the same answers with and without, never a wrong one from a damaged or foreign file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from guidelog.language import cache, parse
from guidelog.language.guideline import GuidelineFolder, read_guideline
from guidelog.pipeline import check, compile_guideline

FOLDER = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"


@pytest.fixture
def guideline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuidelineFolder:
    monkeypatch.setenv("GUIDELOG_CACHE", str(tmp_path / "cache"))
    return read_guideline(FOLDER)


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").glob("*"))


def test_a_kept_program_is_the_program(guideline: GuidelineFolder, tmp_path: Path) -> None:
    assert cache.load(guideline) is None
    compile_guideline(guideline)
    assert len(kept(tmp_path)) == 1
    program, problems = parse(*guideline.sources)
    assert not problems
    again = cache.load(guideline)
    assert again == program
    assert again is not None
    spans = [(s.span.source.name, s.span.start, s.span.end) for s in again.statements if s.span]
    assert spans == [(s.span.source.name, s.span.start, s.span.end) for s in program.statements if s.span]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "{}",
        lambda text: "[[99]]",
        lambda text: "[[0]]",
        lambda text: "[" * 50_000,
        lambda text: json.dumps([[17, "x"]]),
    ],
    ids=range(7),
)
def test_a_damaged_file_is_as_good_as_none(
    guideline: GuidelineFolder, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    compile_guideline(guideline)
    (path,) = kept(tmp_path)
    path.write_text(damage(path.read_text()))
    assert cache.load(guideline) is None
    compile_guideline(guideline)


def test_other_rules_have_another_place(guideline: GuidelineFolder, tmp_path: Path) -> None:
    compile_guideline(guideline)
    other = tmp_path / "other"
    other.mkdir()
    for name, text in guideline.files.items():
        (other / name).write_text(text + ("% changed\n" if name == "scope.dl" else ""))
    (other / "guideline.toml").write_text((FOLDER / "guideline.toml").read_text())
    assert cache.load(read_guideline(other)) is None


def test_off_keeps_nothing(guideline: GuidelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIDELOG_CACHE", "off")
    compile_guideline(guideline)
    assert not kept(tmp_path)


def test_a_folder_that_cannot_be_written_costs_nothing(
    guideline: GuidelineFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GUIDELOG_CACHE", str(tmp_path / "file" / "below"))
    compile_guideline(guideline)


def test_a_kept_program_is_checked_like_one_that_was_just_read(guideline: GuidelineFolder, tmp_path: Path) -> None:
    """Warnings are not kept: the second check gives them again."""
    first, second = check(guideline), check(guideline)
    assert len(kept(tmp_path)) == 1
    assert first[0] == second[0]
    said = [(d.code, d.message, repr(d.span)) for d in first[1].sorted()]
    assert said
    assert said == [(d.code, d.message, repr(d.span)) for d in second[1].sorted()]
