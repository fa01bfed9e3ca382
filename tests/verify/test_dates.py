"""Questions about dates: differences of measures are decided, and their numbers are those of an exact elimination."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from guidelog.language.guideline import read_guideline
from guidelog.language.vocabulary import Measure
from guidelog.pipeline import ask, compile_guideline
from guidelog.solver import linear
from guidelog.solver.linear import Inequality, Infeasible, Variable
from guidelog.solver.records import Regions
from guidelog.verify.diff.compare import compare
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.properties.verdicts import Result
from vaccination import write_schedule
from verify_support import advise, tiny


def test_everything_about_a_vaccination_schedule_is_decided(tmp_path: Path) -> None:
    compiled = compile_guideline(read_guideline(write_schedule(tmp_path / "g", 5)))
    found = verify(compiled, read_properties(compiled), ask)
    assert found.complete
    assert [v.result for v in found.verdicts] == [Result.PROVED] * 4
    assert not any(v.idle for v in found.verdicts)
    assert not [r for r in found.remarks if r.kind in ("conflict", "dead rule")]


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("T - S >= 24", "T - S >= 23", "APART"),
        ("T - S >= 108", "T - S >= 75", "SPREAD"),
        ("S < 28", "S <= 28", "NO-CONFLICT"),
    ],
)
def test_a_planted_fault_in_a_distance_is_found_with_a_patient(tmp_path: Path, old: str, new: str, broken: str) -> None:
    folder = write_schedule(tmp_path / "g", 3)
    text = (folder / "rules.dl").read_text(encoding="utf-8")
    assert old in text
    (folder / "rules.dl").write_text(text.replace(old, new).replace("T - S >= 52", "T - S >= 30"), encoding="utf-8")
    compiled = compile_guideline(read_guideline(folder))
    found = verify(compiled, read_properties(compiled), ask, rules=False)
    assert broken in {v.id for v in found.verdicts if v.result is Result.BROKEN}
    for verdict in found.verdicts:
        if verdict.witness is not None:
            numbers = verdict.witness.content["measures"].values()
            assert all(isinstance(n, int | dict) for n in numbers), "whole days"


def test_a_moved_distance_between_versions_has_patients(tmp_path: Path) -> None:
    folders = [write_schedule(tmp_path / name, 3) for name in ("a", "b")]
    text = (folders[1] / "rules.dl").read_text(encoding="utf-8")
    (folders[1] / "rules.dl").write_text(text.replace("T - S >= 24", "T - S >= 28"), encoding="utf-8")
    old, new = (compile_guideline(read_guideline(folder)) for folder in folders)
    found = compare(old, new, ask)
    assert not found.undecided
    assert found.changes


def _random_system(seed: int) -> tuple[list[Inequality], dict[str, Regions]]:
    draw = random.Random(seed)
    names = ["a", "b", "c", "d"][: draw.randint(2, 4)]
    measures = {n: Measure(n, n, draw.choice(["day", "week", "point"]), 0, draw.randint(1, 6)) for n in names}
    regions = {n: Regions(m, ()) for n, m in measures.items()}
    variables: list[Variable] = [(0, n, end) for n in names for end in (0, 1)]
    found = []
    for number, v in enumerate(variables):
        r = regions[v[1]]
        found.append(Inequality({v: Fraction(1)}, Fraction(-r.low), frozenset([1000 + number])))
        found.append(Inequality({v: Fraction(-1)}, Fraction(r.high), frozenset([2000 + number])))
    for number in range(draw.randint(2, 9)):
        plus, minus = draw.sample(variables, 2)
        bound = draw.randint(-4000, 4000) if draw.random() < 0.5 else 1000 * draw.randint(-4, 4)
        found.append(Inequality({plus: Fraction(1), minus: Fraction(-1)}, Fraction(bound), frozenset([3000 + number])))
    return found, regions


@pytest.mark.parametrize("seed", range(150))
def test_differences_fit_exactly_where_elimination_says_so(seed: int) -> None:
    system, regions = _random_system(seed)
    _, contradiction = linear._eliminate(system)
    try:
        values = linear._solve(system, regions, last=True)
    except Infeasible as error:
        assert contradiction is not None, "elimination finds numbers"
        guilty = [i for i in system if i.reasons <= set(error.literals)]
        assert linear._eliminate(guilty)[1] is not None, "the reasons alone contradict each other"
        return
    assert contradiction is None
    if values is None:
        return  # numbers fit, and no record can say them
    for inequality in system:
        assert sum(c * values[v] for v, c in inequality.terms.items()) + inequality.constant >= 0
    for (_, name, _), value in values.items():
        assert value * 1000 % regions[name].measure.ticks == 0, "a record can say it"


def test_no_limit_of_repairs_stands_before_the_budget(tmp_path: Path) -> None:
    """Sums, that no difference is, are still decided by elimination, however many models it takes."""
    body = "in_scope(P), measure(P, days, D), measure(P, others, E), D + E >= {}"
    compiled = tiny(
        tmp_path / "g",
        advise("A", "scan", "do", body.format(6)) + advise("B", "scan", "defer", body.format(8)),
        properties='#[id = "NEVER-BOTH", says = "s"]\nnever(P) :- answer(P, scan, conflict).\n',
    )
    (verdict,) = verify(compiled, read_properties(compiled), ask, rules=False).verdicts
    assert verdict.result is Result.PROVED
