"""Warm `ask` for the seed patient beside its peers, the whole command cold, and growth with the number of rules.

    python benchmarks/ask.py            (about two minutes)

Peers, all on the same doubled program: clingo from Python, bare pyDatalog loading the rules as text (without
certificates, questions or any guard), and a function written by hand that gives the same statuses and nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from by_hand import statuses
from measure import Timing, machine, side_by_side, table
from pyDatalog import pyDatalog
from synthetic import copies

from guidelog.compiled import PATIENT, Compiled
from guidelog.datalog.clingo import Clingo
from guidelog.datalog.syntax import Goal, PlainRule, Product, Sum, Test, Var
from guidelog.ground.program import Ranges
from guidelog.language.guideline import read_guideline
from guidelog.patients import Facts, Patient, read_patient, read_text
from guidelog.pipeline import ask, compile_guideline, settle

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "kb" / "lumbar_radiculopathy"
SEED = FOLDER / "vignettes" / "seed.yaml"


def inputs(compiled: Compiled, facts: Facts) -> dict[str, Any]:
    """The rows that a backend gets for a patient."""
    prepared = compiled.prepare(Ranges.KEPT)
    return {
        **prepared.rows,
        "patient": [(PATIENT,)],
        "finding@t": [(PATIENT, n) for n, v in facts.findings.items() if v is True],
        "finding@p": [(PATIENT, n) for n, v in facts.findings.items() if v is not False],
        "measure": [(PATIENT, n, i.low, i.high) for n, i in facts.measures.items()],
    }


class Bare:
    """The doubled program as pyDatalog text, loaded and asked anew for each patient."""

    def __init__(self, compiled: Compiled, facts: Facts) -> None:
        self.names: dict[str, str] = {}
        rows = [
            f"+ {self.name(predicate)}({', '.join(map(repr, row))})"
            for predicate, table in inputs(compiled, facts).items()
            for row in table
        ]
        heads = dict.fromkeys(r.head.predicate for r in compiled.stratified.rules)
        rules = [self.rule(rule) for rule in compiled.stratified.rules]
        # pyDatalog stops at a predicate without a clause.
        defined = {*heads, *inputs(compiled, facts)}
        used = {g.predicate: len(g.terms) for r in compiled.stratified.rules for g in r.goals}
        rows += [f"+ {self.name(p)}({', '.join(['0'] * n)})" for p, n in used.items() if p not in defined]
        self.text = "\n".join([*rows, *rules])
        self.questions = [f"{self.name('advise' + side)}('{PATIENT}', X, Y)" for side in ("@t", "@p")]

    def __call__(self) -> object:
        pyDatalog.clear()
        pyDatalog.load(self.text)
        return [pyDatalog.ask(question) for question in self.questions]

    def name(self, predicate: str) -> str:
        return self.names.setdefault(predicate, f"q{len(self.names)}")

    def rule(self, rule: PlainRule) -> str:
        ordered = sorted(rule.body, key=lambda p: (isinstance(p, Test), getattr(p, "negated", False)))
        parts = [self.part(p) for p in ordered]
        body = " & ".join(parts)
        return f"{self.goal(rule.head)} <= {body}" if body else f"+ {self.goal(rule.head)}"

    def part(self, part: Goal | Test) -> str:
        if isinstance(part, Goal):
            return ("~" if part.negated else "") + self.goal(part)
        operator = "==" if part.operator == "=" else part.operator
        return f"({self.operand(part.left)} {operator} {self.operand(part.right)})"

    def goal(self, goal: Goal) -> str:
        return f"{self.name(goal.predicate)}({', '.join(self.term(t) for t in goal.terms)})"

    def term(self, term: Any) -> str:
        return self.variable(term.name) if isinstance(term, Var) else repr(term)

    def operand(self, operand: Sum | Product) -> str:
        assert isinstance(operand, Sum)
        return " + ".join(
            [*(f"{c}*{self.variable(v.name)}" if c != 1 else self.variable(v.name) for c, v in operand.terms)]
            or [repr(operand.constant)]
        )

    def variable(self, name: str) -> str:
        return "X" + "".join(c if c.isalnum() else "_" for c in name)


def same_statuses(compiled: Compiled) -> int:
    """The function written by hand agrees with the engine on every vignette; how many answers were compared."""
    compared = 0
    for path in sorted((FOLDER / "vignettes").glob("*.yaml")):
        patient = read_patient(read_text(path), compiled.names.vocabulary)
        facts, _ = settle(compiled, patient)
        expected = {a.intervention: a.status.value for a in ask(compiled, patient).answers}
        got = by_hand(facts)
        assert got == expected, (path.name, {k: (v, expected[k]) for k, v in got.items() if v != expected[k]})
        compared += len(got)
    return compared


def by_hand(facts: Facts) -> dict[str, str]:
    return statuses(facts.findings, {n: (i.low, i.high) for n, i in facts.measures.items()})


def cold(rounds: int = 7) -> Timing:
    """The whole process: `guidelog ask SEED`."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(  # noqa: S603 - this project's own command
            [sys.executable, "-m", "guidelog.cli", "ask", str(SEED)], check=True, capture_output=True, cwd=ROOT
        )
        seconds.append(time.perf_counter() - start)
    return Timing("guidelog ask, whole process", tuple(seconds))


def contenders(compiled: Compiled, patient: Patient) -> dict[str, Callable[[], object]]:
    facts, _ = settle(compiled, patient)
    rows = inputs(compiled, facts)
    clingo = Clingo()
    return {
        "guidelog ask, certificates checked": lambda: ask(compiled, patient),
        "  of it the pyDatalog evaluation": lambda: compiled.evaluate(facts),
        "clingo from Python": lambda: clingo.evaluate(compiled.stratified.layers, rows),
        "bare pyDatalog, text loaded": Bare(compiled, facts),
        "function written by hand": lambda: by_hand(facts),
    }


def growth(sizes: tuple[int, ...] = (1, 3, 6, 11)) -> str:
    lines = ["| rules | load ms | warm ask ms | ms a rule |", "|---:|---:|---:|---:|"]
    for number in sizes:
        guideline = copies(FOLDER, number)
        start = time.perf_counter()
        compiled = compile_guideline(guideline)
        loaded = time.perf_counter() - start
        patient = read_patient(read_text(SEED), compiled.names.vocabulary)
        (timing,) = side_by_side({"ask": lambda c=compiled, p=patient: ask(c, p)}, rounds=5, warm=1)
        rules = sum(bool(c.rule.body) for c in compiled.ground.clauses)
        warm = timing.median * 1e3
        lines.append(f"| {rules} | {loaded * 1e3:.0f} | {warm:.0f} | {warm / rules:.3f} |")
    return "\n".join(lines)


def main() -> None:
    compiled = compile_guideline(read_guideline(FOLDER))
    patient = read_patient(read_text(SEED), compiled.names.vocabulary)
    print(f"{machine()}\n")
    print(f"{same_statuses(compiled)} answers of the function written by hand agree with the engine\n")
    print(table(side_by_side(contenders(compiled, patient)), base="bare pyDatalog, text loaded"))
    timing = cold()
    print(f"\n{timing.name}: median {timing.median:.3f} s, fastest {min(timing.seconds):.3f} s\n")
    print(growth())


if __name__ == "__main__":
    main()
