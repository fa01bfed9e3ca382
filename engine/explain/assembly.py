"""Answers and notes, put together from an evaluated model.

Which rules stand behind an answer depends on the patient; what is said of them does not, so that is put together once
for a guideline. Nothing here evaluates rules, proves or certifies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from guidelog import wording
from guidelog.ground.program import Atom, GroundRule
from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.stances import HOLD, STANCES_AGAINST, STANCES_FOR
from guidelog.semantics.case_trees import Tree, inputs_split, leaves
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Because, Status, deciding, unsettled
from guidelog.wording.english import Language, spoken

from .answers import Answer, Caution, Included, Note
from .questions import Open

MOST_KEPT = 400_000
"""What is kept of answers, counted in rules behind them; a hundred for each answer itself."""
_DONE = {Status.URGENT, Status.RECOMMENDED, Status.CONSIDER, Status.UNDETERMINED, Status.CONFLICT}
_ELECTIVE = frozenset({*STANCES_FOR[1:], *STANCES_AGAINST})
_Shown: TypeAlias = list[tuple[Atom, tuple[GroundRule, ...]]]
"""Atoms that hold, each with the instances that show it."""


@dataclass(slots=True)
class _Told:
    """What was said of a guideline's rules before, in one language, by the identity of the rules and instances."""

    language: Language | None = None
    guideline: GuidelineFolder | None = None
    answers: dict[tuple[object, ...], Answer] = field(default_factory=dict)
    certified: dict[int, tuple[Answer, Answer]] = field(default_factory=dict)
    notes: dict[int, Note] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type[_Told], tuple[()]]:
        return _Told, ()  # in another process, or beside a copy, the identities mean nothing: a copy begins empty


def build(
    guideline: GuidelineFolder,
    world: World,
    intervention: str,
    status: Status,
    because: Because | None,
    open_: Open | None,
    cases: Tree | None = None,
) -> Answer:
    """The answer with everything that belongs to it. With `cases` it is what holds in some of them."""
    worlds = [world] if cases is None else list(leaves(cases))
    given = [giving(w, intervention, status, open_) for w in worlds]
    behind = list({id(i): i for found in given for i in found}.values())
    start = [found or _all_advice(world, intervention) for found in given]
    rests = [_grounds(w, begin, status) for w, begin in zip(worlds, start, strict=True)]
    grounds = rests[0] if cases is None else list({id(rule): rule for found in rests for rule in found}.values())
    with_it: _Shown = []
    if status in _DONE:
        atoms = world.program.reachable("include", intervention)
        with_it = [(atom, shown) for atom in atoms if (shown := world.holding(atom))]
    open_holds = unsettled(world, intervention, status)
    waiting = held_back(world, intervention, behind)
    told = _told(world, guideline).answers
    shown_with_it = (id(i) for _, shown in with_it for i in shown)
    ids = (*map(id, behind), 0, *map(id, grounds), 0, *shown_with_it, 0, *map(id, open_holds), 0, *map(id, waiting))
    whatever = inputs_split(cases) if cases else ()
    key = (intervention, status, because, open_, ids, whatever)
    answer = told.get(key)
    if answer is None:
        if len(told) * (len(ids) + 100) > MOST_KEPT:
            told.clear()
        answer = _answer(guideline, world, intervention, status, because, open_, (behind, grounds, with_it))
        if whatever:
            says = wording.whatever(answer.says, whatever, world.program.names)
            answer = replace(answer, says=says, whatever=whatever)
        cautions = tuple(dict.fromkeys(_caution(world, i) for i in open_holds))
        waits = tuple(dict.fromkeys(i.rule.id or "" for i in waiting))
        answer = told[key] = replace(answer, cautions=cautions, held_back=waits)
    return answer


def certified(world: World, answer: Answer) -> Answer:
    """The answer, now that its certificate was accepted."""
    told = _told(world).certified
    uncertified, twin = told.get(id(answer), (None, answer))
    if uncertified is not answer:
        if len(told) * (len(answer.rests_on) + 100) > MOST_KEPT:
            told.clear()
        twin = replace(answer, certified=True)
        told[id(answer)] = answer, twin
    return twin


def notes(world: World, interventions: Iterable[str]) -> list[Note]:
    """The notes whose rules hold: those on a topic, and those about the interventions asked for."""
    asked = set(interventions)
    others = world.program.names.vocabulary.interventions.keys() - asked
    told = _told(world).notes
    found = []
    for atom in world.program.reachable("note"):
        if atom[1] in others:
            continue
        for instance in world.holding(atom):
            note = told.get(id(instance))
            if note is None:
                note = told[id(instance)] = _note(world, atom, instance)
            found.append(note)
    return sorted(found, key=lambda n: (n.statements, n.rule))


def _told(world: World, guideline: GuidelineFolder | None = None) -> _Told:
    kept, language = world.program.kept, spoken()
    told = kept.get("told")
    if not isinstance(told, _Told) or told.language is not language:
        told = kept["told"] = _Told(language, guideline)
    elif guideline is not None and told.guideline is not guideline:
        told = kept["told"] = _Told(language, guideline, notes=told.notes)
    return told


def giving(world: World, intervention: str, status: Status, open_: Open | None) -> list[GroundRule]:
    """The instances behind a status: those of the deciding stance, or, where it is open, those that could decide."""
    found: list[GroundRule] = []
    stances = world.program.stances.get(intervention, {})
    if status is not Status.UNDETERMINED:
        certain = [stance for stance, atom in stances.items() if world.atom(atom) is True]
        return [i for stance in deciding(certain, status) for i in world.holding(stances[stance])]
    for atom in stances.values():
        for instance in world.program.instances[atom]:
            values = world.values(instance)
            decides = open_ is None or not open_.rules or instance.rule.id in open_.rules
            if False not in values and (decides or None not in values):
                found.append(instance)
    return found


def held_back(world: World, intervention: str, behind: Iterable[GroundRule]) -> list[GroundRule]:
    """The instances whose advice would be the answer, if nothing that is behind it held them back."""
    if not any(i.head == ("advise", intervention, HOLD) for i in behind):
        return []
    stances = world.program.stances.get(intervention, {})
    return [i for stance, atom in stances.items() if stance in _ELECTIVE for i in world.holding(atom)]


def _caution(world: World, instance: GroundRule) -> Caution:
    rule, text = instance.rule, instance.rule.annotation("unsettled")
    says = _filled(world, instance, tree.plain(text)) if text else ""
    return Caution(rule.id or "", says, rule.listed("statements"), _cited([rule]))


def _all_advice(world: World, intervention: str) -> list[GroundRule]:
    atoms = world.program.stances.get(intervention, {}).values()
    return [i for atom in atoms for i in world.program.instances[atom]]


def _grounds(world: World, start: Iterable[GroundRule], status: Status) -> list[tree.Rule]:
    """The rules that an answer depends on: those that show what holds, and all that could have shown what does not."""
    derived = world.program.instances
    first: Iterable[Atom] = (used.atom for i in start for used in i.atoms())
    if status is Status.OUTSIDE_GUIDELINE:
        first = [("in_scope",)]
    todo = list(dict.fromkeys(atom for atom in first if atom in derived))
    seen = set(todo)
    found: dict[int, tree.Rule] = {}
    for atom in todo:  # which grows meanwhile
        rules, looked_at = world.grounds(atom)
        found.update(rules)
        todo += [a for a in looked_at if a not in seen]
        seen.update(looked_at)
    return list(found.values())


def _answer(
    guideline: GuidelineFolder,
    world: World,
    intervention: str,
    status: Status,
    because: Because | None,
    open_: Open | None,
    rests: tuple[list[GroundRule], list[tree.Rule], _Shown],
) -> Answer:
    behind, grounds, with_it = rests
    names = world.program.names
    declared = names.vocabulary.interventions[intervention]
    rules = _distinct(behind)
    cites = _cited(rules)
    decisions = {d for rule in (*rules, *grounds) for d in rule.listed("decisions")} | set(declared.silent)
    return Answer(
        intervention=intervention,
        label=declared.label,
        status=status,
        because=because,
        says=_says(guideline, world, declared.label, status, because, behind, open_),
        rules=tuple(rule.id or "" for rule in rules),
        statements=_listed(rules, "statements"),
        citations=cites,
        unresolved=tuple(c for c in cites if c not in guideline.references),
        strength=next((tree.plain(s) for rule in rules if (s := rule.annotation("strength"))), None),
        decisions=tuple(d for d in names.decisions if d in decisions),
        rests_on=tuple(dict.fromkeys(rule.id for rule in grounds if rule.id)),
        if_resolved=open_.if_resolved if open_ else (),
        questions=open_.questions if open_ else (),
        includes=tuple(_included(world, atom, shown) for atom, shown in with_it),
    )


def _included(world: World, atom: Atom, shown: Iterable[GroundRule]) -> Included:
    rules = _distinct(shown)
    says = wording.clauses(_rule_says(world, i) for i in shown)
    item = wording.label_of(atom[2], world.program.names) if str(atom[2]).startswith('"') else str(atom[2])
    return Included(item, says, tuple(r.id or "" for r in rules), _listed(rules, "statements"), _cited(rules))


def _note(world: World, atom: Atom, instance: GroundRule) -> Note:
    rule = instance.rule
    says = _rule_says(world, instance)
    return Note(rule.id or "", atom, str(atom[1]), rule.listed("statements"), says, _cited([rule]))


def _says(
    guideline: GuidelineFolder,
    world: World,
    label: str,
    status: Status,
    because: Because | None,
    behind: list[GroundRule],
    open_: Open | None,
) -> str:
    if status is Status.UNDETERMINED and because is not None:
        asked = open_.questions[0] if open_ and open_.questions else ()
        return wording.undetermined(because, open_.if_resolved if open_ else (), asked, world.program.names)
    if behind:
        return wording.clauses(_rule_says(world, i) for i in behind)
    if status is Status.OUTSIDE_GUIDELINE:
        return wording.outside(guideline.title)
    return wording.nothing_applies(label)


def _rule_says(world: World, instance: GroundRule) -> str:
    says = instance.rule.annotation("says")
    return _filled(world, instance, tree.plain(says)) if says else ""


def _filled(world: World, instance: GroundRule, text: str) -> str:
    patient = instance.rule.head.terms[0] if instance.rule.head and instance.rule.head.terms else None
    name = patient.name if isinstance(patient, tree.Variable) else None
    return wording.fill(text, instance.substitution, name, world.program.names)


def _distinct(instances: Iterable[GroundRule]) -> list[tree.Rule]:
    return list({id(i.rule): i.rule for i in instances}.values())


def _listed(rules: Iterable[tree.Rule], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for rule in rules for item in rule.listed(key)))


def _cited(rules: Iterable[tree.Rule]) -> tuple[int, ...]:
    return tuple(map(int, _listed(rules, "cites")))
