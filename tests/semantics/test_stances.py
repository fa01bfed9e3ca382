"""The closed set of stances: each alone through every surface, and one more in a copy of the program.

A stance that passes `check` and `verify` and then has no answer would be the worst of both; this is the net under it.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import guidelog
from guidelog.compiled import ALARMING
from guidelog.language.stances import STANCES, STANCES_AGAINST, STANCES_FOR, Stance
from guidelog.semantics.status import Status, decide, formulas, status_of, status_of_stance
from guidelog.wording.presentation import presentation

ROOT = Path(__file__).parents[2]
TOML = (
    'id = "one"\ntitle = "One stance"\nversion = "1"\nreview = "draft"\nmain = ["step_a"]\n[source]\ntitle = "none"\n'
)
RULES = """\
.finding sign_a "sign A"
.finding sign_b "sign B"
.intervention step_a "step A"
.statement S1 "about step A" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("not in scope")

#[id = "SCOPE", statements = ["S1"]]
in_scope(P) :- finding(P, sign_a).

#[id = "ADVICE", statements = ["S1"], cites = [], says = "The rule speaks of step A"]
advise(P, step_a, STANCE) :- in_scope(P), finding(P, sign_b).
"""
RECORD = {"patient": "p", "findings": {"sign_a": "present", "sign_b": "present"}}


def folder_of(where: Path, stance: str) -> Path:
    folder = where / "one"
    folder.mkdir()
    (folder / "guideline.toml").write_text(TOML, encoding="utf-8")
    (folder / "rules.dl").write_text(RULES.replace("STANCE", stance), encoding="utf-8")
    return folder


@pytest.mark.parametrize("stance", STANCES)
def test_each_stance_alone_has_an_answer_on_every_surface(stance: Stance, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from test_meaning import check as on_every_engine

    from guidelog.fhir.writing.guidance_response import answers_to_fhir
    from guidelog.web.pages.clinician.answer_cards import card

    guideline = guidelog.load(folder_of(tmp_path, stance))
    status, shown = status_of_stance(stance), presentation(status_of_stance(stance))
    answers = guideline.ask(RECORD)
    assert answers["step_a"].status is status
    assert answers["step_a"].rules == ("ADVICE",)
    assert guidelog.check_certificate(answers.certificate, tmp_path / "one", answers.patient.content)
    assert shown.word in str(answers).casefold()
    assert shown.word in str(guideline.why(answers, "step_a")).casefold()
    assert guideline.why_not(answers, "step_a").to_dict()["answer"]["status"] == status.value
    assert card(answers.found, answers["step_a"]).word == shown.word
    bundle = answers_to_fhir(answers.found, None)
    plan = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "CarePlan")
    assert plan["activity"][0]["detail"]["status"] == shown.fhir_activity
    assert b"step a" in guideline.diagram("patient", answers, format="text").lower()
    assert b"ADVICE" in guideline.diagram("pathway", format="text")
    assert guideline.check().errors == 0
    assert guideline.verify().complete
    [engines] = on_every_engine(guideline.compiled, [RECORD], sql=True)
    assert engines is not None
    assert [(one.intervention, one.status) for one in engines] == [("step_a", status)]


def test_formulas_decide_all_combinations_as_the_table_of_the_language_does() -> None:
    @dataclass(frozen=True)
    class Booleans:
        def both(self, parts: object) -> bool:
            return all(parts)  # type: ignore[call-overload]

        def either(self, parts: object) -> bool:
            return any(parts)  # type: ignore[call-overload]

        def negate(self, value: bool) -> bool:
            return not value

    for flags in itertools.product((False, True), repeat=len(STANCES)):
        held = dict(zip(STANCES, flags, strict=True))
        for scope in (False, True):
            found = formulas(Booleans(), held, scope)
            assert [s for s, holds in found.items() if holds] == [decide([s for s in held if held[s]], scope)]


def test_three_values_are_exact_for_all_stances_and_the_scope() -> None:
    for values in itertools.product((True, False, None), repeat=4):
        stances = dict(zip((Stance.URGENT, Stance.HOLD, Stance.DO, Stance.DEFER), values, strict=True))
        open_ = [s for s, value in stances.items() if value is None]
        certain = {s for s, value in stances.items() if value is True}
        ways = itertools.product((True, False), repeat=len(open_))
        found = {decide(certain | {s for s, taken in zip(open_, way, strict=True) if taken}, True) for way in ways}
        assert status_of(stances, True) is (found.pop() if len(found) == 1 else Status.UNDETERMINED)


def test_every_stance_is_on_one_side_and_every_status_has_a_row() -> None:
    assert {*STANCES_FOR, *STANCES_AGAINST, Stance.EMERGENCY, Stance.HOLD} == set(Stance)
    assert len({presentation(status).urgency for status in Status}) == len(Status)


def test_what_is_alarming_is_what_is_presented_as_an_emergency() -> None:
    assert {stance for stance in Stance if presentation(status_of_stance(stance)).emergency} == ALARMING


def edit(copy: Path, name: str, *changes: tuple[str, str]) -> None:
    path = copy / name
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, f"{name}: {before}"
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with one more stance for, `prefer`, in the enum alone."""
    copy = tmp_path_factory.mktemp("copy") / "guidelog"
    shutil.copytree(ROOT / "engine", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs" / "codes", copy / "codes")
    shutil.copytree(ROOT / "kb", copy / "kb")
    edit(copy, "language/stances.py", ('    DO = "do"\n', '    PREFER = "prefer"\n    DO = "do"\n'))
    return copy


def complete(copy: Path) -> None:
    """What else a stance needs: its side, its status, the status' row, the checker's own lists and a word."""
    edit(copy, "language/stances.py", ("Stance.URGENT | Stance.DO", "Stance.URGENT | Stance.PREFER | Stance.DO"))
    edit(
        copy,
        "semantics/status.py",
        ('    RECOMMENDED = "recommended"\n', '    PREFERRED = "preferred"\n    RECOMMENDED = "recommended"\n'),
        (
            "        case Stance.DO:\n",
            "        case Stance.PREFER:\n            return Status.PREFERRED\n        case Stance.DO:\n",
        ),
    )
    table = (copy / "wording" / "presentation.py").read_text(encoding="utf-8")
    row = re.search(r"        case Status\.RECOMMENDED:\n(?:            .*\n)+", table)
    assert row
    more = row[0].replace("Status.RECOMMENDED", "Status.PREFERRED")
    edit(copy, "wording/presentation.py", (row[0], more + row[0]))
    edit(
        copy,
        "wording/english.py",
        ('    "status.recommended":', '    "status.preferred": "preferred",\n    "status.recommended":'),
        ('    "stance.do":', '    "stance.prefer": "preferred",\n    "stance.do":'),
    )
    edit(
        copy,
        "diagrams/pathway/model.py",
        (
            "        case Stance.DO:\n",
            '        case Stance.PREFER:\n            return "Prefer"\n        case Stance.DO:\n',
        ),
    )
    edit(copy, "checker/grounding.py", ('"do", "consider"', '"prefer", "do", "consider"'))
    edit(
        copy,
        "checker/steps.py",
        ('FOR, AGAINST = {"do"', 'FOR, AGAINST = {"prefer", "do"'),
        ('ADVICE = {"do"', 'ADVICE = {"prefer": "preferred", "do"'),
    )


@pytest.mark.slow
def test_the_type_checker_names_every_place_that_has_to_decide(copy: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            str(copy / "semantics"),
            str(copy / "wording"),
            str(copy / "diagrams"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=copy.parent,
        timeout=600,
    )
    named = set(re.findall(r"guidelog/([a-z_/]+\.py):\d+: error: Argument 1 to \"assert_never\"", done.stdout))
    assert named == {"language/stances.py", "semantics/status.py", "diagrams/pathway/model.py"}


def test_one_more_stance_is_answered_everywhere(copy: Path, tmp_path: Path) -> None:
    complete(copy)
    folder = folder_of(tmp_path, "prefer")
    code = f"""
import guidelog
assert guidelog.__file__.startswith({str(copy)!r}), guidelog.__file__
guideline = guidelog.load({str(folder)!r})
answers = guideline.ask({RECORD!r})
assert answers["step_a"].status.value == "preferred", answers["step_a"]
assert guidelog.check_certificate(answers.certificate, {str(folder)!r}, answers.patient.content)
assert guideline.check().errors == 0
verified = guideline.verify()
assert verified.complete and not verified.failed
assert "preferred" in str(answers) and "preferred" in str(guideline.why(answers, "step_a"))
assert b"ADVICE" in guideline.diagram("patient", answers, format="text")
assert guideline.diagram("patient", answers, format="svg")
open_ = guideline.ask({{"patient": "p", "findings": {{"sign_a": "present"}}}})
assert [s.value for s in open_["step_a"].if_resolved] == ["preferred", "not_now"], open_["step_a"].if_resolved
from guidelog.cli import main
import sys
sys.exit(main(["cohort", "patients.csv", "-g", {str(folder)!r}, "--out", "answers.csv"]))
"""
    (tmp_path / "patients.csv").write_text("patient,sign_a,sign_b\np,present,present\n", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(copy.parent), "GUIDELOG_CACHE": "off"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=env, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert '"preferred"' in (tmp_path / "answers.csv").read_text(encoding="utf-8")
