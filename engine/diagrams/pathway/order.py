"""What the rules advise, and in what order: the way out, phases by the gates they need, what a phase leaves behind.

No boxes are made here; `pathway` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import networkx as nx

from guidelog.compiled import Compiled
from guidelog.ground.program import Atom, GroundElement, GroundLiteral, GroundRule
from guidelog.language import tree
from guidelog.wording import sentence

from .criteria import Criteria, Criterion
from .model import Phase

ANSWERED = ("do", "consider")
SHORT_LIST = 4
"""Up to so many criteria of the scope stand in its box, more in a table beside it; and so many lines of an action leave
room for another phase at its side."""


class Advice:
    """The advice of a guideline under the readings in force, by intervention and stance."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.guideline, self.program, self.names = compiled.guideline, compiled.ground, compiled.names
        declarations = compiled.program.declarations
        self.phase_names = {
            d.name: tree.plain(d.values("phase")[0])
            for d in declarations
            if d.keyword == "intervention" and d.values("phase")
        }
        program = self.program
        self.criteria = Criteria(program)
        self.interventions = program.names.vocabulary.interventions
        self.advice = {name: self._advice(name) for name in self.interventions}
        self.bypass = self._bypass()
        self.passed: frozenset[GroundElement] = self._after_bypass()
        self.done = {name: self._done(name) for name in self.interventions}
        main = [m for m in self.guideline.main if self._speaking_for(m)]
        self.main = main or [m for m in self.interventions if self._speaking_for(m)]

    def _advice(self, name: str) -> dict[str, tuple[GroundRule, ...]]:
        found: dict[str, tuple[GroundRule, ...]] = {}
        for atom in self.program.reachable("advise", name):
            found[str(atom[2])] = self.program.instances[atom]
        return found

    def _speaking_for(self, name: str) -> tuple[GroundRule, ...]:
        return tuple(i for stance in ANSWERED for i in self.advice[name].get(stance, ()))

    def _leaving(self, name: str) -> bool:
        return any(self.advice[name].get(stance) for stance in ("urgent", "emergency"))

    # the way out for what cannot wait
    def _bypass(self) -> Criterion | None:
        leaving = [i for a in self.advice.values() for s in ("urgent", "emergency") for i in a.get(s, ())]
        if not leaving:
            return None
        common = frozenset.intersection(*(self.criteria.implied(self.criteria.conditions(i)) for i in leaving))
        concepts = [
            e
            for e in common
            if isinstance(e, GroundLiteral)
            and self.criteria.is_concept(e)
            and e.atom[0] not in ("advise", "include", "note", "in_scope")
        ]
        if concepts:
            order = self.program.block_of
            return self.criteria.criterion(max(concepts, key=lambda e: (order[e.atom], str(e.atom))))
        bodies: dict[frozenset[GroundElement], GroundRule] = {}
        for instance in leaving:
            bodies.setdefault(frozenset(self.criteria.conditions(instance)), instance)
        return self.criteria.group(list(bodies.values()))

    def _after_bypass(self) -> frozenset[GroundElement]:
        """What holds for whoever is still on the pathway after the way out."""
        if self.bypass is None:
            return frozenset()
        element = self.bypass.element
        if isinstance(element, GroundLiteral):
            return frozenset([GroundLiteral(element.atom, not element.negated)])
        return frozenset(
            GroundLiteral(p.element.atom, not p.element.negated)
            for p in self.bypass.parts
            if isinstance(p.element, GroundLiteral)
        )

    def _done(self, name: str) -> frozenset[GroundElement]:
        """Findings that end the advice for an intervention: what a phase leaves behind."""
        ended = {
            e
            for i in self._speaking_for(name)
            for e in self.criteria.conditions(i)
            if isinstance(e, GroundLiteral) and e.negated
        }
        against = {e for i in self.advice[name].get("defer", ()) for e in self.criteria.conditions(i)}
        return frozenset(
            e
            for e in ended
            if isinstance(e, GroundLiteral) and GroundLiteral(e.atom, False) in against and e.atom[0] == "finding"
        )

    def _open(self, instance: GroundRule, name: str, settled: frozenset[GroundElement]) -> tuple[GroundElement, ...]:
        return tuple(
            e
            for e in self.criteria.conditions(instance)
            if e not in settled and e not in self.passed and e not in self.done[name]
        )

    # phases
    def _phase_of(self, name: str, group: str | None, label: str) -> tuple[str, str]:
        phase = self.phase_names.get(name)
        title = sentence(phase or group or label)
        return title, title

    def _order(self, members: dict[str, list[str]]) -> tuple[list[list[str]], list[list[GroundElement]]]:
        """Phases by level, and the gates before each level."""
        needs = {key: self._phase_needs(names) for key, names in members.items()}
        direct = {e for name in self.main for i in self._speaking_for(name) for e in self.criteria.conditions(i)}
        shared = [
            e
            for e in sorted((e for e in direct if self.criteria.is_concept(e)), key=self._rank)
            if sum(e in need for need in needs.values()) >= 2
        ]
        own = {key: frozenset(e for e in shared if e in need) for key, need in needs.items()}
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(members)
        for before, names in members.items():
            left = frozenset(
                GroundLiteral(e.atom, False) for n in names for e in self.done[n] if isinstance(e, GroundLiteral)
            )
            for after in members:
                if before != after and (own[before] < own[after] or left & needs[after]):
                    graph.add_edge(before, after)
                    if not nx.is_directed_acyclic_graph(graph):
                        graph.remove_edge(before, after)
        level: dict[str, int] = {}
        for key in nx.lexicographical_topological_sort(graph, key=list(members).index):
            level[key] = max((level[p] + 1 for p in graph.predecessors(key)), default=0)
        # A level is one set of gates: phases that need different ones are not side by side.
        ordered = sorted(members, key=lambda k: (level[k], len(own[k]), list(members).index(k)))
        groups: list[list[str]] = []
        for key in ordered:
            if groups and level[groups[-1][0]] == level[key] and own[groups[-1][0]] == own[key]:
                groups[-1].append(key)
            else:
                groups.append([key])
        gates = [sorted(own[g[0]], key=self._rank) for g in groups]
        return groups, gates

    def _rank(self, element: GroundElement) -> tuple[int, str]:
        atom: Atom = element.atom if isinstance(element, GroundLiteral) else ()
        return self.program.block_of.get(atom, -1), str(element)

    def _phase_needs(self, names: Sequence[str]) -> frozenset[GroundElement]:
        chosen = [n for n in names if n in self.main] or names
        sets = [self.criteria.needs(self.criteria.conditions(i)) for n in chosen for i in self._speaking_for(n)]
        return frozenset.intersection(*sets) if sets else frozenset()


def side_by_side(phases: Sequence[Phase]) -> list[Phase]:
    """Phases that only act stand beside the one that decides, when that one needs no room at its right; two at most."""
    if len(phases) < 2:
        return list(phases)
    simple = [p for p in phases if len(p.steps) == 1 and p.steps[0].node.kind == "action" and not _long(p)]
    rest = [p for p in phases if p not in simple] or [simple.pop(0)]
    first, *others = rest
    if any(s.node.table for s in first.steps) or _long(first) or not simple:
        return list(phases)
    return [replace(first, beside=tuple(simple[:2])), *others, *simple[2:]]


def _long(phase: Phase) -> bool:
    return any(len(s.node.body) > SHORT_LIST for s in phase.steps)
