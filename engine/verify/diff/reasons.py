"""What else changes between two versions, where answers stay.

The rules behind an answer, what an open answer would settle on at an end of the guideline's ranges, included items and
notes, and records that only one version takes. Each with a patient, confirmed by both versions' engines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guidelog.certificate.build import at_end
from guidelog.ground.ground import Atom
from guidelog.ground.ranges import Ranges
from guidelog.semantics.status import Status, status_in

from ..search.both import Both
from ..search.versions import differs, unequal
from ..witness.candidate import Sketch
from ..witness.find import world_of
from ..witness.replay import Disagreement
from .responsible import Responsible
from .result import Reason, Shown


def reason_goals(both: Both, name: str) -> list[tuple[str | None, bool, int]]:
    """For each rule of advice that it is now, or no longer, behind the answer; and that what is open differs."""
    c, goals = both.circuit, list[tuple[str | None, bool, int]]()
    same = -differs(c, *(side.kept.answer(name) for side in both.sides))
    before, after = (side.gives(name) for side in both.sides)
    for rule in dict.fromkeys((*before, *after)):
        was, is_ = before.get(rule, c.false), after.get(rule, c.false)
        goals += [(rule, True, c.both(same, is_, -was)), (rule, False, c.both(same, was, -is_))]
    still_open = [side.kept.answer(name)[Status.UNDETERMINED] for side in both.sides]
    ends = [differs(c, *(getattr(side, end).answer(name) for side in both.sides)) for end in ("low", "high")]
    goals.append((None, True, c.both(*still_open, c.any(*ends))))
    return [goal for goal in goals if goal[2] != c.false]


def reasons(both: Both, responsible: Responsible, name: str, *, smallest: bool) -> Iterator[Reason]:
    """What changes in the reasons of an answer that stays; one search where nothing does."""
    goals = reason_goals(both, name)
    whether = "the answers stay; it was not decided whether their reasons do"
    _, found, decided = both.model([both.circuit.any(*(literal for *_, literal in goals))])
    if found is None:
        if not decided:
            both.undecided.append((name, whether))
        return
    determined = -both.after.kept.answer(name)[Status.UNDETERMINED]
    for rule, gained, literal in goals:
        found, decided = None, True
        if both.circuit.both(literal, determined) != both.circuit.false:  # says more than an answer that is open
            _, found, _ = both.model([literal, determined], best=smallest)
        if found is None:
            _, found, decided = both.model([literal], best=smallest)
        if found is not None and not both.budget.spent:
            yield _confirmed_reason(both, responsible, name, rule, gained, found)
        elif found is not None or not decided:
            both.undecided.append((name, whether))


def _confirmed_reason(
    both: Both, responsible: Responsible, name: str, rule: str | None, gained: bool, found: Sketch
) -> Reason:
    given = [both.answers(compiled, found, [name]) for compiled in (both.old, both.new)]
    before, after = (next(a for a in g.answers if a.intervention == name) for g in given)
    if rule is None:
        ends = [
            [status_in(at_end(compiled, g.world, end), name) for end in (Ranges.LOW, Ranges.HIGH)]
            for compiled, g in zip((both.old, both.new), given, strict=True)
        ]
        confirmed = ends[0] != ends[1]
    else:
        confirmed = (rule in after.rules) is gained and (rule in before.rules) is not gained
    if before.status is not after.status or not confirmed:
        raise Disagreement(f"the engine does not confirm that the reasons on `{name}` change")
    content = both.content(found, f"{name}-{rule or 'range'}-{'gained' if gained else 'lost'}")
    if rule is None:
        return Reason(name, None, gained, after.status, content, responsible.only)
    by, _ = responsible.for_change(name, found, lambda answer: (rule in answer.rules) is gained)
    return Reason(name, rule, gained, after.status, content, by)


def shown(both: Both) -> Iterator[Shown]:
    """Item by item and rule by rule, because each rule's own words are shown."""
    first, second = (side.shows() for side in both.sides)
    for key in dict.fromkeys((*first, *second)):
        before, after = (shows.get(key, both.circuit.false) for shows in (first, second))
        for gained, literal in (
            (True, both.circuit.both(after, -before)),
            (False, both.circuit.both(before, -after)),
        ):
            if literal != both.circuit.false:
                _, found, decided = both.model([literal], best=True)
                if found is not None and not both.budget.spent:
                    yield _confirmed_shown(both, *key, gained, found)
                elif found is not None or not decided:
                    why = f"not decided whether {key[1]} is {'newly' if gained else 'no longer'} shown"
                    both.undecided.append((_words(key[0]), why))


def _confirmed_shown(both: Both, atom: Atom, rule: str, gained: bool, found: Sketch) -> Shown:
    name = "-".join(map(str, atom)).replace("_", "-")
    for compiled, wanted in ((both.old, not gained), (both.new, gained)):
        world = world_of(compiled, both.patient(compiled, found, name))
        if any(instance.rule.id == rule for instance in world.holding(atom)) is not wanted:
            raise Disagreement(f"the engine does not confirm for `{name}` what is shown")
    return Shown(atom, rule, gained, both.content(found, name))


def refused(both: Both) -> Iterator[tuple[str, dict[str, Any]]]:
    """Records that one version takes and the other refuses."""
    first, second = (side.facts.refused for side in both.sides)
    if unequal(both.circuit, first, second) == both.circuit.false:
        return
    for by, literals in (("new", (-first, second)), ("old", (first, -second))):
        _, found, decided = both.model(literals, best=True, accepted=False)
        if found is not None:
            yield by, both.content(found, f"refused-by-{by}")
        elif not decided:
            both.undecided.append(("background", f"not decided whether the {by} version refuses more records"))


def _words(atom: Atom) -> str:
    return f"{atom[0]}({', '.join(map(str, atom[1:]))})"
