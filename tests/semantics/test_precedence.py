"""`hold` and `unsettled`: one meaning in every engine, in certificates, in the checker, and over all records."""

from __future__ import annotations

import copy
import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from guidelog import checker, pipeline
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.why import why
from guidelog.patients import close
from guidelog.pipeline import ask
from guidelog.semantics.kleene import KleeneEngine
from guidelog.semantics.one_patient import circuits_of
from guidelog.semantics.status import Status
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.properties.verdicts import Result
from guidelog.verify.witness.replay import certified_quickly
from programs import BACKENDS, compiled_of, on, patient_of
from verify_support import tiny

WORDS = {True: "present", False: "absent", None: "unknown"}
BASE = """
.finding ill "ill"
.finding flag "flag"
.finding other "other flag"
.finding fit "fit"
.measure age "age" unit(year) range(0, 120)
.intervention pill "pill"
.intervention knife "knife"
.intervention walk "walk"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("out of scope")
.concept red(P: patient) true("red flag") false("no red flag")
.decl waits(A: intervention)
waits(pill).
waits(walk).
#[id = "SCOPE"]
in_scope(P) :- finding(P, ill).
#[id = "RED-1"]
red(P) :- finding(P, flag).
#[id = "RED-2"]
red(P) :- finding(P, other), measure(P, age, A), A >= 50.
#[id = "PILL", statements = ["S1"], cites = [], says = "Give the pill"]
advise(P, pill, do) :- in_scope(P).
#[id = "KNIFE", statements = ["S1"], cites = [], says = "Cut"]
advise(P, knife, consider) :- in_scope(P), finding(P, fit).
#[id = "NO-KNIFE", statements = ["S1"], cites = [], says = "Do not cut"]
advise(P, knife, defer) :- in_scope(P), !finding(P, fit).
#[id = "WALK", statements = ["S1"], cites = [], says = "No walking"]
advise(P, walk, avoid) :- in_scope(P).
#[id = "HOLD-1", statements = ["S1"], cites = [], says = "Not now: the flag comes first", unsettled = "Look for flags."]
advise(P, A, hold) :- in_scope(P), red(P), waits(A).
#[id = "HOLD-2", statements = ["S1"], cites = [], says = "Not now: the flag comes first"]
advise(P, knife, hold) :- in_scope(P), red(P).
"""


@pytest.fixture(scope="module")
def guideline() -> Compiled:
    return compiled_of(BASE)


def _all(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _expected(ill: bool | None, flag: bool | None, late: bool | None, fit: bool | None) -> dict[str, tuple[str, bool]]:
    """Status and caution of each intervention, worked out by hand from docs/language.md."""
    red = True if True in (flag, late) else None if None in (flag, late) else False
    waiting = ill is not False and red is None
    if ill is False:
        return dict.fromkeys(("pill", "knife", "walk"), ("outside_guideline", False))
    if ill is None:
        # Whether in scope or not, a flag that is known leaves nothing to do, and outside it is `outside`: open.
        return dict.fromkeys(("pill", "knife", "walk"), ("undetermined", False))
    held = {"pill": red is True, "walk": red is True}
    pill = "not_now" if held["pill"] else "recommended"
    walk = "not_now" if held["walk"] else "avoid"
    knife = "not_now" if red is True or fit is False else "undetermined" if None in (red, fit) else "consider"
    return {"pill": (pill, waiting), "knife": (knife, False), "walk": (walk, waiting)}


RECORDS = list(
    product((True, False, None), (True, False, None), (True, False, None), (49, 50, None), (True, False, None))
)


def _patient(compiled: Compiled, record: tuple[Any, ...]) -> Any:
    ill, flag, other, age, fit = record
    findings = {"ill": WORDS[ill], "flag": WORDS[flag], "other": WORDS[other], "fit": WORDS[fit]}
    return patient_of(compiled, findings=findings, measures={} if age is None else {"age": age})


def _late(other: bool | None, age: int | None) -> bool | None:
    return _all([other, None if age is None else age >= 50])


def test_all_records_of_a_small_guideline_by_hand(guideline: Compiled) -> None:
    """243 records: the status and the caution are what the language page says, and certified."""
    for record in RECORDS:
        ill, flag, other, age, fit = record
        answers = ask(guideline, _patient(guideline, record))
        found = {a.intervention: (a.status.value, bool(a.cautions)) for a in answers.answers}
        assert found == _expected(ill, flag, _late(other, age), fit), record
        assert all(a.certified for a in answers.answers)


def test_every_engine_says_the_same(guideline: Compiled) -> None:
    quick = circuits_of(guideline.ground)
    for record in random.Random(7).sample(RECORDS, 60):
        patient = _patient(guideline, record)
        facts = close(patient, guideline.names.vocabulary)
        expected = {a.intervention: a.status for a in ask(guideline, patient).answers}
        for backend in BACKENDS:
            assert {a.intervention: a.status for a in ask(on(guideline, backend), patient).answers} == expected
        ground = guideline.on(KleeneEngine)
        assert {a.intervention: a.status for a in ask(ground, patient).answers} == expected
        assert quick.statuses(facts) == expected
        by_circuits = {a.intervention: a for a in certified_quickly(guideline, patient).answers}
        assert {name: a.status for name, a in by_circuits.items()} == expected
        slow = {a.intervention: a.rules for a in ask(guideline, patient).answers if a.status is not Status.UNDETERMINED}
        assert {name: by_circuits[name].rules for name in slow} == slow
        quickly = {a.intervention: a.rules for a in quick.answers(facts) if a.status is not Status.UNDETERMINED}
        assert quickly == slow


def test_what_is_held_back_is_said(guideline: Compiled) -> None:
    answers = ask(guideline, _patient(guideline, (True, True, False, 40, True)))
    pill = next(a for a in answers.answers if a.intervention == "pill")
    assert (pill.rules, pill.held_back, pill.says) == (("HOLD-1",), ("PILL",), "Not now: the flag comes first")
    knife = next(a for a in answers.answers if a.intervention == "knife")
    assert (knife.rules, knife.held_back) == (("HOLD-2",), ("KNIFE",))


def test_the_caution_is_part_of_the_answer_and_of_its_json(guideline: Compiled) -> None:
    answers = ask(guideline, _patient(guideline, (True, None, False, 40, True)))
    pill = next(a for a in answers.answers if a.intervention == "pill")
    assert pill.status is Status.RECOMMENDED
    assert pill.to_json()["cautions"] == [
        {"rule": "HOLD-1", "says": "Look for flags.", "statements": ["S1"], "citations": []}
    ]
    assert why(answers, pill, every=True).reasons == (frozenset({"ill"}),)


def _document(guideline: Compiled, record: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    patient = _patient(guideline, record)
    return copy.deepcopy(dict(ask(guideline, patient).certificate)), dict(patient.content)


def _check(guideline: Compiled, document: dict[str, Any], content: dict[str, Any]) -> None:
    identity = {"id": guideline.guideline.id, "version": guideline.guideline.version}
    checker.check(document, guideline.rulebook, content, guideline=identity)


def _claim(document: dict[str, Any], intervention: str) -> dict[str, Any]:
    return next(c for c in document["certificates"] if c["claim"].get("intervention") == intervention)


def test_the_checker_refuses_an_answer_without_its_caution(guideline: Compiled) -> None:
    document, content = _document(guideline, (True, None, False, 40, True))
    _check(guideline, document, content)
    assert _claim(document, "pill")["claim"]["unsettled"] == ["HOLD-1"]
    del _claim(document, "pill")["claim"]["unsettled"]
    with pytest.raises(checker.Rejected):
        _check(guideline, document, content)


def test_the_checker_refuses_a_caution_that_nothing_calls_for(guideline: Compiled) -> None:
    document, content = _document(guideline, (True, False, False, 40, True))
    _claim(document, "pill")["claim"]["unsettled"] = ["HOLD-1"]
    with pytest.raises(checker.Rejected):
        _check(guideline, document, content)


def test_the_checker_refuses_a_proof_that_leaves_out_what_the_caution_rests_on(guideline: Compiled) -> None:
    document, content = _document(guideline, (True, None, False, 40, True))
    proof = _claim(document, "pill")["proofs"][0]
    proof["blocks"] = [[s for s in block if s["atom"] != "red()"] for block in proof["blocks"]]
    del _claim(document, "pill")["claim"]["unsettled"]
    with pytest.raises(checker.Rejected):
        _check(guideline, document, content)


def test_unknown_counts_as_false_only_under_unsettled(guideline: Compiled) -> None:
    """The same step for the rule without the annotation is refused."""
    document, content = _document(guideline, (True, None, False, 40, True))
    text = BASE.replace(', unsettled = "Look for flags."', "")
    stricter = compiled_of(text)
    document["guideline"] |= {key: getattr(stricter.rulebook, key) for key in ("sha256", "program_sha256")}
    with pytest.raises(checker.Rejected, match="does not fail there"):
        _check(stricter, document, content)


def test_proofs_over_all_records(tmp_path: Path) -> None:
    properties = """
#[id = "HELD", says = "nothing is done while the flag is there"]
never(P) :- finding(P, flag), answer(P, A, recommended), intervention(A).
#[id = "STARTS", says = "the pill does not wait for a flag that nobody asked about"]
never(P) :- finding(P, ill), !finding(P, alarm), unknown(P, flag), !answer(P, pills, recommended).
#[id = "WAITS", says = "the scan does"]
never(P) :- unknown(P, flag), answer(P, scan, consider).
#[id = "WRONG", says = "an unknown flag holds the pill back, too"]
never(P) :- unknown(P, flag), answer(P, pills, recommended).
"""
    header = (
        '.finding ill "ill"\n.finding alarm "alarm"\n.finding flag "flag"\n.intervention scan "scan"\n'
        '.intervention pills "pills"\n.statement S1 "what the source says" kind(do) cites()\n'
        '.concept in_scope(P: patient) true("in scope") false("out of scope")\n'
        '#[id = "SCOPE"]\nin_scope(P) :- finding(P, ill).\n'
    )
    said = 'statements = ["S1"], cites = [], says = "so"'
    rules = (
        f'#[id = "A", {said}]\nadvise(P, pills, do) :- in_scope(P).\n'
        f'#[id = "B", {said}]\nadvise(P, scan, consider) :- in_scope(P).\n'
        f'#[id = "C", {said}, unsettled = "Ask."]\nadvise(P, pills, hold) :- in_scope(P), finding(P, flag).\n'
        f'#[id = "D", {said}]\nadvise(P, scan, hold) :- in_scope(P), finding(P, flag).\n'
    )
    compiled = tiny(tmp_path, rules, properties=properties, header=header)
    found = {v.id: v.result for v in verify(compiled, read_properties(compiled), pipeline.ask).verdicts}
    assert found == {"HELD": Result.PROVED, "STARTS": Result.PROVED, "WAITS": Result.PROVED, "WRONG": Result.BROKEN}


_MISPLACED = (
    '#[id = "X", statements = ["S1"], cites = [], says = "so", unsettled = "Ask."]\n'
    "advise(P, pill, avoid) :- in_scope(P), finding(P, fit).\n"
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('#[id = "X", unsettled = "Ask."]\nin_scope(P) :- finding(P, fit).\n', "GL315"),
        (_MISPLACED, "GL315"),
        ('#[id = "RED-3"]\nred(P) :- patient(P), !finding(P, flag).\n', "GL316"),
        ('#[id = "RED-3"]\nred(P) :- measure(P, age, A), A >= 60..70.\n', "GL316"),
    ],
)
def test_misuse_is_refused(text: str, code: str) -> None:
    with pytest.raises(InputError) as problem:
        compiled_of(BASE + text)
    assert {d.code for d in problem.value.diagnostics if d.severity.value == "error"} == {code}


def test_the_scope_may_be_a_matter_of_judgement() -> None:
    """Only what is settled must be so; the scope counts as ever."""
    compiled_of(BASE + '#[id = "SCOPE-2"]\nin_scope(P) :- finding(P, fit), measure(P, age, A), A >= 60..70.\n')


CONCEPT = """
.finding ill "ill"
.finding tried "tried"
.finding pain "pain"
.finding flag "flag"
.intervention pill "pill"
.intervention scan "scan"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("out of scope")
.concept failed(P: patient) true("tried without success") false("not tried without success")
#[id = "SCOPE"]
in_scope(P) :- finding(P, ill).
#[id = "FAILED", unsettled = "Ask what was tried."]
failed(P) :- finding(P, tried), finding(P, pain).
#[id = "PILL", statements = ["S1"], cites = [], says = "Give the pill"]
advise(P, pill, do) :- in_scope(P), !failed(P).
#[id = "PILL-X", statements = ["S1"], cites = [], says = "Perhaps the pill"]
advise(P, pill, consider) :- in_scope(P), failed(P).
#[id = "SCAN", statements = ["S1"], cites = [], says = "Scan at once", everyone = true]
advise(P, scan, urgent) :- finding(P, flag).
#[id = "NO-SCAN", statements = ["S1"], cites = [], says = "No scan"]
advise(P, scan, defer) :- in_scope(P), !finding(P, flag), !failed(P).
"""


def test_a_concept_that_nobody_has_settled_counts_as_false_with_a_caution() -> None:
    """All 81 records: what is not known to have failed is started; questions do not ask for it."""
    compiled = compiled_of(CONCEPT)
    for ill, tried, pain, flag in product((True, False, None), repeat=4):
        findings = dict(
            zip(("ill", "tried", "pain", "flag"), (WORDS[v] for v in (ill, tried, pain, flag)), strict=True)
        )
        patient = patient_of(compiled, findings=findings)
        answers = {a.intervention: a for a in ask(compiled, patient).answers}
        both = _all([tried, pain])
        pill = {True: "consider" if both else "recommended", False: "outside_guideline", None: "undetermined"}[ill]
        assert answers["pill"].status.value == pill, findings
        assert bool(answers["pill"].cautions) == (both is None and ill is True), findings
        if pill == "undetermined":
            assert answers["pill"].questions == (("ill",),), findings
        if flag:
            assert (answers["scan"].status.value, answers["scan"].cautions) == ("urgent", ()), findings
        quick = circuits_of(compiled.ground).statuses(close(patient, compiled.names.vocabulary))
        assert quick == {name: a.status for name, a in answers.items()}, findings
        for backend in BACKENDS:
            assert {a.intervention: a.status for a in ask(on(compiled, backend), patient).answers} == quick, findings


def test_the_caution_of_a_concept_cannot_be_left_out() -> None:
    compiled = compiled_of(CONCEPT)
    patient = patient_of(compiled, findings={"ill": "present", "flag": "absent"})
    document = copy.deepcopy(dict(ask(compiled, patient).certificate))
    assert [_claim(document, name)["claim"]["unsettled"] for name in ("pill", "scan")] == [["FAILED"], ["FAILED"]]
    del _claim(document, "scan")["claim"]["unsettled"]
    with pytest.raises(checker.Rejected):
        _check(compiled, document, dict(patient.content))
