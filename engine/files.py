"""Files and folders that guidelog writes: whole or not at all, readable by their owner alone unless said otherwise.

`replacing` is the one writer. It writes beside the file under a passing name and puts that in its place when all of it
is written; when anything fails, also when the disk is full or the process is told to end, nothing new is left. A
symbolic link stays a link, and a file that is there keeps its mode. `scratch` is a private folder that is gone
afterwards, and `locked` keeps a second run from an output of several files. Only the standard library, no room of
guidelog: every room may import this. All raise OSError; commands turn it into GL605 with the name of the file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

if sys.platform != "win32":  # there, two runs on one output are not kept apart
    import fcntl

PRIVATE = 0o600
"""The mode of a file about patients."""
PRIVATE_FOLDER = 0o700
"""The mode of a folder about patients."""

_ALIVE = ".alive"
"""In a scratch folder: locked as long as the process that made it lives."""


@contextlib.contextmanager
def replacing(path: Path, *, private: bool = True) -> Iterator[Path]:
    """A path to write, which becomes `path` when the block ends well and is removed when it does not.

    `private`: a new file is for its owner alone; else it gets the usual mode. What is not an ordinary file (a pipe,
    `/dev/stdout`) is written as it stands.

        with replacing(Path("out.csv")) as new:
            new.write_text(text)
    """
    target = Path(os.path.realpath(path))
    try:
        mode: int | None = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        yield target
        return
    if mode is not None and not os.access(target, os.W_OK):  # a rename would not ask
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".new", dir=target.parent)
    os.close(descriptor)
    new = Path(name)
    try:
        yield new
        wanted = stat.S_IMODE(mode) if mode is not None else PRIVATE if private else 0o666 & ~_umask()
        new.chmod(wanted)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes, *, private: bool = True) -> None:
    """Write a whole file (see `replacing`)."""
    with replacing(path, private=private) as new:
        new.write_bytes(content)


def write_text(path: Path, text: str, *, private: bool = True) -> None:
    """Write a whole text as UTF-8, line ends as they are (see `replacing`)."""
    write_bytes(path, text.encode("utf-8"), private=private)


def make_folder(path: Path, *, private: bool = True) -> None:
    """A folder and those above it, where they are not there; a new one is for its owner alone if `private`."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=PRIVATE_FOLDER if private else 0o777, exist_ok=True)


@contextlib.contextmanager
def scratch(prefix: str = "guidelog-") -> Iterator[Path]:
    """A private folder for passing files, gone afterwards.

    One that a killed process had to leave is removed by the next process of the same user that asks for one.
    """
    _sweep(Path(tempfile.gettempdir()), prefix)
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / _ALIVE).open("wb") as alive:
            _lock(alive.fileno())
            yield folder


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else writes this output meanwhile. Raises BlockingIOError when somebody does.

    The mark is the file `.NAME.lock` beside it; it is removed afterwards, and of no account once its process is gone.
    """
    mark = Path(os.path.realpath(path))
    mark = mark.with_name(f".{mark.name}.lock")
    while True:
        descriptor = os.open(mark, os.O_CREAT | os.O_RDWR, PRIVATE)
        if not _lock(descriptor):
            os.close(descriptor)
            raise BlockingIOError(errno.EAGAIN, "another run is writing it", str(path))
        try:
            same = os.path.samestat(os.fstat(descriptor), mark.stat())
        except FileNotFoundError:
            same = False
        if same:
            break
        os.close(descriptor)  # the one before us removed the mark that we have locked
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        os.close(descriptor)


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, so that passing files are removed. For commands."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _sweep(folder: Path, prefix: str) -> None:
    """Remove scratch folders of this user whose process is gone."""
    if sys.platform == "win32":
        return
    for left in folder.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if left.is_symlink() or left.stat().st_uid != os.getuid():
                continue
            with (left / _ALIVE).open("rb") as alive:
                gone = _lock(alive.fileno())
            if gone:
                shutil.rmtree(left, ignore_errors=True)


def _umask() -> int:
    """The process's mask. It can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
