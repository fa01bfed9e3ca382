"""The plain tree that a patient file is read into, and the list of what is wrong with it.

Every key and value keeps its place and, for scalars, the author's text, so that no reader further up ever sees a value
that a YAML schema has reinterpreted (`no`, `010`, `1:30`). Knows neither YAML nor JSON nor what a record means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from guidelog.diagnostics import Diagnostic, InputError, Label, Report, nearest
from guidelog.source import Span

MAX_DEPTH = 20
"""How many mappings and lists may stand inside each other."""

MAX_NODES = 20_000
"""How many keys, values, mappings and lists a file may have."""

MAX_PROBLEMS = 50
"""How many problems of one file are collected before reading stops."""

_LONGEST_QUOTE = 60
_LONGEST_GUESS = 100


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text or a word without quotes; `plain` says that it had none (in JSON: a number, `true`, `false` or `null`)."""

    text: str
    plain: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ListNode:
    """Values in order."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: ScalarNode
    value: Node

    @property
    def span(self) -> Span:
        """From the key to the end of the value."""
        return self.key.span.to(self.value.span)


@dataclass(frozen=True, slots=True)
class MapNode:
    """Keys with values in the author's order; no key stands twice."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, key: str) -> Entry | None:
        """The entry of a key, or None."""
        return next((entry for entry in self.entries if entry.key.text == key), None)


Node: TypeAlias = ScalarNode | ListNode | MapNode


class Problems:
    """What is wrong with one file, collected so that the author sees all of it at once."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def add(self, code: str, message: str, *labels: Label | Span, hint: str | None = None) -> None:
        """Note a problem and go on; raises InputError when there are `MAX_PROBLEMS` of them."""
        places = tuple(label if isinstance(label, Label) else Label(label) for label in labels)
        self._found.append(Diagnostic(code, message, places, hint=hint))
        if len(self._found) >= MAX_PROBLEMS:
            note = Diagnostic("GL407", f"too many problems: reading stopped after {MAX_PROBLEMS}")
            raise InputError([*Report(self._found).sorted(), note])

    def fatal(self, code: str, message: str, *labels: Label | Span, hint: str | None = None) -> NoReturn:
        """Note a problem after which nothing more can be said, and raise InputError with all of them."""
        self.add(code, message, *labels, hint=hint)
        raise InputError(Report(self._found).sorted())

    def extend(self, other: Problems) -> None:
        """Take over what another reader of the same file has found."""
        self._found.extend(other._found)

    def check(self) -> None:
        """Raise InputError with everything found, in the order of places, if there is anything."""
        if self._found:
            raise InputError(Report(self._found).sorted())


def visible(text: str) -> str:
    """The text with everything that a terminal would not print written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(text: str) -> str:
    """The author's text in backticks, visible, and shortened when it is long."""
    short = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return f"`{visible(short)}`"


def suggestion(name: str, *groups: tuple[str, ...]) -> str | None:
    """The right name nearest to a mistyped one; earlier groups of candidates win over later ones."""
    if len(name) > _LONGEST_GUESS:  # comparing is quadratic, and nobody mistypes a hundred letters
        return None
    return next((found for group in groups if (found := nearest(name, group)) is not None), None)


def did_you_mean(name: str | None) -> str | None:
    """The hint for a suggested name."""
    return None if name is None else f"did you mean {quoted(name)}?"
