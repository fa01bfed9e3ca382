"""Syntax tree to text in one canonical layout.

`parse(print_program(p))` gives `p` back. Comments are not part of the tree and are not printed here.
"""

from __future__ import annotations

from typing import assert_never

from . import tree

_WIDTH = 120


def print_program(program: tree.Program) -> str:
    """All statements, a blank line around rules."""
    lines: list[str] = []
    previous: tree.Statement | None = None
    for statement in program.statements:
        if previous is not None and not (_compact(previous) and _compact(statement)):
            lines.append("")
        lines.append(print_statement(statement))
        previous = statement
    return "\n".join(lines) + "\n" if lines else ""


def print_statement(statement: tree.Statement) -> str:
    """One statement. Sentences have a line of their own; other lines over 120 characters are broken between parts."""
    match statement:
        case tree.Declaration():
            return _declaration(statement)
        case tree.Rule():
            return _rule(statement)
        case _:
            assert_never(statement)


def print_element(element: tree.Element) -> str:
    """A body element as rule text."""
    match element:
        case tree.Literal(atom, negated):
            return ("!" if negated else "") + print_atom(atom)
        case tree.Comparison(operator, left, right):
            return f"{_expression(left)} {operator} {_right(right)}"
        case tree.AtLeast(count, members):
            return f"atleast {count} {{ {'; '.join(_member(member) for member in members)} }}"
        case _:
            assert_never(element)


def print_atom(atom: tree.Atom) -> str:
    """`predicate(term, …)`."""
    return f"{atom.predicate}({', '.join(print_term(term) for term in atom.terms)})"


def print_term(term: tree.Term) -> str:
    """A variable or constant."""
    match term:
        case tree.Variable(name) | tree.Symbol(name):
            return name
        case tree.Number(value):
            return str(value)
        case tree.Text(value):
            return quote(value)
        case _:
            assert_never(term)


def quote(text: str) -> str:
    """A string literal of the rule language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _compact(statement: tree.Statement) -> bool:
    return isinstance(statement, tree.Declaration) or (not statement.body and not statement.annotations)


def _declaration(declaration: tree.Declaration) -> str:
    head = f".{declaration.keyword} {declaration.name}"
    if declaration.parameters is not None:
        head += f"({', '.join(f'{p.name}: {p.type}' for p in declaration.parameters)})"
    if declaration.label is not None:
        head += f" {quote(declaration.label)}"
    lines = [head]
    # A statement's attributes, and those of a declaration with much to say, begin a line of their own.
    begin = declaration.keyword == "statement" or (
        declaration.keyword in _ROOMY and any(a.name in _PROSE for a in declaration.attributes)
    )
    for attribute in declaration.attributes:
        text = f"{attribute.name}({', '.join(_value(v) for v in attribute.values)})"
        prose = attribute.name in _PROSE
        if begin or prose or len(lines[-1]) + 1 + len(text) > _WIDTH:
            lines.append(f"    {text}")
        else:
            lines[-1] += f" {text}"
        begin = prose
    return "\n".join(lines)


_PROSE = {"true", "false", "ask", "clock", "doable", "decided", "option", "norule"}
"""Attributes that are sentences; each has a line of its own."""

_ROOMY = {"measure", "reading"}


def _rule(rule: tree.Rule) -> str:
    text = ""
    if rule.annotations:
        text = _annotations(rule) + "\n"
    head = print_atom(rule.head) if rule.head is not None else ""
    if not rule.body:
        return f"{text}{head}."
    elements = [print_element(element) for element in rule.body]
    opening = f"{head} :- " if head else ":- "
    one_line = opening + ", ".join(elements) + "."
    if len(one_line) <= _WIDTH:
        return text + one_line
    return text + opening.rstrip() + "\n    " + ",\n    ".join(_lines_of(rule.body, elements)) + "."


def _annotations(rule: tree.Rule) -> str:
    """On one line where they fit; else `title` and `says` each have one of their own."""
    pairs = [f"{a.name} = {_value(a.values[0])}" for a in rule.annotations]
    one_line = f"#[{', '.join(pairs)}]"
    if len(one_line) <= _WIDTH:
        return one_line
    lines, begin = ["#["], False
    for annotation, pair in zip(rule.annotations, pairs, strict=True):
        sentence = annotation.name in ("title", "says")
        if len(lines[-1]) > 2 and (begin or sentence or len(lines[-1]) + len(pair) + 2 > _WIDTH):
            lines[-1] = lines[-1].rstrip()
            lines.append("  ")
        lines[-1] += f"{pair}, "
        begin = sentence
    return "\n".join(lines).removesuffix(", ") + "]"


def _lines_of(body: tuple[tree.Element, ...], elements: list[str]) -> list[str]:
    """One element a line, but comparisons stay with the measure that they compare."""
    lines: list[str] = []
    for index, (element, text) in enumerate(zip(body, elements, strict=True)):
        before = body[index - 1] if index else None
        measured = isinstance(before, tree.Literal) and before.atom.predicate == "measure"
        if measured and isinstance(element, tree.Comparison) and len(lines[-1]) + len(text) + 7 <= _WIDTH:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    return lines


def _value(value: tree.Value) -> str:
    match value:
        case tree.Key(name):
            return name
        case tree.Number(number):
            return str(number)
        case tree.Text(text):
            return quote(text)
        case tree.ListValue(items):
            return f"[{', '.join(_value(item) for item in items)}]"
        case _:
            assert_never(value)


def _member(member: tree.Member) -> str:
    text = print_element(member.literal)
    if member.conditions:
        text += " : " + ", ".join(print_element(condition) for condition in member.conditions)
    return text


def _right(right: tree.Expression | tree.Range) -> str:
    return f"{right.low}..{right.high}" if isinstance(right, tree.Range) else _expression(right)


_STRENGTH = {"+": 1, "-": 1, "*": 2}
_UNARY = 3


def _expression(expression: tree.Expression, at_least: int = 0) -> str:
    match expression:
        case tree.Arithmetic(operator, left, right):
            strength = _STRENGTH[operator]
            text = f"{_expression(left, strength)} {operator} {_expression(right, strength + 1)}"
            return f"({text})" if strength < at_least else text
        case tree.Negative(operand):
            return f"-{_expression(operand, _UNARY)}"
        case tree.Number(value) if value < 0 and at_least > 1:
            return f"({value})"
        case _:
            return print_term(expression)
