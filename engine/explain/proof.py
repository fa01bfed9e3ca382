"""Why an atom has its value: the lowest proof, as a graph with shared sub-proofs.

Every leaf is a fact of the record with its source, a recorded assumption, a comparison, or
something not known. Words come from the guideline's annotations.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from guidelog import wording
from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundRule,
    atom_text,
)
from guidelog.language import tree
from guidelog.semantics.background import Propagated
from guidelog.semantics.kleene import Value

from .answers import Answers
from .heights import element_height, heights, lowest_failing, lowest_instance
from .proofs import Kind, Node, Proof, letter


class Reasons:
    """Proofs about one patient's answers; lowest first, sub-proofs shared."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.world, self.names = answers, answers.world, answers.names
        self._propagated: Mapping[str, Propagated] = {p.name: p for p in answers.propagated}
        self._nodes: dict[str, Node] = {}
        self._of_atom: dict[Atom, str] = {}

    @cached_property
    def heights(self) -> dict[Atom, int]:
        """The height of each settled atom's lowest proof."""
        return heights(self.world)

    def of_atom(self, *atoms: Atom) -> Proof:
        """Why atoms have their values."""
        return self._proof([self._build(atom) for atom in atoms])

    def of_instance(self, *instances: GroundRule) -> Proof:
        """Why these rule instances hold: a node for each, resting on its elements."""
        roots = []
        for instance in instances:
            for atom in self._atoms_below(instance):
                self._build(atom)
            roots.append(self._instance(instance))
        return self._proof(roots)

    def of_input(self, name: str) -> Node:
        """The leaf (or, for what the background adds, the step) of an input."""
        return self._nodes[self._input(name)]

    def _proof(self, roots: Sequence[str]) -> Proof:
        """The part of the graph below the roots, premises first."""
        order: dict[str, None] = {}
        stack = [(root, False) for root in reversed(roots)]
        while stack:
            name, ready = stack.pop()
            if name in order:
                continue
            if ready:
                order[name] = None
            else:
                stack.append((name, True))
                stack.extend((p, False) for p in reversed(self._nodes[name].premises) if p not in order)
        return Proof(tuple(dict.fromkeys(roots)), {name: self._nodes[name] for name in order})

    # atoms, from the leaves up without recursion
    def _build(self, goal: Atom) -> str:
        stack: list[Atom] = [goal]
        entered: set[Atom] = set()
        while stack:
            atom = stack[-1]
            if atom in self._of_atom:
                stack.pop()
                continue
            missing = [a for a in self._needs(atom) if a not in self._of_atom and a not in entered and a != atom]
            if missing and atom not in entered:
                entered.add(atom)
                stack.extend(reversed(missing))
                continue
            # What is still missing here waits for this very atom: a loop, in which only false and unknown atoms can be.
            self._of_atom[atom] = self._step(atom)
            stack.pop()
        return self._of_atom[goal]

    def _needs(self, atom: Atom) -> list[Atom]:
        """The derived atoms that the step of an atom refers to."""
        value = self.world.atom(atom)
        if atom not in self.world.program.instances or (value and atom in self.world.program.facts):
            return []
        return [a for element in self._shown_elements(atom, value) for a in self._derived(element)]

    def _shown_elements(self, atom: Atom, value: Value) -> list[GroundElement]:
        if value is True:
            instance = lowest_instance(self.world, atom, self.heights)
            return list(instance.elements) if instance else []
        if value is False and atom in self.heights:
            return self._failing(atom)
        # Unknown, or false only because what could show it needs it: everything that a loop rests on is shown at once.
        return [e for a in self._loop(atom, value) for e in self._outside(a, value)]

    def _failing(self, atom: Atom) -> list[GroundElement]:
        """One false element for each instance, that of the lowest proof."""
        instances = self.world.program.instances[atom]
        places = [(i, lowest_failing(self.world, i, self.heights)) for i in instances]
        return [i.elements[p] for i, p in places if p is not None]

    def _loop(self, atom: Atom, value: Value) -> list[Atom]:
        """The atoms of the same value that it waits for and that wait for it, itself first."""
        program = self.world.program
        block = program.block_of[atom]
        found: dict[Atom, None] = {atom: None}
        todo = [atom]
        while todo:
            for other in program.edges[todo.pop()]:
                if other not in found and program.block_of[other] == block and self._waits(other, value):
                    found[other] = None
                    todo.append(other)
        return list(found)

    def _waits(self, atom: Atom, value: Value) -> bool:
        return self.world.atom(atom) is value and (value is None or atom not in self.heights)

    def _outside(self, atom: Atom, value: Value) -> list[GroundElement]:
        """What an atom of a loop rests on outside the loop."""
        instances = self.world.program.instances[atom]
        if value is False:
            return self._failing(atom)
        block = self.world.program.block_of[atom]
        possible = [i for i in instances if False not in self.world.values(i)]
        return [
            e
            for i in possible
            for e in i.elements
            if self.world.element(e) is None
            and not (isinstance(e, GroundLiteral) and self.world.program.block_of.get(e.atom) == block)
        ]

    def _derived(self, element: GroundElement) -> list[Atom]:
        match element:
            case GroundLiteral(atom, _):
                return [atom] if atom in self.world.program.instances else []
            case GroundAtLeast(_, members):
                return [m.atom for m in members if m.atom in self.world.program.instances]
            case _:
                return []

    def _atoms_below(self, instance: GroundRule) -> list[Atom]:
        return [a for element in instance.elements for a in self._derived(element)]

    def _step(self, atom: Atom) -> str:
        value = self.world.atom(atom)
        if atom not in self.world.program.instances or (value and atom in self.world.program.facts):
            return self._add(Kind.FACT if value else Kind.ABSENT, value, self._words(atom, value), atom=atom)
        if value is True:
            instance = lowest_instance(self.world, atom, self.heights)
            assert instance is not None, "a certified true atom has an instance"
            return self._instance(instance)
        premises = [p for e in self._shown_elements(atom, value) for p in self._elements([e])]
        kind = Kind.ABSENT if value is False else Kind.OPEN
        return self._add(kind, value, self._words(atom, value), atom=atom, premises=premises)

    def _instance(self, instance: GroundRule) -> str:
        atom = instance.head
        assert atom is not None
        says = instance.rule.annotation("says")
        value = self.world.atom(atom) if all(self.world.element(e) is True for e in instance.elements) else None
        words = self._rule_words(instance) if says and str(atom[0]) in _ADVISING else self._words(atom, value)
        return self._add(
            Kind.DERIVED,
            value,
            words,
            atom=atom,
            rule=instance.rule,
            premises=self._elements(instance.elements),
        )

    def _elements(self, elements: Iterable[GroundElement]) -> list[str]:
        found: list[str] = []
        for element in elements:
            match element:
                case GroundLiteral(atom, _):
                    if atom[0] == "finding":
                        found.append(self._input(str(atom[1])))
                    elif atom in self._of_atom:
                        found.append(self._of_atom[atom])
                    elif atom not in self.world.program.instances:
                        found.append(self._step(atom))
                case GroundComparison():
                    found.append(self._comparison(element))
                case GroundAtLeast():
                    found.append(self._counted(element))
                case Given():
                    pass
        return found

    # leaves
    def _input(self, name: str) -> str:
        facts, patient = self.answers.facts, self.answers.patient
        value: Value
        if name in facts.findings:
            value = facts.findings[name]
            says = wording.finding(name, value, self.names)
            detail = None
        else:
            interval = facts.measures[name]
            value = True if facts.known(name) else None
            says = wording.measured(name, interval, self.names)
            detail = None
        source = patient.sources.get(name)
        if name in self._propagated:
            step = self._propagated[name]
            premises = [self._input(other) for other in step.because if other != name]
            return self._add(
                Kind.BACKGROUND, value, says, input_=name, rule=step.denial.rule, premises=premises, source=source
            )
        if name in facts.assumed:
            screen = next(s for s, members in facts.closed.items() if name in members)
            detail = wording.assumed(screen, self.names)
            source = patient.sources.get(screen)
            return self._add(Kind.ASSUMED, value, says, detail=detail, input_=name, source=source)
        recorded = name in patient.measures if name in facts.measures else name in patient.findings
        if value is None and not (recorded and name in facts.measures):
            return self._add(Kind.UNKNOWN, None, says, input_=name, source=source)
        return self._add(Kind.RECORDED, value, says, detail=detail, input_=name, source=source)

    def _comparison(self, comparison: GroundComparison) -> str:
        value = self.world.element(comparison)
        says = wording.comparison(comparison, self.answers.facts.measures, self.names)
        inputs = [self._input(name) for name, _ in comparison.terms]
        return self._add(Kind.MEASURED, value, says, premises=inputs)

    def _counted(self, element: GroundAtLeast) -> str:
        value = self.world.element(element)
        members = self._telling_members(element, value)
        says = wording.counted(element.count, len(element.members), value)
        return self._add(Kind.COUNTED, value, says, premises=self._elements(members))

    def _telling_members(self, element: GroundAtLeast, value: Value) -> list[GroundLiteral]:
        """As many members as show the count.

        Those that hold, those that fail, or, where it is open, all that are not known.
        """
        side = [m for m in element.members if self.world.literal(m) is value]
        if value is None:
            return side
        wanted = element.count if value else max(0, len(element.members) - element.count + 1)
        ranked = sorted(side, key=lambda m: element_height(self.world, m, self.heights) or 0)
        return ranked[:wanted]

    # words
    def _words(self, atom: Atom, value: Value) -> str:
        return wording.atom(atom, value, self.names)

    def _rule_words(self, instance: GroundRule) -> str:
        says = instance.rule.annotation("says")
        assert says is not None and instance.rule.head is not None
        patient = instance.rule.head.terms[0] if instance.rule.head.terms else None
        name = patient.name if isinstance(patient, tree.Variable) else None
        return wording.fill(tree.plain(says), instance.substitution, name, self.names)

    def _add(  # noqa: PLR0913 - a node has that many parts
        self,
        kind: Kind,
        value: Value,
        says: str,
        *,
        detail: str | None = None,
        atom: Atom | None = None,
        input_: str | None = None,
        source: str | None = None,
        rule: tree.Rule | None = None,
        premises: Sequence[str] = (),
    ) -> str:
        kept = tuple(dict.fromkeys(premises))
        text = atom_text(atom) if atom else None
        rule_id = rule.id if rule else None
        content = [kind.value, letter(value), says, detail, text, input_, source, rule_id, kept]
        name = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:16]
        if name not in self._nodes:
            self._nodes[name] = Node(
                id=name,
                kind=kind,
                value=value,
                says=says,
                detail=detail,
                atom=text,
                input=input_,
                source=source,
                rule=rule_id,
                statements=rule.listed("statements") if rule else (),
                citations=tuple(int(c) for c in rule.listed("cites")) if rule else (),
                decisions=rule.listed("decisions") if rule else (),
                premises=kept,
            )
        return name


_ADVISING = {"advise", "include", "note"}
