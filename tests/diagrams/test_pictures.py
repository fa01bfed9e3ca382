"""Pictures: nothing overlaps, is cut, or breaks; checked from what Graphviz painted.

Over the guideline, a toy of another field, and random ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest
from pypdf import PdfReader

from diagram_geometry import crossed_boxes, cut_texts, overlapping_texts, overlaps, parse
from drawn import KB, TOY, answers, assert_sound, compile_folder, compiled, pictures_of
from guidelog import pipeline
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing import palette
from guidelog.diagrams.drawing.dot import to_dot
from guidelog.diagrams.drawing.fonts import Font, missing, width, wrap
from guidelog.diagrams.drawing.paint import PaintError, paint
from guidelog.diagrams.drawing.scene import Box, Edge, Scene, lines_of
from guidelog.diagrams.interchange import Picture, to_graphml, to_mermaid
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.pathway.overlay import Links
from guidelog.diagrams.pictures import (
    pathway_picture,
    patient_picture,
    proof_picture,
    refusal_picture,
    rendered,
    rules_picture,
)
from guidelog.language import parse as parse_rules
from guidelog.language.names import names_of
from guidelog.patients import patient_from_content
from guidelog.source import Source
from random_guidelines import record, write_guideline

TELLING = (
    "seed",
    "red-flag-with-failed-care",
    "surgery-care-18-weeks",
    "surgery-all-criteria-met",
    "outside-red-flags-unasked",
)


# geometry
@pytest.mark.parametrize("name", TELLING)
def test_patients_of_the_guideline(name: str) -> None:
    known, given = compiled(KB), answers(name)
    assert_sound(patient_picture(known, given))
    for answer in given.answers:
        if answer.intervention in known.guideline.main:
            assert_sound(proof_picture(known, given, answer))
            assert_sound(refusal_picture(known, given, answer))


def test_guideline() -> None:
    known = compiled(KB)
    assert_sound(pathway_picture(known))
    assert_sound(rules_picture(known.guideline, known.program, known.names))


def test_toy_of_another_field() -> None:
    known = compiled(TOY)
    findings = {"sore_throat": "present", "adult": "present", "fever": "present"}
    content = {"patient": "p", "as_of": "2026-01-01", "findings": findings}
    patient = patient_from_content(content, known.names.vocabulary)
    for picture in pictures_of(known, pipeline.ask(known, patient), 9):
        assert_sound(picture)


@pytest.mark.parametrize("seed", range(8))
def test_random_guidelines(seed: int, tmp_path: Path) -> None:
    random_guideline(tmp_path, seed, most=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "shape"),
    [(100, {"rules": 120, "criteria": 8, "depth": 10}), (200, {"rules": 6, "criteria": 60, "depth": 2})],
    ids=["200 rules", "60 criteria"],
)
def test_large_guidelines(seed: int, shape: dict[str, int], tmp_path: Path) -> None:
    random_guideline(tmp_path, seed, most=2, **shape)


def random_guideline(folder: Path, seed: int, most: int, **shape: int) -> None:
    known = compile_folder(write_guideline(folder / "g", seed, **shape))
    vocabulary = known.names.vocabulary
    content = record(seed, list(vocabulary.findings), list(vocabulary.measures))
    for picture in pictures_of(known, pipeline.ask(known, patient_from_content(content, vocabulary)), most):
        assert_sound(picture)


def broken(*, second: tuple[float, float] = (10, 10), words: str = "fits", through: bool = False) -> str:
    line = tuple(lines_of(words, 500))
    one = Box("one", "box", 100, 100, 90, 40, (), palette.STATE)
    other = Box("two", "box", *second, 90, 40, line, palette.STATE)
    third = Box("three", "box", 300, 100, 90, 40, (), palette.STATE)
    edge = Edge("one", "three", ((110, 120), (300, 120)) if through else ((190, 120), (300, 120)))
    return to_dot(Scene("s", "t", "d", 500, 300, (), (one, other, third), (edge,)))


def test_the_geometry_checks_can_fail() -> None:
    sound = parse(paint(broken(), "svg"))
    assert (overlaps(sound), cut_texts(sound), crossed_boxes(sound)) == ([], [], [])
    assert overlaps(parse(paint(broken(second=(150, 120)), "svg"))) == ["one and two"]
    assert crossed_boxes(parse(paint(broken(through=True), "svg"))) == ["line 0 through one"]
    svg = paint(broken(), "svg").decode()
    moved = re.sub(r'(<text [^>]*x=")[^"]*', r"\g<1>495", svg)
    assert cut_texts(parse(moved)) == ["off the page: fits"]
    inside = re.sub(r'(<text [^>]*x=")[^"]*', r"\g<1>250", svg)
    assert cut_texts(parse(inside)) == ["two: fits"]
    twice = re.sub(r"(<text [^>]*>fits</text>)", r"\1\1", svg)
    assert overlapping_texts(parse(twice)) == ["`fits` and `fits`"]
    with pytest.raises(PaintError, match="too small"):
        paint(broken(words="much too long for a box of this width"), "svg")


# the pathway that is inferred
def test_inferred_pathway_of_the_toy() -> None:
    found = infer(compiled(TOY))
    assert [p.title for p in found.all_phases()] == ["Triage", "Relief", "Follow-up", "Referral", "Antibiotic"]
    kinds = [(n.kind, n.title) for n in found.nodes()]
    assert kinds[:3] == [
        ("state", "Adult with a sore throat"),
        ("decision", "Any alarm sign?"),
        ("urgent", "At once: hospital at once"),
    ]
    assert ("decision", "Three of four signs?") in kinds
    table = found.tables["B"]
    assert table.mode == "At least 3 are required"
    assert [i.text for i in table.items] == [
        "There is fever",
        "There is exudate on the tonsils",
        "The nodes in front are tender",
        "There is no cough",
    ]


def test_inferred_pathway_of_the_guideline() -> None:
    found = infer(compiled(KB))
    gate = next(n for n in found.nodes() if n.key.startswith("gate:"))
    assert gate.title == "Symptoms persist after 6 weeks of adequate care?"
    criteria = next(t for t in found.tables.values() if t.title.startswith("Criteria for referral"))
    assert criteria.mode == "ANY one is enough"
    assert sum(i.level == 1 for i in criteria.items) >= 5
    waiting = next(t for t in found.tables.values() if t.key == "held")
    assert {i.stance for i in waiting.items} == {"hold"}
    flags = found.tables["A"]
    assert flags.mode.startswith("ANY one is enough")


def test_boxes_keep_their_keys_and_lanes_when_a_rule_is_added(tmp_path: Path) -> None:
    """An edit adds its own boxes and moves none to another lane."""
    folder = tmp_path / "g"
    folder.mkdir()
    for name in ("guideline.toml", "rules.dl"):
        (folder / name).write_text((TOY / name).read_text(encoding="utf-8"), encoding="utf-8")
    rules = folder / "rules.dl"
    added = (
        '.intervention tea "tea" group("Relief")\n'
        '#[id = "T-TEA", statements = ["T3"], cites = [1], strength = strong, says = "Tea"]\n'
        "advise(P, tea, do) :- in_scope(P).\n"
    )
    rules.write_text(rules.read_text(encoding="utf-8") + added, encoding="utf-8")
    before = {b.id: b for b in pathway_picture(compiled(TOY)).scenes[0].boxes}
    after = {b.id: b for b in pathway_picture(compiled(folder)).scenes[0].boxes}
    assert set(before) <= set(after)
    assert {i: b.x for i, b in before.items()} == {i: after[i].x for i in before}
    order = sorted(before, key=lambda i: before[i].y)
    assert order == [i for i in sorted(after, key=lambda i: after[i].y) if i in before]


def test_unknown_is_never_drawn_as_no() -> None:
    picture = patient_picture(compiled(KB), answers("seed"))
    statuses = {data["title"]: data["status"] for _, data in picture.graph.nodes(data=True)}
    assert statuses["Any red flag?"] == "not known: ask next"
    assert statuses["Symptoms persist after 6 weeks of adequate care?"] == "no: blocked"
    assert statuses["At once: MRI of the lumbar spine"] == "possible"


# the rule map
def test_rule_map_shows_what_is_wrong() -> None:
    text = """
.finding sign_a "sign a"
.finding never_read "never read"
.concept one(P: patient) true("one") false("not one")
.concept two(P: patient) true("two") false("not two")
.concept nowhere(P: patient) true("x") false("not x")
#[id = "A"]
one(P) :- finding(P, sign_a), !two(P), nowhere(P), onne(P).
#[id = "B"]
two(P) :- one(P), finding(P, sgn_a).
"""
    program, _ = parse_rules(Source("rules.dl", text))
    picture = rules_picture(compiled(KB).guideline, program, names_of(program))
    for words in ("UNDEFINED: did you mean one?", "did you mean sign_a?", "LOOP THROUGH NOT", "no rule defines it"):
        assert words in picture.outline
    assert "UNUSED INPUTS: never_read" in picture.outline
    assert_sound(picture)


# painting
def test_works_with_an_empty_path_and_is_the_same_twice(tmp_path: Path) -> None:
    code = (
        "import sys; from guidelog.diagrams.drawing.paint import paint; "
        "sys.stdout.buffer.write(paint(sys.stdin.read(), sys.argv[1]))"
    )
    environment = {"PATH": "", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "HOME": str(tmp_path)}
    dot = to_dot(pathway_picture(compiled(TOY)).scenes[0])
    for format_ in ("svg", "png"):
        command = [sys.executable, "-c", code, format_]
        done = subprocess.run(command, input=dot.encode(), capture_output=True, env=environment, check=False)
        assert done.stderr == b""
        assert done.stdout == paint(dot, format_)


def test_stored_widths_are_never_less_than_the_painter_needs() -> None:
    samples = ["WAVE To Ill “quoted” ½ ≥ µ", "iiiiiiiiiiiiiiiiii", "MMMMMMMMMMMM", "Ünïcödé Ωμέγα Кириллица", "שלום"]
    boxes: list[Box] = []
    y = 0.0
    for size in (9, 10, 11, 12, 22):
        for bold, italic in ((False, False), (True, False), (False, True)):
            for text in samples:
                font = Font(size, bold, italic)
                w = float(int(width(text, font)) + 1)
                lines = tuple(lines_of(text, w, font))
                assert len(lines) == 1
                boxes.append(
                    Box(f"b{len(boxes)}", "bare", 0, y, w, lines[0].height, lines, palette.STATE, pad=0, top=0.01)
                )
                y += 40
    paint(to_dot(Scene("s", "t", "d", 2000, y, (), tuple(boxes))), "svg")  # raises where a text does not fit its cell


def test_fonts_have_every_character_that_the_engine_writes() -> None:
    for picture in (pathway_picture(compiled(KB)), patient_picture(compiled(KB), answers("seed"))):
        for scene in picture.scenes:
            assert missing(scene.texts()) == set()


def test_wrapping_breaks_what_has_no_spaces() -> None:
    font = Font(10)
    for line in wrap("x" * 200 + " and/or-" * 30, font, 80):
        assert width(line, font) <= 80


def test_characters_that_the_fonts_lack_stay_in_the_svg() -> None:
    ((_, svg),) = rendered(pathway_picture(compiled(TOY)), "svg")
    assert "痛み止め" in svg.decode()
    assert "כאב" in svg.decode()
    assert "4 characters are not in the bundled fonts" in svg.decode()


# the accessible SVG
_SVG = "{http://www.w3.org/2000/svg}"


def test_svg_is_accessible() -> None:
    picture = patient_picture(compiled(KB), answers("seed"), Links("../kb"))
    content = next(page for _, page in rendered(picture, "svg") if b"imaging.dl#L" in page)
    root = ElementTree.fromstring(content)  # noqa: S314 - our own file
    assert root.get("role") == "graphics-document document"
    named = {e.get("id"): e for e in root.iter() if e.get("id")}
    for identity in (root.get("aria-labelledby") or "").split():
        assert "".join(named[identity].itertext()).strip()
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    boxes = [g for g in root.iter(f"{_SVG}g") if g.get("role") == "graphics-object"]
    assert len(boxes) >= 6
    for box in boxes:
        assert box.get("tabindex") == "0"
        assert box.get("aria-label")
    links = [a.get("{http://www.w3.org/1999/xlink}href") or "" for a in root.iter(f"{_SVG}a")]
    assert any(link.startswith("../kb/imaging.dl#L") for link in links)
    assert all(link.removeprefix("#") in named for link in links if link.startswith("#"))
    for link in links:
        if not link.startswith("#"):
            file, _, line = link.partition("#L")
            assert "id = " in (KB / Path(file).name).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert all(a.get("aria-label") for a in root.iter(f"{_SVG}a"))


# exports
def test_exports_of_every_kind(tmp_path: Path) -> None:
    known, given = compiled(KB), answers("seed")
    for picture in pictures_of(known, given, 1):
        graph = nx.parse_graphml(to_graphml(picture))
        assert set(graph.nodes) == set(picture.graph.nodes)
        assert len(graph.edges) == len(picture.graph.edges)
        mermaid = to_mermaid(picture)
        assert mermaid.startswith("flowchart ")
        assert mermaid.count("-->") + mermaid.count("-.->") == len(picture.graph.edges)
        for _, data in picture.graph.nodes(data=True):
            assert str(data["title"]) in picture.outline
        [(_, pdf)] = rendered(picture, "pdf")
        book = PdfReader(BytesIO(pdf))
        assert book.metadata is not None
        assert book.metadata.title == picture.scenes[0].title
        assert len(book.outline) == len(book.pages) == len(picture.scenes)
        assert picture.scenes[0].title.split()[0] in book.pages[0].extract_text()
        (_, png), *_ = rendered(picture, "png")
        assert png.startswith(b"\x89PNG")


def test_mermaid_quotes_what_authors_write() -> None:
    text = to_mermaid(pathway_picture(compiled(TOY)))
    inside = [line.split('"')[1] for line in text.splitlines() if '"' in line]
    assert inside
    assert not any(c in words.replace("<br/>", "") for words in inside for c in "<>{}|")


def test_an_author_s_mistake_is_told(tmp_path: Path) -> None:
    from guidelog.diagrams.gallery import read_gallery

    with pytest.raises(InputError, match=r"gallery\.toml"):
        read_gallery(tmp_path)
    (tmp_path / "gallery.toml").write_text('[[patients]]\nname = "x"\nfil = "y"\n', encoding="utf-8")
    with pytest.raises(InputError, match="no key `fil`"):
        read_gallery(tmp_path)


# speed
def test_one_picture_is_fast_when_warm() -> None:
    known, given = compiled(KB), answers("seed")

    def seconds(make: Callable[[], Picture]) -> float:
        start = time.process_time()
        list(rendered(make(), "svg"))
        return time.process_time() - start

    answer = given.answers[0]
    for make in (
        lambda: pathway_picture(known),
        lambda: patient_picture(known, given),
        lambda: proof_picture(known, given, answer),
        lambda: refusal_picture(known, given, answer),
        lambda: rules_picture(known.guideline, known.program, known.names),
    ):
        assert min(seconds(make) for _ in range(3)) < 0.5
