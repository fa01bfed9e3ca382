"""What the vignettes exercise: every rule, every criterion, every threshold; and a patient for what they do not.

A rule is covered when it fires in some vignette and is withheld in another. A criterion (a condition of a rule) is
covered when it decides alone both ways: in one vignette it holds, so does the rule, and nothing else gives the same
conclusion; in another it is all that is missing (MC/DC in spirit). A threshold is covered when exact values lie within
one unit of it on both sides. What no patient can reach does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from guidelog.datalog.doubled import patient_predicates
from guidelog.ground.program import GroundComparison, GroundProgram, GroundRule, Ranges
from guidelog.language import print_element
from guidelog.language.tree import Rule
from guidelog.patients import close
from guidelog.semantics.background import Propagated, propagate
from guidelog.semantics.bdd import TooLarge
from guidelog.semantics.kleene import World
from guidelog.source import Span

from ..all_patients import mcdc as decisive
from ..all_patients.space import Space
from ..trace.statement_rules import holds
from .runner import Outcome

RULE, CRITERION, THRESHOLD, BACKGROUND = "rule", "criterion", "threshold", "background"


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to be covered, with the vignettes that do; `impossible` when no patient could."""

    kind: str
    rule: Rule
    what: str
    span: Span | None
    vignettes: tuple[str, ...]
    impossible: bool = False
    patient: Mapping[str, Any] | None = None

    @property
    def covered(self) -> bool:
        return bool(self.vignettes)

    @property
    def place(self) -> str:
        return "" if self.span is None else repr(self.span)


@dataclass(frozen=True)
class Coverage:
    """All units, in the order of rules."""

    units: tuple[Unit, ...]
    not_in_force: tuple[Rule, ...] = ()

    @cached_property
    def counted(self) -> tuple[Unit, ...]:
        """The units that some patient can reach."""
        return tuple(u for u in self.units if not u.impossible)

    @property
    def missing(self) -> tuple[Unit, ...]:
        return tuple(u for u in self.counted if not u.covered)

    def counts(self, kind: str | None = None) -> tuple[int, int]:
        """Covered and all, of a kind or altogether."""
        units = [u for u in self.counted if kind in (None, u.kind)]
        return sum(u.covered for u in units), len(units)

    def percent(self, kind: str | None = None) -> float:
        """Covered in percent; 100 when there is nothing to cover."""
        covered, all_ = self.counts(kind)
        return 100.0 * covered / all_ if all_ else 100.0

    def to_json(self) -> dict[str, Any]:
        kinds = (RULE, CRITERION, THRESHOLD, BACKGROUND)
        return {
            "percent": round(self.percent(), 2),
            "counts": {kind: dict(zip(("covered", "all"), self.counts(kind), strict=True)) for kind in kinds},
            "impossible": sum(u.impossible for u in self.units),
            "missing": [
                {"rule": u.rule.id, "kind": u.kind, "what": u.what, "place": u.place, "patient": u.patient}
                for u in self.missing
            ],
            "not_in_force": [rule.id for rule in self.not_in_force],
        }


def coverage(
    program: GroundProgram, rules: Iterable[Rule], outcomes: Sequence[Outcome], *, witnesses: bool = True
) -> Coverage:
    """The coverage of a program by vignettes that were run. `witnesses` looks for patients for what is missing."""
    worlds = [(o.vignette.name, o.case.world) for o in outcomes if o.case is not None]
    measuring = _Measuring(program, worlds, witnesses)
    units = [*measuring.units(), *(_background(program, denial, outcomes) for denial in program.denials)]
    in_force = {id(c.rule) for c in program.clauses} | {id(u.rule) for u in units}
    ids = {c.rule.id for c in program.clauses}
    idle = tuple(r for r in rules if r.body and id(r) not in in_force and r.id not in ids)
    return Coverage(tuple(units), idle)


@dataclass
class _Measuring:
    program: GroundProgram
    worlds: Sequence[tuple[str, World]]
    witnesses: bool
    _space: Space | None = field(default=None)

    def units(self) -> Iterator[Unit]:
        by_rule: dict[int, list[GroundRule]] = {}
        for rules in self.program.instances.values():
            for instance in rules:
                by_rule.setdefault(id(instance.rule), []).append(instance)
        open_ = patient_predicates(self.program)
        for clause in self.program.clauses:
            head = clause.rule.head
            if head is None or not clause.rule.body or head.predicate not in open_:
                continue
            instances = by_rule.get(id(clause.rule), [])
            if instances:
                yield from self.rule(instances)
                for instance in instances:
                    yield from self.criteria(instance, several=len(instances) > 1)
                yield from self.thresholds(instances)
            else:
                yield Unit(RULE, clause.rule, "fires", clause.rule.span, (), impossible=True)

    def rule(self, instances: Sequence[GroundRule]) -> Iterator[Unit]:
        rule = instances[0].rule
        fires = self.named(lambda w: any(holds(w, i) is True for i in instances))
        yield self.unit(RULE, rule, "fires", rule.span, fires, lambda s: decisive.fires(s, instances))
        withheld = self.named(lambda w: all(holds(w, i) is False for i in instances))
        yield self.unit(RULE, rule, "is withheld", rule.span, withheld, lambda s: decisive.withheld(s, instances))

    def criteria(self, instance: GroundRule, *, several: bool) -> Iterator[Unit]:
        head = instance.head
        assert head is not None
        for index, element in enumerate(instance.elements):
            if not decisive.is_criterion(self.program, element):
                continue
            if len(instance.elements) == 1 and not several and not decisive.rivals(self.program, instance):
                continue  # the rule is its one criterion
            text = print_element(instance.rule.body[index])
            if several and instance.substitution:
                text += f" with {', '.join(f'{n} = {v}' for n, v in instance.substitution.items())}"
            span = instance.rule.body[index].span
            yield self.unit(
                CRITERION,
                instance.rule,
                f"`{text}` is what makes it hold",
                span,
                self.named(lambda w: self.makes(w, instance)),
                lambda s: decisive.makes(s, instance, self.program),
            )
            yield self.unit(
                CRITERION,
                instance.rule,
                f"`{text}` alone is missing",
                span,
                self.named(partial(self.breaks, instance, index)),
                partial(decisive.breaks, instance, self.program, index),
            )

    def makes(self, world: World, instance: GroundRule) -> bool:
        if holds(world, instance) is not True:
            return False
        return all(holds(world, other) is not True for other in decisive.rivals(self.program, instance))

    def breaks(self, instance: GroundRule, index: int, world: World) -> bool:
        if world.element(instance.elements[index]) is not False:
            return False
        if any(holds(world, other) is not False for other in decisive.rivals(self.program, instance)):
            return False
        return all(world.element(e) is True for i, e in enumerate(instance.elements) if i != index)

    def thresholds(self, instances: Sequence[GroundRule]) -> Iterator[Unit]:
        rule = instances[0].rule
        seen: set[tuple[GroundComparison, int]] = set()
        for instance in instances:
            for index, element in enumerate(instance.elements):
                if not isinstance(element, GroundComparison) or not element.terms:
                    continue
                for bound in dict.fromkeys((element.low, element.high)):
                    if (element, bound) in seen:
                        continue
                    seen.add((element, bound))
                    yield from self.sides(rule, index, element, bound)

    def sides(self, rule: Rule, index: int, element: GroundComparison, bound: int) -> Iterator[Unit]:
        unit = max(self.program.names.vocabulary.measures[name].ticks for name, _ in element.terms)
        names = " and ".join(f"`{name}`" for name, _ in element.terms)
        shown = _number(bound, unit)
        from_ = bound + (element.operator in (">", "<="))  # the least value of the upper side
        values = {name: _exact(world, element) for name, world in self.worlds}
        for side, low, high in (("below", from_ - unit, from_ - 1), ("from", from_, from_ + unit)):
            found = tuple(n for n, v in values.items() if v is not None and low <= v <= high)
            where = f"just {side} {shown}" if side == "below" else f"at or just over {shown}"
            yield Unit(THRESHOLD, rule, f"{names} {where}", rule.body[index].span, found)

    def named(self, test: Callable[[World], bool]) -> tuple[str, ...]:
        return tuple(name for name, world in self.worlds if test(world))

    def unit(
        self,
        kind: str,
        rule: Rule,
        what: str,
        span: Span | None,
        found: tuple[str, ...],
        region: Callable[[Space], int],
    ) -> Unit:
        if found or not self.witnesses:
            return Unit(kind, rule, what, span, found)
        space = self.space()
        if space is None:
            return Unit(kind, rule, what, span, ())
        try:
            patient = space.patient(region(space))
        except TooLarge:
            return Unit(kind, rule, what, span, ())
        return Unit(kind, rule, what, span, (), impossible=patient is None, patient=patient)

    def space(self) -> Space | None:
        """All patients, or None when there are too many to work out."""
        if self._space is None:
            try:
                self._space = Space.of(self.program)
                self._space.atom(("in_scope",), Ranges.LOW)
            except TooLarge:
                self.witnesses = False
                return None
        return self._space


def _exact(world: World, comparison: GroundComparison) -> int | None:
    """The value of a comparison's left side where it is one number."""
    total = 0
    for name, coefficient in comparison.terms:
        interval = world.facts.measures[name]
        if interval.low != interval.high:
            return None
        total += coefficient * interval.low
    return total


def _background(program: GroundProgram, denial: GroundRule, outcomes: Sequence[Outcome]) -> Unit:
    found = tuple(o.vignette.name for o in outcomes if _adds(program, denial, o))
    return Unit(BACKGROUND, denial.rule, "adds something to a record", denial.rule.span, found)


def _adds(program: GroundProgram, denial: GroundRule, outcome: Outcome) -> bool:
    result = propagate(program, close(outcome.vignette.patient, program.names.vocabulary))
    if not isinstance(result, tuple):
        return result.denial is denial
    steps: tuple[Propagated, ...] = result[1]
    return any(step.denial is denial for step in steps)


def _number(ticks: int, unit: int) -> str:
    return f"{ticks / unit:g}"
