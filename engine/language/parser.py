"""Rule text to syntax tree.

`parse` reads whole files: `cut` divides each into statements, so that a syntax error in one does not hide the others;
every statement that can be read becomes a tree with spans, every one that cannot becomes a diagnostic. It never raises
on bad text, and it gives no meaning to names. Sizes are bounded, because rule files are untrusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError
from lark.tree import Meta

from guidelog.diagnostics import Diagnostic, Label, hidden_characters
from guidelog.source import Source, Span

from . import tree

LONGEST_FILE = 5_000_000
LONGEST_STATEMENT = 50_000
DEEPEST_BRACKETS = 40
MOST_OPERATORS = 60

_BLANK = re.compile(r"(?:[ \t\r\n]+|%[^\n]*)+")
_TOKEN = re.compile(
    r'"(?:[^"\\\n\t]|\\["\\n])*"'  # a string
    r"|%[^\n]*"  # a comment
    r"|\.\."  # a range
    r"|\.(?=[ \t\r\n%]|\Z)"  # the end of a clause
    r"|[()\[\]{}]"
    r"|\n+(?=\S)"  # a line that begins at the margin
    r"|[-+*]"
)
_DECLARATION_LINE = re.compile(r"\.[A-Za-z_]+")
_MARGIN_START = re.compile(r"#\[|\.[a-z]+\b|[a-z][A-Za-z0-9_]*\s*\(")

MOST_STATEMENTS = 10_000


def cut(source: Source) -> tuple[list[Span], list[Diagnostic]]:
    """The spans of the statements of a file, and what is too large or too deep to be read."""
    if len(source.text) > LONGEST_FILE:
        message = f"file is {len(source.text):,} characters long; at most {LONGEST_FILE:,} are read"
        return [], [Diagnostic("GL003", message, (Label(Span(source, 0, 1)),))]
    spans: list[Span] = []
    problems = hidden_characters(source, "GL006")
    for start, end, excess in _statements(source.text):
        span, problem = Span(source, start, end), excess
        if problem is None and end - start > LONGEST_STATEMENT:
            problem = f"statement is {end - start:,} characters long; at most {LONGEST_STATEMENT:,} are read"
        if not _begins_rightly(source.text, start, spans[-1].end if spans else 0):
            problems.append(_misplaced(span))
        if problem is None:
            spans.append(span)
        else:
            problems.append(Diagnostic("GL003", problem, (Label(Span(source, start, min(end, start + 1))),)))
    return spans, problems


def _statements(text: str) -> Iterator[tuple[int, int, str | None]]:
    position = 0
    while True:
        blank = _BLANK.match(text, position)
        if blank:
            position = blank.end()
        if position >= len(text):
            return
        if _DECLARATION_LINE.match(text, position):
            end, problem = _declaration_end(text, position), None
        else:
            end, problem = _clause_end(text, position)
        yield position, end, problem
        position = end


def _begins_rightly(text: str, start: int, before: int) -> bool:
    """A statement begins at the margin; a clause may also follow the full stop of another one on its line.

    `before` is where the statement before it ends. Without this rule an indented text below a declaration, a blank or a
    comment would be a statement of its own and look like a part of the declaration.
    """
    if start == 0 or text[start - 1] == "\n":
        return True
    return text[before - 1 : before] == "." and "\n" not in text[before:start] and text[start] != "."


def _misplaced(span: Span) -> Diagnostic:
    first = Span(span.source, span.start, span.start + 1)
    if span.source.text[span.start] == "." and "\n" in span.source.text[: span.start]:
        hint = "give the declaration a line of its own, without spaces in front"
    else:
        hint = "move it to the margin; indented lines right below a declaration are part of it"
    return Diagnostic("GL005", "a statement begins at the margin", (Label(first),), hint=hint)


def _declaration_end(text: str, start: int) -> int:
    """A declaration goes on over the lines below that are indented."""
    end = start
    while True:
        newline = text.find("\n", end)
        if newline < 0:
            return len(text)
        following = text[newline + 1 : newline + 2]
        rest_of_line = text[newline + 1 : (text.find("\n", newline + 1) + 1 or len(text) + 1) - 1]
        if following not in (" ", "\t") or not rest_of_line.strip():
            return newline
        end = newline + 1


def _clause_end(text: str, start: int) -> tuple[int, str | None]:
    depth = operators = 0
    deepest = 0
    limit = start + LONGEST_STATEMENT + 1
    comment = (0, 0)
    for match in _TOKEN.finditer(text, start):
        token = match.group()
        if match.start() > limit:
            # A runaway clause: give up on it, but go on with what plainly begins after it.
            limit = len(text) + 1
        if token[0] == "\n":
            end = comment[0] if comment[1] == match.start() else match.start()
            if _begins_next(text[start:end].rstrip(), text, match.end()):
                return match.start(), _excess(deepest, operators)
        elif token[0] == "%":
            comment = match.span()
        elif token in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in ")]}":
            depth -= 1
        elif token in "-+*":
            operators += 1
        elif token == ".":
            return match.end(), _excess(deepest, operators)
    return len(text), _excess(deepest, operators)


def _excess(deepest: int, operators: int) -> str | None:
    if deepest > DEEPEST_BRACKETS:
        return f"brackets are nested {deepest} deep; at most {DEEPEST_BRACKETS} are read"
    if operators > MOST_OPERATORS:
        return f"statement has {operators} arithmetic operators; at most {MOST_OPERATORS} are read"
    return None


def _begins_next(before: str, text: str, margin: int) -> bool:
    """Whether the line at the margin begins a new statement although `before`, which is open, has no full stop."""
    if not _MARGIN_START.match(text, margin):
        return False
    if text.startswith("#[", margin) or text[margin] == ".":
        return bool(before)
    return before[-1:].isalnum() or before[-1:] in ')}_"'


def parse(*sources: Source) -> tuple[tree.Program, list[Diagnostic]]:
    """The statements of all files in order, and a diagnostic (GL001-GL006) for each that cannot be read."""
    statements: list[tree.Statement] = []
    diagnostics: list[Diagnostic] = []
    for source in sources:
        spans, problems = cut(source)
        diagnostics.extend(problems)
        if len(spans) + len(statements) > MOST_STATEMENTS:
            message = f"the rule files have more than {MOST_STATEMENTS:,} statements; no more are read"
            diagnostics.append(Diagnostic("GL003", message, (Label(Span(source, 0, 1)),)))
            break
        for span in spans:
            statement = parse_statement(span)
            if isinstance(statement, Diagnostic):
                diagnostics.append(statement)
            else:
                statements.append(statement)
    return tree.Program(tuple(statements), tuple(sources)), diagnostics


def parse_statement(span: Span) -> tree.Statement | Diagnostic:
    """The one statement in a span, or what is wrong with it."""
    text = span.source.text[span.start : span.end]
    try:
        parsed = _grammar().parse(text)
        result: tree.Statement = _Builder(span.source, span.start).transform(parsed)
    except UnexpectedInput as error:
        return _syntax_error(span, error)
    except VisitError as error:
        if isinstance(error.orig_exc, _BadLiteral):
            return Diagnostic("GL004", error.orig_exc.message, (Label(error.orig_exc.span),))
        raise
    return result


class _BadLiteral(Exception):
    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message, self.span = message, span


@cache
def _grammar() -> Lark:
    grammar = resources.files(__package__).joinpath("rules.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


_LARGEST_NUMBER_DIGITS = 12


@v_args(meta=True, inline=True)
class _Builder(Transformer[Token, Any]):
    """Lark's tree to ours; `base` is where the statement starts in its source."""

    def __init__(self, source: Source, base: int) -> None:
        super().__init__(visit_tokens=False)
        self.source, self.base = source, base

    def _at(self, meta: Meta) -> Span:
        return Span(self.source, self.base + meta.start_pos, self.base + meta.end_pos)

    def _token(self, token: Token) -> Span:
        start = self.base + (token.start_pos or 0)
        return Span(self.source, start, start + len(token))

    def _int(self, token: Token) -> int:
        if len(token) > _LARGEST_NUMBER_DIGITS:
            raise _BadLiteral(f"number has more than {_LARGEST_NUMBER_DIGITS} digits", self._token(token))
        if len(token) > 1 and token[0] == "0":
            raise _BadLiteral(f"number has a zero in front; write `{token.lstrip('0') or 0}`", self._token(token))
        return int(token)

    def _string(self, token: Token) -> str:
        return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], token[1:-1])

    # declarations
    def declaration(self, meta: Meta, keyword: Token, name: tuple[str, Span], *rest: Any) -> tree.Declaration:
        parameters: tuple[tree.Parameter, ...] | None = None
        label: str | None = None
        attributes: list[tree.Attribute] = []
        for part in rest:
            if isinstance(part, tree.Attribute):
                attributes.append(part)
            elif isinstance(part, str):
                label = part
            else:
                parameters = part
        return tree.Declaration(
            str(keyword)[1:], name[0], parameters, label, tuple(attributes), self._at(meta), name[1]
        )

    def ident(self, _meta: Meta, token: Token) -> tuple[str, Span]:
        return str(token), self._token(token)

    def parameters(self, _meta: Meta, *parameters: tree.Parameter) -> tuple[tree.Parameter, ...]:
        return parameters

    def parameter(self, meta: Meta, name: Token, kind: Token) -> tree.Parameter:
        return tree.Parameter(str(name), str(kind), self._at(meta))

    def label(self, _meta: Meta, token: Token) -> str:
        return self._string(token)

    def attribute(self, meta: Meta, name: Token, *values: tree.Value) -> tree.Attribute:
        return tree.Attribute(str(name), values, self._at(meta))

    # values
    def key(self, _meta: Meta, token: Token) -> tree.Key:
        return tree.Key(str(token), self._token(token))

    def integer(self, _meta: Meta, token: Token) -> tree.Number:
        return tree.Number(self._int(token), self._token(token))

    def negative_integer(self, meta: Meta, token: Token) -> tree.Number:
        return tree.Number(-self._int(token), self._at(meta))

    def text(self, _meta: Meta, token: Token) -> tree.Text:
        return tree.Text(self._string(token), self._token(token))

    def list(self, meta: Meta, *items: tree.Value) -> tree.ListValue:
        return tree.ListValue(items, self._at(meta))

    def pair(self, meta: Meta, name: Token, value: tree.Value) -> tree.Attribute:
        return tree.Attribute(str(name), (value,), self._at(meta))

    def annotation(self, _meta: Meta, *pairs: tree.Attribute) -> tuple[tree.Attribute, ...]:
        return pairs

    # clauses
    def rule(self, meta: Meta, *parts: Any) -> tree.Rule:
        *annotation, head, body = parts
        return tree.Rule(head, body, annotation[0] if annotation else (), self._at(meta))

    def fact(self, meta: Meta, *parts: Any) -> tree.Rule:
        *annotation, head = parts
        return tree.Rule(head, (), annotation[0] if annotation else (), self._at(meta))

    def denial(self, meta: Meta, *parts: Any) -> tree.Rule:
        *annotation, body = parts
        return tree.Rule(None, body, annotation[0] if annotation else (), self._at(meta))

    def body(self, _meta: Meta, *elements: tree.Element) -> tuple[tree.Element, ...]:
        return elements

    def literal(self, meta: Meta, *parts: Any) -> tree.Literal:
        return tree.Literal(parts[-1], len(parts) > 1, self._at(meta))

    def negation(self, _meta: Meta) -> bool:
        return True

    def atom(self, meta: Meta, name: Token, *terms: tree.Term) -> tree.Atom:
        return tree.Atom(str(name), terms, self._at(meta), self._token(name))

    def variable(self, _meta: Meta, token: Token) -> tree.Variable:
        return tree.Variable(str(token), self._token(token))

    def symbol(self, _meta: Meta, token: Token) -> tree.Symbol:
        return tree.Symbol(str(token), self._token(token))

    # comparisons
    def number(self, _meta: Meta, token: Token) -> tree.Number:
        return tree.Number(self._int(token), self._token(token))

    def comparison(self, meta: Meta, left: tree.Expression, operator: Token, right: Any) -> tree.Comparison:
        return tree.Comparison(str(operator), left, right, self._at(meta))

    def range(self, meta: Meta, low: Token, high: Token) -> tree.Range:
        return tree.Range(self._int(low), self._int(high), self._at(meta))

    def add(self, meta: Meta, left: tree.Expression, right: tree.Expression) -> tree.Arithmetic:
        return tree.Arithmetic("+", left, right, self._at(meta))

    def subtract(self, meta: Meta, left: tree.Expression, right: tree.Expression) -> tree.Arithmetic:
        return tree.Arithmetic("-", left, right, self._at(meta))

    def multiply(self, meta: Meta, left: tree.Expression, right: tree.Expression) -> tree.Arithmetic:
        return tree.Arithmetic("*", left, right, self._at(meta))

    def minus(self, meta: Meta, operand: tree.Expression) -> tree.Expression:
        if isinstance(operand, tree.Number):
            return tree.Number(-operand.value, self._at(meta))
        return tree.Negative(operand, self._at(meta))

    def atleast(self, meta: Meta, _word: Token, count: Token, *members: tree.Member) -> tree.AtLeast:
        return tree.AtLeast(self._int(count), members, self._at(meta))

    def member(self, meta: Meta, literal: tree.Literal, *conditions: tree.Literal) -> tree.Member:
        return tree.Member(literal, conditions, self._at(meta))


_TERMINALS = {
    "KEYWORD": "a declaration",
    "NAME": "a name",
    "VARIABLE": "a variable",
    "INT": "a number",
    "STRING": "a string",
    "OPERATOR": "a comparison",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "COMMA": "`,`",
    "DOT": "`.`",
    "SEMICOLON": "`;`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "BANG": "`!`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "STAR": "`*`",
    "ATLEAST": "`atleast`",
    "__ANON_0": "`:-`",
    "__ANON_1": "`#[`",
    "__ANON_2": "`..`",
    "$END": "the end of the statement",
}
_ARITHMETIC = {"PLUS", "MINUS", "STAR"}
_MOST_EXPECTED = 4
_STRING = 'a string ends on its own line with `"`, and has no tab and no `\\` but in `\\"`, `\\\\` and `\\n`'
_NEGATION = "a condition is negated with `!`, as in `!name(P)`"


def _syntax_error(span: Span, error: UnexpectedInput) -> Diagnostic:
    """A caret at the first token that does not fit, with what could stand there."""
    source, base = span.source, span.start
    expected = _expected(error)
    at_end = isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END")
    if at_end:
        end = base + len(source.text[base : span.end].rstrip())
        place = Span(source, max(base, end - 1), end)
        return Diagnostic(
            "GL002",
            "statement ends too early",
            (Label(place, expected),),
            hint="a clause ends with a full stop" if "`.`" in expected else None,
        )
    start = base + (error.pos_in_stream or 0)
    if isinstance(error, UnexpectedToken):
        token = str(error.token)
        place = Span(source, start, start + len(token))
        hint = "put a comma between conditions" if "`,`" in expected and error.token.type in {"NAME", "BANG"} else None
        if error.token.type == "NAME" and re.search(r"\bnot\s+$", source.text[base:start]):
            hint = _NEGATION
        hint = _meant(source.text[base:start], token) or hint
        return Diagnostic("GL001", f"did not expect `{_clip(token)}` here", (Label(place, expected),), hint=hint)
    assert isinstance(error, UnexpectedCharacters)
    character = source.text[start : start + 1]
    hint = _STRING if character == '"' else _NEGATION if character in "~\\" else None
    hint = _meant(source.text[base:start], character) or hint
    return Diagnostic(
        "GL001",
        f"did not expect `{character}` here"
        if character.isprintable()
        else f"did not expect the character U+{ord(character or ' '):04X} here",
        (Label(Span(source, start, start + 1), expected),),
        hint=hint,
    )


_OPERATORS = {"=<": "<=", "=>": ">=", "==": "=", "<>": "!="}


def _meant(before: str, token: str) -> str | None:
    """What an author from another language meant by the token that does not fit, behind the text before it."""
    written = before[-1:] + token[:1]
    if written in _OPERATORS:
        return f"write `{_OPERATORS[written]}`"
    if token == ";":
        return "there is no `or` between conditions: write a rule for each way"
    if (token.isdecimal() or token == ".") and re.search(r"[0-9]\.?$", before):
        return "numbers are whole: compare in a smaller unit, in days for weeks"
    return None


def _expected(error: UnexpectedInput) -> str:
    names: Any = (
        getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None) or ()
    )
    found: list[str] = sorted({_TERMINALS.get(name, name.lower()) for name in names if name not in _ARITHMETIC})
    if not found or len(found) > _MOST_EXPECTED:
        return ""
    return "expected " + (found[0] if len(found) == 1 else ", ".join(found[:-1]) + " or " + found[-1])


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
