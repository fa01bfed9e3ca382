"""What an answer is, and how it is put together from an evaluated model.

Statuses, the rules behind them, what they rest on, what is open. Plain data; nothing here evaluates, proves or prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import tree
from ..background import Propagated
from ..ground import Atom, GroundAtLeast, GroundElement, GroundLiteral, GroundRule
from ..guideline import Guideline
from ..names import STANCES, Decision, Names
from ..patients import Facts, Patient
from ..status import STATUS_OF_STANCE, Because, Status, status_of
from ..values import World
from . import wording
from .questions import Open


@dataclass(frozen=True, slots=True)
class Included:
    """Something that belongs to an intervention when it is done."""

    item: str
    says: str
    rules: tuple[str, ...]
    statements: tuple[str, ...]
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one intervention.

    `rules` give it (or, undetermined, would once the questions are answered); `rests_on` are the rules and `decisions`
    the recorded decisions that it depends on; `unresolved` are citations that the source never resolves.
    """

    intervention: str
    label: str
    status: Status
    because: Because | None
    says: str
    rules: tuple[str, ...]
    statements: tuple[str, ...]
    citations: tuple[int, ...]
    unresolved: tuple[int, ...]
    strength: str | None
    decisions: tuple[str, ...]
    rests_on: tuple[str, ...]
    if_resolved: tuple[Status, ...]
    questions: tuple[tuple[str, ...], ...] | None
    includes: tuple[Included, ...]
    certified: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `docs/` and the public interface describe it."""
        return {
            "intervention": self.intervention,
            "label": self.label,
            "status": self.status.value,
            "undetermined_because": self.because.value if self.because else None,
            "says": self.says,
            "rules": list(self.rules),
            "statements": list(self.statements),
            "citations": list(self.citations),
            "unresolved_citations": list(self.unresolved),
            "strength": self.strength,
            "decisions": list(self.decisions),
            "rests_on": list(self.rests_on),
            "if_resolved": [s.value for s in self.if_resolved],
            "questions": None if self.questions is None else [list(q) for q in self.questions],
            "includes": [
                {
                    "item": i.item,
                    "says": i.says,
                    "rules": list(i.rules),
                    "statements": list(i.statements),
                    "citations": list(i.citations),
                }
                for i in self.includes
            ],
            "certified": self.certified,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that is not advice; `about` is an intervention or any topic."""

    rule: str
    atom: Atom
    about: str
    statements: tuple[str, ...]
    says: str
    citations: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """One object; `statement` is the first where there are several."""
        return {
            "statement": self.statements[0] if self.statements else None,
            "statements": list(self.statements),
            "says": self.says,
            "about": self.about,
            "rule": self.rule,
            "citations": list(self.citations),
        }


@dataclass(frozen=True)
class Answers:
    """All answers about a patient, with the facts they rest on and the certificate that was accepted for them."""

    guideline: Guideline
    names: Names
    patient: Patient
    facts: Facts
    propagated: tuple[Propagated, ...]
    answers: tuple[Answer, ...]
    notes: tuple[Note, ...]
    certificate: Mapping[str, Any]
    world: World

    def decisions(self) -> list[Decision]:
        """The recorded decisions that some answer rests on."""
        used = {d for answer in self.answers for d in answer.decisions}
        return [decision for name, decision in self.names.decisions.items() if name in used]

    def to_json(self) -> dict[str, Any]:
        """The public JSON of `ask`."""
        guideline = self.guideline
        as_of = self.patient.as_of
        return {
            "guideline": {
                "id": guideline.id,
                "version": guideline.version,
                "review": guideline.review,
                "sha256": guideline.sha256,
                "title": guideline.title,
                "source_date": guideline.source.get("date"),
                "readings": dict(self.world.program.readings),
            },
            "patient": {
                "id": self.patient.id,
                "as_of": as_of.isoformat() if as_of else None,
                "sha256": self.patient.sha256,
            },
            "answers": [answer.to_json() for answer in self.answers],
            "notes": [note.to_json() for note in self.notes],
            "assumptions": [
                {"screen": screen, "assumed_absent": list(members)}
                for screen, members in self.facts.closed.items()
                if members
            ],
            "background": [
                {
                    "input": p.name,
                    "value": ("present" if p.value else "absent")
                    if isinstance(p.value, bool)
                    else [p.value.low, p.value.high],
                    "rule": p.denial.rule.id,
                    "because": list(p.because),
                }
                for p in self.propagated
            ],
            "decisions": [{"id": d.id, "point": d.point, "decided": d.decided} for d in self.decisions()],
            "disclaimer": " ".join(guideline.disclaimer.split()),
        }


def stances(world: World, intervention: str) -> dict[str, Any]:
    """The value of each stance on an intervention."""
    return {
        s: world.atom(("advise", intervention, s))
        for s in STANCES
        if ("advise", intervention, s) in world.program.instances
    }


def status_in(world: World, intervention: str) -> Status:
    """The status of an intervention in an evaluated world."""
    return status_of(stances(world, intervention), world.atom(("in_scope",)))


def build(
    guideline: Guideline, world: World, intervention: str, status: Status, because: Because | None, open_: Open | None
) -> Answer:
    """The answer with everything that belongs to it."""
    names = world.program.names
    declared = names.vocabulary.interventions[intervention]
    giving = _giving(world, intervention, status, open_)
    rules = _distinct(i.rule for i in giving)
    grounds = _grounds(world, giving or _all_advice(world, intervention), status)
    cites = tuple(dict.fromkeys(int(c) for rule in rules for c in rule.listed("cites")))
    decisions = {d for rule in (*rules, *grounds) for d in rule.listed("decisions")} | set(declared.silent)
    questions = open_.questions if open_ else ()
    return Answer(
        intervention=intervention,
        label=declared.label,
        status=status,
        because=because,
        says=_says(guideline, world, declared.label, status, because, giving, open_),
        rules=tuple(rule.id or "" for rule in rules),
        statements=_listed(rules, "statements"),
        citations=cites,
        unresolved=tuple(c for c in cites if c not in guideline.references),
        strength=next((tree.plain(s) for rule in rules if (s := rule.annotation("strength"))), None),
        decisions=tuple(d for d in names.decisions if d in decisions),
        rests_on=tuple(dict.fromkeys(rule.id for rule in grounds if rule.id)),
        if_resolved=open_.if_resolved if open_ else (),
        questions=questions,
        includes=_includes(world, intervention) if status in _DONE else (),
    )


_DONE = {Status.URGENT, Status.RECOMMENDED, Status.CONSIDER, Status.UNDETERMINED, Status.CONFLICT}


def notes(world: World, interventions: Iterable[str]) -> list[Note]:
    """The notes whose rules hold: those on a topic, and those about the interventions asked for."""
    asked = set(interventions)
    declared = world.program.names.vocabulary.interventions
    found = []
    for atom in world.program.reachable("note"):
        about = str(atom[1])
        if about in declared and about not in asked:
            continue
        for instance in holding(world, atom):
            rule = instance.rule
            found.append(
                Note(
                    rule.id or "",
                    atom,
                    about,
                    rule.listed("statements"),
                    _rule_says(world, instance),
                    tuple(int(c) for c in rule.listed("cites")),
                )
            )
    return sorted(found, key=lambda n: (n.statements, n.rule))


def holding(world: World, atom: Atom) -> list[GroundRule]:
    """The instances that show an atom."""
    return [i for i in world.program.instances.get(atom, ()) if all(world.element(e) is True for e in i.elements)]


def _giving(world: World, intervention: str, status: Status, open_: Open | None) -> list[GroundRule]:
    """The instances behind a status: those of the deciding stance, or, where it is open, those that could decide."""
    found: list[GroundRule] = []
    for stance in STANCES:
        atom = ("advise", intervention, stance)
        for instance in world.program.instances.get(atom, ()):
            values = [world.element(e) for e in instance.elements]
            if status is Status.UNDETERMINED:
                could = all(v is not False for v in values)
                if could and (
                    open_ is None
                    or not open_.rules
                    or instance.rule.id in open_.rules
                    or all(v is True for v in values)
                ):
                    found.append(instance)
            elif all(v is True for v in values) and (status is Status.CONFLICT or STATUS_OF_STANCE[stance] is status):
                found.append(instance)
    return found


def _all_advice(world: World, intervention: str) -> list[GroundRule]:
    return [i for s in STANCES for i in world.program.instances.get(("advise", intervention, s), ())]


def _grounds(world: World, start: Iterable[GroundRule], status: Status) -> list[tree.Rule]:
    """The rules that an answer depends on: those that show what holds, and all that could have shown what does not."""
    program = world.program
    todo: list[Atom] = [a for i in start for e in i.elements for a in _atoms(e)]
    if status is Status.OUTSIDE_GUIDELINE:
        todo = [("in_scope",)]
    seen: set[Atom] = set()
    found: dict[int, tree.Rule] = {}
    while todo:
        atom = todo.pop(0)
        if atom in seen or atom not in program.instances:
            continue
        seen.add(atom)
        shown = holding(world, atom)[:1] if world.atom(atom) is True else program.instances[atom]
        for instance in shown:
            found.setdefault(id(instance.rule), instance.rule)
            todo.extend(a for e in instance.elements for a in _atoms(e))
    return list(found.values())


def _atoms(element: GroundElement) -> list[Atom]:
    match element:
        case GroundLiteral(atom, _):
            return [atom]
        case GroundAtLeast(_, members):
            return [m.atom for m in members]
        case _:
            return []


def _says(
    guideline: Guideline,
    world: World,
    label: str,
    status: Status,
    because: Because | None,
    giving: list[GroundRule],
    open_: Open | None,
) -> str:
    if status is Status.UNDETERMINED and because is not None:
        asked = open_.questions[0] if open_ and open_.questions else ()
        return wording.undetermined(because, open_.if_resolved if open_ else (), asked, world.program.names)
    if giving:
        return "; ".join(dict.fromkeys(_rule_says(world, i) for i in giving))
    if status is Status.OUTSIDE_GUIDELINE:
        return wording.outside(guideline.title)
    return wording.nothing_applies(label)


def _rule_says(world: World, instance: GroundRule) -> str:
    says = instance.rule.annotation("says")
    patient = instance.rule.head.terms[0] if instance.rule.head and instance.rule.head.terms else None
    name = patient.name if isinstance(patient, tree.Variable) else None
    return wording.fill(tree.plain(says), instance.substitution, name, world.program.names) if says else ""


def _includes(world: World, intervention: str) -> tuple[Included, ...]:
    found = []
    for atom in world.program.reachable("include", intervention):
        shown = holding(world, atom)
        if shown:
            rules = _distinct(i.rule for i in shown)
            cites = tuple(dict.fromkeys(int(c) for rule in rules for c in rule.listed("cites")))
            says = "; ".join(dict.fromkeys(_rule_says(world, i) for i in shown))
            found.append(
                Included(
                    wording.label_of(atom[2], world.program.names) if str(atom[2]).startswith('"') else str(atom[2]),
                    says,
                    tuple(r.id or "" for r in rules),
                    _listed(rules, "statements"),
                    cites,
                )
            )
    return tuple(found)


def _distinct(rules: Iterable[tree.Rule]) -> list[tree.Rule]:
    return list({id(rule): rule for rule in rules}.values())


def _listed(rules: Iterable[tree.Rule], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for rule in rules for item in rule.listed(key)))
