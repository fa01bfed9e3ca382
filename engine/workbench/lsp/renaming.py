"""A declared name given another one, in everything that a guideline folder says with it.

Rule files and `properties.dl` are renamed where their statements mention the name; vignettes where it is a whole value
or key (`screen:NAME` in questions, too); `*.toml` where it is a whole string, or the key of a reading. Words in
comments and sentences stay, and so does everything outside the folder: patients elsewhere, pages, pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from guidelog.source import Source, Span

from .occurrences import Occurrence

NAMES = {
    "predicate": r"[a-z][A-Za-z0-9_]*",
    "finding": r"[a-z][A-Za-z0-9_]*",
    "measure": r"[a-z][A-Za-z0-9_]*",
    "screen": r"[a-z][A-Za-z0-9_]*",
    "intervention": r"[a-z][A-Za-z0-9_]*",
    "reading": r"[a-z][A-Za-z0-9_]*",
    "statement": r"[A-Za-z_][A-Za-z0-9_]*",
    "decision": r"[A-Za-z_][A-Za-z0-9_]*",
    "rule": r"[A-Za-z0-9_.-]+",
}
"""What can be renamed, and what a name of that kind may look like."""

_IN_VIGNETTES = {"finding", "measure", "screen", "intervention", "statement", "decision", "rule"}
_IN_TOML = {"finding", "measure", "screen", "intervention", "reading"}
_WORDS = re.compile(r"^\s*(?:concepts|name|display|title|description|note|assumes|mentions)\s*=")
_LARGEST = 1_000_000


def beside_the_rules(folder: Path, occurrence: Occurrence, read: Callable[[Path], str]) -> Iterator[tuple[Path, Span]]:
    """The places of a name in the vignettes and tables of a folder. `read` gives a file's text, as in the editor."""
    kind, name = occurrence.kind, occurrence.name
    places: list[tuple[Path, Callable[[Source, str, str], Iterator[Span]]]] = []
    if kind in _IN_VIGNETTES:
        files = sorted(p for p in (folder / "vignettes").rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
        places += [(path, _in_vignette) for path in files]
    if kind in _IN_TOML:
        places += [(path, _in_toml) for path in sorted(folder.glob("*.toml"))]
    for path, find in places:
        try:
            text = read(path)
        except (OSError, UnicodeDecodeError):
            continue
        if name in text and len(text) <= _LARGEST:
            for span in find(Source(path.name, text), kind, name):
                yield path, span


def _in_vignette(source: Source, kind: str, name: str) -> Iterator[Span]:
    try:
        tokens = [t for t in yaml.scan(source.text, Loader=yaml.SafeLoader) if isinstance(t, yaml.ScalarToken)]
    except yaml.YAMLError:
        return  # `check` says what is wrong with it
    wanted = {name, f"screen:{name}"} if kind == "screen" else {name}
    for token in tokens:
        if token.value in wanted:
            end = token.end_mark.index
            written = source.text[token.start_mark.index : end]
            at = written.rfind(name)
            yield Span(source, token.start_mark.index + at, token.start_mark.index + at + len(name))


def _in_toml(source: Source, kind: str, name: str) -> Iterator[Span]:
    key = rf"|^(?P<key>{re.escape(name)})(?=\s*=)" if kind == "reading" else ""
    pattern = re.compile(rf'(?<=")(?P<value>{re.escape(name)})(?="){key}', re.MULTILINE)
    for match in pattern.finditer(source.text):
        line = source.text[source.text.rfind("\n", 0, match.start()) + 1 :]
        if not _WORDS.match(line) and not line.lstrip().startswith("#"):
            yield Span(source, match.start(), match.end())
