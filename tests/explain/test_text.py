"""The explanations as a person reads them: short, in words, with the guideline's own doubt."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from explaining import KB, answers_for, lumbar, main_answers, patient, vignette
from guidelog import pipeline
from guidelog.cli import missing as missing_command
from guidelog.cli import what_if as what_if_command
from guidelog.cli import why as why_command
from guidelog.cli.interview import interview
from guidelog.explain.changes.when import when
from guidelog.explain.why_not import why_not
from guidelog.text.why_not import why_not_summary
from programs import compiled_of, patient_of

PATIENTS = ("seed", "surgery-care-18-weeks", "red-flag-saddle-anesthesia", "therapy-not-formal", "nothing-known")
MAIN = ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation", "surgical_referral")


def run(command: object, *arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(command, [*arguments, "-g", str(KB)], input=stdin, catch_exceptions=False)  # type: ignore[arg-type]
    assert result.exit_code == 0, result.output
    return result


def file_of(name: str) -> str:
    return str(KB / "vignettes" / f"{name}.yaml")


@pytest.mark.parametrize("name", PATIENTS)
@pytest.mark.parametrize("command", ["why", "why_not"])
@pytest.mark.parametrize("depth", ["line", "summary"])
def test_no_names_of_the_program_outside_full(name: str, command: str, depth: str) -> None:
    text = run(getattr(why_command, command), file_of(name), "--depth", depth).output
    assert not re.search(r"[a-z0-9]_[a-z]", text), text
    assert ":-" not in text
    assert not re.search(r"\w\(\w*,?\w*\)", text.replace("(s)", ""))


@pytest.mark.parametrize("name", PATIENTS)
def test_missing_what_if_and_when_say_no_names_of_the_program(name: str) -> None:
    for text in (
        run(missing_command.missing, file_of(name)).output,
        run(missing_command.missing, file_of(name), "--next").output,
        run(what_if_command.what_if, file_of(name), "--to", "recommended").output,
        run(what_if_command.what_if, file_of(name), "--set", "saddle_anesthesia=present").output,
        run(what_if_command.when, file_of(name)).output,
    ):
        assert not re.search(r"[a-z0-9]_[a-z]", text), text


@pytest.mark.parametrize("intervention", MAIN)
def test_a_summary_of_the_seed_patient_is_short(intervention: str) -> None:
    text = run(why_command.why, file_of("seed"), intervention).output
    lines = [line for line in text.splitlines() if line and not line.startswith("[x] met")]
    assert len(lines) <= 12, text


def test_full_has_rules_statements_citations_and_sources() -> None:
    text = " ".join(run(why_command.why, file_of("seed"), "nerve_root_injection", "--depth", "full").output.split())
    assert "rule INJ-2, S18 [2, 3]" in text
    assert "weeks of conservative care: 0 weeks, at least 6 needed" in text.lower()
    assert "recorded: the article speaks of the initial stage" in text
    assert "Q02: It has failed when" in text


def test_the_guidelines_doubt_is_shown() -> None:
    text = " ".join(run(why_command.why, file_of("surgery-care-18-weeks"), "surgical_referral").output.split())
    assert "because the guideline leaves it to judgement" in text
    assert "at least 12 to 26 needed, and the guideline leaves open where in that range" in text
    assert "Q01: The range is kept" in text
    assert "is a draft" in text
    full = run(why_command.why, file_of("every-visit"), "neurological_examination", "--depth", "full").output
    assert "The source never resolves reference" in full


def test_why_not_shows_what_is_not_required() -> None:
    text = (
        run(why_command.why_not, file_of("surgery-without-injection"), "surgical_referral").output
        + run(why_command.why_not, file_of("seed"), "surgical_referral").output
    )
    assert "[-] Nerve root injection given" in text


def test_json_is_the_same_every_time_and_a_graph() -> None:
    first = run(why_command.why, file_of("seed"), "--format", "json").output
    assert first == run(why_command.why, file_of("seed"), "--format", "json").output
    for explained in json.loads(first)["explanations"]:
        nodes = {n["id"]: n for n in explained["proof"]["nodes"]}
        assert set(explained["proof"]["roots"]) <= set(nodes)
        assert all(p in nodes for n in nodes.values() for p in n.get("premises", ()))


# ---------------------------------------------------------------- when


@pytest.mark.parametrize(
    "name", ["seed", "surgery-care-18-weeks", "care-41-days", "care-5-9-weeks", "surgery-care-83-days"]
)
def test_answers_change_on_the_day_and_not_the_day_before(name: str) -> None:
    from datetime import timedelta

    from guidelog.explain.changes.when import _growing, _on

    answers = answers_for(name)
    asked = [a.intervention for a in main_answers(answers)]
    forecast = when(answers, lambda later: pipeline.ask(lumbar(), later, asked))
    for event in forecast.events:
        growing = _growing(answers)
        for day, expected in ((event.day - timedelta(days=1), event.before), (event.day, event.after)):
            later = pipeline.ask(
                lumbar(), patient(_on(answers.patient, growing, day, answers.names)), [event.intervention]
            )
            assert later.answers[0].status.value == expected
    if name == "seed":
        assert {(e.day.isoformat(), e.intervention) for e in forecast.events} >= {
            ("2025-12-25", "nerve_root_injection")
        }


def test_an_uncertain_start_gives_days_between() -> None:
    content = {**vignette("care-start-vaguely-dated").content}
    content["measures"] = {
        **content["measures"],
        "conservative_care_weeks": {"since": {"between": ["2025-10-20", "2025-10-30"]}},
    }
    answers = pipeline.ask(lumbar(), patient(content), ["nerve_root_injection"])
    forecast = when(answers, lambda later: pipeline.ask(lumbar(), later, ["nerve_root_injection"]))
    assert [(e.day.isoformat(), e.after) for e in forecast.events] == [
        ("2025-12-01", "undetermined"),
        ("2025-12-11", "consider"),
    ]
    last = forecast.events[-1]
    assert last.earliest is not None
    assert last.earliest.isoformat() == "2025-12-01"


# ---------------------------------------------------------------- interview


def talk(name: str, replies: str, *more: str) -> Result:
    return run(interview, file_of(name), *more, stdin=replies)


def test_an_interview_writes_a_record_that_ask_reads(tmp_path: Path) -> None:
    out = tmp_path / "done.yaml"
    result = talk("seed", "none\n", "--out", str(out))
    assert "1 question answered" in result.stderr
    from guidelog.patients import read_patient, read_text

    record = read_patient(read_text(out), lumbar().names.vocabulary)
    answers = pipeline.ask(lumbar(), record)
    assert {a.intervention: a.status.value for a in main_answers(answers)} == dict.fromkeys(MAIN, "not_now")


def test_what_no_longer_matters_is_not_asked() -> None:
    result = talk("seed", "o\ny\n")
    assert "2 questions answered" in result.stderr
    assert "urinary_retention: present" in result.stdout


def test_the_end_keeps_what_was_said() -> None:
    result = talk("seed", "o\nn\nn\nq\n")
    assert "stopped" in result.stderr
    assert "urinary_retention: absent" in result.stdout
    assert "urinary_incontinence: absent" in result.stdout
    assert "screens" not in result.stdout


def test_not_known_is_not_asked_again() -> None:
    result = talk("seed", "?\n")
    assert "1 question answered" in result.stderr
    assert "undetermined" in result.stderr


def test_a_screen_by_numbers_and_a_reply_that_cannot_be_read() -> None:
    result = talk("seed", "eleven\n4\n")
    assert "numbers such as" in result.stderr
    assert "saddle_anesthesia: present" in result.stdout
    assert "red_flags: complete" in result.stdout


HISTORY_OPEN = """
patient: someone
as_of: 2025-11-13
findings: {chronic_radiculopathy: present, level_l5_s1: present, symptoms_persist: present}
screens: {red_flags: complete}
"""


def about_history(folder: Path, replies: str) -> Result:
    path = folder / "someone.yaml"
    path.write_text(HISTORY_OPEN, encoding="utf-8")
    return run(interview, str(path), "nerve_root_injection", stdin=replies)


def test_a_contradictory_reply_is_refused(tmp_path: Path) -> None:
    """Therapy cannot be formal when exercise was at home only; saying so is refused, and asked again."""
    result = about_history(tmp_path, "1 3 4\n6\n6\nq\n")
    assert "contradicts itself" in result.stderr
    assert "formal_physical_therapy: present" not in result.stdout


def test_completing_a_screen_does_not_invent_weeks(tmp_path: Path) -> None:
    result = about_history(tmp_path, "1 2 4\n?\n0\nmany\n8\nq\n")
    assert "cannot be `many`" in result.stderr
    assert "physical_therapy_weeks: unknown" in result.stdout
    assert "conservative_care_weeks: 8" in result.stdout
    assert "treatment_history: complete" in result.stdout


def test_a_reply_that_cannot_be_is_refused_in_the_words_of_the_interview(tmp_path: Path) -> None:
    result = about_history(tmp_path, "1 4\n9..8\n7777\nsince 2025-13-01\nsince 2030-01-01\nq\n")
    for why in (
        "cannot be `9..8`; it takes a number",
        "weeks of physical therapy can be from 0 weeks to 520 weeks",
        "write a day with year, month and day",
        "the record describes 2025-11-13: a start cannot be later",
    ):
        assert why in result.stderr


def test_a_question_without_a_reply_is_not_counted() -> None:
    for replies in ("", "q\n", "huh\n", "huh\nq\n"):
        assert "0 questions answered" in talk("seed", replies).stderr


# ---------------------------------------------------------------- what must not be said wrongly


def test_below_a_threshold_is_less_than_it() -> None:
    """At 12 weeks the referral is not refused any more, so `at most 12 weeks` would be untrue."""
    text = run(what_if_command.what_if, file_of("surgery-care-18-weeks"), "surgical_referral", "--to", "not_now").output
    assert "Weeks of conservative care: less than 12 weeks" in text
    assert "at most" not in text


def test_what_should_not_be_is_worded_the_other_way_round() -> None:
    text = """
.statement S1 "one thing" kind(do) cites()
.measure ma "weeks of care" unit(week) range(0, 100)
.finding fa "a sign" true("there is a sign") false("there is no sign")
.intervention ia "a treatment"
.concept in_scope(P: patient) true("in scope") false("not in scope")
.concept late(P: patient) true("it is late") false("it is not late")
#[id = "SC", statements = ["S1"], cites = []]
in_scope(P) :- patient(P).
#[id = "L1", statements = ["S1"], cites = []]
late(P) :- measure(P, ma, W), W >= 8.
#[id = "A1", statements = ["S1"], cites = [], strength = strong, says = "treat"]
advise(P, ia, do) :- in_scope(P), !late(P), !finding(P, fa).
"""
    compiled = compiled_of(text)
    answers = pipeline.ask(compiled, patient_of(compiled, findings={"fa": "present"}, measures={"ma": 9}))
    (candidate,) = why_not(answers, answers.answers[0]).candidates
    assert [b.criterion.says for b in candidate.blockers] == [
        "Weeks of care: 9 weeks, less than 8 needed",
        "There is no sign",
    ]


ALTERNATIVES = """
.statement S1 "one thing" kind(do) cites()
.measure ma "age" unit(day) range(0, 100)
.measure mb "days since the shot" unit(day) range(0, 100)
.measure mc "pressure" unit(mmhg) range(0, 300)
.finding fa "a sign"
.finding fb "another sign"
.finding fc "a third sign"
.intervention ia "a treatment"
.concept in_scope(P: patient) true("in scope") false("not in scope")
.concept ready(P: patient) true("it is ready") false("it is not ready")
#[id = "SC", statements = ["S1"], cites = []]
in_scope(P) :- patient(P).
#[id = "R1", statements = ["S1"], cites = []]
ready(P) :- finding(P, fa).
#[id = "R2", statements = ["S1"], cites = []]
ready(P) :- finding(P, fb).
#[id = "A1", statements = ["S1"], cites = [], strength = strong, says = "treat"]
advise(P, ia, do) :- in_scope(P), ready(P), finding(P, fc), measure(P, ma, V), measure(P, mb, W), V - W >= 24,
    measure(P, mc, X), X >= 90.
"""


def test_alternatives_stand_apart_from_what_is_required() -> None:
    compiled = compiled_of(ALTERNATIVES)
    answers = pipeline.ask(compiled, patient_of(compiled, measures={"mc": 80}))
    refused = why_not(answers, answers.answers[0])
    (candidate,) = refused.candidates
    assert {b.criterion.input for b in candidate.required} == {"fc", "mc", None}
    (choice,) = candidate.choices
    assert choice.any_one
    assert [b.criterion.input for b in choice.blockers] == ["fa", "fb"]
    text = " ".join(why_not_summary(refused, answers).split())
    assert "ANY one is enough for this: it is ready. As it is now: a sign: not known; another sign: not known." in text
    assert "Age minus days since the shot" in text
    assert "80 mmHg" in text


def test_an_interview_ends_on_an_emergency_with_what_to_do() -> None:
    result = talk("red-flag-saddle-anesthesia", "q\n")
    shown = result.stderr
    assert shown.index("EMERGENCY") < shown.index("saddle anaesthesia") < shown.index("MRI of the lumbar spine: urgent")
    assert "Send the patient for emergency evaluation now" in shown


def test_another_route_is_not_denied() -> None:
    """An urgent MRI has its ordinary route as well, and the summary shows it."""
    line = run(why_command.why_not, file_of("red-flag-saddle-anesthesia"), "mri_lumbar", "--depth", "line").output
    assert line.strip().endswith("It is advised.")
    assert (
        "What `recommended` would need"
        in run(why_command.why_not, file_of("red-flag-saddle-anesthesia"), "mri_lumbar").output
    )


def test_a_source_is_told_where_the_record_names_one() -> None:
    text = " ".join(run(why_command.why, file_of("red-flag-saddle-anesthesia"), "mri_lumbar").output.split())
    assert "(the patient has saddle anaesthesia; source: visit note 2025-11-13)" in text
