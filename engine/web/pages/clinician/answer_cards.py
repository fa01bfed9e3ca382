"""Certified answers as the page shows them: status in a word, a mark and a colour, and the reasons behind.

Every word comes from the guideline or from `explain/wording`. Nothing is decided here: reasons are those of `why` and
`why_not` on the world whose certificate was accepted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guidelog import wording
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.drawing.palette import Look
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.why import deciding_instances
from guidelog.explain.why_not import Candidate, Criterion, criteria_of, why_not
from guidelog.language.stances import STANCES
from guidelog.semantics.status import STATUS_OF_STANCE, Status

LOOKS: Mapping[Status, Look] = {
    Status.URGENT: palette.URGENT,
    Status.RECOMMENDED: palette.DO_NOW,
    Status.CONSIDER: palette.CONSIDER,
    Status.NOT_NOW: palette.NOT_REACHED,
    Status.AVOID: palette.BLOCKED,
    Status.UNDETERMINED: palette.UNKNOWN,
    Status.CONFLICT: palette.BLOCKED,
    Status.OUTSIDE_GUIDELINE: palette.NOT_REACHED,
    Status.EMERGENCY_PATHWAY: palette.URGENT,
}
"""The colours of a status are those of the diagrams; static/app.css repeats them, and a test compares the two."""
SHORT: Mapping[Status, str] = {
    **{status: status.value.replace("_", " ") for status in Status},
    Status.EMERGENCY_PATHWAY: "emergency",
    Status.OUTSIDE_GUIDELINE: "outside",
}
"""For the line at the foot of a small screen."""
ADVISED = (Status.URGENT, Status.RECOMMENDED, Status.CONSIDER)
MOST_ANNOUNCED = 3
STATES: Mapping[str, str] = {**wording.STATE}


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that would help to settle an answer, and where it stands in the form."""

    name: str
    says: str
    label: str = ""

    @property
    def anchor(self) -> str:
        """The id of the field or group."""
        return f"g-{self.name.removeprefix('screen:')}" if self.name.startswith("screen:") else f"q-{self.name}"


@dataclass(frozen=True, slots=True)
class Route:
    """A rule that could have given advice, with its criteria and how many are in which state."""

    heading: str
    says: str
    rule: str
    statements: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    tally: str


@dataclass(frozen=True, slots=True)
class Card:
    """One answer."""

    answer: Answer
    label: str
    word: str
    because: str
    outcomes: str
    questions: tuple[tuple[Ask, ...], ...]
    judgement: str
    grounds: tuple[Criterion, ...]
    routes: tuple[Route, ...]
    no_route: str

    @property
    def name(self) -> str:
        """The intervention."""
        return self.answer.intervention

    @property
    def status(self) -> str:
        """The status as a class of the style sheet."""
        return self.answer.status.value.replace("_", "-")


def cards(answers: Answers, wanted: Sequence[str]) -> tuple[Card, ...]:
    """The cards of some interventions, in the order asked for."""
    by_name = {a.intervention: a for a in answers.answers}
    return tuple(card(answers, by_name[name]) for name in wanted if name in by_name)


def card(answers: Answers, answer: Answer) -> Card:
    """One answer with its reasons."""
    names = answers.names
    refusal = why_not(answers, answer)
    none = wording.ADVISED if answer.status in ADVISED else wording.NO_OTHER_ADVICE
    asked = answer.questions or ()
    judgement = ""
    if answer.questions is None:
        judgement = wording.TOO_MANY
    elif answer.because is not None and not asked:
        judgement = wording.NO_DATA_SETTLE
    return Card(
        answer,
        wording.sentence(answer.label),
        wording.STATUS[answer.status],
        wording.BECAUSE[answer.because] if answer.because else "",
        wording.alternatives(wording.OUTCOME[s] for s in answer.if_resolved),
        tuple(
            tuple(Ask(q, wording.question(q, names), wording.question_label(q, names)) for q in group)
            for group in asked
        ),
        judgement,
        _grounds(answers, answer),
        tuple(_route(c) for c in refusal.candidates),
        "" if refusal.candidates else none,
    )


def tally(shown: Sequence[Card]) -> str:
    """In few words what the answers come to, for the bar at the foot of a phone."""
    alarms = [c for c in shown if c.answer.status in (Status.EMERGENCY_PATHWAY, Status.URGENT)]
    if alarms:
        more = f" and {len(alarms) - 1} more" if len(alarms) > 1 else ""
        return f"{wording.sentence(alarms[0].word)}: {wording.inner(alarms[0].label)}{more}"
    counts = Counter(c.answer.status for c in shown)
    return ", ".join(f"{counts[s]} {SHORT[s]}" for s in Status if counts[s])


def changes(before: Mapping[str, str], answers: Answers) -> str:
    """What a screen reader is told after answers have changed, alarms and main answers first; empty when none did."""
    changed = [a for a in answers.answers if before.get(a.intervention, a.status.value) != a.status.value]
    main = answers.guideline.main
    changed.sort(key=lambda a: (a.status not in (Status.EMERGENCY_PATHWAY, Status.URGENT), a.intervention not in main))
    said = [f"{wording.sentence(a.label)}: {wording.STATUS[a.status]}" for a in changed[:MOST_ANNOUNCED]]
    more = len(changed) - len(said)
    return ". ".join(said) + (f". {more} more {'answer' if more == 1 else 'answers'} changed" if more else "")


def statuses_text(answers: Answers) -> str:
    """The statuses as the page sends them back, so that the next look can say what changed."""
    return " ".join(f"{a.intervention}={a.status.value}" for a in answers.answers)


def read_statuses(text: str) -> dict[str, str]:
    """What `statuses_text` wrote; anything else is left out."""
    values = {s.value for s in Status}
    pairs = (word.partition("=") for word in text[:20_000].split())
    return {name: value for name, _, value in pairs if value in values}


def _grounds(answers: Answers, answer: Answer) -> tuple[Criterion, ...]:
    """The requirements of the rule that decides; where it is open, of the one that is closest to deciding."""
    world = answers.world
    instances = deciding_instances(world, answer)
    if not instances:
        open_ = [
            i
            for stance in STANCES
            for i in world.program.instances.get(("advise", answer.intervention, stance), ())
            if i.rule.id in answer.rules
        ]
        instances = sorted(open_, key=lambda i: -sum(world.element(e) is True for e in i.elements))
    return criteria_of(answers, instances[0]) if instances else ()


def _route(candidate: Candidate) -> Route:
    counted = [(s, candidate.count(s)) for s in ("met", "not_met", "not_known")]
    return Route(
        wording.STATUS[STATUS_OF_STANCE[candidate.stance]],
        candidate.says,
        candidate.rule,
        candidate.statements,
        candidate.criteria,
        ", ".join(f"{number} {STATES[state]}" for state, number in counted if number),
    )
