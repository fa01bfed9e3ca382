"""What `--help` shows can be typed as it stands, and what is typed wrong gets the nearest right name."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from guidelog.cli.groups import CommandGroup
from guidelog.cli.main import _guidelog, main
from guidelog.diagnostics import nearest

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^  ((?:echo .*\| )?guidelog (?!works).*)$", re.MULTILINE)


def groups_and_commands(group: click.Group = _guidelog, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from groups_and_commands(command, f"{path}{name} ")


COMMANDS = dict(groups_and_commands())
GROUPS = {"": _guidelog, **{words: c for words, c in COMMANDS.items() if isinstance(c, click.Group)}}


def examples(command: click.Command) -> list[str]:
    return EXAMPLE.findall(inspect.cleandoc(command.help or ""))


def said(*words: str) -> str:
    """What the program prints, on a terminal of 80 columns."""
    return CliRunner().invoke(_guidelog, words, terminal_width=80).output


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_an_example_of_itself(words: str) -> None:
    shown = examples(COMMANDS[words])
    assert any(line.rpartition("| ")[2].startswith(f"guidelog {words.removesuffix(' run')}") for line in shown), shown


@pytest.mark.parametrize("words", COMMANDS)
def test_examples_need_only_what_is_there_or_was_made_above(words: str) -> None:
    """A path that an example reads is in a fresh clone, or an earlier line of the same help writes it."""
    made: set[str] = set()
    for line in examples(COMMANDS[words]):
        typed = shlex.split(line.rpartition("| ")[2], comments=True)[1:]
        writes = {typed[i + 1] for i, word in enumerate(typed[:-1]) if word in ("--out", "-o", "--svg", "--pathway")}
        writes |= {typed[1]} if typed[0] == "new" else set()
        for word in typed[1:]:
            if ("/" in word or "." in word) and "://" not in word and not word.startswith("--"):
                known = word in writes | made or (ROOT / word.removeprefix("HEAD~1:")).exists()
                assert known, f"`{line}` needs {word}, which is nowhere"
        if words.startswith("cohort "):
            for word in typed[2:]:
                assert word != "answers" or word in made, f"`{line}` needs {word}, which nothing above makes"
        made |= writes
        made |= {f"{key}.pub" for key in writes if typed[:2] == ["release", "key"]}


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS)
def test_examples_run(words: str, clone: Path) -> None:
    for line in examples(COMMANDS[words]):
        typed = line.replace("guidelog ", f"{sys.executable} -m guidelog.cli ", 1)
        if typed.endswith("example.org") or "--compare" in typed:  # would serve for ever
            typed += " --check --port 0"
        done = subprocess.run(
            ["sh", "-c", typed],
            cwd=clone,
            env={**os.environ, "XDG_STATE_HOME": str(clone / "state")},
            input="q\n",
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        wanted = (1,) if "diff strict lax" in line else (0, 1) if " diff HEAD~1" in line else (0,)
        assert done.returncode in wanted, f"{line}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
    subprocess.run(["git", "clean", "-fdxq"], cwd=clone, check=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as a new user has it: two commits, nothing made."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("kb", "diagrams", "tests", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (
        ("init", "-q"),
        ("add", "."),
        (*identity, "commit", "-qm", "one"),
        (*identity, "commit", "-qm", "two", "--allow-empty"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("words", GROUPS)
def test_lists_of_commands_are_whole_at_80_columns(words: str) -> None:
    """Nothing is cut, nothing is wider, and in the list of all commands each takes one line."""
    listed = said(*words.split(), "--help").partition("Commands:\n")[2]
    assert listed
    assert "..." not in listed
    assert all(len(line) <= 80 for line in listed.splitlines())
    if not words:
        assert len(listed.splitlines()) == len(_guidelog.list_commands(click.Context(_guidelog)))
    assert isinstance(GROUPS[words], CommandGroup)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("aks", "ask"),
        ("asl", "ask"),
        ("chekc", "check"),
        ("what_if", "what-if"),
        ("cohort sumary", "summary"),
        ("cohort wyh", "why"),
        ("diagram pathwy", "pathway"),
        ("export pateint", "patient"),
        ("feedback exprt", "export"),
    ],
)
def test_a_mistyped_command_gets_the_nearest(typed: str, meant: str) -> None:
    *_, wrong = words = typed.split()
    assert f"no such command `{wrong}`; did you mean `{meant}`?" in said(*words)


def test_a_command_like_no_other_gets_no_guess() -> None:
    assert "no such command `frobnicate`\n" in said("frobnicate")


def test_a_table_may_be_called_nearly_like_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no such command" in said("cohort", "sumary", "--out", "answers")
    (tmp_path / "sumary").mkdir()
    assert "no such command" not in said("cohort", "sumary", "--out", "answers")
    assert "no such command" not in said("cohort", "sumary.csv", "--out", "answers")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("mri", "mri_lumbar"),
        ("MRI_lumbar", "mri_lumbar"),
        ("back pain", "low_back_pain"),
        ("lumbar MRI", "mri_lumbar"),
        ("mri_lumbra", "mri_lumbar"),
        ("pain", "low_back_pain"),
        ("weeks", None),
        ("an", None),
        ("", None),
        ("fever", None),
    ],
)
def test_the_nearest_name_is_alike_or_the_only_one_with_these_words(typed: str, near: str | None) -> None:
    names = ("mri_lumbar", "low_back_pain", "symptom_weeks", "care_weeks", "an_x")
    assert nearest(typed, names) == near


def test_names_lists_what_a_patient_file_may_use() -> None:
    everything, some = said("names"), said("names", "weeks", "review")
    assert "red_flags" in everything
    assert "mri_lumbar" in everything
    assert "weeks_since_review  Weeks since the last review (unit week, 0 to 520)" in some
    assert "mri_lumbar" not in some
    kinds = [entry["kind"] for entry in json.loads(said("names", "--format", "json"))]
    assert list(dict.fromkeys(kinds)) == ["finding", "measure", "screen", "intervention"]
    nothing = CliRunner().invoke(_guidelog, ["names", "fever"])
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "no name is about `fever`" in nothing.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    out = tmp_path / "no" / "pathway.svg"
    error = CliRunner().invoke(_guidelog, ["diagram", "pathway", "--out", str(out)]).exception
    assert f"there is no folder `{out.parent}`" in str(error)


def test_a_file_where_a_command_belongs() -> None:
    assert "comes before a file: all, diff, pathway, patient, proof, rules, why-not" in said("diagram", "seed.yaml")
    assert "`kb/x.yaml` is no command; a command comes before a file, such as `ask`" in said("kb/x.yaml")


@pytest.mark.parametrize(("words", "hinted"), [("check mine", True), ("verify mine", True), ("explain GL1 GL2", False)])
def test_a_guideline_given_as_an_argument(words: str, hinted: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    assert stopped.value.code == 2
    assert ("a guideline is given as `-g mine`" in capsys.readouterr().err) is hinted
