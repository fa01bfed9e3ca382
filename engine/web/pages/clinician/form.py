"""The form that a guideline's vocabulary gives: groups of questions, what was said, and what each still matters for.

Groups are the screens and the `group` of findings and measures. When a page is made, groups come in the order of what
matters next for this record, members in the order of declaration; while somebody types nothing moves. Words are the
guideline's own. Nothing is evaluated here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.explain.questions.relevance import settled_by
from guidelog.language.names import Names
from guidelog.language.vocabulary import Finding, Measure
from guidelog.semantics.status import Status

from .entry import FINDING_VALUES, Amount, Entry, Problem, modes_of
from .live import Live

MOST_NAMED = 3
OTHER = "Other questions"
MODE_WORDS: Mapping[str, str] = {
    "exact": "exactly",
    "at_least": "at least",
    "at_most": "at most",
    "between": "between",
    "since": "since (date)",
    "since_between": "since some day between",
    "unknown": "asked, not known",
}
VALUE_WORDS: Mapping[str, str] = {"present": "Yes", "absent": "No", "unknown": "Not known"}


@dataclass(frozen=True, slots=True)
class Hint:
    """What the page says beside a question; `state` is its look, `greyed` when no reply could change anything."""

    state: str = ""
    says: str = ""

    @property
    def greyed(self) -> bool:
        """Whether the question no longer matters."""
        return self.state in ("settled", "unused")


@dataclass(frozen=True, slots=True)
class Question:
    """One finding or measure in the form."""

    name: str
    declared: Finding | Measure
    says: str
    hint: Hint
    value: str = ""
    amount: Amount | None = None
    source: str = ""

    @property
    def label(self) -> str:
        """What it is about, in few words."""
        return wording.sentence(self.declared.label)

    @property
    def problem(self) -> bool:
        """Whether something is wrong with it."""
        return self.hint.state == "problem"

    @property
    def choices(self) -> tuple[tuple[str, str, str], ...]:
        """Value, word, and what the guideline says it means."""
        assert isinstance(self.declared, Finding)
        meanings = (self.declared.when_true or "", self.declared.when_false or "", "asked, and not known")
        return tuple(
            (value, VALUE_WORDS[value], meaning) for value, meaning in zip(FINDING_VALUES, meanings, strict=True)
        )

    @property
    def modes(self) -> tuple[tuple[str, str], ...]:
        """How a measure can be said."""
        assert isinstance(self.declared, Measure)
        return tuple((mode, MODE_WORDS[mode]) for mode in modes_of(self.declared))

    @property
    def is_finding(self) -> bool:
        """Whether it is a finding; else it is a measure."""
        return isinstance(self.declared, Finding)

    @property
    def dated(self) -> bool:
        """Whether it can be said by a start date."""
        return isinstance(self.declared, Measure) and "since" in modes_of(self.declared)

    @property
    def typed(self) -> Amount:
        """What stands in a measure's fields."""
        return self.amount or Amount()

    @property
    def answered(self) -> bool:
        """Whether the record says something about it."""
        return bool(self.value) or self.amount is not None


@dataclass(frozen=True, slots=True)
class Group:
    """Questions under one heading; `screen` names the screen that they are, with whether it is complete."""

    key: str
    title: str
    questions: tuple[Question, ...]
    screen: str = ""
    complete: bool = False
    ask: str = ""
    hint: Hint = Hint()
    """What is the same for several of its questions, said once."""

    @property
    def anchor(self) -> str:
        """Its id in the page, after `g-`."""
        return self.screen or "group-" + (re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or "other")

    @property
    def answered(self) -> int:
        """How many of its questions the record answers."""
        return sum(q.answered for q in self.questions)

    @property
    def greyed(self) -> bool:
        """Whether nothing in it matters any more."""
        return all(q.hint.greyed for q in self.questions)

    @property
    def wrong(self) -> bool:
        """Whether one of its questions has a problem."""
        return any(q.problem for q in self.questions)

    @property
    def asked_next(self) -> bool:
        """Whether the next question is here."""
        return any(q.hint.state == "next" for q in self.questions)


def members(compiled: Compiled) -> dict[str, tuple[str, ...]]:
    """Group key to its findings and measures; a screen's key is `screen:NAME`. In order of declaration."""
    vocabulary = compiled.names.vocabulary
    found: dict[str, dict[str, None]] = {}
    # The order of the text, not findings before measures: a measure stands with the findings that it belongs to.
    for declaration in compiled.program.declarations:
        declared = {"finding": vocabulary.findings, "measure": vocabulary.measures}.get(declaration.keyword, {})
        item = declared.get(declaration.name)
        if isinstance(item, Finding | Measure):
            key = f"screen:{item.screen}" if item.screen in vocabulary.screens else item.group or OTHER
            found.setdefault(key, {})[item.name] = None
    return {key: tuple(listed) for key, listed in found.items()}


def form(compiled: Compiled, entry: Entry, live: Live | None, problems: Sequence[Problem] = ()) -> tuple[Group, ...]:
    """The groups, what matters next first."""
    names = compiled.names
    wrong = {p.name: p.says for p in reversed(problems)}
    groups = []
    for key, listed in members(compiled).items():
        questions = tuple(_question(names, name, entry, live, wrong.get(name, "")) for name in listed)
        screen = key.removeprefix("screen:") if key.startswith("screen:") else ""
        declared = names.vocabulary.screens.get(screen)
        title = wording.sentence(declared.label.removeprefix("the ") if declared else key)
        ask = (declared.ask or "") if declared else ""
        common = _common(questions)
        if common.says:
            questions = tuple(replace(q, hint=Hint(q.hint.state)) if q.hint == common else q for q in questions)
        groups.append(Group(key, title, questions, screen, screen in entry.screens, ask, common))
    rank = {"problem": 0, "next": 1, "matters": 2, "minor": 3}
    return tuple(
        sorted(
            groups,
            key=lambda g: min((rank.get(q.hint.state, 4) for q in g.questions), default=5),
        )
    )


@dataclass(frozen=True, slots=True)
class Front:
    """What is asked first: a whole screen as a grid, or one question. One click calls what it `denies` absent."""

    title: str
    group: Group
    single: bool
    settles: str = ""
    denies: tuple[str, ...] = ()

    @property
    def question(self) -> Question:
        """The one question."""
        return self.group.questions[0]

    @property
    def key(self) -> str:
        """What it is, so that a page knows whether it still is what should be asked."""
        return self.question.name if self.single else self.group.key

    @property
    def press(self) -> str:
        """The name of the button that calls the rest of the screen absent."""
        return f"say screen:{self.group.screen}=complete"


def front(compiled: Compiled, live: Live | None, groups: Sequence[Group]) -> tuple[Front | None, tuple[Group, ...]]:
    """What is asked first, and the groups without it.

    The guideline's first screen comes first while one of its questions can change an answer, and in an emergency as
    long as it is not complete: what else is wrong with the patient matters there, too. Otherwise the question that
    settles most.
    """
    if live is None:
        return None, tuple(groups)
    names = compiled.names
    screen = _first_screen(live, groups)
    question = live.next
    if screen is None and question is None:
        return None, tuple(groups)
    settles = ""
    if question is not None:
        labels = _labels(names, question.settles or question.bears_on)
        settles = f"{'May settle' if question.settles else 'Bears on'}: {labels}" if labels else ""
    if screen is None and question is not None and question.question.startswith("screen:"):
        screen = next((g for g in groups if g.screen == question.question.removeprefix("screen:")), None)
    if screen is not None:
        open_ = [q.name for q in screen.questions if not q.answered]
        denies = tuple(wording.label_of(n, names) for n in open_)
        # Only what the complete screen closes over is denied: measures of it become zero, and are named as well.
        title = screen.ask or screen.title
        chosen = Front(
            title, screen, False, settles if question and question.question == f"screen:{screen.screen}" else "", denies
        )
        return chosen, tuple(g for g in groups if g is not screen)
    assert question is not None
    home = next((g for g in groups if any(q.name == question.question for q in g.questions)), None)
    if home is None:
        return None, tuple(groups)
    asked = tuple(q for q in home.questions if q.name == question.question)
    rest = tuple(q for q in home.questions if q.name != question.question)
    chosen = Front(asked[0].says, replace(home, questions=asked, screen=""), True, settles)
    return chosen, tuple(replace(g, questions=rest) if g is home else g for g in groups if g is not home or rest)


def _first_screen(live: Live, groups: Sequence[Group]) -> Group | None:
    declared = list(live.answers.names.vocabulary.screens)
    group = next((g for g in groups if declared and g.screen == declared[0]), None)
    if group is None or group.complete:
        return None
    open_ = [q for q in group.questions if not q.answered]
    alarmed = any(a.status in (Status.EMERGENCY_PATHWAY, Status.URGENT) for a in live.answers.answers)
    matters = any(q.hint.state in ("next", "matters") for q in open_)
    return group if open_ and (alarmed or matters) else None


def _common(questions: Sequence[Question]) -> Hint:
    """The hint that most of the unanswered questions share, if several do."""
    hints = [q.hint for q in questions if q.hint.says and q.hint.state != "problem"]
    most = max(hints, key=hints.count, default=Hint())
    return most if hints.count(most) > 1 else Hint()


def hint(names: Names, name: str, live: Live | None) -> Hint:
    """What to say beside a question."""
    if live is None:
        return Hint()
    answers = live.answers
    facts = answers.facts
    for step in answers.propagated:
        if step.name == name:
            rule = step.denial.rule
            says = rule.annotation("says") or rule.annotation("title")
            now = _now(names, name, live)
            return Hint("concluded", f"Follows from the record: {now}. {getattr(says, 'value', '')} ({rule.id})")
    if name in facts.assumed:
        screen = next(s for s, listed in facts.closed.items() if name in listed)
        because = f"because {wording.label_of(screen, names)} is complete"
        return Hint("assumed", f"Assumed: {_now(names, name, live)}, {because}")
    bearing = live.bearings.get(name)
    if bearing is None:
        return Hint()
    may_change = f"May change: {_labels(names, bearing.changes)}"
    if live.next and name in live.next.members:
        return Hint("next", f"Asked next. {may_change}" if bearing.changes else "Asked next")
    if bearing.changes:
        return Hint("matters", may_change)
    if bearing.shows:
        return Hint("minor", "Changes no advice now, only a note or a detail")
    return _settled(names, live, name)


def _settled(names: Names, live: Live, name: str) -> Hint:
    looking = live.looked_at[name]
    if not looking:
        return Hint("unused", "Changes no answer: no advice of this guideline looks at it now")
    by_status = settled_by(live.statuses, looking)
    said = "; ".join(f"{_labels(names, listed)}: {wording.STATUS[status]}" for status, listed in by_status.items())
    return Hint("settled", f"Cannot change an answer now{f' ({said})' if said else ''}")


def _question(names: Names, name: str, entry: Entry, live: Live | None, problem: str) -> Question:
    vocabulary = names.vocabulary
    declared = vocabulary.findings.get(name) or vocabulary.measures[name]
    return Question(
        name,
        declared,
        wording.question(name, names),
        Hint("problem", wording.sentence(problem)) if problem else hint(names, name, live),
        entry.findings.get(name, ""),
        entry.measures.get(name),
        entry.sources.get(name, ""),
    )


def _now(names: Names, name: str, live: Live) -> str:
    facts = live.answers.facts
    if name in facts.findings:
        return wording.inner(wording.finding(name, facts.findings[name], names))
    return wording.amount(facts.measures[name], names.vocabulary.measures[name])


def _labels(names: Names, listed: Sequence[str]) -> str:
    shown = [wording.label_of(n, names) for n in listed[:MOST_NAMED]]
    more = len(listed) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
