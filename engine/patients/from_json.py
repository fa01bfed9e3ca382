"""JSON text -> Node, with a place for every key and value.

Accepts exactly what RFC 8259 calls JSON (so neither `NaN` nor a comma before a closing bracket), within the limits of
depth and nodes. Not done by the YAML reader, because YAML 1.1 reads some JSON texts otherwise: tabs, surrogate pairs,
long keys.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from guidelog.source import Source, Span

from .from_yaml import duplicate_key
from .node import MAX_DEPTH, MAX_NODES, Entry, ListNode, MapNode, Node, Problems, ScalarNode, quoted

_SPACE = re.compile(r"[ \t\n\r]+")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[^\s,:\[\]{}\"]+")


def from_json(source: Source, problems: Problems) -> Node:
    """The value of a JSON text. A key given twice is noted in `problems` and left out; the rest raises InputError."""
    return _JsonReader(source, problems).document()


class _JsonReader:
    """Recursive descent over the text; the depth limit bounds the recursion."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.text = source.text
        self.problems = problems
        self.at = 0
        self.nodes = 0

    def document(self) -> Node:
        self.skip()
        if self.at == len(self.text):
            self.problems.fatal("GL405", "the file is empty", self.span(0))
        node = self.value(0)
        self.skip()
        if self.at < len(self.text):
            self.expected("the end of the file")
        return node

    def value(self, depth: int) -> Node:
        start = self.at
        self.count()
        match self.text[start : start + 1]:
            case "{" | "[" as bracket:
                if depth >= MAX_DEPTH:
                    message = f"more than {MAX_DEPTH} objects and lists inside each other"
                    self.problems.fatal("GL407", message, self.here())
                self.at += 1
                return self.mapping(start, depth) if bracket == "{" else self.listing(start, depth)
            case '"':
                return self.string()
        word = _WORD.match(self.text, start)
        if word is None:
            self.expected("a value")
        self.at = word.end()
        if word[0] not in ("true", "false", "null") and not _NUMBER.fullmatch(word[0]):
            message = f"this is not JSON: {quoted(word[0])} is no value"
            self.problems.fatal("GL404", message, self.span(start), hint="text stands in double quotes")
        return ScalarNode(word[0], plain=True, span=self.span(start))

    def string(self) -> ScalarNode:
        start = self.at
        found = _STRING.match(self.text, start)
        if found is None:
            message = "this is not JSON: the text that begins here does not end on its line, or has a wrong escape"
            self.problems.fatal("GL404", message, self.here())
        self.at = found.end()
        text: str = json.loads(found[0])
        return ScalarNode(text, plain=False, span=self.span(start))

    def listing(self, start: int, depth: int) -> ListNode:
        items: list[Node] = []
        self.skip()
        if not self.takes("]"):
            while True:
                items.append(self.value(depth + 1))
                if self.ends("]"):
                    break
        return ListNode(tuple(items), self.span(start))

    def mapping(self, start: int, depth: int) -> MapNode:
        entries: dict[str, Entry] = {}
        self.skip()
        if not self.takes("}"):
            while True:
                if self.text[self.at : self.at + 1] != '"':
                    self.expected("a key in double quotes")
                self.count()
                key = self.string()
                self.skip()
                if not self.takes(":"):
                    self.expected("`:`")
                self.skip()
                value = self.value(depth + 1)
                if key.text in entries:
                    duplicate_key(key, entries[key.text].key, self.problems)
                else:
                    entries[key.text] = Entry(key, value)
                if self.ends("}"):
                    break
        return MapNode(tuple(entries.values()), self.span(start))

    def ends(self, bracket: str) -> bool:
        """Whether the collection is closed here; otherwise a comma and the start of the next value are skipped."""
        self.skip()
        if self.takes(bracket):
            return True
        if not self.takes(","):
            self.expected(f"`,` or `{bracket}`")
        self.skip()
        return False

    def takes(self, sign: str) -> bool:
        if self.text[self.at : self.at + 1] != sign:
            return False
        self.at += 1
        return True

    def skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        if space is not None:
            self.at = space.end()

    def count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.problems.fatal("GL407", f"more than {MAX_NODES:,} keys and values", self.here())

    def expected(self, what: str) -> NoReturn:
        found = quoted(self.text[self.at]) if self.at < len(self.text) else "the end of the file"
        self.problems.fatal("GL404", f"this is not JSON: expected {what}, found {found}", self.here())

    def here(self) -> Span:
        return Span(self.source, self.at, min(self.at + 1, len(self.text)))

    def span(self, start: int) -> Span:
        return Span(self.source, start, self.at)
