"""The semantic difference of two versions: which answers change, for which patients, and because of which edit.

For each intervention either no record exists that is answered differently, or every pair of statuses that occurs comes
with a patient, answered and certified by both versions. Where answers stay, their reasons are compared: the rules
behind them, and what an open answer waits for. Records that either version refuses are counted apart. Not compared
here: wording (`edits`), and in what order questions are asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..certificate.document import at_end
from ..certificate.writer import goals_of
from ..compiled import Compiled
from ..explain.answers import Answers, holding, status_in
from ..ground import Atom, GroundComparison, GroundProgram
from ..names import STANCES
from ..patients import patient_from_content
from ..rewrites.ranges import Ranges
from ..status import Status
from .circuit import Budget, Truth
from .difference import Change, Difference, Reason, Shown
from .edits import edits
from .replay import Disagreement, certified, certified_quickly
from .responsible import Responsible
from .sketch import Sketch, content_of, day_of
from .sweep import sweep
from .versions import Versions, differs, unequal
from .witness import Ask, world_of

__all__ = ["Change", "Difference", "Reason", "Shown", "compare"]

MOST_SMALLEST = 24
"""Up to so many changes each gets the smallest patient, evaluated by pyDatalog.

Of more, patients who show several at once, evaluated by circuits. Certified they all are.
"""

Pair = tuple[Status, Status]
Progress = Callable[[str, int, int], None]


def compare(
    old: Compiled,
    new: Compiled,
    ask: Ask = certified,
    *,
    budget: Budget | None = None,
    progress: Progress = lambda *_: None,
) -> Difference:
    """The semantic difference. Raises Disagreement when an engine does not confirm a witness."""
    return _Comparison(old, new, ask, budget or Budget(), progress).run()


@dataclass(frozen=True)
class _Case:
    """A record in which answers differ."""

    sketch: Sketch


class _Comparison:
    def __init__(self, old: Compiled, new: Compiled, ask: Ask, budget: Budget, progress: Progress) -> None:
        self.old, self.new, self.ask, self.budget, self.progress = old, new, ask, budget, progress
        self.started = time.monotonic()
        self.day = day_of(new.guideline)
        self.edits = edits(old.program, new.program)
        self.responsible = Responsible(old, new, self.edits)
        self.versions = Versions((old.ground, new.ground), wishes=True)
        self.circuit = self.versions.circuit
        self.before, self.after = self.sides = (self.versions.add(old.ground), self.versions.add(new.ground))
        measures = (old.names.vocabulary.measures, new.names.vocabulary.measures)
        self.moved = {
            name
            for name in set(measures[0]) & set(measures[1])
            if (a := measures[0][name], b := measures[1][name])
            and (a.ticks, a.low, a.high) != (b.ticks, b.low, b.high)
        }
        self.undecided: list[tuple[str, str]] = []
        self.many = False

    def run(self) -> Difference:
        """Everything, intervention by intervention."""
        interventions = [c.names.vocabulary.interventions for c in (self.old, self.new)]
        both = [name for name in interventions[1] if name in interventions[0]]
        goals = [a for name in both for side in self.sides for a in goals_of(side.program, name)]
        sweep(self.versions, *self.sides, self.budget, dict.fromkeys(goals))
        pairs: dict[str, dict[Pair, int]] = {}
        shared: list[str] = []
        for name in both:
            if unclear := self._moved_below(name):
                why = f"the unit or range of {', '.join(f'`{m}`' for m in sorted(unclear))} changed"
                self.undecided.append((name, why))
                continue
            pairs[name] = self._pairs(name)
            if not pairs[name] and not self._reason_goals(name):
                shared.append(name)
        found = self._found(pairs)
        open_ = {name for name, _ in self.undecided}
        same = [name for name in both if name not in open_ and not found[name]]
        changes = tuple(self._changes(found))
        reasons = tuple(r for name in same if name not in shared for r in self._reasons(name))
        shown = tuple(self._shown())
        refused = tuple(self._refused())
        return Difference(
            changes,
            reasons,
            shown,
            tuple(same),
            tuple(shared),
            tuple(name for name in interventions[1] if name not in interventions[0]),
            tuple(name for name in interventions[0] if name not in interventions[1]),
            refused,
            tuple(self.undecided),
            tuple(self.edits),
            time.monotonic() - self.started,
            self.circuit.size,
        )

    def _moved_below(self, name: str) -> set[str]:
        """The measures with a new unit or range on which an intervention's answer rests."""
        if not self.moved:
            return set()
        return self.moved & (_cone(self.old.ground, name) | _cone(self.new.ground, name))

    # changes of answers
    def _pairs(self, name: str) -> dict[Pair, int]:
        """The literals of the changes that are not ruled out by how both answers are defined."""
        c = self.circuit
        before, after = (side.kept.answer(name) for side in self.sides)
        if before == after:
            return {}
        pairs = {(a, b): c.both(x, y) for a, x in before.items() for b, y in after.items() if a is not b}
        return {pair: literal for pair, literal in pairs.items() if literal != c.false}

    def _found(self, pairs: dict[str, dict[Pair, int]]) -> dict[str, dict[Pair, _Case]]:
        """The changes that occur, each with a patient, who shows as many others not yet shown as the solver can make.

        Of 853 changes in 2,000 rules 28 patients show all; where nothing was wished for, it took 670.
        """
        found: dict[str, dict[Pair, _Case]] = {name: {} for name in pairs}
        goals: dict[int, list[tuple[str, Pair]]] = {}
        for name, of in pairs.items():
            for pair, literal in of.items():
                goals.setdefault(literal, []).append((name, pair))
        self.circuit.watch(goals)
        wishes = {literal: self.circuit.switch() for literal in goals}
        for literal, on in wishes.items():
            self.circuit.wish(literal, weight=1, when=on)
        open_ = set(goals)
        for index, literal in enumerate(goals):
            if literal not in open_:
                continue
            self.progress("changes", index, len(goals))
            truth, sketch, decided = self._model([literal])
            open_.discard(literal)
            if truth is None or sketch is None:
                if not decided:
                    self.undecided += [
                        (name, f"it was not decided whether an answer changes from {pair[0].value} to {pair[1].value}")
                        for name, pair in goals[literal]
                    ]
                continue
            case = _Case(sketch)
            reached = truth.among(open_) | {literal}
            open_ -= reached
            for other in reached:
                self.circuit.turn_off(wishes.pop(other))
                for name, pair in goals[other]:
                    found[name].setdefault(pair, case)
        for on in wishes.values():
            self.circuit.turn_off(on)
        return found

    def _changes(self, found: dict[str, dict[Pair, _Case]]) -> Iterator[Change]:
        listed = [(name, pair, of[pair]) for name, of in found.items() for pair in _ordered(of)]
        together: dict[int, list[tuple[str, Pair]]] = {}
        self.many = len(listed) > MOST_SMALLEST
        if self.many:
            if self.ask is certified:
                self.ask = certified_quickly
            for name, pair, case in listed:
                together.setdefault(id(case), []).append((name, pair))
        confirmed: set[int] = set()
        for index, (name, pair, first) in enumerate(listed):
            self.progress("witnesses", index, len(listed))
            if self.many:
                if id(first) not in confirmed:
                    confirmed.add(id(first))
                    self._confirm(first.sketch, together[id(first)])
                yield self._change(name, pair, first.sketch, smallest=False)
                continue
            literal = self.circuit.both(self.before.kept.answer(name)[pair[0]], self.after.kept.answer(name)[pair[1]])
            truth, sketch, _ = self._model([literal], best=True)
            smaller = first.sketch if sketch is None else sketch  # time ran out: what was found first will do
            self._confirm(smaller, [(name, pair)])
            yield self._change(
                name, pair, smaller, smallest=truth is not None and truth.best, needed=self._needed(literal, smaller)
            )

    def _change(
        self, name: str, pair: Pair, found: Sketch, *, smallest: bool, needed: tuple[str, ...] | None = None
    ) -> Change:
        content = self._content(found, f"{name}-{pair[0].value}-{pair[1].value}")
        by, alone = self.responsible.for_change(name, found, lambda answer: answer.status is pair[1])
        return Change(name, *pair, found, content, needed, by, alone, smallest)

    def _confirm(self, found: Sketch, expected: Sequence[tuple[str, Pair]]) -> None:
        """The patient, answered by both versions. Raises Disagreement."""
        names = [name for name, _ in expected]
        for compiled, side in ((self.old, 0), (self.new, 1)):
            statuses = {a.intervention: a.status for a in self._answers(compiled, found, names).answers}
            for name, pair in expected:
                if statuses[name] is not pair[side]:
                    raise Disagreement(
                        f"the engine answers {statuses[name].value} and not {pair[side].value} on `{name}`"
                    )

    def _answers(self, compiled: Compiled, found: Sketch, names: Sequence[str]) -> Answers:
        vocabulary = compiled.names.vocabulary
        content = content_of(_known_to(found, compiled), vocabulary, names[0].replace("_", "-"), self.day)
        return self.ask(compiled, patient_from_content(content, vocabulary, names[0]), names)

    def _content(self, found: Sketch, name: str) -> dict[str, Any]:
        """The patient as the new version's reader takes it, or both versions' inputs where that is not enough."""
        vocabulary = self.versions.vocabulary
        if _known_to(found, self.new) == found:
            vocabulary = replace(vocabulary, screens=self.new.names.vocabulary.screens)
        return content_of(found, vocabulary, name.replace("_", "-"), self.day)

    def _needed(self, literal: int, found: Sketch) -> tuple[str, ...]:
        """The entries of the witness without which there is no such patient."""
        facts, needed = self.after.facts, []
        for name, value in found.findings.items():
            entry = (facts.present if value else facts.absent)[name]
            if self._model([literal, -entry]) == (None, None, True):
                needed.append(f"{name}: {'present' if value else 'absent'}")
        for name, interval in found.measures.items():
            regions = self.versions.regions[name]
            least = [k for k, cut in enumerate(regions.cuts) if cut <= interval[0]]
            below = [k for k, cut in enumerate(regions.cuts) if cut > interval[1]]
            entry = self.circuit.both(*(facts.least[name][k] for k in least), *(facts.below[name][k] for k in below))
            if entry != self.circuit.true and self._model([literal, -entry]) == (None, None, True):
                needed.append(name)
        return tuple(needed)

    # reasons of answers that stay
    def _reason_goals(self, name: str) -> list[tuple[str | None, bool, int]]:
        """For each rule of advice that it is now, or no longer, behind the answer; and that what is open differs."""
        c, goals = self.circuit, list[tuple[str | None, bool, int]]()
        same = -differs(c, *(side.kept.answer(name) for side in self.sides))
        before, after = (side.gives(name) for side in self.sides)
        for rule in dict.fromkeys((*before, *after)):
            was, is_ = before.get(rule, c.false), after.get(rule, c.false)
            goals += [(rule, True, c.both(same, is_, -was)), (rule, False, c.both(same, was, -is_))]
        still_open = [side.kept.answer(name)[Status.UNDETERMINED] for side in self.sides]
        ends = [differs(c, *(getattr(side, end).answer(name) for side in self.sides)) for end in ("low", "high")]
        goals.append((None, True, c.both(*still_open, c.any(*ends))))
        return [goal for goal in goals if goal[2] != c.false]

    def _reasons(self, name: str) -> Iterator[Reason]:
        """What changes in the reasons of an answer that stays; one search where nothing does."""
        goals = self._reason_goals(name)
        whether = "the answers stay; it was not decided whether their reasons do"
        _, found, decided = self._model([self.circuit.any(*(literal for *_, literal in goals))])
        if found is None:
            if not decided:
                self.undecided.append((name, whether))
            return
        for rule, gained, literal in goals:
            _, found, decided = self._model([literal], best=not self.many)
            if found is not None:
                yield self._confirmed_reason(name, rule, gained, found)
            elif not decided:
                self.undecided.append((name, whether))

    def _confirmed_reason(self, name: str, rule: str | None, gained: bool, found: Sketch) -> Reason:
        given = [self._answers(compiled, found, [name]) for compiled in (self.old, self.new)]
        before, after = (next(a for a in g.answers if a.intervention == name) for g in given)
        if rule is None:
            ends = [
                [status_in(at_end(compiled, g.world, end), name) for end in (Ranges.LOW, Ranges.HIGH)]
                for compiled, g in zip((self.old, self.new), given, strict=True)
            ]
            confirmed = ends[0] != ends[1]
        else:
            confirmed = (rule in after.rules) is gained and (rule in before.rules) is not gained
        if before.status is not after.status or not confirmed:
            raise Disagreement(f"the engine does not confirm that the reasons on `{name}` change")
        content = self._content(found, f"{name}-{rule or 'range'}-{'gained' if gained else 'lost'}")
        if rule is None:
            return Reason(name, None, gained, after.status, content, self.responsible.only)
        by, _ = self.responsible.for_change(name, found, lambda answer: (rule in answer.rules) is gained)
        return Reason(name, rule, gained, after.status, content, by)

    # what else changes
    def _shown(self) -> Iterator[Shown]:
        """Item by item and rule by rule, because each rule's own words are shown."""
        first, second = (side.shows() for side in self.sides)
        for key in dict.fromkeys((*first, *second)):
            before, after = (shows.get(key, self.circuit.false) for shows in (first, second))
            for gained, literal in (
                (True, self.circuit.both(after, -before)),
                (False, self.circuit.both(before, -after)),
            ):
                if literal != self.circuit.false:
                    _, found, decided = self._model([literal], best=True)
                    if found is not None:
                        yield self._confirmed_shown(*key, gained, found)
                    elif not decided:
                        why = f"not decided whether {key[1]} is {'newly' if gained else 'no longer'} shown"
                        self.undecided.append((_words(key[0]), why))

    def _confirmed_shown(self, atom: Atom, rule: str, gained: bool, found: Sketch) -> Shown:
        name = "-".join(map(str, atom)).replace("_", "-")
        for compiled, wanted in ((self.old, not gained), (self.new, gained)):
            content = content_of(_known_to(found, compiled), compiled.names.vocabulary, name, self.day)
            world = world_of(compiled, patient_from_content(content, compiled.names.vocabulary, name))
            if any(instance.rule.id == rule for instance in holding(world, atom)) is not wanted:
                raise Disagreement(f"the engine does not confirm for `{name}` what is shown")
        return Shown(atom, rule, gained, self._content(found, name))

    def _refused(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Records that one version takes and the other refuses."""
        first, second = (side.facts.refused for side in self.sides)
        if unequal(self.circuit, first, second) == self.circuit.false:
            return
        for by, literals in (("new", (-first, second)), ("old", (first, -second))):
            _, found, decided = self._model(literals, best=True, accepted=False)
            if found is not None:
                yield by, self._content(found, f"refused-by-{by}")
            elif not decided:
                self.undecided.append(("background", f"not decided whether the {by} version refuses more records"))

    def _model(
        self, literals: Sequence[int], *, best: bool = False, accepted: bool = True
    ) -> tuple[Truth | None, Sketch | None, bool]:
        return self.versions.model(literals, self.budget, self.sides, best=best, accepted=accepted)


def _cone(program: GroundProgram, intervention: str) -> set[str]:
    """The measures on which an intervention's answer rests."""
    todo: list[Atom] = [("in_scope",), *(("advise", intervention, s) for s in STANCES)]
    seen: set[Atom] = set()
    measures: set[str] = set()
    while todo:
        atom = todo.pop()
        if atom in seen:
            continue
        seen.add(atom)
        for rule in program.instances.get(atom, ()):
            for element in rule.elements:
                if isinstance(element, GroundComparison):
                    measures.update(name for name, _ in element.terms)
            todo.extend(literal.atom for literal in rule.atoms())
    # a background rule may carry what is known about one input over to another
    for denial in program.denials:
        for element in denial.elements:
            if isinstance(element, GroundComparison):
                measures.update(name for name, _ in element.terms)
    return measures


def _known_to(found: Sketch, compiled: Compiled) -> Sketch:
    vocabulary = compiled.names.vocabulary
    return Sketch(
        {n: v for n, v in found.findings.items() if n in vocabulary.findings},
        {n: v for n, v in found.measures.items() if n in vocabulary.measures},
    )


def _words(atom: Atom) -> str:
    return f"{atom[0]}({', '.join(map(str, atom[1:]))})"


def _ordered(pairs: dict[Pair, _Case]) -> list[Pair]:
    """Determined answers first."""
    order = {status: i for i, status in enumerate(Status)}
    return sorted(pairs, key=lambda p: (Status.UNDETERMINED in p, order[p[0]], order[p[1]]))
