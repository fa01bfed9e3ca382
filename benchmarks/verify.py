"""How fast `verify`, `diff` and `generate` are: on the shipped guideline, and on made-up ones of many rules.

    python benchmarks/verify.py [--rules 2000] [--copies 24] [--z3]

`--copies` is the shipped guideline so many times over, with one threshold of one copy changed. With `--z3` (package
z3-solver) the properties of the shipped guideline that are about one record are put to z3 as well, over the same
doubled meaning with whole numbers in place of regions, and both must say the same. Prints one line a measurement, with
wall and processor time.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synthetic import copies

from guidelog.cli.main import relax_collection
from guidelog.compiled import Compiled
from guidelog.ground import GroundAtLeast, GroundComparison, GroundElement, GroundLiteral
from guidelog.guideline import load_guideline, read_guideline
from guidelog.names import EMERGENCY, STANCES_AGAINST, STANCES_FOR
from guidelog.pipeline import compile_guideline
from guidelog.status import STATUS_OF_STANCE, Status
from guidelog.verify.circuit import Budget
from guidelog.verify.compare import compare
from guidelog.verify.promises import KEPT, Kind, modal
from guidelog.verify.properties import Properties, Property, read_properties
from guidelog.verify.prove import verify
from guidelog.verify.search import Outcome, Search
from guidelog.verify.suite import generate

SHIPPED = "kb/lumbar_radiculopathy"
LEVELS = 20

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


# the same questions for z3


def against_z3() -> None:
    import z3

    guideline = compile_guideline(load_guideline(SHIPPED))
    properties = read_properties(guideline)
    search = Search(properties)
    goals = [(p, search.goal(p)) for p in properties.properties if p.kind in (Kind.NEVER, Kind.ALWAYS)]
    start = time.perf_counter()
    ours = [search.ask([goal, -search.judgement.settled], Budget())[0] is Outcome.IMPOSSIBLE for _, goal in goals]
    clingo = time.perf_counter() - start
    solver = z3.Solver()
    model = _Z3(z3, solver, properties)
    theirs = [z3.Or([model.broken(p, r) for r in p.instances]) for p, _ in goals]
    start = time.perf_counter()
    answers = []
    for goal in theirs:
        solver.push()
        solver.add(goal)
        answers.append(solver.check() == z3.unsat)
        solver.pop()
    theirs_took = time.perf_counter() - start
    print(f"{len(goals)} properties about one record: clingo {clingo * 1000:.0f} ms, z3 {theirs_took * 1000:.0f} ms")
    assert ours == answers, [p.id for (p, _), a, b in zip(goals, ours, answers, strict=True) if a != b]


class _Z3:
    """The doubled meaning over z3's booleans and integers."""

    def __init__(self, z3: Any, solver: Any, properties: Properties) -> None:
        self.z3, self.solver, self.program = z3, solver, properties.program
        vocabulary = self.program.names.vocabulary
        self.present = {n: z3.Bool(f"{n}+") for n in vocabulary.findings}
        self.absent = {n: z3.Bool(f"{n}-") for n in vocabulary.findings}
        for name in vocabulary.findings:
            solver.add(z3.Not(z3.And(self.present[name], self.absent[name])))
        self.low, self.high = ({n: z3.Int(f"{n}{end}") for n in vocabulary.measures} for end in "<>")
        for name, m in vocabulary.measures.items():
            solver.add(
                self.low[name] >= m.low * m.ticks,
                self.high[name] <= m.high * m.ticks,
                self.low[name] <= self.high[name],
            )
        self.values: dict[Any, tuple[Any, Any]] = {}
        for denial in self.program.denials:
            # closed under propagation: where all elements but one hold, that one is false
            values = [self.element(e) for e in denial.elements]
            for place, (_, possible) in enumerate(values):
                others = [v[0] for i, v in enumerate(values) if i != place]
                solver.add(z3.Implies(z3.And(others), z3.Not(possible)))

    def broken(self, prop: Property, rule: Any) -> Any:
        body = self.z3.And([self.element(e)[0] for e in rule.elements])
        if prop.kind is Kind.NEVER:
            return body
        return self.z3.And(body, self.z3.Not(self.atom(modal(self.program, ("", rule.head[1])))[0]))

    def atom(self, atom: Any) -> tuple[Any, Any]:
        z3 = self.z3
        if atom[0] == "finding":
            return self.present[atom[1]], z3.Not(self.absent[atom[1]])
        if atom not in self.values:
            self.values[atom] = self.define(atom)
        return self.values[atom]

    def define(self, atom: Any) -> tuple[Any, Any]:
        z3 = self.z3
        if atom[0] == "answer":
            same = self.status(atom[1])[Status(atom[2])]
            return same, same
        if atom[0] == "unknown":
            certain, possible = self.atom(modal(self.program, atom))
            both = z3.And(possible, z3.Not(certain))
            return both, both
        if atom[0] == KEPT or atom in self.program.facts:
            return z3.BoolVal(True), z3.BoolVal(True)
        bodies = [[self.element(e) for e in r.elements] for r in self.program.instances.get(atom, ())]
        pair = []
        for side in (0, 1):
            value = z3.Bool(f"{atom}{side}")
            self.solver.add(value == z3.Or([z3.And([e[side] for e in body]) for body in bodies]))
            pair.append(value)
        return pair[0], pair[1]

    def status(self, intervention: str) -> dict[Status, Any]:
        z3 = self.z3
        stances_ = (EMERGENCY, *STANCES_FOR, *STANCES_AGAINST)
        sure, maybe = ({s: self.atom(("advise", intervention, s))[side] for s in stances_} for side in (0, 1))
        calm = z3.Not(maybe[EMERGENCY])
        found: dict[Status, list[Any]] = {s: [] for s in Status}
        found[Status.EMERGENCY_PATHWAY].append(sure[EMERGENCY])
        speaks = [z3.Or([sure[s] for s in side]) for side in (STANCES_FOR, STANCES_AGAINST)]
        found[Status.CONFLICT].append(z3.And(calm, *speaks))
        for stances, others in ((STANCES_FOR, STANCES_AGAINST), (STANCES_AGAINST, STANCES_FOR)):
            for index, stance in enumerate(stances):
                off = [z3.Not(maybe[s]) for s in (*others, *stances[:index])]
                found[STATUS_OF_STANCE[stance]].append(z3.And(calm, sure[stance], *off))
        scope = self.atom(("in_scope",))
        silent = [z3.Not(maybe[s]) for s in (*STANCES_FOR, "avoid")]
        found[Status.NOT_NOW].append(z3.And(calm, scope[0], *silent))
        found[Status.OUTSIDE_GUIDELINE].append(z3.And(calm, z3.Not(scope[1]), *silent, z3.Not(maybe["defer"])))
        answers = {s: z3.Or(parts) for s, parts in found.items()}
        answers[Status.UNDETERMINED] = z3.Not(z3.Or([v for s, v in answers.items() if s is not Status.UNDETERMINED]))
        return answers

    def element(self, element: GroundElement) -> tuple[Any, Any]:
        z3 = self.z3
        match element:
            case GroundLiteral(atom, negated):
                certain, possible = self.atom(atom)
                return (z3.Not(possible), z3.Not(certain)) if negated else (certain, possible)
            case GroundComparison(terms, operator, low, high):
                sides = [self.compared(terms, operator, bound) for bound in (low, high)]
                return z3.And([s[0] for s in sides]), z3.Or([s[1] for s in sides])
            case GroundAtLeast(count, members):
                values = [self.element(m) for m in members]
                return z3.AtLeast(*(v[0] for v in values), count), z3.AtLeast(*(v[1] for v in values), count)
            case _:
                return z3.BoolVal(True), z3.BoolVal(True)

    def compared(self, terms: Any, operator: str, bound: int) -> tuple[Any, Any]:
        z3 = self.z3
        least = sum(c * (self.low if c > 0 else self.high)[n] for n, c in terms)
        most = sum(c * (self.high if c > 0 else self.low)[n] for n, c in terms)
        match operator:
            case ">=":
                return least >= bound, most >= bound
            case ">":
                return least > bound, most > bound
            case "<=":
                return most <= bound, least <= bound
            case "<":
                return most < bound, least < bound
            case "=":
                return z3.And(least == bound, most == bound), z3.And(least <= bound, most >= bound)
            case _:
                return z3.Or(least > bound, most < bound), z3.Not(z3.And(least == bound, most == bound))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How fast verify, diff and generate are.")
    parser.add_argument("--rules", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=24)
    parser.add_argument("--z3", action="store_true")
    arguments = parser.parse_args()
    relax_collection()  # as the command line does
    shipped()
    if arguments.z3:
        against_z3()
    if arguments.copies:
        copied(arguments.copies)
    if arguments.rules:
        large(arguments.rules)
