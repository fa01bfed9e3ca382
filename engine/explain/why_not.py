"""Why not: the criteria of each rule that could have given the advice, every one of them, met or not.

A criterion is met, not met, not known, or not required. Derived criteria open into those behind them, each once;
opening stops at a depth, and says how much it leaves out. What blocks is listed apart, all of it and however deep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from guidelog import wording
from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundRule,
)
from guidelog.language import tree
from guidelog.language.stances import STANCES_FOR
from guidelog.semantics.kleene import Value
from guidelog.semantics.status import STATUS_OF_STANCE

from .answers import Answer, Answers

DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Criterion:
    """One requirement.

    `combine` says how the parts make it up: `all`, `any`, `none`, `atleast` or, for a leaf, None; `hidden` counts
    criteria that are not opened because they are too deep or shown before.
    """

    state: str
    says: str
    detail: str | None = None
    input: str | None = None
    source: str | None = None
    combine: str | None = None
    count: int = 0
    parts: tuple[Criterion, ...] = ()
    rules: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    citations: tuple[int, ...] = ()
    hidden: int = 0
    now: str | None = None
    """A leaf as it is, in words."""

    def leaves(self) -> Iterator[Criterion]:
        """The criteria at the bottom, from left to right."""
        stack = [self]
        while stack:
            criterion = stack.pop()
            if criterion.parts:
                stack.extend(reversed(criterion.parts))
            else:
                yield criterion

    def telling(self) -> Iterator[Criterion]:
        """The criteria at the bottom that make a settled one what it is, through every "none" and "any" between."""
        stack = [self]
        while stack:
            criterion = stack.pop()
            met = criterion.state == "met"
            # What has to hold below for it to hold; what says "none" holds where they do not.
            wanted = "met" if met is not (criterion.combine == "none") else "not_met"
            stack.extend(part for part in reversed(criterion.parts) if part.state == wanted)
            if not criterion.parts and criterion.state != "not_required":
                yield criterion

    def open_leaves(self) -> Iterator[Criterion]:
        """The criteria at the bottom that keep this one open: what is settled above them leaves nothing open below."""
        stack = [self]
        while stack:
            criterion = stack.pop()
            if criterion.state == "not_known":
                stack.extend(reversed(criterion.parts))
                if not criterion.parts:
                    yield criterion

    def to_json(self) -> dict[str, Any]:
        """Plain data, empty parts left out."""
        data: dict[str, Any] = {"state": self.state, "says": self.says}
        for key in ("now", "detail", "input", "source", "combine"):
            if getattr(self, key) is not None:
                data[key] = getattr(self, key)
        if self.combine == "atleast":
            data["count"] = self.count
        for key in ("rules", "statements", "citations"):
            if getattr(self, key):
                data[key] = list(getattr(self, key))
        if self.parts:
            data["parts"] = [p.to_json() for p in self.parts]
        if self.hidden:
            data["hidden"] = self.hidden
        return data


@dataclass(frozen=True, slots=True)
class Blocker:
    """A leaf that stands in the way; `wanted` says whether it should hold or should not."""

    criterion: Criterion
    wanted: bool

    def to_json(self) -> dict[str, Any]:
        """The criterion, and what it should be."""
        return {**self.criterion.to_json(), "needed": self.wanted}


@dataclass(frozen=True, slots=True)
class Choice:
    """Several ways to one requirement, of which not all are needed: what each of them lacks."""

    says: str
    any_one: bool
    """Whether each of the blockers would be enough by itself."""
    blockers: tuple[Blocker, ...]

    def to_json(self) -> dict[str, Any]:
        """What it is for, whether one is enough, and what the ways lack."""
        return {"says": self.says, "any_one": self.any_one, "blockers": [b.to_json() for b in self.blockers]}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that could have given the advice."""

    rule: str
    stance: str
    says: str
    statements: tuple[str, ...]
    citations: tuple[int, ...]
    decisions: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    blockers: tuple[Blocker, ...]
    """Every criterion at the bottom that stands in the way, however deep: those required and those of the choices."""
    required: tuple[Blocker, ...] = ()
    """The blockers without which the rule cannot hold."""
    choices: tuple[Choice, ...] = ()
    """Where there are several ways, what they lack; not all of it is needed."""

    def count(self, state: str) -> int:
        """How many of the rule's own criteria are in a state."""
        return sum(c.state == state for c in self.criteria)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "rule": self.rule,
            "stance": self.stance,
            "status": STATUS_OF_STANCE[self.stance].value,
            "says": self.says,
            "statements": list(self.statements),
            "citations": list(self.citations),
            "decisions": list(self.decisions),
            "criteria": [c.to_json() for c in self.criteria],
            "blockers": [b.to_json() for b in self.blockers],
            "required": [b.to_json() for b in self.required],
            "choices": [c.to_json() for c in self.choices],
        }


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The answer, the rules that could have spoken for the intervention and did not, closest first."""

    answer: Answer
    candidates: tuple[Candidate, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"answer": self.answer.to_json(), "candidates": [c.to_json() for c in self.candidates]}


def why_not(answers: Answers, answer: Answer) -> WhyNot:
    """Every route to advice for an intervention that is not taken: stances that speak for it and are not the answer."""
    builder = _Builder(answers)
    found: list[Candidate] = []
    for stance in STANCES_FOR:
        if STATUS_OF_STANCE[stance] is answer.status:
            continue
        instances = answers.world.program.instances.get(("advise", answer.intervention, stance), ())
        found.extend(builder.candidate(instance, stance) for instance in instances)
    return WhyNot(answer, tuple(sorted(found, key=_distance)))


def criteria_of(answers: Answers, instance: GroundRule) -> tuple[Criterion, ...]:
    """The requirements of any rule instance, as for a refusal."""
    return _Builder(answers).criteria([instance], set(), 0)


def _distance(candidate: Candidate) -> tuple[int, int]:
    order: dict[str, int] = {stance: i for i, stance in enumerate((*STANCES_FOR[1:], STANCES_FOR[0]))}
    return (order[candidate.stance], candidate.count("not_met"))


_Way: TypeAlias = list[tuple[GroundElement, bool]]


@dataclass(frozen=True, slots=True)
class _Fork:
    """Where `needs` of several ways are enough, each a list of elements and how they should be."""

    says: str
    needs: int
    ways: list[_Way]


class _Builder:
    def __init__(self, answers: Answers) -> None:
        self.answers, self.world, self.names = answers, answers.world, answers.names

    def candidate(self, instance: GroundRule, stance: str) -> Candidate:
        rule = instance.rule
        says = rule.annotation("says")
        required, choices = self.needed(instance)
        return Candidate(
            rule=rule.id or "",
            stance=stance,
            says=wording.sentence(tree.plain(says)) if says else "",
            statements=rule.listed("statements"),
            citations=tuple(int(c) for c in rule.listed("cites")),
            decisions=rule.listed("decisions"),
            criteria=self.criteria([instance], set(), 0),
            blockers=tuple(dict.fromkeys([*required, *(b for c in choices for b in c.blockers)])),
            required=required,
            choices=choices,
        )

    def needed(self, instance: GroundRule) -> tuple[tuple[Blocker, ...], tuple[Choice, ...]]:
        """What keeps an instance from holding, down to the inputs: what is required, and where there is a choice."""
        required, forks = self.walk([(e, True) for e in instance.elements])
        choices: dict[tuple[str, tuple[Blocker, ...]], Choice] = {}
        for fork in forks:
            lacking, simple = [], fork.needs == 1
            for way in fork.ways:
                found, inner = self.walk(way)
                simple = simple and len(found) == 1 and not inner
                lacking += found
                # What lies below a choice is no longer required, so that it need not be told apart.
                told = set()
                while inner:
                    below = tuple(e for w in inner.pop().ways for e in w)
                    if below in told:
                        continue
                    told.add(below)
                    more, deeper = self.walk(below)
                    lacking += more
                    inner += deeper
            blockers = tuple(dict.fromkeys(lacking))
            choices.setdefault((fork.says, blockers), Choice(fork.says, simple and len(blockers) > 1, blockers))
        return tuple(required), tuple(c for c in choices.values() if c.blockers)

    def walk(self, wanted_elements: Sequence[tuple[GroundElement, bool]]) -> tuple[list[Blocker], list[_Fork]]:
        """The leaves that all have to change so that every element is as wanted, and the choices met on the way."""
        found: dict[tuple[GroundElement, bool], Blocker] = {}
        forks: list[_Fork] = []
        seen: set[tuple[GroundElement, bool]] = set()
        todo = list(reversed(wanted_elements))
        while todo:
            element, wanted = todo.pop()
            if self.world.element(element) is wanted or (element, wanted) in seen:
                continue
            seen.add((element, wanted))
            match element:
                case GroundLiteral(atom, negated) if atom in self.world.program.instances:
                    should = wanted is not negated
                    for needs, ways in self.ways(atom, should=should):
                        if len(ways) == needs:
                            todo += [e for way in reversed(ways) for e in reversed(way)]
                        else:
                            forks.append(_Fork(wording.atom(atom, should, self.names), needs, ways))
                case GroundLiteral(atom, negated) if atom[0] == "finding":
                    should = wanted is not negated
                    leaf = self.finding(
                        str(atom[1]), self.world.literal(GroundLiteral(atom, not should)), negated=not should
                    )
                    found.setdefault((GroundLiteral(atom, negated=False), should), Blocker(leaf, should))
                case GroundAtLeast(count, members):
                    goal = count if wanted else len(members) - count + 1
                    needs = goal - sum(self.world.element(m) is wanted for m in members)
                    ways = [[(m, wanted)] for m in members if self.world.element(m) is not wanted]
                    if len(ways) == needs:
                        todo += [e for way in reversed(ways) for e in way]
                    else:
                        says = wording.counted(count, len(members), wanted)
                        forks.append(_Fork(says, needs, ways))
                case GroundComparison():
                    found.setdefault((element, wanted), Blocker(self.comparison(element, wanted=wanted), wanted))
                case _:
                    pass
        return list(found.values()), forks

    def ways(self, atom: Atom, *, should: bool) -> list[tuple[int, list[_Way]]]:
        """How an atom comes to be as it should: groups of ways, with how many of each group are needed."""
        instances = self.world.program.instances[atom]
        if should:
            return [(1, [[(e, True) for e in i.elements] for i in instances])]
        # Each rule for it has to fail, for which one element is enough; a rule that fails already need not be made to.
        return [
            (1, [[(e, False)] for e in i.elements if not self.fixed(e)])
            for i in instances
            if False not in self.world.values(i)
        ]

    def fixed(self, element: GroundElement) -> bool:
        """Whether an element is no matter of the patient, so that nothing can make it fail."""
        return isinstance(element, Given) or self.about_guideline(element)

    def criteria(self, instances: Sequence[GroundRule], seen: set[Atom], depth: int) -> tuple[Criterion, ...]:
        """The requirements of an instance, with those that its rule mentions and does not make."""
        found: dict[tuple[str, str], Criterion] = {}
        for instance in instances:
            for element in instance.elements:
                if not isinstance(element, Given) and not self.about_guideline(element):
                    criterion = self.element(element, seen, depth)
                    found.setdefault((criterion.says, criterion.state), criterion)
            for name in instance.rule.listed("not_required"):
                label = wording.sentence(wording.label_of(name, self.names))
                found.setdefault((label, "not_required"), Criterion("not_required", label, input=name))
        return tuple(found.values())

    def about_guideline(self, element: GroundElement) -> bool:
        """Whether an element holds for every patient alike, so that it is no criterion."""
        match element:
            case GroundLiteral(atom, _):
                return not self.names.predicates[str(atom[0])].about_patient and self.world.element(element) is True
            case _:
                return False

    def element(self, element: GroundElement, seen: set[Atom], depth: int) -> Criterion:
        match element:
            case GroundLiteral(atom, negated):
                return self.literal(atom, seen, depth, negated=negated)
            case GroundComparison():
                return self.comparison(element)
            case GroundAtLeast(count, members):
                parts = tuple(self.element(m, seen, depth + 1) for m in members)
                says = wording.COMBINES["atleast"].format(count=count)
                state = _state(self.world.element(element))
                return Criterion(state, wording.sentence(says), combine="atleast", count=count, parts=parts)
            case Given():
                raise AssertionError("given elements are no criteria")

    def literal(self, atom: Atom, seen: set[Atom], depth: int, *, negated: bool) -> Criterion:
        value = self.world.literal(GroundLiteral(atom, negated))
        if atom[0] == "finding":
            return self.finding(str(atom[1]), value, negated=negated)
        says = wording.atom(atom, not negated, self.names)
        instances = self.world.program.instances.get(atom, ())
        if not instances or atom in seen or depth >= DEEPEST:
            hidden = sum(len(i.elements) for i in instances)
            # Not opened: what is so is said by the criterion itself.
            now = wording.atom(atom, self.world.atom(atom), self.names)
            return Criterion(_state(value), says, hidden=hidden, now=now)
        seen.add(atom)
        rules = tuple(dict.fromkeys(i.rule.id or "" for i in instances))
        statements = tuple(dict.fromkeys(s for i in instances for s in i.rule.listed("statements")))
        cites = tuple(dict.fromkeys(int(c) for i in instances for c in i.rule.listed("cites")))
        if len(instances) == 1:
            combine = "none" if negated else "all"
            parts = self.criteria(instances, seen, depth + 1)
            if negated and len(parts) > 1:
                parts = (self.alternative(atom, parts),)
        else:
            combine = "none" if negated else "any"
            parts = tuple(self.route(i, seen, depth + 1) for i in instances)
        return Criterion(
            _state(value),
            says,
            combine=combine,
            parts=parts,
            rules=rules,
            statements=statements,
            citations=cites,
        )

    def route(self, instance: GroundRule, seen: set[Atom], depth: int) -> Criterion:
        """One of several ways to a derived criterion; a single requirement stands for itself."""
        parts = self.criteria([instance], seen, depth)
        return parts[0] if len(parts) == 1 else self.alternative(instance.head or (), parts)

    def alternative(self, _atom: Atom, parts: tuple[Criterion, ...]) -> Criterion:
        states = {p.state for p in parts}
        state = "not_met" if "not_met" in states else "not_known" if "not_known" in states else "met"
        return Criterion(state, wording.sentence(wording.COMBINES["all"]), combine="all", parts=parts)

    def finding(self, name: str, value: Value, *, negated: bool) -> Criterion:
        patient, facts = self.answers.patient, self.answers.facts
        says = wording.finding(name, not negated, self.names)
        detail = None
        if name in facts.assumed:
            screen = next(s for s, members in facts.closed.items() if name in members)
            detail = wording.assumed(screen, self.names)
        now = wording.finding(name, facts.findings[name], self.names)
        return Criterion(_state(value), says, detail=detail, input=name, source=patient.sources.get(name), now=now)

    def comparison(self, element: GroundComparison, *, wanted: bool = True) -> Criterion:
        """A comparison that should hold; or, where it is not `wanted`, its opposite."""
        state = _state(self.world.element(element))
        says = wording.comparison(element, self.answers.facts.measures, self.names, wanted=wanted)
        single = element.terms[0][0] if len(element.terms) == 1 else None
        source = self.answers.patient.sources.get(single) if single else None
        return Criterion(state, says, input=single, source=source, now=says)


def _state(value: Value) -> str:
    return "met" if value else "not_met" if value is False else "not_known"
