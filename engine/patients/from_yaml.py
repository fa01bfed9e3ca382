"""YAML text -> Node, from the stream of events.

Guarantees: no tag is resolved, no object built, no alias followed; every scalar keeps its text as written and whether
it was quoted. Refused with a place: anchors, aliases, merge keys, tags, a second document, keys that are not text, a
key given twice, and more depth or nodes than the limits. Does not judge what the keys and values say.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import yaml

from guidelog.diagnostics import Label
from guidelog.source import Source, Span

from .node import MAX_DEPTH, MAX_NODES, Entry, ListNode, MapNode, Node, Problems, ScalarNode, quoted

_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_Event: TypeAlias = Any  # the stubs make every mark optional; the parsers always set them

_MARKED = re.compile(r"[&!][^\s,\[\]{}]*")

_NOT_TEXT = {
    "tag:yaml.org,2002:null": "empty",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:merge": "a merge key",
}


def plain_meaning(text: str) -> str | None:
    """What YAML 1.1 takes a word without quotes for: `a number`, `true or false`, ...; None for text."""
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return _NOT_TEXT.get(tag)
    return None


def from_yaml(source: Source, problems: Problems) -> Node:
    """The only document of a YAML text.

    A key given twice or that is not text is noted in `problems` and left out; everything else that is refused raises
    InputError.
    """
    return _YamlReader(source, problems).document()


class _YamlReader:
    """Recursive descent over the events; the depth limit bounds the recursion."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.nodes = 0

    def document(self) -> Node:
        loader = None
        try:
            loader = self.loader = _Loader(self.source.text)
            loader.get_event()
            if loader.check_event(yaml.StreamEndEvent):
                self.problems.fatal("GL405", "the file is empty", self.span(0, 0))
            loader.get_event()
            node = self.node(loader.get_event(), 0)
            loader.get_event()
            if not loader.check_event(yaml.StreamEndEvent):
                start = loader.get_event().start_mark.index
                hint = "a patient file describes one patient: put the others into files of their own"
                self.problems.fatal("GL406", "a second document begins here", self.span(start, start + 3), hint=hint)
        except yaml.MarkedYAMLError as error:
            self.syntax_error(error)
        except yaml.YAMLError as error:  # a reader's error: it has no mark
            self.problems.fatal("GL404", f"this is not YAML: {error}".splitlines()[0], self.span(0, 0))
        finally:
            if loader is not None:
                loader.dispose()
        if isinstance(node, ScalarNode) and node.plain and plain_meaning(node.text) == "empty":
            self.problems.fatal("GL405", "the file is empty", node.span)
        return node

    def node(self, event: _Event, depth: int) -> Node:
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        match event:
            case yaml.AliasEvent():
                span = self.span(start, end)
                hint = "write the value out where it belongs"
                self.problems.fatal("GL406", "aliases are not allowed in a patient file", span, hint=hint)
            case yaml.NodeEvent(anchor=str()):
                self.refuse_mark(start, "&", "anchors are")
            case yaml.ScalarEvent(tag=str()) | yaml.CollectionStartEvent(tag=str()):
                self.refuse_mark(start, "!", "tags are")
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.problems.fatal("GL407", f"more than {MAX_NODES:,} keys and values", self.span(start, start + 1))
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if depth >= MAX_DEPTH:
            message = f"more than {MAX_DEPTH} mappings and lists inside each other"
            self.problems.fatal("GL407", message, self.span(start, start + 1))
        return self.mapping(start, depth) if isinstance(event, yaml.MappingStartEvent) else self.listing(start, depth)

    def scalar(self, event: _Event) -> ScalarNode:
        start, end = event.start_mark.index, event.end_mark.index
        while end > start and self.source.text[end - 1] in " \t\r\n":  # block scalars reach to the next key
            end -= 1
        return ScalarNode(event.value, event.style in (None, ""), self.span(start, end))

    def listing(self, start: int, depth: int) -> ListNode:
        items: list[Node] = []
        while not self.loader.check_event(yaml.SequenceEndEvent):
            items.append(self.node(self.loader.get_event(), depth + 1))
        return ListNode(tuple(items), self.closed(start, items[-1] if items else None))

    def mapping(self, start: int, depth: int) -> MapNode:
        entries: dict[str, Entry] = {}
        value: Node | None = None
        while not self.loader.check_event(yaml.MappingEndEvent):
            key = self.node(self.loader.get_event(), depth + 1)
            value = self.node(self.loader.get_event(), depth + 1)
            if not isinstance(key, ScalarNode):
                self.problems.add("GL409", "a mapping or list cannot be a key", key.span)
            elif key.plain and (meaning := plain_meaning(key.text)) is not None:
                if meaning == "a merge key":
                    hint = "write the entries out"
                    self.problems.fatal("GL406", "merge keys are not allowed in a patient file", key.span, hint=hint)
                message = f"the key {quoted(key.text)} is {meaning} in YAML, not text"
                hint = f'put it in quotes if it is meant: "{key.text[:60]}"'
                self.problems.add("GL409", message, key.span, hint=hint)
            elif key.text in entries:
                duplicate_key(key, entries[key.text].key, self.problems)
            else:
                entries[key.text] = Entry(key, value)
        return MapNode(tuple(entries.values()), self.closed(start, value))

    def closed(self, start: int, last: Node | None) -> Span:
        """The span of a collection whose end event comes next: up to its bracket, else to its last value."""
        end = self.loader.get_event().end_mark.index
        if self.source.text[start : start + 1] not in ("{", "["):
            end = last.span.end if last is not None else start
        return self.span(start, end)

    def refuse_mark(self, start: int, sign: str, what: str) -> None:
        """Refuse an anchor or a tag; a node may have both, so look for the right one."""
        found = next((m for m in _MARKED.finditer(self.source.text, start) if m[0][0] == sign), None)
        span = self.span(start, start + 1) if found is None else self.span(*found.span())
        self.problems.fatal("GL406", f"{what} not allowed in a patient file", span, hint="leave it out")

    def syntax_error(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark
        at = mark.index if mark is not None else 0
        labels = [Label(self.span(at, at + 1))]
        if error.context and error.context_mark is not None and error.context_mark.index < at:
            begin = error.context_mark.index
            labels.append(Label(self.span(begin, begin + 1), error.context))
        tab = self.source.text[at : at + 1] == "\t"
        hint = "indent with spaces, not tabs" if tab else None
        self.problems.fatal("GL404", f"this is not YAML: {error.problem}", *labels, hint=hint)

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, min(max(start, end), len(self.source.text)))


def duplicate_key(key: ScalarNode, first: ScalarNode, problems: Problems) -> None:
    """Note a key that its mapping already has."""
    message = f"the key {quoted(key.text)} stands twice"
    problems.add("GL408", message, key.span, Label(first.span, "first here"))
