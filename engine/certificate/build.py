"""Put the certificate of an answer together: header, claims, proofs (docs/certificates.md).

Which proofs a claim needs is decided by its kind: a status one, a missing-data answer one at an end of the ranges, a
range answer three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answer, Note
from guidelog.ground.program import Atom, Ranges, atom_text
from guidelog.patients import Facts, Interval, Patient
from guidelog.semantics.background import Propagated
from guidelog.semantics.case_trees import Impossible, Shown, Split, Tree
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Because, Status, three_valued_status, unsettled

from .outcomes import Outcome, at_end
from .writer import FORMAT, Writer, cautioned, deciding_atoms, goals_of

_OPEN = Status.UNDETERMINED


def claims(
    compiled: Compiled,
    world: World,
    given: Iterable[Answer],
    outcomes: Mapping[str, Outcome],
    notes: Iterable[Note],
) -> list[dict[str, Any]]:
    """A claim with its proofs for each answer, each included item and each note; `outcomes` by intervention."""
    writers = _Writers(compiled, world)
    found = [_answer_claim(writers, answer, outcomes[answer.intervention]) for answer in given]
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
        "propagated": [_step(step) for step in steps],
        "certificates": list(certificates),
    }


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


def _answer_claim(writers: _Writers, answer: Answer, found: Outcome) -> dict[str, Any]:
    kept = writers.kept
    goals = goals_of(kept.program, answer.intervention)
    ends = (Ranges.LOW, Ranges.HIGH)
    if answer.because is Because.MISSING_DATA:
        used = [w for w in map(writers.at, ends) if three_valued_status(w.world, answer.intervention) is _OPEN][:1]
        proofs = [writer.proof(goals) for writer in used]
    elif answer.because is Because.GUIDELINE_RANGE:
        by_end = [
            by_cases(writers.at(r), answer.intervention, found.cases[r])
            if r in found.cases
            else writers.at(r).proof(goals)
            for r in ends
        ]
        proofs = [kept.proof(goals), *by_end]
    elif Ranges.KEPT in found.cases:
        proofs = [by_cases(kept, answer.intervention, found.cases[Ranges.KEPT])]
    else:
        proofs = [kept.proof(goals)]
    because = answer.because.value if answer.because else None
    claim: dict[str, Any] = {"intervention": answer.intervention, "status": answer.status.value, "because": because}
    if answer.status is not Status.UNDETERMINED:
        open_ = unsettled(kept.world, answer.intervention, answer.status)
        claim |= {"unsettled": sorted({instance.rule.id or "" for instance in open_})} if open_ else {}
    return {"claim": claim, "proofs": proofs}


def by_cases(writer: Writer, intervention: str, cases: Split) -> dict[str, Any]:
    """A proof by cases, as plain JSON data."""
    program = writer.program
    goals = deciding_atoms(program, intervention)
    before = [atom for atom in cautioned(program, intervention) if atom in program.instances]

    def written(tree: Tree) -> dict[str, Any]:
        propagated = [_step(step) for step in tree.propagated]
        match tree:
            case Shown(_, world):
                return {"propagated": propagated, "blocks": Writer(world).proof(goals)["blocks"]}
            case Impossible(_, denial):
                return {"propagated": propagated, "impossible": denial}
            case Split(_, by, at, below, above):
                split = [[name, factor] for name, factor in by]
                sides = {"below": written(below), "from": written(above)}
                return {
                    "propagated": propagated,
                    "split": split,
                    "at": at if isinstance(at, int) else list(at),
                    **sides,
                }

    blocks = writer.proof(before)["blocks"] if before else []
    return {"ranges": writer.world.ranges.value, "before": blocks, "cases": written(cases)}


def _holds(writer: Writer, atom: Atom, rule: str) -> dict[str, Any]:
    return {"claim": {"holds": atom_text(atom), "rule": rule}, "proofs": [writer.proof([atom], rule)]}


def _step(step: Propagated) -> list[Any]:
    return [step.name, _propagated(step.value), step.denial.rule.id]


def _propagated(value: bool | Interval) -> Any:
    return [value.low, value.high] if isinstance(value, Interval) else "T" if value else "F"
