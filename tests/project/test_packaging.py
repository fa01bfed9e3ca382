"""What is installed is what is in the tree: the wheel, the commands, the lock file, and the checker's independence."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import guidelog

TOP = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
LOCK: dict[str, Any] = tomllib.loads((TOP / "uv.lock").read_text(encoding="utf-8"))
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "engine", "docs/codes", "kb")
SEED = "kb/lumbar_radiculopathy/vignettes/seed.yaml"


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with nothing of this process's environment that could point at the checkout."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def files_of_tree() -> set[str]:
    """Every file of engine/ and kb/ under the name that it has once installed."""
    found = set()
    for folder, package in (("engine", "guidelog"), ("docs/codes", "guidelog/codes"), ("kb", "guidelog/kb")):
        for path in (TOP / folder).rglob("*"):
            inside = path.relative_to(TOP / folder)
            if path.is_file() and path.suffix != ".pyc" and not any(part.startswith(".") for part in inside.parts):
                found.add(f"{package}/{inside.as_posix()}")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution of a copy of the tree, without the registry."""
    copy = tmp_path_factory.mktemp("copy")
    for name in BUILT_FROM:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(TOP / name, copy / name)
    built = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", cwd=copy)
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = (copy / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation; a wheel of plain Python is one once unpacked."""
    folder = tmp_path_factory.mktemp("site packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def guidelog_from(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`guidelog ARGUMENTS` of an installation, run somewhere else."""
    start = (
        "import sys, pathlib, guidelog, guidelog.cli\n"
        "assert pathlib.Path(guidelog.__file__).is_relative_to(sys.argv[1]), guidelog.__file__\n"
        "guidelog.cli.main(sys.argv[2:])"
    )
    return run(sys.executable, "-c", start, folder, *arguments, cwd=folder.parent, PYTHONPATH=str(folder))


def test_the_wheel_has_every_file_of_the_tree_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert sorted(packed) == sorted(files_of_tree())


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in (TOP / "engine").rglob("*.py")}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_the_wheel_names_its_version_licence_and_command(installed: Path) -> None:
    [info] = installed.glob("*.dist-info")
    metadata = (info / "METADATA").read_text(encoding="utf-8").splitlines()
    assert f"Version: {guidelog.__version__}" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert (info / "licenses" / "LICENSE").read_bytes() == (TOP / "LICENSE").read_bytes()
    assert "guidelog = guidelog.cli:main" in (info / "entry_points.txt").read_text(encoding="utf-8").splitlines()


def test_the_installed_wheel_answers(installed: Path) -> None:
    asked = guidelog_from(installed, "ask", installed / "guidelog" / SEED)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.strip()


def test_the_installed_wheel_says_its_version(installed: Path) -> None:
    asked = guidelog_from(installed, "--version")
    assert asked.returncode == 0, asked.stderr
    assert guidelog.__version__ in asked.stdout


def test_the_guidelog_command() -> None:
    asked = run(Path(sys.executable).parent / "guidelog", "--version", cwd=TOP)
    assert asked.returncode == 0, asked.stderr
    assert guidelog.__version__ in asked.stdout


def test_the_command_from_a_checkout(tmp_path: Path) -> None:
    asked = run(sys.executable, TOP / "cli.py", "--help", cwd=tmp_path)
    assert asked.returncode == 0, asked.stderr
    assert "ask" in asked.stdout


def test_run_explains_itself_from_any_folder(tmp_path: Path) -> None:
    asked = run("sh", TOP / "run", cwd=tmp_path)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "./run demo" in asked.stdout
    assert "./run test" in asked.stdout


def test_run_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    asked = run("sh", TOP / "run", "dmeo", cwd=tmp_path)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "./run demo" in asked.stderr


def requirements(lines: list[str]) -> set[tuple[str, str]]:
    """Names and versions that are asked for."""
    return {(canonicalize_name(asked.name), str(asked.specifier)) for asked in map(Requirement, lines)}


def locked_requirements(entries: list[dict[str, str]]) -> set[tuple[str, str]]:
    """Names and versions that were asked for when the lock file was written."""
    return requirements([entry["name"] + entry.get("specifier", "") for entry in entries])


def test_the_lock_file_is_that_of_the_project_file() -> None:
    [own] = [package for package in LOCK["package"] if package["name"] == "guidelog"]
    metadata = own["metadata"]
    always = [entry for entry in metadata["requires-dist"] if "extra" not in entry.get("marker", "")]
    assert locked_requirements(always) == requirements(PROJECT["project"]["dependencies"])
    assert {group: locked_requirements(entries) for group, entries in metadata["requires-dev"].items()} == {
        group: requirements(entries) for group, entries in PROJECT["dependency-groups"].items()
    }
    assert LOCK["requires-python"] == PROJECT["project"]["requires-python"]


def test_the_lock_file_works_on_any_machine() -> None:
    """One public index, nothing on a local path, no name or password in an address."""
    sources = [package["source"] for package in LOCK["package"] if package["name"] != "guidelog"]
    indexes = {source.get("registry", str(source)) for source in sources}
    assert len(indexes) == 1, indexes
    assert [index for index in indexes if not re.fullmatch(r"https://[^@/:]+/simple", index)] == []
    files = [file for package in LOCK["package"] for file in (*package.get("wheels", ()), package.get("sdist")) if file]
    assert [file for file in files if not re.match(r"https://[^@/:]+/", file["url"]) or not file.get("hash")] == []


def foreign_imports(place: Path) -> list[str]:
    """What a module, or all modules of a package, import from neither themselves nor the standard library."""
    found = []
    for module in [*place.rglob("*.py")] if place.is_dir() else [place]:
        depth = len(module.relative_to(place).parts) if place.is_dir() else 0
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.level == 0 or node.level > depth):
                found.append("." * node.level + (node.module or ""))
    return [name for name in found if name.split(".")[0] not in sys.stdlib_module_names]


def test_the_certificate_checker_imports_the_standard_library_only() -> None:
    """The import contract knows guidelog's own modules; this rules out all other packages too."""
    package = TOP / "engine" / "checker"
    assert foreign_imports(package) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import guidelog", "guidelog"),
        ("import lark.lexer", "lark.lexer"),
        ("from yaml import load", "yaml"),
        ("from . import writer", "."),
        ("from ..tree import Rule", "..tree"),
    ],
)
def test_a_checker_that_imports_something_else_is_seen(tmp_path: Path, line: str, name: str) -> None:
    module = tmp_path / "checker.py"
    module.write_text(f"import json\nfrom hashlib import sha256\n\n\ndef f() -> None:\n    {line}\n", encoding="utf-8")
    assert foreign_imports(module) == [name]
