"""Mutants of the certificate checker, and what kills them: calls that its tests make, replayed on each mutant.

`record(files)` runs test files once and keeps every call of `read_rules`, `check` and `read_json` with its outcome.
`mutants()` changes one place of the checker's source at a time. A mutant is killed when some recorded call comes out
otherwise. `python tests/support/checker_mutation.py` runs all of them and prints the survivors; a sample is part of the
tests. Mutants that are equivalent to the checker are listed here with the reason, and in docs/trust.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import functools
import importlib.util
import itertools
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CHECKER = HERE.parents[1] / "engine" / "checker"
MODULES = ("syntax", "grounding", "record", "cases", "steps")
TESTS = (
    HERE.parent / "checker" / "test_checker.py",
    HERE.parent / "checker" / "test_cases.py",
    HERE.parent / "checker" / "test_cautions.py",
    HERE.parent / "checker" / "test_wrong_proofs.py",
    HERE.parent / "language" / "test_readers.py",
    HERE.parent / "semantics" / "test_precedence.py",
)
EQUIVALENTS = HERE / "checker_equivalents.toml"
SECONDS = 5
"""A mutant counts as killed when one call takes so long."""

Json = Any


@dataclass(slots=True)
class Call:
    """A call of the checker: its name, what it was given, and what came out."""

    name: str
    given: tuple[Any, ...]
    outcome: Any
    kills: int = 0


@dataclass(frozen=True, slots=True)
class Mutant:
    """The source of a module with one change."""

    module: str
    line: int
    before: str
    after: str
    place: int = field(repr=False)
    change: Callable[[Any], Any] = field(repr=False)

    @property
    def source(self) -> str:
        """The module's source with the change."""
        tree = copy.deepcopy(_tree(self.module))
        node = next(itertools.islice(ast.walk(tree), self.place, None))
        other = self.change(node)
        if _replaces(node, other):
            _replace(tree, node, other)
        return ast.unparse(ast.fix_missing_locations(tree))

    @property
    def key(self) -> str:
        """What it is known by whatever line it stands in."""
        return f"{self.module}: {self.before} -> {self.after}"


# ---------------------------------------------------------------- recording


def outcome_of(checker: types.ModuleType, name: str, given: tuple[Any, ...], books: dict[Any, Any]) -> Any:
    """What a call comes to: a value, or the kind of exception (its words may change)."""
    try:
        if name == "read_rules":
            book = checker.read_rules(*given)
            return "read", book.sha256, book.program_sha256, dict(book.readings)
        if name == "read_json":
            return "json", repr(checker.read_json(*given))
        document, files, readings, record, guideline = given
        key = files, readings
        if key not in books:
            books[key] = checker.read_rules(dict(files), dict(readings))
        return "claims", repr(checker.check(document, books[key], record, guideline))
    except checker.Rejected:
        return "rejected"
    except RecursionError:
        return "recursion"
    except ValueError:
        return "error"


def recording(target: Path, files: list[str]) -> None:
    """Run test files in this process and write every call that they make of the checker."""
    import pytest

    from guidelog import checker, compiled

    calls: dict[bytes, Call] = {}
    books: dict[Any, Any] = {}
    read: dict[int, tuple[Any, Any, Any]] = {}
    plain, judge, parse = checker.read_rules, checker.check, checker.read_json

    def keep(name: str, *given: Any) -> None:
        with contextlib.suppress(Exception):
            packed = pickle.dumps((name, given))
            if len(packed) < 300_000 and packed not in calls:
                name, given = pickle.loads(packed)  # noqa: S301 -- made a line above; later changes must not reach it
                calls[packed] = Call(name, given, outcome_of(checker_apart, name, given, books))

    def read_rules(files: Any, readings: Any) -> Any:
        keep("read_rules", dict(files), dict(readings))
        book = plain(files, readings)
        read[id(book)] = (tuple(files.items()), tuple(readings.items()), book)
        return book

    def check(document: Any, rulebook: Any, record: Any, guideline: Any = None) -> Any:
        if id(rulebook) in read:
            keep("check", document, *read[id(rulebook)][:2], record, guideline)
        return judge(document, rulebook, record, guideline)

    def read_json(text: Any) -> Any:
        keep("read_json", text)
        return parse(text)

    checker_apart = load({})
    checker.read_rules, checker.check, checker.read_json = read_rules, check, read_json  # type: ignore[assignment]
    compiled.read_rules = read_rules  # type: ignore[attr-defined]
    pytest.main(["-q", "-p", "no:cacheprovider", *files])
    target.write_bytes(pickle.dumps([(call.name, call.given, call.outcome) for call in calls.values()]))


def record(files: tuple[Path, ...] = TESTS) -> list[Call]:
    """The calls that test files make, recorded in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "calls"
        found = [str(file) for file in files if file.exists()]
        subprocess.run(
            [sys.executable, __file__, "--record", str(target), *found], check=True, stdout=subprocess.DEVNULL
        )
        return [Call(*parts) for parts in pickle.loads(target.read_bytes())]  # noqa: S301 -- written by the process above


# ---------------------------------------------------------------- mutants

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Div: ast.Mult,
}  # fmt: skip
CALLED = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}


def changes(node: ast.AST) -> Iterator[Callable[[Any], Any]]:
    """Functions that change a copy of a node, in place or to another node."""
    match node:
        case ast.Compare(ops=ops):
            for place in range(len(ops)):
                yield lambda n, place=place: n.ops.__setitem__(place, COMPARED[type(n.ops[place])]())
        case ast.BinOp(op=operator) if type(operator) in COMPUTED:
            yield lambda n: setattr(n, "op", COMPUTED[type(n.op)]())
            yield lambda n: n.left
        case ast.AugAssign(op=operator) if type(operator) in COMPUTED:
            yield lambda n: setattr(n, "op", COMPUTED[type(n.op)]())
        case ast.BoolOp(values=values):
            yield lambda n: setattr(n, "op", ast.And() if isinstance(n.op, ast.Or) else ast.Or())
            for place in range(len(values)):
                yield lambda n, place=place: n.values.pop(place)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield lambda n: n.operand
        case ast.Constant():
            yield from constants(node.value)
        case _:
            yield from flow(node)


def constants(value: object) -> Iterator[Callable[[Any], Any]]:
    """Changes of a constant."""
    if isinstance(value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif isinstance(value, int):
        yield lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(value, str):
        yield lambda n: setattr(n, "value", n.value + "X")


def flow(node: ast.AST) -> Iterator[Callable[[Any], Any]]:
    """Changes of conditions, calls and what is returned."""
    match node:
        case ast.If() | ast.While():
            yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        case ast.IfExp():
            yield lambda n: n.body
            yield lambda n: n.orelse
        case ast.Call(func=ast.Name(id="require"), args=[_, _]):
            yield lambda n: n.args.__setitem__(0, ast.Constant(True))
        case ast.Call(func=ast.Name(id=name)) if name in CALLED:
            yield lambda n: setattr(n.func, "id", CALLED[n.func.id])
        case ast.Return(value=ast.expr()):
            yield lambda n: setattr(n, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call(func=ast.Attribute())):
            yield lambda n: ast.Pass()
        case ast.comprehension(ifs=[_, *_]):
            yield lambda n: n.ifs.pop()


def is_words(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a constant is a docstring, a message or an annotation: changing it changes nothing that is checked."""
    parent: ast.AST | None = node
    while parent is not None and not isinstance(parent, ast.stmt):
        above = parents.get(parent)
        message = isinstance(above, ast.Call) and isinstance(above.func, ast.Name)
        message = message and above.func.id in ("require", "Rejected", "ValueError")  # type: ignore[union-attr]
        if message and parent is above.args[-1]:  # type: ignore[union-attr]
            return True
        if isinstance(above, ast.arg | ast.AnnAssign | ast.FunctionDef) and parent in (
            getattr(above, "annotation", None),
            getattr(above, "returns", None),
        ):
            return True
        parent = above
    return isinstance(parent, ast.Expr) and isinstance(parent.value, ast.Constant)


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse((CHECKER / f"{module}.py").read_text(encoding="utf-8"))


def mutants(modules: tuple[str, ...] = MODULES) -> list[Mutant]:
    """Every mutant of the checker's modules, in order."""
    found = []
    for module in modules:
        tree = _tree(module)
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for place, node in enumerate(ast.walk(tree)):
            if is_words(node, parents) or _is_alias(node, parents):
                continue
            line = getattr(node, "lineno", 0) or getattr(getattr(node, "target", None), "lineno", 0)
            for change in changes(node):
                changed = copy.deepcopy(node)
                other = change(changed)
                before, after = ast.unparse(node), ast.unparse(other if _replaces(changed, other) else changed)
                if before != after:
                    found.append(Mutant(module, line, before, after, place, change))
    return found


def _replaces(node: ast.AST, other: Any) -> bool:
    """Whether a change gave another node, and did not change the node in place."""
    return isinstance(other, ast.AST) and not isinstance(node, ast.BoolOp | ast.comprehension)


def _is_alias(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether it stands in a type alias, or subscripts a type."""
    while node in parents:
        above = parents[node]
        if isinstance(above, ast.AnnAssign) and "TypeAlias" in ast.dump(above.annotation):
            return True
        inside = isinstance(above, ast.Subscript) and node is above.slice and isinstance(above.value, ast.Name)
        if inside and above.value.id in ("list", "dict", "set", "tuple"):
            return True
        node = above
    return False


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is old for item in value):
                setattr(parent, name, [new if item is old else item for item in value])


def load(changed: dict[str, str]) -> types.ModuleType:
    """The checker as a package of its own, with other source for some modules."""
    name = f"checker_{random.randrange(10**12)}"
    package = types.ModuleType(name)
    package.__path__ = [str(CHECKER)]
    sys.modules[name] = package
    for module in MODULES:
        text = changed.get(module) or (CHECKER / f"{module}.py").read_text(encoding="utf-8")
        spec = importlib.util.spec_from_loader(f"{name}.{module}", loader=None)
        assert spec is not None
        made = importlib.util.module_from_spec(spec)
        made.__package__ = name
        sys.modules[f"{name}.{module}"] = made
        exec(compile(text, f"{module}.py", "exec"), made.__dict__)  # noqa: S102 -- a mutant of our own source
        setattr(package, module, made)
    for module, names in {
        "syntax": ["Rejected"],
        "grounding": ["read_rules"],
        "steps": ["check"],
        "record": ["read_json"],
    }.items():
        for attribute in names:
            setattr(package, attribute, getattr(getattr(package, module), attribute))
    return package


class _Hangs(BaseException):
    pass


def _ring(_signal: int, _frame: object) -> None:
    raise _Hangs


def killed(mutant: Mutant, calls: list[Call]) -> bool:
    """Whether some call comes out otherwise, or does not end; those that killed others are tried first."""
    signal.signal(signal.SIGPROF, _ring)
    books: dict[Any, Any] = {}
    modules = set(sys.modules)
    try:
        made = load({mutant.module: mutant.source})
        for call in calls:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)  # seconds of this process, however busy the machine is
            if outcome_of(made, call.name, call.given, books) != call.outcome:
                call.kills += 1
                return True
    except (_Hangs, Exception):  # noqa: BLE001 -- a mutant may fail in any way
        return True
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        for name in set(sys.modules) - modules:
            if name.startswith("checker_"):
                del sys.modules[name]
    return False


def equivalents() -> dict[str, str]:
    """Mutants that mean the same as the checker, each with the reason."""
    found = tomllib.loads(EQUIVALENTS.read_text(encoding="utf-8"))["equivalent"] if EQUIVALENTS.exists() else []
    return {entry["mutant"]: entry["reason"] for entry in found}


def survivors(chosen: list[Mutant], calls: list[Call]) -> list[Mutant]:
    """Those that nothing kills and that are not known to be equivalent."""
    known, left = equivalents(), []
    for mutant in chosen:
        calls.sort(key=lambda call: -call.kills)
        if mutant.key not in known and not killed(mutant, calls):
            left.append(mutant)
    return left


def main() -> int:
    """Run all mutants, or those of some modules, and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--module", action="append", choices=MODULES)
    parser.add_argument("--part", default="0/1", help="a part of the mutants: 0/2 and 1/2 run on two cores")
    asked = parser.parse_args()
    if asked.record:
        recording(Path(asked.record[0]), asked.record[1:])
        return 0
    part, of = map(int, asked.part.split("/"))
    started = time.monotonic()
    calls = record()
    chosen = mutants(tuple(asked.module or MODULES))[part::of]
    left = survivors(chosen, calls)
    for mutant in left:
        sys.stdout.write(f"{mutant.module}:{mutant.line}: {mutant.before!r} -> {mutant.after!r}\n")
    known = len({m.key for m in chosen} & equivalents().keys())
    seconds = time.monotonic() - started
    said = f"{len(chosen)} mutants, {known} equivalent, {len(left)} survivors, {len(calls)} calls, {seconds:.0f} s\n"
    sys.stdout.write(said)
    return 1 if left else 0


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent / "cohort")]
    sys.modules.setdefault("checker_mutation", sys.modules["__main__"])
    sys.exit(main())
