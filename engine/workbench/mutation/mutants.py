"""Small mistakes in rules: each mutant is the program with one of them.

Thresholds moved by one, comparisons and negations turned round, conditions, rules and facts left out, stances
exchanged, `atleast` counts moved. Only programs that the checks would let pass are made: a mutant that no author could
load proves nothing about vignettes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from guidelog.language import print_element, tree
from guidelog.language.names import Names, in_force
from guidelog.language.stances import STANCES
from guidelog.source import Span

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
_STRICT = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_STANCE = {
    "urgent": "do",
    "do": "consider",
    "consider": "do",
    "defer": "avoid",
    "avoid": "defer",
    "hold": "defer",
    "emergency": "urgent",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed program. `kind` is the sort of mistake, `says` what was changed, in a few words.

    `changed` stands in the place of `rule`; None where the rule is left out.
    """

    kind: str
    rule: tree.Rule
    says: str
    span: Span | None
    program: tree.Program
    changed: tree.Rule | None

    @property
    def place(self) -> str:
        return "" if self.span is None else repr(self.span)


def mutants(program: tree.Program, names: Names, readings: Mapping[str, str]) -> Iterator[Mutant]:
    """All mutants of the rules and facts that are in force, in the order of rules."""
    for index, statement in enumerate(program.statements):
        if not isinstance(statement, tree.Rule) or not in_force(statement, readings):
            continue
        for kind, says, span, changed in _changes(statement):
            if changed is None or _loads(changed, names):
                middle = () if changed is None else (changed,)
                statements = (*program.statements[:index], *middle, *program.statements[index + 1 :])
                yield Mutant(kind, statement, says, span, replace(program, statements=statements), changed)


_Change = tuple[str, str, Span | None, tree.Rule | None]


def _changes(rule: tree.Rule) -> Iterator[_Change]:
    what = "background rule" if rule.head is None else "rule" if rule.body else "fact"
    yield f"remove {what}", f"{what} left out", rule.span, None
    yield from _stance(rule)
    for index, element in enumerate(rule.body):
        yield from _element(rule, index, element)


def _stance(rule: tree.Rule) -> Iterator[_Change]:
    if rule.head is None or rule.head.predicate != "advise":
        return
    last = rule.head.terms[-1]
    if isinstance(last, tree.Symbol) and last.name in STANCES:
        other = _STANCE[last.name]
        head = replace(rule.head, terms=(*rule.head.terms[:-1], tree.Symbol(other, last.span)))
        yield "stance", f"`{last.name}` becomes `{other}`", last.span, replace(rule, head=head)


def _element(rule: tree.Rule, index: int, element: tree.Element) -> Iterator[_Change]:
    text = print_element(element)

    def changed(*new: tree.Element) -> tree.Rule:
        return replace(rule, body=(*rule.body[:index], *new, *rule.body[index + 1 :]))

    if isinstance(element, tree.Literal) and element.atom.predicate in ("measure", "patient"):
        return
    if len(rule.body) > 1:
        yield "drop condition", f"`{text}` left out", element.span, changed()
    elif rule.head is not None and rule.head.terms and isinstance(element, tree.Literal):
        first = rule.head.terms[0]
        if isinstance(first, tree.Variable):
            always = tree.Literal(tree.Atom("patient", (first,)))
            yield "drop condition", f"`{text}` left out", element.span, changed(always)
    match element:
        case tree.Literal(_, negated):
            said = "loses its negation" if negated else "is negated"
            yield "negation", f"`{text}` {said}", element.span, changed(replace(element, negated=not negated))
        case tree.Comparison(operator):
            for kind, new in _comparisons(element):
                yield kind, f"`{text}` becomes `{print_element(new)}`", element.span, changed(new)
            opposite = replace(element, operator=_OPPOSITE[operator])
            yield "negation", f"`{text}` becomes `{print_element(opposite)}`", element.span, changed(opposite)
        case tree.AtLeast(count, members):
            for number in (count - 1, count + 1):
                if 0 <= number <= len(members) + 1:
                    new_count = replace(element, count=number)
                    yield "threshold", f"`atleast {count}` becomes `atleast {number}`", element.span, changed(new_count)


def _comparisons(comparison: tree.Comparison) -> Iterator[tuple[str, tree.Comparison]]:
    """The boundary moved by one, and by the width of `>` against `>=`."""
    for new in _moved(comparison.right, _by_one):
        yield "threshold", replace(comparison, right=new)
    if not isinstance(comparison.right, (tree.Number, tree.Range)):
        for new in _moved(comparison.left, _by_one):
            assert not isinstance(new, tree.Range)
            yield "threshold", replace(comparison, left=new)
    if comparison.operator in _STRICT:
        yield "threshold", replace(comparison, operator=_STRICT[comparison.operator])


def _by_one(number: int) -> tuple[int, int]:
    return number - 1, number + 1


def _moved(
    side: tree.Expression | tree.Range, moves: Callable[[int], Sequence[int]]
) -> Iterator[tree.Expression | tree.Range]:
    match side:
        case tree.Number(value):
            for number in moves(value):
                yield replace(side, value=number)
        case tree.Range(low, high):
            for number in moves(low):
                if number <= high:
                    yield replace(side, low=number)
            for number in moves(high):
                if number >= low:
                    yield replace(side, high=number)
        case tree.Arithmetic(_, left, right):
            for new in _moved(left, moves):
                assert not isinstance(new, tree.Range)
                yield replace(side, left=new)
            for new in _moved(right, moves):
                assert not isinstance(new, tree.Range)
                yield replace(side, right=new)


def _loads(rule: tree.Rule, names: Names) -> bool:
    """Whether every variable is still bound, and `_` is not negated."""
    bound = {
        v.name
        for e in rule.body
        if isinstance(e, tree.Literal) and not e.negated
        for v in tree.variables_of(e)
        if v.name != "_"
    }
    bound |= {
        e.left.name
        for e in rule.body
        if isinstance(e, tree.Comparison) and e.operator == "=" and isinstance(e.left, tree.Variable)
    }
    measured = {
        str(getattr(e.atom.terms[2], "name", ""))
        for e in rule.body
        if isinstance(e, tree.Literal) and e.atom.predicate == "measure" and len(e.atom.terms) == 3
    }
    for node in (*((rule.head,) if rule.head else ()), *rule.body):
        if isinstance(node, tree.AtLeast):
            continue
        if isinstance(node, tree.Literal) and (not node.negated or node.atom.predicate == "measure"):
            continue
        if any(v.name not in bound for v in tree.variables_of(node)):
            return False
    used = {v.name for e in rule.body if isinstance(e, tree.Comparison) for v in tree.variables_of(e)}
    return all(names.predicates.get(a.predicate) is not None for e in rule.body for a in tree.atoms_of(e)) and (
        not measured or bool(measured & used) or not used
    )
