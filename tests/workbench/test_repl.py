"""The session behind `repl`: queries with three values, the record changed line by line, mistakes shown in place."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from guidelog.workbench.session import Session

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
SEED = KB / "vignettes" / "seed.yaml"
COMPILED = compile_guideline(load_guideline(str(KB)))


@pytest.fixture
def session() -> Session:
    found = Session(lambda: COMPILED)
    found.take(str(SEED))
    return found


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("?- advise(P, mri_lumbar, S).", "S = defer: unknown\nS = urgent: unknown"),
        ("in_scope(P)", "true."),
        ("?- in_scope(P), red_flag(P).", "unknown."),
        ("?- failed_conservative_care(P).", "false."),
        ("?- measure(P, conservative_care_weeks, W), W < 6.", "true."),
        ("?- advise(P, mri_lumbar, do).", "false."),
        ("?- advise(P, multidisciplinary_rehabilitation, S).", "S = defer: true\nS = hold: unknown"),
        (
            "?- serious_cause(F).",
            "F = suspected_cancer: true\nF = suspected_fracture: true\nF = suspected_infection: true",
        ),
        (
            "?- finding(P, F), structural_finding(F), F != severe_stenosis_documented.",
            "F = instability_documented: unknown\nF = spondylolisthesis_documented: unknown",
        ),
        ("?- atleast 2 { finding(P, F) : serious_cause(F) }.", "unknown."),
        ("% a comment", ""),
        ("", ""),
    ],
)
def test_queries(session: Session, line: str, answer: str) -> None:
    assert session.answer(line) == answer


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("?- advice(P, A, S).", "did you mean `advise`?"),
        ("?- advise(P, mri_lumber, S).", "did you mean `mri_lumbar`?"),
        ("?- finding(P).", "GL2"),
        ("?- !finding(P, F).", "GL2"),
        ("?- x(((.", "GL001"),
        (":stauts", "did you mean `:status`?"),
        (":set foo=present", "there is no finding `foo`"),
        (":set mri_done=perhaps", "`perhaps` is not a value of `mri_done`"),
        (":set conservative_care_weeks=long", "not a number"),
        (":set mri_done", "write `:set NAME=VALUE`"),
        (":status mri", "there is no intervention `mri`"),
        (":patient /no/such/file.yaml", "there is no file"),
        (":why 1 < 2", "write `:why ATOM`"),
    ],
)
def test_mistakes_are_shown_and_change_nothing(session: Session, line: str, part: str) -> None:
    before = session.content
    assert part in session.answer(line)
    assert session.content == before


def test_the_record_changes_line_by_line(session: Session) -> None:
    assert session.answer(":status mri_lumbar") == "mri_lumbar: undetermined (missing_data)"
    assert session.answer(":set red_flags=complete") == ""
    assert session.answer(":status mri_lumbar") == "mri_lumbar: not_now"
    assert session.answer(":set saddle_anesthesia=present") == ""
    assert session.answer(":status mri_lumbar") == "mri_lumbar: urgent"
    assert session.answer(":unset saddle_anesthesia") == ""
    assert session.answer(":status mri_lumbar") == "mri_lumbar: not_now"
    assert session.answer(":set conservative_care_weeks=6.5") == ""
    assert session.answer("measure(P, conservative_care_weeks, W), W > 6") == "true."
    assert "conservative_care_weeks: 6.5" in session.answer(":patient")
    assert "not list" in session.answer(":unset mri_done")
    contradiction = session.answer(":set mri_done=absent") + session.answer(":set mri_correlates=present")
    assert contradiction == ""
    assert "contradicts itself" in session.answer("in_scope(P)")


def test_why_goes_down_to_the_record(session: Session) -> None:
    said = session.answer(":why advise(P, mri_lumbar, do)")
    assert "advise(mri_lumbar, do) is false" in said
    assert "`conservative_care_weeks` is 0" in said


def test_completion_knows_names_and_commands(session: Session) -> None:
    assert session.complete("saddle") == ["saddle_anesthesia"]
    assert ":status" in session.complete(":s")
    assert {"advise", "adequate_physical_therapy"} <= set(session.complete("ad"))


def test_lines_from_a_pipe() -> None:
    code = "from guidelog.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "repl", "-g", str(KB), str(SEED)],
        input="in_scope(P).\n:quit\nadvise(P, A, S)\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "true.\n"), done.stderr


def test_history_and_completion_on_a_terminal(tmp_path: Path) -> None:
    main, child = pty.openpty()
    history = tmp_path / "history"
    code = "from guidelog.cli import main; main()"
    environment = {**os.environ, "GUIDELOG_HISTORY": str(history), "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "repl", "-g", str(KB), str(SEED)],
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment,
    )
    os.close(child)

    def read_until(word: bytes) -> None:
        seen, end = b"", time.monotonic() + 20
        while word not in seen:
            ready, _, _ = select.select([main], [], [], max(0.0, end - time.monotonic()))
            assert ready, seen
            seen += os.read(main, 1000)

    try:
        read_until(b"?- ")
        os.write(main, b"failed_cons\t(P).\n")  # Tab writes the rest of the name
        read_until(b"false.")
        os.write(main, b":quit\n")
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        os.close(main)
    assert "failed_conservative_care(P)." in history.read_text(encoding="utf-8").replace(" (", "(")
