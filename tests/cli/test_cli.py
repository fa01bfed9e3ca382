"""The command line as other programs hold on to it: JSON, exit codes, streams (shared design/interface.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from guidelog.cli.main import _guidelog
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import patient_from_content, remarks

ROOT = Path(__file__).parents[2]
VIGNETTES = ROOT / "kb" / "lumbar_radiculopathy" / "vignettes"
SEED = VIGNETTES / "seed.yaml"
MAIN = ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation", "surgical_referral")


def guidelog(*words: str, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "guidelog.cli", *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def ask(*words: str, text: str | None = None) -> dict[str, Any]:
    done = guidelog("ask", *words, "--format", "json", text=text)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answer(document: dict[str, Any], intervention: str) -> dict[str, Any]:
    return next(a for a in document["answers"] if a["intervention"] == intervention)


def test_json_has_the_public_shape() -> None:
    document = ask(str(SEED))
    assert document["guideline"]["id"] == "lumbar-radiculopathy"
    assert document["guideline"]["review"] == "draft"
    assert len(document["guideline"]["sha256"]) == 64
    assert document["patient"] == {"id": "seed-case", "as_of": "2025-11-13", "sha256": document["patient"]["sha256"]}
    assert len(document["answers"]) == 19
    keys = {
        "intervention",
        "status",
        "undetermined_because",
        "says",
        "rules",
        "statements",
        "citations",
        "strength",
        "if_resolved",
        "questions",
        "includes",
        "certified",
    }
    for found in document["answers"]:
        assert keys <= set(found)
        assert found["certified"] is True
    assert all({"statement", "says"} <= set(note) for note in document["notes"])


def test_seed_patient_as_the_interface_says() -> None:
    mri = answer(ask(str(SEED), "mri_lumbar"), "mri_lumbar")
    assert (mri["status"], mri["undetermined_because"]) == ("undetermined", "missing_data")
    assert sorted(mri["if_resolved"]) == ["not_now", "urgent"]
    assert mri["questions"] == [["screen:red_flags"]]
    assert "IMG-1" in mri["rules"]
    assert "S10" in mri["statements"]
    assert mri["citations"] == [1]


def test_negative_screen_and_empty_history_is_not_now() -> None:
    record = "patient: p\nas_of: 2025-11-13\nfindings: {chronic_radiculopathy: present, level_l5_s1: present}\n"
    record += "screens: {red_flags: complete, treatment_history: complete}\n"
    document = ask("-", text=record)
    assert answer(document, "mri_lumbar")["status"] == "not_now"
    assert {a["screen"] for a in document["assumptions"]} == {"red_flags", "treatment_history"}


def test_patient_as_json_from_stdin() -> None:
    document = ask("-", "mri_lumbar", text=json.dumps({"patient": "p", "findings": {"saddle_anesthesia": "present"}}))
    assert answer(document, "mri_lumbar")["status"] == "urgent"


def test_named_interventions_only_and_in_that_order() -> None:
    document = ask(str(SEED), "surgical_referral", "mri_lumbar")
    assert [a["intervention"] for a in document["answers"]] == ["surgical_referral", "mri_lumbar"]


def test_text_names_statements_and_citations_and_the_first_question() -> None:
    done = guidelog("ask", str(SEED))
    assert done.returncode == 0
    assert "undetermined" in done.stdout
    assert "red flag" in done.stdout
    assert "S10" in done.stdout
    assert "draft" in done.stdout
    assert "healthcare professionals" in done.stdout
    assert "\x1b" not in done.stdout, "no colour into a pipe"


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("patient: p\nfindings: {saddle_anasthesia: present}\n", "saddle_anesthesia"),
        ("patient: p\nfindings: {mri_done: absent}\nfindings: {mri_done: present}\n", "findings"),
        ("findings: {}\n", "patient"),
        ("{", ""),
        ("", ""),
    ],
)
def test_bad_records_are_refused(record: str, says: str) -> None:
    done = guidelog("ask", "-", text=record)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error[GL4" in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("patient: p\nfindings: {saddle_anesthesia: yes}\n", "saddle anaesthesia (yes)"),
        ("patient: p\nfindings: {mri_correlates: present, mri_done: absent}\n", "contradicts itself"),
        ("patient: p\nas_of: 2025-01-01\nmeasures: {symptom_weeks: {since: 2025-06-01}}\n", "after"),
        ("patient: p\nmeasures: {conservative_care_weeks: many}\n", "weeks of conservative care (many)"),
    ],
)
def test_what_cannot_be_used_of_a_record_is_named_and_the_rest_is_answered(record: str, says: str) -> None:
    done = guidelog("ask", "-", text=record)
    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert "Not read: " in said
    assert says.casefold() in said.casefold()


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "no-such-file.yaml"),
        ("ask", str(SEED), "mri_lumbra"),
        ("ask", str(SEED), "--guideline", "no-such-guideline"),
        ("ask", str(SEED), "--reading", "surgical_trial=whatever"),
        ("ask", str(SEED), "--reading", "surgical_trial"),
        ("ask", str(SEED), "--format", "xml"),
        ("ask",),
        ("askk", str(SEED)),
        ("what-if", str(SEED)),
        ("what-if", str(SEED), "--set", "nonsense=present"),
        ("what-if", str(SEED), "--to", "certain"),
        ("check-certificate", str(SEED), str(SEED)),
    ],
)
def test_wrong_calls_exit_with_2(words: tuple[str, ...]) -> None:
    done = guidelog(*words)
    assert done.returncode == 2, done.stdout
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_readings_change_the_answer() -> None:
    path = str(VIGNETTES / "surgery-18-weeks.yaml") if (VIGNETTES / "surgery-18-weeks.yaml").exists() else None
    record = eighteen_weeks() if path is None else Path(path).read_text()
    kept, strict, lax = (
        answer(ask("-", "surgical_referral", "--reading", f"surgical_trial={option}", text=record), "surgical_referral")
        for option in ("kept", "strict", "lax")
    )
    assert (kept["status"], kept["undetermined_because"]) == ("undetermined", "guideline_range")
    assert strict["status"] == "not_now"
    assert lax["status"] == "recommended"


def eighteen_weeks() -> str:
    present = (
        "chronic_radiculopathy level_l5_s1 symptoms_persist formal_physical_therapy physical_therapy_completed nsaid_tried "
        "intervention_candidate surgical_candidate functional_impairment mri_done mri_correlates instability_documented"
    )
    findings = ", ".join(f"{name}: present" for name in present.split())
    measures = "conservative_care_weeks: 18, physical_therapy_weeks: 12"
    return f"patient: p\nfindings: {{{findings}}}\nmeasures: {{{measures}}}\nscreens: {{red_flags: complete}}\n"


def test_every_help_has_an_example() -> None:
    listed = guidelog("--help").stdout
    names = [
        line.split()[0]
        for line in listed.partition("Commands:")[2].splitlines()
        if line.startswith("  ") and line[2] != " "
    ]
    assert {"ask", "why", "why-not", "missing", "what-if", "when", "certify", "check-certificate", "check"} <= set(
        names
    )
    for name in names:
        done = guidelog(name, "--help")
        assert done.returncode == 0
        assert "guidelog " + name in done.stdout, f"{name} --help shows no example"


def test_python_cli_py_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "cli.py", "ask", str(SEED)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 0
    assert done.stdout == guidelog("ask", str(SEED), COLUMNS="100").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("redirect", "code"), [(">&-", 0), (">/dev/full", 2)])
def test_output_that_goes_nowhere_is_no_traceback(redirect: str, code: int) -> None:
    call = f'"{sys.executable}" -m guidelog.cli ask kb/lumbar_radiculopathy/vignettes/seed.yaml {redirect}'
    done = subprocess.run(["sh", "-c", call], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_a_record_of_a_day_to_come_is_answered_with_a_remark(tmp_path: Path) -> None:
    path = tmp_path / "later.yaml"
    path.write_text("patient: p\nas_of: 2999-01-01\nfindings: {saddle_anesthesia: present}\n", encoding="utf-8")
    run = CliRunner().invoke
    for words in (("ask",), ("why",), ("diagram", "patient", "--format", "text"), ("facts",)):
        done = run(_guidelog, [*words, str(path)])
        assert done.exit_code == 0
        assert "warning[GL422]: the record describes 2999-01-01, a day that is still to come" in done.stderr
        assert f"{path}:2:8" in done.stderr
        assert "GL422" not in done.stdout
        assert "GL422" not in run(_guidelog, [*words, str(SEED)]).stderr
    remarked, plain = (json.loads(run(_guidelog, ["ask", str(p), "--format", "json"]).stdout) for p in (path, SEED))
    assert [(r["code"], r["severity"], r["labels"][0]["line"]) for r in remarked["remarks"]] == [
        ("GL422", "warning", 2)
    ]
    assert plain["remarks"] == []


def test_a_day_that_has_begun_somewhere_is_not_to_come() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    records = [
        patient_from_content({"patient": "p", "as_of": day}, Vocabulary())
        for day in ("2026-05-01", "2026-05-02", "2026-05-03")
    ]
    assert [len(remarks(record, noon)) for record in records] == [0, 0, 1]
