"""Kept programs: the same answers with and without, never a wrong one from a damaged or foreign file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from guidelog.diagnostics import CertificateError
from guidelog.language import cache, parse, tree
from guidelog.language.guideline import GuidelineFolder, read_guideline
from guidelog.patients import read_patient, read_text
from guidelog.pipeline import ask, check, compile_guideline

FOLDER = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"


@pytest.fixture
def guideline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuidelineFolder:
    monkeypatch.setenv("GUIDELOG_CACHE", str(tmp_path / "cache"))
    return read_guideline(FOLDER)


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").glob("*.json"))


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


def test_a_changed_wording_is_not_used(guideline: GuidelineFolder, tmp_path: Path) -> None:
    compile_guideline(guideline)
    (path,) = kept(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "MRI of the lumbar spine" in text
    path.write_text(text.replace("MRI of the lumbar spine", "MRI now"), encoding="utf-8")
    assert cache.load(guideline) is None


@pytest.mark.parametrize("what", ["file", "secret", "folder"])
def test_what_others_may_write_is_not_used(guideline: GuidelineFolder, tmp_path: Path, what: str) -> None:
    compile_guideline(guideline)
    (path,) = kept(tmp_path)
    place = {"file": path, "secret": path.parent / cache.SECRET, "folder": path.parent}[what]
    assert [p.stat().st_mode & 0o077 for p in (path, path.parent / cache.SECRET, path.parent)] == [0, 0, 0]
    assert cache.load(guideline) is not None
    place.chmod(place.stat().st_mode | 0o020)
    assert cache.load(guideline) is None


def test_the_name_of_a_file_cannot_be_foretold(guideline: GuidelineFolder, tmp_path: Path) -> None:
    compile_guideline(guideline)
    (first,) = kept(tmp_path)
    (first.parent / cache.SECRET).unlink()
    compile_guideline(guideline)
    assert len(kept(tmp_path)) == 2


def test_an_answer_from_another_wording_is_not_shown(guideline: GuidelineFolder) -> None:
    """Even if a cache could be forged: what the engine made of it is not what the checker makes of the text."""
    program, _ = check(guideline)
    forged = replace(program, statements=tuple(_renamed(s) for s in program.statements))
    assert forged != program
    compiled = compile_guideline(guideline, program=forged)
    with pytest.raises(CertificateError, match="do not make the same"):
        ask(compiled, read_patient(read_text(FOLDER / "vignettes" / "seed.yaml"), compiled.names.vocabulary))


def _renamed(statement: tree.Statement) -> tree.Statement:
    if isinstance(statement, tree.Declaration) and statement.name == "mri_lumbar":
        return replace(statement, label="Inject today")
    return statement


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
