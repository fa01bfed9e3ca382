"""Everything that a partial record leaves possible.

A completion settles each unknown finding, and each uncertain measure at the values that can matter: around every
threshold of the rules, and the ends of its interval. With few unknown inputs all of them are listed, otherwise a
sample.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from math import prod

from guidelog.ground.program import GroundComparison, GroundProgram
from guidelog.patients import Facts, Interval
from guidelog.semantics.kleene import Value
from kleene import Evaluation


def completions(program: GroundProgram, facts: Facts, most: int, among: Iterable[str] | None = None) -> Iterator[Facts]:
    """The completions of some inputs (all when `among` is None) that break no background rule; at most so many."""
    chosen = None if among is None else set(among)
    open_findings = [n for n, value in facts.findings.items() if value is None and (chosen is None or n in chosen)]
    open_measures = [n for n, i in facts.measures.items() if i.low < i.high and (chosen is None or n in chosen)]
    choices = [*((False, True) for _ in open_findings), *(values_of_measure(program, facts, n) for n in open_measures)]
    for values in _combinations(choices, most):
        findings = {n: bool(value) for n, value in zip(open_findings, values, strict=False)}
        measures = {n: Interval(v, v) for n, v in zip(open_measures, values[len(open_findings) :], strict=True)}
        completed = replace(facts, findings={**facts.findings, **findings}, measures={**facts.measures, **measures})
        if possible(program, completed) is not False:
            yield completed


def count(program: GroundProgram, facts: Facts) -> int:
    """How many there are, background rules aside."""
    measures = (len(values_of_measure(program, facts, n)) for n, i in facts.measures.items() if i.low < i.high)
    return prod((2 for value in facts.findings.values() if value is None), start=prod(measures))


def values_of_measure(program: GroundProgram, facts: Facts, name: str) -> tuple[int, ...]:
    """Values of a measure in ticks, at least one between any two thresholds of the rules."""
    interval = facts.measures[name]
    found = {interval.low, interval.high}
    rules = (*(r for rules in program.instances.values() for r in rules), *program.denials)
    comparisons = {e for rule in rules for e in rule.elements if isinstance(e, GroundComparison)}
    for comparison in comparisons:
        own = sum(c for n, c in comparison.terms if n == name)
        if not own:
            continue
        # What the other measures of the comparison may add up to, at the ends of their intervals.
        rest = [(c * facts.measures[n].low, c * facts.measures[n].high) for n, c in comparison.terms if n != name]
        for bound, sums in product((comparison.low, comparison.high), product(*rest)):
            at = (bound - sum(sums)) // own
            found.update((at - 1, at, at + 1))
    return tuple(sorted(v for v in found if interval.low <= v <= interval.high))


def possible(program: GroundProgram, facts: Facts) -> Value:
    """False when a background rule excludes these facts; None when that depends on what is unknown."""
    if not program.denials:
        return True
    evaluation = Evaluation(program, facts)
    values = [evaluation.body(denial) for denial in program.denials]
    return False if True in values else None if None in values else True


def _combinations(choices: list[tuple[int, ...] | tuple[bool, ...]], most: int) -> Iterator[tuple[int, ...]]:
    total = prod(map(len, choices))
    if total <= most:
        yield from product(*choices)
        return
    seeded = random.Random(total)  # the same sample every time
    for _ in range(most):
        yield tuple(seeded.choice(values) for values in choices)
