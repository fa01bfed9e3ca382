"""Which rules are a statement's own, and whether it fires for a patient.

A statement fires when its own advice certainly applies, and is withheld when it certainly does not; in between neither.
Its own rules are those that name it and speak as its kind does: a statement to do something fires through `do`, not
through the `defer` that says "not yet". A criterion fires when it is met and the advice it serves is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from guidelog.ground.program import Atom, GroundProgram, GroundRule
from guidelog.language.names import Names
from guidelog.language.stances import EMERGENCY, HOLD, STANCES_AGAINST, STANCES_FOR
from guidelog.language.tree import Rule
from guidelog.semantics.kleene import Value, World
from guidelog.semantics.status import Status
from guidelog.semantics.status_diagrams import status_in

_STANCES: Mapping[str, frozenset[str]] = {
    "do": frozenset({"urgent", "do"}),
    "consider": frozenset({"consider"}),
    "avoid": frozenset({"avoid"}),
    "defer": frozenset({"defer"}),
    "criterion": frozenset({*STANCES_FOR, EMERGENCY}),
}
_HELD = frozenset({*STANCES_FOR[1:], *STANCES_AGAINST})
_GIVEN = frozenset({Status.URGENT, Status.RECOMMENDED, Status.CONSIDER})
ADVICE = frozenset({"advise", "include", "note"})


@dataclass(frozen=True)
class Register:
    """The statements of a guideline with the ground instances that are their own."""

    program: GroundProgram

    @property
    def names(self) -> Names:
        return self.program.names

    @cached_property
    def by_statement(self) -> Mapping[str, tuple[GroundRule, ...]]:
        """The instances whose rules name a statement, in the order of rules."""
        found: dict[str, list[GroundRule]] = {name: [] for name in self.names.statements}
        for rules in self.program.instances.values():
            for instance in rules:
                for statement in instance.rule.listed("statements"):
                    if statement in found:
                        found[statement].append(instance)
        return {name: tuple(rules) for name, rules in found.items()}

    def value(self, world: World, statement: str) -> Value:
        """True when it fires, False when it is withheld, None when neither is certain."""
        kinds = _kinds(self.names, statement)
        instances = self.by_statement[statement]
        advice = [i for i in instances if self.speaks(i, kinds)]
        if "criterion" not in kinds:
            shown = advice or [i for i in instances if _predicate(i) not in ADVICE]
            return _any(self.instance(world, i) for i in shown)
        met = _any(holds(world, i) for i in self.criterion(statement))
        return False if met is False else _both(met, _any(self.instance(world, i) for i in advice))

    def criterion(self, statement: str) -> list[GroundRule]:
        """The concepts that say whether a criterion is met: of those that name it, the ones that name fewest others."""
        concepts = [i for i in self.by_statement[statement] if _predicate(i) not in ADVICE]
        fewest = min((len(i.rule.listed("statements")) for i in concepts), default=0)
        return [i for i in concepts if len(i.rule.listed("statements")) == fewest]

    def speaks(self, instance: GroundRule, kinds: Iterable[str]) -> bool:
        """Whether an instance is advice of one of these kinds."""
        match instance.head:
            case ("advise", _, stance):
                return any(stance in _STANCES.get(kind, ()) for kind in kinds)
            case ("include", *_):
                return not {"note", "caution", "criterion", "scope"}.issuperset(kinds)
            case ("note", *_):
                return bool({"note", "caution", "scope"}.intersection(kinds))
            case _:
                return False

    def instance(self, world: World, instance: GroundRule) -> Value:
        """Whether an instance's advice applies, and is not held back; an included item with what it is included in."""
        value = holds(world, instance)
        match instance.head:
            case ("include", intervention, _):
                status = status_in(world, str(intervention))
                given: Value = None if status is Status.UNDETERMINED else status in _GIVEN
                return _both(value, given)
            case ("advise", intervention, stance) if stance in _HELD:
                held = world.atom(("advise", str(intervention), HOLD))
                return _both(value, None if held is None else not held)
            case _:
                return value


def holds(world: World, instance: GroundRule) -> Value:
    """Whether the body of an instance holds."""
    return all_of(world.values(instance))


def all_of(values: Iterable[Value]) -> Value:
    """The conjunction."""
    result: Value = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def own_rules(rules: Iterable[Rule], statement: str) -> list[Rule]:
    """The rules that name a statement."""
    return [rule for rule in rules if statement in rule.listed("statements")]


def _kinds(names: Names, statement: str) -> tuple[str, ...]:
    declaration = names.statements[statement].declaration
    return tuple(getattr(v, "name", "") for v in declaration.values("kind"))


def _predicate(instance: GroundRule) -> str:
    head: Atom = instance.head or ("",)
    return str(head[0])


def _any(values: Iterable[Value]) -> Value:
    result: Value = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def _both(first: Value, second: Value) -> Value:
    return all_of((first, second))
