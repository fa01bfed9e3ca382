"""A version of a guideline: a folder, or a git revision `REV[:folder]` of the repository one stands in.

Git is only read, with a fixed list of arguments; a revision is written into a temporary folder, because everything
else reads folders. What a revision or a path may be called is checked first.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from guidelog.diagnostics import InputError
from guidelog.language.guideline import METADATA, GuidelineFolder, find_folder, read_guideline
from guidelog.source import Source

from .declared import CHANGES

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./~^@{}-]*")
_READ = (".dl", ".toml", CHANGES)


@dataclass(frozen=True)
class Version:
    """A guideline, the folder that it was read from, and what the user called it."""

    guideline: GuidelineFolder
    folder: Path
    name: str


def read_version(what: str, scratch: Path) -> Version:
    """The guideline in a folder, of a name in `kb/`, or of a git revision. `scratch` is a folder to write into.

    Raises InputError (GL6xx, GL831 to GL834).
    """
    if (Path(what) / METADATA).is_file():
        return Version(read_guideline(Path(what)), Path(what), what)
    revision, _, path = what.partition(":")
    if Path(what).exists() or not _REVISION.fullmatch(revision) or not _is_revision(revision):
        try:
            folder = find_folder(what)
        except InputError as error:
            raise InputError.of(
                "GL831",
                f"`{what}` is neither a guideline nor a git revision",
                hint="write a folder, a revision such as `HEAD~1`, or `HEAD~1:folder`",
            ) from error
        return Version(read_guideline(folder), folder, what)
    inside = _folder(revision, path)
    target = scratch / re.sub(r"\W+", "-", what)
    for name in _git("ls-tree", "--name-only", f"{revision}:{inside}").decode().splitlines():
        if name.endswith(_READ):
            target.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(_git("cat-file", "blob", f"{revision}:{inside}/{name}"))
    guideline = read_guideline(target)
    sources = tuple(Source(f"{revision}:{inside}/{n}", text) for n, text in sorted(guideline.files.items()))
    return Version(replace(guideline, sources=sources), target, what)


def _folder(revision: str, path: str) -> str:
    """The guideline folder in a revision, from the top of the repository.

    Where none is named it is the only one, or the only one in `kb/`.
    """
    if path:
        prefix = _git("rev-parse", "--show-prefix").decode().strip()
        inside = path.strip("/") if path.startswith("/") else f"{prefix}{path.removeprefix('./')}".strip("/")
        if "\0" in inside or f"{inside}/{METADATA}" not in _tree(revision):
            raise InputError.of("GL832", f"`{revision}` has no guideline folder `{path}`")
        return inside
    found = [name.removesuffix(f"/{METADATA}") for name in _tree(revision) if name.endswith(f"/{METADATA}")]
    shipped = [name for name in found if name.startswith("kb/")]  # others are examples, as tests have
    found = shipped if len(shipped) == 1 else found
    if len(found) != 1:
        hint = f"say which: {', '.join(f'`{revision}:{name}`' for name in found[:5])}" if found else None
        raise InputError.of("GL833", f"`{revision}` has {len(found) or 'no'} guideline folders", hint=hint)
    return found[0]


def _tree(revision: str) -> list[str]:
    return _git("ls-tree", "-r", "--full-tree", "--name-only", "-z", revision).decode().rstrip("\0").split("\0")


def _is_revision(revision: str) -> bool:
    try:
        _git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except InputError:
        return False
    return True


def _git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with checked arguments, no shell
            ["git", "--no-pager", *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise InputError.of("GL834", "git cannot be run here") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError.of("GL834", f"git: {reason[-1].removeprefix('fatal: ') if reason else 'failed'}")
    return done.stdout
