"""The semantic difference of two versions: which answers change, for which patients, and because of which edit.

Both versions stand in one circuit over the same records; what they define alike is there once. For each intervention
either no record exists that is answered differently, or every pair of statuses that occurs comes with the smallest
such patient, answered and certified by both versions. Records that either version refuses are counted apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .. import tree
from ..background import Contradiction, propagate
from ..compiled import Compiled
from ..diagnostics import InputError
from ..explain.answers import status_in
from ..ground import Atom, GroundComparison, GroundLiteral, GroundProgram, ground
from ..names import STANCES, names_of
from ..patients import close, patient_from_content
from ..status import Status
from ..strata import StratifiedProgram, stratify
from ..values import World
from .circuit import Budget, Circuit, Found, Truth
from .edits import Edit, apply, edits
from .encoding import Encoded, Judgement
from .linear import Infeasible, Undecided, choose_values
from .records import Facts, any_record, facts_of, prefer_small
from .regions import regions_of
from .search import MOST_REPAIRS, static_atoms
from .sketch import Sketch, content_of, day_of, sketch, yaml_of
from .witness import Ask, Disagreement, world_of

MOST_EDITS_TRIED = 40
"""Beyond so many edits it is not tried out which one alone changes an answer."""


@dataclass(frozen=True)
class Change:
    """Some patients get another status.

    `needed` are the entries of the witness that every such patient has; `edits` the edits that alone make the change,
    or, where none does, those without which it would not happen.
    """

    intervention: str
    old: Status
    new: Status
    sketch: Sketch
    content: dict[str, Any]
    needed: tuple[str, ...]
    edits: tuple[Edit, ...]
    alone: bool
    smallest: bool

    @property
    def text(self) -> str:
        """The witness as a patient file."""
        return yaml_of(self.content, (f"{self.intervention}: {self.old.value} before, {self.new.value} now",))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "old": self.old.value,
            "new": self.new.value,
            "patient": self.content,
            "every_such_patient_has": list(self.needed),
            "edits": [e.name for e in self.edits],
            "each_edit_alone": self.alone,
            "smallest": self.smallest,
        }


@dataclass(frozen=True)
class Shown:
    """An included item or a note that some patients get in one version only."""

    atom: Atom
    gained: bool
    content: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "atom": [str(a) for a in self.atom],
            "change": "gained" if self.gained else "lost",
            "patient": self.content,
        }


@dataclass(frozen=True)
class Difference:
    """All that one comparison found.

    `same` are interventions proved to be answered alike, `shared` those of them that are defined alike.
    """

    changes: tuple[Change, ...]
    shown: tuple[Shown, ...]
    same: tuple[str, ...]
    shared: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    refused: tuple[tuple[str, dict[str, Any]], ...]
    undecided: tuple[tuple[str, str], ...]
    edits: tuple[Edit, ...]
    seconds: float
    size: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "changes": [c.to_json() for c in self.changes],
            "included_and_notes": [s.to_json() for s in self.shown],
            "unchanged": list(self.same),
            "added": list(self.added),
            "removed": list(self.removed),
            "refused": [{"by": by, "patient": content} for by, content in self.refused],
            "not_decided": [{"intervention": name, "why": why} for name, why in self.undecided],
            "edits": [e.to_json() for e in self.edits],
            "seconds": round(self.seconds, 4),
        }


Progress = Callable[[str, int, int], None]


def compare(
    old: Compiled, new: Compiled, ask: Ask, *, budget: Budget | None = None, progress: Progress = lambda *_: None
) -> Difference:
    """The semantic difference. Raises Disagreement when an engine does not confirm a witness."""
    return _Comparison(old, new, ask, budget or Budget(), progress).run()


class _Comparison:
    def __init__(self, old: Compiled, new: Compiled, ask: Ask, budget: Budget, progress: Progress) -> None:
        self.old, self.new, self.ask, self.budget, self.progress = old, new, ask, budget, progress
        self.started = time.monotonic()
        self.day = day_of(new.guideline)
        self.edits = edits(old.program, new.program)
        self.circuit = Circuit()
        names = (old.names.vocabulary, new.names.vocabulary)
        self.vocabulary = replace(
            names[1],
            findings={**names[0].findings, **names[1].findings},
            measures={**names[0].measures, **names[1].measures},
            screens={},
        )
        self.moved = {
            name
            for name in set(names[0].measures) & set(names[1].measures)
            if (a := names[0].measures[name], b := names[1].measures[name])
            and (a.ticks, a.low, a.high) != (b.ticks, b.low, b.high)
        }
        self.regions = regions_of(self.vocabulary.measures, (old.ground, new.ground))
        self.record = any_record(self.circuit, list(self.vocabulary.findings), self.regions)
        self.circuit.watch(self.record.literals())
        judgement = Judgement(self.circuit, self.circuit.false)
        self.facts = self._facts()
        self.sides = tuple(
            Encoded(self.circuit, c.ground, f, judgement) for c, f in zip((old, new), self.facts, strict=True)
        )
        self.accepted = [-f.refused for f in self.facts]
        self._costed = False

    def _facts(self) -> tuple[Facts, Facts]:
        """One for both when the background is the same."""
        made: list[Facts] = []
        for compiled in (self.old, self.new):
            same = made and [d.elements for d in compiled.ground.denials] == [
                d.elements for d in self.old.ground.denials
            ]
            if same and static_atoms(compiled.ground) == static_atoms(self.old.ground):
                made.append(made[0])
                continue
            made.append(
                facts_of(
                    self.circuit,
                    self.record,
                    self.regions,
                    compiled.ground.denials,
                    _relation(self.circuit, compiled.ground),
                )
            )
        return made[0], made[1]

    def run(self) -> Difference:
        """Everything, intervention by intervention."""
        interventions = [c.names.vocabulary.interventions for c in (self.old, self.new)]
        both = [name for name in interventions[1] if name in interventions[0]]
        changes: list[Change] = []
        same, shared, undecided = [], [], []
        for index, name in enumerate(both):
            self.progress(name, index, len(both))
            before, after = (side.answer(name) for side in self.sides)
            if unclear := self.moved & (_cone(self.old.ground, name) | _cone(self.new.ground, name)):
                undecided.append((name, f"the unit or range of {', '.join(f'`{m}`' for m in sorted(unclear))} changed"))
            elif before == after:
                same.append(name)
                shared.append(name)
            else:
                found, decided = self._changes(name, before, after)
                changes.extend(found)
                if not decided:
                    undecided.append((name, "time ran out, so there may be more changes than those shown"))
                elif not found:
                    same.append(name)
        return Difference(
            tuple(changes),
            tuple(self._shown()),
            tuple(same),
            tuple(shared),
            tuple(name for name in interventions[1] if name not in interventions[0]),
            tuple(name for name in interventions[0] if name not in interventions[1]),
            tuple(self._refused()),
            tuple(undecided),
            tuple(self.edits),
            time.monotonic() - self.started,
            self.circuit.size,
        )

    # changes of answers
    def _changes(self, name: str, before: dict[Status, int], after: dict[Status, int]) -> tuple[list[Change], bool]:
        c = self.circuit
        pairs = {(a, b): c.both(x, y) for a, x in before.items() for b, y in after.items() if a is not b}
        open_ = {pair: literal for pair, literal in pairs.items() if literal != c.false}
        found: list[tuple[Status, Status]] = []
        while open_:
            truth, _, decided = self._model([c.any(*open_.values())], also=open_.values())
            if truth is None:
                return [self._change(name, pair, pairs[pair]) for pair in _ordered(found)], decided
            hit = next(pair for pair, literal in open_.items() if truth(literal))
            found.append(hit)
            del open_[hit]
        return [self._change(name, pair, pairs[pair]) for pair in _ordered(found)], True

    def _change(self, name: str, pair: tuple[Status, Status], literal: int) -> Change:
        truth, found, _ = self._model([literal], best=True)
        if truth is None or found is None:  # time ran out: any model that was seen before would do, but none was kept
            raise InputError.of(
                "GL821",
                f"the budget ran out while a patient for `{name}` was being made smaller",
                hint="give more time with --budget",
            )
        content = self._confirmed(name, pair, found)
        return Change(
            name, *pair, found, content, self._needed(literal, found), *self._responsible(name, pair, found), truth.best
        )

    def _confirmed(self, name: str, pair: tuple[Status, Status], found: Sketch) -> dict[str, Any]:
        """The patient, answered by both versions."""
        patient = f"{name}-{pair[0].value}-{pair[1].value}".replace("_", "-")
        for compiled, wanted in zip((self.old, self.new), pair, strict=True):
            content = content_of(_known_to(found, compiled), compiled.names.vocabulary, patient, self.day)
            answers = self.ask(compiled, patient_from_content(content, compiled.names.vocabulary, patient), [name])
            status = next(a.status for a in answers.answers if a.intervention == name)
            if status is not wanted:
                raise Disagreement(
                    f"the engine answers {status.value} and not {wanted.value} on `{name}` for `{patient}`"
                )
        return content_of(
            found,
            replace(self.vocabulary, screens=self.new.names.vocabulary.screens)
            if not _strangers(found, self.new)
            else self.vocabulary,
            patient,
            self.day,
        )

    def _needed(self, literal: int, found: Sketch) -> tuple[str, ...]:
        """The entries of the witness without which there is no such patient."""
        facts, needed = self.facts[-1], []
        for name, value in found.findings.items():
            entry = (facts.present if value else facts.absent)[name]
            if self._model([literal, -entry]) == (None, None, True):
                needed.append(f"{name}: {'present' if value else 'absent'}")
        for name, interval in found.measures.items():
            regions = self.regions[name]
            least = [k for k, cut in enumerate(regions.cuts) if cut <= interval[0]]
            below = [k for k, cut in enumerate(regions.cuts) if cut > interval[1]]
            entry = self.circuit.both(*(facts.least[name][k] for k in least), *(facts.below[name][k] for k in below))
            if entry != self.circuit.true and self._model([literal, -entry]) == (None, None, True):
                needed.append(name)
        return tuple(needed)

    def _responsible(self, name: str, pair: tuple[Status, Status], found: Sketch) -> tuple[tuple[Edit, ...], bool]:
        candidates = [e for e in self.edits if e.matters]
        if len(candidates) <= 1 or len(candidates) > MOST_EDITS_TRIED:
            return tuple(candidates), len(candidates) == 1
        alone = [e for e in candidates if self._status(self.old, apply(self.old.program, e), name, found) is pair[1]]
        if alone:
            return tuple(alone), True
        needed = [
            e
            for e in candidates
            if self._status(self.new, apply(self.new.program, e, undo=True), name, found) not in (None, pair[1])
        ]
        return tuple(needed or candidates), False

    def _status(self, base: Compiled, program: tree.Program, name: str, found: Sketch) -> Status | None:
        """The status under a program that is a mixture of both versions; None when the mixture makes no sense."""
        names = names_of(program)
        try:
            grounded = ground(program, names, {**self.old.readings, **base.readings})
            stratified = stratify(grounded)
            if not isinstance(stratified, StratifiedProgram):
                return None
            mixed = replace(base, program=program, names=names, ground=grounded, stratified=stratified)
            content = content_of(_known_to(found, mixed), names.vocabulary, name)
            settled = propagate(
                grounded, close(patient_from_content(content, names.vocabulary, name), names.vocabulary)
            )
            if isinstance(settled, Contradiction) or name not in names.vocabulary.interventions:
                return None
            return status_in(World(grounded, settled[0], mixed.evaluate(settled[0])), name)
        except (InputError, KeyError, AssertionError):  # one edit alone may leave names without a declaration
            return None

    # what else changes
    def _shown(self) -> Iterator[Shown]:
        atoms = dict.fromkeys(
            a for c in (self.old, self.new) for p in ("include", "note") for a in c.ground.reachable(p)
        )
        for atom in atoms:
            before, after = (side.atom(atom)[0] for side in self.sides)
            for gained, literal in (
                (True, self.circuit.both(after, -before)),
                (False, self.circuit.both(before, -after)),
            ):
                if literal != self.circuit.false:
                    _, found, _ = self._model([literal], best=True)
                    if found is not None:
                        yield self._confirmed_shown(atom, gained, found)

    def _confirmed_shown(self, atom: Atom, gained: bool, found: Sketch) -> Shown:
        name = "-".join(map(str, atom)).replace("_", "-")
        for compiled, wanted in ((self.old, not gained), (self.new, gained)):
            content = content_of(_known_to(found, compiled), compiled.names.vocabulary, name, self.day)
            world = world_of(compiled, patient_from_content(content, compiled.names.vocabulary, name))
            if (world.atom(atom) is True) is not wanted:
                raise Disagreement(f"the engine does not confirm for `{name}` what is shown")
        return Shown(atom, gained, content_of(found, self.vocabulary, name, self.day))

    def _refused(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Records that one version takes and the other refuses."""
        first, second = (f.refused for f in self.facts)
        if first == second:
            return
        for by, literals in (("new", (-first, second)), ("old", (first, -second))):
            _, found, _ = self._model(literals, best=True, accepted=False)
            if found is not None:
                yield by, content_of(found, self.vocabulary, f"refused-by-{by}", self.day)

    def _model(
        self, literals: Iterable[int], *, best: bool = False, accepted: bool = True, also: Iterable[int] = ()
    ) -> tuple[Truth | None, Sketch | None, bool]:
        """A model with its record; whether the search came to an end."""
        if best and not self._costed:
            self._costed = True
            prefer_small(self.circuit, self.record)
        also = list(also)
        wanted = [*literals, *(self.accepted if accepted else ())]
        for _ in range(MOST_REPAIRS):
            result, truth = self.circuit.solve(wanted, self.budget, best=best, also=also)
            if truth is None:
                return None, None, result is Found.NONE
            try:
                values = choose_values(truth, self.regions, [(self.record, f) for f in self.facts])
                return truth, sketch(truth, self.record, self.regions, values[0]), True
            except Infeasible as problem:
                self.circuit.forbid(*problem.literals)
            except Undecided:
                return None, None, False
        return None, None, False


def _relation(circuit: Circuit, program: GroundProgram) -> Callable[[GroundLiteral], int]:
    static = static_atoms(program)

    def holds(literal: GroundLiteral) -> int:
        return circuit.true if (literal.atom in static) is not literal.negated else circuit.false

    return holds


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


def _strangers(found: Sketch, compiled: Compiled) -> bool:
    return _known_to(found, compiled) != found


def _ordered(pairs: list[tuple[Status, Status]]) -> list[tuple[Status, Status]]:
    """Determined answers first."""
    order = {status: i for i, status in enumerate(Status)}
    return sorted(pairs, key=lambda p: (Status.UNDETERMINED in p, order[p[0]], order[p[1]]))
