"""Guidelines compiled, patients answered and pictures made: for the tests of pictures and `benchmarks/diagrams.py`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from diagram_geometry import crossed_boxes, cut_texts, overlapping_texts, overlaps, parse
from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.diagrams.drawing.dot import to_dot
from guidelog.diagrams.drawing.paint import paint
from guidelog.diagrams.interchange import Picture
from guidelog.diagrams.pictures import (
    pathway_picture,
    patient_picture,
    proof_picture,
    refusal_picture,
    rules_picture,
)
from guidelog.explain.answers import Answer, Answers
from guidelog.language.guideline import load_guideline
from guidelog.patients import read_patient, read_text

ROOT = Path(__file__).parents[2]
KB = ROOT / "kb" / "lumbar_radiculopathy"
TOY = ROOT / "tests" / "guidelines" / "sore_throat"
GALLERY = ROOT / "diagrams"


def compile_folder(folder: Path) -> Compiled:
    """The guideline of a folder as it is now."""
    return pipeline.compile_guideline(load_guideline(str(folder)))


@cache
def compiled(folder: Path) -> Compiled:
    """The guideline of a folder that does not change."""
    return compile_folder(folder)


@cache
def answers_to(file: Path) -> Answers:
    """The bundled guideline's answers for a patient file."""
    known = compiled(KB)
    return pipeline.ask(known, read_patient(read_text(file), known.names.vocabulary))


def answers(name: str) -> Answers:
    """The bundled guideline's answers for one of its vignettes."""
    return answers_to(KB / "vignettes" / f"{name}.yaml")


def kinds(known: Compiled, given: Answers, answer: Answer) -> dict[str, Callable[[], Picture]]:
    """Each kind of picture of one version, to be made; `answer` is what is proved and refused."""
    return {
        "pathway": lambda: pathway_picture(known),
        "rules": lambda: rules_picture(known.guideline, known.program, known.names),
        "patient": lambda: patient_picture(known, given),
        "proof": lambda: proof_picture(known, given, answer),
        "why-not": lambda: refusal_picture(known, given, answer),
    }


def pictures_of(known: Compiled, given: Answers, most: int) -> Iterator[Picture]:
    """All pictures of a patient, with a proof and a refusal of the first `most` answers."""
    for place, answer in enumerate(given.answers[:most]):
        made = kinds(known, given, answer)
        yield from (make() for name, make in made.items() if place == 0 or name in ("proof", "why-not"))


def edited(folder: Path, *edits: tuple[str, str]) -> Path:
    """A copy of the toy with its rules changed."""
    target = folder / "new"
    shutil.copytree(TOY, target)
    rules = target / "rules.dl"
    text = rules.read_text(encoding="utf-8")
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    rules.write_text(text, encoding="utf-8")
    return target


def assert_sound(picture: Picture) -> None:
    """Nothing overlaps, is cut or crosses a box, as Graphviz painted it."""
    for scene in picture.scenes:
        geometry = parse(paint(to_dot(scene), "svg"))
        assert overlaps(geometry) == [], scene.name
        assert cut_texts(geometry) == [], scene.name
        assert overlapping_texts(geometry) == [], scene.name
        assert crossed_boxes(geometry) == [], scene.name
