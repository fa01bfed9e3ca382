"""Whole messages: every `tests/checks/bad/<check>/*.dl` has its complete expected report at its end.

`pytest --update` rewrites the reports; the difference is read before it is committed.

A first line such as `% references: 1 2; unresolved: 5` gives the references of a case; without it nothing is known of
them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from case_file import expected_of, rewrite
from guidelog.checks import CODES, References, check_program
from guidelog.diagnostics import Report, Severity, render_report
from guidelog.language import parse
from guidelog.language.names import names_of
from guidelog.source import Source

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*/*.dl"))
GOOD = sorted((HERE / "good").glob("*.dl"))
_REFERENCES = re.compile(r"% references:([ 0-9]*)(?:; unresolved:([ 0-9]*))?\n")


def report_on(path: Path) -> Report:
    """All that parser and checks say about a file."""
    text = path.read_text(encoding="utf-8")
    program, problems = parse(Source(path.name, text))
    report = Report(list(problems))
    found = _REFERENCES.match(text)
    numbers = [frozenset(map(int, (part or "").split())) for part in found.groups()] if found else []
    report.add(check_program(program, names_of(program), References(*numbers)))
    return report


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", BAD, ids=label)
def test_report(path: Path, request: pytest.FixtureRequest) -> None:
    report = render_report(report_on(path)) + "\n"
    if request.config.getoption("--update") and report != expected_of(path):
        rewrite(path, report)
        pytest.skip(f"{path.name} rewritten; review the difference")
    assert report == expected_of(path)


@pytest.mark.parametrize("path", GOOD, ids=label)
def test_nothing_to_report(path: Path) -> None:
    assert render_report(report_on(path)) == "0 errors, 0 warnings"


def test_every_code_has_a_case() -> None:
    text = "".join(expected_of(path) or "" for path in BAD)
    assert [code.code for code in CODES if f"[{code.code}]" not in text] == []


def test_no_expected_report_without_its_case() -> None:
    assert [p.name for p in (HERE / "bad").glob("*/*.txt") if not p.with_suffix(".dl").exists()] == []


def test_every_case_is_bad() -> None:
    assert [label(path) for path in BAD if not report_on(path).diagnostics] == []


@pytest.mark.parametrize("path", BAD, ids=label)
def test_messages_keep_the_house_style(path: Path) -> None:
    severities = {code.code: code.severity for code in CODES}
    for diagnostic in report_on(path).diagnostics:
        said = [diagnostic.message, diagnostic.hint or "", *diagnostic.notes]
        texts = [*said, *(place.text for place in diagnostic.labels)]
        assert diagnostic.labels, diagnostic.message
        assert not any(text.endswith(".") and not text.endswith(".`") for text in texts), texts
        assert not any(text[:1].isupper() for text in texts), texts
        assert diagnostic.severity is severities.get(diagnostic.code, Severity.ERROR)
