"""An exit of the pathway says of each item whether it is certain, and of itself no more than its items allow."""

from __future__ import annotations

import pytest

from drawn import KB, TOY, answers, compile_folder, compiled
from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.patient.statuses import Overlaying
from guidelog.diagrams.pictures import patient_picture
from guidelog.patients import patient_from_content
from guidelog.semantics.status import STATUS_OF_STANCE, Status

SOME_CERTAIN = ("seed", "red-flag-unclear-in-complete-screen")
PATIENTS = (
    *SOME_CERTAIN,
    "care-between-4-and-8-weeks",
    "active-not-resting",
    "red-flag-suspected-cancer",
    "failed-care-candidate-bilateral",
    "outside-red-flags-unasked",
    "nothing-known",
)


@pytest.mark.parametrize("name", PATIENTS)
def test_an_item_is_as_certain_as_its_answer(name: str) -> None:
    """And the box: certain only where all of it is, possible only where none of it is."""
    given = answers(name)
    found = {a.intervention: a.status for a in given.answers}
    pathway = infer(compiled(KB))
    overlay = Overlaying(pathway, given).overlay()
    listed = 0
    for node in (n for n in pathway.nodes() if n.kind == "exit"):
        mark = overlay.nodes[node.key]
        words = [
            overlay.items[node.key, place].word for place in range(len(node.body)) if (node.key, place) in overlay.items
        ]
        listed += len(words)
        for item, word in zip(node.body, words, strict=False):
            assert item.intervention is not None
            status, holds = found[item.intervention], STATUS_OF_STANCE[item.stance]
            match word:
                case "CERTAIN" | "HOLDS":
                    assert status is holds
                case "POSSIBLE":
                    assert status is Status.UNDETERMINED
                case _:
                    assert status is not holds
        if words and "POSSIBLE" in words:
            assert mark.look is palette.UNKNOWN
            assert mark.word == (
                f"{words.count('CERTAIN')} OF {len(words)} CERTAIN" if "CERTAIN" in words else "POSSIBLE"
            )
        elif mark.look is palette.UNKNOWN:
            assert not words
            assert found[node.interventions[0][0]] is Status.UNDETERMINED
    assert listed or name not in SOME_CERTAIN


GATED = """
.statement S1 "One." kind(do) cites(1)
.finding ill "the illness" true("the patient is ill") false("the patient is not ill")
.finding alarm "alarm" true("there is an alarm sign") false("there is no alarm sign")
.measure weeks "weeks of care" unit(week) range(0, 100)
.intervention scan "scan" group("Work-up")
.intervention needle "needle" group("Treatment")
.concept in_scope(P: patient) true("in scope") false("out of scope")
.concept failed(P: patient) true("care has failed") false("care has not failed")
#[id = "SCOPE", statements = ["S1"], cites = [1]]
in_scope(P) :- finding(P, ill).
#[id = "FAIL", statements = ["S1"], cites = [1]]
failed(P) :- measure(P, weeks, W), W >= 6.
#[id = "SCAN-0", statements = ["S1"], cites = [1], says = "Scan at once"]
advise(P, scan, urgent) :- in_scope(P), finding(P, alarm).
#[id = "SCAN-1", statements = ["S1"], cites = [1], says = "Scan"]
advise(P, scan, do) :- in_scope(P), failed(P), !finding(P, alarm).
#[id = "SCAN-2", statements = ["S1"], cites = [1], says = "No scan yet"]
advise(P, scan, defer) :- in_scope(P), !failed(P), !finding(P, alarm).
#[id = "NEEDLE-1", statements = ["S1"], cites = [1], says = "Needle"]
advise(P, needle, do) :- in_scope(P), failed(P).
#[id = "NEEDLE-2", statements = ["S1"], cites = [1], says = "No needle yet"]
advise(P, needle, defer) :- in_scope(P), !failed(P).
"""


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Two interventions behind one gate; one of them may be urgent instead."""
    folder = tmp_path_factory.mktemp("gated")
    lines = (TOY / "guideline.toml").read_text(encoding="utf-8").splitlines()
    lines = ['main = ["scan", "needle"]' if line.startswith("main") else line for line in lines]
    (folder / "guideline.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "rules.dl").write_text(GATED, encoding="utf-8")
    return compile_folder(folder)


def outline(known: Compiled, findings: dict[str, str]) -> str:
    content = {"patient": "p", "as_of": "2026-01-01", "findings": findings, "measures": {"weeks": 1}}
    return patient_picture(known, pipeline.ask(known, patient_from_content(content, known.names.vocabulary))).outline


def test_the_box_says_that_some_is_certain(gated: Compiled) -> None:
    words = outline(gated, {"ill": "present"})
    assert "Not yet = 1 OF 2 CERTAIN" in words
    assert "Not now: scan [1] (SCAN-2) = POSSIBLE" in words
    assert "Not now: needle [1] (NEEDLE-2) = CERTAIN" in words
    assert "Box 2 still open" in words


def test_what_holds_though_the_way_leads_elsewhere_is_said(gated: Compiled) -> None:
    words = outline(gated, {"ill": "present", "alarm": "present"})
    assert "Not yet = NOT REACHED" in words
    assert "1 of 2 hold all the same" in words
    assert "Not now: needle [1] (NEEDLE-2) = HOLDS" in words
    assert "Not now: scan [1] (SCAN-2) = DOES NOT APPLY" in words
