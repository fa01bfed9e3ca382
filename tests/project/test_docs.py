"""Every command line that the documentation shows is run, as typed, from the project's root; shown output is the real output.

A fence marked `sh` holds command lines; those that begin with `guidelog` are run one after the other in a copy of the project's data.
A fence marked `sh not-run` is not (a server, an editor). Output between `<!-- output: COMMAND -->` and `<!-- end -->` is compared, and written by `--update`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "diagrams").glob("*.md")])
FENCE = re.compile(r"^```sh *\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"(<!-- output: (.+?) -->\n```[a-z]*\n)(.*?)(^```\n<!-- end -->)", re.MULTILINE | re.DOTALL)
MAY_FAIL = re.compile(r"# exit code ([0-9])")


def command_lines(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for fence in FENCE.findall(text) for line in fence.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith(("guidelog ", "python cli.py "))]


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line, comments=True)
    words = words[1:] if words[0] == "guidelog" else words[2:]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "guidelog.cli", *words],
        cwd=folder,
        env=environment,
        input="q\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's root as a reader of the documentation sees it, free to be written to."""
    for name in ("kb", "diagrams", "tests", "docs"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if command_lines(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_command_lines_work_as_typed(page: Path, project: Path) -> None:
    for line in command_lines(page):
        expected = MAY_FAIL.search(line)
        done = run(line, project)
        assert done.returncode == int(expected[1] if expected else 0), (
            f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )


@pytest.mark.parametrize(
    "page", [p for p in PAGES if OUTPUT.search(p.read_text())], ids=lambda p: str(p.relative_to(ROOT))
)
def test_shown_output_is_real(page: Path, project: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")

    def fresh(match: re.Match[str]) -> str:
        return match[1] + run(match[2], project).stdout.rstrip() + "\n" + match[4]

    updated = OUTPUT.sub(fresh, text)
    if request.config.getoption("--update", default=False):
        page.write_text(updated, encoding="utf-8")
    else:
        assert updated == text, (
            f"{page.name} shows other output than the program gives; run pytest {__file__} --update and review"
        )


def test_documentation_names_the_commands() -> None:
    """A page without a single command line to run would make the tests above pass for nothing."""
    assert len(command_lines(ROOT / "README.md")) >= 5
