"""Options and fixtures for all tests.

`pytest --update` rewrites expected outputs that have changed. Each test that rewrote one is reported as skipped with
the name of the file, so that the difference is read before it is committed; CI refuses the option.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hypothesis_profiles  # noqa: F401 - `--hypothesis-profile` is read before tests are collected
from golden import Golden

# Texts are wrapped to the terminal; for the tests it is always this wide.
os.environ["COLUMNS"] = "100"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite expected outputs, to be reviewed before commit")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update") and os.environ.get("CI"):
        raise pytest.UsageError("--update is for people: expected outputs are reviewed before they are committed")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the expected one in a file; with `--update`, write it there instead."""

    def compare(path: Path, text: str) -> None:
        expected = path.read_text(encoding="utf-8") if path.exists() else None
        if request.config.getoption("--update"):
            if text != expected:
                path.write_text(text, encoding="utf-8")
                pytest.skip(f"{path.name} rewritten; review the difference")
            return
        assert expected is not None, f"{path} is missing; write it with --update and review it"
        assert text == expected

    return compare
