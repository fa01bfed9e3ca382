"""What the engine made of a guideline, as one digest that the independent checker works out by itself, too.

The form is that of *What a reader makes of a guideline* in docs/certificates.md. Two readers that agree on it have read
the same statements, with the same wording, and have the same ground instances, denials, facts and inputs. Written from
that page alone; it shares nothing with the checker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, assert_never

from guidelog.language import tree

from .joins import constant
from .program import (
    Atom,
    Given,
    GroundAtLeast,
    GroundComparison,
    GroundElement,
    GroundLiteral,
    GroundProgram,
    GroundRule,
    atom_text,
)

_GIVEN_PREDICATES = ("patient", "measure")


def digest(program: tree.Program, ground: GroundProgram) -> str:
    """SHA-256 of the canonical text of a program's statements and of what was grounded from all of them."""
    statements = [statement_arrays(statement) for statement in program.statements]
    lines = sorted({_json(line) for line in _lines(ground)})
    return hashlib.sha256(_json([statements, lines]).encode()).hexdigest()


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True)


def _lines(ground: GroundProgram) -> Iterator[list[Any]]:
    vocabulary = ground.names.vocabulary
    for finding in vocabulary.findings.values():
        yield ["input", finding.name, 0, 1, 1, None, finding.screen, 0]
    for measure in vocabulary.measures.values():
        unlisted = None if measure.unlisted is None else measure.unlisted * measure.ticks
        ends = [measure.low * measure.ticks, measure.high * measure.ticks]
        yield ["input", measure.name, *ends, measure.ticks, measure.unit, measure.screen, unlisted]
    for atom in ground.facts:
        yield ["fact", atom_text(atom)]
    for atom, rules in ground.instances.items():
        for rule in rules:
            yield ["instance", atom_text(atom), rule.rule.id, dict(rule.substitution), _elements(rule)]
    for denial in ground.denials:
        yield ["denial", denial.rule.id, _elements(denial)]


def _elements(rule: GroundRule) -> list[str]:
    return [
        f"settled {_element(element)}" if place in rule.settled else _element(element)
        for place, element in enumerate(rule.elements)
    ]


def _element(element: GroundElement) -> str:
    match element:
        case Given():
            return "true"
        case GroundLiteral(atom, negated):
            return _literal(atom, negated)
        case GroundAtLeast(count, members):
            return f"atleast {count} {{{'; '.join(_literal(member.atom, member.negated) for member in members)}}}"
        case GroundComparison():
            return _comparison(element)
        case _:
            assert_never(element)


def _literal(atom: Atom, negated: bool) -> str:
    return f"!{atom_text(atom)}" if negated else atom_text(atom)


def _comparison(comparison: GroundComparison) -> str:
    """`factor measure + … + low..high operator 0`, with `>=` in place of the other orders."""
    sign = -1 if comparison.operator in ("<", "<=") else 1
    strict = 1 if comparison.operator in ("<", ">") else 0
    operator = ">=" if comparison.operator in ("<", "<=", ">", ">=") else comparison.operator
    low, high = (-sign * end - strict for end in (comparison.low, comparison.high))
    if not comparison.terms:
        held = {_holds(operator, end) for end in (low, high)}
        return "open" if len(held) > 1 else "true" if held == {True} else "false"
    factors = " + ".join(f"{sign * factor} {name}" for name, factor in sorted(comparison.terms))
    return f"{factors} + {low}..{high} {operator} 0"


def _holds(operator: str, value: int) -> bool:
    return value >= 0 if operator == ">=" else (value == 0) is (operator == "=")


def statement_arrays(statement: tree.Statement) -> list[Any]:
    """A statement as the digest has it: names, whole numbers, strings as JSON text, and lists of those."""
    match statement:
        case tree.Declaration(keyword, name, parameters, label, attributes):
            columns = None if parameters is None else [[p.name, p.type] for p in parameters]
            words = None if label is None else _text(label)
            return [keyword, name, columns, words, [[a.name, [_value(v) for v in a.values]] for a in attributes]]
        case tree.Rule(head, body, annotations):
            count = iter(range(1, 10**9))
            made = None if head is None else _atom(head, count)
            pairs = [[a.name, *(_value(v) for v in a.values)] for a in annotations]
            return [pairs, made, [_written(element, count) for element in body]]
        case _:
            assert_never(statement)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _value(value: tree.Value) -> Any:
    match value:
        case tree.Key(name):
            return name
        case tree.Number(number):
            return number
        case tree.Text(text):
            return _text(text)
        case tree.ListValue(items):
            return [_value(item) for item in items]
        case _:
            assert_never(value)


def _written(element: tree.Element, count: Iterator[int]) -> list[Any]:
    match element:
        case tree.Literal(atom, negated):
            return [not negated, _atom(atom, count)]
        case tree.Comparison(operator, left, tree.Range(low, high)):
            return [operator, _expression(left, count), low, high]
        case tree.Comparison(operator, left, right):
            assert not isinstance(right, tree.Range)
            return [operator, _expression(left, count), _expression(right, count), None]
        case tree.AtLeast(number, members):
            return [
                number,
                [[_written(m.literal, count), [_written(c, count) for c in m.conditions]] for m in members],
            ]
        case _:
            assert_never(element)


def _atom(atom: tree.Atom, count: Iterator[int]) -> list[Any]:
    return [atom.predicate, [_expression(term, count) for term in atom.terms]]


def _expression(expression: tree.Expression, count: Iterator[int]) -> Any:
    match expression:
        case tree.Variable(name):
            return [f"_{next(count)}" if name == "_" else name]
        case tree.Arithmetic(operator, left, right):
            return [operator, _expression(left, count), _expression(right, count)]
        case tree.Negative(operand):
            return ["-", 0, _expression(operand, count)]
        case _:
            return constant(expression)
