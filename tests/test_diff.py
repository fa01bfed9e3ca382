"""`guidelog diff`: every change of an answer is found with a patient, and what is called unchanged is."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from guidelog.compiled import Compiled
from guidelog.guideline import read_guideline
from guidelog.pipeline import ask, compile_guideline
from guidelog.status import Status
from guidelog.verify.circuit import Budget
from guidelog.verify.compare import Difference, compare
from verify_support import LUMBAR, advise, all_worlds, status, tiny


def changed(folder: Path, *edits: tuple[str, str, str]) -> Compiled:
    """The lumbar guideline with replacements `(file, old, new)`."""
    shutil.copytree(LUMBAR, folder)
    for name, old, new in edits:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return compile_guideline(read_guideline(folder))


@pytest.fixture(scope="module")
def old() -> Compiled:
    return compile_guideline(read_guideline(LUMBAR))


FIVE_WEEKS = ("conservative_care.dl", "W), W >= 6,\n    adequate", "W), W >= 5,\n    adequate")


def kinds(found: Difference) -> set[tuple[str, str, str]]:
    return {(c.intervention, c.old.value, c.new.value) for c in found.changes}


def test_a_moved_threshold_changes_what_rests_on_it_and_nothing_else(old: Compiled, tmp_path: Path) -> None:
    found = compare(old, changed(tmp_path / "new", FIVE_WEEKS), ask)
    assert {c.intervention for c in found.changes} == {
        "mri_lumbar",
        "nerve_root_injection",
        "multidisciplinary_rehabilitation",
    }
    first = found.changes[0]
    assert (first.intervention, first.old, first.new) == ("mri_lumbar", Status.NOT_NOW, Status.RECOMMENDED)
    assert first.content["measures"]["conservative_care_weeks"] == 5
    assert [e.name for e in first.edits] == ["FAIL-1"]
    assert first.alone
    assert "surgical_referral" in found.same  # 12 weeks are asked for anyway: proved, not assumed
    assert "surgical_referral" not in found.shared
    assert len(found.shared) == 15
    assert not found.undecided


def test_words_and_conditions_that_change_nothing_are_proved_to_change_nothing(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        ("imaging.dl", 'title = "No MRI at the initial stage"', 'title = "Another title"'),
        (
            "surgery.dl",
            "mri_explains_symptoms(P) :- finding(P, mri_done), finding",
            "mri_explains_symptoms(P) :- finding",
        ),
    )
    found = compare(old, new, ask)
    assert found.changes == ()
    assert len(found.same) == 19
    assert {e.name: e.parts for e in found.edits} == {"IMG-1": ("title",), "CRIT-C": ("body",)}


def test_of_two_edits_the_responsible_one_is_named(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        ("imaging.dl", "!red_flag(P), finding(P, mri_done).", "finding(P, mri_done)."),
        ("monitoring.dl", "W >= 2.", "W >= 3."),
    )
    by = {(c.intervention, e.name) for c in compare(old, new, ask).changes for e in c.edits}
    assert by == {("mri_lumbar", "IMG-4"), ("reassessment", "MON-1")}


def test_a_changed_background_rule_shows_the_records_that_it_refuses(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        (
            "background.dl",
            ":- finding(P, home_exercise_only), finding(P, formal_physical_therapy).",
            ":- finding(P, home_exercise_only), !finding(P, formal_physical_therapy).",
        ),
    )
    found = compare(old, new, ask)
    assert [by for by, _ in found.refused] == ["new", "old"]
    assert found.refused[1][1]["findings"] == {"formal_physical_therapy": "present", "home_exercise_only": "present"}


def test_notes_and_included_items_are_compared(old: Compiled, tmp_path: Path) -> None:
    found = compare(old, changed(tmp_path / "new", ("monitoring.dl", "W > 4.", "W > 3.")), ask)
    assert found.changes == ()
    (shown,) = found.shown
    assert (shown.atom, shown.gained) == (("include", "reassessment", "overdue"), True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("in_scope(P), measure(P, days, D), D >= 2", "in_scope(P), measure(P, days, D), D > 2"),
        ("in_scope(P), measure(P, days, D), D >= 1..3", "in_scope(P), measure(P, days, D), D >= 2"),
        ("in_scope(P), finding(P, alarm)", "in_scope(P), finding(P, alarm), !finding(P, tried)"),
        (
            "in_scope(P), measure(P, days, D), measure(P, others, E), D > E",
            "in_scope(P), measure(P, days, D), measure(P, others, E), D >= E",
        ),
    ],
)
def test_the_pairs_of_statuses_are_those_that_brute_force_finds(tmp_path: Path, before: str, after: str) -> None:
    first = tiny(tmp_path / "a", advise("A", "scan", "do", before))
    second = tiny(tmp_path / "b", advise("A", "scan", "do", after))
    pairs = {
        ("scan", status(a, "scan").value, status(b, "scan").value)
        for a, b in zip(all_worlds(first), all_worlds(second), strict=True)
    }
    assert kinds(compare(first, second, ask)) == {p for p in pairs if p[1] != p[2]}


def test_without_time_nothing_is_called_unchanged(old: Compiled, tmp_path: Path) -> None:
    found = compare(old, changed(tmp_path / "new", FIVE_WEEKS), ask, budget=Budget(0))
    assert "mri_lumbar" in {name for name, _ in found.undecided}
    assert "mri_lumbar" not in found.same


def test_a_measure_whose_range_changed_is_not_called_unchanged(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        (
            "vocabulary.dl",
            '.measure weeks_since_review "weeks since the last review"\n    unit(week) range(0, 520)',
            '.measure weeks_since_review "weeks since the last review"\n    unit(week) range(0, 100)',
        ),
    )
    assert [name for name, _ in compare(old, new, ask).undecided] == ["reassessment"]


# the command


def call(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    from guidelog.cli import main

    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with the guideline, and a change of it that is not committed."""
    shutil.copytree(LUMBAR, tmp_path / "kb" / "lumbar_radiculopathy", ignore=shutil.ignore_patterns("vignettes"))
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    file = tmp_path / "kb" / "lumbar_radiculopathy" / FIVE_WEEKS[0]
    file.write_text(file.read_text(encoding="utf-8").replace(*FIVE_WEEKS[1:]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_unannounced_change_since_a_revision_fails_and_an_announced_one_does_not(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call("diff", "HEAD", "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 1
    assert "mri_lumbar: not_now -> recommended" in out
    changes = repository / "kb" / "lumbar_radiculopathy" / "CHANGES.md"
    text = changes.read_text(encoding="utf-8")
    announced = "".join(
        f"- {name}: any -> any. Five weeks.\n"
        for name in ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation")
    )
    changes.write_text(text + announced, encoding="utf-8")
    code, out, _ = call(
        "diff", "HEAD:kb/lumbar_radiculopathy", "kb/lumbar_radiculopathy", "--format", "markdown", capsys=capsys
    )
    assert code == 0
    assert "All changes are announced in CHANGES.md." in out
    assert "```yaml" in out
    changes.write_text(text + "- mri_lumbr: any -> any\n", encoding="utf-8")
    code, _, err = call("diff", "HEAD", "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 2
    assert "did you mean `mri_lumbar`?" in err


def test_the_witnesses_of_a_difference_can_be_asked_about(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(
        "diff", "HEAD", "kb/lumbar_radiculopathy", "--format", "json", "--witnesses", "w", capsys=capsys
    )
    assert code == 1
    change = json.loads(out)["changes"][0]
    file = f"w/{change['patient']['patient']}.yaml"
    code, out, _ = call(
        "ask", file, change["intervention"], "-g", "kb/lumbar_radiculopathy", "--format", "json", capsys=capsys
    )
    assert (code, json.loads(out)["answers"][0]["status"]) == (0, change["new"])


@pytest.mark.parametrize("wrong", ["HEAD~9", "--help-me", "HEAD:kb/nothing", "no/such/folder"])
def test_what_is_no_version_is_refused(repository: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call("diff", "--", wrong, "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 2
    assert out == ""
    assert wrong.split(":", maxsplit=1)[0] in err or "git" in err


def test_the_same_version_has_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call("diff", str(LUMBAR), str(LUMBAR), capsys=capsys)
    assert code == 0
    assert "No answer changes for any record that both versions accept." in out
