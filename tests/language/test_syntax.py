"""Reading and printing rule text; syntax errors one by one, each with its place; bounded on hostile text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guidelog.diagnostics import render
from guidelog.language import parse, print_program, tree
from guidelog.language.parser import LONGEST_FILE
from guidelog.source import Source

RULES = sorted((Path(__file__).parents[2] / "kb").rglob("*.dl"))


def codes(text: str) -> list[str]:
    return [d.code for d in parse(Source("x.dl", text))[1]]


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.name)
def test_the_guideline_survives_printing(path: Path) -> None:
    program, problems = parse(Source(path.name, path.read_text(encoding="utf-8")))
    assert not problems
    again, problems = parse(Source("printed", print_program(program)))
    assert not problems
    assert again == program
    assert print_program(again) == print_program(program)


def test_spans_point_at_the_text() -> None:
    source = Source("x.dl", "% before\nred_flag(P) :- finding(P, fever), !finding(P, cough).\n")
    program, _ = parse(source)
    (rule,) = program.rules
    shown = [source.text[e.span.start : e.span.end] for e in rule.body if e.span]
    assert shown == ["finding(P, fever)", "!finding(P, cough)"]
    assert rule.span is not None
    assert source.position(rule.span.start) == (2, 1)


def test_one_error_does_not_hide_the_others() -> None:
    text = 'a(X) :- b(X) c(X).\nb(X) :- .\n.finding\nc(X) :- d(X)\n\ne(X) :- f("open).\nf(X) :- g(X).\n'
    program, problems = parse(Source("x.dl", text))
    assert len(problems) == 5
    assert len(program.rules) == 1
    lines = [d.span.source.position(d.span.start)[0] for d in problems if d.span]
    assert lines == [1, 2, 3, 4, 6]


def test_a_missing_comma_is_shown_with_a_caret() -> None:
    _, (problem,) = parse(Source("x.dl", "a(X) :- b(X) c(X).\n"))
    assert render(problem) == (
        "error[GL001]: did not expect `c` here\n"
        " --> x.dl:1:14\n"
        "  |\n"
        "1 | a(X) :- b(X) c(X).\n"
        "  |              ^ expected `,` or `.`\n"
        "  = help: put a comma between conditions"
    )


def test_numbers_ranges_and_full_stops() -> None:
    program, problems = parse(Source("x.dl", "h(P) :- measure(P, m, W), W >= 12..26.\nf(3).\ng(-4).\n"))
    assert not problems
    comparison = program.rules[0].body[1]
    assert isinstance(comparison, tree.Comparison)
    assert comparison.right == tree.Range(12, 26)
    assert program.rules[2].head == tree.Atom("g", (tree.Number(-4),))


@pytest.mark.parametrize(
    "text",
    [
        'x("a.b"). % c. d\ny(z).',
        'a(X)\n    :- b(X).\n#[id = "r"]\nc(X) :- d(X).',
        '.finding a "a"\n    ask("b?")\n\nf(x).',
    ],
)
def test_statements_are_cut_where_they_end(text: str) -> None:
    program, problems = parse(Source("x.dl", text))
    assert not problems
    assert len(program.statements) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a :- " + "(" * 100_000 + "1" + ")" * 100_000 + ".",
        "a(X) :- X = " + "1 + " * 50_000 + "1.",
        "a(X) :- " + ", ".join(["b(X)"] * 50_000) + ".",
        "#[" * 100_000,
        '"' * 200_000,
        "." * 200_000,
        ".." * 200_000,
        "\n".join([".finding"] * 9_000),
        "%" * 1_000_000,
        "\x00\x01\x02" * 50_000,
        "a(9999999999999999999999999).",
        "é" * 10_000,
    ],
    ids=range(12),
)
def test_hostile_text_is_refused_in_bounded_time(text: str) -> None:
    start = time.monotonic()
    program, problems = parse(Source("x.dl", text))
    assert time.monotonic() - start < 30, "bounded, even on a slow machine"
    assert problems or not program.statements


def test_sizes_are_bounded() -> None:
    assert codes("x" * (LONGEST_FILE + 1)) == ["GL003"]
    assert "GL003" in codes("a(x).\n" * 10_001)
    assert codes("a(x).\n" * 9_999) == []


@pytest.mark.parametrize("written", ["not b(P)", "~b(P)", "\\+ b(P)"])
def test_negation_of_another_language_is_told_ours(written: str) -> None:
    (problem,) = parse(Source("a.dl", f"a(P) :- c(P), {written}.\n"))[1]
    assert problem.hint == "a condition is negated with `!`, as in `!name(P)`"
    assert parse(Source("a.dl", "a(P) :- c(P), !not(P).\n"))[1] == []
