"""Witness patients: written down, replayed by the engine, certified, and only then shown.

What clingo found is a claim until the engine that answers for patients (pyDatalog, with the independent checker
behind it) says the same: the same status for every intervention, and the property broken. If it does not, one of the
two is wrong, and `Disagreement` stops everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from guidelog.compiled import Compiled
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.explain.answers import Answers
from guidelog.ground.grounder import ground
from guidelog.ground.program import (
    Atom,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    Ranges,
)
from guidelog.language import tree
from guidelog.patients import Patient, close, patient_from_content
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.kleene import Value, World, comparison_value
from guidelog.semantics.status import Status, unsettled
from guidelog.semantics.status_diagrams import status_in
from guidelog.solver.literals import Budget
from guidelog.solver.program import Range

from ..properties.language import ADDS, ANSWER, CAUTIONED, KEPT, LEARNS, UNKNOWN, Kind, Property, modal
from ..search.questions import Case
from .candidate import CandidateRecord, content_of, day_of, yaml_of
from .replay import Disagreement

Ask: TypeAlias = Callable[[Compiled, Patient, Sequence[str] | None], Answers]
"""`pipeline.ask`: certified answers about some interventions or all. Handed in, because the pipeline is a room above
this one."""


@dataclass(frozen=True)
class Witness:
    """A patient, as plain data and as a vignette file; `after` is the same patient after a change.

    `ends` says at which end each threshold range was read (empty: ranges as the guideline states them). `smallest`
    when there is no smaller patient, `bare` when at least no entry of this one can be left out.
    """

    content: Mapping[str, Any]
    text: str
    statuses: Mapping[str, Status]
    after: Witness | None = None
    ends: tuple[str, ...] = ()
    smallest: bool = True
    bare: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "patient": dict(self.content),
            "answers": {name: status.value for name, status in self.statuses.items()},
            "after": self.after.to_json() if self.after else None,
            "ranges": list(self.ends),
            "smallest": self.smallest,
            "every_entry_needed": self.bare,
        }


def replay(
    compiled: Compiled,
    ask: Ask,
    found: CandidateRecord,
    name: str,
    comments: tuple[str, ...],
    interventions: Sequence[str],
) -> tuple[Witness, World]:
    """The patient of a sketch, with certified answers about the interventions.

    Raises Disagreement when the reader gives other facts back.
    """
    vocabulary = compiled.names.vocabulary
    content = content_of(found, vocabulary, name, day_of(compiled.guideline))
    patient = patient_from_content(content, vocabulary, name)
    answers = ask(compiled, patient, interventions)
    world = answers.world
    for finding, value in found.findings.items():
        if world.facts.findings[finding] is not value:
            raise Disagreement(f"`{finding}` of `{name}` is read back as something else")
    statuses = {a.intervention: a.status for a in answers.answers}
    return Witness(content, yaml_of(content, comments), statuses), world


def world_of(compiled: Compiled, patient: Patient) -> World:
    """The patient's record, evaluated by the engine. Raises Disagreement when it contradicts the background."""
    settled = propagate(compiled.ground, close(patient, compiled.names.vocabulary))
    if isinstance(settled, Contradiction):
        raise Disagreement(f"the record of `{patient.id}` contradicts a background rule")
    return World(compiled.ground, settled[0], compiled.evaluate(settled[0]))


def confirm(
    compiled: Compiled, ask: Ask, prop: Property, program: GroundProgram, case: Case, budget: Budget
) -> Witness | None:
    """The witness that breaks a property, confirmed by the engine; None when the time runs out before it is.

    The clock is looked at between one evaluation and the next. Raises Disagreement.
    """
    name = prop.id.lower()
    vocabulary = compiled.names.vocabulary
    sketches = [case.record] if case.after is None else [case.record, case.after]
    worlds = []
    for found in sketches:
        if budget.spent:
            return None
        patient = patient_from_content(
            content_of(found, vocabulary, name, day_of(compiled.guideline)), vocabulary, name
        )
        worlds.append(_settled(compiled, world_of(compiled, patient), case.high_ends))
    kept = case.high_ends is None
    broken = breaking(prop, program, worlds, kept=kept)
    if broken is None:
        raise Disagreement(f"the engine does not confirm that `{name}` breaks {prop.id}")
    about = _interventions(prop, broken, program) or [*compiled.guideline.main, *vocabulary.interventions][:1]
    comments = (f"breaks {prop.id}: {prop.says}", "found by `guidelog verify`; a made-up patient")
    shown = [(case.record, name, comments)]
    if case.after is not None:
        shown.append((case.after, f"{name}-after", (f"the patient of {name}.yaml, afterwards", *comments[1:])))
    replayed = []
    for found, called, said in shown:
        if budget.spent:
            return None
        replayed.append(replay(compiled, ask, found, called, said, about))
    (witness, world), *afterwards = replayed
    if kept and any(status_in(world, i) is not status_in(worlds[0], i) for i in about):
        raise Disagreement(f"`{name}` is answered in two ways")
    after = afterwards[0][0] if afterwards else None
    return replace(witness, after=after, ends=_ends(case), smallest=case.smallest)


def _interventions(prop: Property, rule: GroundRule, program: GroundProgram) -> list[str]:
    """The interventions whose answers an instance of a property looks at."""
    todo = [literal.atom for literal in rule.atoms()]
    assert rule.head is not None
    if prop.kind is not Kind.NEVER:
        todo.append(modal(program, ("", str(rule.head[1]))))
    found = {str(rule.head[1]): None} if prop.kind is Kind.STABLE else {}
    seen: set[Atom] = set()
    while todo:
        atom = todo.pop(0)
        if atom[0] in (ANSWER, CAUTIONED, "advise"):
            found.setdefault(str(atom[1]))
        elif atom not in seen:
            seen.add(atom)
            todo.extend(literal.atom for r in program.instances.get(atom, ()) for literal in r.atoms())
    return list(found)


def _ends(case: Case) -> tuple[str, ...]:
    if not case.high_ends:
        return ()
    found = []
    for (terms, operator, *_), at_high in case.high_ends.items():
        names = " + ".join(name for name, _ in terms)
        found.append(f"{names} {operator} {'high' if at_high else 'low'} end of its range")
    return tuple(found)


def _settled(compiled: Compiled, world: World, ends: Mapping[Range, bool] | None) -> World:
    """The same patient with each range replaced by one of its ends, answered by the engine."""
    if ends is None:
        return world
    chosen: dict[int, int] = {}
    for rule in (rule for rules in compiled.ground.instances.values() for rule in rules):
        for written, element in zip(rule.rule.body, rule.elements, strict=True):
            if not (isinstance(element, GroundComparison) and isinstance(written, tree.Comparison)):
                continue
            if isinstance(written.right, tree.Range):
                key = (element.terms, element.operator, element.low, element.high)
                number = written.right.high if ends.get(key, False) else written.right.low
                if chosen.setdefault(id(written.right), number) != number:
                    raise Disagreement("one range stands for both of its ends")
    moved = replace(
        compiled.program,
        statements=tuple(_moved(s, chosen) if isinstance(s, tree.Rule) else s for s in compiled.program.statements),
    )
    grounded = ground(moved, compiled.names, compiled.readings)
    stratified = stratify(grounded)
    assert isinstance(stratified, StratifiedProgram), "moving a threshold leaves the loops as they are"
    end = replace(compiled, program=moved, ground=grounded, stratified=stratified)
    return World(grounded, world.facts, end.evaluate(world.facts))


def _moved(rule: tree.Rule, chosen: Mapping[int, int]) -> tree.Rule:
    def element(old: tree.Element) -> tree.Element:
        if isinstance(old, tree.Comparison) and isinstance(old.right, tree.Range):
            return replace(old, right=tree.Number(chosen.get(id(old.right), old.right.low), old.right.span))
        return old

    return replace(rule, body=tuple(map(element, rule.body)))


# a property in one evaluated world, or before and after
def breaking(prop: Property, program: GroundProgram, worlds: Sequence[World], *, kept: bool) -> GroundRule | None:
    """The instance of a property that is broken there, if one is; `kept` when ranges are left as they are."""
    instances = (rule for rule in prop.instances if kept or not _needs_kept(rule))
    return next((rule for rule in instances if _breaks(prop, rule, program, worlds)), None)


def _breaks(prop: Property, rule: GroundRule, program: GroundProgram, worlds: Sequence[World]) -> bool:
    before, after = worlds[0], worlds[-1]
    if any(_element(program, before, element) is not True for element in rule.elements if not _is_change(element)):
        return False
    assert rule.head is not None
    if prop.kind is Kind.NEVER:
        return True
    about = modal(program, ("", str(rule.head[1])))
    if prop.kind is Kind.ALWAYS:
        return _value(program, before, about) is not True
    for literal in rule.atoms():
        if literal.atom[0] == ADDS and (
            before.facts.findings[str(literal.atom[1])] is True
            or after.facts.findings[str(literal.atom[1])] is not True
        ):
            return False
    if prop.kind is Kind.KEEPS:
        return _value(program, before, about) is True and _value(program, after, about) is not True
    statuses = [status_in(world, str(rule.head[1])) for world in worlds]
    return statuses[0] is not Status.UNDETERMINED and statuses[0] is not statuses[-1]


def _needs_kept(rule: GroundRule) -> bool:
    return any(literal.atom[0] == KEPT and not literal.negated for literal in rule.atoms())


def _is_change(element: GroundElement) -> bool:
    return isinstance(element, GroundLiteral) and element.atom[0] in (ADDS, LEARNS)


def _value(program: GroundProgram, world: World, atom: Atom) -> Value:
    if atom[0] == ANSWER:
        return status_in(world, str(atom[1])).value == atom[2]
    if atom[0] == CAUTIONED:
        name = str(atom[1])
        return bool(unsettled(world, name, status_in(world, name)))
    if atom[0] == KEPT:
        return True
    if atom[0] == UNKNOWN:
        about = modal(program, atom)
        if about[0] == "measure":
            measure = program.names.vocabulary.measures[str(about[1])]
            interval = world.facts.measures[measure.name]
            return (interval.low, interval.high) == (measure.low * measure.ticks, measure.high * measure.ticks)
        return _value(program, world, about) is None
    if atom[0] == "finding" or atom in world.program.instances:
        return world.atom(atom)
    if atom not in program.instances:
        return atom in program.facts
    values = [[_element(program, world, e) for e in rule.elements] for rule in program.instances[atom]]
    if atom in program.facts or any(all(v is True for v in body) for body in values):
        return True
    return None if any(all(v is not False for v in body) for body in values) else False


def _element(program: GroundProgram, world: World, element: GroundElement) -> Value:
    match element:
        case GroundLiteral(atom, negated):
            value = _value(program, world, atom)
            return value if value is None or not negated else not value
        case GroundComparison():
            return comparison_value(element, world.facts.measures, Ranges.KEPT)
        case GroundAtLeast(count, members):
            values = [_element(program, world, member) for member in members]
            if sum(v is True for v in values) >= count:
                return True
            return None if sum(v is not False for v in values) >= count else False
        case _:
            return True
