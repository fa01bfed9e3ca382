"""Which edits are behind a change, and what else changes between two versions where answers stay.

Each edit is made alone in the old version, and undone alone in the new one, and the patient is answered again: shown
are the edits that alone make the change, or, where none does, those that it takes. This attributes; it proves nothing,
and an edit that cannot stand alone counts for neither. What else changes are the rules behind an answer, what an open
answer would settle on at an end of the guideline's ranges, included items and notes, and records that only one version
takes; each with a patient, confirmed by both versions' engines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from guidelog.certificate.outcomes import at_end
from guidelog.compiled import Compiled
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.diagnostics import InputError
from guidelog.ground.grounder import ground
from guidelog.ground.program import Atom, GroundProgram, Ranges
from guidelog.language import tree
from guidelog.language.names import names_of
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import Facts, Interval
from guidelog.semantics.one_patient import CircuitEngine, FastAnswer
from guidelog.semantics.status import Status, unsettled
from guidelog.semantics.status_diagrams import status_in

from ..search.versions import CAUTION, VersionPair, differs, unequal
from ..witness.candidate import CandidateRecord
from ..witness.find import world_of
from ..witness.replay import Disagreement
from .edits import Edit, apply
from .result import Reason, Shown

MOST_EDITS_TRIED = 40
"""Beyond so many edits it is not tried out which one alone changes an answer."""


class Responsible:
    """The edits between two versions, each tried out once."""

    def __init__(self, old: Compiled, new: Compiled, edits: Iterable[Edit]) -> None:
        self.old, self.new = old, new
        self.candidates = tuple(e for e in edits if e.matters)

    @property
    def only(self) -> tuple[Edit, ...]:
        """The edit that is behind everything, where there is only one."""
        return self.candidates if len(self.candidates) == 1 else ()

    def for_change(
        self, intervention: str, found: CandidateRecord, shows: Callable[[FastAnswer], bool]
    ) -> tuple[tuple[Edit, ...], bool]:
        """The edits behind what `shows` says of the new answer, and whether each does it alone."""
        if len(self.candidates) <= 1 or len(self.candidates) > MOST_EDITS_TRIED:
            return self.candidates, len(self.candidates) == 1

        def answers(mixtures: list[GroundCircuits | None]) -> list[FastAnswer | None]:
            return [None if mixture is None else mixture.answer(intervention, found) for mixture in mixtures]

        made = zip(self.candidates, answers(self._made), strict=True)
        alone = tuple(e for e, answer in made if answer is not None and shows(answer))
        if alone:
            return alone, True
        undone = zip(self.candidates, answers(self._undone), strict=True)
        needed = tuple(e for e, answer in undone if answer is not None and not shows(answer))
        return needed or self.candidates, False

    @cached_property
    def _made(self) -> list[GroundCircuits | None]:
        return [self._mixture(apply(self.old.program, edit)) for edit in self.candidates]

    @cached_property
    def _undone(self) -> list[GroundCircuits | None]:
        return [self._mixture(apply(self.new.program, edit, undo=True)) for edit in self.candidates]

    def _mixture(self, program: tree.Program) -> GroundCircuits | None:
        """A program between both versions; None when it makes no sense, as with a name that is not declared."""
        try:
            grounded = ground(program, names_of(program), {**self.old.readings, **self.new.readings})
            return GroundCircuits(grounded) if isinstance(stratify(grounded), StratifiedProgram) else None
        except (InputError, KeyError, AssertionError):
            return None


class GroundCircuits:
    """A program that answers in microseconds."""

    def __init__(self, program: GroundProgram) -> None:
        self.vocabulary = program.names.vocabulary
        self.circuits = CircuitEngine(program)

    def answer(self, intervention: str, found: CandidateRecord) -> FastAnswer | None:
        """The answer for a record; None when it is refused or contradicts the background, or there is none."""
        facts = facts_of_sketch(found, self.vocabulary)
        if any(interval.low > interval.high for interval in facts.measures.values()):
            return None
        if self.circuits.contradicted(facts):
            return None
        return next((a for a in self.circuits.answers(facts) if a.intervention == intervention), None)


def facts_of_sketch(found: CandidateRecord, vocabulary: Vocabulary) -> Facts:
    """What a record lists of a vocabulary, and what its screens close; an empty interval is out of range."""
    whole = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in vocabulary.measures.items()}
    listed = {
        n: Interval(max(found.measures[n][0], whole[n].low), min(found.measures[n][1], whole[n].high))
        for n in whole
        if n in found.measures
    }
    findings = {n: found.findings.get(n) for n in vocabulary.findings}
    measures = {**whole, **listed}
    for screen in found.screens:
        for name in vocabulary.screens[screen].members if screen in vocabulary.screens else ():
            if name in found.findings or name in found.measures or name in found.unknown:
                continue
            if name in findings:
                findings[name] = False
            elif (unlisted := vocabulary.measures[name].unlisted) is not None:
                ticks = unlisted * vocabulary.measures[name].ticks
                measures[name] = Interval(ticks, ticks)
    return Facts(findings, measures, {}, frozenset())


def reason_goals(both: VersionPair, name: str) -> list[tuple[str | None, bool, int]]:
    """For each rule of advice that it is now, or no longer, behind the answer; and that what is open differs."""
    c, goals = both.circuit, list[tuple[str | None, bool, int]]()
    same = -differs(c, *(side.kept.answer(name) for side in both.sides))
    before, after = (side.gives(name) for side in both.sides)
    for rule in dict.fromkeys((*before, *after)):
        was, is_ = before.get(rule, c.false), after.get(rule, c.false)
        goals += [(rule, True, c.both(same, is_, -was)), (rule, False, c.both(same, was, -is_))]
    still_open = [side.kept.answer(name)[Status.UNDETERMINED] for side in both.sides]
    ends = [differs(c, *(getattr(side, end).answer(name) for side in both.sides)) for end in ("low", "high")]
    goals.append((None, True, c.both(*still_open, c.any(*ends))))
    return [goal for goal in goals if goal[2] != c.false]


def reasons(both: VersionPair, responsible: Responsible, name: str, *, smallest: bool) -> Iterator[Reason]:
    """What changes in the reasons of an answer that stays; one search where nothing does."""
    goals = reason_goals(both, name)
    whether = "the answers stay; it was not decided whether their reasons do"
    _, found, decided = both.model([both.circuit.any(*(literal for *_, literal in goals))])
    if found is None:
        if not decided:
            both.undecided.append((name, whether))
        return
    determined = -both.after.kept.answer(name)[Status.UNDETERMINED]
    for rule, gained, literal in goals:
        found, decided = None, True
        if both.circuit.both(literal, determined) != both.circuit.false:  # says more than an answer that is open
            _, found, _ = both.model([literal, determined], best=smallest)
        if found is None:
            _, found, decided = both.model([literal], best=smallest)
        if found is not None and not both.budget.spent:
            yield _confirmed_reason(both, responsible, name, rule, gained, found)
        elif found is not None or not decided:
            both.undecided.append((name, whether))


def _confirmed_reason(
    both: VersionPair, responsible: Responsible, name: str, rule: str | None, gained: bool, found: CandidateRecord
) -> Reason:
    given = [both.answers(compiled, found, [name]) for compiled in (both.old, both.new)]
    before, after = (next(a for a in g.answers if a.intervention == name) for g in given)
    if rule is None:
        ends = [
            [status_in(at_end(compiled, g.world, end), name) for end in (Ranges.LOW, Ranges.HIGH)]
            for compiled, g in zip((both.old, both.new), given, strict=True)
        ]
        confirmed = ends[0] != ends[1]
    else:
        confirmed = (rule in after.rules) is gained and (rule in before.rules) is not gained
    if before.status is not after.status or not confirmed:
        raise Disagreement(f"the engine does not confirm that the reasons on `{name}` change")
    content = both.content(found, f"{name}-{rule or 'range'}-{'gained' if gained else 'lost'}")
    if rule is None:
        return Reason(name, None, gained, after.status, content, responsible.only)
    by, _ = responsible.for_change(name, found, lambda answer: (rule in answer.rules) is gained)
    return Reason(name, rule, gained, after.status, content, by)


def shown(both: VersionPair, unclear: Callable[[Atom], bool]) -> Iterator[Shown]:
    """Item by item and rule by rule, because each rule's own words are shown.

    `unclear` says which atoms cannot be compared, because the same record means something else to each version.
    """
    first, second = (side.shows() for side in both.sides)
    for key in dict.fromkeys((*first, *second)):
        if unclear(key[0]):
            both.undecided.append((_words(key[0]), f"not compared whether {key[1]} is shown: a unit changed"))
            continue
        before, after = (shows.get(key, both.circuit.false) for shows in (first, second))
        if key[0][0] == CAUTION:  # where the answer is another one, that is said already
            alike = -differs(both.circuit, *(side.kept.answer(str(key[0][1])) for side in both.sides))
            before, after = both.circuit.both(before, alike), both.circuit.both(after, alike)
        for gained, literal in (
            (True, both.circuit.both(after, -before)),
            (False, both.circuit.both(before, -after)),
        ):
            if literal != both.circuit.false:
                _, found, decided = both.model([literal], best=True)
                if found is not None and not both.budget.spent:
                    yield _confirmed_shown(both, *key, gained, found)
                elif found is not None or not decided:
                    why = f"not decided whether {key[1]} is {'newly' if gained else 'no longer'} shown"
                    both.undecided.append((_words(key[0]), why))


def _confirmed_shown(both: VersionPair, atom: Atom, rule: str, gained: bool, found: CandidateRecord) -> Shown:
    name = "-".join(map(str, atom)).replace("_", "-")
    for compiled, wanted in ((both.old, not gained), (both.new, gained)):
        world = world_of(compiled, both.patient(compiled, found, name))
        holding = (
            unsettled(world, str(atom[1]), status_in(world, str(atom[1])))
            if atom[0] == CAUTION
            else world.holding(atom)
        )
        if any(instance.rule.id == rule for instance in holding) is not wanted:
            raise Disagreement(f"the engine does not confirm for `{name}` what is shown")
    return Shown(atom, rule, gained, both.content(found, name))


def refused(both: VersionPair) -> Iterator[tuple[str, dict[str, Any]]]:
    """Records that one version takes and the other refuses."""
    first, second = (side.facts.refused for side in both.sides)
    if unequal(both.circuit, first, second) == both.circuit.false:
        return
    for by, literals in (("new", (-first, second)), ("old", (first, -second))):
        _, found, decided = both.model(literals, best=True, accepted=False)
        if found is not None:
            yield by, both.content(found, f"refused-by-{by}")
        elif not decided:
            both.undecided.append(("background", f"not decided whether the {by} version refuses more records"))


def _words(atom: Atom) -> str:
    return f"{atom[0]}({', '.join(map(str, atom[1:]))})"
