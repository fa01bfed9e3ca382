"""`guidelog diff` on edits that are no matter of rules: codes, promises, clocks, questions, what the service offers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from guidelog.cli.main import main
from guidelog.fhir import load_mapping, read_records
from guidelog.language.guideline import read_guideline
from guidelog.pipeline import ask, compile_guideline
from guidelog.verify.diff import attribution
from guidelog.verify.diff.edits import edits
from guidelog.workbench.code_changes import compare_codes
from verify_support import LUMBAR, advise, tiny


def edited(folder: Path, *edits: tuple[str, str, str]) -> Path:
    shutil.copytree(LUMBAR, folder)
    for name, old, new in edits:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, (name, old)
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def diff(new: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["diff", str(LUMBAR), str(new), *options])
    code = ended.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().out


def test_a_longer_span_for_codes_shows_a_record_that_is_answered_differently(tmp_path: Path) -> None:
    new = edited(tmp_path / "g", ("codes.toml", "present_for = 52", "present_for = 520"))
    versions = [compile_guideline(read_guideline(folder)) for folder in (LUMBAR, new)]
    found = compare_codes(*versions, ask)
    assert not found.undecided
    assert {c.concept for c in found.changes} >= {"physical therapy", "lumbar MRI"}
    (first,) = (c for c in found.changes if c.concept == "physical therapy")
    assert first.said["formal_physical_therapy"] == ("unknown", "present")
    assert first.answer is not None
    for compiled, status in zip(versions, (first.answer.old, first.answer.new), strict=True):
        vocabulary = compiled.names.vocabulary
        mapping = load_mapping(compiled.guideline, vocabulary)
        patient = read_records(json.dumps(first.answer.bundle), mapping, vocabulary, unverified=True).patient
        (answer,) = ask(compiled, patient, [first.answer.intervention]).answers
        assert answer.status is status


def test_codes_are_edited_and_announced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = edited(tmp_path / "g", ("codes.toml", "gap_weeks = 2 ", "gap_weeks = 60 "))
    code, out = diff(new, capsys)
    assert code == 1
    assert "physical_therapy_weeks: not listed, now" in out
    assert "is read differently" not in out
    changes = (new / "CHANGES.md").read_text(encoding="utf-8")
    said = "- any: any -> any: longer courses\n- codes.toml: edited\n"
    (new / "CHANGES.md").write_text(changes + said, encoding="utf-8")
    assert diff(new, capsys)[0] == 0


def test_words_and_order_of_codes_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = edited(tmp_path / "g", ("codes.toml", 'assumes = "', 'assumes = "as before, '))
    code, out = diff(new, capsys)
    assert code == 0, out


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("hooks.toml", 'title = "', 'title = "More: '), "hooks.toml: edited"),
        (("vocabulary.dl", 'ask("Do you suspect a fracture?")', 'ask("Is a fracture ruled out?")'), "reworded"),
        (("vocabulary.dl", 'clock("conservative care goes on', 'clock("care goes on'), "its clock was edited"),
    ],
)
def test_what_is_not_compared_is_said_and_can_be_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: tuple[str, str, str], said: str
) -> None:
    new = edited(tmp_path / "g", edit)
    code, out = diff(new, capsys)
    assert code == 1
    assert "Not decided" in out
    assert said in out
    (name,) = (one["about"] for one in json.loads(diff(new, capsys, "--format", "json")[1])["not_compared"])
    with (new / "CHANGES.md").open("a", encoding="utf-8") as file:
        file.write(f"\n- `{name}`: edited, on purpose\n")
    assert diff(new, capsys)[0] == 0


def test_promises_that_are_dropped_are_tried_on_the_new_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (LUMBAR / "properties.dl").read_text(encoding="utf-8")
    start = text.index('#[id = "RED-FLAG-SCREEN"')
    promise = text[start : text.index("\n\n", start)]
    kept = edited(tmp_path / "kept", ("properties.dl", promise, ""))
    code, out = diff(kept, capsys)
    assert code == 0
    assert "RED-FLAG-SCREEN removed; it still holds" in out
    fracture = '.finding suspected_fracture "suspected fracture"'
    lost = edited(
        tmp_path / "lost",
        ("properties.dl", promise, ""),
        ("vocabulary.dl", f"{fracture} screen(red_flags)", f'{fracture} group("Other")'),
    )
    code, out = diff(lost, capsys)
    assert code == 1
    assert "RED-FLAG-SCREEN removed; it no longer holds" in out


def test_rules_that_share_an_id_and_nothing_else_are_two_edits(tmp_path: Path) -> None:
    first = tiny(tmp_path / "a", advise("A", "scan", "do", "in_scope(P), finding(P, alarm)"))
    other = tiny(tmp_path / "b", advise("A", "pills", "defer", "finding(P, ill), !finding(P, tried)"))
    moved = tiny(tmp_path / "c", advise("A", "pills", "do", "in_scope(P), finding(P, alarm)"))
    assert [(e.name, e.kind) for e in edits(first.program, other.program)] == [("A", "added"), ("A", "removed")]
    assert [(e.name, e.kind) for e in edits(first.program, moved.program)] == [("A", "changed")]


def test_a_change_that_takes_many_edits_names_a_few(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribution, "MOST_EDITS_TRIED", 1)
    new = edited(tmp_path / "g", ("vocabulary.dl", "screen(red_flags)", 'group("Other")'))
    _, out = diff(new, capsys)
    lines = [line for line in out.splitlines() if "It takes" in line]
    assert lines
    assert all("more of the edits" in line and line.count(".finding") == 6 for line in lines)
