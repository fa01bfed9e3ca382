"""`guidelog verify` on what is too large for smallest patients, and when time runs out: small ones, and nothing is claimed.

Large is made small here: the limits are lowered instead.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guidelog.cli.verify import render
from guidelog.compiled import Compiled
from guidelog.language.stances import STANCES
from guidelog.patients import close, patient_from_content, read_patient, read_text
from guidelog.pipeline import ask
from guidelog.semantics.background import Contradiction, propagate
from guidelog.semantics.kleene import World
from guidelog.semantics.status import Status
from guidelog.semantics.status_diagrams import status_in
from guidelog.solver import literals as circuit
from guidelog.solver.literals import Budget
from guidelog.verify.gaps import report as review
from guidelog.verify.gaps.conflicts import CONFLICT, GAP, Sort
from guidelog.verify.properties import prove
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.properties.verdicts import Remark, Result, Verification
from guidelog.verify.witness import find as witness
from guidelog.verify.witness.candidate import CandidateRecord
from guidelog.verify.witness.replay import Disagreement, certified
from guidelog.verify.witness.shrink import RecordBits
from verify_support import HEADER, advise, tiny

MANY = 12
"""Interventions of the random guideline."""

BROKEN = '#[id = "P", says = "no scan"]\nnever(P) :- answer(P, scan, recommended).\n'
SCAN = advise("DO", "scan", "do", "in_scope(P), finding(P, tried), measure(P, days, D), D >= 2")


def random_guideline(folder: Path, seed: int = 5) -> Compiled:
    """Advice on many interventions, for and against, over concepts that need more than one finding."""
    chance = random.Random(seed)
    findings = [f"f{i}" for i in range(10)]
    header = HEADER + "".join(f'.finding {f} "{f}" true("{f}") false("no {f}")\n' for f in findings)
    header += "".join(f'.intervention a{i} "a{i}"\n' for i in range(MANY))
    concepts = [f"c{i}" for i in range(8)]
    rules = ['#[id = "BG"]\n:- finding(P, f0), !finding(P, f1).\n']

    def literal() -> str:
        return f"{chance.choice(['', '!'])}{chance.choice([f'finding(P, {f})' for f in findings])}"

    for number, name in enumerate(concepts):
        rules.append(f'.concept {name}(P: patient) true("{name}") false("no {name}")\n')
        for way in range(2):
            body = [literal(), literal(), *([f"{chance.choice(['', '!'])}{concepts[number - 1]}(P)"] * (number > 0))]
            if way:
                body.append(f"measure(P, days, D), D {chance.choice(['>=', '<'])} {chance.randint(1, 3)}")
            rules.append(f'#[id = "C{number}-{way}"]\n{name}(P) :- {", ".join(body)}.\n')
    for number in range(MANY):
        for stance in ("do", "defer"):
            body = f"in_scope(P), {chance.choice(['', '!'])}{chance.choice(concepts)}(P), {literal()}"
            rules.append(advise(f"A{number}-{stance}", f"a{number}", stance, body))
    return tiny(folder, "".join(rules), header=header)


@pytest.fixture(scope="module")
def guideline(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return random_guideline(tmp_path_factory.mktemp("random"))


def shows(compiled: Compiled, content: dict[str, Any], remark: Remark) -> bool:
    """Whether a patient shows a remark, by pyDatalog."""
    patient = patient_from_content(content, compiled.names.vocabulary)
    settled = propagate(compiled.ground, close(patient, compiled.names.vocabulary))
    assert not isinstance(settled, Contradiction)
    world = World(compiled.ground, settled[0], compiled.evaluate(settled[0]))
    if remark.kind == "conflict":
        return status_in(world, remark.about) is Status.CONFLICT
    advice = [world.atom(("advise", remark.about, stance)) for stance in STANCES]
    return world.atom(("in_scope",)) is True and set(advice) == {False}


def less(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The patient with one entry left out."""
    for part in ("findings", "measures"):
        for name in content.get(part, ()):
            yield {**content, part: {n: v for n, v in content[part].items() if n != name}}


def remarks(found: Verification) -> list[Remark]:
    return [r for r in found.remarks if r.kind in ("conflict", "gap")]


# few entries


def test_of_many_conflicts_and_gaps_each_has_a_patient_of_whom_nothing_can_be_left_out(
    guideline: Compiled, tmp_path: Path
) -> None:
    found = verify(guideline, read_properties(guideline))
    shown = remarks(found)
    assert {kind: sum(r.kind == kind for r in shown) > review.MOST_SMALLEST for kind in ("conflict", "gap")} == {
        "conflict": True,
        "gap": True,
    }
    for remark in shown:
        assert remark.witness is not None
        assert remark.witness.bare
        assert not remark.witness.smallest
        content = dict(remark.witness.content)
        assert shows(guideline, content, remark)
        assert not any(shows(guideline, other, remark) for other in less(content))
        file = tmp_path / "patient.yaml"
        file.write_text(remark.witness.text, encoding="utf-8")
        answers = ask(guideline, read_patient(read_text(str(file)), guideline.names.vocabulary)).answers
        assert {a.intervention: a.status for a in answers}[remark.about] is remark.witness.statuses[remark.about]
    assert "(nothing can be left out; another patient may be smaller)" in render(guideline, found, colour=False)


def test_the_same_remarks_are_found_one_by_one(guideline: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    many = remarks(verify(guideline, read_properties(guideline)))
    monkeypatch.setattr(review, "MOST_SMALLEST", 1000)
    each = remarks(verify(guideline, read_properties(guideline)))
    assert {(r.kind, r.about) for r in many} == {(r.kind, r.about) for r in each}
    sizes = {(r.kind, r.about): entries(r) for r in many}
    for remark in each:
        assert remark.witness is not None
        assert remark.witness.smallest
        assert entries(remark) <= sizes[remark.kind, remark.about]


def entries(remark: Remark) -> int:
    assert remark.witness is not None
    return sum(len(remark.witness.content.get(part, ())) for part in ("findings", "measures"))


def test_a_patient_that_was_cut_down_wrongly_is_not_shown(guideline: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordBits, "holding", lambda self, *_: self.all)
    with pytest.raises(Disagreement):
        verify(guideline, read_properties(guideline))


@pytest.mark.parametrize(
    ("sort", "findings"),
    [(CONFLICT, {}), (GAP, {}), (GAP, {"ill": True}), (GAP, {"ill": True, "tried": True, "alarm": False})],
)
def test_an_engine_that_does_not_see_a_remark_stops_everything(
    tmp_path: Path, sort: Sort, findings: dict[str, bool]
) -> None:
    compiled = tiny(tmp_path, advise("DO", "scan", "do", "finding(P, tried), !finding(P, alarm)"))
    with pytest.raises(Disagreement, match=f"the engine does not confirm the {sort.kind} on `scan`"):
        sort.confirmed(compiled, certified, "scan", CandidateRecord(findings, {}), smallest=True)
    nobody = CandidateRecord({"ill": True, "tried": False}, {})
    assert GAP.confirmed(compiled, certified, "scan", nobody, smallest=True).witness is not None


@pytest.mark.parametrize(
    ("rules", "promise"),
    [
        (SCAN, "never(P) :- answer(P, scan, recommended)."),
        (SCAN, "always(P, alarm) :- answer(P, scan, recommended)."),
        (
            advise("X", "scan", "do", "finding(P, ill), !finding(P, alarm), measure(P, days, D), D >= 2"),
            "stable(P, A) :- adds(P, alarm), intervention(A).",
        ),
    ],
)
def test_a_broken_promise_has_a_patient_of_whom_nothing_can_be_left_out(
    tmp_path: Path, rules: str, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the time for a smaller one runs out."""
    compiled = tiny(tmp_path, rules, properties=f'#[id = "P", says = "a promise"]\n{promise}\n')
    smallest = verify(compiled, read_properties(compiled), rules=False).verdicts[0].witness
    asking, others = prove.Search.ask, compiled.names.vocabulary.measures["others"]

    def larger(found: CandidateRecord) -> CandidateRecord:
        more = {"ill": True, "tried": False, "alarm": False}
        return CandidateRecord({**more, **found.findings}, {**found.measures, "others": (others.ticks, others.ticks)})

    def large(self: Any, *given: Any, **how: Any) -> Any:
        """The first patient, with much more known about them."""
        outcome, case = asking(self, *given, **{**how, "best": False})
        if case is None:
            return outcome, None
        after = larger(case.after) if case.after else None
        return outcome, replace(case, record=larger(case.record), after=after, smallest=False)

    monkeypatch.setattr(prove.Search, "ask", large)
    [verdict] = verify(compiled, read_properties(compiled), rules=False).verdicts
    assert verdict.result is Result.BROKEN
    assert verdict.witness is not None
    assert smallest is not None
    assert (verdict.witness.bare, verdict.witness.smallest) == (True, False)
    assert set(verdict.witness.content["findings"]) == set(smallest.content["findings"])
    assert set(verdict.witness.content["measures"]) == {"days"}


# time


def test_a_promise_whose_witness_is_not_confirmed_in_time_is_not_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = tiny(tmp_path, SCAN, properties=BROKEN)
    whole = verify(compiled, read_properties(compiled), budget=Budget(60), rules=False)
    assert whole.verdicts[0].result is Result.BROKEN
    budget, evaluating = Budget(60), witness.world_of

    def slowly(*given: Any) -> Any:
        world = evaluating(*given)
        budget.seconds = 0.0
        return world

    monkeypatch.setattr(witness, "world_of", slowly)
    found = verify(compiled, read_properties(compiled), budget=budget)
    assert found.verdicts[0].result is Result.NOT_DECIDED
    assert found.verdicts[0].witness is None
    assert {remark.kind for remark in found.remarks} == {"not decided"}
    assert not found.complete


@pytest.mark.parametrize("most_smallest", [0, 1000])
def test_a_remark_whose_patient_is_not_confirmed_in_time_is_not_decided(
    guideline: Compiled, monkeypatch: pytest.MonkeyPatch, most_smallest: int
) -> None:
    monkeypatch.setattr(review, "MOST_SMALLEST", most_smallest)
    whole = {(r.kind, r.about) for r in remarks(verify(guideline, read_properties(guideline)))}
    budget, asked = Budget(60), 0

    def three(compiled: Compiled, patient: Any, interventions: Any = None) -> Any:
        nonlocal asked
        asked += 1
        if asked == 3:
            budget.seconds = 0.0
        return certified(compiled, patient, interventions)

    found = verify(guideline, read_properties(guideline), three, budget=budget)
    assert asked == 3
    kept = {(r.kind, r.about) for r in remarks(found)}
    assert len(kept) == 3
    assert kept < whole
    open_ = [r.about for r in found.remarks if r.says.startswith("not decided whether there is a conflict")]
    assert {about for kind, about in whole if kind == "conflict"} <= {about for _, about in kept} | set(open_)
    rules = [r for r in found.remarks if r.says.startswith("not decided whether it is a")]
    assert len(rules) == found.to_json()["checked"]["rules"] + found.to_json()["checked"]["conditions"]


def test_the_time_that_is_given_is_kept(guideline: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long each patient takes to confirm, no other one is begun when the time is over."""
    monkeypatch.setattr(circuit, "LONGEST_SHRINKING", 0.05)

    def slow(compiled: Compiled, patient: Any, interventions: Any = None) -> Any:
        time.sleep(0.3)
        return certified(compiled, patient, interventions)

    found = verify(guideline, read_properties(guideline), slow, budget=Budget(1.0))
    assert found.seconds < 2.0
    assert not found.complete
