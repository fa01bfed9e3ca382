"""How long pictures take: `python benchmarks/diagrams.py [RUNS]`.

CPU seconds of this process (user and system), so that other work on the machine counts little: medians of RUNS (5).
First each kind of picture of the guideline as SVG when warm, then everything in diagrams/ with its PNGs. The goals are
half a second and five seconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from guidelog import pipeline
from guidelog.diagrams.diff_page import diff_picture
from guidelog.diagrams.export import Picture
from guidelog.diagrams.gallery import gallery_files, read_gallery
from guidelog.diagrams.pictures import (
    pathway_picture,
    patient_picture,
    proof_picture,
    refusal_picture,
    rendered,
    rules_picture,
)
from guidelog.explain.answers import Answers
from guidelog.guideline import load_guideline
from guidelog.patients import read_patient, read_text
from guidelog.verify.compare import compare

ROOT = Path(__file__).parent.parent
KB = ROOT / "kb" / "lumbar_radiculopathy"
GALLERY = ROOT / "diagrams"


def median(runs: int, work: Callable[[], object]) -> float:
    found = []
    for _ in range(runs):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def main(runs: int) -> None:
    start = time.process_time()
    compiled = pipeline.compile_guideline(load_guideline(str(KB)))
    print(f"{'compile the guideline':32} {time.process_time() - start:7.3f} s")

    def answers(file: Path) -> Answers:
        return pipeline.ask(compiled, read_patient(read_text(str(file)), compiled.names.vocabulary))

    given = answers(KB / "vignettes" / "seed.yaml")
    surgery = next(a for a in given.answers if a.intervention == "surgical_referral")
    same = compare(compiled, compiled, pipeline.ask)
    kinds: dict[str, Callable[[], Picture]] = {
        "pathway": lambda: pathway_picture(compiled),
        "patient": lambda: patient_picture(compiled, given),
        "proof": lambda: proof_picture(compiled, given, surgery),
        "why-not": lambda: refusal_picture(compiled, given, surgery),
        "rules": lambda: rules_picture(compiled.guideline, compiled.program, compiled.names),
        "diff (comparison not counted)": lambda: diff_picture(compiled, compiled, same),
    }
    for name, make in kinds.items():
        list(rendered(make(), "svg"))
        print(f"{name:32} {median(runs, lambda make=make: list(rendered(make(), 'svg'))):7.3f} s")  # type: ignore[misc]
    gallery = read_gallery(GALLERY)
    made = list(gallery_files(compiled, gallery, lambda file: answers(GALLERY / file)))
    seconds = median(
        max(1, runs // 2), lambda: list(gallery_files(compiled, gallery, lambda file: answers(GALLERY / file)))
    )
    print(f"{f'all of diagrams/, {len(made)} files':32} {seconds:7.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
