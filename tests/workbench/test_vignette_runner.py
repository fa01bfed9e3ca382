"""Vignettes: read strictly, compared completely, explained shortly; their evaluation agrees with the engine."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.ground.program import Ranges
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from guidelog.workbench.vignettes import runner
from guidelog.workbench.vignettes.reports import junit
from guidelog.workbench.vignettes.runner import Outcome, run
from guidelog.workbench.vignettes.vignette import Vignette, read_vignette, read_vignettes, vignette_files
from guidelog.workbench.watch import changes

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
SEED = KB / "vignettes" / "seed.yaml"


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_guideline(load_guideline(str(KB)))


@pytest.fixture(scope="module")
def vignettes(compiled: Compiled) -> list[Vignette]:
    return read_vignettes(vignette_files(compiled.guideline), compiled.names)


def _changed(tmp_path: Path, compiled: Compiled, old: str, new: str, source: Path = SEED) -> Outcome:
    text = source.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / source.name
    path.write_text(text.replace(old, new), encoding="utf-8")
    (outcome,) = run(compiled, [read_vignette(path, compiled.names)], certified=False)
    return outcome


def test_every_vignette_of_the_guideline_with_certificates(compiled: Compiled, vignettes: list[Vignette]) -> None:
    outcomes = list(run(compiled, vignettes))
    assert len(outcomes) >= 60
    assert {o.vignette.path: o.mismatches or o.problems for o in outcomes if not o.passed} == {}


def test_the_quick_evaluation_agrees_with_the_engine(compiled: Compiled, vignettes: list[Vignette]) -> None:
    for outcome in run(compiled, vignettes[::4], certified=False):
        assert outcome.case is not None
        low, high = outcome.case.ends
        for world, ranges in ((outcome.case.world, Ranges.KEPT), (low, Ranges.LOW), (high, Ranges.HIGH)):
            assert world.model == compiled.evaluate(world.facts, ranges), outcome.vignette.name


def test_a_wrong_status_names_rules_and_what_they_fail_at(tmp_path: Path, compiled: Compiled) -> None:
    outcome = _changed(tmp_path, compiled, "nerve_root_injection: not_now", "nerve_root_injection: consider")
    (mismatch,) = outcome.mismatches
    assert (mismatch.what, mismatch.expected, mismatch.got) == ("nerve_root_injection", "consider", "not_now")
    assert mismatch.span.source.line(mismatch.span.source.position(mismatch.span.start)[0]).endswith(": consider")
    why = (
        "`care_before_injection_failed(P)`, as `care_before_injection_failed` is false (TRIAL-INJ: "
        "`failed_conservative_care(P)`, as `failed_conservative_care` is false"
    )
    assert mismatch.reasons == (
        f"INJ-1 fails: {why} (FAIL-1: `W >= 6`, and `conservative_care_weeks` is 0))",
        "INJ-2 holds: `in_scope(P)`, `!care_before_injection_failed(P)`",
    )


@pytest.mark.parametrize(
    ("old", "new", "what", "got"),
    [
        ("if_resolved: [urgent, not_now]", "if_resolved: [urgent]", "mri_lumbar: if_resolved", "not_now, urgent"),
        ('questions: [["screen:red_flags"]]', "questions: [[mri_done]]", "mri_lumbar: questions", "[screen:red_flags]"),
        ("because: missing_data", "because: guideline_range", "mri_lumbar: because", "missing_data"),
        ("withholds: [S15, S18, S22]", "withholds: [S01]", "S01", "fires"),
        ("withholds: [S15, S18, S22]", "fires: [S15]", "S15", "is withheld"),
        ("withholds: [S15, S18, S22]", "fires: [S10]", "S10", "neither fires nor is withheld"),
        ("withholds: [S15, S18, S22]", "no_advice: [education]", "education", "do"),
        ("withholds: [S15, S18, S22]", "notes: [S35]", "note S35", "not shown"),
        ("withholds: [S15, S18, S22]", "no_notes: [S37]", "note S37", "shown by NOTE-37"),
        ("injection: not_now", "injection: {status: not_now, rules: [INJ-1]}", "nerve_root_injection: rules", "INJ-2"),
        (
            "injection: not_now",
            "injection: {status: not_now, not_rules: [INJ-2]}",
            "nerve_root_injection: rules",
            "INJ-2",
        ),
        ("injection: not_now", "injection: {statements: [S15]}", "nerve_root_injection: statements", "S18"),
        ("injection: not_now", "injection: {decisions: [Q03]}", "nerve_root_injection: decisions", None),
        ("injection: not_now", "injection: not_now\n    education: {items: [a]}", "education: items", "none"),
        (
            "injection: not_now",
            "injection: not_now\n    conservative_care: {includes: [S02]}",
            "conservative_care: includes",
            None,
        ),
    ],
)
def test_every_expectation_can_fail(
    tmp_path: Path, compiled: Compiled, old: str, new: str, what: str, got: str | None
) -> None:
    outcome = _changed(tmp_path, compiled, old, new)
    found = {m.what: m for m in outcome.mismatches}
    assert what in found
    if got is not None:
        assert found[what].got.split(", ") == got.split(", ") or sorted(found[what].got.split(", ")) == sorted(
            got.split(", ")
        )


@pytest.mark.parametrize(
    ("old", "new", "code", "hint"),
    [
        ("answers:", "anwsers:", "GL923", "answers"),
        ("statements: [S00", "statements: [S99", "GL924", None),
        ("status: undetermined", "status: undetermind", "GL924", "undetermined"),
        ("because: missing_data", "becouse: missing_data", "GL923", "because"),
        ("    mri_lumbar:", "    mri_lumber:", "GL924", "mri_lumbar"),
        ("screen:red_flags", "screen:red_flag", "GL924", "screen:red_flags"),
        ("withholds: [S15, S18, S22]", "withholds: S15", "GL922", None),
        ("expect:", "expect: yes\nsources_:", "GL922", None),
        ("conservative_care_weeks: 0}", "conservative_care_week: 0}", "GL412", "conservative_care_weeks"),
    ],
)
def test_a_mistake_in_a_vignette_has_a_place_and_a_suggestion(
    tmp_path: Path, compiled: Compiled, old: str, new: str, code: str, hint: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        _changed(tmp_path, compiled, old, new)
    found = [d for d in caught.value.diagnostics if d.code == code]
    if not found:  # the record's own reader came first
        assert new.startswith("expect: yes")
        return
    assert found[0].span is not None
    assert hint is None or hint in (found[0].hint or "")


def test_a_record_that_contradicts_itself_is_a_problem_and_not_a_pass(tmp_path: Path, compiled: Compiled) -> None:
    outcome = _changed(tmp_path, compiled, "ncs_acute_denervation: absent", "mri_done: absent, mri_correlates: present")
    assert not outcome.passed
    assert [d.code for d in outcome.problems] == ["GL421"]


def test_junit_is_well_formed_and_counts(tmp_path: Path, compiled: Compiled, vignettes: list[Vignette]) -> None:
    bad = _changed(tmp_path, compiled, "nerve_root_injection: not_now", "nerve_root_injection: consider")
    suite = ET.fromstring(junit([*run(compiled, vignettes[:2], certified=False), bad], compiled.guideline))  # noqa: S314
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "0")
    (failure,) = suite.iter("failure")
    assert "expected consider, got not_now" in (failure.get("message") or "")
    assert "FAIL-1" in (failure.text or "")


def _guidelog(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from guidelog.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_command(tmp_path: Path) -> None:
    done = _guidelog("test", "-g", str(KB), "-k", "seed", "--format", "json", "--junit", str(tmp_path / "j.xml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["passed"] == 2
    assert ET.parse(tmp_path / "j.xml").getroot().get("tests") == "2"  # noqa: S314
    path = tmp_path / "seed.yaml"
    path.write_text(
        SEED.read_text(encoding="utf-8").replace("injection: not_now", "injection: avoid"), encoding="utf-8"
    )
    failed = _guidelog("test", "-g", str(KB), str(path))
    assert failed.returncode == 1
    assert "nerve_root_injection: expected avoid, got not_now" in failed.stdout
    assert "no rule gives `nerve_root_injection` the status `avoid`" in failed.stdout
    assert _guidelog("test", "-g", str(KB), "-k", "no-such-thing").returncode == 2
    assert _guidelog("test", "-g", str(KB), str(tmp_path / "missing.yaml")).returncode == 2


def test_check_and_test_take_less_than_two_seconds_as_processes() -> None:
    """Of processor time, because a shared machine may let anything wait."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _guidelog("check", "-g", str(KB))
    _guidelog("test", "-g", str(KB))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 2 * 2  # half as fast is allowed to other machines; benchmarks/workbench.py measures


def test_watch_notices_a_change_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("x(a).\n", encoding="utf-8")
    turns = changes(tmp_path, every=0.01, settle=0.01)
    (tmp_path / "ignored.txt").write_text("no", encoding="utf-8")

    timer = threading.Timer(0.1, lambda: path.write_text("x(b).\n\n", encoding="utf-8"))
    timer.start()
    assert next(turns) == [path]


def test_a_change_while_the_first_run_goes_on_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("x(a).\n", encoding="utf-8")
    turns = changes(tmp_path, every=0.01, settle=0.01)
    path.write_text("x(a).\nx(b).\n", encoding="utf-8")
    assert next(turns) == [path]


@pytest.mark.parametrize("command", [("check", "--watch"), ("test", "--watch", "--quick")], ids=lambda c: c[0])
def test_watching_shows_what_an_edit_breaks_and_what_mends_it(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = tmp_path / "mine"
    assert _guidelog("new", str(folder)).returncode == 0
    rules = next(folder.glob("*.dl"))
    text = rules.read_text(encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", "from guidelog.cli import main; main()", *command, "-g", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout is not None

    def turn() -> str:
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith("watching "):
                return "".join(lines)
        raise AssertionError("".join(lines))

    try:
        assert "error[" not in turn()
        rules.write_text(text + "\nbroken(\n", encoding="utf-8")
        assert "error[GL002]" in turn()
        rules.write_text(text, encoding="utf-8")
        assert "error[" not in turn()
        assert f"changed: {rules.name}" not in text
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.stdout.close()
        process.wait(10)


def test_several_processes_say_what_one_says(
    compiled: Compiled, vignettes: list[Vignette], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [*vignettes[:60], replace(vignettes[60], expected=vignettes[0].expected)]
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # pytest-xdist's own thread does nothing meanwhile
    both = [runner.run_shared(compiled, some, jobs=jobs, cases=True) for jobs in (1, 3)]
    assert [o.vignette for o in both[0]] == [o.vignette for o in both[1]] == some
    assert [[(m.what, m.expected, m.got, m.reasons, repr(m.span)) for m in o.mismatches] for o in both[0]] == [
        [(m.what, m.expected, m.got, m.reasons, repr(m.span)) for m in o.mismatches] for o in both[1]
    ]
    assert both[1][-1].mismatches
    assert all(o.case is not None for o in both[1])


def test_a_process_that_dies_costs_time_only(
    compiled: Compiled, vignettes: list[Vignette], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(runner, "_send", lambda *_: os._exit(9))
    found = runner.run_shared(compiled, vignettes[:30], jobs=2, cases=False)
    assert [o.vignette for o in found] == vignettes[:30]
    assert all(o.passed for o in found)
