"""Why an answer is not the expected one, in two or three short lines.

Names the rules that would have given the expected status and what each fails at, down to the record, and the rules
that gave the status instead. Full proofs are elsewhere; this is what fits under a failing vignette.
"""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.ground.program import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundRule
from guidelog.language import print_element
from guidelog.language.stances import STANCES
from guidelog.semantics.kleene import Value, World
from guidelog.semantics.status import STATUS_OF_STANCE, Status

from ..trace.statement_rules import holds

_DEEPEST = 5
_MOST = 4
_WORD = {True: "true", False: "false", None: "unknown"}
_FINDING = {True: "present", False: "absent", None: "unknown"}


def why_status(world: World, intervention: str, expected: Status, got: Status) -> tuple[str, ...]:
    """The rules of the expected status and what they fail at, then the rules behind the status it got."""
    lines: list[str] = []
    wanted = list(_advice(world, intervention, expected))
    lines += [why_rule(world, rule) for rule in wanted if holds(world, rule) is not True][:_MOST]
    if expected not in STATUS_OF_STANCE.values():
        pass
    elif not wanted:
        lines.append(f"no rule gives `{intervention}` the status `{expected.value}`")
    giving = [r for r in _advice(world, intervention, got) if holds(world, r) is True]
    lines += [f"{_name(rule)} holds: {_rests_on(world, rule)}" for rule in giving][:_MOST]
    if got is Status.UNDETERMINED:
        lines += [
            f"{_name(rule)} is unknown: {_first(world, rule, None)}"
            for stance in STANCES
            for rule in world.program.instances.get(("advise", intervention, stance), ())
            if holds(world, rule) is None and rule not in wanted
        ][:_MOST]
    return tuple(dict.fromkeys(lines))


def why_rule(world: World, rule: GroundRule) -> str:
    """One line on an instance: that it holds, or the first thing that it fails at."""
    value = holds(world, rule)
    if value is True:
        return f"{_name(rule)} holds"
    verb = "fails" if value is False else "is open"
    return f"{_name(rule)} {verb}: {_first(world, rule, value)}"


def element_text(rule: GroundRule, index: int) -> str:
    """An element as its author wrote it."""
    return print_element(rule.rule.body[index])


def _advice(world: World, intervention: str, status: Status) -> Iterator[GroundRule]:
    for stance in STANCES:
        if STATUS_OF_STANCE[stance] is status:
            yield from world.program.instances.get(("advise", intervention, stance), ())


def _first(world: World, rule: GroundRule, value: Value, depth: int = 0) -> str:
    """The first element with that value, and what it comes from."""
    for index, element in enumerate(rule.elements):
        if world.element(element) is value:
            return _element(world, rule, index, element, depth)
    return "nothing fails"


def _element(world: World, rule: GroundRule, index: int, element: GroundElement, depth: int) -> str:
    text = f"`{element_text(rule, index)}`"
    match element:
        case GroundComparison(terms):
            values = " and ".join(_measure(world, name) for name, _ in terms)
            return f"{text}, and {values}"
        case GroundAtLeast(count, members):
            held = sum(world.literal(m) is True for m in members)
            return f"{text}: {held} of {len(members)} are certain, {count} are needed"
    atom = getattr(element, "atom", None)
    if atom is None:
        return text
    if atom[0] == "finding":
        return f"`{atom[1]}` is {_FINDING[world.atom(atom)]}"
    value = world.atom(atom)
    said = f"{text}, as `{_atom(atom)}` is {_WORD[value]}"
    return said if depth >= _DEEPEST else said + _behind(world, atom, value, depth)


def _behind(world: World, atom: Atom, value: Value, depth: int) -> str:
    rules = world.program.instances.get(atom, ())
    if value is True:
        rule = next((r for r in rules if holds(world, r) is True), None)
        return "" if rule is None else f" ({_name(rule)}: {_rests_on(world, rule)})"
    relevant = [r for r in rules if holds(world, r) is value]
    if not relevant:
        return " (no rule defines it here)"
    if len(relevant) > 1:
        names = list(dict.fromkeys(_name(r) for r in relevant))
        verb = ("is open" if value is None else "fails") if len(names) == 1 else "are open" if value is None else "fail"
        return f" ({', '.join(names)} {verb})"
    return f" ({_name(relevant[0])}: {_first(world, relevant[0], value, depth + 1)})"


def _rests_on(world: World, rule: GroundRule) -> str:
    """What an instance that holds looks at, shortly."""
    shown = []
    for index, element in enumerate(rule.elements[:_MOST]):
        atom = getattr(element, "atom", None)
        if isinstance(element, GroundComparison):
            shown.append(" and ".join(_measure(world, name) for name, _ in element.terms))
        elif atom is not None and atom[0] == "finding":
            shown.append(f"`{atom[1]}` is {_FINDING[world.atom(atom)]}")
        else:
            shown.append(f"`{element_text(rule, index)}`")
    return ", ".join(shown) or "nothing but the patient"


def _measure(world: World, name: str) -> str:
    measure, interval = world.program.names.vocabulary.measures[name], world.facts.measures[name]
    low, high = interval.low / measure.ticks, interval.high / measure.ticks
    if (low, high) == (measure.low, measure.high):
        return f"`{name}` is unknown"
    return f"`{name}` is {low:g}" if low == high else f"`{name}` is between {low:g} and {high:g}"


def _atom(atom: Atom) -> str:
    return f"{atom[0]}({', '.join(map(str, atom[1:]))})" if len(atom) > 1 else str(atom[0])


def _name(rule: GroundRule) -> str:
    return rule.rule.id or "a rule without an id"
