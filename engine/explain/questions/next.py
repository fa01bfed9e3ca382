"""Which question to ask next.

The next question over several interventions is the one whose reply is expected to tell most about their statuses:
mutual information, with an unknown finding present or absent with equal weight, and a screen as likely to find
something as nothing. Each answer is weighed within what it depends on, and what a reply tells about several is added
up; an answer whose functions are too large to weigh still has its questions asked, after those that can be weighed.
Inputs that cannot change any status are never asked.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from guidelog import wording
from guidelog.ground.program import Ranges
from guidelog.semantics.bdd import FALSE, TRUE, TooLarge
from guidelog.semantics.cone import Cone
from guidelog.semantics.unknowns import Unknowns

from ..answers import Answer, Answers
from . import Question


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
    candidates: dict[Question, None] = {}
    for answer in open_:
        for question in _asked(answer):
            parts = members_of(answers, question) if question in skip else [question]
            candidates.update(dict.fromkeys(q for q in parts if q not in skip))
    if not candidates:
        return None
    weighers = {a.intervention: weigher for a in open_ if (weigher := _weigher(answers, a)) is not None}
    scored = []
    for place, question in enumerate(candidates):
        members = members_of(answers, question)
        gain = sum(w.information(question, members) for w in weighers.values())
        scored.append((-round(gain, 9), place, question, members))
    _, _, question, members = min(scored)
    bears = [a.intervention for a in open_ if _bears(answers, a, members)]
    settles = [i for i in bears if i in weighers and weighers[i].may_settle(question, members)]
    return Next(question, wording.question(question, answers.names), tuple(members), tuple(settles), tuple(bears))


def _asked(answer: Answer) -> list[Question]:
    """All the questions of an answer, each once."""
    return list(dict.fromkeys(question for group in answer.questions or () for question in group))


def _bears(answers: Answers, answer: Answer, members: Collection[str]) -> bool:
    """Whether one of an answer's questions asks about these inputs, or about more of the same screen."""
    return any(not set(members).isdisjoint(members_of(answers, question)) for question in _asked(answer))


def members_of(answers: Answers, question: Question) -> list[str]:
    """The unknown inputs that a question asks about."""
    if not question.startswith("screen:"):
        return [question]
    screen = answers.names.vocabulary.screens[question.removeprefix("screen:")]
    return [m for m in screen.members if not answers.facts.known(m)]


def _weigher(answers: Answers, answer: Answer) -> _Weigher | None:
    """What a reply tells about an answer; None where the functions are too large to say."""
    cone = Cone(answers.world.program, answers.facts, answer.intervention)
    try:
        return _Weigher(Unknowns(answers.world.program, answers.facts, cone=cone), answer.intervention)
    except (TooLarge, RecursionError):
        return None


class _Weigher:
    """Shares of patients in the regions of one answer's statuses, within what that answer depends on."""

    def __init__(self, unknowns: Unknowns, intervention: str) -> None:
        self.unknowns, self.diagrams = unknowns, unknowns.diagrams
        self.statuses = unknowns.statuses(intervention, Ranges.LOW)
        self.memo: dict[int, float] = {}
        self.weights: dict[int, float] = {}
        for screen in unknowns.program.names.vocabulary.screens.values():
            found = unknowns.variables(screen.members)
            # All of them absent as often as not.
            self.weights.update(dict.fromkeys(found, 1 - 0.5 ** (1 / max(1, len(found)))))
        self.total = self.share(unknowns.constraint)
        self.before = _entropy(self.share(f) / self.total for f in self.statuses.values()) if self.total else 0.0

    def share(self, region: int) -> float:
        return self.diagrams.share(region, self.memo, self.weights)

    def outcomes(self, question: Question, members: Sequence[str]) -> list[int]:
        """The replies as regions: each value of a single input; for a screen nothing found, or something."""
        d = self.diagrams
        variables = sorted(self.unknowns.variables(members))
        if question.startswith("screen:"):
            nothing = d.all(d.negate(d.variable(v)) for v in variables)
            return [nothing, d.negate(nothing)]
        # The cut points of a measure rise together: between two of them lies one reply.
        steps = [d.variable(v) for v in variables]
        edges = [TRUE, *steps]
        return [d.both(low, d.negate(high)) for low, high in zip(edges, [*steps, FALSE], strict=True)]

    def information(self, question: Question, members: Sequence[str]) -> float:
        """Mutual information, in bits, between the status and the reply."""
        if not self.total or not self.unknowns.variables(members):
            return 0.0
        after = 0.0
        for outcome in self.outcomes(question, members):
            inside = [self.share(self.diagrams.both(f, outcome)) for f in self.statuses.values()]
            whole = sum(inside)
            if whole:
                after += _entropy(s / whole for s in inside) * whole / self.total
        return self.before - after

    def may_settle(self, question: Question, members: Sequence[str]) -> bool:
        """Whether some reply leaves a single status."""
        if not self.unknowns.variables(members):
            return False
        return any(
            sum(self.diagrams.both(f, outcome) != FALSE for f in self.statuses.values()) == 1
            for outcome in self.outcomes(question, members)
        )


def _entropy(shares: Iterable[float]) -> float:
    return -sum(p * math.log2(p) for p in shares if p > 0)
