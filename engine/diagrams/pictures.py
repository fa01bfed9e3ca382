"""Every kind of picture, made from a compiled guideline and answers; and a picture in every format.

The one place that the command line and the gallery use; two versions on one page are `diff_page`.
"""

from __future__ import annotations

from collections.abc import Iterator

from guidelog.compiled import Compiled
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.description import describe
from guidelog.explain.why import why
from guidelog.explain.why_not import why_not
from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Names

from .drawing.dot import to_dot
from .drawing.page import A3, A3_LONG, SMALLEST_SCALE, facts_of, scale_on_a3
from .drawing.paint import BUNDLED, bind, paint
from .drawing.scene import Scene
from .drawing.svg import accessible
from .interchange import (
    Picture,
    branch_graph,
    map_graph,
    pathway_graph,
    to_graphml,
    to_mermaid,
)
from .outline import map_outline, pathway_outline, tree_outline
from .pathway.derive import infer
from .pathway.model import Pathway
from .pathway.overlay import Links, Overlay
from .pathway.page import guideline_scenes
from .patient.page import answer_lines, emergency_lines, patient_scenes
from .patient.statuses import Overlaying
from .proof.why import proof_root, proof_scenes
from .proof.why_not import refusal_root, refusal_scenes
from .rulemap.graph import map_rules
from .rulemap.page import rules_scene

FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "graphml", "text")
SUFFIX = {"mermaid": "mmd", "text": "txt"}


def pathway_picture(compiled: Compiled, links: Links | None = None, pathway: Pathway | None = None) -> Picture:
    """The guideline's pathway."""
    found = pathway or infer(compiled)
    scenes = tuple(guideline_scenes(compiled, found, links or Links()))
    outline = pathway_outline(found, Overlay(), compiled.guideline, scenes[0].title, facts_of(compiled.guideline))
    return Picture("pathway", scenes, outline, pathway_graph(found, Overlay(), compiled.guideline))


def patient_picture(
    compiled: Compiled, answers: Answers, links: Links | None = None, pathway: Pathway | None = None
) -> Picture:
    """One patient on the pathway."""
    found = pathway or infer(compiled)
    overlay = Overlaying(found, answers).overlay()
    scenes = tuple(patient_scenes(compiled, answers, found, overlay, links or Links()))
    described = describe(answers)
    first = ["EMERGENCY", *emergency_lines(described), "", "AFTER THE EMERGENCY"] if described.emergency else []
    said = ["", "ANSWERS", *(f"  {line}" for line in answer_lines(described))]
    facts = (*first, f"patient {answers.patient.id}", described.headline, *facts_of(compiled.guideline), *said)
    outline = pathway_outline(found, overlay, compiled.guideline, scenes[0].title.partition(", sheet ")[0], facts)
    return Picture("patient", scenes, outline, pathway_graph(found, overlay, compiled.guideline))


def proof_picture(compiled: Compiled, answers: Answers, answer: Answer, links: Links | None = None) -> Picture:
    """Why an answer is what it is."""
    reasons = why(answers, answer)
    root = proof_root(compiled, reasons, links or Links())
    scenes, numbers = proof_scenes(compiled, answers, reasons, root)
    facts = (f"patient {answers.patient.id}", answer.says, *facts_of(compiled.guideline))
    return Picture(
        "proof", tuple(scenes), tree_outline([root], numbers, scenes[0].title, facts), branch_graph([root], numbers)
    )


def refusal_picture(compiled: Compiled, answers: Answers, answer: Answer, links: Links | None = None) -> Picture:
    """Why an intervention is not advised."""
    refusal = why_not(answers, answer)
    root = refusal_root(compiled, refusal, links or Links())
    scenes, numbers = refusal_scenes(compiled, answers, refusal, root)
    facts = (f"patient {answers.patient.id}", answer.says, *facts_of(compiled.guideline))
    return Picture(
        "why-not", tuple(scenes), tree_outline([root], numbers, scenes[0].title, facts), branch_graph([root], numbers)
    )


def rules_picture(
    guideline: GuidelineFolder, program: tree.Program, names: Names, links: Links | None = None
) -> Picture:
    """The rule map; the guideline may have errors."""
    found = map_rules(program, names)
    scene = rules_scene(guideline, program, found, links or Links())
    return Picture(
        "rules", (scene,), map_outline(found, scene.title, (scene.desc, *facts_of(guideline))), map_graph(found)
    )


def rendered(picture: Picture, format_: str, painter: str = BUNDLED) -> Iterator[tuple[str, bytes]]:
    """File names with contents: one for each page, or one where the format has no pages or holds them all (PDF).

    Raises PaintError.
    """
    suffix = SUFFIX.get(format_, format_)
    match format_:
        case "text":
            yield f"{picture.name}.{suffix}", picture.outline.encode()
        case "mermaid":
            yield f"{picture.name}.{suffix}", to_mermaid(picture).encode()
        case "graphml":
            yield f"{picture.name}.{suffix}", to_graphml(picture).encode()
        case "pdf":
            first, *_ = scenes = picture.scenes
            sheets = [paint(_on_a3(to_dot(scene), scene), "pdf", painter) for scene in scenes]
            yield f"{first.name}.pdf", bind(sheets, first.title, [scene.name for scene in scenes])
        case _:
            for scene in picture.scenes:
                dot = to_dot(scene)
                if format_ == "dot":
                    content = dot.encode()
                elif format_ == "svg":
                    content = accessible(paint(dot, "svg", painter), scene).encode()
                else:
                    content = paint(dot, format_, painter)
                yield f"{scene.name}.{suffix}", content


def _on_a3(dot: str, scene: Scene) -> str:
    """Made smaller to fit A3, where the text stays large enough; a longer page stays a longer page."""
    if not SMALLEST_SCALE <= scale_on_a3(scene.w, scene.h) < 1:
        return dot
    upright = min(A3 / scene.w, A3_LONG / scene.h) >= min(A3_LONG / scene.w, A3 / scene.h)
    sheet = (A3, A3_LONG) if upright else (A3_LONG, A3)
    return dot.replace("{\n", f'{{\n\tsize="{sheet[0] / 72:.4f},{sheet[1] / 72:.4f}"\n', 1)
