"""Mutants: each kind is made, noticed where a vignette looks, and reported with a patient where none does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from guidelog.compiled import Compiled
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import check, compile_guideline
from guidelog.workbench.mutation.mutants import mutants
from guidelog.workbench.mutation.survivors import EQUIVALENT, KILLED, SURVIVED, Mutation, mutate
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files
from toy_guideline import FULL, RULES, TOML

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
EXPECT = ("recommended", "not_now", "outside_guideline", "not_now", "not_now")


def _guideline(folder: Path, records: Iterable[str], rules: str = RULES) -> Compiled:
    (folder / "guideline.toml").write_text(TOML, encoding="utf-8")
    (folder / "rules.dl").write_text(rules, encoding="utf-8")
    (folder / "vignettes").mkdir(exist_ok=True)
    for number, record in enumerate(records):
        (folder / "vignettes" / f"v{number}.yaml").write_text(f"patient: v{number}\n{record}\n", encoding="utf-8")
    return compile_guideline(load_guideline(str(folder)))


def _mutation(compiled: Compiled) -> Mutation:
    return Mutation(tuple(mutate(compiled, read_vignettes(vignette_files(compiled.guideline), compiled.names))))


def _expecting(records: Iterable[str], statuses: Iterable[str]) -> list[str]:
    return [f"{r}\nexpect: {{answers: {{step_a: {s}}}}}" for r, s in zip(records, statuses, strict=True)]


def test_good_vignettes_notice_all_but_the_equivalent(tmp_path: Path) -> None:
    one_more = "findings: {sign_a: present, sign_b: absent, sign_c: present}\nmeasures: {waiting: 6}"
    found = _mutation(_guideline(tmp_path, _expecting([*FULL, one_more], [*EXPECT, "recommended"])))
    assert found.of(SURVIVED) == []
    assert found.score == 100
    # ALARM-C adds nothing to ALARM-B, so leaving it out changes no advice.
    assert {(v.mutant.rule.id, v.mutant.says) for v in found.of(EQUIVALENT)} >= {("ALARM-C", "rule left out")}
    kinds = {v.mutant.kind for v in found.of(KILLED)}
    assert kinds == {"remove rule", "drop condition", "negation", "threshold", "stance"}


def test_a_survivor_comes_with_a_patient_that_tells(tmp_path: Path) -> None:
    compiled = _guideline(tmp_path, _expecting(FULL[:1], EXPECT[:1]))
    found = _mutation(compiled)
    survivors = {v.mutant.says: v for v in found.of(SURVIVED)}
    assert found.score < 80
    said = "`W >= 6` becomes `W >= 5`"
    assert said in survivors
    patient = survivors[said].patient
    assert patient is not None
    assert 5 <= patient["measures"]["waiting"] < 6
    record = "\n".join(f"{key}: {json.dumps(value)}" for key, value in patient.items() if key != "patient")
    better = _guideline(tmp_path, _expecting([*FULL[:1], record], ["recommended", "not_now"]))
    assert said not in {v.mutant.says for v in _mutation(better).of(SURVIVED)}


def test_all_mutants_load(tmp_path: Path) -> None:
    """A mutant that the checks would reject proves nothing."""
    from guidelog.checks import References, check_program
    from guidelog.language.names import names_of

    compiled = compile_guideline(load_guideline(str(KB)))
    made = list(mutants(compiled.program, compiled.names, compiled.readings))
    assert len(made) > 300
    for mutant in made[::9]:
        errors = [
            d
            for d in check_program(mutant.program, names_of(mutant.program), References())
            if d.severity.value == "error" and d.code.startswith("GL2")
        ]
        assert errors == [], mutant.says


def test_what_only_incomplete_records_or_reasons_show_is_noticed(tmp_path: Path) -> None:
    """A background rule changes nothing for whoever is completely known."""
    rules = RULES + '\n#[id = "BG", title = "never both"]\n:- finding(P, sign_b), finding(P, sign_c).\n'
    compiled = _guideline(tmp_path, _expecting(FULL[:1], EXPECT[:1]), rules)
    (left_out,) = (v for v in _mutation(compiled).of(SURVIVED) if v.mutant.says == "background rule left out")
    assert left_out.patient is not None
    assert left_out.how


@pytest.mark.slow
def test_the_vignettes_of_the_bundled_guideline_notice_nearly_every_mistake() -> None:
    found = _mutation(compile_guideline(load_guideline(str(KB))))
    assert len(found.of(KILLED)) > 300
    assert found.score >= 95
    assert [v.mutant.says for v in found.of(SURVIVED)] == []
    # BG-1 says what CRIT-C says once more, and with a red flag the emergency pathway outranks the stance of SUR-0.
    assert {(v.mutant.rule.id, v.mutant.says) for v in found.of(EQUIVALENT)} == {
        ("CRIT-C", "`finding(P, mri_done)` left out"),
        ("SUR-0", "`!red_flag(P)` left out"),
    }


def test_the_bundled_guideline_checks_without_errors() -> None:
    _, report = check(load_guideline(str(KB)))
    assert report.errors == 0
