"""The matrix between source and rules, both ways: statements, rules, decisions, vignettes.

Every statement of the source with the rules that encode it, the decisions that they rest on and the vignettes that
are about it; every rule back to its statements. What is missing on either side is listed by itself: statements that
nothing encodes, rules without a source, statements and decisions without a vignette. `matrix` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guidelog.compiled import Compiled
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.tree import Rule
from guidelog.pipeline import settle

from ..vignettes.runner import run
from ..vignettes.vignette import Vignette
from .statement_rules import holds


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement with what belongs to it; `norule` says why no rule follows from it."""

    id: str
    kinds: tuple[str, ...]
    says: str
    cites: tuple[int, ...]
    rules: tuple[str, ...]
    decisions: tuple[str, ...]
    vignettes: tuple[str, ...]
    norule: str | None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule with what it gives, what it comes from, and the vignettes in which it holds.

    `when` is the reading under which alone it counts.
    """

    id: str
    gives: str
    place: str
    statements: tuple[str, ...]
    cites: tuple[int, ...]
    decisions: tuple[str, ...]
    vignettes: tuple[str, ...]
    when: str | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision on an open point, with the rules that rest on it and the vignettes about it."""

    id: str
    point: str
    decided: str
    rules: tuple[str, ...]
    vignettes: tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    """The whole matrix of a guideline."""

    guideline: GuidelineFolder
    statements: tuple[StatementRow, ...]
    rules: tuple[RuleRow, ...]
    decisions: tuple[DecisionRow, ...]

    @property
    def gaps(self) -> list[tuple[str, list[str]]]:
        """What is missing, by kind; empty lists included."""
        return [
            ("statements that no rule encodes", [s.id for s in self.statements if not s.rules and s.norule is None]),
            ("rules without a source", [r.id for r in self.rules if not r.statements]),
            ("statements without a vignette", [s.id for s in self.statements if not s.vignettes and s.norule is None]),
            ("decisions that no rule refers to", [d.id for d in self.decisions if not d.rules]),
            ("rules that hold in no vignette", [r.id for r in self.rules if not r.vignettes and r.when is None]),
            ("decisions without a vignette", [d.id for d in self.decisions if not d.vignettes]),
        ]

    @property
    def complete(self) -> bool:
        """Whether every statement is encoded or excused, and every rule has a source."""
        return not self.gaps[0][1] and not self.gaps[1][1]

    def to_json(self) -> dict[str, Any]:
        def plain(row: StatementRow | RuleRow | DecisionRow) -> dict[str, Any]:
            values = {name: getattr(row, name) for name in row.__dataclass_fields__}
            return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

        return {
            "statements": [plain(r) for r in self.statements],
            "rules": [plain(r) for r in self.rules],
            "decisions": [plain(r) for r in self.decisions],
            "gaps": dict(self.gaps),
        }


def trace(compiled: Compiled, vignettes: Sequence[Vignette]) -> Trace:
    """The matrix of a guideline and its vignettes, which are evaluated and not compared with what they expect."""
    guideline, program, names = compiled.guideline, compiled.program, compiled.names
    holding = _holding(compiled, vignettes)
    rules = [rule for rule in program.rules if rule.body]
    silent: dict[str, list[str]] = {}
    for intervention in names.vocabulary.interventions.values():
        for decision in intervention.silent:
            silent.setdefault(decision, []).append(intervention.name)
    by_reading = {r.decision: r.name for r in names.readings.values() if r.decision}

    def about(name: str) -> tuple[str, ...]:
        return tuple(v.patient.id for v in vignettes if name in _about(v))

    def encoding(name: str, key: str) -> list[Rule]:
        return [rule for rule in rules if name in rule.listed(key)]

    statements = []
    for info in names.statements.values():
        own = encoding(info.id, "statements")
        decisions = {d for rule in own for d in rule.listed("decisions")}
        kinds = tuple(getattr(v, "name", "") for v in info.declaration.values("kind"))
        statements.append(
            StatementRow(
                info.id,
                kinds,
                info.says,
                info.cites,
                _ids(own),
                tuple(d for d in names.decisions if d in decisions),
                about(info.id),
                info.norule,
            )
        )
    rows = [
        RuleRow(
            rule.id or "",
            _gives(rule),
            _place(rule),
            rule.listed("statements"),
            tuple(int(c) for c in rule.listed("cites")),
            rule.listed("decisions"),
            holding.get(rule.id or "", ()),
            _reading(rule),
        )
        for rule in rules
    ]
    open_points = [
        DecisionRow(
            d.id,
            d.point,
            d.decided,
            (
                *_ids(encoding(d.id, "decisions")),
                *(f"answer on {name}" for name in silent.get(d.id, ())),
                *((f"reading {by_reading[d.id]}",) if d.id in by_reading else ()),
            ),
            about(d.id),
        )
        for d in names.decisions.values()
    ]
    return Trace(guideline, tuple(statements), tuple(rows), tuple(open_points))


def _holding(compiled: Compiled, vignettes: Sequence[Vignette]) -> Mapping[str, tuple[str, ...]]:
    """For each rule the vignettes in which some instance of it holds, or, for a background rule, adds something."""
    found: dict[str, dict[str, None]] = {}
    for outcome in run(compiled, vignettes, certified=False):
        if outcome.case is None:
            continue
        world, name = outcome.case.world, outcome.vignette.patient.id
        for rules in compiled.ground.instances.values():
            for instance in rules:
                if holds(world, instance) is True:
                    found.setdefault(instance.rule.id or "", {})[name] = None
        for step in settle(compiled, outcome.vignette.patient)[1]:
            found.setdefault(step.denial.rule.id or "", {})[name] = None
    return {rule: tuple(names) for rule, names in found.items()}


def _about(vignette: Vignette) -> set[str]:
    expected = vignette.expected
    groups = (expected.about, expected.fires, expected.withholds, expected.notes, expected.no_notes)
    return {named.name for group in groups for named in group}


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(rule.id or "" for rule in rules)


def _gives(rule: Rule) -> str:
    head = rule.head
    if head is None:
        return "background"
    return " ".join([head.predicate, *(str(getattr(t, "name", getattr(t, "value", ""))) for t in head.terms[1:])])


def _place(rule: Rule) -> str:
    if rule.span is None:
        return ""
    name = rule.span.source.name.rsplit("/", 1)[-1]
    return f"{name}:{rule.span.source.position(rule.span.start)[0]}"


def _reading(rule: Rule) -> str | None:
    reading, option = rule.annotation("reading"), rule.annotation("option")
    if reading is None:
        return None
    return f"{getattr(reading, 'name', '')} = {getattr(option, 'name', '')}"
