"""Every engine of a cohort gives the answers of `ask`: on random guidelines, on random patients of the real one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidelog.certificate.outcomes import at_end
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain import assembly
from guidelog.ground.program import Ranges
from guidelog.language.guideline import load_guideline
from guidelog.patients import close, patient_from_content
from guidelog.pipeline import compile_guideline, settle
from guidelog.semantics import Plan
from guidelog.semantics.kleene import World
from guidelog.semantics.one_patient import CircuitEngine, FastAnswer
from guidelog.semantics.status import Because, Status
from guidelog.semantics.status_diagrams import status_in
from hypothesis_profiles import examples
from programs import compiled_of
from record_strategies import records
from strategies import Written, programs

pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")
exp = pytest.importorskip("sqlglot.expressions")

from guidelog.cohort.engines.sql import SET_ASIDE, query  # noqa: E402
from guidelog.cohort.engines.vectors import Evaluator, unpack  # noqa: E402
from guidelog.cohort.results.answer_table import Shape, answers_of, expand  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.rows.column_types import Kind  # noqa: E402
from guidelog.cohort.rows.layout import layout_of  # noqa: E402
from guidelog.cohort.rows.read_columns import read_batch  # noqa: E402

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"


def answers_of_ask(compiled: Compiled, record: dict[str, Any]) -> list[FastAnswer] | None:
    """What the reference engine says, before it is put into words; None for a contradictory record."""
    patient = patient_from_content(record, compiled.names.vocabulary)
    try:
        facts, _ = settle(compiled, patient)
    except InputError as error:
        if [d.code for d in error.diagnostics] != ["GL421"]:
            raise
        return None
    world = World(compiled.ground, facts, compiled.evaluate(facts))
    found = []
    for name in compiled.names.vocabulary.interventions:
        status, because = status_in(world, name), None
        if status is Status.UNDETERMINED:
            ends = [at_end(compiled, world, ranges) for ranges in (Ranges.LOW, Ranges.HIGH)]
            is_open = any(status_in(end, name) is Status.UNDETERMINED for end in ends)
            because = Because.MISSING_DATA if is_open else Because.GUIDELINE_RANGE
        rules = dict.fromkeys(i.rule.id or "" for i in assembly.giving(world, name, status, None))
        found.append(FastAnswer(name, status, because, tuple(rules)))
    return found


def wide(compiled: Compiled, written: list[dict[str, Any]]) -> Any:
    """The records as a table: words for findings and screens, a number or bounds for each measure."""
    vocabulary = compiled.names.vocabulary
    columns: dict[str, Any] = {"patient": [f"p{i}" for i in range(len(written))]}
    for name in vocabulary.findings:
        columns[name] = pa.array([r.get("findings", {}).get(name) for r in written], pa.string())
    for name in vocabulary.screens:
        columns[name] = pa.array([r.get("screens", {}).get(name) for r in written], pa.string())
    for name in vocabulary.measures:
        values = [r.get("measures", {}).get(name) for r in written]
        columns[name] = pa.array([None if v is None or isinstance(v, dict) else str(v) for v in values], pa.string())
        bounds = [_bounds(v) for v in values]
        for part, place in ((".low", 0), (".high", 1)):
            columns[name + part] = pa.array([b[place] for b in bounds], pa.float64())
    return pa.table(columns).combine_chunks()


def _bounds(value: Any) -> tuple[float | None, float | None]:
    if not isinstance(value, dict):
        return None, None
    if "between" in value:
        return float(value["between"][0]), float(value["between"][1])
    return value.get("at_least"), value.get("at_most")


def by_bits(compiled: Compiled, plan: Plan, table: Any) -> list[list[FastAnswer] | None]:
    layout = layout_of(table.column_names, compiled.names.vocabulary, "table")
    batch = read_batch(table.to_batches()[0], layout, compiled.names.vocabulary, 1)
    assert not batch.rejects
    bits = Evaluator(plan.circuit, [*plan.outputs, *plan.told]).evaluate(batch.inputs)
    for denial in plan.denials:
        batch.reject(unpack(bits[denial.contradicted], batch.inputs.rows).copy(), "GL421", "contradiction")
    found = iter(_decoded(plan, answers_of(plan, bits, batch, Shape()).to_pylist()))
    return [None if wrong else next(found) for wrong in batch.bad]


def by_sql(compiled: Compiled, plan: Plan, table: Any) -> list[list[FastAnswer] | None]:
    vocabulary = compiled.names.vocabulary
    layout = layout_of(table.column_names, vocabulary, "table")
    kinds = {c: Kind.FLOAT if "." in c else Kind.TEXT for c in layout.columns}
    with duckdb.connect() as connection:
        connection.register("patients", table)
        text = query(plan, vocabulary, layout, kinds, exp.to_table("patients")).sql("duckdb")
        rows = connection.sql(text).to_arrow_table().to_pylist()
    return of_query(plan, rows)


def of_query(plan: Plan, rows: list[dict[str, Any]]) -> list[list[FastAnswer] | None]:
    """What the rows of an SQL engine say, in the order of `wide`."""
    rows.sort(key=lambda row: int(row["patient"][1:]))
    assert {row[SET_ASIDE] for row in rows} <= {None, "GL421"}
    return [None if row[SET_ASIDE] else answer for row, answer in zip(rows, _decoded(plan, rows), strict=True)]


def _decoded(plan: Plan, rows: list[dict[str, Any]]) -> list[list[FastAnswer]]:
    def one(row: dict[str, Any], name: str, rules: list[str]) -> FastAnswer:
        because = row[name + ".because"]
        return FastAnswer(
            name, Status(row[name]), because and Because(because), tuple(expand(int(row[name + ".rules"]), rules))
        )

    listed = [(a.intervention, [r.rule for r in a.rules]) for a in plan.advice]
    return [[one(row, name, rules) for name, rules in listed] for row in rows]


def check(compiled: Compiled, written: list[dict[str, Any]], *, sql: bool) -> list[list[FastAnswer] | None]:
    """All engines on all records; what they agree on."""
    circuits = CircuitEngine(compiled.ground)
    expected = [answers_of_ask(compiled, record) for record in written]
    for record, answer in zip(written, expected, strict=True):
        facts = close(patient_from_content(record, compiled.names.vocabulary), compiled.names.vocabulary)
        assert bool(circuits.contradicted(facts)) is (answer is None)
        if answer is not None:
            assert circuits.answers(facts) == answer
            assert circuits.statuses(facts) == {q.intervention: q.status for q in answer}
            settled, _ = settle(compiled, patient_from_content(record, compiled.names.vocabulary))
            for ranges in Ranges:
                model, reference = circuits.model(settled, ranges), compiled.evaluate(settled, ranges)
                assert model.certain == reference.certain
                assert model.possible == reference.possible
    table = wide(compiled, written)
    assert by_bits(compiled, circuits.plan, table) == expected
    if sql:
        assert by_sql(compiled, circuits.plan, table) == expected
    return expected


@st.composite
def cohorts(draw: Any) -> tuple[Written, list[dict[str, Any]]]:
    written = draw(programs())
    return written, draw(st.lists(records(written.program, 3), min_size=1, max_size=6))


@examples(25)
@given(cohorts(), st.booleans())
def test_random_guidelines_have_the_same_answers_on_every_engine(
    case: tuple[Written, list[dict[str, Any]]], sql: bool
) -> None:
    written, records_ = case
    try:
        compiled = compiled_of(written.text)
    except InputError as error:
        codes = {d.code for d in error.diagnostics}
        if codes == {"GL210"}:  # a loop through negation, as a few random programs have
            return
        raise
    check(compiled, records_, sql=sql)


def random_records(compiled: Compiled, number: int, seed: int) -> list[dict[str, Any]]:
    """Patients near the thresholds of the real guideline."""
    chance, vocabulary = random.Random(seed), compiled.names.vocabulary
    weeks = (0, 2, 4, 5, 5.9, 6, 6.001, 11, 12, 13, 25.999, 26, 27, 40)

    def record() -> dict[str, Any]:
        open_ = chance.choice((0.05, 0.2, 0.5))
        findings = {
            name: chance.choices(("present", "absent", "unknown"), (0.5, 0.4, 0.1))[0]
            for name in vocabulary.findings
            if chance.random() > open_
        }
        if chance.random() < 0.8:
            findings |= dict.fromkeys(("chronic_radiculopathy", "level_l5_s1", "mri_done"), "present")
            findings |= dict.fromkeys(("home_exercise_only",), "absent")
        if chance.random() < 0.5:
            findings = {n: "absent" if vocabulary.findings[n].screen == "red_flags" else v for n, v in findings.items()}
        if chance.random() < 0.3:
            findings |= dict.fromkeys((n for n, f in vocabulary.findings.items() if f.screen != "red_flags"), "present")
            del findings["home_exercise_only"]
        measures: dict[str, Any] = {}
        for name in vocabulary.measures:
            first, second = sorted(chance.choices(weeks, k=2))
            measures[name] = chance.choice(
                (first, first, "unknown", {"at_least": first}, {"at_most": second}, {"between": [first, second]})
            )
        return {
            "patient": "p",
            "findings": findings,
            "measures": {n: v for n, v in measures.items() if chance.random() > open_},
            "screens": {
                name: chance.choice(("complete", "incomplete")) for name in vocabulary.screens if chance.random() < 0.7
            },
        }

    def nearly_referred() -> dict[str, Any]:
        """Everything for surgical referral but a time of care that the guideline leaves to judgement."""
        findings = {n: "absent" if f.screen == "red_flags" else "present" for n, f in vocabulary.findings.items()}
        weeks = {"conservative_care_weeks": chance.choice((12, 20, 25.999, 26)), "physical_therapy_weeks": 8}
        return {"patient": "p", "findings": findings | {"home_exercise_only": "absent"}, "measures": weeks}

    return [nearly_referred() if place % 10 == 0 else record() for place in range(number)]


def test_random_patients_of_the_real_guideline_have_the_same_answers_on_every_engine() -> None:
    compiled = compile_guideline(load_guideline(str(KB)))
    expected = check(compiled, random_records(compiled, 150, 1), sql=True)
    given_ = [q for answer in expected if answer is not None for q in answer]
    assert {q.status for q in given_} >= set(Status) - {Status.CONFLICT}, "the patients are not varied enough to tell"
    assert {q.because for q in given_} == {None, Because.MISSING_DATA, Because.GUIDELINE_RANGE}
    assert None in expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_random_patients_have_the_same_answers_on_every_engine(seed: int) -> None:
    """A thousand a seed, every one of them by pyDatalog, too. Spark answers the same ones in `test_cohort_spark`."""
    compiled = compile_guideline(load_guideline(str(KB)))
    circuits = CircuitEngine(compiled.ground)
    written = random_records(compiled, 1000, 100 + seed)
    table = wide(compiled, written)
    found = by_bits(compiled, circuits.plan, table)
    assert by_sql(compiled, circuits.plan, table) == found
    for record, answer in zip(written, found, strict=True):
        facts = close(patient_from_content(record, compiled.names.vocabulary), compiled.names.vocabulary)
        assert (None if circuits.contradicted(facts) else circuits.answers(facts)) == answer
        assert answers_of_ask(compiled, record) == answer
