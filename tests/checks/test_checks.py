"""The checks as a whole: every code's examples, no exception on garbage, one diagnostic for one mistake, and speed."""

from __future__ import annotations

import random
import re
import sys
import time
from dataclasses import replace

import pytest

from guidelog.checks import CHECKS, CODES, Code, References, check_program
from guidelog.checks.codes import EXAMPLE_BASE, EXAMPLE_KNOWN, EXAMPLE_UNRESOLVED
from guidelog.diagnostics import Diagnostic, Severity, render
from guidelog.language import parse, print_program
from guidelog.language.names import names_of
from guidelog.language.tree import Atom, Program, Rule, Statement
from guidelog.source import Source

REFERENCES = References(EXAMPLE_KNOWN, EXAMPLE_UNRESOLVED)


def check(text: str, references: References | None = REFERENCES) -> list[Diagnostic]:
    program, problems = parse(Source("example.dl", text))
    return [*problems, *check_program(program, names_of(program), references)]


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in check(text)]


def in_context(code: Code, example: str) -> str:
    return example if code.alone else f"{EXAMPLE_BASE}{example}\n"


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_bad_example_gives_its_code_and_nothing_else(code: Code) -> None:
    found = check(in_context(code, code.bad))
    assert [(d.code, d.severity) for d in found] == [(code.code, code.severity)]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_good_example_is_clean(code: Code) -> None:
    assert [render(d) for d in check(in_context(code, code.good))] == []


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_examples_are_canonical_text(code: Code) -> None:
    """Good examples are what an author should write, so they can be read and printed without loss."""
    program, problems = parse(Source("example.dl", code.good))
    assert problems == []
    assert parse(Source("printed.dl", print_program(program)))[0] == program


def test_codes_are_numbered_once_and_in_order() -> None:
    numbers = [code.code for code in CODES]
    assert numbers == sorted(set(numbers))
    assert "GL210" not in numbers  # stratification, reported by `strata`


def test_every_check_runs_once_and_stands_beside_codes() -> None:
    assert len(set(CHECKS)) == len(CHECKS)
    assert all(sys.modules[check.__module__].CODES for check in CHECKS)


def test_unknown_references_are_not_checked() -> None:
    text = EXAMPLE_BASE + '.statement S2 "what it says" kind(note) cites(99)\n'
    assert [d.code for d in check(text, None)] == []
    assert [d.code for d in check(text, References())] == []
    assert [d.code for d in check(text, References(known=frozenset({99})))] == ["GL310"]  # S1 cites 1
    assert [d.code for d in check(text, References(unresolved=frozenset({99})))] == ["GL311"]


def test_all_diagnostics_come_in_one_run() -> None:
    chosen = [code for code in CODES if code.code in {"GL202", "GL213", "GL226"}]
    bad = [code.bad.replace('id = "A"', f'id = "{code.code}"') for code in chosen]
    assert codes(EXAMPLE_BASE + "\n".join(bad) + "\n") == ["GL202", "GL213", "GL226"]


ADVICE = (
    '#[id = "{id}", statements = ["S1"], cites = [1], strength = strong, says = "do it"]\n'
    "advise(P, {head}) :- in_scope(P), {body}.\n"
)


@pytest.mark.parametrize(
    ("first", "second", "warned"),
    [
        (("step_a, do", "finding(P, sign_b)"), ("step_a, do", "!finding(P, sign_b)"), True),
        (("step_a, do", "finding(P, sign_b)"), ("step_a, avoid", "!finding(P, sign_b)"), False),
        (("step_a, do", "finding(P, sign_b)"), ("step_b, do", "!finding(P, sign_b)"), False),
        (("step_a, do", "alarm(P)"), ("step_a, do", "!finding(P, sign_b)"), True),
        (("step_a, do", "advise(P, step_b, do)"), ("step_b, do", "!finding(P, sign_a)"), True),
        (("step_a, do", "measure(P, weight, V), V > 90"), ("step_a, do", "measure(P, weight, V), V > 80"), False),
        (("step_a, do", "measure(P, weight, V), V > 90"), ("step_a, do", "measure(P, weight, V), -V >= -70"), True),
        (("step_a, do", "measure(P, weight, V), V > 7, V < 9"), ("step_a, do", "alarm(P)"), False),
        (("step_a, do", "finding(P, F), group(F)"), ("step_a, do", "!finding(P, sign_a)"), True),
        (("step_a, do", "finding(P, F), group(F)"), ("step_a, do", "!finding(P, sign_b)"), False),
        (("step_a, do", "atleast 1 { !finding(P, sign_b) }"), ("step_a, do", "finding(P, sign_b)"), True),
    ],
)
def test_polarity_is_that_of_one_conclusion(first: tuple[str, str], second: tuple[str, str], warned: bool) -> None:
    rules = [ADVICE.format(id=i, head=head, body=body) for i, (head, body) in enumerate((first, second))]
    assert ("GL229" in codes(EXAMPLE_BASE + "".join(rules))) is warned


def test_polarity_under_the_chosen_readings_only() -> None:
    """Rules that are never in force together cannot make an answer less definite."""
    rules = [
        ADVICE.format(id=i, head="step_a, do", body=body).replace("#[", f"#[reading = cutoff, option = {option}, ")
        for i, (option, body) in enumerate((("kept", "finding(P, sign_b)"), ("early", "!finding(P, sign_b)")))
    ]
    assert codes(EXAMPLE_BASE + "".join(rules)) == []


TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\w+|:-|\.\.|<=|>=|!=|#\[|\s+|\S')


@pytest.mark.parametrize("seed", range(20))
def test_no_exception_on_garbage(seed: int) -> None:
    """Programs with tokens exchanged, doubled and dropped: every diagnostic can be shown, and none is an exception."""
    generator = random.Random(seed)
    texts = [in_context(code, example) for code in CODES for example in (code.bad, code.good)]
    pool = [token for text in texts for token in TOKEN.findall(text)]
    for _ in range(15):
        tokens = TOKEN.findall(generator.choice(texts))
        for _ in range(generator.randrange(1, 12)):
            place = generator.randrange(len(tokens))
            tokens[place : place + generator.randrange(2)] = generator.choices(pool, k=generator.randrange(3))
        for diagnostic in check("".join(tokens)):
            render(diagnostic)


def test_trees_without_places_can_be_checked() -> None:
    for code in CODES:
        program, _ = parse(Source("example.dl", in_context(code, code.bad)))
        bare = Program(tuple(_without_places(statement) for statement in program.statements))
        found = check_program(bare, names_of(bare), REFERENCES)
        assert code.code in [diagnostic.code for diagnostic in found]
        for diagnostic in found:
            render(diagnostic)


def _without_places(statement: Statement) -> Statement:
    bare = replace(statement, span=None)
    if isinstance(bare, Rule) and isinstance(bare.head, Atom):
        return replace(bare, head=replace(bare.head, span=None, name_span=None))
    return bare if isinstance(bare, Rule) else replace(bare, name_span=None)


def large_program(rules: int) -> str:
    """A guideline of many concepts in layers, each with two rules, and an intervention for every tenth rule."""
    lines = [EXAMPLE_BASE]
    lines += [f'.finding f{i} "finding {i}"' for i in range(200)]
    lines += [f'.intervention a{i} "intervention {i}"' for i in range(rules // 10)]
    concepts = rules * 9 // 20
    for i in range(concepts):
        lines.append(f'.concept c{i}(P: patient) true("c{i} holds") false("c{i} does not hold")')
        lower = f"c{i - 7}(P)" if i >= 7 else "patient(P)"
        lines.append(f'#[id = "C{i}a"]\nc{i}(P) :- {lower}, finding(P, f{i % 200}), !finding(P, f{(i + 1) % 200}).')
        weeks = f"measure(P, waiting_weeks, W), W >= {i % 50}, {i} + W < 900"
        lines.append(f'#[id = "C{i}b"]\nc{i}(P) :- {lower}, {weeks}.')
    for i in range(rules // 10):
        body = f"c{(i * 13) % concepts}(P), !alarm(P), atleast 1 {{ finding(P, F) : group(F); finding(P, sign_b) }}"
        lines.append(ADVICE.format(id=f"A{i}", head=f"a{i}, do", body=body))
    return "\n".join(lines)


def test_two_thousand_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """No time is asserted, because machines differ; run with `-s` to see it."""
    program, problems = parse(Source("large.dl", large_program(2000)))
    assert problems == []
    assert len(program.rules) >= 2000
    names = names_of(program)
    start = time.perf_counter()
    found = check_program(program, names, REFERENCES)
    seconds = time.perf_counter() - start
    assert [d.code for d in found if d.severity is Severity.ERROR] == []
    with capsys.disabled():
        print(f"\n{len(program.rules)} rules checked in {seconds:.2f} s, {len(found)} warnings")  # noqa: T201


def test_a_hopeless_file_is_given_up_on_in_time() -> None:
    """Thousands of undeclared names: suggestions stop, diagnostics do not."""
    names = "".join(f'.finding name_{i} "name {i}"\n' for i in range(500))
    rules = "".join(f'#[id = "X{i}"]\nalarm(P) :- finding(P, nmae_{i}).\n' for i in range(500))
    assert codes(EXAMPLE_BASE + names + rules).count("GL202") == 500
