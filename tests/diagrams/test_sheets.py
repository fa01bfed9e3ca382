"""Pages that can be read on A3: one sheet where it fits, else an overview and numbered sheets."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from drawn import GALLERY, KB, TOY, answers, answers_to, assert_sound, compile_folder, compiled, edited
from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.drawing.page import SMALLEST_SCALE, scale_on_a3
from guidelog.diagrams.drawing.paint import SYSTEM, PaintError
from guidelog.diagrams.drawing.scene import chip_line
from guidelog.diagrams.gallery import read_gallery
from guidelog.diagrams.interchange import Picture
from guidelog.diagrams.pathway import sheets
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.pictures import (
    pathway_picture,
    patient_picture,
    proof_picture,
    refusal_picture,
    rendered,
)
from guidelog.diagrams.versions.page import diff_picture
from guidelog.language.guideline import load_guideline
from guidelog.patients import patient_from_content
from guidelog.verify.diff.compare import Difference, compare
from random_guidelines import record, write_guideline


def scales(picture: Picture) -> list[float]:
    return [scale_on_a3(scene.w, scene.h) for scene in picture.scenes]


def test_the_guideline_can_be_read_on_a3() -> None:
    pathway = pathway_picture(compiled(KB))
    assert len(pathway.scenes) <= 3
    assert min(scales(pathway)) >= 0.75
    for entry in read_gallery(GALLERY).entries:
        given = answers_to((GALLERY / entry.file).resolve())
        by_name = {a.intervention: a for a in given.answers}
        patient = patient_picture(compiled(KB), given)
        # The pathway, and all answers in words; an overview where an emergency or much that is open makes it longer.
        assert len(patient.scenes) <= 6, entry.name
        assert min(scales(patient)) >= SMALLEST_SCALE, entry.name
        for picture in (
            proof_picture(compiled(KB), given, by_name[entry.proof]),
            refusal_picture(compiled(KB), given, by_name[entry.why_not]),
        ):
            assert min(scales(picture)) >= SMALLEST_SCALE, entry.name
            assert len(picture.scenes) <= 5, entry.name


# sheets of a large guideline
@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = write_guideline(tmp_path_factory.mktemp("large") / "g", 59, rules=24, criteria=7, depth=3)
    return pipeline.compile_guideline(load_guideline(str(folder)))


def test_a_large_guideline_has_an_overview_and_sheets(large: Compiled) -> None:
    picture = pathway_picture(large)
    assert len(picture.scenes) > 2
    assert min(scales(picture)) >= SMALLEST_SCALE
    nodes = infer(large).nodes()
    titles = [scene.title for scene in picture.scenes]
    assert all(t.endswith(f"sheet {n} of {len(titles)}") for n, t in enumerate(titles, 1))
    overview = [s for s in picture.scenes if "This sheet: overview" in s.desc]
    details = [s for s in picture.scenes if s not in overview]
    assert overview
    for node in nodes:
        for group in (overview, details):
            holders = [s for s in group if any(b.id == f"box-{node.key}" for b in s.boxes)]
            assert len(holders) == 1, node.title
        (brief,) = [b for s in overview for b in s.boxes if b.id == f"box-{node.key}"]
        said = re.search(r"sheet (\d+)", " ".join(line.text for line in brief.lines))
        assert said
        assert any(b.id == f"box-{node.key}" for b in picture.scenes[int(said[1]) - 1].boxes)


def test_lines_that_leave_a_sheet_say_where_they_go_on(large: Compiled) -> None:
    picture = pathway_picture(large)
    numbers = {n.number: f"box-{n.key}" for n in infer(large).nodes()}
    found = 0
    for scene in picture.scenes:
        for box in scene.boxes:
            if not box.id.startswith("connector-"):
                continue
            for boxes, sheet in re.findall(r"box(?:es)? ([\d, ]+) (?:… )?on sheet (\d+)", box.label):
                there = {b.id for b in picture.scenes[int(sheet) - 1].boxes}
                assert {numbers[int(n)] for n in boxes.split(", ")} <= there
                found += 1
    assert found


def test_sheets_are_sound(large: Compiled) -> None:
    assert_sound(pathway_picture(large))
    vocabulary = large.names.vocabulary
    content = record(59, list(vocabulary.findings), list(vocabulary.measures))
    assert_sound(patient_picture(large, pipeline.ask(large, patient_from_content(content, vocabulary))))


@pytest.mark.parametrize("height", [560, 760, 1000])
def test_phases_side_by_side_are_cut_soundly(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "HIGHEST", 0)
    monkeypatch.setattr(sheets, "SHEET_H", height + 260)
    given = answers("seed")
    for picture in (pathway_picture(compiled(KB)), patient_picture(compiled(KB), given)):
        assert len(picture.scenes) > 2
        assert_sound(picture)
        boxes = {b.id for s in picture.scenes for b in s.boxes}
        assert {f"box-{n.key}" for n in infer(compiled(KB)).nodes()} <= boxes


def test_a_table_that_is_too_long_goes_on(tmp_path: Path) -> None:
    shutil.copytree(TOY, tmp_path / "g")
    rules = tmp_path / "g" / "rules.dl"
    signs = [f"sign_{i}" for i in range(100)]
    added = "".join(f'.finding {s} "sign number {i} of the long list"\n' for i, s in enumerate(signs))
    body = ", ".join(f"finding(P, {s})" for s in signs)
    added += (
        '.intervention rest "rest" group("Rest")\n'
        f'#[id = "T-LONG", statements = ["T3"], cites = [1], strength = strong, says = "Rest"]\n'
        f"advise(P, rest, do) :- in_scope(P), {body}.\n"
    )
    rules.write_text(rules.read_text(encoding="utf-8") + added, encoding="utf-8")
    metadata = tmp_path / "g" / "guideline.toml"
    text = metadata.read_text(encoding="utf-8")
    metadata.write_text(re.sub(r"(?m)^main = \[.*\]$", 'main = ["rest"]', text), encoding="utf-8")
    picture = pathway_picture(pipeline.compile_guideline(load_guideline(str(tmp_path / "g"))))
    words = " ".join(scene.texts() for scene in picture.scenes)
    missing = [i for i in range(100) if f"ign number {i} of the long list" not in words]
    assert missing == []
    assert "continued" in words
    assert min(scales(picture)) >= SMALLEST_SCALE
    assert_sound(picture)


def test_a_long_status_is_broken_and_not_stretched() -> None:
    lines = chip_line(palette.NOT_MET, "NOT COVERED HERE: EMERGENCY PATHWAY OF ANOTHER GUIDELINE", 150)
    chips = [line.chip for line in lines if line.chip]
    assert len(chips) > 1
    assert all(chip.width <= 150 for chip in chips)


# two versions
def difference(folder: Path) -> tuple[Compiled, Compiled, Difference]:
    old, new = compiled(TOY), compile_folder(edited(folder, ("atleast 3 {", "atleast 2 {")))
    return old, new, compare(old, new, pipeline.ask)


def test_each_proved_effect_has_a_patient(tmp_path: Path) -> None:
    old, new, found = difference(tmp_path)
    picture = diff_picture(old, new, found)
    text = " ".join(scene.texts() for scene in picture.scenes)
    assert "proved: antibiotic: not now → recommended" in picture.outline
    patients = [line.strip() for line in picture.outline.splitlines() if line.strip().startswith("patient: ")]
    assert patients
    assert all("present: " in line for line in patients[:1])
    assert "Smallest record that shows it" in text
    assert "Answers that are not named are proved to be the same" in " ".join(text.split())
    assert_sound(picture)


def test_what_is_not_proved_says_so(tmp_path: Path) -> None:
    old, new, found = difference(tmp_path)
    open_ = replace(found, changes=(), undecided=(("antibiotic", "time ran out"),))
    outline = diff_picture(old, new, open_).outline
    assert "no change found; not proved for antibiotic" in outline
    assert "Evaluated only, not proved either way: antibiotic (time ran out)" in outline
    assert "proved: no answer changes" not in outline


# proofs
def test_a_proof_names_the_other_routes() -> None:
    given = answers("seed")
    answer = next(a for a in given.answers if a.intervention == "nerve_root_injection")
    picture = proof_picture(compiled(KB), given, answer)
    text = " ".join(" ".join(scene.texts() for scene in picture.scenes).split())
    assert "Other routes to selective nerve root injection, checked" in text
    assert "INJ-1, consider: closed, symptoms have not outlasted the conservative care" in text
    assert "INJ-2, defer" not in text  # the rule that decided is not another route


# the machine's own Graphviz
def test_the_dot_command_paints_the_same_boxes() -> None:
    if shutil.which("dot") is None:
        pytest.skip("no `dot` command on this machine")
    picture = pathway_picture(compiled(TOY))
    ((_, own),) = rendered(picture, "svg", SYSTEM)
    ((_, bundled),) = rendered(picture, "svg")
    ids = [set(re.findall(r'id="(box-[^"]+|table-[^"]+)"', svg.decode())) for svg in (own, bundled)]
    assert ids[0] == ids[1]
    assert len(ids[0]) > 5


def test_without_a_dot_command_the_option_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PaintError, match="no `dot` command on this machine"):
        list(rendered(pathway_picture(compiled(TOY)), "svg", SYSTEM))
