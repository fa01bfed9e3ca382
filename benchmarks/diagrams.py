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

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from drawn import GALLERY, KB, answers, answers_to, compiled, kinds
from guidelog import pipeline
from guidelog.diagrams.gallery import gallery_files, read_gallery
from guidelog.diagrams.pictures import rendered
from guidelog.diagrams.versions.page import diff_picture
from guidelog.verify.diff.compare import compare


def median(runs: int, work: Callable[[], object]) -> float:
    found = []
    for _ in range(runs):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def main(runs: int) -> None:
    start = time.process_time()
    known = compiled(KB)
    print(f"{'compile the guideline':32} {time.process_time() - start:7.3f} s")
    given = answers("seed")
    same = compare(known, known, pipeline.ask)
    made = kinds(known, given, next(a for a in given.answers if a.intervention == "surgical_referral"))
    made["diff (comparison not counted)"] = lambda: diff_picture(known, known, same)
    for name, make in made.items():
        list(rendered(make(), "svg"))
        print(f"{name:32} {median(runs, lambda make=make: list(rendered(make(), 'svg'))):7.3f} s")  # type: ignore[misc]
    gallery = read_gallery(GALLERY)

    def everything() -> list[tuple[str, bytes]]:
        answers_to.cache_clear()  # answering is part of it
        return list(gallery_files(known, gallery, lambda file: answers_to((GALLERY / file).resolve())))

    files = everything()
    print(f"{f'all of diagrams/, {len(files)} files':32} {median(max(1, runs // 2), everything):7.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
