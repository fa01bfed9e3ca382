"""Lettered tables of criteria: ALL are required, ANY one is enough, or at least so many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from guidelog.ground.program import GroundLiteral
from guidelog.wording import sentence

from .criteria import Criterion
from .model import Item, Table


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
        letter = self._add(Table("", title, mode, items, f"criteria:{name}"))
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

    def _add(self, table: Table) -> str:
        number = len(self.tables)
        letter = chr(65 + number) if number < 26 else f"{chr(64 + number // 26)}{chr(65 + number % 26)}"
        self.tables[letter] = replace(table, letter=letter)
        return letter
