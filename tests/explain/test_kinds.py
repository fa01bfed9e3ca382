"""Explanations of rules unlike the guideline's: false reasons, and days that were missed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from drawn import TOY, compile_folder
from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.explain.changes.when import Forecast, when
from guidelog.explain.why import why
from guidelog.patients import patient_from_content
from guidelog.text.why import why_summary

HEAD = """
.statement S1 "One." kind(do) cites(1)
.finding condition "the condition" true("the patient has the condition") false("the patient lacks the condition")
.concept in_scope(P: patient) true("in scope") false("out of scope")
#[id = "SCOPE", statements = ["S1"], cites = [1]]
in_scope(P) :- finding(P, condition).
"""
DOUBLE = """
.finding cough "cough on the first drug"
.finding pregnancy "pregnancy"
.finding angioedema "angioedema"
.intervention second "second drug"
.decl bad(F: finding)
bad(cough). bad(pregnancy). bad(angioedema).
.concept contra(P: patient) true("the first drug is contraindicated") false("the first drug is not contraindicated")
#[id = "CON", statements = ["S1"], cites = [1]]
contra(P) :- finding(P, F), bad(F).
.concept first_open(P: patient) true("the first drug is open") false("the first drug is not open")
#[id = "OPEN", statements = ["S1"], cites = [1]]
first_open(P) :- patient(P), !contra(P).
#[id = "SEC", statements = ["S1"], cites = [1], says = "The second drug"]
advise(P, second, do) :- in_scope(P), !first_open(P).
"""
CLOCKS = """
.measure free "weeks off the drug" unit(week) range(0, 100) clock("the patient stays off the drug")
.measure needed "washout needed" unit(week) range(0, 100)
.measure days "days ill" unit(day) range(0, 30) clock("the illness goes on")
.intervention switch "switching"
#[id = "R1", statements = ["S1"], cites = [1], says = "Switch now"]
advise(P, switch, do) :- in_scope(P), {condition}.
"""


def guideline(folder: Path, rules: str) -> Compiled:
    folder.mkdir(exist_ok=True)
    lines = (TOY / "guideline.toml").read_text(encoding="utf-8").splitlines()
    lines = ["main = []" if line.startswith("main") else line for line in lines]
    (folder / "guideline.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "rules.dl").write_text(HEAD + rules, encoding="utf-8")
    return compile_folder(folder)


def asked(known: Compiled, **content: object) -> Answers:
    record = {"patient": "p", "as_of": "2026-01-01", **content}
    return pipeline.ask(known, patient_from_content(record, known.names.vocabulary))


@pytest.mark.parametrize("reason", ["cough", "pregnancy", "angioedema"])
def test_the_reason_behind_two_negations_is_the_one_that_holds(reason: str, tmp_path: Path) -> None:
    """It was said to be that the two others are absent."""
    findings = {name: "present" if name == reason else "absent" for name in ("cough", "pregnancy", "angioedema")}
    answers = asked(guideline(tmp_path / "g", DOUBLE), findings={"condition": "present", **findings})
    text = why_summary(why(answers, answers.answers[0]), answers)
    label = {"cough": "cough on the first drug"}.get(reason, reason)
    assert f"[x] The first drug is not open ({label})" in text
    assert "none of" not in text


def forecast(folder: Path, condition: str, **measures: float) -> Forecast:
    known = guideline(folder, CLOCKS.replace("{condition}", condition))
    answers = asked(known, findings={"condition": "present"}, measures=measures)
    return when(answers, lambda later: pipeline.ask(known, later))


@pytest.mark.parametrize(
    ("condition", "day"),
    [
        ("measure(P, free, W), W >= 6", date(2026, 1, 15)),
        ("measure(P, free, W), measure(P, needed, N), W >= N", date(2026, 1, 15)),
        ("measure(P, free, W), measure(P, needed, N), N - W <= 1", date(2026, 1, 8)),
        ("measure(P, free, W), 10 - W <= 4", date(2026, 1, 15)),
        ("measure(P, free, W), measure(P, needed, N), W + N >= 12", date(2026, 1, 15)),
    ],
)
def test_the_day_is_found_for_every_kind_of_comparison(condition: str, day: date, tmp_path: Path) -> None:
    """Sums, differences and negative factors were missed, and it was said that nothing changes."""
    found = forecast(tmp_path / "g", condition, free=4, needed=6)
    assert [(e.day, e.before, e.after) for e in found.events] == [(day, "not_now", "recommended")]
    assert found.assumptions == ("the patient stays off the drug",)


def test_every_day_of_ten_weeks_agrees(tmp_path: Path) -> None:
    """Asked on each day, the answer changes on the days that were foretold and on no other."""
    known = guideline(
        tmp_path / "g",
        CLOCKS.replace("{condition}", "measure(P, free, W), measure(P, needed, N), W >= N, measure(P, free, V), V < 9"),
    )
    answers = asked(known, findings={"condition": "present"}, measures={"free": 4.5, "needed": 6})
    foretold = {e.day.isoformat(): e.after for e in when(answers, lambda later: pipeline.ask(known, later)).events}
    seen, last = {}, answers.answers[0].status
    for passed in range(1, 70):
        day = date.fromordinal(date(2026, 1, 1).toordinal() + passed)
        ticks = 4500 * 7 + passed * 1000
        given = asked(
            known, as_of=day.isoformat(), findings={"condition": "present"},
            measures={"free": {"between": [ticks // 7 / 1000, -(-ticks // 7) / 1000]}, "needed": 6},
        ).answers[0].status  # fmt: skip
        if given is not last:
            seen[day.isoformat()], last = given.value, given
    assert foretold == seen
    assert len(seen) >= 2


def test_a_unit_without_a_length_in_days_is_said_not_to_be_looked_at(tmp_path: Path) -> None:
    rules = """
.measure months "months of care" unit(month) range(0, 120) clock("care goes on")
.intervention stop "stopping"
#[id = "R3", statements = ["S1"], cites = [1], says = "Stop now"]
advise(P, stop, do) :- in_scope(P), measure(P, months, W), W >= 6.
"""
    known = guideline(tmp_path / "g", rules)
    answers = asked(known, findings={"condition": "present"}, measures={"months": 5})
    found = when(answers, lambda later: pipeline.ask(known, later))
    assert found.events == ()
    assert found.not_looked_at == ("months of care",)
