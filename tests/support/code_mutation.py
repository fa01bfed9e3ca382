"""Mutants of the code that decides, and the tests that have to notice them: a maintainer's command, and a sample in CI.

One place of one module is changed at a time: a comparison, a connective, a constant, a call, a statement. The tests that
guard the module run in a process of their own on the changed source; the files on disk stay as they are. A mutant that
no test notices is a survivor: a missing test, or a change that means the same, listed with its reason in
`code_equivalents.toml` and told in docs/trust.md.

    python tests/support/code_mutation.py                    # everything; hours
    python tests/support/code_mutation.py --module semantics.status --sample 20 --seed 1
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EQUIVALENTS = HERE / "code_equivalents.toml"
SECONDS = 300
"""After so long a mutant that hangs counts as noticed."""

GUARDS: dict[str, tuple[str, ...]] = {
    "semantics.status": (
        "tests/semantics/test_precedence.py",
        "tests/verify/test_cautions.py",
        "tests/verify/test_verify.py",
    ),
    "semantics.background": (
        "tests/semantics/test_remarks.py",
        "tests/semantics/test_conformance.py",
        "tests/verify/test_verify.py",
    ),
    "semantics.kleene": ("tests/semantics/test_conformance.py", "tests/semantics/test_precedence.py"),
    "semantics.circuit": ("tests/verify/test_diff.py", "tests/cohort/test_meaning.py"),
    "semantics.plan": ("tests/semantics/test_engines.py", "tests/cohort/test_meaning.py", "tests/verify/test_diff.py"),
    "semantics.one_patient": ("tests/semantics/test_engines.py", "tests/verify/test_diff.py"),
    "datalog.strata": ("tests/semantics/test_conformance.py", "tests/checks/test_bad.py"),
    "datalog.doubled": ("tests/semantics/test_conformance.py", "tests/semantics/test_precedence.py"),
    "patients.facts": ("tests/patients", "tests/verify/test_diff_records.py"),
    "patients.values": ("tests/patients",),
    "patients.record": ("tests/patients",),
    "solver.inputs": ("tests/verify/test_verify.py", "tests/verify/test_dates.py"),
    "solver.records": ("tests/verify/test_verify.py", "tests/verify/test_diff_records.py"),
    "solver.linear": ("tests/verify/test_dates.py", "tests/verify/test_verify.py"),
    "web.hooks.cards": ("tests/web/test_hooks.py",),
    "web.hooks.trust": ("tests/web/test_hooks_trust.py",),
    "web.middleware": ("tests/web/test_service.py", "tests/web/test_fuzz.py"),
    "files": ("tests/project/test_files.py",),
}
"""The modules that decide, each with the tests that guard it, the quickest first."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_CALLED = {"any": "all", "all": "any", "min": "max", "max": "min"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change."""

    module: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)

    @property
    def key(self) -> str:
        """What it is known by, whatever line it stands in."""
        return f"{self.module}: {self.before} -> {self.after}"


def mutants(module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    silent = set(_said_only(tree))
    found = []
    for number, node in enumerate(ast.walk(tree)):
        if node not in silent:
            for change in _changes(node):
                made = _changed(module, tree, number, change)
                if made is not None:
                    found.append(made)
    return sorted(found, key=lambda m: (m.line, m.before, m.after))


def _path(module: str) -> Path:
    return ROOT / "engine" / Path(*module.split(".")).with_suffix(".py")


def _said_only(tree: ast.Module) -> Iterator[ast.AST]:
    """What is for people or for the type checker: docstrings, annotations, messages of exceptions, `assert`."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Raise() | ast.Assert():
                parts = [node]
            case ast.AnnAssign(annotation=annotation):
                parts = [annotation, *([node] if "TypeAlias" in ast.dump(annotation) else [])]
            case ast.arg(annotation=annotation):
                parts = [annotation]
            case ast.FunctionDef(returns=returns, decorator_list=decorators):
                parts = [returns, *decorators]
            case ast.ClassDef(decorator_list=decorators):
                parts = [*decorators]
        for part in parts:
            if part is not None:
                yield from ast.walk(part)


def _changes(node: ast.AST) -> Iterator[Callable[[Any], Any]]:
    """Functions that change a copy of a node, in place or to another one."""
    match node:
        case ast.Compare(ops=ops):
            for place, operator in enumerate(ops):
                other = _COMPARED[type(operator)]
                yield lambda n, place=place, other=other: n.ops.__setitem__(place, other())
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in _COMPUTED:
            yield lambda n: setattr(n, "op", _COMPUTED[type(n.op)]())
        case ast.BoolOp(values=values):
            yield lambda n: setattr(n, "op", ast.And() if isinstance(n.op, ast.Or) else ast.Or())
            for place in range(len(values)):
                yield lambda n, place=place: n.values.pop(place)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield lambda n: n.operand
        case ast.Constant(value=bool()):
            yield lambda n: setattr(n, "value", not n.value)
        case ast.Constant(value=int()):
            yield lambda n: setattr(n, "value", n.value + 1)
        case ast.If() | ast.While() | ast.IfExp():
            yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        case ast.Call(func=ast.Name(id=name)) if name in _CALLED:
            yield lambda n: setattr(n.func, "id", _CALLED[n.func.id])
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield lambda n: setattr(n, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield lambda _: ast.Pass()
        case ast.comprehension(ifs=[_, *_]):
            yield lambda n: n.ifs.pop()
        case ast.Continue():
            yield lambda _: ast.Break()


def _changed(module: str, tree: ast.Module, number: int, change: Callable[[Any], Any]) -> Mutant | None:
    copied = copy.deepcopy(tree)
    node = next(n for place, n in enumerate(ast.walk(copied)) if place == number)
    before, other = ast.unparse(node), change(node)
    if isinstance(other, ast.AST) and not isinstance(node, ast.BoolOp | ast.comprehension):
        _Replaced(node, other).visit(copied)
    else:
        other = node
    after = ast.unparse(ast.fix_missing_locations(other))
    line = getattr(node, "lineno", 0) or getattr(getattr(node, "target", None), "lineno", 0)
    source = ast.unparse(ast.fix_missing_locations(copied))
    return None if before == after else Mutant(module, line, before[:200], after[:200], source)


class _Replaced(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


# ---------------------------------------------------------------- running

_RUN = """
import importlib.abc, importlib.machinery, importlib.util, sys
name, path, origin, *arguments = sys.argv[1:]

class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    def find_spec(self, wanted, _path, _target=None):
        if wanted == name:
            return importlib.util.spec_from_file_location(name, origin, loader=self)
    def get_filename(self, _name): return origin
    def get_data(self, asked):
        with open(path if asked == origin else asked, "rb") as file:
            return file.read()
    def path_stats(self, _path): raise OSError

sys.dont_write_bytecode = True
sys.meta_path.insert(0, Changed())
import pytest
sys.exit(pytest.main(arguments))
"""


def noticed(mutant: Mutant, tests: Sequence[str] | None = None) -> bool:
    """Whether some test fails on it. Test processes that are started by tests see the module unchanged."""
    with tempfile.TemporaryDirectory(prefix="guidelog-mutant-") as folder:
        path = Path(folder) / "changed.py"
        path.write_text(mutant.source, encoding="utf-8")
        for test in tests or GUARDS[mutant.module]:
            given = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", str(ROOT / test)]
            command = [sys.executable, "-c", _RUN, f"guidelog.{mutant.module}", str(path), str(_path(mutant.module))]
            try:
                done = subprocess.run(command + given, cwd=ROOT, capture_output=True, check=False, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                return True
            if done.returncode:
                return True
    return False


def equivalents() -> dict[str, str]:
    """Survivors that mean the same, or nearly, each with the reason."""
    if not EQUIVALENTS.exists():
        return {}
    return {entry["mutant"]: entry["reason"] for entry in tomllib.loads(EQUIVALENTS.read_text("utf-8"))["equivalent"]}


def survivors(chosen: Sequence[Mutant]) -> Iterator[Mutant]:
    """Those that no test notices and nobody has explained."""
    known = equivalents()
    for mutant in chosen:
        if mutant.key not in known and not noticed(mutant):
            yield mutant


def sample(modules: Sequence[str], number: int | None, seed: int) -> list[Mutant]:
    """So many mutants of each module, or all."""
    found: list[Mutant] = []
    for module in modules:
        made = mutants(module)
        found += made if number is None else random.Random(f"{seed} {module}").sample(made, min(number, len(made)))
    return found


def say(line: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run mutants and print the survivors."""
    parser = argparse.ArgumentParser(description="Which changes of the code that decides does no test notice?")
    parser.add_argument("--module", action="append", choices=sorted(GUARDS), help="only this one; may be repeated")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of each module, in place of all")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    started = time.monotonic()
    chosen = sample(asked.module or list(GUARDS), asked.sample, asked.seed)
    left = 0
    for mutant in survivors(chosen):
        left += 1
        say(f"{mutant.module}:{mutant.line}: {mutant.before!r} -> {mutant.after!r}")
    known = sum(m.key in equivalents() for m in chosen)
    say(f"{len(chosen)} mutants, {known} explained, {left} survivors, {time.monotonic() - started:.0f} s")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
