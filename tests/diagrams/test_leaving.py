"""An exit of the pathway says of each item whether it is certain, and of itself no more than its items allow."""

from __future__ import annotations

import re

import pytest

from drawn import KB, answers, compiled
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.patient.statuses import Overlaying
from guidelog.diagrams.pictures import patient_picture
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


@pytest.mark.parametrize("name", SOME_CERTAIN)
def test_the_box_says_that_some_is_certain(name: str) -> None:
    picture = patient_picture(compiled(KB), answers(name))
    assert "Not yet = 2 OF 3 CERTAIN" in picture.outline
    shown = " ".join(scene.texts() for scene in picture.scenes)
    assert re.search(r"Not now: MRI of the lumbar\s+spine\s+\[1\]\s+\(possible\)", shown)
    assert shown.count("(certain)") == 2
    assert "Box 2 still open" in shown


def test_what_holds_though_the_way_leads_elsewhere_is_said() -> None:
    outline = patient_picture(compiled(KB), answers("red-flag-suspected-cancer")).outline
    assert "Not yet = NOT REACHED" in outline
    assert "2 of 3 hold all the same" in outline
    assert "multidisciplinary rehabilitation [2, 4] (REHAB-2) = HOLDS" in outline
    assert "MRI of the lumbar spine [1] (IMG-1) = DOES NOT APPLY" in outline
