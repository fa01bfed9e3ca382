"""Put the certificate of an answer together: header, claims, proofs (docs/certificates.md).

Which proofs a claim needs is decided by its kind: a status one, a missing-data answer one at an end of the ranges, a
range answer three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answer, Note
from guidelog.ground.program import Atom, Ranges, atom_text
from guidelog.patients import Facts, Interval, Patient
from guidelog.semantics.background import Propagated
from guidelog.semantics.kleene import World, comparison_value
from guidelog.semantics.status import Because, Status, status_in, unsettled

from .writer import FORMAT, Writer, goals_of


def claims(compiled: Compiled, world: World, given: Iterable[Answer], notes: Iterable[Note]) -> list[dict[str, Any]]:
    """A claim with its proofs for each answer, each included item and each note."""
    writers = _Writers(compiled, world)
    found = [_answer_claim(writers, answer) for answer in given]
    for answer in given:
        for atom in world.program.reachable("include", answer.intervention) if answer.includes else ():
            found += [_holds(writers.kept, atom, i.rule.id or "") for i in world.holding(atom)]
    found += [_holds(writers.kept, note.atom, note.rule) for note in notes]
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
            "program_sha256": compiled.program_sha256,
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


class _Writers:
    """One for the patient, and one for each end of the ranges where it is needed."""

    def __init__(self, compiled: Compiled, world: World) -> None:
        self.compiled, self.kept = compiled, Writer(world)
        self.ends: dict[Ranges, Writer] = {}

    def at(self, ranges: Ranges) -> Writer:
        if ranges not in self.ends:
            end = at_end(self.compiled, self.kept.world, ranges)
            self.ends[ranges] = Writer(end, self.kept if end.model is self.kept.world.model else None)
        return self.ends[ranges]


def _answer_claim(writers: _Writers, answer: Answer) -> dict[str, Any]:
    used = [writers.kept]
    if answer.because is Because.MISSING_DATA:
        ends = [writers.at(r) for r in (Ranges.LOW, Ranges.HIGH)]
        used = [next(w for w in ends if status_in(w.world, answer.intervention) is Status.UNDETERMINED)]
    elif answer.because is Because.GUIDELINE_RANGE:
        used += [writers.at(r) for r in (Ranges.LOW, Ranges.HIGH)]
    because = answer.because.value if answer.because else None
    goals = goals_of(writers.kept.program, answer.intervention)
    claim: dict[str, Any] = {"intervention": answer.intervention, "status": answer.status.value, "because": because}
    if answer.status is not Status.UNDETERMINED:
        found = unsettled(writers.kept.world, answer.intervention, answer.status)
        claim |= {"unsettled": sorted({instance.rule.id or "" for instance in found})} if found else {}
    return {"claim": claim, "proofs": [writer.proof(goals) for writer in used]}


def _holds(writer: Writer, atom: Atom, rule: str) -> dict[str, Any]:
    return {"claim": {"holds": atom_text(atom), "rule": rule}, "proofs": [writer.proof([atom], rule)]}


def _propagated(value: bool | Interval) -> Any:
    return [value.low, value.high] if isinstance(value, Interval) else "T" if value else "F"
