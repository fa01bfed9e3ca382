"""What a pathway is made of: phases of steps, numbered boxes, lettered tables.

Plain data: `pathway` infers it from rules, `flow` draws it, `patient` and `changes` lay something over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from guidelog.language import tree

from .criteria import Criterion, cites_of

STANCE_WORD = {
    "do": "Do",
    "consider": "Consider",
    "avoid": "Avoid",
    "defer": "Not now",
    "urgent": "At once",
    "hold": "Not now",
    "emergency": "Emergency pathway",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a table or box: what it says, what decides it, the intervention it is about."""

    text: str
    criterion: Criterion | None = None
    level: int = 0
    heading: str = ""
    intervention: str | None = None
    stance: str = ""
    rules: tuple[tree.Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A lettered list beside a box. `mode` is the sentence under its title."""

    letter: str
    title: str
    mode: str
    items: tuple[Item, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A numbered box. `kind`: state, decision, action, urgent, exit (a state that ends or returns).

    `criterion` decides a decision; `interventions` are what an action is about, with their stances.
    """

    key: str
    kind: str
    title: str
    number: int = 0
    body: tuple[Item, ...] = ()
    table: str = ""
    criterion: Criterion | None = None
    interventions: tuple[tuple[str, str], ...] = ()
    rules: tuple[tree.Rule, ...] = ()
    returns: str = ""  # key of the box where the reader goes on
    unstated: bool = False

    @property
    def cites(self) -> tuple[int, ...]:
        return cites_of(self.rules)


@dataclass(frozen=True, slots=True)
class Step:
    """A node on the trunk with its exit to the left; `yes_down` says which answer goes on down the trunk.

    `rejoins`: the exit comes back to the trunk after the node that follows the decision.
    """

    node: Node
    exit: Node | None = None
    yes_down: bool = True
    rejoins: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """A band. `beside` are phases that are independent of it and simple enough to stand next to it."""

    key: str
    title: str
    steps: tuple[Step, ...]
    number: int = 0
    beside: tuple[Phase, ...] = ()


@dataclass(frozen=True)
class Pathway:
    """Phases from top to bottom, with their tables."""

    phases: tuple[Phase, ...]
    tables: dict[str, Table] = field(default_factory=dict)
    lettered: dict[str, str] = field(default_factory=dict)  # text of a concept to the letter of its table

    def all_phases(self) -> list[Phase]:
        """In the order of their numbers."""
        return [p for phase in self.phases for p in (phase, *phase.beside)]

    def nodes(self) -> list[Node]:
        """All boxes in the order of their numbers."""
        return [n for p in self.all_phases() for s in p.steps for n in ((s.node, s.exit) if s.exit else (s.node,))]


def numbered(phases: Sequence[Phase], tables: dict[str, Table], lettered: dict[str, str]) -> Pathway:
    """Boxes and phases numbered in reading order."""
    count = place = 0

    def box(node: Node) -> Node:
        nonlocal count
        count += 1
        return replace(node, number=count)

    def walk(phase: Phase) -> Phase:
        nonlocal place
        place += 1
        number = place
        steps = []
        for step in phase.steps:
            node = box(step.node)
            steps.append(replace(step, node=node, exit=box(step.exit) if step.exit else None))
        return replace(phase, number=number, steps=tuple(steps), beside=tuple(walk(p) for p in phase.beside))

    return Pathway(tuple(walk(p) for p in phases), tables, lettered)
