"""What explanations cost: `why`, `why-not` and `missing` for every intervention of the seed patient, against `ask`.

    python benchmarks/explain.py [COPIES...]

All are warm. Growth is measured on the guideline several times over (benchmarks/synthetic.py): 1, 8 and 31 copies are
about 65, 500 and 2,000 rules.
"""

from __future__ import annotations

import sys
from pathlib import Path

from measure import side_by_side
from synthetic import copies

from guidelog import pipeline
from guidelog.explain.answers import Answers
from guidelog.explain.proof import Reasons
from guidelog.explain.questions.next import next_question
from guidelog.explain.why import why
from guidelog.explain.why_not import why_not
from guidelog.language.guideline import read_guideline
from guidelog.patients import read_patient, read_text

KB = Path(__file__).parent.parent / "kb" / "lumbar_radiculopathy"


def main() -> None:
    print("| rules | ask, ms | why + why-not + missing, ms | ratio |\n|---|---|---|---|")
    for number in map(int, sys.argv[1:] or ("1", "8", "31")):
        guideline = read_guideline(KB) if number == 1 else copies(KB, number)
        compiled = pipeline.compile_guideline(guideline)
        patient = read_patient(read_text(KB / "vignettes" / "seed.yaml"), compiled.names.vocabulary)
        answers = pipeline.ask(compiled, patient)
        rounds = 9 if number == 1 else 3
        contenders = {"ask": lambda c=compiled, p=patient: pipeline.ask(c, p), "explain": lambda a=answers: explain(a)}
        asked, explained = side_by_side(contenders, rounds=rounds, warm=1)
        ratio = explained.median / asked.median
        rules = sum(1 for r in compiled.program.rules if r.body)
        print(f"| {rules:,} | {asked.median * 1000:,.0f} | {explained.median * 1000:,.0f} | {ratio:.2f} |")


def explain(answers: Answers) -> None:
    """All three explanations of all answers."""
    shared = Reasons(answers)
    for answer in answers.answers:
        why(answers, answer, reasons=shared).to_json()
        why_not(answers, answer).to_json()
    next_question(answers)


if __name__ == "__main__":
    main()
