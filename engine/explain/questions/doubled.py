"""What an answer depends on as clingo text: its ground rules in two copies, certain and possible, as in `ask`.

What a record says of the inputs is left to the searches that use it (`witness`). Numbers stand for names, so that no
name means something to the solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundRule,
    Ranges,
)
from guidelog.semantics.cone import Cone
from guidelog.semantics.kleene import World, comparison_value, evaluate
from guidelog.semantics.quantities import thresholds
from guidelog.semantics.status import Status, conditions

_ENDS = (Ranges.LOW, Ranges.HIGH)


@dataclass
class Doubled:
    """The cone as clingo text.

    `ft/ff(I)` finding certainly present/absent, `ge/lt(I,C)` measure certainly at or below a cut, `t/p(A)` atoms.
    """

    cone: Cone
    ends: Sequence[Ranges] = _ENDS
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = {name: i for i, name in enumerate(self.cone.inputs)}
        self.elements: dict[tuple[GroundElement, Ranges], int] = {}
        self.joint: dict[GroundComparison, int] = {}
        for end in self.ends:
            for atom, a in self.cone.atoms.items():
                e = end.value
                if atom in self.cone.program.facts:
                    self.lines.append(f't({a},"{e}"). p({a},"{e}").')
                for rule in self.cone.program.instances[atom]:
                    if any(self.world.element(rule.elements[place]) is not True for place in rule.settled):
                        continue  # what is settled is so by this record, whatever replies may bring
                    asked = [x for place, x in enumerate(rule.elements) if place not in rule.settled]
                    ids = [self.element(x, end) for x in asked if not isinstance(x, Given)]
                    self.lines.append(clause(f't({a},"{e}")', [f"et({i})" for i in ids]))
                    self.lines.append(clause(f'p({a},"{e}")', [f"ep({i})" for i in ids]))
            self.statuses(end)
        for denial in self.cone.denials:
            self.denial(denial)
        for name in self.cone.inputs:
            self.order(name)

    @cached_property
    def world(self) -> World:
        """The record itself, for what has to be settled."""
        return evaluate(self.cone.program, self.cone.facts)

    def order(self, name: str) -> None:
        """Cuts rise together; what is certain never contradicts itself."""
        i = self.number[name]
        if name in self.cone.facts.findings:
            self.lines.append(f":- ft({i}), ff({i}).")
            return
        cuts = self.cone.cuts.get(name, [])
        self.lines += [f"ge({i},{c}) :- ge({i},{c + 1}). lt({i},{c + 1}) :- lt({i},{c})." for c in range(len(cuts) - 1)]
        self.lines += [f":- ge({i},{c}), lt({i},{c})." for c in range(len(cuts))]

    def element(self, element: GroundElement, end: Ranges) -> int:
        """The number of an element; `et` when it certainly holds, `ep` when it may."""
        key = (element, end)
        if key in self.elements:
            return self.elements[key]
        n = self.elements[key] = len(self.elements)
        match element:
            case GroundLiteral():
                true, possible = self.literal(element, end)
                self.lines += [clause(f"et({n})", true), clause(f"ep({n})", possible)]
            case GroundAtLeast(count, members):
                ids = [self.element(m, end) for m in members]
                for kind in ("et", "ep"):
                    counted = "; ".join(f"{i} : {kind}({i})" for i in ids)
                    self.lines.append(f"{kind}({n}) :- #count {{ {counted} }} >= {count}." if ids else "")
            case GroundComparison():
                self.comparison(n, element, end)
            case _:
                self.lines.append(f"et({n}). ep({n}).")
        return n

    def literal(self, literal: GroundLiteral, end: Ranges) -> tuple[list[str], list[str]]:
        atom, e = literal.atom, end.value
        if atom[0] == "finding":
            i = self.number[str(atom[1])]
            return ([f"ff({i})"], [f"not ft({i})"]) if literal.negated else ([f"ft({i})"], [f"not ff({i})"])
        if atom in self.cone.atoms:
            a = self.cone.atoms[atom]
            if literal.negated:
                return [f'not p({a},"{e}")'], [f'not t({a},"{e}")']
            return [f't({a},"{e}")'], [f'p({a},"{e}")']
        holds = (atom in self.cone.program.fixed) is not literal.negated
        return ([], []) if holds else (["#false"], ["#false"])

    def comparison(self, n: int, comparison: GroundComparison, end: Ranges) -> None:
        names = [name for name, _ in comparison.terms]
        if len(names) != 1:
            j = self.joint.setdefault(comparison, len(self.joint))
            known = comparison_value(comparison, self.cone.facts.measures, end)
            value = "u" if known is None else "t" if known else "f"
            self.lines.append(f"joint({j},{value}). et({n}) :- jt({j}). ep({n}) :- not jf({j}).")
            self.lines += [f"needs({j},{self.number[name]})." for name in dict.fromkeys(names)]
            return
        ((name, coefficient),) = comparison.terms
        i = self.number[name]
        cuts = self.cone.cuts[name]
        operator, values = thresholds(
            coefficient, comparison.operator, comparison.high if end is Ranges.HIGH else comparison.low
        )
        first, last = cuts.index(values[0]), cuts.index(values[-1])
        match operator:
            case ">=":
                self.lines.append(f"et({n}) :- ge({i},{first}). ep({n}) :- not lt({i},{first}).")
            case "<":
                self.lines.append(f"et({n}) :- lt({i},{first}). ep({n}) :- not ge({i},{first}).")
            case "=":
                self.lines.append(
                    f"et({n}) :- ge({i},{first}), lt({i},{last}). ep({n}) :- not lt({i},{first}), not ge({i},{last})."
                )
            case _:
                self.lines.append(
                    f"et({n}) :- lt({i},{first}). et({n}) :- ge({i},{last})."
                    f" x({n}) :- ge({i},{first}), lt({i},{last}). ep({n}) :- not x({n})."
                )

    def denial(self, denial: GroundRule) -> None:
        """No record breaks the background; where all but one finding of a denial hold, that one cannot."""
        ids = [self.element(x, Ranges.LOW) for x in denial.elements]
        self.lines.append(clause("", [f"et({i})" for i in ids]))
        for place, element in enumerate(denial.elements):
            if isinstance(element, GroundLiteral) and element.atom[0] == "finding":
                head = ("ft" if element.negated else "ff") + f"({self.number[str(element.atom[1])]})"
                self.lines.append(clause(head, [f"et({i})" for k, i in enumerate(ids) if k != place]))

    def statuses(self, end: Ranges) -> None:
        """`is(S,E)`: the status is certain (docs/language.md, *Status*)."""
        e = end.value
        for status, n in status_numbers().items():
            for wanted in conditions(self.cone.intervention, status):
                self.lines.append(
                    clause(f'is({n},"{e}")', [self.certain(atom, e, value=value) for atom, value in wanted])
                )

    def certain(self, atom: Atom, end: str, *, value: bool) -> str:
        """That an atom is certainly true, or certainly false."""
        if atom in self.cone.atoms:
            return f't({self.cone.atoms[atom]},"{end}")' if value else f'not p({self.cone.atoms[atom]},"{end}")'
        return "#true" if (atom in self.cone.program.fixed) is value else "#false"

    def known(self, name: str) -> Iterator[str]:
        """What the record as it is makes certain about an input."""
        i, facts = self.number[name], self.cone.facts
        if name in facts.findings:
            if (value := facts.findings[name]) is not None:
                yield f"{'ft' if value else 'ff'}({i})"
            return
        interval = facts.measures[name]
        for c, cut in enumerate(self.cone.cuts.get(name, ())):
            if interval.low >= cut:
                yield f"ge({i},{c})"
            elif interval.high < cut:
                yield f"lt({i},{c})"


def status_numbers() -> Mapping[Status, int]:
    """The number of each status in the text."""
    return {status: i for i, status in enumerate(Status)}


def clause(head: str, body: Sequence[str]) -> str:
    """A rule as text; none where the body cannot hold."""
    if "#false" in body:
        return ""
    kept = [b for b in body if b != "#true"]
    return f"{head} :- {', '.join(kept)}." if kept else f"{head}." if head else ":- #true."
