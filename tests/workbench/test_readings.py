"""What a reading changes: found over all patients, shown on one, and checked on that one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from guidelog.language.guideline import load_guideline
from guidelog.patients import patient_from_content
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.status import Status
from guidelog.workbench.trace.readings import effects
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files
from toy_guideline import FULL, RULES, TOML

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
READING = """\
.decision Q1 "how long"
    decided("six weeks")
.reading trial "how long"
    decision(Q1)
    option(six, "six weeks") option(four, "four weeks") option(same, "six weeks, said otherwise")
    chosen(six)
"""


def _folder(folder: Path) -> Path:
    rule = RULES[RULES.index('#[id = "DO"') :]
    rules = RULES + READING
    for option, body in (("four", "W >= 4"), ("same", "W > 5, W >= 6")):
        text = rule.replace('"DO"', f'"DO-{option}", reading = trial, option = {option}').replace("W >= 6", body)
        rules += "\n" + text
    rules = rules.replace('#[id = "DO",', '#[id = "DO", reading = trial, option = six,', 1)
    (folder / "guideline.toml").write_text(TOML, encoding="utf-8")
    (folder / "rules.dl").write_text(rules, encoding="utf-8")
    (folder / "vignettes").mkdir()
    for number, record in enumerate(FULL):
        text = f"patient: v{number}\n{record}\nexpect: {{why: because}}\n"
        (folder / "vignettes" / f"v{number}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_an_option_that_says_the_same_changes_nothing_and_another_something(tmp_path: Path) -> None:
    compiled = compile_guideline(load_guideline(str(_folder(tmp_path))))
    vignettes = read_vignettes(vignette_files(compiled.guideline), compiled.names)
    found = {e.option: e for e in effects(compiled, vignettes)}
    assert found["same"].answers == ()
    assert found["same"].vignettes == ()
    (answer,) = found["four"].answers or ()
    assert (answer.intervention, answer.before, answer.after) == ("step_a", Status.NOT_NOW, Status.RECOMMENDED)
    assert 4 <= answer.patient["measures"]["waiting"] < 6
    assert found["four"].vignettes == ("v1",)  # 5.9 weeks


def test_the_witness_is_what_ask_says_under_both_options() -> None:
    compiled = compile_guideline(load_guideline(str(KB)))
    vignettes = read_vignettes(vignette_files(compiled.guideline), compiled.names)
    found = list(effects(compiled, vignettes))
    assert {e.option for e in found} == {"strict", "lax", "any_time", "any_care", "outside", "both_for_the_whole_time"}
    for effect in found:
        assert len(effect.vignettes) > 3
        other = compile_guideline(compiled.guideline, {effect.reading.name: effect.option})
        for answer in effect.answers or ():
            patient = patient_from_content(
                {"patient": "w", "as_of": "2025-01-01", **answer.patient}, compiled.names.vocabulary
            )
            before, after = (ask(c, patient, [answer.intervention]).answers[0].status for c in (compiled, other))
            assert (before, after) == (answer.before, answer.after)
            assert before is not after


def test_the_command(tmp_path: Path) -> None:
    code = "from guidelog.cli import main; main()"
    arguments = ["readings", "-g", str(_folder(tmp_path)), "--format", "json"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["in_force"] == {"trial": "six"}
    assert [e["option"] for e in data["effects"]] == ["four", "same"]
