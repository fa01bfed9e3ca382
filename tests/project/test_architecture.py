"""The house: no import circle, no folder too wide to find a module in, no name twice, heavy libraries only where they belong."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

ENGINE = Path(__file__).parents[2] / "engine"
MOST_SIBLINGS = 18
"""Modules and folders side by side; a folder with more has a sub-idea that deserves one of its own."""

A_FILE_EACH = {"cli"}
"""Folders whose files are a list that a user knows: a command each."""

SHARED_NAMES = {"__init__", "__main__", "router", "page"}
"""What a module is called wherever there is one."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path, top: Path = ENGINE) -> str:
    parts = ["guidelog", *path.relative_to(top).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, known: set[str], top: Path = ENGINE) -> Iterator[str]:
    """The modules of the package that a module needs to be imported itself; what is imported late does not count."""
    name = module_of(path, top)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _at_once(tree_of(path).body):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            found = [f"{base}.{alias.name}" for alias in node.names]
            found = [one if one in known else base for one in found]
        yield from (one for one in found if one in known and one != name)


def _at_once(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, without those for the type checker."""
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.If | ast.Try):
            yield from _at_once([*node.body, *node.orelse])
        else:
            yield node


def circles(top: Path) -> list[list[str]]:
    paths = {module_of(path, top): path for path in top.rglob("*.py")}
    graph = nx.DiGraph((name, other) for name, path in paths.items() for other in imports(path, set(paths), top))
    return [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circles(ENGINE) == []


def test_a_circle_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from . import b\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("from guidelog.a import thing\n", encoding="utf-8")
    (tmp_path / "c.py").write_text("def late():\n    from . import a\n", encoding="utf-8")
    assert circles(tmp_path) == [["guidelog.a", "guidelog.b"]]


def test_no_folder_is_too_wide_to_find_a_module_in() -> None:
    folders = [ENGINE, *(p for p in ENGINE.rglob("*") if p.is_dir() and (p / "__init__.py").exists())]
    wide = {
        str(folder.relative_to(ENGINE)): len(inside)
        for folder in folders
        if folder != ENGINE
        and folder.name not in A_FILE_EACH
        and len(
            inside := [
                p
                for p in folder.iterdir()
                if p.name != "__init__.py" and (p.suffix == ".py" or (p / "__init__.py").exists())
            ]
        )
        > MOST_SIBLINGS
    }
    assert wide == {}


def test_a_name_means_one_thing() -> None:
    """A result is called alike where it is worked out, written, drawn and asked for; other names stand twice at most."""
    names = Counter(
        path.stem for path in ENGINE.rglob("*.py") if path.parent.name != "cli" and path.stem not in SHARED_NAMES
    )
    assert {name: n for name, n in names.items() if n > 2 and name not in RESULTS} == {}


RESULTS = {"answers", "why", "why_not", "missing", "what_if", "when"}


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("clingo", {"solver", "datalog", "explain"}),
        ("pyDatalog", {"datalog"}),
        ("duckdb", {"cohort"}),
        ("polars", {"cohort"}),
        ("pyarrow", {"cohort"}),
        ("numpy", {"cohort"}),
        ("pygraphviz", {"diagrams"}),
        ("graphviz", {"diagrams"}),
        ("fastapi", {"web"}),
        ("click", {"cli"}),
    ],
)
def test_a_library_is_used_where_it_belongs(library: str, rooms: set[str]) -> None:
    users = set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            else:
                found = [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module else []
            if any(name.partition(".")[0] == library for name in found):
                users.add(path.relative_to(ENGINE).parts[0])
    assert users, f"{library} is used nowhere"
    assert users <= rooms
