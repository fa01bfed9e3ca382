"""A sample of the mutants that maintainers run: each is noticed by the tests that guard its module.

`python tests/support/code_mutation.py` runs them all (docs/trust.md).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from code_mutation import GUARDS, _path, equivalents, mutants, noticed


def test_every_guarded_module_is_there_with_its_tests() -> None:
    root = _path("files").parents[1]
    for module, tests in GUARDS.items():
        assert _path(module).exists(), module
        assert all((root / test).exists() for test in tests), module


def test_a_module_that_is_not_changed_passes() -> None:
    """Otherwise every mutant would count as noticed."""
    mutant = mutants("files")[0]
    plain = replace(mutant, source=_path("files").read_text(encoding="utf-8"))
    assert not noticed(plain)


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("files", "stat.S_IMODE(mode) if mode is not None", "stat.S_IMODE(mode) if not mode is not None"),
        ("web.hooks.trust", "float(claims['exp']) + self._leeway", "float(claims['exp']) - self._leeway"),
    ],
)
def test_a_sample_is_noticed(module: str, before: str, after: str) -> None:
    (mutant,) = (m for m in mutants(module) if m.before.startswith(before) and m.after.startswith(after))
    assert noticed(mutant)


def test_explanations_are_about_mutants_that_exist() -> None:
    known = {m.key for module in {key.split(":")[0] for key in equivalents()} for m in mutants(module)}
    assert set(equivalents()) <= known
    assert all(len(reason) > 20 for reason in equivalents().values())
