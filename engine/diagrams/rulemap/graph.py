"""What conclusions of the rules read: strata, negation, recursion, unused and undefined names. For authors.

Made from the rules as written, so that it also holds for a guideline that has errors. `rulemap_page` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import networkx as nx

from guidelog.diagnostics import nearest
from guidelog.language import tree
from guidelog.language.names import INPUTS, Names


@dataclass
class Place:
    """A box of the map: a conclusion (or all advice on one intervention) with its rules and the inputs it reads."""

    key: str
    title: str
    kind: str  # concept, advice, relation, undefined, unused
    rules: list[tree.Rule] = field(default_factory=list)
    reads: dict[str, None] = field(default_factory=dict)
    hint: str = ""
    used: bool = False


@dataclass(frozen=True)
class RuleMap:
    """Boxes, edges (with `negated`), strata and loops as a networkx graph."""

    graph: nx.DiGraph[str]
    places: Mapping[str, Place]
    strata: Mapping[str, int]
    recursive: frozenset[str]
    loops: frozenset[str]  # boxes on a loop through negation
    unused_inputs: tuple[str, ...]


def map_rules(program: tree.Program, names: Names) -> RuleMap:
    """The map of a parsed program, checked or not."""
    places: dict[str, Place] = {}
    graph: nx.DiGraph[str] = nx.DiGraph()
    rules = [r for r in program.rules if r.head is not None and r.body]
    facts: dict[str, list[tree.Rule]] = {}
    for rule in program.rules:
        if rule.head is not None and not rule.body:
            facts.setdefault(rule.head.predicate, []).append(rule)
    for rule in rules:
        assert rule.head is not None
        key, title, kind = _conclusion(rule.head, names)
        places.setdefault(key, Place(key, title, kind)).rules.append(rule)
        graph.add_node(key)
    heads: dict[str, list[str]] = {}
    for rule in rules:
        assert rule.head is not None
        heads.setdefault(rule.head.predicate, []).append(_conclusion(rule.head, names)[0])
    seen: set[str] = set()
    reader = _Reader(heads, facts, names, graph, places, seen)
    for rule in rules:
        assert rule.head is not None
        place = places[_conclusion(rule.head, names)[0]]
        for atom, negated in _literals(rule):
            reader.read(atom, place, negated=negated)
    for denial in (r for r in program.rules if r.head is None):
        for atom, _ in _literals(denial):
            seen.update(t.name for t in atom.terms if isinstance(t, tree.Symbol))
    for name, predicate in names.predicates.items():
        if name in INPUTS or name in heads or name in facts or predicate.declaration is None:
            continue
        if name not in places:
            place = Place(name, f"{name}/{predicate.arity}", "undefined", hint="declared, but no rule defines it")
            places[name] = place
            graph.add_node(name)
    inputs = {**names.vocabulary.findings, **names.vocabulary.measures}
    unused = tuple(n for n in inputs if n not in seen)
    strata, recursive, loops = _strata(graph)
    return RuleMap(graph, places, strata, recursive, loops, unused)


def _conclusion(head: tree.Atom, names: Names) -> tuple[str, str, str]:
    if head.predicate in ("advise", "include") and len(head.terms) == 3:
        about = head.terms[1]
        name = about.name if isinstance(about, tree.Symbol) else "*"
        return f"advise:{name}", name, "advice"
    if head.predicate == "note":
        return "note", "notes", "advice"
    kind = (
        "concept"
        if head.predicate not in names.predicates or names.predicates[head.predicate].about_patient
        else "relation"
    )
    return head.predicate, f"{head.predicate}/{len(head.terms)}", kind


def _literals(rule: tree.Rule) -> list[tuple[tree.Atom, bool]]:
    found: list[tuple[tree.Atom, bool]] = []
    for element in rule.body:
        match element:
            case tree.Literal(atom, negated):
                found.append((atom, negated))
            case tree.AtLeast(_, members):
                for member in members:
                    found.append((member.literal.atom, member.literal.negated))
                    found += [(c.atom, c.negated) for c in member.conditions]
            case tree.Comparison():
                pass
    return found


@dataclass
class _Reader:
    """Joins what a rule reads to the rule's box."""

    heads: Mapping[str, list[str]]
    facts: Mapping[str, list[tree.Rule]]
    names: Names
    graph: nx.DiGraph[str]
    places: dict[str, Place]
    seen: set[str]

    def read(self, atom: tree.Atom, place: Place, *, negated: bool) -> None:
        name = atom.predicate
        if name == "patient":
            return
        if name in INPUTS:
            second = atom.terms[1] if len(atom.terms) > 1 else None
            if isinstance(second, tree.Symbol):
                known = self.names.vocabulary.findings if name == "finding" else self.names.vocabulary.measures
                self.seen.add(second.name)
                if second.name in known:
                    place.reads[("not " if negated else "") + second.name] = None
                    return
                near = nearest(second.name, known)
                self._undefined(second.name, second.name, f"did you mean {near}?" if near else f"no such {name}")
                self.graph.add_edge(second.name, place.key, negated=negated)
            return
        if name in self.heads:
            for target in dict.fromkeys(self.heads[name]):
                second = atom.terms[1] if len(atom.terms) > 1 else None
                if (
                    name in ("advise", "include")
                    and isinstance(second, tree.Symbol)
                    and target != f"advise:{second.name}"
                ):
                    continue
                previous = self.graph.get_edge_data(target, place.key, {}).get("negated", False)
                self.graph.add_edge(target, place.key, negated=negated or previous)
                self.places[target].used = True
            return
        if name in self.facts:
            self.seen.update(
                t.name for r in self.facts[name] if r.head for t in r.head.terms if isinstance(t, tree.Symbol)
            )
            place.reads[f"{name}/{len(atom.terms)} ({len(self.facts[name])} facts)"] = None
            return
        near = nearest(name, [*self.heads, *self.facts, *self.names.predicates])
        hint = (
            "declared, but no rule defines it"
            if name in self.names.predicates
            else f"did you mean {near}?"
            if near
            else "no rule and no input"
        )
        self._undefined(name, f"{name}/{len(atom.terms)}", hint)
        self.graph.add_edge(name, place.key, negated=negated)

    def _undefined(self, key: str, title: str, hint: str) -> None:
        if key not in self.places:
            self.places[key] = Place(key, title, "undefined", hint=hint)
            self.graph.add_node(key)


def _strata(graph: nx.DiGraph[str]) -> tuple[dict[str, int], frozenset[str], frozenset[str]]:
    """The stratum of each box, boxes that are recursive, and those on a loop through negation."""
    condensed = nx.condensation(graph)
    level: dict[int, int] = {}
    recursive: set[str] = set()
    loops: set[str] = set()
    strata: dict[str, int] = {}
    for block in nx.topological_sort(condensed):
        members = condensed.nodes[block]["members"]
        inner = [(a, b) for a, b in graph.subgraph(members).edges]
        if inner:
            recursive |= set(members)
            if any(graph.edges[e]["negated"] for e in inner):
                loops |= set(members)
        place = 0
        for node in members:
            for before in graph.predecessors(node):
                if before not in members:
                    place = max(place, strata[before] + int(graph.edges[before, node]["negated"]))
        level[block] = place
        strata.update(dict.fromkeys(members, place))
    return strata, frozenset(recursive), frozenset(loops)
