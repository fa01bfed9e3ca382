"""What clingo needs to be guarded against, as pyDatalog is; that the two agree is tested elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import clingo
import pytest

from guidelog.datalog import syntax as plain
from guidelog.datalog.clingo import Clingo
from guidelog.datalog.strata import Layer
from guidelog.datalog.syntax import Goal, PlainRule, Sum, Var
from guidelog.ground.joins import Constant

X, Y = Var("X"), Var("Y")


def rule(head: Goal, *body: Goal | plain.Test) -> Layer:
    return Layer((PlainRule(head, body, None),), ())


def rows(layer: Layer, **inputs: Sequence[tuple[Constant, ...]]) -> set[tuple[Constant, ...]]:
    [found] = Clingo().evaluate([layer], inputs).values()
    return found


PLUS = rule(Goal("p", (Y,)), Goal("d", (X,)), plain.Test("=", Sum(((1, Y),)), Sum(((1, X),), 1)))


def test_clingo_itself_wraps_around() -> None:
    control = clingo.Control()
    control.add("base", [], "d(2147483647). p(X + 1) :- d(X).")
    control.ground([("base", [])])
    assert clingo.Function("p", [clingo.Number(-2147483648)]) in [a.symbol for a in control.symbolic_atoms]


@pytest.mark.parametrize("number", [0, -1, 2147483647, -2147483648, 10**15, -(10**15)])
def test_ours_does_not(number: int) -> None:
    assert rows(PLUS, d=[(number,)]) == {(number + 1,)}


def test_exceptions_are_not_lost() -> None:
    with pytest.raises(TypeError, match="arithmetic on 'a'"):
        rows(PLUS, d=[("a",), (1,)])
    assert rows(PLUS, d=[(1,)]) == {(2,)}


@pytest.mark.parametrize("value", [6.5, True, None])
def test_anything_but_names_and_whole_numbers_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="not a whole number or a name"):
        rows(PLUS, d=[(value,)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "text", ["p", "X", "_", "not q0", "0", '"', "a\nb", "\0", "%*", "#script(python) raise #end.", "🙂"]
)
def test_names_are_only_numbers_for_clingo(text: str) -> None:
    copy = rule(Goal(f"p {text}", (X, text)), Goal(text, (X,)))
    assert Clingo().evaluate([copy], {text: [(text,), ("other",)]}) == {f"p {text}": {(text, text), ("other", text)}}


def test_a_program_without_a_single_meaning_is_refused() -> None:
    p, q = Goal("p", (X,)), Goal("q", (X,))
    paradox = rule(p, Goal("d", (X,)), Goal("p", (X,), negated=True))
    choice = Layer(
        tuple(
            PlainRule(a, (Goal("d", (X,)), Goal(b.predicate, (X,), negated=True)), None) for a, b in ((p, q), (q, p))
        ),
        (),
    )
    for layer in (paradox, choice):
        with pytest.raises(ValueError, match="not stratified"):
            Clingo().evaluate([layer], {"d": [(1,)]})


def test_many_threads_at_once() -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: rows(PLUS, d=[(n,), (n + 100,)]), range(64)))
    assert found == [{(n + 1,), (n + 101,)} for n in range(64)]


def test_clingo_is_loaded_only_when_asked() -> None:
    script = "import sys, guidelog.pipeline, guidelog.datalog.clingo as backend; print('clingo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
