"""Small guidelines for the tests of `verify`, `diff` and `generate`, and a three-valued evaluator that shares nothing
with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from guidelog.compiled import Compiled
from guidelog.ground.program import Atom, GroundComparison, GroundProgram, Ranges
from guidelog.language.guideline import load_guideline, read_guideline
from guidelog.language.stances import STANCES
from guidelog.patients import Facts, Interval
from guidelog.pipeline import compile_guideline
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.kleene import Model, Value, World, comparison_value
from guidelog.semantics.status import Status, status_of

LUMBAR = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"

_METADATA = """
id = "tiny"
title = "A tiny guideline"
version = "1.0.0"
review = "draft"
main = []
disclaimer = "not for patients"
[source]
title = "nothing"
date = "2025-01-01"
"""

HEADER = """
.finding ill "ill" true("ill") false("not ill")
.finding alarm "alarm" true("alarm") false("no alarm")
.finding tried "tried" true("tried") false("not tried")
.measure days "days" unit(day) range(0, 4)
.measure others "other days" unit(day) range(0, 3)
.intervention scan "scan"
.intervention pills "pills"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SCOPE"]
in_scope(P) :- finding(P, ill).
"""


def advise(id_: str, intervention: str, stance: str, body: str) -> str:
    """A rule for advice with all the annotations that it needs."""
    return (
        f'#[id = "{id_}", statements = ["S1"], cites = [], strength = strong, says = "{id_}", everyone = true]\n'
        f"advise(P, {intervention}, {stance}) :- {body}.\n"
    )


def write(folder: Path, rules: str, *, properties: str | None = None, header: str = HEADER) -> Path:
    """A guideline folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "guideline.toml").write_text(_METADATA, encoding="utf-8")
    (folder / "rules.dl").write_text(header + rules, encoding="utf-8")
    if properties is not None:
        (folder / "properties.dl").write_text(properties, encoding="utf-8")
    return folder


def tiny(folder: Path, rules: str, *, properties: str | None = None, header: str = HEADER) -> Compiled:
    """A guideline, compiled."""
    return compile_guideline(read_guideline(write(folder, rules, properties=properties, header=header)))


def lumbar() -> Compiled:
    """The lumbar guideline, compiled."""
    return compile_guideline(load_guideline(str(LUMBAR)))


def all_worlds(compiled: Compiled, steps: int = 2) -> Iterator[World]:
    """Every record, evaluated: findings in three values, measures any interval between fractions of a unit."""
    program = compiled.ground
    vocabulary = compiled.names.vocabulary
    findings = list(vocabulary.findings)
    elements = [e for rules in program.instances.values() for rule in rules for e in rule.elements]
    comparisons = dict.fromkeys(e for e in elements if isinstance(e, GroundComparison))
    known: dict[object, Model] = {}  # records with the same findings and comparisons are evaluated once
    intervals: list[list[Interval]] = []
    for measure in vocabulary.measures.values():
        points = range(measure.low * measure.ticks, measure.high * measure.ticks + 1, measure.ticks // steps)
        intervals.append([Interval(low, high) for low in points for high in points if low <= high])
    for values in product((True, False, None), repeat=len(findings)):
        for chosen in product(*intervals):
            facts = Facts(
                dict(zip(findings, values, strict=True)),
                dict(zip(vocabulary.measures, chosen, strict=True)),
                {},
                frozenset(),
            )
            settled = propagate(program, facts)
            if isinstance(settled, Contradiction):
                continue
            found = settled[0]
            worth = tuple(comparison_value(c, found.measures, Ranges.KEPT) for c in comparisons)
            key = (tuple(found.findings.values()), worth)
            if key not in known:
                known[key] = evaluate(program, found)
            yield World(program, found, known[key])


def evaluate(program: GroundProgram, facts: Facts) -> Model:
    """The doubled meaning by rounds, block by block: certain and possible at once."""
    certain: set[Atom] = set(program.facts)
    possible: set[Atom] = set(program.facts)
    for block in program.blocks:
        changed = True
        while changed:
            changed = False
            world = World(program, facts, Model(frozenset(certain), frozenset(possible)))
            for atom in block:
                for rule in program.instances[atom]:
                    values = [world.element(e) for e in rule.elements]
                    for place in rule.settled:  # counts as false while it is unknown
                        values[place] = values[place] is True
                    if atom not in certain and all(v is True for v in values):
                        certain.add(atom)
                        changed = True
                    if atom not in possible and all(v is not False for v in values):
                        possible.add(atom)
                        changed = True
    return Model(frozenset(certain), frozenset(possible | certain))


def status(world: World, intervention: str) -> Status:
    """The status, from the model alone."""
    stances: Mapping[str, Value] = {
        s: world.model.value(("advise", intervention, s))
        for s in STANCES
        if ("advise", intervention, s) in world.program.instances
    }
    return status_of(stances, world.model.value(("in_scope",)))
