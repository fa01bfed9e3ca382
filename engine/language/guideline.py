"""Find and read a guideline folder: `guideline.toml` and the rule files.

A `GuidelineFolder` is text and metadata, bound by a hash; nothing is parsed here. Whatever is missing or wrong in the
folder is an InputError with the place.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from guidelog.diagnostics import Diagnostic, InputError, hidden_characters, nearest
from guidelog.source import Source

METADATA = "guideline.toml"
PROPERTIES = "properties.dl"
LARGEST_FILE = 5_000_000
MOST_FILES = 500


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of the source's list of references."""

    number: int
    title: str
    publisher: str
    year: int | None


@dataclass(frozen=True)
class GuidelineFolder:
    """A guideline's metadata and rule texts.

    `main` are the interventions that it exists for, `unresolved` the citation numbers that the source's list does not
    have.
    """

    folder: Path
    id: str
    title: str
    version: str
    review: str
    review_note: str
    source: Mapping[str, str]
    references: Mapping[int, Reference]
    unresolved: frozenset[int]
    references_note: str
    unresolved_note: str
    disclaimer: str
    emergency: str
    """Whom to call and what to do first in an emergency; shown before everything else."""
    main: tuple[str, ...]
    readings: Mapping[str, str]
    sources: tuple[Source, ...]
    files: Mapping[str, str]

    @cached_property
    def sha256(self) -> str:
        """The hash of the rule files, as certificates bind it."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            content = self.files[name].encode()
            digest.update(name.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)
        return digest.hexdigest()


def load_guideline(where: str | None = None) -> GuidelineFolder:
    """The guideline in a folder, or the one of that id or folder name in `kb/`.

    Without a name the one whose folder we are in, else the one that `kb/` has.

    Raises InputError (GL6xx).
    """
    return read_guideline(find_folder(where))


def find_folder(where: str | None) -> Path:
    """The folder of a guideline. Raises InputError (GL601) naming the nearest one."""
    if where is not None and (Path(where) / METADATA).is_file():
        return Path(where)
    if where is None and (here := _here()) is not None:
        return here
    shipped = dict(_shipped())
    if where is None:
        if len(shipped) == 1:
            return next(iter(shipped.values()))
        raise InputError.of(
            "GL601", "say which guideline with --guideline", hint=f"there are: {', '.join(sorted(shipped))}"
        )
    name = where.rstrip("/").split("/")[-1].replace("-", "_")
    if name in shipped and "/" not in where.rstrip("/"):
        return shipped[name]
    if Path(where).exists():
        raise InputError.of("GL601", f"`{where}` is not a guideline folder: it has no {METADATA}")
    near = nearest(name, shipped)
    raise InputError.of(
        "GL601",
        f"there is no guideline `{where}`",
        hint=f"did you mean `{near}`?" if near else f"there are: {', '.join(sorted(shipped))}",
    )


def _here() -> Path | None:
    """The guideline's folder in which we are, or in a folder of it, so that one's own guideline need not be named."""
    folder = Path.cwd()
    return next((f for f in (folder, *folder.parents) if (f / METADATA).is_file()), None)


def read_guideline(folder: Path) -> GuidelineFolder:
    """The guideline in a folder."""
    metadata = _metadata(folder)
    files = {path.name: _read(path) for path in _rule_files(folder)}
    table = _Table(folder / METADATA, metadata)
    source = {key: str(value) for key, value in table.table("source").items()}
    return GuidelineFolder(
        folder=folder,
        id=table.text("id"),
        title=table.text("title"),
        version=table.text("version"),
        review=table.text("review"),
        review_note=table.text("review_note", "").strip(),
        source=source,
        references=_references(table),
        unresolved=frozenset(table.numbers("unresolved")),
        references_note=table.text("references_note", "").strip(),
        unresolved_note=table.text("unresolved_note", "").strip(),
        disclaimer=table.text("disclaimer", "").strip(),
        emergency=table.text("emergency", "").strip(),
        main=tuple(table.texts("main")),
        readings={key: str(value) for key, value in table.table("readings").items()},
        sources=tuple(Source(_shown(folder / name), text) for name, text in sorted(files.items())),
        files=files,
    )


def _shipped() -> Iterator[tuple[str, Path]]:
    root = resources.files("guidelog.kb")
    for entry in root.iterdir():
        path = Path(str(entry))
        if (path / METADATA).is_file():
            yield path.name, path


def _rule_files(folder: Path) -> list[Path]:
    paths = sorted(p for p in folder.glob("*.dl") if p.name != PROPERTIES)
    if not paths:
        raise InputError.of("GL602", f"`{folder}` has no rule files (*.dl)")
    if len(paths) > MOST_FILES:
        raise InputError.of("GL602", f"`{folder}` has {len(paths)} rule files; at most {MOST_FILES} are read")
    return paths


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            raise InputError.of("GL603", f"`{path}` is not a file")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InputError.of("GL603", f"`{path}` has {size:,} bytes; at most {LARGEST_FILE:,} are read")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.of("GL603", f"`{path}` is not UTF-8 text (byte {error.start:,})") from None
    except OSError as error:
        raise InputError.of("GL603", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    if "\0" in text:
        raise InputError.of("GL603", f"`{path}` is not a text file (it has a zero byte)")
    return text


def _metadata(folder: Path) -> dict[str, Any]:
    path = folder / METADATA
    text = _read(path)
    try:
        return read_toml(Source(_shown(path), text), "GL604")
    except tomllib.TOMLDecodeError as error:
        raise InputError.of("GL604", f"`{path}` is not valid TOML: {str(error).lower()}") from None
    except RecursionError:
        raise InputError.of("GL604", f"`{path}` is nested too deeply") from None


def read_toml(source: Source, code: str) -> dict[str, Any]:
    """A TOML text. Raises tomllib.TOMLDecodeError, and InputError for characters that cannot be seen.

    An escape may write what the text itself may not hold, so the values are looked at, too.
    """
    problems = hidden_characters(source, code)
    content = {} if problems else tomllib.loads(source.text)
    for text in _texts(content):
        for place in Source(source.name, text).hidden[:1]:
            escaped = f"`{source.name}` has an escape for the character U+{ord(text[place.start]):04X}"
            problems.append(
                Diagnostic(code, escaped, hint="delete it; it cannot be seen, or changes the direction of text")
            )
    if problems:
        raise InputError(problems)
    return content


def _texts(content: Any) -> Iterator[str]:
    match content:
        case str():
            yield content
        case dict():
            for key, value in content.items():
                yield from (*_texts(key), *_texts(value))
        case list():
            for value in content:
                yield from _texts(value)


def _references(table: _Table) -> dict[int, Reference]:
    found: dict[int, Reference] = {}
    for entry in table.entries("references"):
        number = entry.number("number")
        if number in found:
            raise InputError.of("GL604", f"`{entry.path}` lists reference {number} twice")
        year = entry.content.get("year")
        found[number] = Reference(
            number, entry.text("title"), entry.text("publisher", ""), year if isinstance(year, int) else None
        )
    return found


@dataclass(frozen=True, slots=True)
class _Table:
    """A TOML table with typed access and errors that name the file."""

    path: Path
    content: Mapping[str, Any]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.content.get(key, default)
        if not isinstance(value, str) or (default is None and not value):
            raise InputError.of("GL604", f"`{self.path}` needs `{key}`, a text")
        return value

    def number(self, key: str) -> int:
        value = self.content.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError.of("GL604", f"`{self.path}` needs `{key}`, a whole number")
        return value

    def numbers(self, key: str) -> list[int]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, int) and not isinstance(v, bool) for v in value):
            raise InputError.of("GL604", f"`{key}` in `{self.path}` is a list of whole numbers")
        return value

    def texts(self, key: str) -> list[str]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise InputError.of("GL604", f"`{key}` in `{self.path}` is a list of texts")
        return value

    def table(self, key: str) -> Mapping[str, Any]:
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            raise InputError.of("GL604", f"`{key}` in `{self.path}` is a table")
        return value

    def entries(self, key: str) -> list[_Table]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise InputError.of("GL604", f"`{key}` in `{self.path}` is an array of tables ([[{key}]])")
        return [_Table(self.path, v) for v in value]


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
