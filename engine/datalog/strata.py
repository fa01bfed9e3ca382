"""Checked program to stratified program: the only thing that a backend accepts.

Stratification is decided on ground atoms, because one predicate such as `advise` looks cyclic where its atoms are
not. Where the rules are stratified only atom by atom, the predicates concerned are taken apart. Rules come in layers:
within one there is no negation of something that the layer defines, and every recursive component is set apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guidelog.diagnostics import Diagnostic, Label
from guidelog.graphs import components, path
from guidelog.ground.joins import Constant
from guidelog.ground.program import Atom, GroundAtLeast, GroundLiteral, GroundProgram, GroundRule, atom_text
from guidelog.language import tree
from guidelog.source import Span

from .doubled import CERTAIN, POSSIBLE, double
from .syntax import Goal, PlainRule


@dataclass(frozen=True, slots=True)
class Layer:
    """Rules that may be evaluated together: `recursive` components by rounds, then the rest in one go."""

    rules: tuple[PlainRule, ...]
    recursive: tuple[tuple[PlainRule, ...], ...]

    @property
    def defines(self) -> frozenset[str]:
        """The predicates that the layer defines."""
        return frozenset(rule.head.predicate for rules in (self.rules, *self.recursive) for rule in rules)


@dataclass(frozen=True, slots=True)
class StratifiedProgram:
    """Layers in order.

    `facts` are rows of relations about the guideline itself; `static` layers do not look at patients.
    """

    layers: tuple[Layer, ...]
    static: tuple[Layer, ...]
    facts: Mapping[str, tuple[tuple[Constant, ...], ...]]

    @property
    def rules(self) -> tuple[PlainRule, ...]:
        """All rules."""
        layers = (*self.static, *self.layers)
        return tuple(r for layer in layers for rules in (layer.rules, *layer.recursive) for r in rules)


def stratify(program: GroundProgram) -> StratifiedProgram | list[Diagnostic]:
    """The program in layers, or a diagnostic (GL210) for each loop through negation."""
    loops = _negative_loops(program)
    if loops:
        return loops
    rules = double(program, _predicates_to_take_apart(program))
    static = [r for r in rules if not r.head.predicate.endswith((CERTAIN, POSSIBLE))]
    chosen = {id(r) for r in static}
    facts: dict[str, list[tuple[Constant, ...]]] = {}
    for predicate, *row in program.facts:
        facts.setdefault(str(predicate), []).append(tuple(row))
    ordered = {predicate: tuple(sorted(rows, key=str)) for predicate, rows in facts.items()}
    # A relation that has rules as well gets its facts as rules too: a backend derives it from nothing else.
    heads = {rule.head.predicate for rule in static}
    static += [PlainRule(Goal(p, row), (), None) for p, rows in ordered.items() if p in heads for row in rows]
    return StratifiedProgram(tuple(_layers([r for r in rules if id(r) not in chosen])), tuple(_layers(static)), ordered)


def _negative_loops(program: GroundProgram) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    reported: set[tuple[int, ...]] = set()
    for block in program.blocks:
        members = set(block)
        for atom in block:
            for instance in program.instances[atom]:
                for literal in instance.atoms():
                    if literal.negated and literal.atom in members:
                        loop = path(program.edges, literal.atom, atom, members)
                        diagnostic = _loop_diagnostic(program, [atom, *loop], instance)
                        key = tuple(sorted(label.span.start for label in diagnostic.labels))
                        if key not in reported:
                            reported.add(key)
                            found.append(diagnostic)
                if found and len(found) >= 20:
                    return found
    return found


def _loop_diagnostic(program: GroundProgram, loop: list[Atom], first: GroundRule) -> Diagnostic:
    """Labels the negation first, then the step that leads to each next atom of the loop."""
    labels: list[Label] = []
    for index in range(len(loop) - 1):
        atom, following = loop[index], loop[index + 1]
        instance = (
            first
            if index == 0
            else next(r for r in program.instances[atom] if any(used.atom == following for used in r.atoms()))
        )
        span = _span_of(instance, following)
        if span is not None:
            negated = any(used.atom == following and used.negated for used in instance.atoms())
            labels.append(Label(span, f"{_shown(atom)} depends on {'not ' if negated else ''}{_shown(following)}"))
    names = " -> ".join(_shown(atom) for atom in loop)
    message = "a conclusion depends on its own negation"
    return Diagnostic(
        "GL210",
        message,
        tuple(dict.fromkeys(labels)),
        hint=f"the rules form a loop through `!`: {names}. Define one of them from inputs only",
    )


def _span_of(instance: GroundRule, atom: Atom) -> Span | None:
    for element, written in zip(instance.elements, instance.rule.body, strict=True):
        match element:
            case GroundLiteral(found, _) if found == atom:
                return written.span
            case GroundAtLeast(_, members) if any(m.atom == atom for m in members):
                return written.span
            case _:
                pass
    return instance.rule.span


def _shown(atom: Atom) -> str:
    return str(atom[0]) if len(atom) == 1 else atom_text(atom)


def _predicates_to_take_apart(program: GroundProgram) -> frozenset[str]:
    """Predicates that negate each other in a loop although their atoms do not."""
    edges: dict[str, set[str]] = {}
    negative: set[tuple[str, str]] = set()
    for clause in program.clauses:
        head = clause.rule.head
        if head is None:
            continue
        targets = edges.setdefault(head.predicate, set())
        for element in clause.rule.body:
            for literal in _literals(element):
                if literal.atom.predicate in program.derived:
                    targets.add(literal.atom.predicate)
                    if literal.negated:
                        negative.add((head.predicate, literal.atom.predicate))
    found: set[str] = set()
    for component in components(edges):
        members = set(component)
        if any(a in members and b in members for a, b in negative):
            found |= members
    return frozenset(found)


def _literals(element: tree.Element) -> Iterable[tree.Literal]:
    match element:
        case tree.Literal():
            return (element,)
        case tree.AtLeast(_, members):
            return [literal for m in members for literal in (m.literal, *m.conditions)]
        case _:
            return ()


def _layers(rules: list[PlainRule]) -> list[Layer]:
    by_head: dict[str, list[PlainRule]] = {}
    for rule in rules:
        by_head.setdefault(rule.head.predicate, []).append(rule)
    edges = {
        head: dict.fromkeys(g.predicate for r in own for g in r.goals if g.predicate in by_head)
        for head, own in by_head.items()
    }
    level: dict[str, int] = {}
    recursive_heads: set[str] = set()
    plain: dict[int, list[PlainRule]] = {}
    recursive: dict[int, list[tuple[PlainRule, ...]]] = {}
    for component in components(edges):
        members = set(component)
        own = [rule for head in component for rule in by_head[head]]
        is_recursive = len(component) > 1 or component[0] in edges[component[0]]
        place = 0
        for rule in own:
            for goal in rule.goals:
                if goal.predicate in level and goal.predicate not in members:
                    above = goal.negated or is_recursive or goal.predicate in recursive_heads
                    place = max(place, level[goal.predicate] + above)
                assert not (goal.negated and goal.predicate in members), (
                    "stratified on ground atoms, taken apart where needed"
                )
        for head in component:
            level[head] = place
        if is_recursive:
            recursive_heads |= members
            recursive.setdefault(place, []).append(tuple(own))
        else:
            plain.setdefault(place, []).extend(own)
    last = max(level.values(), default=-1)
    return [Layer(tuple(plain.get(i, ())), tuple(recursive.get(i, ()))) for i in range(last + 1)]
