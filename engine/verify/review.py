"""What the rules show about themselves: conflicts, gaps, rules that apply to nobody, conditions that change nothing.

One search a question over all records; a patient that is found answers every question that it can. Each remark has a
patient who shows it, or says that nobody does, which then is proved; what was not decided is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..compiled import Compiled
from ..ground import Given, GroundLiteral, GroundRule
from ..names import STANCES
from ..status import Status
from .circuit import Budget
from .replay import certified, certified_quickly
from .search import Case, Outcome, Search
from .verdicts import Remark
from .witness import Ask, Witness, replay

MOST_SMALLEST = 8
"""Up to so many conflicts or gaps each gets a patient of its own, as small as possible, evaluated by pyDatalog.

Of more, patients who show several at once, evaluated by circuits. Certified they all are.
"""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being decided, how much is done, and how much there is."""


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
        self.search.circuit.watch(goal[3] for goal in goals)
        for number, goal in enumerate(goals):
            self.progress("rules", number, len(goals))
            if number not in open_:
                continue
            outcome, case = self.search.ask([goal[3]], self.budget)
            if outcome is Outcome.IMPOSSIBLE:
                yield goal
            elif outcome is Outcome.NOT_DECIDED:
                article = "an" if goal[0].startswith("i") else "a"
                yield "not decided", goal[1], f"not decided whether it is {article} {goal[0]}", goal[3]
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
        self.search.circuit.watch(goals.values())
        for number, (name, goal) in enumerate(goals.items()):
            self.progress(f"{kind}s", number, len(goals))
            if name in reached:
                continue
            outcome, case = self.search.ask([goal], self.budget)
            if outcome is Outcome.NOT_DECIDED:
                yield Remark("not decided", name, f"not decided whether there is a {kind}")
            if case is not None:
                for other, literal in goals.items():
                    if (abs(literal) in case.true) == (literal > 0):
                        reached.setdefault(other, case)
        comments = (f"{kind}: {says}", "found by `guidelog verify`; a made-up patient")
        replayed: dict[int, Witness] = {}
        many = len(reached) > MOST_SMALLEST
        ask = certified_quickly if many and self.ask is certified else self.ask
        for name, case in reached.items():
            if not many:
                _, smallest = self.search.ask([goals[name]], self.budget, best=True)
                case = smallest or case  # noqa: PLW2901 - the smallest one in its place
            if id(case) not in replayed:
                alike = [n for n, c in reached.items() if c is case] or [name]
                witness, _ = replay(
                    self.compiled, ask, case.record, f"{kind}-{name}".replace("_", "-"), comments, alike
                )
                replayed[id(case)] = replace(witness, smallest=case.smallest)
            yield Remark(kind, name, says, replayed[id(case)])


def _written(rule: GroundRule, place: int) -> str:
    span = rule.rule.body[place].span
    return span.source.text[span.start : span.end] if span else f"condition {place + 1}"
