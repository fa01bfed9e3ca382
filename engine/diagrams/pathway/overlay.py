"""What is laid over a pathway: marks on boxes, chips on lines, traces on edges, links to rules.

Plain data. `statuses` and `changes` fill it, `boxes` and `flow` draw it, `export` says it in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guidelog.language import tree

from ..drawing import palette
from ..drawing.fonts import Run
from ..drawing.palette import Look
from ..drawing.scene import Chip


@dataclass(frozen=True, slots=True)
class Mark:
    """What is laid over a box: its look, the word on its chip, and lines in it."""

    look: Look
    word: str = ""
    notes: tuple[str, ...] = ()
    colour: str = palette.INK


@dataclass(frozen=True, slots=True)
class Trace:
    """What is laid over an edge."""

    colour: str = palette.SOFT
    weight: float = 1.4
    dash: str = "solid"


@dataclass(frozen=True)
class Overlay:
    """Marks by box key, chips by (owner, index) of items, traces by (tail, head) of edges.

    The owner of an item is the key of its box or the letter of its table.
    """

    nodes: Mapping[str, Mark] = field(default_factory=dict)
    items: Mapping[tuple[str, int], Chip] = field(default_factory=dict)
    remarks: Mapping[tuple[str, int], str] = field(default_factory=dict)
    runs: Mapping[tuple[str, int], tuple[Run, ...]] = field(default_factory=dict)
    titles: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    tables: Mapping[str, Look] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], Trace] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Links:
    """Where a rule can be read: `base`/FILE#L<line>, or nowhere."""

    base: str | None = None

    def rule(self, rule: tree.Rule) -> str | None:
        """The address of a rule's text."""
        if self.base is None or rule.span is None:
            return None
        name = rule.span.source.name.replace("\\", "/").rsplit("/", 1)[-1]
        line = rule.span.source.text.count("\n", 0, rule.span.start) + 1
        return f"{self.base.rstrip('/')}/{name}#L{line}"
