"""Records as plain JSON data, both ways, and the hash that binds an answer to a record.

The content of a record is what its file says, without `expect`; docs/certificates.md defines its canonical JSON. The
same record written in YAML or in JSON has the same content and the same hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from guidelog.diagnostics import InputError

from .node import MAX_DEPTH, ListNode, MapNode, Node, ScalarNode
from .values import number_from_text


def content_of(record: MapNode) -> dict[str, Any]:
    """The plain data of a record that has been found right."""
    content: dict[str, Any] = {}
    for entry in record.entries:
        match entry.key.text, entry.value:
            case "expect", _:
                continue
            case "measures", value:
                content["measures"] = _data(value, numbers=True)
            case part, value:
                content[part] = _data(value, numbers=False)
    return content


def _data(node: Node, *, numbers: bool) -> Any:
    match node:
        case ScalarNode(text=text, plain=plain):
            number = number_from_text(text) if numbers and plain else None
            return text if number is None else number
        case ListNode(items=items):
            return [_data(item, numbers=numbers) for item in items]
        case MapNode(entries=entries):
            return {entry.key.text: _data(entry.value, numbers=numbers) for entry in entries}


def as_json(content: Mapping[str, Any]) -> str:
    """Plain data as JSON text to be read; `date` objects become ISO strings.

    Raises InputError for what JSON cannot hold: other objects, keys that are not text, loops.
    """
    try:
        return json.dumps(_plain_data(content, 0), indent=1)
    except ValueError:
        raise InputError.of("GL404", "a number has too many digits") from None


def sha256_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of a record's canonical JSON, in hexadecimal."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _plain_data(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH + 1:  # the reader says it better, but it has to be reached
        raise InputError.of("GL407", f"more than {MAX_DEPTH} mappings and lists inside each other")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case date():
            return value.isoformat()
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise InputError.of("GL409", "a key is not text")
            return {key: _plain_data(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [_plain_data(item, depth + 1) for item in value]
    raise InputError.of("GL404", "this is not plain data: a record has text, numbers, dates, lists and mappings")
