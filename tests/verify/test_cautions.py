"""Advice that comes first (`hold`) and its cautions (`unsettled`), as `verify` and `diff` see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guidelog.compiled import Compiled
from guidelog.pipeline import ask
from guidelog.semantics.status import Status, unsettled
from guidelog.semantics.status_diagrams import status_in
from guidelog.verify.diff.compare import compare
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.properties.verdicts import Result
from verify_support import advise, all_worlds, tiny

GIVE = advise("GIVE", "scan", "do", "in_scope(P), measure(P, days, D), D >= 2")
HOLD = advise("HOLD", "scan", "hold", "in_scope(P), finding(P, alarm)").replace(
    "everyone = true]", 'everyone = true, unsettled = "Ask about the alarm"]'
)
PROPERTIES = """
#[id = "HELD", says = "With an alarm nothing is recommended"]
never(P) :- finding(P, alarm), answer(P, scan, recommended).
#[id = "SAID", says = "What is recommended while the alarm is unknown carries the caution"]
never(P) :- answer(P, scan, recommended), unknown(P, alarm), !cautioned(P, scan).
#[id = "WRONG", says = "Nothing is recommended with a caution"]
never(P) :- answer(P, scan, recommended), cautioned(P, scan).
"""


@pytest.fixture
def guideline(tmp_path: Path) -> Compiled:
    return tiny(tmp_path / "g", GIVE + HOLD, properties=PROPERTIES)


def test_promises_about_held_advice_and_its_cautions(guideline: Compiled) -> None:
    found = {v.id: v for v in verify(guideline, read_properties(guideline), ask, rules=False).verdicts}
    assert [found[name].result for name in ("HELD", "SAID", "WRONG")] == [
        Result.PROVED,
        Result.PROVED,
        Result.BROKEN,
    ]
    witness = found["WRONG"].witness
    assert witness is not None
    assert "alarm" not in witness.content["findings"]
    worlds = list(all_worlds(guideline, steps=1))
    assert any(status_in(w, "scan") is Status.RECOMMENDED and unsettled(w, "scan", Status.RECOMMENDED) for w in worlds)
    for world in worlds:
        if world.facts.findings["alarm"] is True:
            assert status_in(world, "scan") is not Status.RECOMMENDED


def test_a_caution_that_goes_while_the_answer_stays_is_shown(guideline: Compiled, tmp_path: Path) -> None:
    other = HOLD.replace("finding(P, alarm)", "finding(P, alarm), finding(P, tried)")
    found = compare(guideline, tiny(tmp_path / "new", GIVE + other), ask)
    cautions = [(s.atom, s.rule, s.gained) for s in found.shown]
    lost, newly = ((("caution", "scan"), "HOLD", gained) for gained in (False, True))
    assert set(cautions) == {lost, newly}  # newly: an alarm that held the scan back, and no longer does for certain
    assert {(c.old, c.new) for c in found.changes} == {
        (Status.NOT_NOW, Status.RECOMMENDED),
        (Status.NOT_NOW, Status.UNDETERMINED),
    }
