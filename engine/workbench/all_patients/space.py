"""All possible patients of a guideline at once: what each element, atom and rule is for everybody.

Built on boolean functions over completely known records (explain.unknowns), so that "no patient at all" and "this
patient, for one" are exact. Joint comparisons of several measures are independent variables here, so a patient found
through one of them may not exist; `exact` says whether there are any. Raises bdd.TooLarge for guidelines beyond the
size of a diagram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language.names import Names
from guidelog.language.stances import STANCES
from guidelog.patients import Facts, Interval
from guidelog.semantics.bdd import FALSE, Diagrams
from guidelog.semantics.status import Status, formulas
from guidelog.semantics.unknowns import Cut, Unknowns

_OTHER = "\0"
_LARGEST = 400_000


@dataclass
class Space(Unknowns):
    """The functions of a program over everything that a record can say."""

    @classmethod
    def of(cls, program: GroundProgram) -> Space:
        return cls(program, nothing_known(program.names), Diagrams(_LARGEST))

    @property
    def exact(self) -> bool:
        return all(isinstance(v, Cut) and len(v.sum) == 1 for v in self.numbers)

    def atom(self, atom: Atom, ranges: Ranges) -> int:
        """Where an atom holds."""
        return self.walk(ranges).atom(atom)

    def element(self, element: GroundElement, ranges: Ranges) -> int:
        """Where a body element holds."""
        return self.walk(ranges).element(element)

    def settled(self, _: GroundElement, value: int) -> int:
        """Everything is known of these patients."""
        return value

    def body(self, rule: GroundRule, ranges: Ranges) -> int:
        """Where a whole body holds."""
        return self.diagrams.all(self.element(e, ranges) for e in rule.elements)

    def patient(self, f: int) -> dict[str, Any] | None:
        """The content of a record for which f holds and that no background rule forbids; None when there is none.

        It lists only what f looks at.
        """
        relevant = self.diagrams.support(f)
        for chosen in self.diagrams.models(self.diagrams.both(f, self.constraint)):
            return self._content({number: value for number, value in chosen.items() if number in relevant})
        return None

    def complete_patient(self, f: int) -> dict[str, Any] | None:
        """As `patient`, but with everything known: what f leaves open is absent, or the least that a measure can be."""
        for chosen in self.diagrams.models(self.diagrams.both(f, self.constraint)):
            content = self._content({number: chosen.get(number, False) for number in self._owners})
            vocabulary = self.program.names.vocabulary
            findings = dict.fromkeys(vocabulary.findings, "absent") | content.get("findings", {})
            measures = {name: m.low for name, m in vocabulary.measures.items()} | content.get("measures", {})
            return {"findings": findings, "measures": measures}
        return None

    def statuses_of(self, intervention: str, mark: Callable[[Atom], Atom]) -> dict[Status, int]:
        """Where an intervention has each status; undetermined where only the two ends of a range disagree."""
        d = self.diagrams
        ends = [self._statuses_at(intervention, ranges, mark) for ranges in (Ranges.LOW, Ranges.HIGH)]
        found = {s: d.both(ends[0].get(s, FALSE), ends[1].get(s, FALSE)) for s in {*ends[0], *ends[1]}}
        found[Status.UNDETERMINED] = d.negate(d.any(found.values()))
        return found

    def _statuses_at(self, intervention: str, ranges: Ranges, mark: Callable[[Atom], Atom]) -> dict[Status, int]:
        walk = self.walk(ranges)
        stance = {s: walk.atom(mark(("advise", intervention, s))) for s in STANCES}
        return formulas(walk.algebra, stance, walk.atom(mark(("in_scope",))))

    def possible(self, f: int) -> bool:
        """Whether f holds for some patient."""
        return self.diagrams.both(f, self.constraint) != FALSE

    def _content(self, chosen: Mapping[int, bool]) -> dict[str, Any]:
        inputs = {number: key for key, number in self.numbers.items()}
        findings: dict[str, str] = {}
        bounds: dict[str, tuple[int, int]] = {}
        for number, value in chosen.items():
            key = inputs[number]
            if not isinstance(key, Cut) or len(key.sum) > 1:
                continue
            name, cut = key.sum[0][0], key.at
            if name in self.facts.findings:
                findings[name] = "present" if value else "absent"
            elif name in self.facts.measures:
                interval = self.facts.measures[name]
                low, high = bounds.get(name, (interval.low, interval.high))
                bounds[name] = (max(low, cut), high) if value else (low, min(high, cut - 1))
        measures = {name: self._value(name, *ends) for name, ends in bounds.items()}
        return {**({"findings": findings} if findings else {}), **({"measures": measures} if measures else {})}

    def _value(self, name: str, low: int, high: int) -> int | float:
        """A round value between two bounds in ticks, in the measure's unit: whole units where there are any."""
        ticks = self.program.names.vocabulary.measures[name].ticks
        whole = -(-low // ticks)
        if whole * ticks <= high:
            return whole
        return round((low + high) // 2 / ticks, 3)


def changed_answers(first: GroundProgram, second: GroundProgram) -> dict[str, Mapping[str, Any]]:
    """The interventions whose status differs between two programs for some patient, with such a complete record."""
    space = Space.of(joined(first, second))
    d = space.diagrams
    found: dict[str, Mapping[str, Any]] = {}
    for intervention in first.names.vocabulary.interventions:
        one = space.statuses_of(intervention, lambda atom: atom)
        other = space.statuses_of(intervention, _mark)
        alike = d.any(d.both(f, other.get(status, FALSE)) for status, f in one.items())
        patient = space.complete_patient(d.negate(alike))
        if patient is not None:
            found[intervention] = patient
    return found


def joined(first: GroundProgram, second: GroundProgram) -> GroundProgram:
    """Both programs side by side over the same inputs, the atoms of the second under names of their own."""
    instances = dict(first.instances)
    instances.update({_mark(head): tuple(map(_renamed, rules)) for head, rules in second.instances.items()})
    facts = first.facts.union(map(_mark, second.facts))
    declared = second.names.predicates.items()
    predicates = {**first.names.predicates, **{_OTHER + name: predicate for name, predicate in declared}}
    return replace(first, names=replace(first.names, predicates=predicates), instances=instances, facts=facts)


def nothing_known(names: Names) -> Facts:
    """A record that says nothing."""
    vocabulary = names.vocabulary
    measures = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
    return Facts(dict.fromkeys(vocabulary.findings), measures, {}, frozenset())


def _renamed(rule: GroundRule) -> GroundRule:
    elements = tuple(map(_rename_element, rule.elements))
    return replace(rule, head=None if rule.head is None else _mark(rule.head), elements=elements)


def _rename_element(element: GroundElement) -> GroundElement:
    match element:
        case GroundLiteral(atom):
            return element if atom[0] == "finding" else replace(element, atom=_mark(atom))
        case GroundAtLeast(_, members):
            literals: Iterator[GroundElement] = map(_rename_element, members)
            return replace(element, members=tuple(m for m in literals if isinstance(m, GroundLiteral)))
        case GroundComparison():
            return element
        case _:
            return element


def _mark(atom: Atom) -> Atom:
    return (_OTHER + str(atom[0]), *atom[1:])
