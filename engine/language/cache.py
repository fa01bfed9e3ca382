"""Checked programs kept between runs, because reading rule text is most of what a command's start costs.

A program is kept under the hash of its rule files and of guidelog's version, as plain JSON in the user's cache folder
(`GUIDELOG_CACHE` names another, `off` does without). Only programs without errors are kept; warnings are
not, and `check` looks for them anew. No patient data ever is.

A kept program is used only where it was written by the same user with the secret of the folder, and where nobody else
may write there. Beyond that, what the engine makes of a program, wording and all, is compared with what the certificate
checker makes of the rule text itself, so that an answer from anything else is not shown. Whatever goes wrong here costs
time, never an answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from guidelog import __version__
from guidelog.files import make_folder, write_bytes
from guidelog.source import Source, Span

from . import tree
from .guideline import GuidelineFolder

_CLASSES: tuple[type[Any], ...] = (
    tree.Variable,
    tree.Symbol,
    tree.Number,
    tree.Text,
    tree.Range,
    tree.Arithmetic,
    tree.Negative,
    tree.Atom,
    tree.Literal,
    tree.Comparison,
    tree.Member,
    tree.AtLeast,
    tree.Key,
    tree.ListValue,
    tree.Attribute,
    tree.Parameter,
    tree.Declaration,
    tree.Rule,
)
_NUMBER = {cls: number for number, cls in enumerate(_CLASSES)}
_TUPLE, _SPAN = -1, -2
MOST_KEPT = 40
SECRET = "secret"


def load(guideline: GuidelineFolder) -> tree.Program | None:
    """The checked program of a guideline, if an earlier run of the same user kept it."""
    folder = _folder()
    if folder is None:
        return None
    try:
        secret = _private(folder / SECRET, folder)
        proof, _, text = _private(_place(folder, guideline, secret), folder).partition(b"\n")
        if not hmac.compare_digest(proof, _authenticated(secret, text)):
            return None
        statements = tuple(_decode(item, guideline.sources) for item in json.loads(text))
    except (OSError, ValueError, TypeError, IndexError, RecursionError):
        return None
    if not statements or not all(isinstance(s, tree.Declaration | tree.Rule) for s in statements):
        return None
    return tree.Program(statements, guideline.sources)


def store(guideline: GuidelineFolder, program: tree.Program) -> None:
    """Keep a program that has no errors; silently not, where that cannot be."""
    folder = _folder()
    if folder is None:
        return
    numbers = {source.name: number for number, source in enumerate(guideline.sources)}
    with contextlib.suppress(OSError):
        make_folder(folder)
        if not (folder / SECRET).exists():
            write_bytes(folder / SECRET, secrets.token_hex(32).encode())
        secret = _private(folder / SECRET, folder)
        content = [_encode(s, numbers) for s in program.statements]
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        write_bytes(_place(folder, guideline, secret), _authenticated(secret, text) + b"\n" + text)
        _prune(folder)


def _folder() -> Path | None:
    chosen = os.environ.get("GUIDELOG_CACHE")
    if chosen == "off":
        return None
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(chosen) if chosen else (Path(base) if base else Path.home() / ".cache") / "guidelog"
    except RuntimeError:
        return None


def _private(path: Path, folder: Path) -> bytes:
    """The content of a file that only we may have written. Raises OSError where somebody else may."""
    with path.open("rb") as file:
        for status in (os.fstat(file.fileno()), folder.stat()):
            ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
            if not ours or (os.name == "posix" and status.st_mode & 0o022):
                raise PermissionError(f"`{path}` may have been written by somebody else")
        return file.read()


def _place(folder: Path, guideline: GuidelineFolder, secret: bytes) -> Path:
    """Where a program is kept, under a name that nobody can foretell."""
    return folder / f"{_authenticated(secret, _key(guideline).encode()).decode()[:40]}.json"


def _authenticated(secret: bytes, content: bytes) -> bytes:
    return hmac.new(secret, content, "sha256").hexdigest().encode()


def _key(guideline: GuidelineFolder) -> str:
    """What a kept program depends on: rule text, references, and the code that reads and checks."""
    here = Path(__file__).parent
    code = [*here.iterdir(), *(here.parent / "checks").rglob("*")]
    newest = max(path.stat().st_mtime_ns for path in code if path.suffix in (".py", ".lark"))
    names = [source.name for source in guideline.sources]
    parts = [guideline.sha256, sorted(guideline.references), sorted(guideline.unresolved), names, newest, __version__]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _prune(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in kept[MOST_KEPT:]:
        old.unlink(missing_ok=True)


def _encode(value: Any, numbers: dict[str, int]) -> Any:
    """A node as a list: class number, then its fields; tuples and spans likewise."""
    if isinstance(value, tuple):
        return [_TUPLE, *(_encode(item, numbers) for item in value)]
    if isinstance(value, Span):
        return [_SPAN, numbers[value.source.name], value.start, value.end]
    number = _NUMBER.get(type(value))
    if number is None:
        return value
    return [number, *(_encode(getattr(value, name), numbers) for name in _FIELDS[number])]


_FIELDS: tuple[tuple[str, ...], ...] = tuple(tuple(f.name for f in fields(cls)) for cls in _CLASSES)


def _decode(item: Any, sources: Sequence[Source]) -> Any:
    if type(item) is not list:
        return item
    kind = item[0]
    if kind == _SPAN:
        return Span(sources[item[1]], item[2], item[3])
    parts = [_decode(part, sources) if type(part) is list else part for part in item[1:]]
    if kind == _TUPLE:
        return tuple(parts)
    make: Callable[..., Any] = _CLASSES[kind]
    return make(*parts)
