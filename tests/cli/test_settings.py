"""What is wrong with `what-if --set` is shown at the option where it was typed, not in a file that nobody wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from guidelog.cli.what_if import what_if
from guidelog.diagnostics import InputError, render

SEED = str(Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy" / "vignettes" / "seed.yaml")


def refused(patient: str, *settings: str) -> str:
    words = [patient, *(w for s in settings for w in ("--set", s))]
    error = CliRunner().invoke(what_if, words).exception
    assert isinstance(error, InputError)
    return "\n".join(render(d) for d in error.diagnostics)


@pytest.mark.parametrize(
    ("setting", "carets", "says"),
    [
        ("conservative_care_weeks=9999", "9999", "outside the range"),
        ("symptom_weeks=since 2030-01-01", "since 2030-01-01", 'describes this day: "2025-11-13"'),
        ("symptom_weeks=since \x1b[31m", "since \ufffd[31m", "U+001B"),
        ("saddle_anesthesia=yes", "yes", "present, absent or unknown"),
        ("conservative_care_weeks=9..8", "9..8", "cannot be"),
        ("screen:red_flags=done", "done", "complete or incomplete"),
        ("sadle_anesthesia=present", "sadle_anesthesia=present", "did you mean `saddle_anesthesia`?"),
    ],
)
def test_the_place_is_what_was_typed(setting: str, carets: str, says: str) -> None:
    shown = refused(SEED, "low_back_pain=absent", setting)
    assert "<patient>" not in shown
    assert says in shown
    assert " --> <command line>:2:" in shown
    line, marks, *_ = (part for part in shown.splitlines() if part[:3] in ("2 |", "  |") and part[3:])
    begin = marks.index("^")
    assert line[begin : begin + marks.count("^")] == carets


def test_a_contradiction_points_at_both_settings_or_at_the_file(tmp_path: Path) -> None:
    both = refused(SEED, "mri_done=absent", "mri_correlates=present")
    assert "<patient>" not in both
    assert both.count("<command line>") == 1
    assert "| --set mri_done=absent" in both
    file = tmp_path / "p.yaml"
    file.write_text("patient: p\nfindings: {mri_done: absent}\n", encoding="utf-8")
    half = refused(str(file), "mri_correlates=present")
    assert f"{file}:2" in half
    assert "mri_done: absent" in half


def test_set_twice_says_both() -> None:
    shown = CliRunner().invoke(what_if, [SEED, "--set", "mri_done=absent", "--set", "mri_done=present"]).output
    assert "`--set mri_done=absent`, `--set mri_done=present`" in shown
