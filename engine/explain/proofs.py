"""A proof as a graph: nodes with what they rest on, shared sub-proofs once.

A `Node` is one thing that holds, fails or is not known; its id is a hash of its content, the same from run to run. Who
makes the nodes is `reasons`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from guidelog.semantics.kleene import Value


class Kind(Enum):
    """What a node is."""

    DERIVED = "derived"  # a rule gives it
    ABSENT = "absent"  # every rule that could give it fails
    OPEN = "open"  # not known: some rule could give it, none certainly does
    RECORDED = "recorded"  # the patient record says so
    ASSUMED = "assumed"  # a completed screen does not list it
    BACKGROUND = "background"  # a background rule leaves nothing else
    MEASURED = "measured"  # a comparison of a measure
    COUNTED = "counted"  # at least so many of
    FACT = "fact"  # a fact of the guideline
    UNKNOWN = "unknown"  # nobody has said


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a proof.

    `premises` are ids of nodes; `value` is what the node's sentence is worth: true, false, or None for not known.
    `says` is the sentence for that value; `detail` the numbers or the source behind a leaf.
    """

    id: str
    kind: Kind
    value: Value
    says: str
    detail: str | None
    atom: str | None
    input: str | None
    source: str | None
    rule: str | None
    statements: tuple[str, ...]
    citations: tuple[int, ...]
    decisions: tuple[str, ...]
    premises: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data, with empty parts left out."""
        data: dict[str, Any] = {"id": self.id, "kind": self.kind.value, "value": letter(self.value), "says": self.says}
        for key in ("detail", "atom", "input", "source", "rule"):
            if getattr(self, key) is not None:
                data[key] = getattr(self, key)
        for key in ("statements", "citations", "decisions", "premises"):
            if getattr(self, key):
                data[key] = list(getattr(self, key))
        return data


@dataclass(frozen=True)
class Proof:
    """Nodes by id, premises before what rests on them, and the ids of the conclusions."""

    roots: tuple[str, ...]
    nodes: Mapping[str, Node]

    def walk(self, root: str) -> Iterator[tuple[int, Node, bool]]:
        """Depth, node, and whether it is shown for the first time; premises of a node only at its first showing."""
        seen: set[str] = set()
        stack = [(0, root)]
        while stack:
            depth, name = stack.pop()
            first = name not in seen
            seen.add(name)
            yield depth, self.nodes[name], first
            if first:
                stack.extend((depth + 1, p) for p in reversed(self.nodes[name].premises))

    def leaves(self) -> list[Node]:
        """The nodes that rest on nothing."""
        return [n for n in self.nodes.values() if not n.premises]

    @property
    def depth(self) -> int:
        """The number of steps on the longest way from a conclusion to a leaf."""
        found: dict[str, int] = {}
        for name, node in self.nodes.items():
            found[name] = 1 + max((found[p] for p in node.premises), default=-1)
        return max((found[r] for r in self.roots), default=0)

    def to_json(self) -> dict[str, Any]:
        """Roots and nodes."""
        return {"roots": list(self.roots), "nodes": [n.to_json() for n in self.nodes.values()]}


def letter(value: Value) -> str:
    """`T`, `F`, or `U` for not known."""
    return "T" if value else "F" if value is False else "U"
