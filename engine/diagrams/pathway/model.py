"""What a pathway is made of: phases of steps, numbered boxes, lettered tables.

Plain data: `derive` infers it from rules, `flow` draws it, `patient` and `versions` lay something over it. `Tables`
letters the lists of criteria: ALL are required, ANY one is enough, or at least so many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from guidelog.ground.program import GroundLiteral
from guidelog.language import tree
from guidelog.language.stances import Stance
from guidelog.wording import sentence

from .criteria import Criterion, cites_of


def _stance_word(stance: Stance) -> str:
    match stance:
        case Stance.EMERGENCY:
            return "Emergency pathway"
        case Stance.URGENT:
            return "At once"
        case Stance.DO:
            return "Do"
        case Stance.CONSIDER:
            return "Consider"
        case Stance.AVOID:
            return "Avoid"
        case Stance.DEFER | Stance.HOLD:
            return "Not now"
        case _:
            assert_never(stance)


STANCE_WORD: Mapping[str, str] = {stance: _stance_word(stance) for stance in Stance}


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
    program: tree.Program | None = None

    def not_drawn(self) -> dict[str, list[str]]:
        """The numbers of the rules that no box or table names, by what they are."""
        items = [*(i for n in self.nodes() for i in n.body), *(i for t in self.tables.values() for i in t.items)]
        drawn = {r.id for r in (*(r for n in self.nodes() for r in n.rules), *(r for i in items for r in i.rules))}
        found: dict[str, list[str]] = {}
        for rule in self.program.numbered_rules if self.program else ():
            if rule.id not in drawn:
                found.setdefault(_kind_of(rule), []).append(rule.id or "")
        return found

    def all_phases(self) -> list[Phase]:
        """In the order of their numbers."""
        return [p for phase in self.phases for p in (phase, *phase.beside)]

    def nodes(self) -> list[Node]:
        """All boxes in the order of their numbers."""
        return [n for p in self.all_phases() for s in p.steps for n in ((s.node, s.exit) if s.exit else (s.node,))]


def _kind_of(rule: tree.Rule) -> str:
    """What a rule is, as a list of what is not drawn says it."""
    match rule.head.predicate if rule.head else None:
        case None:
            return "what cannot be, or is remarked"
        case "note":
            return "notes"
        case "include":
            return "parts of an intervention"
        case "advise":
            return "advice that waits for another reading"
        case _:
            return "concepts behind what is drawn"


def numbered(
    phases: Sequence[Phase], tables: dict[str, Table], lettered: dict[str, str], program: tree.Program | None = None
) -> Pathway:
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

    return Pathway(tuple(walk(p) for p in phases), tables, lettered, program)


class Tables:
    """The tables of one pathway, each criterion once."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.lettered: dict[str, str] = {}

    def letter(self, title: str, criterion: Criterion) -> str:
        """The letter of a table of criteria; nothing for a criterion without parts."""
        if not criterion.parts:
            return ""
        if criterion.text in self.lettered:
            return self.lettered[criterion.text]
        name = criterion.text
        while len(criterion.parts) == 1 and criterion.parts[0].parts:
            criterion = criterion.parts[0]
        mode = {"all": "ALL are required", "any": "ANY one is enough"}.get(
            criterion.mode, f"At least {criterion.mode} are required"
        )
        if len(criterion.parts) == 1:
            mode = "This is required"
        items = tuple(x for part in criterion.parts for x in self._criterion_items(part, 0))
        letter = self.add(Table("", title, mode, items, f"criteria:{name}"))
        self.lettered[name] = letter
        return letter

    def _criterion_items(self, part: Criterion, level: int) -> Iterable[Item]:
        text = sentence(part.text)
        seen = self.lettered.get(part.text)
        if seen:
            yield Item(f"{text} (box {seen})", part, level, rules=part.rules)
            return
        if part.parts and (part.mode == "any" or part.element is None or level < 2):
            joiner = {"any": "any of:", "all": "all of:"}.get(part.mode, f"at least {part.mode} of:")
            own = "" if part.mode.isdigit() else text
            if level >= 2:
                words = ", ".join(p.short for p in part.parts)
                yield Item(f"{own}: {words}" if own else text, part, level, rules=part.rules)
                return
            lead = f"{own}, {joiner}" if own else sentence(joiner)
            yield Item(lead if len(part.parts) > 1 else text, part, level, rules=part.rules)
            if len(part.parts) > 1:
                simple = all(not p.parts for p in part.parts)
                for p in part.parts:
                    if simple and isinstance(p.element, GroundLiteral) and part.mode == "any" and not p.element.negated:
                        yield Item(sentence(p.short), p, level + 1)
                    else:
                        yield from self._criterion_items(p, level + 1)
            return
        yield Item(text, part, level, rules=part.rules)

    def add(self, table: Table) -> str:
        """The letter of a further table."""
        number = len(self.tables)
        letter = chr(65 + number) if number < 26 else f"{chr(64 + number // 26)}{chr(65 + number % 26)}"
        self.tables[letter] = replace(table, letter=letter)
        return letter
