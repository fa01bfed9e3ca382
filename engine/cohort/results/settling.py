"""Which reply would settle most undetermined answers, tried on a sample of a batch.

Every reply to every open question is evaluated by the plan itself, so what counts as settled is what `ask` would say
after it. Replies to two questions at once are not tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from guidelog.ground.ground import GroundProgram
from guidelog.semantics import Plan
from guidelog.semantics.circuit import Known, Reaches

from ..engines.vectors import WORD, Evaluator, Inputs, Words, count, unpack

SAMPLE = 1 << 10
"""At most this many patients of a large batch are looked at for what would settle them; of a smaller one fewer."""


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
