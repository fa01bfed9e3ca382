"""The formatter: nothing is lost, nothing changes meaning, a second time changes nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guidelog.language import parse, tree
from guidelog.language.formatter import format_source
from guidelog.source import Source

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"

names = st.sampled_from(["a", "finding", "measure", "low_back", "x1", "inScope"])
variables = st.sampled_from(["P", "F", "W2", "_", "_x"])
texts = st.text(st.sampled_from('ab %."\\\n{}é#'), max_size=12)
terms = st.one_of(
    variables.map(tree.Variable), names.map(tree.Symbol), st.integers(-99, 10**9).map(tree.Number), texts.map(tree.Text)
)
atoms = st.builds(tree.Atom, names, st.lists(terms, min_size=1, max_size=3).map(tuple))
literals = st.builds(tree.Literal, atoms, st.booleans())
operands = st.one_of(variables.map(tree.Variable), st.integers(0, 999).map(tree.Number))
expressions = st.recursive(
    operands,
    lambda inner: (
        st.builds(tree.Arithmetic, st.sampled_from("+-*"), inner, inner)
        | inner.filter(lambda e: not isinstance(e, tree.Number)).map(tree.Negative)
    ),
    max_leaves=4,
)
ranges = st.builds(tree.Range, st.integers(0, 99), st.integers(0, 99))
comparisons = st.one_of(
    st.builds(tree.Comparison, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), expressions, expressions),
    st.builds(tree.Comparison, st.sampled_from(["<", "<=", ">", ">="]), expressions, ranges),
)
members = st.builds(tree.Member, literals, st.lists(literals, max_size=2).map(tuple))
counts = st.builds(tree.AtLeast, st.integers(0, 9), st.lists(members, min_size=1, max_size=3).map(tuple))
bodies = st.lists(st.one_of(literals, comparisons, counts), min_size=1, max_size=6).map(tuple)
simple = st.one_of(
    st.sampled_from(["S15", "strong", "Q01"]).map(tree.Key), st.integers(-9, 99).map(tree.Number), texts.map(tree.Text)
)
values = st.one_of(simple, st.lists(simple, max_size=3).map(lambda v: tree.ListValue(tuple(v))))
some_annotations = st.lists(
    st.builds(
        lambda n, v: tree.Attribute(n, (v,)), st.sampled_from(["id", "says", "title", "cites", "statements"]), values
    ),
    min_size=1,
    max_size=4,
).map(tuple)
rules = st.one_of(
    st.builds(tree.Rule, atoms, bodies, some_annotations | st.just(())),
    st.builds(tree.Rule, st.none(), bodies, some_annotations | st.just(())),
    st.builds(tree.Rule, atoms, st.just(()), some_annotations | st.just(())),
)
some_attributes = st.lists(
    st.builds(
        tree.Attribute,
        st.sampled_from(["true", "ask", "screen", "kind", "range"]),
        st.lists(simple, max_size=2).map(tuple),
    ),
    max_size=4,
).map(tuple)
declarations = st.builds(
    tree.Declaration,
    st.sampled_from(["finding", "measure", "statement", "concept", "decl"]),
    st.sampled_from(["a", "S15", "b2"]),
    st.none()
    | st.lists(st.builds(tree.Parameter, st.sampled_from(["P", "f"]), st.just("finding")), max_size=2).map(tuple),
    st.none() | texts,
    some_attributes,
)
programs = st.lists(rules | declarations, max_size=6).map(lambda s: tree.Program(tuple(s)))
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|\.\.|:-|#\[|[<>!]=|[0-9]+|.', re.DOTALL)


@st.composite
def untidy(draw: st.DrawFn) -> tuple[tree.Program, str, list[str]]:
    """A program, the same with odd spacing and comments everywhere, and the comments."""
    from guidelog.language import print_statement

    program = draw(programs)
    lines: list[str] = []
    comments: list[str] = []

    def comment() -> str:
        words = draw(st.sampled_from(["why", "a.", 'it" odd', "#[", ":- x", "%% y"]))
        comments.append(f"% <{len(comments)}> {words}")
        return comments[-1]

    for statement in program.statements:
        lines += [
            draw(st.sampled_from(["", "  "])) + (comment() if draw(st.booleans()) else "")
            for _ in range(draw(st.integers(0, 2)))
        ]
        declaration = isinstance(statement, tree.Declaration)
        text = ""
        for token in _TOKEN.findall(" ".join(print_statement(statement).split("\n    "))):
            text += token
            if token in ",)" and draw(st.integers(0, 7)) == 0:
                text += draw(st.sampled_from(["  ", "\n  ", "\n\t"]))
            elif token == "," and not declaration and draw(st.integers(0, 5)) == 0:
                text += f" {comment()}\n   "
        lines.append(text + (f" {comment()}" if draw(st.integers(0, 3)) == 0 else ""))
    return program, "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n\n"])), comments


@settings(max_examples=250, deadline=None)
@given(untidy())
def test_random_programs_keep_meaning_and_comments_and_settle_at_once(
    case: tuple[tree.Program, str, list[str]],
) -> None:
    program, text, comments = case
    before, problems = parse(Source("a.dl", text))
    assert not problems
    assert before == program
    once = format_source(Source("a.dl", text))
    assert not once.problems
    after, problems = parse(Source("a.dl", once.text))
    assert not problems
    assert after == program
    for comment in comments:
        assert once.text.count(comment) == text.count(comment)
    twice = format_source(Source("a.dl", once.text))
    assert twice.text == once.text
    assert not twice.changed


@pytest.mark.parametrize("path", sorted(KB.glob("*.dl")), ids=lambda p: p.name)
def test_the_bundled_guideline_means_the_same_after_formatting(path: Path) -> None:
    source = Source(path.name, path.read_text(encoding="utf-8"))
    formatted = format_source(source)
    assert parse(Source(path.name, formatted.text))[0] == parse(source)[0]
    assert sorted(re.findall("^%.*", formatted.text, re.MULTILINE)) == sorted(
        re.findall("^%.*", source.text, re.MULTILINE)
    )
    assert format_source(Source(path.name, formatted.text)).text == formatted.text


LAYOUT = """\
% kept   at the top

.finding   sign_a "sign A"  screen(signs) ask("Is it there?")   % at the end
.statement S1 "what it says" kind(do)
#[id="R1",statements=["S1"],cites=[1],strength=strong,
   says="Do step A, because the source says so and everything else has failed"]
advise(P,step_a,do):-in_scope(P), % inside
  measure(P,m,W),W>=6..8.
fact(a).
fact(b). % b



% about R2
#[id="R2"]
x(P) :- y(P).
"""
EXPECTED = """\
% kept   at the top

.finding sign_a "sign A" screen(signs)
    ask("Is it there?")  % at the end
.statement S1 "what it says"
    kind(do)

% inside
#[id = "R1", statements = ["S1"], cites = [1], strength = strong,
  says = "Do step A, because the source says so and everything else has failed"]
advise(P, step_a, do) :- in_scope(P), measure(P, m, W), W >= 6..8.

fact(a).
fact(b).  % b

% about R2
#[id = "R2"]
x(P) :- y(P).
"""


def test_the_layout() -> None:
    assert format_source(Source("a.dl", LAYOUT)).text == EXPECTED


def test_what_cannot_be_read_keeps_its_text() -> None:
    text = "x( a ).\n\n  % mine\ny(((.\n\nz( b ).\n"
    formatted = format_source(Source("a.dl", text))
    assert formatted.text == "x(a).\n\n% mine\ny(((.\n\nz(b).\n"
    assert [d.code for d in formatted.problems] == ["GL001"]


def _guidelog(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    code = "from guidelog.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_command_checks_shows_and_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("x( a ).\n", encoding="utf-8")
    checked = _guidelog("fmt", "--check", str(path))
    assert (checked.returncode, checked.stdout) == (1, f"{path} is not in canonical layout\n")
    shown = _guidelog("fmt", "--diff", str(path))
    assert shown.returncode == 1
    assert "-x( a ).\n+x(a).\n" in shown.stdout
    assert path.read_text(encoding="utf-8") == "x( a ).\n"
    assert _guidelog("fmt", str(path)).returncode == 0
    assert path.read_text(encoding="utf-8") == "x(a).\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.dl"]
    assert _guidelog("fmt", "--check", str(path)).returncode == 0
    assert _guidelog("fmt", "-", text="y( b ).").stdout == "y(b).\n"


def test_the_command_leaves_a_broken_file_alone_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("x(((.\n", encoding="utf-8")
    done = _guidelog("fmt", str(path))
    assert done.returncode == 2
    assert "GL001" in done.stderr
    assert path.read_text(encoding="utf-8") == "x(((.\n"


def test_a_file_of_another_kind_is_not_read_as_rules(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# Not rules\n", encoding="utf-8")
    for words in (["--check"], ["--diff"], []):
        done = _guidelog("fmt", *words, str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert f"error[GL603]: `{path}` is not a rule file" in done.stderr
        assert "canonical" not in done.stderr
    assert path.read_text(encoding="utf-8") == "# Not rules\n"
    assert "there is no file or folder `nothing`" in _guidelog("fmt", "nothing").stderr


def test_the_bundled_rules_are_in_canonical_layout() -> None:
    files = sorted(KB.glob("*.dl"))
    assert len(files) > 10
    assert [f.name for f in files if format_source(Source(f.name, f.read_text(encoding="utf-8"))).changed] == []
