"""The scaffold: checks, passes, covers everything, is in canonical layout, and never overwrites."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guidelog.diagnostics import InputError
from guidelog.language.formatter import format_source
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import check, compile_guideline
from guidelog.workbench.mutation.survivors import Mutation, mutate
from guidelog.workbench.scaffold import scaffold
from guidelog.workbench.trace.build import trace
from guidelog.workbench.vignettes.coverage import coverage
from guidelog.workbench.vignettes.runner import run
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files


def test_a_new_guideline_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "my-guideline"
    scaffold(folder, 'A "quoted" title')
    guideline = load_guideline(str(folder))
    assert (guideline.id, guideline.title) == ("my-guideline", 'A "quoted" title')
    _, report = check(guideline)
    assert report.diagnostics == []
    compiled = compile_guideline(guideline)
    vignettes = read_vignettes(vignette_files(guideline), compiled.names)
    outcomes = list(run(compiled, vignettes))
    assert [o.mismatches for o in outcomes if not o.passed] == []
    assert coverage(compiled.ground, compiled.program.rules, outcomes).percent() == 100
    assert Mutation(tuple(mutate(compiled, vignettes))).score == 100
    assert trace(compiled, vignettes).complete
    for source in guideline.sources:
        assert not format_source(source).changed


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        scaffold(folder)
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["Big", "1st", "with space", "ä"])
def test_bad_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not a name"):
        scaffold(tmp_path / name)


def test_the_commands_work_on_it_at_once(tmp_path: Path) -> None:
    code = "from guidelog.cli import main; main()"

    def guidelog(*arguments: str) -> str:
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    folder = str(tmp_path / "started")
    assert "guidelog check" in guidelog("new", folder)
    assert "0 errors" in guidelog("check", "-g", folder)
    assert "7 as expected" in guidelog("test", "-g", folder)
    answer = guidelog("ask", "-g", folder, f"{folder}/vignettes/alarm-a.yaml")
    assert "URGENT" in answer
