"""Put the certificate of an answer together: header, claims, proofs (docs/certificates.md).

Which proofs a claim needs is decided by its kind: a status one, a missing-data answer one at an end of the ranges, a
range answer three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..background import Propagated
from ..compiled import Compiled
from ..explain.answers import Answer, Note, holding, status_in
from ..ground import Atom, atom_text
from ..patients import Facts, Interval, Patient
from ..rewrites.ranges import Ranges
from ..status import Because, Status
from ..values import World, comparison_value
from .writer import FORMAT, goals_of, proof


def claims(compiled: Compiled, world: World, given: Iterable[Answer], notes: Iterable[Note]) -> list[dict[str, Any]]:
    """A claim with its proofs for each answer, each included item and each note."""
    found = [_answer_claim(compiled, world, answer) for answer in given]
    for answer in given:
        for atom in world.program.reachable("include", answer.intervention):
            if answer.includes and world.atom(atom) is True:
                found += [_holds(world, atom, i.rule.id or "") for i in holding(world, atom)]
    found += [_holds(world, note.atom, note.rule) for note in notes]
    return found


def write(
    compiled: Compiled,
    patient: Patient,
    facts: Facts,
    steps: Sequence[Propagated],
    certificates: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The whole document, bound to the rule text and to the record."""
    return {
        "format": FORMAT,
        "guideline": {
            "id": compiled.guideline.id,
            "version": compiled.guideline.version,
            "sha256": compiled.guideline.sha256,
            "readings": dict(compiled.readings),
        },
        "patient": {
            "id": patient.id,
            "as_of": patient.as_of.isoformat() if patient.as_of else None,
            "sha256": patient.sha256,
        },
        "closed": {screen: list(members) for screen, members in facts.closed.items()},
        "propagated": [[s.name, _propagated(s.value), s.denial.rule.id] for s in steps],
        "certificates": list(certificates),
    }


def at_end(compiled: Compiled, world: World, ranges: Ranges) -> World:
    """The world with every range at one end; evaluated only where that gives some comparison another value."""
    if ranges not in world.ends:
        measures = world.facts.measures
        moved = any(
            comparison_value(c, measures, ranges) is not comparison_value(c, measures, Ranges.KEPT)
            for c in world.program.range_comparisons
        )
        model = compiled.evaluate(world.facts, ranges) if moved else world.model
        world.ends[ranges] = replace(world, model=model, ranges=ranges)
    return world.ends[ranges]


def mark_certified(answer: Answer) -> Answer:
    """The answer, now that its certificate was accepted."""
    return replace(answer, certified=True)


def _answer_claim(compiled: Compiled, world: World, answer: Answer) -> dict[str, Any]:
    goals = goals_of(world.program, answer.intervention)
    worlds = [world]
    if answer.because is Because.MISSING_DATA:
        ends = [at_end(compiled, world, r) for r in (Ranges.LOW, Ranges.HIGH)]
        worlds = [next(end for end in ends if status_in(end, answer.intervention) is Status.UNDETERMINED)]
    elif answer.because is Because.GUIDELINE_RANGE:
        worlds += [at_end(compiled, world, r) for r in (Ranges.LOW, Ranges.HIGH)]
    because = answer.because.value if answer.because else None
    return {
        "claim": {"intervention": answer.intervention, "status": answer.status.value, "because": because},
        "proofs": [proof(w, goals) for w in worlds],
    }


def _holds(world: World, atom: Atom, rule: str) -> dict[str, Any]:
    return {"claim": {"holds": atom_text(atom), "rule": rule}, "proofs": [proof(world, [atom], {atom: rule})]}


def _propagated(value: bool | Interval) -> Any:
    return [value.low, value.high] if isinstance(value, Interval) else "T" if value else "F"
