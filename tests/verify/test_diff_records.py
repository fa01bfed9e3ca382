"""`guidelog diff` speaks of records as people write them: screens, what closes over them, ranges.

Beside the comparison with an enumeration of records stand the edits that were once called no change.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.language.guideline import read_guideline
from guidelog.patients import close, patient_from_content
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.verify.diff import answer_changes
from guidelog.verify.diff.compare import compare
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.properties.verdicts import Result
from guidelog.verify.search import versions
from verify_support import LUMBAR, advise, tiny

FIXED = """
.finding ill "ill" true("ill") false("not ill")
.screen first "the first screen"
.screen second "the second screen"
.intervention scan "scan"
.intervention pills "pills"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SCOPE"]
in_scope(P) :- finding(P, ill).
"""
RULES = (
    advise("A", "scan", "do", "in_scope(P), finding(P, alarm)")
    + advise("B", "scan", "defer", "in_scope(P), !finding(P, alarm), measure(P, days, D), D <= 2")
    + advise("C", "pills", "consider", "in_scope(P), !finding(P, tried), measure(P, days, D), D >= 3")
    + advise("D", "pills", "urgent", "measure(P, days, D), measure(P, others, E), D > E")
)


def version(folder: Path, **attributes: str) -> Compiled:
    """The tiny guideline with attributes of its inputs."""
    other = {"days": "range(0, 4)", "others": "range(0, 3)", **attributes}
    inputs = (
        f'.finding alarm "alarm" true("alarm") false("no alarm") {other.get("alarm", "")}\n'
        f'.finding tried "tried" true("tried") false("not tried") {other.get("tried", "")}\n'
        f'.measure days "days" unit(day) {other["days"]}\n'
        f'.measure others "other days" unit(day) {other["others"]}\n'
    )
    return tiny(folder, RULES, header=FIXED + inputs)


def records() -> Iterator[dict[str, Any]]:
    """Records over the names that all versions share."""
    numbers = [None, "unknown", 0, 2, 4, 5, {"at_least": 3}]
    said = [None, "present", "absent", "unknown"]
    screens = [{}, {"first": "complete"}, {"second": "complete"}, {"first": "complete", "second": "complete"}]
    for alarm, tried, days, others, complete in product(said, said, numbers, [None, 1], screens):
        findings = {"ill": "present", "alarm": alarm, "tried": tried}
        measures = {"days": days, "others": others}
        yield {
            "patient": "p",
            "findings": {n: v for n, v in findings.items() if v is not None},
            "measures": {n: v for n, v in measures.items() if v is not None},
            "screens": complete,
        }


def answers(compiled: Compiled, circuits: CircuitEngine, record: dict[str, Any]) -> dict[str, str] | None:
    try:
        facts = close(patient_from_content(record, compiled.names.vocabulary), compiled.names.vocabulary)
    except InputError:
        return None
    return {a.intervention: a.status.value for a in circuits.answers(facts)}


CHOICES = {
    "alarm": ["", "screen(first)", "screen(second)"],
    "tried": ["", "screen(first)"],
    "days": [
        "range(0, 4)",
        "range(0, 4) screen(first)",
        "range(0, 4) screen(first) unlisted(0)",
        "range(0, 4) screen(first) unlisted(3)",
        "range(0, 4) screen(second) unlisted(4)",
        "range(1, 5) screen(first) unlisted(2)",
        "range(0, 5)",
    ],
    "others": ["range(0, 3)", "range(0, 3) screen(second) unlisted(1)"],
}


@pytest.mark.parametrize("seed", range(8))
def test_the_changes_are_those_that_an_enumeration_of_records_shows(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    old, new = (
        version(tmp_path / name, **{input_: draw.choice(options) for input_, options in CHOICES.items()})
        for name in ("a", "b")
    )
    circuits = CircuitEngine(old.ground), CircuitEngine(new.ground)
    seen, refused = set(), False
    for record in records():
        before, after = answers(old, circuits[0], record), answers(new, circuits[1], record)
        refused = refused or (before is None) is not (after is None)
        if before is not None and after is not None:
            seen |= {(name, before[name], after[name]) for name in before if before[name] != after[name]}
    found = compare(old, new, ask)
    assert not found.undecided
    assert seen <= {(c.intervention, c.old.value, c.new.value) for c in found.changes}
    assert refused <= bool(found.refused)
    for change in found.changes:  # none that is not there: both versions answer its patient so
        given = [answers(c, e, change.content) for c, e in zip((old, new), circuits, strict=True)]
        assert [g and g[change.intervention] for g in given] == [change.old.value, change.new.value]
    for name in found.same:
        assert not any(one == name for one, *_ in seen)


def test_without_the_reading_of_screens_the_enumeration_shows_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison above fails where records are taken for facts."""
    old, new = version(tmp_path / "a", alarm="screen(first)"), version(tmp_path / "b")
    assert compare(old, new, ask).changes
    monkeypatch.setattr(versions, "read_otherwise", lambda _: versions.ReadOtherwise((), (), {}))
    assert not compare(old, new, ask).changes


def test_many_changes_of_reading_have_patients_of_whom_nothing_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_changes, "MOST_SMALLEST", 1)
    old = version(tmp_path / "a", alarm="screen(first)", days="range(0, 4) screen(first) unlisted(0)")
    new = version(tmp_path / "b", days="range(0, 4) screen(first) unlisted(4)")
    found = compare(old, new)
    assert len(found.changes) > 2
    circuits = CircuitEngine(old.ground), CircuitEngine(new.ground)
    for change in found.changes:
        given = [answers(c, e, change.content) for c, e in zip((old, new), circuits, strict=True)]
        assert [g and g[change.intervention] for g in given] == [change.old.value, change.new.value]
        assert change.content["screens"]


def lumbar(folder: Path, *edits: tuple[str, str]) -> Compiled:
    shutil.copytree(LUMBAR, folder)
    path = folder / "vocabulary.dl"
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return compile_guideline(read_guideline(folder))


FRACTURE = '.finding suspected_fracture "suspected fracture" screen(red_flags)'
"""The line that makes a flag a member of the screen."""


@pytest.mark.parametrize("joins", [False, True])
def test_a_red_flag_that_leaves_or_joins_its_screen(tmp_path: Path, joins: bool) -> None:
    there = compile_guideline(read_guideline(LUMBAR))
    left = lumbar(tmp_path / "g", (FRACTURE, FRACTURE.replace("screen(red_flags)", 'group("Other")')))
    found = compare(*((left, there) if joins else (there, left)), ask)
    assert "mri_lumbar" in {c.intervention for c in found.changes}
    assert all(c.content["screens"] == {"red_flags": "complete"} for c in found.changes)
    assert {e.name for c in found.changes for e in c.edits} == {".finding suspected_fracture"}
    if joins:
        return
    (verdict,) = verify(left, read_properties(left).choose(("RED-FLAG-SCREEN",)), ask, rules=False).verdicts
    assert verdict.result is Result.BROKEN
    assert verdict.witness is not None
    assert verdict.witness.content["screens"] == {"red_flags": "complete"}


def test_another_value_for_what_a_completed_screen_does_not_list(tmp_path: Path) -> None:
    there = compile_guideline(read_guideline(LUMBAR))
    weeks = "unit(week) range(0, 520) screen(treatment_history) unlisted("
    found = compare(there, lumbar(tmp_path / "g", (f"{weeks}0)", f"{weeks}6)")), ask)
    assert ("not_now", "recommended") in {(c.old.value, c.new.value) for c in found.changes}
    assert all("treatment_history" in c.content["screens"] for c in found.changes)
