"""`verify`: each property proved for every possible record, or broken by a witness, or not decided.

Nothing is called proved that was not; a property that no patient could ever touch is said to be idle. What the rules
show about themselves is found by `review`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from guidelog.compiled import Compiled
from guidelog.ground.program import GroundLiteral
from guidelog.solver.literals import Budget

from ..gaps.report import Progress, Review
from ..search.questions import Outcome, Search, Side
from ..witness.find import Ask, confirm
from ..witness.replay import certified
from ..witness.shrink import rounded, still_broken, trimmed
from .language import ADDS, LEARNS, Kind, Properties, Property
from .verdicts import Remark, Result, Verdict, Verification


def verify(
    compiled: Compiled,
    properties: Properties,
    ask: Ask = certified,
    *,
    budget: Budget | None = None,
    rules: bool = True,
    progress: Progress = lambda *_: None,
) -> Verification:
    """Decide every property; with `rules` also look for conflicts, gaps, dead rules and idle conditions.

    Raises witness.Disagreement when the engine does not confirm a witness.
    """
    budget = budget or Budget()
    started = time.monotonic()
    search = Search(properties)
    goals = [(prop, search.goal(prop)) for prop in properties.properties]
    loaded = time.monotonic()
    if any(literal.atom[0] == LEARNS for prop, _ in goals for rule in prop.instances for literal in rule.atoms()):
        search.compare_levels(budget)
    verdicts = []
    for index, (prop, goal) in enumerate(goals):
        progress(prop.id, index, len(goals))
        verdicts.append(_verdict(compiled, properties, ask, search, prop, goal, budget))
    remarks: list[Remark] = []
    checked: list[tuple[str, int]] = []
    if rules:
        review = Review(compiled, ask, search, budget, progress)
        remarks = list(review.remarks())
        checked = list(review.checked.items())
    vocabulary = compiled.names.vocabulary
    return Verification(
        tuple(verdicts),
        tuple(remarks),
        tuple(checked),
        (len(vocabulary.findings), len(vocabulary.measures), len(compiled.ground.denials)),
        len(search.judgement.high),
        loaded - started,
        time.monotonic() - started,
    )


def _verdict(
    compiled: Compiled, properties: Properties, ask: Ask, search: Search, prop: Property, goal: int, budget: Budget
) -> Verdict:
    started = time.monotonic()
    outcome, _ = search.ask([goal], budget)
    seconds = time.monotonic() - started
    verdict = partial(Verdict, prop.id, prop.says)
    match outcome:
        case Outcome.IMPOSSIBLE:
            return verdict(Result.PROVED, seconds, idle=_is_idle(search, prop, budget))
        case Outcome.NOT_DECIDED:
            return verdict(Result.NOT_DECIDED, seconds)
    # half of what is left for a small patient, the other half to confirm that patient
    outcome, case = search.ask([goal], budget.half(), best=True, second=_second(search, prop))
    if case is None:
        return verdict(Result.NOT_DECIDED, seconds)
    bare = case.smallest
    if not bare:
        case, bare = trimmed(compiled, prop, properties.program, case, budget.half())
    if case.high_ends is None and case.after is None:
        measures = compiled.names.vocabulary.measures
        record = rounded(case.record, measures, still_broken(compiled, prop, properties.program))
        case = replace(case, record=record)
    witness = confirm(compiled, ask, prop, properties.program, case, budget)
    if witness is None:  # what the engine has not confirmed is not said
        return verdict(Result.NOT_DECIDED, seconds)
    return verdict(Result.BROKEN, seconds, replace(witness, bare=bare))


def _second(search: Search, prop: Property) -> Side | None:
    if not prop.compares():
        return None
    adds = any(literal.atom[0] == ADDS for rule in prop.instances for literal in rule.atoms())
    return search.with_added if adds else search.further


def _is_idle(search: Search, prop: Property, budget: Budget) -> bool:
    """Whether no patient has what the property is about: nobody comes nearer to breaking it than by two conditions."""
    c, encoded = search.circuit, search.first.encoded
    near = []
    for rule in prop.instances:
        values = [
            encoded.element(e)[0]
            for e in rule.elements
            if not (isinstance(e, GroundLiteral) and e.atom[0] in (ADDS, LEARNS))
        ]
        if prop.kind is Kind.NEVER:
            near += [c.both(*values[:place], *values[place + 1 :]) for place in range(len(values))]
        else:
            near.append(c.both(*values))
    return search.ask([c.any(*near)], budget)[0] is Outcome.IMPOSSIBLE
