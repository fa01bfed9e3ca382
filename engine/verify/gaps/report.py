"""What the rules show about themselves: conflicts, gaps, rules that apply to nobody, conditions that change nothing.

One search a question over all records; a patient that is found answers every question that it can. Each remark has a
patient who shows it, or says that nobody does, which then is proved; what was not decided is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from guidelog.compiled import Compiled
from guidelog.ground.program import Given, GroundElement, GroundLiteral, GroundRule
from guidelog.language.stances import STANCES
from guidelog.solver.literals import Budget

from ..properties.verdicts import Remark
from ..search.questions import Outcome, Search
from ..witness.candidate import CandidateRecord
from ..witness.find import Ask
from ..witness.replay import certified, certified_quickly
from ..witness.shrink import Shows, rounded, smaller, still_shows
from .conflicts import CONFLICT, GAP, Sort

MOST_SMALLEST = 8
"""Up to so many conflicts or gaps each gets a patient as small as possible, evaluated by pyDatalog.

Of more, each gets one of whom nothing can be left out, evaluated by circuits. Certified they all are.
"""

MOST_TRIED = 16
"""So many records are made small for each of those, and the smallest one is shown."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being decided, how much is done, and how much there is."""

_Goal: TypeAlias = tuple[str, str, str, int | None]
"""A remark's kind, what it is about, what it says, and the literal that proves it wrong."""


@dataclass
class Review:
    """What the rules show about themselves, one search a question; a model answers every question that it can."""

    compiled: Compiled
    ask: Ask
    search: Search
    budget: Budget
    progress: Progress

    def __post_init__(self) -> None:
        self.checked: dict[str, int] = {}

    def remarks(self) -> Iterator[Remark]:
        for sort in (CONFLICT, GAP):
            names = self._interventions(f"{sort.kind}s")
            yield from self._shown(sort, {name: sort.goal(self.search.first.encoded, name) for name in names})
        yield from self.dead_rules()

    def dead_rules(self) -> Iterator[Remark]:
        """Rules that apply to nobody, and conditions that change nothing for anybody."""
        by_rule: dict[int, list[GroundRule]] = {}
        for rules in self.compiled.ground.instances.values():
            for rule in rules:
                by_rule.setdefault(id(rule.rule), []).append(rule)
        goals: list[_Goal] = []
        rules_, conditions = 0, 0
        for instances in by_rule.values():
            name = instances[0].rule.id or ""
            if not name or not self.compiled.names.predicates[str((instances[0].head or ("",))[0])].about_patient:
                continue
            goals.append(("dead rule", name, "applies to nobody", self._any(instances, self._applies)))
            rules_ += 1
            for place in range(len(instances[0].elements)):
                if any(self._is_given(rule.elements[place]) for rule in instances):
                    continue  # a condition that only says which instances there are
                says = f"the condition `{_written(instances[0], place)}` changes nothing for anybody"
                decides = self._any(instances, partial(self._decides, place))
                goals.append(("idle condition", name, says, decides))
                conditions += 1
        self.checked["rules"], self.checked["conditions"] = rules_, conditions
        dead = set()
        for kind, about, says, _ in self._unreached(goals):
            if kind == "dead rule":
                dead.add(about)
            if kind != "idle condition" or about not in dead:
                yield Remark(kind, about, says)

    def _any(self, instances: list[GroundRule], goal: Callable[[GroundRule], int]) -> int | None:
        """The goal for some instance; None where no time is left to write it down."""
        return None if self.budget.spent else self.search.circuit.any(*map(goal, instances))

    def _applies(self, rule: GroundRule) -> int:
        return self.search.first.encoded.body(rule)[0]

    def _decides(self, place: int, rule: GroundRule) -> int:
        """Without this condition the head would have another value for somebody."""
        encoded, c = self.search.first.encoded, self.search.circuit
        assert rule.head is not None
        head = encoded.atom(rule.head)
        if rule.head[0] in ("note", "include"):  # each rule's own words are shown, whatever else holds
            head = c.false, c.false
        values = encoded.values(rule)
        sides = []
        for side in (0, 1):
            others = [v[side] for i, v in enumerate(values) if i != place]
            sides.append(c.both(*others, -values[place][side], -head[side]))
        return c.any(*sides)

    def _is_given(self, element: GroundElement) -> bool:
        """Whether an element is the same for every patient."""
        if not isinstance(element, GroundLiteral):
            return isinstance(element, Given)
        predicate = str(element.atom[0])
        return predicate != "finding" and not self.compiled.names.predicates[predicate].about_patient

    def _unreached(self, goals: list[_Goal]) -> Iterator[_Goal]:
        """The goals that no patient reaches; a model ticks off all the goals that it reaches."""
        open_ = dict(enumerate(goals))
        circuit = self.search.circuit
        circuit.watch(goal[3] for goal in goals if goal[3] is not None)
        wishes = {goal[3]: circuit.switch() for goal in goals if goal[3] is not None}
        for wished, on in wishes.items():  # one patient reaches many goals at once
            circuit.wish(wished, weight=1, when=on)
        for number, goal in enumerate(goals):
            self.progress("rules", number, len(goals))
            if number not in open_:
                continue
            outcome, case = Outcome.NOT_DECIDED, None
            if goal[3] is not None:
                outcome, case = self.search.ask([goal[3]], self.budget)
            if case is None and goal[3] in wishes:
                circuit.turn_off(wishes.pop(goal[3]))
            if outcome is Outcome.IMPOSSIBLE:
                yield goal
            elif outcome is Outcome.NOT_DECIDED:
                article = "an" if goal[0].startswith("i") else "a"
                yield "not decided", goal[1], f"not decided whether it is {article} {goal[0]}", goal[3]
            if case is not None:
                for other, (*_, literal) in list(open_.items()):
                    if literal is not None and (abs(literal) in case.true) == (literal > 0):
                        del open_[other]
                        if literal in wishes:
                            circuit.turn_off(wishes.pop(literal))

    def _interventions(self, what: str) -> list[str]:
        found = [
            name
            for name in self.compiled.names.vocabulary.interventions
            if any(("advise", name, stance) in self.compiled.ground.instances for stance in STANCES)
        ]
        self.checked[what] = len(found)
        return found

    def _shown(self, sort: Sort, goals: Mapping[str, int]) -> Iterator[Remark]:
        """Each goal that is possible, with a patient; the smallest one, where they are few."""
        reached: dict[str, list[CandidateRecord]] = {}
        self.search.circuit.watch(goals.values())
        for number, (name, goal) in enumerate(goals.items()):
            self.progress(f"{sort.kind}s", number, len(goals))
            if name in reached:
                continue
            outcome, case = self.search.ask([goal], self.budget)
            if outcome is Outcome.NOT_DECIDED:
                yield sort.undecided(name)
            if case is not None:
                for other, literal in goals.items():
                    if (abs(literal) in case.true) == (literal > 0):
                        reached.setdefault(other, []).append(case.record)
        few = len(reached) <= MOST_SMALLEST
        ask = certified_quickly if not few and self.ask is certified else self.ask
        bare = {} if few else self._bare(sort, reached)
        for number, (name, found) in enumerate(reached.items()):
            self.progress(f"{sort.kind}s, patients", number, len(reached))
            record, smallest = self._smallest(sort, name, goals[name], found) if few else (bare.get(name), False)
            if record is None or self.budget.spent:
                yield sort.undecided(name)
            else:
                gates = sort.gates(self.compiled.ground, name)
                measures = self.compiled.names.vocabulary.measures
                record = rounded(record, measures, still_shows(self.compiled, gates))
                yield sort.confirmed(self.compiled, ask, name, record, smallest=smallest)

    def _smallest(
        self, sort: Sort, name: str, goal: int, found: list[CandidateRecord]
    ) -> tuple[CandidateRecord | None, bool]:
        """The smallest patient; where the time for it ran out, one of whom nothing can be left out."""
        _, case = self.search.ask([goal], self.budget.half(), best=True)
        if case is not None and case.smallest:
            return case.record, True
        return self._bare(sort, {name: found if case is None else [case.record]}).get(name), False

    def _bare(self, sort: Sort, found: Mapping[str, list[CandidateRecord]]) -> dict[str, CandidateRecord]:
        """Records of which nothing can be left out, the smallest of those tried; none where the time ran out."""
        if self.budget.spent:
            return {}
        program, bare = self.compiled.ground, dict[str, CandidateRecord]()
        pairs = [(name, record) for name, records in found.items() for record in records[:MOST_TRIED]]
        shows = [Shows(record, (sort.gates(program, name),)) for name, record in pairs]
        for (name, _), record in zip(pairs, smaller((program,), shows), strict=True):
            if name not in bare or record.size < bare[name].size:
                bare[name] = record
        return bare


def _written(rule: GroundRule, place: int) -> str:
    span = rule.rule.body[place].span
    return span.source.text[span.start : span.end] if span else f"condition {place + 1}"
