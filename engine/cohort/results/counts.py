"""What a run counts while the bits are at hand: answers and how far patients get.

What would settle most is tried by `settling`.
Counts are plain numbers in plain dictionaries, so that those of batches can be added up and kept with the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from guidelog.ground.ground import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundProgram
from guidelog.language.names import STANCES_FOR
from guidelog.semantics import Advice, Plan, Probe
from guidelog.semantics.circuit import Pair
from guidelog.semantics.status import Because, Status

from ..engines.vectors import Inputs, Words, count
from .settling import SAMPLE, Settling

_MOST_ELEMENTS = 40


class Counter:
    """Counts of a plan; `outputs` are the bits that it needs besides the answers."""

    def __init__(self, plan: Plan, program: GroundProgram, most: int = SAMPLE) -> None:
        self.plan, self.program, self.most = plan, program, most
        self.names = [a.intervention for a in plan.advice]
        self.steps = {
            name: [probe for stance in STANCES_FOR for probe in plan.probes.get(("advise", name, stance), ())]
            for name in self.names
        }
        self.leaves: dict[Atom, dict[str, Pair]] = {}
        self.outputs: list[int] = []
        for probes in self.steps.values():
            for probe in probes:
                for element, pair in zip(probe.instance.elements, probe.elements, strict=True):
                    self.outputs += pair
                    if isinstance(element, GroundLiteral) and element.atom in plan.probes:
                        for leaf in self.below(element.atom).values():
                            self.outputs += leaf
        self.settling = Settling(plan, program)

    def count(self, bits: Mapping[int, Words], inputs: Inputs, good: Words, bad: int) -> dict[str, Any]:
        """Everything about a batch; `good` are the patients that are answered."""
        rows = inputs.rows
        answers = {a.intervention: _statuses(a, bits, good, rows) for a in self.plan.advice}
        funnel = {
            name: [self.pass_along(p, bits, good, rows) for p in probes]
            for name, probes in self.steps.items()
            if probes
        }
        settles, sample = self.settling.count(inputs, good, self.most)
        return {
            "patients": rows - bad,
            "rejected": bad,
            "answers": answers,
            "funnel": funnel,
            "settles": settles,
            "sample": sample,
        }

    def pass_along(self, probe: Probe, bits: Mapping[int, Words], good: Words, rows: int) -> dict[str, Any]:
        """How many patients get past each condition of a rule, in the order in which it is written."""
        remaining, steps = good, []
        for element, (true, false) in zip(probe.instance.elements, probe.elements, strict=True):
            if true == 1:
                continue
            fails, holds = remaining & bits[false], remaining & bits[true]
            step: dict[str, Any] = {
                "condition": shown(element, self.program),
                "reached": count(remaining, rows),
                "holds": count(holds, rows),
                "fails": count(fails, rows),
            }
            if isinstance(element, GroundLiteral) and element.atom in self.plan.probes:
                found = self.below(element.atom)
                why = {text: count(fails & bits[t if element.negated else f], rows) for text, (t, f) in found.items()}
                step["because"] = {text: n for text, n in why.items() if n}
                step["by"] = "with" if element.negated else "without"
            steps.append(step)
            remaining = holds
        return {"rule": probe.instance.rule.id or "", "steps": steps, "passes": count(remaining, rows)}

    def below(self, atom: Atom) -> dict[str, Pair]:
        """The inputs that a conclusion rests on without negation, with their pairs."""
        if atom not in self.leaves:
            found: dict[str, Pair] = {}
            todo, seen = [atom], {atom}
            while todo and len(found) < _MOST_ELEMENTS:
                for probe in self.plan.probes[todo.pop(0)]:
                    for element, pair in zip(probe.instance.elements, probe.elements, strict=True):
                        if pair[0] <= 1:
                            continue
                        if (
                            isinstance(element, GroundLiteral)
                            and element.atom in self.plan.probes
                            and not element.negated
                        ):
                            if element.atom not in seen:
                                seen.add(element.atom)
                                todo.append(element.atom)
                        else:
                            found[shown(element, self.program)] = pair
            self.leaves[atom] = found
        return self.leaves[atom]


def add_up(parts: Iterable[Any]) -> Any:
    """Counts of parts as one: numbers are added, what is not a number is the same in all."""
    listed = list(parts)
    match listed[0]:
        case bool() | str():
            return listed[0]
        case int():
            return sum(listed)
        case dict():
            keys = dict.fromkeys(k for part in listed for k in part)
            return {k: add_up([part[k] for part in listed if k in part]) for k in keys}
        case _:
            return [add_up(items) for items in zip(*listed, strict=True)]


def shown(element: GroundElement, program: GroundProgram) -> str:
    """A condition in the guideline's own words where it has some."""
    vocabulary = program.names.vocabulary
    match element:
        case GroundLiteral(atom, negated):
            if atom[0] == "finding":
                declared = vocabulary.findings[str(atom[1])]
                return f"not {declared.label}" if negated else declared.label
            predicate = program.names.predicates[str(atom[0])]
            words = predicate.when_false if negated else predicate.when_true
            for parameter, value in zip(predicate.parameters[1:], atom[1:], strict=False):
                words = words.replace(f"{{{parameter}}}", str(value)) if words else None
            return words or f"{'not ' if negated else ''}{atom[0]}" + (
                f"({', '.join(map(str, atom[1:]))})" if atom[1:] else ""
            )
        case GroundComparison(terms, operator, low, high):
            ticks = vocabulary.measures[terms[0][0]].ticks if terms else 1
            left = " + ".join(
                vocabulary.measures[n].label if c == 1 else f"{c} × {vocabulary.measures[n].label}" for n, c in terms
            )
            bound = f"{low / ticks:g}" if low == high else f"{low / ticks:g}..{high / ticks:g}"
            return f"{left} {operator} {bound}"
        case GroundAtLeast(number, members):
            return f"at least {number} of {len(members)}"
        case _:
            return "true"


def _statuses(advice: Advice, bits: Mapping[int, Words], good: Words, rows: int) -> dict[str, int]:
    found = {status.value: count(good & bits[n], rows) for status, n in advice.statuses.items()}
    determined = np.zeros_like(good)
    for number in advice.statuses.values():
        determined |= bits[number]
    undetermined = good & ~determined
    found[Status.UNDETERMINED.value] = total = count(undetermined, rows)
    found[Because.GUIDELINE_RANGE.value] = by_range = (
        count(undetermined & bits[advice.range_only], rows) if advice.range_only else 0
    )
    found[Because.MISSING_DATA.value] = total - by_range
    return {name: number for name, number in found.items() if number}
