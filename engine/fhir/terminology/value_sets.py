"""FHIR ValueSet and CodeSystem resources beside codes.toml -> codes with their displays.

A ValueSet gives the codes of its expansion, or where it has none those that `compose.include` lists; what only a
terminology server could work out (filters, other value sets, exclusions) is refused and not guessed at. A CodeSystem (a
fragment is enough) gives the codes of a hierarchy, for families and for the question which siblings are not listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 20_000_000
MOST_CODES = 200_000
DEEPEST = 30


class Unreadable(Exception):
    """The file cannot be used; says why."""


def value_set(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """What a ValueSet calls itself (address and version), and system, code and display of each of its codes.

    Raises Unreadable.
    """
    content = _resource(path, "ValueSet")
    name = "|".join(str(content[key]) for key in ("url", "version") if content.get(key))
    expansion, compose = content.get("expansion"), content.get("compose")
    if isinstance(expansion, dict):
        if isinstance(expansion.get("total"), int) and expansion["total"] > len(list(_contained(expansion, 0))):
            raise Unreadable("its expansion is one page of several")
        return name, list(_contained(expansion, 0))
    if not isinstance(compose, dict):
        raise Unreadable("it has neither an expansion nor a list of codes")
    if compose.get("exclude"):
        raise Unreadable("it excludes codes: expand it first")
    return name, list(_included(compose))


@dataclass(frozen=True, slots=True)
class Heading:
    """A code of a hierarchy: its display, the code it stands under (empty for none), whether it has codes under it."""

    display: str
    parent: str
    has_children: bool


def hierarchy(path: Path) -> Mapping[str, Heading]:
    """The codes of a CodeSystem, children included. Raises Unreadable."""
    content = _resource(path, "CodeSystem")
    found: dict[str, Heading] = {}
    stack: list[tuple[Any, str, int]] = [(content.get("concept"), "", 0)]
    while stack:
        concepts, parent, depth = stack.pop()
        for concept in concepts if isinstance(concepts, list) else ():
            if not isinstance(concept, dict) or not isinstance(concept.get("code"), str):
                raise Unreadable("a concept has no code")
            children = concept.get("concept")
            found[concept["code"]] = Heading(str(concept.get("display", "")), parent, bool(children))
            if len(found) > MOST_CODES or depth > DEEPEST:
                raise Unreadable(f"it has more than {MOST_CODES:,} codes, or is too deep")
            stack.append((children, concept["code"], depth + 1))
    if not found:
        raise Unreadable("it has no codes")
    return dict(sorted(found.items()))


def _resource(path: Path, kind: str) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"it is larger than {LARGEST:,} bytes")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise Unreadable((error.strerror or "it cannot be read").lower()) from None
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(content, dict) or content.get("resourceType") != kind:
        raise Unreadable(f"it is not a FHIR {kind}")
    return content


def _contained(holder: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str, str]]:
    contains = holder.get("contains")
    for entry in contains if isinstance(contains, list) and depth <= DEEPEST else ():
        if not isinstance(entry, dict):
            raise Unreadable("an entry of its expansion is not an object")
        system, code = entry.get("system"), entry.get("code")
        if isinstance(system, str) and isinstance(code, str) and not entry.get("abstract"):
            yield system, code, str(entry.get("display", ""))
        yield from _contained(entry, depth + 1)


def _included(compose: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    includes = compose.get("include")
    for include in includes if isinstance(includes, list) else ():
        if not isinstance(include, dict) or not isinstance(include.get("system"), str):
            raise Unreadable("a part of it names no code system: expand it first")
        concepts = include.get("concept")
        if include.get("filter") or include.get("valueSet") or not isinstance(concepts, list):
            raise Unreadable("a part of it lists no codes: expand it first")
        for concept in concepts:
            if not isinstance(concept, dict) or not isinstance(concept.get("code"), str):
                raise Unreadable("a concept has no code")
            yield include["system"], concept["code"], str(concept.get("display", ""))
