"""What a run counts while the bits are at hand: answers and how far patients get.

What would settle most is tried by `settling`.
Counts are plain numbers in plain dictionaries, so that those of batches can be added up and kept with the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from guidelog.ground.program import Atom, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundProgram
from guidelog.language.stances import STANCES_FOR
from guidelog.semantics import Advice, Plan, Probe
from guidelog.semantics.circuit import Known, Pair, Reaches
from guidelog.semantics.status import Because, Status

from ..engines.vectors import WORD, Evaluator, Inputs, Words, count, unpack

SAMPLE = 1 << 10
"""At most this many patients of a large batch are looked at for what would settle them; of a smaller one fewer."""
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


class Settling:
    """For each open input: how many undetermined answers its reply would settle, tried on a sample."""

    def __init__(self, plan: Plan, program: GroundProgram) -> None:
        self.plan, self.vocabulary = plan, program.names.vocabulary
        self.evaluator = Evaluator(plan.circuit, [n for a in plan.advice for n in a.statuses.values()])
        used = _inputs(self.evaluator)
        self.findings = [f for f in self.vocabulary.findings if f in used]
        self.measures = {m: sorted(cuts) for m, cuts in _cuts(self.evaluator).items()}
        self.screens = {
            s: [m for m in declared.members if m in used] for s, declared in self.vocabulary.screens.items()
        }

    def count(self, inputs: Inputs, good: Words, most: int) -> tuple[dict[str, dict[str, list[int]]], int]:
        """By intervention and question: settled whatever the reply, and by some reply."""
        inputs, good = _sample(inputs, good, most)
        open_ = {n: good & ~d for n, d in self.determined(inputs).items()}
        rows = inputs.rows
        open_ = {name: words for name, words in open_.items() if count(words, rows)}
        found: dict[str, dict[str, list[int]]] = {name: {} for name in open_}
        if open_:
            asked = list(self.replies(inputs))
            # All replies to all questions side by side: one evaluation, however few the patients are.
            outcomes = self.determined(_side_by_side(inputs, [reply for _, replies in asked for reply in replies]))
            start = 0
            for question, replies in asked:
                stop = start + len(replies) * inputs.words
                for name, words in open_.items():
                    settled = outcomes[name][start:stop].reshape(len(replies), inputs.words)
                    always = words & np.bitwise_and.reduce(settled)
                    if sometimes := count(words & np.bitwise_or.reduce(settled), rows):
                        found[name][question] = [count(always, rows), sometimes]
                start = stop
        return found, count(good, rows)

    def determined(self, inputs: Inputs) -> dict[str, Words]:
        bits = self.evaluator.evaluate(inputs)
        found = {}
        for advice in self.plan.advice:
            words = np.zeros(inputs.words, np.uint64)
            for number in advice.statuses.values():
                words |= bits[number]
            found[advice.intervention] = words
        return found

    def replies(self, inputs: Inputs) -> Iterable[tuple[str, list[Inputs]]]:
        for name in self.findings:
            yield name, [_told(inputs, {name: value}) for value in (True, False)]
        for name, cuts in self.measures.items():
            low, high = inputs.ranges[name]
            yield name, [_told(inputs, {name: value}) for value in sorted({low, *(c for c in cuts if low < c <= high)})]
        for name, members in self.screens.items():
            if len(members) > 1:
                nothing = {m: False if m in self.vocabulary.findings else self._unlisted(m) for m in members}
                yield f"screen:{name}", [_told(inputs, {m: v for m, v in nothing.items() if v is not None})]

    def _unlisted(self, name: str) -> int | None:
        measure = self.vocabulary.measures[name]
        return None if measure.unlisted is None else measure.unlisted * measure.ticks


def _told(inputs: Inputs, replies: Mapping[str, bool | int]) -> Inputs:
    """The same patients, with a reply wherever the input is open and the reply is possible."""
    known, ends = dict(inputs.known), dict(inputs.ends)
    for name, value in replies.items():
        if isinstance(value, bool):
            there = known.get((name, value))
            other = known.get((name, not value))
            told = np.full(inputs.words, np.uint64(0xFFFFFFFFFFFFFFFF)) if other is None else ~other
            known[name, value] = told if there is None else there | told
            continue
        low, high = (ends.get((name, upper)) for upper in (False, True))
        low = np.full(inputs.rows, inputs.ranges[name][0]) if low is None else low
        high = np.full(inputs.rows, inputs.ranges[name][1]) if high is None else high
        reply = np.clip(value, low, high)  # the nearest value that the record leaves possible
        ends[name, False] = ends[name, True] = reply
    return Inputs(inputs.rows, known, ends, inputs.ranges)


def _side_by_side(inputs: Inputs, several: Sequence[Inputs]) -> Inputs:
    """Variants of the same patients one after the other, each from a new word on.

    A variant shares with the inputs every vector that it does not change, so those are repeated as they are.
    """
    words, rows = inputs.words, inputs.words * WORD
    nobody = np.zeros(words, np.uint64)
    known = {}
    for key in dict.fromkeys(key for variant in several for key in variant.known):
        base = inputs.known.get(key, nobody)
        known[key] = repeated = np.tile(base, (len(several), 1))
        for place, variant in enumerate(several):
            if (other := variant.known.get(key, nobody)) is not base:
                repeated[place] = other
    ends = {}
    for end in dict.fromkeys(key for variant in several for key in variant.ends):
        first = inputs.ends.get(end)
        whole = np.full(rows, inputs.ranges[end[0]][end[1]], np.int64 if first is None else first.dtype)
        if first is not None:
            whole[: inputs.rows] = first
        ends[end] = repeated_ticks = np.tile(whole, (len(several), 1))
        for place, variant in enumerate(several):
            if (ticks := variant.ends.get(end)) is not None and ticks is not first:
                repeated_ticks[place, : inputs.rows] = ticks
    return Inputs(
        rows * len(several),
        {key: vectors.ravel() for key, vectors in known.items()},
        {key: vectors.ravel() for key, vectors in ends.items()},
        inputs.ranges,
    )


def _sample(inputs: Inputs, good: Words, most: int) -> tuple[Inputs, Words]:
    """Every n-th word of patients."""
    step = -(-inputs.rows // most)
    if step < 2:
        return inputs, good
    known = {key: np.ascontiguousarray(words[::step]) for key, words in inputs.known.items()}
    good = np.ascontiguousarray(good[::step])
    every = np.zeros(inputs.words, np.uint64)
    every[::step] = np.uint64(0xFFFFFFFFFFFFFFFF)
    chosen = unpack(every, inputs.rows)
    ends = {key: ticks[chosen] for key, ticks in inputs.ends.items()}
    return Inputs(int(chosen.sum()), known, ends, inputs.ranges), good


def _inputs(evaluator: Evaluator) -> set[str]:
    found: set[str] = set()
    for _, gate in evaluator.gates:
        match gate:
            case Reaches(terms):
                found.update(end.measure for _, end in terms)
            case Known(name):
                found.add(name)
    return found


def _cuts(evaluator: Evaluator) -> dict[str, set[int]]:
    """For each measure the values from which on a comparison of it alone changes."""
    found: dict[str, set[int]] = {}
    for _, gate in evaluator.gates:
        if isinstance(gate, Reaches) and len(gate.terms) == 1:
            ((coefficient, end),) = gate.terms
            cut = -(-gate.bound // coefficient) if coefficient > 0 else gate.bound // coefficient + 1
            found.setdefault(end.measure, set()).add(cut)
    return found
