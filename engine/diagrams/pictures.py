"""Every kind of picture, made from a compiled guideline and answers; and a picture in every format.

The one place that the command line and the gallery use.
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import tree
from ..compiled import Compiled
from ..explain.answers import Answer, Answers
from ..explain.why import why
from ..explain.why_not import why_not
from ..guideline import Guideline
from ..names import Names
from ..verify.compare import Difference
from .changes import about, both_versions, diff_scene, outline_rows, rows
from .dot import to_dot
from .export import (
    Picture,
    branch_graph,
    map_graph,
    map_outline,
    pathway_graph,
    pathway_outline,
    to_graphml,
    to_mermaid,
    tree_outline,
)
from .flow import Links, Overlay
from .model import Pathway
from .page import A3, facts_of
from .paint import BUNDLED, paint
from .pathway import infer
from .pathway_page import pathway_scene
from .patient import Overlaying, headline, patient_scene
from .proof import proof_root, proof_scenes
from .refusal import refusal_root, refusal_scenes
from .rulemap import map_rules, rules_scene
from .scene import Scene
from .svg import accessible

FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "graphml", "text")
A3_LONG, SMALLEST_SCALE = 1191.0, 0.75
"""Points; text of 9 points is 6.8 at that scale."""
SUFFIX = {"mermaid": "mmd", "text": "txt"}


def pathway_picture(compiled: Compiled, links: Links | None = None) -> Picture:
    """The guideline's pathway."""
    found = infer(compiled)
    scene = pathway_scene(compiled, links, found)
    outline = pathway_outline(found, Overlay(), compiled.guideline, scene.title, facts_of(compiled.guideline))
    return Picture("pathway", (scene,), outline, pathway_graph(found, Overlay(), compiled.guideline))


def patient_picture(
    compiled: Compiled, answers: Answers, links: Links | None = None, pathway: Pathway | None = None
) -> Picture:
    """One patient on the pathway."""
    found = pathway or infer(compiled)
    scene = patient_scene(compiled, answers, links, found)
    overlay = Overlaying(found, answers).overlay()
    facts = (f"patient {answers.patient.id}", headline(answers), *facts_of(compiled.guideline))
    outline = pathway_outline(found, overlay, compiled.guideline, scene.title, facts)
    return Picture("patient", (scene,), outline, pathway_graph(found, overlay, compiled.guideline))


def proof_picture(compiled: Compiled, answers: Answers, answer: Answer, links: Links | None = None) -> Picture:
    """Why an answer is what it is."""
    reasons = why(answers, answer)
    root, numbers = proof_root(compiled, reasons, links)
    scenes = proof_scenes(compiled, answers, reasons, links)
    facts = (f"patient {answers.patient.id}", answer.says, *facts_of(compiled.guideline))
    return Picture(
        "proof", tuple(scenes), tree_outline([root], numbers, scenes[0].title, facts), branch_graph([root], numbers)
    )


def refusal_picture(compiled: Compiled, answers: Answers, answer: Answer, links: Links | None = None) -> Picture:
    """Why an intervention is not advised."""
    refusal = why_not(answers, answer)
    root, numbers = refusal_root(compiled, refusal, links)
    scenes = refusal_scenes(compiled, answers, refusal, links)
    facts = (f"patient {answers.patient.id}", answer.says, *facts_of(compiled.guideline))
    return Picture(
        "why-not", tuple(scenes), tree_outline([root], numbers, scenes[0].title, facts), branch_graph([root], numbers)
    )


def rules_picture(guideline: Guideline, program: tree.Program, names: Names, links: Links | None = None) -> Picture:
    """The rule map; the guideline may have errors."""
    scene = rules_scene(guideline, program, names, links)
    found = map_rules(program, names)
    return Picture(
        "rules", (scene,), map_outline(found, scene.title, (scene.desc, *facts_of(guideline))), map_graph(found)
    )


def diff_picture(old: Compiled, new: Compiled, difference: Difference, links: Links | None = None) -> Picture:
    """Two versions on one pathway."""
    merged = both_versions(old, new, difference)
    scene = diff_scene(old, new, difference, links, merged)
    words = [*about(difference), "", *outline_rows(rows(old, new, difference, merged.pathway))]
    outline = pathway_outline(merged.pathway, merged.overlay, new.guideline, scene.title, (scene.desc, "", *words))
    return Picture("diff", (scene,), outline, pathway_graph(merged.pathway, merged.overlay, new.guideline))


def rendered(picture: Picture, format_: str, painter: str = BUNDLED) -> Iterator[tuple[str, bytes]]:
    """File names with contents: one for each page, or one for the formats that have no pages. Raises PaintError."""
    suffix = SUFFIX.get(format_, format_)
    match format_:
        case "text":
            yield f"{picture.name}.{suffix}", picture.outline.encode()
        case "mermaid":
            yield f"{picture.name}.{suffix}", to_mermaid(picture).encode()
        case "graphml":
            yield f"{picture.name}.{suffix}", to_graphml(picture).encode()
        case _:
            for scene in picture.scenes:
                dot = to_dot(scene)
                if format_ == "dot":
                    content = dot.encode()
                elif format_ == "svg":
                    content = accessible(paint(dot, "svg", painter), scene).encode()
                else:
                    content = paint(_on_a3(dot, scene) if format_ == "pdf" else dot, format_, painter)
                yield f"{scene.name}.{suffix}", content


def _on_a3(dot: str, scene: Scene) -> str:
    """Made smaller to fit A3, where the text stays large enough; a longer page stays a longer page."""
    sheet = (A3, A3_LONG) if scene.h >= scene.w else (A3_LONG, A3)
    scale = min(sheet[0] / scene.w, sheet[1] / scene.h)
    if not SMALLEST_SCALE <= scale < 1:
        return dot
    return dot.replace("{\n", f'{{\n\tsize="{sheet[0] / 72:.4f},{sheet[1] / 72:.4f}"\n', 1)
