"""What an author of a guideline runs into first: hints, unreadable vignettes, one's own folder, advice that is followed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from guidelog.checks import check_program
from guidelog.diagnostics import Severity
from guidelog.language import parse
from guidelog.language.guideline import find_folder, load_guideline
from guidelog.language.names import names_of
from guidelog.source import Source
from guidelog.workbench.lints.collect import review
from toy_guideline import TOML

RULES = """
.finding ill "ill" true("ill") false("not ill")
.finding sign_a "sign A" true("sign A") false("no sign A")
.finding sign_b "sign B" true("sign B") false("no sign B")
.measure weeks "weeks ill" unit(week) range(0, 520)
.intervention rest "rest"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("out of scope")
#[id = "SCOPE", statements = ["S1"]]
in_scope(P) :- finding(P, ill).
#[id = "REST", statements = ["S1"], cites = [], says = "Rest"]
advise(P, rest, do) :- in_scope(P), finding(P, sign_a), finding(P, sign_b), measure(P, weeks, W), W >= 2.
"""
GOOD = "patient: good\nfindings: {ill: absent}\nexpect: {why: not ill, statements: [S1], answers: {rest: outside_guideline}}\n"


def folder(tmp_path: Path, rules: str = RULES, **vignettes: str) -> Path:
    (tmp_path / "vignettes").mkdir(parents=True)
    (tmp_path / "guideline.toml").write_text(TOML.replace("step_a", "rest"), encoding="utf-8")
    (tmp_path / "rules.dl").write_text(rules, encoding="utf-8")
    for name, text in vignettes.items():
        (tmp_path / "vignettes" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def codes(where: Path) -> list[str]:
    return [a.diagnostic.code for a in review(load_guideline(str(where)))]


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("measure(P, weeks, W), W =< 4", "write `<=`"),
        ("measure(P, weeks, W), W => 4", "write `>=`"),
        ("measure(P, weeks, W), W == 4", "write `=`"),
        ("measure(P, weeks, W), W <> 4", "write `!=`"),
        ("finding(P, sign_a); finding(P, sign_b)", "a rule for each way"),
        ("measure(P, weeks, W), W >= 4.5", "numbers are whole"),
    ],
)
def test_what_other_languages_write_gets_a_hint(body: str, hint: str) -> None:
    _, [problem] = parse(Source("rules.dl", f"rested(P) :- {body}."))
    assert hint in (problem.hint or "")


def test_the_name_of_a_measure_is_not_its_value() -> None:
    program, problems = parse(Source("rules.dl", RULES.replace("W >= 2", "weeks >= 2")))
    assert not problems
    [hint] = [d.hint for d in check_program(program, names_of(program)) if d.code == "GL221"]
    assert hint == "the value of a measure is a variable: `measure(P, weeks, W), W >= …`"


@pytest.mark.parametrize("bad", ["status: recomended", "status: [do]"])
def test_check_reads_vignettes_and_test_runs_the_others(tmp_path: Path, bad: str) -> None:
    spoiled = GOOD.replace("rest: outside_guideline", f"rest: {{{bad}}}")
    where = folder(tmp_path, good=GOOD, spoiled=spoiled)
    assert "GL924" in codes(where)
    code = "from guidelog.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "test", "-g", str(where)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "1 vignettes, 1 as expected" in done.stdout
    assert "GL924" in done.stderr


def test_rules_without_a_vignette_are_told_in_one_line(tmp_path: Path) -> None:
    more = "".join(
        f'#[id = "R{n}", statements = ["S1"], cites = [], says = "Rest"]\n'
        f"advise(P, rest, do) :- in_scope(P), measure(P, weeks, W), W >= {10 + n}.\n"
        for n in range(20)
    )
    found = [a.diagnostic for a in review(load_guideline(str(folder(tmp_path, RULES + more, good=GOOD))))]
    [line] = [d.message for d in found if d.code == "GL906"]
    assert re.fullmatch(r"22 of 22 rules hold in no vignette: `SCOPE`, .* and 10 more", line)


def test_no_warning_stands_beside_a_syntax_error(tmp_path: Path) -> None:
    where = folder(tmp_path, RULES.replace("finding(P, ill)", "finding(P ill)"), good=GOOD)
    assert codes(where) == ["GL001"]


def test_in_the_folder_of_a_guideline_that_one_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = folder(tmp_path, good=GOOD)
    monkeypatch.chdir(where / "vignettes")
    assert find_folder(None).samefile(where)
    monkeypatch.chdir(tmp_path.parent)
    assert not find_folder(None).samefile(where)


UNSAFE = (
    RULES
    + """
.decl group(X: finding)
group(sign_a).
group(sign_b).
.decl other(X: finding)
other(sign_c).
.finding sign_c "sign C" true("sign C") false("no sign C")
.decl plain(X: finding)
.decl derived(X: finding)
#[id = "DERIVED"]
derived(X) :- group(X).
#[id = "PLAIN"]
plain(X) :- derived(X), !other(X).
.concept seen(P: patient) true("seen") false("not seen")
#[id = "SEEN", statements = ["S1"]]
seen(P) :- finding(P, F), plain(F), group(F).
"""
)


def test_following_the_advice_never_breaks_the_program(tmp_path: Path) -> None:
    """Each condition that is said never to matter is left out, one after the other, and the rest is still a program."""
    where = folder(tmp_path, UNSAFE, good=GOOD)
    said = [a.diagnostic for a in review(load_guideline(str(where))) if a.diagnostic.code == "GL904"]
    assert said, "something never matters here"
    for diagnostic in said:
        span = diagnostic.labels[0].span
        text = span.source.text
        shorter = text[: span.start].rstrip().rstrip(",") + text[span.end :]
        shorter = shorter.replace(":- ,", ":-")
        program, problems = parse(Source("rules.dl", shorter))
        assert not problems
        assert not [d for d in check_program(program, names_of(program)) if d.severity is Severity.ERROR]


def test_equal_members_of_a_count_are_told(tmp_path: Path) -> None:
    points = """
.decl points(F: finding, N: number)
points(sign_a, 1).
points(sign_a, 2).
#[id = "TWO", statements = ["S1"], cites = [], says = "Rest"]
advise(P, rest, do) :- in_scope(P), atleast 1 { finding(P, F) : points(F, _) }.
"""
    assert "GL912" in codes(folder(tmp_path / "a", RULES + points, good=GOOD))
    assert "GL912" not in codes(folder(tmp_path / "b", RULES + points.replace("points(sign_a, 2).\n", ""), good=GOOD))


SLOTS = """
.measure days_a "days a" unit(day) range(0, 100)
.measure days_b "days b" unit(day) range(0, 100)
.measure age "age" unit(year) range(0, 120)
.decl slot(M: measure, K: number)
slot(days_a, 1).
slot(days_b, 2).
.concept later(P: patient, K: number) true("later {K}") false("not later {K}")
#[id = "LATER", statements = ["S1"]]
later(P, K) :- slot(M, K), slot(N, J), J != K, measure(P, M, X), measure(P, N, Y), Y < X.
"""


@pytest.mark.parametrize(("more", "expected"), [("", []), ("slot(age, 3).\n", ["GL218"])])
def test_units_of_a_variable_are_those_of_the_facts_that_bind_it(more: str, expected: list[str]) -> None:
    program, problems = parse(Source("rules.dl", RULES + SLOTS + more))
    assert not problems
    assert [d.code for d in check_program(program, names_of(program)) if d.severity is Severity.ERROR] == expected
