"""Which question to ask next.

The next question over several interventions is the one whose reply is expected to tell most about their statuses:
mutual information, with an unknown finding present or absent with equal weight, and a screen as likely to find
something as nothing. Inputs that cannot change any status are never asked.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..status import Status
from ..values import Ranges
from . import wording
from .answers import Answers
from .bdd import FALSE, TRUE, TooLarge
from .questions import Question
from .unknowns import Unknowns


@dataclass(frozen=True, slots=True)
class Next:
    """The question to ask next, what it would tell about which interventions, and why it is asked."""

    question: Question
    says: str
    members: tuple[str, ...]
    settles: tuple[str, ...]
    """Interventions that some reply settles at once."""
    bears_on: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "question": self.question,
            "says": self.says,
            "members": list(self.members),
            "may_settle": list(self.settles),
            "bears_on": list(self.bears_on),
        }


def next_question(
    answers: Answers, interventions: Iterable[str] | None = None, *, skip: Collection[str] = ()
) -> Next | None:
    """The best next question about the undetermined among the interventions, None when none is left.

    `skip` are questions not to ask (again); a screen that is skipped opens into its members.
    """
    wanted = set(interventions) if interventions is not None else None
    open_ = [a for a in answers.answers if a.questions and (wanted is None or a.intervention in wanted)]
    if not open_:
        return None
    try:
        return _best(answers, open_, skip)
    except (TooLarge, RecursionError):
        first = open_[0]
        assert first.questions
        question = next((q for q in first.questions[0] if q not in skip), None)
        if question is None:
            return None
        return Next(question, wording.question(question, answers.names), (), (), (first.intervention,))


def _best(answers: Answers, open_: Sequence[Any], skip: Collection[str]) -> Next | None:
    unknowns = Unknowns(answers.world.program, answers.facts)
    regions = {a.intervention: unknowns.statuses(a.intervention, Ranges.LOW) for a in open_}
    questions: dict[Question, None] = {}
    for answer in open_:
        for group in answer.questions:
            for question in group:
                parts = members_of(answers, unknowns, question) if question in skip else [question]
                questions.update(dict.fromkeys(q for q in parts if q not in skip))
    if not questions:
        return None
    weigh = _Weigher(unknowns)
    scored = []
    for place, question in enumerate(questions):
        members = members_of(answers, unknowns, question)
        outcomes = _outcomes(unknowns, question, members)
        gain = sum(weigh.information(regions[a.intervention], outcomes) for a in open_)
        scored.append((-round(gain, 9), place, question, members, outcomes))
    _, _, question, members, outcomes = min(scored)
    bears = [
        a.intervention for a in open_ if any(set(members) <= set(_inputs(answers, unknowns, g)) for g in a.questions)
    ]
    settles = [i for i in bears if weigh.may_settle(regions[i], outcomes)]
    return Next(question, wording.question(question, answers.names), tuple(members), tuple(settles), tuple(bears))


def _inputs(answers: Answers, unknowns: Unknowns, questions: Iterable[Question]) -> list[str]:
    return [name for question in questions for name in members_of(answers, unknowns, question)]


def members_of(answers: Answers, unknowns: Unknowns, question: Question) -> list[str]:
    """The unknown inputs that a question asks about."""
    if not question.startswith("screen:"):
        return [question]
    screen = answers.names.vocabulary.screens[question.removeprefix("screen:")]
    return [m for m in screen.members if not answers.facts.known(m) and unknowns.variables([m])]


def _outcomes(unknowns: Unknowns, question: Question, members: Sequence[str]) -> list[int]:
    """The replies to a question as regions: each value of a single input; for a screen nothing found, or something."""
    d = unknowns.diagrams
    variables = sorted(unknowns.variables(members))
    if question.startswith("screen:"):
        nothing = d.all(d.negate(d.variable(v)) for v in variables)
        return [nothing, d.negate(nothing)]
    # The cut points of a measure rise together: between two of them lies one reply.
    steps = [d.variable(v) for v in variables]
    edges = [TRUE, *steps]
    return [d.both(low, d.negate(high)) for low, high in zip(edges, [*steps, FALSE], strict=True)]


class _Weigher:
    """Shares of patients in regions."""

    def __init__(self, unknowns: Unknowns) -> None:
        self.unknowns, self.diagrams = unknowns, unknowns.diagrams
        self.memo: dict[int, float] = {}
        self.weights: dict[int, float] = {}
        for screen in unknowns.program.names.vocabulary.screens.values():
            found = unknowns.variables(screen.members)
            # All of them absent as often as not.
            self.weights.update(dict.fromkeys(found, 1 - 0.5 ** (1 / max(1, len(found)))))

    def share(self, region: int) -> float:
        return self.diagrams.share(region, self.memo, self.weights)

    def information(self, statuses: Mapping[Status, int], outcomes: Sequence[int]) -> float:
        """Mutual information, in bits, between a status and the reply."""
        total = self.share(self.unknowns.constraint)
        if not total:
            return 0.0
        before = _entropy([self.share(f) / total for f in statuses.values()])
        after = 0.0
        for outcome in outcomes:
            inside = [self.share(self.diagrams.both(f, outcome)) for f in statuses.values()]
            whole = sum(inside)
            if whole:
                after += _entropy([s / whole for s in inside]) * whole / total
        return before - after

    def may_settle(self, statuses: Mapping[Status, int], outcomes: Sequence[int]) -> bool:
        """Whether some reply leaves a single status."""
        return any(
            sum(self.diagrams.both(f, outcome) != FALSE for f in statuses.values()) == 1 for outcome in outcomes
        )


def _entropy(shares: Iterable[float]) -> float:
    return -sum(p * math.log2(p) for p in shares if p > 0)
