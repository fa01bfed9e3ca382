"""`verify`: each property proved for every possible record, or broken by a witness, or not decided.

Also what the rules themselves show: conflicts, gaps, rules that can never apply, and conditions that never matter.
Nothing is called proved that was not; a property that no patient could ever touch is said to be idle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any

from ..compiled import Compiled
from ..ground import Given, GroundLiteral, GroundRule
from ..names import STANCES
from ..status import Status
from .circuit import Budget
from .properties import ADDS, LEARNS, Kind, Properties, Property
from .search import Case, Outcome, Search, Side
from .witness import Ask, Witness, confirm, replay


class Result(Enum):
    """What became of a property."""

    PROVED = "proved"
    BROKEN = "broken"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True)
class Verdict:
    """A property and what became of it; `idle` when no patient has what it is about, so that it says nothing."""

    id: str
    says: str
    result: Result
    seconds: float
    witness: Witness | None = None
    idle: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "property": self.id,
            "says": self.says,
            "result": self.result.value,
            "seconds": round(self.seconds, 4),
            "idle": self.idle,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True)
class Remark:
    """Something that the rules show about themselves. `about` is an intervention or a rule."""

    kind: str  # conflict, gap, dead rule, idle condition, not decided
    about: str
    says: str
    witness: Witness | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": self.kind,
            "about": self.about,
            "says": self.says,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True)
class Verification:
    """All that one run found, and what it was about."""

    verdicts: tuple[Verdict, ...]
    remarks: tuple[Remark, ...]
    checked: tuple[tuple[str, int], ...]
    """What else was looked at: `conflicts`, `gaps`, `rules`, `conditions`, with their numbers."""

    inputs: tuple[int, int, int]
    """Findings, measures, background rules that the patients range over."""

    ranges: int
    load_seconds: float
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether a promise is broken, or the rules contradict each other for somebody."""
        return any(v.result is Result.BROKEN for v in self.verdicts) or any(r.kind == "conflict" for r in self.remarks)

    @property
    def complete(self) -> bool:
        """Whether everything was decided."""
        return all(v.result is not Result.NOT_DECIDED for v in self.verdicts) and all(
            r.kind != "not decided" for r in self.remarks
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        findings, measures, background = self.inputs
        return {
            "over": {
                "findings": findings,
                "measures": measures,
                "background_rules": background,
                "threshold_ranges": self.ranges,
                "patients": "every record that the reader accepts and that does not contradict the background",
            },
            "properties": [v.to_json() for v in self.verdicts],
            "remarks": [r.to_json() for r in self.remarks],
            "checked": dict(self.checked),
            "complete": self.complete,
            "load_seconds": round(self.load_seconds, 4),
            "seconds": round(self.seconds, 4),
        }


MOST_SMALLEST = 8
"""Up to so many conflicts or gaps each gets a patient of its own, as small as possible."""

Progress = Callable[[str, int, int], None]
"""Told what is being decided, how much is done, and how much there is."""


def verify(
    compiled: Compiled,
    properties: Properties,
    ask: Ask,
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
        review = _Review(compiled, ask, search, budget, progress)
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
    outcome, case = search.ask([goal], budget, best=True, second=_second(search, prop))
    if case is None:  # the budget ended before any witness could be written down
        return verdict(Result.NOT_DECIDED, seconds)
    return verdict(Result.BROKEN, seconds, confirm(compiled, ask, prop, properties.program, case))


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


@dataclass
class _Review:
    """What the rules show about themselves, one search a question; a model answers every question that it can."""

    compiled: Compiled
    ask: Ask
    search: Search
    budget: Budget
    progress: Progress

    def __post_init__(self) -> None:
        self.checked: dict[str, int] = {}

    def remarks(self) -> Iterator[Remark]:
        yield from self.conflicts()
        yield from self.gaps()
        yield from self.dead_rules()

    def conflicts(self) -> Iterator[Remark]:
        """Interventions with certain advice both for and against, for somebody."""
        answer = self.search.first.encoded.answer
        goals = {name: answer(name)[Status.CONFLICT] for name in self._interventions("conflicts")}
        yield from self._shown("conflict", goals, "some patient gets certain advice both for and against it")

    def gaps(self) -> Iterator[Remark]:
        """Interventions about which no rule speaks, for somebody whom the guideline is certainly about."""
        encoded, c = self.search.first.encoded, self.search.circuit
        goals = {}
        for name in self._interventions("gaps"):
            silent = [-encoded.atom(("advise", name, stance))[1] for stance in STANCES]
            goals[name] = c.both(encoded.atom(("in_scope",))[0], *silent)
        yield from self._shown("gap", goals, "for some patient in scope no rule speaks for or against it")

    def dead_rules(self) -> Iterator[Remark]:
        """Rules that apply to nobody, and conditions that change nothing for anybody."""
        encoded, c = self.search.first.encoded, self.search.circuit
        by_rule: dict[int, list[GroundRule]] = {}
        for rules in self.compiled.ground.instances.values():
            for rule in rules:
                by_rule.setdefault(id(rule.rule), []).append(rule)
        goals: list[tuple[str, str, str, int]] = []
        rules_, conditions = 0, 0
        for instances in by_rule.values():
            name = instances[0].rule.id or ""
            if not name or not self.compiled.names.predicates[str((instances[0].head or ("",))[0])].about_patient:
                continue
            applies = c.any(*(encoded.body(rule)[0] for rule in instances))
            goals.append(("dead rule", name, "applies to nobody", applies))
            rules_ += 1
            for place in range(len(instances[0].elements)):
                decisive = [self._decides(rule, place) for rule in instances]
                if any(literal is None for literal in decisive):
                    continue  # a condition that only says which instances there are
                words = _written(instances[0], place)
                goals.append(
                    (
                        "idle condition",
                        name,
                        f"the condition `{words}` changes nothing for anybody",
                        c.any(*(literal for literal in decisive if literal is not None)),
                    )
                )
                conditions += 1
        self.checked["rules"], self.checked["conditions"] = rules_, conditions
        dead = set()
        for kind, about, says, _ in self._unreached(goals):
            if kind == "dead rule":
                dead.add(about)
            if kind != "idle condition" or about not in dead:
                yield Remark(kind, about, says)

    def _decides(self, rule: GroundRule, place: int) -> int | None:
        """Without this condition the head would have another value for somebody."""
        encoded, c = self.search.first.encoded, self.search.circuit
        element = rule.elements[place]
        if isinstance(element, Given) or (isinstance(element, GroundLiteral) and self._is_fixed(element)):
            return None
        assert rule.head is not None
        head = encoded.atom(rule.head)
        if rule.head[0] in ("note", "include"):  # each rule's own words are shown, whatever else holds
            head = c.false, c.false
        values = [encoded.element(e) for e in rule.elements]
        sides = []
        for side in (0, 1):
            others = [v[side] for i, v in enumerate(values) if i != place]
            sides.append(c.both(*others, -values[place][side], -head[side]))
        return c.any(*sides)

    def _is_fixed(self, literal: GroundLiteral) -> bool:
        predicate = str(literal.atom[0])
        return predicate != "finding" and not self.compiled.names.predicates[predicate].about_patient

    def _unreached(self, goals: list[tuple[str, str, str, int]]) -> Iterator[tuple[str, str, str, int]]:
        """The goals that no patient reaches; a model ticks off all the goals that it reaches."""
        open_ = dict(enumerate(goals))
        for number, goal in enumerate(goals):
            self.progress("rules", number, len(goals))
            if number not in open_:
                continue
            outcome, case = self.search.ask([goal[3]], self.budget, also=[g[3] for g in open_.values()])
            if outcome is Outcome.IMPOSSIBLE:
                yield goal
            elif outcome is Outcome.NOT_DECIDED:
                yield "not decided", goal[1], f"not decided whether it is a {goal[0]}", goal[3]
            if case is not None:
                for other in [n for n, g in open_.items() if (abs(g[3]) in case.true) == (g[3] > 0)]:
                    del open_[other]

    def _interventions(self, what: str) -> list[str]:
        found = [
            name
            for name in self.compiled.names.vocabulary.interventions
            if any(("advise", name, stance) in self.compiled.ground.instances for stance in STANCES)
        ]
        self.checked[what] = len(found)
        return found

    def _shown(self, kind: str, goals: Mapping[str, int], says: str) -> Iterator[Remark]:
        """Each goal that is possible, with the smallest patient.

        Where they are many, with patients who show several.
        """
        reached: dict[str, Case] = {}
        for number, (name, goal) in enumerate(goals.items()):
            self.progress(f"{kind}s", number, len(goals))
            if name in reached:
                continue
            outcome, case = self.search.ask([goal], self.budget, also=goals.values())
            if outcome is Outcome.NOT_DECIDED:
                yield Remark("not decided", name, f"not decided whether there is a {kind}")
            if case is not None:
                for other, literal in goals.items():
                    if (abs(literal) in case.true) == (literal > 0):
                        reached.setdefault(other, case)
        comments = (f"{kind}: {says}", "found by `guidelog verify`; a made-up patient")
        replayed: dict[int, Witness] = {}
        for name, case in reached.items():
            if len(reached) <= MOST_SMALLEST:
                _, smallest = self.search.ask([goals[name]], self.budget, best=True)
                case = smallest or case  # noqa: PLW2901 - the smallest one in its place
            if id(case) not in replayed:
                alike = [n for n, c in reached.items() if c is case] or [name]
                witness, _ = replay(
                    self.compiled, self.ask, case.record, f"{kind}-{name}".replace("_", "-"), comments, alike
                )
                replayed[id(case)] = replace(witness, smallest=case.smallest)
            yield Remark(kind, name, says, replayed[id(case)])


def _written(rule: GroundRule, place: int) -> str:
    span = rule.rule.body[place].span
    return span.source.text[span.start : span.end] if span else f"condition {place + 1}"
