"""Rule text to statements, exactly as *Text* in docs/language.md has it; what is not of that grammar is refused.

A term is a number, a name, a string, or a variable. A string is its JSON text with the quotes, so that no name equals
it. Names have no meaning here.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

Term: TypeAlias = "int | str | Variable"
Expression: TypeAlias = "Term | Operation"
Element: TypeAlias = "Literal | Comparison | AtLeast"
Part = TypeVar("Part")

HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]|\r(?!\n)"
)  # controls, invisible and direction-changing characters, private use, and a carriage return alone
TOKEN = re.compile(
    r"""(?P<blank>[ \t]+) | (?P<comment>%[^\n]*) | (?P<indented>\r?\n(?=[ \t]+[^ \t\r\n])) | (?P<line>\r?\n)
      | (?P<stop>\.(?=[ \t\r\n%]|\Z)) | (?P<declaration>\.[a-z_]+(?![A-Za-z0-9]))
      | (?P<word>"(?:[^"\\\n\t]|\\["\\n])*" | (?:0|[1-9][0-9]{0,11})(?![0-9]) | [A-Za-z][A-Za-z0-9_]*
               | _(?![0-9])[A-Za-z0-9_]* | :- | \#\[ | \.\. | [<>!]= | [][(){},:;<>=!+*-])""",
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\(.)")
KEYWORDS = ("finding", "measure", "intervention", "screen", "decl", "concept", "reading", "statement", "decision")
COMPARED = ("<", "<=", ">", ">=", "=", "!=")


class Rejected(Exception):
    """Nothing is proved; the message says why."""


class Variable(NamedTuple):
    """A variable; each `_` has a number, `_1`, `_2`, … from left to right in its clause."""

    name: str


class Operation(NamedTuple):
    """`left + right`, `left - right` or `left * right`; `-x` is `0 - x`."""

    sign: str
    left: Expression
    right: Expression


class Atom(NamedTuple):
    """A predicate with its terms."""

    predicate: str
    terms: tuple[Term, ...]


class Literal(NamedTuple):
    """An atom, or its negation."""

    positive: bool
    atom: Atom


class Comparison(NamedTuple):
    """`left operator right`, or with a range `right..to`."""

    operator: str
    left: Expression
    right: Expression
    to: int | None


class Member(NamedTuple):
    """What `atleast` counts, under conditions."""

    literal: Literal
    conditions: tuple[Literal, ...]


class AtLeast(NamedTuple):
    """So many of the members."""

    number: int
    members: tuple[Member, ...]


class Declaration(NamedTuple):
    """A name that is declared; columns are pairs of name and type, attributes pairs of name and values."""

    keyword: str
    name: str
    columns: tuple[tuple[str, str], ...] | None
    label: str | None
    attributes: tuple[tuple[str, tuple[Any, ...]], ...]


class Clause(NamedTuple):
    """A rule, a fact (no body) or a denial (no head); annotations are pairs of key and value."""

    annotations: tuple[tuple[str, Any], ...]
    head: Atom | None
    body: tuple[Element, ...]


def require(holds: object, problem: str) -> None:
    """Nothing where it holds; raises `Rejected` with the problem where it does not."""
    if not holds:
        raise Rejected(problem)


def read_files(files: Mapping[str, str]) -> tuple[str, list[Declaration | Clause]]:
    """The SHA-256 over rule files (name -> text), and their statements in order; `properties.dl` is none of them."""
    digest, statements = hashlib.sha256(), list[Declaration | Clause]()
    for name in sorted(files.keys() - {"properties.dl"}):
        content = files[name].encode()
        digest.update(b"%b\0%d\0%b" % (name.encode(), len(content), content))
        for tokens in statements_of(files[name]):
            reader = Reader(tokens)
            statements.append(reader.declaration() if tokens[0][0] == "." else reader.clause())
            require(reader.next == "", f"did not expect `{reader.next}` in `{name}`")
    return digest.hexdigest(), statements


# > It ends with its line, or with the last of the lines right below it that begin with a blank and have anything
# > else in them, be it a comment.
#
# > A text that is indented and belongs to no statement is an error.
def statements_of(text: str) -> Iterator[list[str]]:
    """The tokens of each statement.

    A declaration begins at the margin and ends with its line, or with the last of the indented lines right below it. A
    clause begins at the margin, or in the line in which another one has ended, and ends with a full stop.
    """
    require(not HIDDEN.search(text), "a character is invisible or changes the direction of text")
    tokens, place, margin, ended = list[str](), 0, True, False
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise Rejected(f"did not expect `{text[place]}`")
        kind, place = found.lastgroup, found.end()
        if kind in ("word", "declaration", "stop"):
            begins = margin or (ended and kind == "word") or tokens
            require(
                begins and (kind == "word" or (kind == "stop") == bool(tokens)), "a statement is indented, or unended"
            )
            tokens.append(found[0])
        declares = bool(tokens) and tokens[0][0] == "."
        require(not declares or kind != "stop", "a declaration has no full stop")
        if tokens and (kind == "stop" or (declares and kind == "line")):
            yield tokens
            tokens, ended = [], kind == "stop"
        elif kind in ("line", "indented"):
            ended = False
        margin = kind == "line"
    require(not tokens or tokens[0][0] == ".", "the text ends within a clause")
    yield from [tokens] if tokens else []


class Reader:
    """One statement, read from left to right; `next` is the token that comes, or "" at the end."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = iter([*tokens, ""])
        self.next, self.anonymous = next(self.tokens), 0

    def take(self, fits: Callable[[str], object] = bool) -> str:
        """The next token, which must fit."""
        token = self.next
        require(token and fits(token), f"did not expect `{token}`")
        self.next = next(self.tokens)
        return token

    def passes(self, token: str) -> bool:
        """Whether that token comes next; then it is passed over."""
        return self.next == token and bool(self.take())

    def several(self, part: Callable[[], Part], close: str, separator: str = ",") -> tuple[Part, ...]:
        """Parts with separators between them, up to a closing token."""
        parts = [part()]
        while not self.passes(close):
            self.take(separator.__eq__)
            parts.append(part())
        return tuple(parts)

    def name(self) -> str:
        """A name; `atleast` is none."""
        return self.take(lambda token: token[0].islower() and token != "atleast")

    def variable(self) -> Variable:
        """A variable; `_` is a new one each time."""
        name = self.take(lambda token: token[0].isupper() or token[0] == "_")
        self.anonymous += name == "_"
        return Variable(f"_{self.anonymous}" if name == "_" else name)

    def number(self) -> int:
        """A whole number without a sign."""
        return int(self.take(str.isdecimal))

    # > are the only escapes.
    def string(self) -> str:
        """A string in quotes, as JSON text."""
        text = ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], self.take(lambda t: t[0] == '"')[1:-1])
        return json.dumps(text, ensure_ascii=False)

    def identifier(self) -> str:
        """A name or what could be a variable: `S15` is an identifier, too."""
        return (
            self.name() if self.next[:1].islower() else self.take(lambda token: token[0].isupper() or token[0] == "_")
        )

    def simple(self) -> int | str:
        """A string, a number with or without its sign, or an identifier."""
        if self.passes("-"):
            return -self.number()
        return self.number() if self.next.isdecimal() else self.string() if self.next[:1] == '"' else self.identifier()

    def value(self) -> Any:
        """What an annotation gives to a key; a list is a tuple."""
        if not self.passes("["):
            return self.simple()
        return () if self.passes("]") else self.several(self.value, "]")

    def term(self) -> Term:
        """A term of an atom."""
        return self.variable() if self.next[:1].isupper() or self.next[:1] == "_" else self.simple()

    def declaration(self) -> Declaration:
        """`.keyword name(Column: type, …) "label" attribute(value, …) …`."""
        keyword, name = self.take()[1:], self.identifier()
        require(keyword in KEYWORDS, f"nothing is declared by `.{keyword}`")
        columns = self.columns() if self.passes("(") else None
        label = self.string() if self.next[:1] == '"' else None
        attributes = list[tuple[str, tuple[Any, ...]]]()
        while self.next:
            attribute = self.name()
            self.take("(".__eq__)
            attributes.append((attribute, () if self.passes(")") else self.several(self.simple, ")")))
        return Declaration(keyword, name, columns, label, tuple(attributes))

    def columns(self) -> tuple[tuple[str, str], ...]:
        """Columns of a predicate up to the closing bracket."""

        def column() -> tuple[str, str]:
            name = self.identifier()
            self.take(":".__eq__)
            return name, self.name()

        return () if self.passes(")") else self.several(column, ")")

    def clause(self) -> Clause:
        """`#[key = value, …] head :- body.`, of which much may be missing."""
        annotations = list[tuple[str, Any]]()
        if self.passes("#["):
            while not self.passes("]"):
                key = self.name()
                self.take("=".__eq__)
                annotations.append((key, self.value()))
                require(self.next == "]" or self.passes(","), f"did not expect `{self.next}`")
        head = None if self.next == ":-" else self.atom(self.name())
        body = self.several(self.element, ".") if self.passes(":-") else ()
        require(body or self.passes("."), f"did not expect `{self.next}`")
        return Clause(tuple(annotations), head, body)

    def element(self) -> Element:
        """One of the conditions of a body."""
        if self.passes("atleast"):
            number = self.number()
            self.take("{".__eq__)
            return AtLeast(number, self.several(self.member, "}", ";"))
        if self.next == "!" or not self.next[:1].islower():
            return self.literal() if self.next == "!" else self.comparison(self.expression())
        name = self.name()
        return Literal(True, self.atom(name)) if self.next == "(" else self.comparison(self.expression(name))

    def literal(self) -> Literal:
        """An atom, or its negation."""
        return Literal(not self.passes("!"), self.atom(self.name()))

    def atom(self, predicate: str) -> Atom:
        """The terms of a predicate, in brackets."""
        self.take("(".__eq__)
        return Atom(predicate, () if self.passes(")") else self.several(self.term, ")"))

    def member(self) -> Member:
        """`literal : condition, …`; the conditions end where the next member or the closing brace comes."""
        literal, conditions = self.literal(), list[Literal]()
        if self.passes(":"):
            conditions.append(self.literal())
            while self.passes(","):
                conditions.append(self.literal())
        return Member(literal, tuple(conditions))

    def comparison(self, left: Expression) -> Comparison:
        """What follows the left side of a comparison; a range stands between two plain numbers."""
        operator = self.take(COMPARED.__contains__)
        plain = self.next.isdecimal()
        right = self.expression()
        to = self.number() if plain and isinstance(right, int) and self.passes("..") else None
        require(to is None or operator not in ("=", "!="), "a range is neither equal nor different")
        return Comparison(operator, left, right, to)

    def expression(self, first: str | None = None) -> Expression:
        """Sums of products, from left to right; `first` is a name that has been read."""
        found = self.product(first)
        while self.next in ("+", "-"):
            found = Operation(self.take(), found, self.product())
        return found

    def product(self, first: str | None = None) -> Expression:
        """Products of signed operands, from left to right."""
        found = first or self.signed()
        while self.passes("*"):
            found = Operation("*", found, self.signed())
        return found

    def signed(self) -> Expression:
        """An operand, an expression in brackets, or the negative of either."""
        if self.passes("-"):
            operand = self.signed()
            return -operand if isinstance(operand, int) else Operation("-", 0, operand)
        if self.passes("("):
            inner = self.expression()
            self.take(")".__eq__)
            return inner
        return self.term()
