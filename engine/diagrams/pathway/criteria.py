"""Conditions of rules as a committee reads them: wording, ALL or ANY, with rules and citations, down to the inputs.

Everything comes from the ground program and from what authors wrote beside their names. What a rule looks at is never
guessed from its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guidelog.ground.program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
)
from guidelog.language import tree
from guidelog.language.names import Kind, Names
from guidelog.wording import label_of, sentence

SCOPE: Atom = ("in_scope",)
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition, as a tree down to the inputs.

    `element` is what decides it (None for a group), `mode` how its `parts` combine (`all`, `any`, or a number for "at
    least"); a criterion without parts is an input or stands for itself. `short` is a label in few words.
    """

    element: GroundElement | None
    text: str
    short: str
    mode: str = ""
    parts: tuple[Criterion, ...] = ()
    rules: tuple[tree.Rule, ...] = ()

    @property
    def cites(self) -> tuple[int, ...]:
        return cites_of(self.rules)


class Criteria:
    """The conditions of one ground program. `negations` and `hidden` of a flow are the caller's business."""

    def __init__(self, program: GroundProgram) -> None:
        self.program, self.names = program, program.names
        self._needs: dict[GroundElement, frozenset[GroundElement]] = {}

    def conditions(self, instance: GroundRule) -> tuple[GroundElement, ...]:
        """The elements of an instance that depend on the patient, without the scope."""
        return tuple(e for e in instance.elements if self._about_patient(e) and e != GroundLiteral(SCOPE, False))

    def _about_patient(self, element: GroundElement) -> bool:
        match element:
            case Given():
                return False
            case GroundLiteral(atom, _):
                return self.names.predicates[str(atom[0])].about_patient
            case _:
                return True

    def needs(self, elements: Iterable[GroundElement]) -> frozenset[GroundElement]:
        """The elements and all that cannot be otherwise where they hold."""
        found: set[GroundElement] = set()
        for element in elements:
            found |= self._needed(element, frozenset())
        return frozenset(found)

    def _needed(self, element: GroundElement, above: frozenset[GroundElement]) -> frozenset[GroundElement]:
        if element in self._needs:
            return self._needs[element]
        found: frozenset[GroundElement] = frozenset([element])
        if isinstance(element, GroundLiteral) and not element.negated and element not in above:
            common: frozenset[GroundElement] | None = None
            for instance in self.program.instances.get(element.atom, ()):
                own: frozenset[GroundElement] = frozenset().union(
                    *(self._needed(e, above | {element}) for e in self.conditions(instance))
                )
                common = own if common is None else common & own
            found |= common or frozenset()
        if not above:
            self._needs[element] = found
        return found

    def implied(self, elements: Iterable[GroundElement]) -> frozenset[GroundElement]:
        """The elements and every concept that follows when they hold, negation and counting left aside."""
        known = set(elements)
        for block in self.program.blocks:
            for _ in block:
                for atom in block:
                    if any(self._follows(i, known) for i in self.program.instances[atom]):
                        known.add(GroundLiteral(atom, False))
                if len(block) == 1:
                    break
        return frozenset(known)

    def _follows(self, instance: GroundRule, known: set[GroundElement]) -> bool:
        conditions = self.conditions(instance)
        return bool(conditions) and all(c in known for c in conditions)

    def is_concept(self, element: GroundElement) -> bool:
        """Whether the element is a concept with rules (positive)."""
        return (
            isinstance(element, GroundLiteral)
            and not element.negated
            and bool(self.program.instances.get(element.atom))
        )

    # criteria
    def criterion(self, element: GroundElement, depth: int = 0) -> Criterion:
        """The tree of an element."""
        text, short = self.text(element), self.short(element)
        match element:
            case GroundLiteral(atom, negated) if atom in self.program.instances and not negated and depth < DEEPEST:
                instances = self.program.instances[atom]
                rules = distinct(i.rule for i in instances)
                if not instances:
                    return Criterion(element, text, short, rules=rules)
                if len(instances) == 1:
                    parts = tuple(self.criterion(e, depth + 1) for e in self.conditions(instances[0]))
                    return Criterion(element, text, short, "all", parts, rules)
                options = tuple(self._option(i, depth) for i in instances)
                return Criterion(element, text, short, "any", options, rules)
            case GroundLiteral(atom, _):
                return Criterion(element, text, short, rules=self.rules_of(element))
            case GroundAtLeast(count, members):
                parts = tuple(self.criterion(member, depth + 1) for member in members)
                return Criterion(element, text, short, str(count), parts)
            case _:
                return Criterion(element, text, short)

    def _option(self, instance: GroundRule, depth: int) -> Criterion:
        conditions = self.conditions(instance)
        if len(conditions) == 1:
            inner = self.criterion(conditions[0], depth + 1)
            return Criterion(
                inner.element, inner.text, inner.short, inner.mode, inner.parts, distinct((*inner.rules, instance.rule))
            )
        return self.group([instance], depth)

    def group(
        self, instances: Sequence[GroundRule], depth: int = 0, without: frozenset[GroundElement] = frozenset()
    ) -> Criterion:
        """The bodies of instances as one criterion: ALL of one body, or ANY of several."""
        if len(instances) == 1:
            rule = instances[0].rule
            parts = tuple(self.criterion(e, depth + 1) for e in self.conditions(instances[0]) if e not in without)
            title = title_of(rule) or "; ".join(p.text for p in parts) or "in any case"
            return Criterion(None, title, title, "all", parts, (rule,))
        options = tuple(self.group([i], depth + 1, without) for i in instances)
        options = tuple(o.parts[0] if len(o.parts) == 1 else o for o in options)
        text = " or ".join(dict.fromkeys(o.short for o in options))
        return Criterion(None, text, text, "any", options, distinct(i.rule for i in instances))

    def rules_of(self, element: GroundElement) -> tuple[tree.Rule, ...]:
        """The rules that define a derived element."""
        if isinstance(element, GroundLiteral):
            return distinct(i.rule for i in self.program.instances.get(element.atom, ()))
        return ()

    # words
    def text(self, element: GroundElement) -> str:
        """A clause in the authors' words: "symptoms persist despite treatment"."""
        match element:
            case GroundLiteral(atom, negated):
                return atom_wording(atom, not negated, self.names)
            case GroundComparison():
                return comparison_wording(element, self.names)
            case GroundAtLeast(count, members):
                return f"at least {count} of: " + ", ".join(dict.fromkeys(self.short(m) for m in members))
            case Given():
                return "given"

    def short(self, element: GroundElement) -> str:
        """The element in few words: a label, a title."""
        match element:
            case GroundLiteral(atom, negated):
                words = atom_label(atom, self.names)
                return f"not: {words}" if negated else words
            case _:
                return self.text(element)

    def question(self, element: GroundElement) -> str:
        """What a decision asks, in few words."""
        match element:
            case GroundLiteral(atom, negated):
                declared = self.names.predicates[str(atom[0])].declaration
                title = declared.values("title") if declared else ()
                rules = self.rules_of(element)
                if title:
                    words = tree.plain(title[0])
                elif len(rules) == 1 and title_of(rules[0]):
                    words = title_of(rules[0])
                else:
                    words = atom_label(atom, self.names)
                words = words.rstrip("?")
                return sentence(f"no {words}?" if negated else f"{words}?")
            case _:
                return sentence(f"{self.text(element)}?")


def atom_wording(atom: Atom, value: bool, names: Names) -> str:
    """An atom in its wording for true or false, with its label where it has none."""
    predicate = names.predicates[str(atom[0])]
    if atom[0] == "finding":
        finding = names.vocabulary.findings[str(atom[1])]
        words = finding.when_true if value else finding.when_false
        return words or (finding.label if value else f"not: {finding.label}")
    words = predicate.when_true if value else predicate.when_false
    if words:
        columns = predicate.parameters[1:] if predicate.about_patient else predicate.parameters
        for column, constant in zip(columns, atom[1:], strict=False):
            words = words.replace(f"{{{column}}}", label_of(constant, names))
        return words.replace(f"{{{predicate.parameters[0]}}}", "the patient") if predicate.parameters else words
    label = atom_label(atom, names)
    return label if value else f"not: {label}"


def atom_label(atom: Atom, names: Names) -> str:
    """An atom in few words."""
    name, *terms = atom
    if name == "finding":
        return names.vocabulary.findings[str(terms[0])].label
    if name in ("advise", "include", "note") and terms:
        return label_of(terms[0], names)
    if names.predicates[str(name)].kind is Kind.BUILT_IN and name == "in_scope":
        return "in scope"
    words = str(name).replace("_", " ")
    return f"{words}: {', '.join(label_of(t, names) for t in terms)}" if terms else words


_OPERATORS = {
    ">=": "{} or more",
    ">": "more than {}",
    "<": "less than {}",
    "<=": "{} or less",
    "=": "exactly {}",
    "!=": "not {}",
}


def comparison_wording(comparison: GroundComparison, names: Names) -> str:
    """`weeks of treatment: 6 or more`; a range says where judgement lies."""
    measures = names.vocabulary.measures
    ticks = {measures[name].ticks for name, _ in comparison.terms}
    per_unit = ticks.pop() if len(ticks) == 1 else 1000
    unit = "" if len({measures[name].unit for name, _ in comparison.terms}) == 1 else " (in 1/1000)"
    low, high = _number(comparison.low, per_unit), _number(comparison.high, per_unit)
    left = " + ".join(
        (f"{c} × " if abs(c) != 1 else "−" if c < 0 else "") + measures[name].label for name, c in comparison.terms
    )
    words = _OPERATORS[comparison.operator]
    if comparison.low == comparison.high:
        return f"{left}: {words.format(low)}{unit}"
    sure, other = (high, low) if comparison.operator in (">=", ">") else (low, high)
    return f"{left}: {words.format(sure)}{unit}, a matter of judgement from {other} on"


def _number(ticks: int, per_unit: int) -> str:
    whole, rest = divmod(ticks, per_unit)
    if not rest:
        return str(whole)
    return f"{ticks / per_unit:.3f}".rstrip("0").rstrip(".")


def title_of(rule: tree.Rule) -> str:
    """The short title of a rule, or nothing."""
    value = rule.annotation("title")
    return tree.plain(value) if value is not None else ""


def distinct(rules: Iterable[tree.Rule]) -> tuple[tree.Rule, ...]:
    """Each rule once, in order."""
    return tuple({id(rule): rule for rule in rules}.values())


def cites_of(rules: Iterable[tree.Rule]) -> tuple[int, ...]:
    """The citations of rules, in numerical order."""
    return tuple(sorted({int(c) for rule in rules for c in rule.listed("cites") if c.lstrip("-").isdigit()}))
