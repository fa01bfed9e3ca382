"""The semantic difference of two versions: which answers change, for which patients, and because of which edit.

For each intervention either no record exists that is answered differently, or every pair of statuses that occurs comes
with a patient, answered and certified by both versions (`changes`). Where answers stay, their reasons are compared
(`reasons`). Records that either version refuses are counted apart. Not compared here: wording (`edits`), and in what
order questions are asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from guidelog.certificate.writer import goals_of
from guidelog.compiled import Compiled
from guidelog.ground.program import Atom, GroundComparison, GroundProgram
from guidelog.language.stances import STANCES
from guidelog.solver.literals import Budget

from ..search.sweep import sweep
from ..search.versions import Progress, VersionPair
from ..witness.find import Ask
from ..witness.replay import certified
from .answer_changes import Changes, Pair, are_many
from .attribution import Responsible, reason_goals, reasons, refused, shown
from .edits import edits
from .result import Change, Difference, Reason, Shown

__all__ = ["Change", "Difference", "Reason", "Shown", "compare"]


def compare(
    old: Compiled,
    new: Compiled,
    ask: Ask = certified,
    *,
    budget: Budget | None = None,
    progress: Progress = lambda *_: None,
) -> Difference:
    """The semantic difference. Raises Disagreement when an engine does not confirm a witness."""
    started = time.monotonic()
    both = VersionPair(old, new, ask, budget or Budget(), progress)
    edited = edits(old.program, new.program)
    responsible = Responsible(old, new, edited)
    interventions = [c.names.vocabulary.interventions for c in (old, new)]
    common = [name for name in interventions[1] if name in interventions[0]]
    goals = [a for name in common for side in both.sides for a in goals_of(side.program, name)]
    sweep(both.versions, *both.sides, both.budget, dict.fromkeys(goals), progress)
    changes = Changes(both, responsible)
    moved = _moved(old, new)

    def unclear_for(atoms: Iterable[Atom]) -> set[str]:
        """The measures below some atoms of which the same record says something else to each version."""
        wanted = list(atoms)
        return moved & (_measures(old.ground, wanted) | _measures(new.ground, wanted)) if moved else set()

    pairs: dict[str, dict[Pair, int]] = {}
    shared: list[str] = []
    for name in common:
        if (
            unclear := moved & (_measures(old.ground, _advice(name)) | _measures(new.ground, _advice(name)))
            if moved
            else set()
        ):
            names = ", ".join(f"`{m}`" for m in sorted(unclear))
            why = f"the unit of {names} changed, so that the same record means something else"
            both.undecided.append((name, why))
            continue
        pairs[name] = changes.pairs(name)
        if not pairs[name] and not reason_goals(both, name):
            shared.append(name)
    found = changes.found(pairs)
    other = {name for name, _ in both.undecided} | {one.intervention for one in found}
    same = [name for name in common if name not in other]
    smallest = not are_many(found)
    return Difference(
        tuple(changes.confirmed(found)),
        tuple(r for name in same if name not in shared for r in reasons(both, responsible, name, smallest=smallest)),
        tuple(shown(both, lambda atom: bool(unclear_for([atom])))),
        tuple(same),
        tuple(shared),
        tuple(name for name in interventions[1] if name not in interventions[0]),
        tuple(name for name in interventions[0] if name not in interventions[1]),
        tuple(refused(both)),
        tuple(both.undecided),
        tuple(edited),
        time.monotonic() - started,
        both.circuit.size,
    )


def _moved(old: Compiled, new: Compiled) -> set[str]:
    """The measures with a new unit: the same record means other facts."""
    before, after = old.names.vocabulary.measures, new.names.vocabulary.measures
    return {name for name in before.keys() & after.keys() if (a := before[name], b := after[name]) and a.unit != b.unit}


def _advice(intervention: str) -> list[Atom]:
    """What an intervention's answer rests on."""
    return [("in_scope",), *(("advise", intervention, s) for s in STANCES)]


def _measures(program: GroundProgram, atoms: Iterable[Atom]) -> set[str]:
    """The measures on which atoms rest."""
    todo = list(atoms)
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
