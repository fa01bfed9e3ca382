"""Conformance: small programs with the relations that they must give, on every engine.

`cases/<feature>/<case>.dl` has the rules and at its end, as comments, a patient where one is needed (`%|`) and every
atom that the rules give (`%>`): `p(a)` is certain, `p(a) ?` possible, everything else false; `p: 12` stands for that many certain
rows, `p: 0` for none, and `rejected: GL213` for a program that is refused with these codes. The shapes are those that
Datalog engines are tested with in public (repeated variables, non-linear and mutual recursion, same generation,
negation, empty relations, wide joins, ...); text and data are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import case_file
from completions import completions
from guidelog.compiled import PATIENT, Compiled
from guidelog.datalog.backend import Backend
from guidelog.diagnostics import InputError
from guidelog.ground.program import Atom, atom_text
from guidelog.language import parse
from guidelog.patients import Facts, Interval, read_patient
from guidelog.pipeline import settle
from guidelog.semantics.kleene import Value
from guidelog.source import Source
from kleene import values_of
from programs import BACKENDS, compiled_of, on, patient_of
from reference import Reference

FOLDER = Path(__file__).parent / "cases"
FILES = sorted(FOLDER.rglob("*.dl"))
COMPLETIONS = 40


@dataclass(frozen=True)
class Case:
    """A program, a patient's facts, and what is expected."""

    compiled: Compiled
    facts: Facts
    expected: tuple[str, ...]

    def shown(self, values: Mapping[Atom, Value]) -> list[str]:
        """Values of derived atoms, in the form of the expectations."""
        found: list[str] = []
        for predicate in sorted(self.compiled.ground.derived):
            rows = {a: v for a, v in values.items() if a[0] == predicate and v is not False}
            if f"{predicate}: {len(rows)}" in self.expected and all(rows.values()):
                found.append(f"{predicate}: {len(rows)}")
            else:
                found += sorted(atom_text(a) + ("" if v else " ?") for a, v in rows.items()) or [f"{predicate}: 0"]
        return found


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER).with_suffix(""))


def expected_of(path: Path) -> tuple[str, ...]:
    return tuple((case_file.expected_of(path) or "").splitlines())


def rejected(path: Path) -> bool:
    return any(line.startswith("rejected: ") for line in expected_of(path))


def case_of(path: Path) -> Case:
    compiled = compiled_of(path.read_text(encoding="utf-8"), path.name)
    if record := case_file.record_of(path):
        patient = read_patient(Source(f"{path.stem}.yaml", record), compiled.names.vocabulary)
    else:
        patient = patient_of(compiled)
    facts, _ = settle(compiled, patient)
    return Case(compiled, facts, expected_of(path))


ACCEPTED = [path for path in FILES if not rejected(path)]
REJECTED = [path for path in FILES if rejected(path)]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
@pytest.mark.parametrize("path", ACCEPTED, ids=name_of)
def test_engine(path: Path, backend: Backend) -> None:
    case = case_of(path)
    model = on(case.compiled, backend).evaluate(case.facts)
    assert case.shown({a: model.value(a) for a in model.possible}) == sorted_as_shown(case)


@pytest.mark.parametrize("path", ACCEPTED, ids=name_of)
def test_three_valued_evaluation(path: Path) -> None:
    case = case_of(path)
    assert case.shown(values_of(case.compiled.ground, case.facts)) == sorted_as_shown(case)


@pytest.mark.parametrize("path", [p for p in ACCEPTED if not p.name.startswith("long_")], ids=name_of)
def test_meaning_of_the_text(path: Path) -> None:
    """What is expected is so whatever the unknown inputs are, by an evaluator that shares nothing with the engine.

    It goes through all facts at every step, so chains of a thousand steps are left to the others."""
    case = case_of(path)
    certain = {line for line in case.expected if not line.endswith((" ?",)) and ": " not in line}
    possible = certain | {line.removesuffix(" ?") for line in case.expected}
    counted = {line.partition(": ")[0] for line in case.expected if line.rpartition(": ")[2].isdigit()}
    looked_at = 0
    for true in meanings(path, case):
        shown = {atom_text(a) for a in true if a[0] in case.compiled.ground.derived}
        listed = {text for text in shown if text.partition("(")[0] not in counted}
        assert certain <= listed <= possible
        for predicate in counted:
            assert f"{predicate}: {sum(text.startswith(predicate + '(') for text in shown)}" in case.expected
        looked_at += 1
    assert looked_at


def meanings(path: Path, case: Case) -> Iterator[set[Atom]]:
    program, problems = parse(Source(path.name, path.read_text(encoding="utf-8")))
    assert not problems
    for completed in completions(case.compiled.ground, case.facts, COMPLETIONS):
        measures = {name: interval.low for name, interval in completed.measures.items()}
        for high in (False, True):
            findings = {name: value is True for name, value in completed.findings.items()}
            yield Reference(program, case.compiled.readings, high).holds(findings, measures)


def sorted_as_shown(case: Case) -> list[str]:
    """The expectations in the order of `Case.shown`, whatever their order in the file."""
    groups: dict[str, list[str]] = {}
    for line in case.expected:
        name = line.partition("(")[0] if "(" in line else line.partition(":")[0]
        groups.setdefault(name, []).append(line)
    return [line for name in sorted(groups) for line in sorted(groups[name])]


@pytest.mark.parametrize("path", REJECTED, ids=name_of)
def test_rejected(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        case_of(path)
    assert [f"rejected: {d.code}" for d in caught.value.diagnostics] == list(expected_of(path))


def test_there_are_enough_cases() -> None:
    features = {path.parent.name for path in FILES}
    assert len(FILES) >= 80
    assert features >= {
        "recursion",
        "joins",
        "empty",
        "negation",
        "ground_stratification",
        "arithmetic",
        "constants",
        "counting",
        "three_values",
    }


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_a_wrong_engine_is_noticed(backend: Backend) -> None:
    """The comparison fails when a row is lost and when one is made up."""
    case = case_of(FOLDER / "joins" / "triangles.dl")
    model = on(case.compiled, backend).evaluate(case.facts)
    values: dict[Atom, Value] = {a: model.value(a) for a in model.possible}
    assert case.shown(values) == sorted_as_shown(case)
    lost = (
        dict(list(values.items())[1:])
        if next(iter(values))[0] == "triangle"
        else {a: v for a, v in values.items() if a != ("triangle", "a", "b", "c")}
    )
    assert case.shown(lost) != sorted_as_shown(case)
    assert case.shown({**values, ("triangle", "a", "a", "a"): True}) != sorted_as_shown(case)
    assert case.shown({**values, ("triangle", "a", "b", "c"): None}) != sorted_as_shown(case)
    assert PATIENT not in {str(term) for atom in values for term in atom}
    assert replace(case, facts=replace(case.facts, measures={"m": Interval(0, 1)})) != case
