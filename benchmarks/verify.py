"""How fast `verify`, `diff` and `generate` are: on the shipped guideline, and on made-up ones of many rules.

    python benchmarks/verify.py [--rules 2000] [--copies 24] [--z3]

`--copies` is the shipped guideline so many times over, with one threshold of one copy changed. With `--z3` (package
z3-solver, in the dependency group `benchmarks`) the properties of the shipped guideline that are about one record are
put to z3 as well, over the same doubled meaning with whole numbers in place of regions, and both must say the same.
`--copies 0` and `--rules 0` leave those parts out. Prints one line a measurement, with wall and processor time.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from synthetic import copies

from guidelog.cli.main import relax_collection
from guidelog.compiled import Compiled
from guidelog.language.guideline import load_guideline, read_guideline
from guidelog.pipeline import compile_guideline
from guidelog.solver.literals import Budget
from guidelog.verify.diff.compare import compare
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.suite.generate import generate

SHIPPED = "kb/lumbar_radiculopathy"
LEVELS = 20
PARTS = ("findings", "measures", "screens")

METADATA = """id = "synthetic"
title = "Synthetic"
version = "1.0.0"
review = "draft"
main = []
disclaimer = "made up"
[source]
title = "none"
date = "2025-01-01"
"""


PROMISES = (
    '#[id = "MONOTONE", says = "certain answers stay"]\nstable(P, A) :- learns(P), intervention(A).\n'
    '#[id = "NO-CONFLICT", says = "no certain conflict"]\nnever(P) :- answer(P, A, conflict).\n'
)


def synthetic(rules: int, seed: int = 1) -> str:
    """A guideline of so many rules: concepts in levels over findings and measures, a tenth of the rules advice."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    findings, measures, interventions = max(10, rules // 4), max(2, rules // 100), max(2, rules // 25)
    text = ['.statement S1 "made up" kind(do) cites()']
    text += [f'.finding f{i} "finding {i}" true("f{i}") false("no f{i}")' for i in range(findings)]
    text += [f'.measure m{i} "measure {i}" unit(week) range(0, 100)' for i in range(measures)]
    text += [f'.intervention a{i} "intervention {i}"' for i in range(interventions)]
    text += ['.concept in_scope(P: patient) true("in") false("out")', '#[id = "SCOPE"]\nin_scope(P) :- finding(P, f0).']
    advice = rules // 10
    per_level = max(1, (rules - advice) // LEVELS)
    lower: list[str] = []
    for level in range(LEVELS):
        names = [f"c{level}_{i // 2}" for i in range(per_level)]
        text += [f'.concept {n}(P: patient) true("{n}") false("no {n}")' for n in dict.fromkeys(names)]
        for i, name in enumerate(names):
            body = [f"finding(P, f{chance.randrange(findings)})"]
            if lower:
                body.append(f"{chance.choice(['', '!'])}{chance.choice(lower)}(P)")
            if chance.random() < 0.2:
                body.append(
                    f"measure(P, m{chance.randrange(measures)}, W), "
                    f"W {chance.choice(['>=', '<'])} {chance.randrange(1, 100)}"
                )
            else:
                body.append(f"{chance.choice(['', '!'])}finding(P, f{chance.randrange(findings)})")
            text.append(f'#[id = "R{level}-{i}"]\n{name}(P) :- {", ".join(body)}.')
        lower = list(dict.fromkeys(names))
    for i in range(advice):
        stance = chance.choice(["do", "do", "consider", "defer"])
        text.append(
            f'#[id = "A{i}", statements = ["S1"], cites = [], strength = strong, says = "advice {i}"]\n'
            f"advise(P, a{i % interventions}, {stance}) :- in_scope(P), "
            f"{chance.choice(['', '!'])}{chance.choice(lower)}(P), finding(P, f{chance.randrange(findings)})."
        )
    return "\n".join(text) + "\n"


def compiled(text: str, folder: Path) -> Compiled:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "guideline.toml").write_text(METADATA, encoding="utf-8")
    (folder / "rules.dl").write_text(text, encoding="utf-8")
    (folder / "properties.dl").write_text(
        PROMISES,
        encoding="utf-8",
    )
    return compile_guideline(read_guideline(folder))


def timed(label: str, run: Callable[[], Any]) -> Any:
    start, worked = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - start, time.process_time() - worked
    print(f"{label:<58} {wall:8.3f} s, {cpu:8.3f} s of processor", flush=True)
    return result


def shipped() -> None:
    guideline = timed("shipped guideline: compile", lambda: compile_guideline(load_guideline(SHIPPED)))
    properties = timed("read properties", lambda: read_properties(guideline))
    found = timed("verify, everything", lambda: verify(guideline, properties))
    slowest = max(found.verdicts, key=lambda v: v.seconds)
    print(f"    {len(found.verdicts)} properties, slowest {slowest.id}: {slowest.seconds * 1000:.1f} ms")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "changed"
        folder.mkdir()
        for file in Path(SHIPPED).iterdir():
            if file.is_file():
                (folder / file.name).write_text(
                    file.read_text(encoding="utf-8").replace("W), W >= 6,\n", "W), W >= 5,\n"), encoding="utf-8"
                )
        changed = compile_guideline(read_guideline(folder))
        difference = timed("diff, one threshold changed", lambda: compare(guideline, changed))
        print(
            f"    {len(difference.changes)} changes of answers, {len(difference.same)} interventions proved unchanged"
        )
    suite = timed("generate", lambda: generate(guideline))
    print(f"    {len(suite.patients)} patients show {suite.reached} of {suite.obligations} obligations")


def large(rules: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        text = synthetic(rules)
        guideline = timed(f"{rules} rules: compile", lambda: compiled(text, Path(scratch) / "old"))
        properties = timed(f"{rules} rules: read properties", lambda: read_properties(guideline))
        found = timed(f"{rules} rules: verify, everything", lambda: verify(guideline, properties))
        print(
            f"    {[(v.id, v.result.value) for v in found.verdicts]}, {len(found.remarks)} remarks, "
            f"complete: {found.complete}"
        )
        sizes = sorted(sum(len(r.witness.content.get(part, ())) for part in PARTS) for r in found.remarks if r.witness)
        if sizes:
            median = sizes[len(sizes) // 2]
            print(f"    {len(sizes)} patients of {sizes[0]} to {sizes[-1]} entries, median {median}")
        for seconds in (3, 9):
            part = timed(
                f"{rules} rules: verify with a budget of {seconds} s",
                partial(verify, guideline, properties, budget=Budget(seconds)),
            )
            print(f"    {sum(r.kind == 'not decided' for r in part.remarks)} remarks not decided")
        marker = '#[id = "R10-7"]\n'
        start = text.index(marker) + len(marker)
        head, body = text[start : text.index("\n", start)].split(" :- ")
        changed = text[:start] + f"{head} :- {body[:-1]}, !finding(P, f1)." + text[text.index("\n", start) :]
        other = compiled(changed, Path(scratch) / "new")
        difference = timed(f"{rules} rules: diff of one changed rule", lambda: compare(guideline, other))
        print(
            f"    {len(difference.changes)} changes, {len(difference.same)} interventions proved unchanged, "
            f"{len(difference.shared)} defined alike, undecided: {len(difference.undecided)}"
        )


def copied(number: int) -> None:
    """The shipped rules many times over: a cone is small, as in a real collection of guidelines."""
    old = copies(Path(SHIPPED), number)
    guideline = timed(f"{number} copies: compile", lambda: compile_guideline(old))
    print(f"    {len(guideline.ground.clauses)} rules")
    properties = read_properties(guideline, PROMISES)
    found = timed("copies: verify, everything", lambda: verify(guideline, properties))
    print(f"    {[(v.id, v.result.value) for v in found.verdicts]}, {len(found.remarks)} remarks")
    file = old.folder / "001_conservative_care.dl"
    file.write_text(file.read_text(encoding="utf-8").replace("W), W >= 6,\n", "W), W >= 5,\n"), encoding="utf-8")
    changed = compile_guideline(read_guideline(old.folder))
    difference = timed("copies: diff, one threshold changed", lambda: compare(guideline, changed))
    print(f"    {len(difference.changes)} changes, {len(difference.shared)} interventions defined alike")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How fast verify, diff and generate are.")
    parser.add_argument("--rules", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=24)
    parser.add_argument("--z3", action="store_true")
    arguments = parser.parse_args()
    if arguments.z3 and importlib.util.find_spec("z3") is None:
        parser.error("--z3 needs z3-solver: `uv sync --frozen --group benchmarks`, or `pip install z3-solver`")
    relax_collection()  # as the command line does
    shipped()
    if arguments.z3:
        from verify_z3 import against_z3

        against_z3(SHIPPED)
    if arguments.copies:
        copied(arguments.copies)
    if arguments.rules:
        large(arguments.rules)
