"""Check: advice that uses an input both ways (GL229).

Three-valued evaluation can stay undetermined where every completion of the record agrees only if one conclusion needs
an input to be present in one place and absent in another. This is asked of each ground conclusion `advise(A, S)`
alone: that a rule for one stance negates what a rule for another asserts is usual and harmless.

An `Analysis` tells which inputs a conclusion needs present or high, and which absent or low. Rules are followed from a
conclusion down through concepts, with the constants of heads passed on, under the readings that are chosen. A finding
that is a variable stands for the facts of the relation that binds it; where there is none it is passed over. The result
is an approximation for a warning, not a proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from guidelog.diagnostics import Diagnostic, Severity
from guidelog.language.clauses import linear
from guidelog.language.names import Kind, in_force
from guidelog.language.tree import Atom, Comparison, Number, Range, Symbol, Term, Text, Variable
from guidelog.source import Span

from ..codes import Code, joined, place
from ..context import ANONYMOUS, Context, Layout, Use

BOTH_WAYS = Code("GL229", severity=Severity.WARNING)
CODES = (BOTH_WAYS,)

_MOST_NAMED = 3

Pattern: TypeAlias = tuple[str, tuple[str | None, ...]]
"""A predicate and its columns behind the patient; None for any constant."""

_MOST_PATTERNS = 20_000
"""Conclusions with more instances below them than this are not followed to the end."""


def check_polarity(context: Context) -> Iterator[Diagnostic]:
    """Ground conclusions of `advise` that need an input in both polarities."""
    analysis = Analysis(context)
    for pattern, head in _conclusions(context):
        clashes = analysis.clashes(pattern)
        if clashes:
            yield _report(context, head, clashes)


def _conclusions(context: Context) -> Iterator[tuple[Pattern, Atom]]:
    """Conclusions that some rule has as its head, each once."""
    seen: set[Pattern] = set()
    for layout in context.defined.get("advise", ()):
        head = layout.head
        if head is None or head.predicate is None:
            continue
        pattern = ("advise", tuple(constant_of(term) for term in head.atom.terms[1:]))
        if None not in pattern[1] and pattern not in seen:
            seen.add(pattern)
            yield pattern, head.atom


def _report(context: Context, head: Atom, clashes: list[Clash]) -> Diagnostic:
    name, present, absent = clashes[0].name, clashes[0].present, clashes[0].absent
    high, low = ("high", "low") if name in context.names.vocabulary.measures else ("present", "absent")
    if present.span is None:
        labels = [place(head.span)]
    elif present is absent:
        labels = [place(present.span, f"needs `{name}` {high} in one way and {low} in another")]
    else:
        labels = [place(present.span, f"needs `{name}` {high}"), place(absent.span, f"needs `{name}` {low}")]
    conclusion = ", ".join(str(constant_of(term)) for term in head.terms[1:])
    return BOTH_WAYS.report(
        f"`advise({conclusion})` uses {_listed([clash.name for clash in clashes])} both ways",
        *labels,
        notes=(f"while `{name}` is unknown, the answer may be less definite than it could be",),
    )


def _listed(names: list[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return joined(names)
    return f"{', '.join(f'`{name}`' for name in names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"


@dataclass(frozen=True, slots=True)
class Signs:
    """Bit sets of inputs that are needed present (or high), and absent (or low)."""

    plus: int = 0
    minus: int = 0

    def __or__(self, other: Signs) -> Signs:
        return Signs(self.plus | other.plus, self.minus | other.minus)

    def flipped(self) -> Signs:
        """The signs of the negation."""
        return Signs(self.minus, self.plus)


_NONE = Signs()


@dataclass(frozen=True, slots=True)
class Part:
    """A body element of a rule for a conclusion: something that other rules define, or an input with its signs."""

    child: Pattern | None
    own: Signs
    negated: bool
    span: Span | None


@dataclass(frozen=True, slots=True)
class Clash:
    """An input that is needed both ways, and a body element for either."""

    name: str
    present: Part
    absent: Part


@dataclass(slots=True)
class Analysis:
    """The signs of all conclusions that have been asked for; what they share is computed once."""

    context: Context
    bits: dict[tuple[str, int], int] = field(default_factory=dict)
    inputs: list[tuple[str, int]] = field(default_factory=list)
    findings_mask: int = 0
    parts: dict[Pattern, tuple[Part, ...]] = field(default_factory=dict)
    values: dict[Pattern, Signs] = field(default_factory=dict)
    columns: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    heads: dict[str, dict[str | None, list[Layout]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chosen = {name: reading.chosen for name, reading in self.context.names.readings.items()}
        for layout in self.context.layouts:
            head = layout.head
            if head is not None and head.about_patient and in_force(layout.rule, chosen):
                first = constant_of(head.atom.terms[1]) if len(head.atom.terms) > 1 else None
                self.heads.setdefault(head.atom.predicate, {}).setdefault(first, []).append(layout)

    def clashes(self, conclusion: Pattern) -> list[Clash]:
        """Inputs that a conclusion needs both ways.

        The comparisons of one measure in one rule are exact together, so a measure must be needed high in one rule and
        low in another.
        """
        self.evaluate(conclusion)
        values = [(part, self.value(part)) for part in self.parts.get(conclusion, ())]
        total = _NONE
        for _, value in values:
            total |= value
        both = total.plus & total.minus & self.findings_mask
        pairs = {name: (origin, origin) for name, origin in self.named(both)}
        high = self.named(total.plus & ~self.findings_mask)
        low = self.named(total.minus & ~self.findings_mask) if high else []
        for name, origin in high:
            against = next((other for other_name, other in low if other_name == name and other != origin), None)
            if against is not None:
                pairs.setdefault(name, (origin, against))
        found: list[Clash] = []
        for name, (one, other) in pairs.items():
            plus, minus = 1 << self.bits[name, one], 1 << self.bits[name, other]
            present = next(part for part, value in values if value.plus & plus)
            absent = [part for part, value in values if value.minus & minus]
            found.append(Clash(name, present, next((part for part in absent if part is not present), present)))
        return found

    def rule_clashes(self, layout: Layout) -> list[Clash]:
        """Inputs that the conditions of one rule need both ways, but for its scope."""
        own: Pattern = (f"rule {id(layout)}", ())
        if own not in self.parts:
            below = [part for part in self.body(layout, {}) if part.child != ("in_scope", ())]
            for part in below:
                if part.child is not None:
                    self.evaluate(part.child)
            self.parts[own] = tuple(below)
        return self.clashes(own)

    def named(self, mask: int) -> list[tuple[str, int]]:
        """The inputs of a bit set, with the rule that compares them."""
        found: list[tuple[str, int]] = []
        while mask:
            lowest = mask & -mask
            found.append(self.inputs[lowest.bit_length() - 1])
            mask ^= lowest
        return found

    def bit(self, name: str, origin: int = -1) -> int:
        """The bit of an input; a measure has one for each rule that compares it, a finding only one."""
        key = (name, origin)
        if key not in self.bits:
            self.bits[key] = len(self.inputs)
            self.inputs.append(key)
            if origin < 0:
                self.findings_mask |= 1 << self.bits[key]
        return 1 << self.bits[key]

    def value(self, part: Part) -> Signs:
        """The signs of a body element, as far as they are known."""
        value = part.own if part.child is None else self.values.get(part.child, _NONE)
        return value.flipped() if part.negated else value

    def evaluate(self, root: Pattern) -> None:
        """The signs of everything below a conclusion: expanded first, then propagated upwards until nothing changes."""
        new: list[Pattern] = []
        queue = [root]
        while queue and len(self.parts) < _MOST_PATTERNS:
            pattern = queue.pop()
            if pattern not in self.parts:
                self.parts[pattern] = tuple(self.expand(pattern))
                new.append(pattern)
                queue.extend(part.child for part in self.parts[pattern] if part.child is not None)
        users: dict[Pattern, list[Pattern]] = {}
        for pattern in new:
            for part in self.parts[pattern]:
                if part.child is not None:
                    users.setdefault(part.child, []).append(pattern)
        # What was expanded last is at the bottom, so that going backwards meets most patterns once.
        work, waiting = list(new), set(new)
        while work:
            pattern = work.pop()
            waiting.discard(pattern)
            value = _NONE
            for part in self.parts[pattern]:
                value |= self.value(part)
            if value != self.values.get(pattern, _NONE):
                self.values[pattern] = value
                again = [user for user in users.get(pattern, ()) if user not in waiting]
                waiting.update(again)
                work.extend(again)

    def expand(self, pattern: Pattern) -> Iterator[Part]:
        """The body elements of all rules whose heads match."""
        predicate, columns = pattern
        heads = self.heads.get(predicate, {})
        first = columns[0] if columns else None
        groups = heads.values() if first is None else (heads.get(first, ()), heads.get(None, ()))
        for layout in (layout for group in groups for layout in group):
            head = layout.rule.head
            substitution = _match(head.terms[1:], columns) if head else None
            if substitution is not None:
                yield from self.body(layout, substitution)

    def body(self, layout: Layout, substitution: Mapping[str, str]) -> Iterator[Part]:
        """The body elements of a rule that look at the patient."""
        for use in layout.body:
            if use.predicate is None or not use.about_patient or use.predicate.name in ("patient", "measure"):
                continue
            if use.predicate.name == "finding":
                mask = 0
                for name in self.findings(layout, use, substitution):
                    mask |= self.bit(name)
                yield Part(None, Signs(mask), use.negated, use.span)
            elif use.predicate.kind in (Kind.CONCEPT, Kind.BUILT_IN):
                columns = tuple(constant_of(term, substitution) for term in use.atom.terms[1:])
                yield Part((use.atom.predicate, columns), _NONE, use.negated, use.span)
        for comparison in layout.comparisons:
            own = self.compared(layout, comparison)
            if own != _NONE:
                yield Part(None, own, negated=False, span=comparison.span)

    def findings(self, layout: Layout, use: Use, substitution: Mapping[str, str]) -> Iterable[str]:
        """The findings that a literal may ask for."""
        term = use.atom.terms[1]
        constant = constant_of(term, substitution)
        if constant is not None:
            return (constant,)
        for other in layout.body:
            if other.predicate is None or other.predicate.kind is not Kind.RELATION or other.negated:
                continue
            if other.member in (None, use.member) and isinstance(term, Variable) and term.name != ANONYMOUS:
                for index, column in enumerate(other.atom.terms):
                    if isinstance(column, Variable) and column.name == term.name:
                        return self.column(other.atom.predicate, index)
        return ()

    def column(self, predicate: str, index: int) -> tuple[str, ...]:
        """The names in a column of a relation's facts."""
        key = (predicate, index)
        if key not in self.columns:
            facts = [layout.head for layout in self.context.defined.get(predicate, ()) if layout.is_fact]
            terms = [head.atom.terms[index] for head in facts if head is not None and head.predicate is not None]
            self.columns[key] = tuple(term.name for term in terms if isinstance(term, Symbol))
        return self.columns[key]

    def compared(self, layout: Layout, comparison: Comparison) -> Signs:
        """Which measures a comparison needs high and which low."""
        form = linear(comparison.left, {})
        if not isinstance(comparison.right, Range):
            right = linear(comparison.right, {})
            form = form.plus(right, -1) if form is not None and right is not None else None
        if form is None:
            return _NONE
        result = _NONE
        for variable, coefficient in form.coefficients.items():
            measures = layout.measured.get(variable, frozenset())
            if variable not in layout.assigned and len(measures) == 1:
                bit = self.bit(next(iter(measures)), id(layout.rule))
                up = (comparison.operator in (">", ">=")) == (coefficient > 0)
                exact = comparison.operator in ("=", "!=")
                result |= Signs(bit if up or exact else 0, bit if exact or not up else 0)
        return result


def constant_of(term: Term, substitution: Mapping[str, str] | None = None) -> str | None:
    """A term as text, under a substitution; None for a variable without a value."""
    match term:
        case Variable(name):
            return (substitution or {}).get(name)
        case Symbol(name):
            return name
        case Number(value):
            return str(value)
        case Text(text):
            return f'"{text}"'


def _match(terms: tuple[Term, ...], columns: tuple[str | None, ...]) -> dict[str, str] | None:
    """What a head's variables stand for where it matches; None where it does not."""
    found: dict[str, str] = {}
    for term, column in zip(terms, columns, strict=True):
        if column is None:
            continue
        if isinstance(term, Variable):
            if found.setdefault(term.name, column) != column:
                return None
        elif constant_of(term) != column:
            return None
    return found
