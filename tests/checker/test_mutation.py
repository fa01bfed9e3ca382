"""Faults planted in the checker are killed by the calls that its tests make; all mutants: see docs/trust.md."""

from __future__ import annotations

import pytest

import checker_mutation

MUTANTS = checker_mutation.mutants(("cases", "steps"))
pytestmark = pytest.mark.slow
QUICK = [
    file for file in checker_mutation.TESTS if file.name in ("test_checker.py", "test_cases.py", "test_cautions.py")
]
PLANTED = {
    "a loop of negation": (
        "steps",
        "self.steps[name].block < step.block + (factor > 0)",
        "self.steps[name].block <= step.block + (factor > 0)",
    ),
    "a status between two": ("steps", "len(found) == 1", "len(found) != 1"),
}


@pytest.fixture(scope="module")
def calls() -> list[checker_mutation.Call]:
    return checker_mutation.record(tuple(QUICK))


def test_the_checker_itself_survives(calls: list[checker_mutation.Call]) -> None:
    """Else everything would be killed, and the run would say nothing."""
    assert len(calls) > 500
    books: dict[object, object] = {}
    made = checker_mutation.load({})
    assert all(checker_mutation.outcome_of(made, c.name, c.given, books) == c.outcome for c in calls)


@pytest.mark.parametrize("fault", PLANTED, ids=PLANTED)
def test_a_fault_that_matters_is_killed(calls: list[checker_mutation.Call], fault: str) -> None:
    module, before, after = PLANTED[fault]
    found = [m for m in MUTANTS if (m.module, m.before, m.after) == (module, before, after)]
    assert found, "the checker is written otherwise now; plant the fault anew"
    assert checker_mutation.survivors(found, calls) == []


def test_equivalent_mutants_are_still_mutants_and_have_a_reason() -> None:
    keys = {mutant.key for mutant in MUTANTS}
    for key, reason in checker_mutation.equivalents().items():
        assert key in keys, key
        assert len(reason) > 20
