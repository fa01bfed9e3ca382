"""How long an author waits: `check` and `test` as processes, and the checks up to 2,000 rules.

python benchmarks/workbench.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

KB = Path(__file__).parents[1] / "kb" / "lumbar_radiculopathy"
TOML = 'id = "grown"\ntitle = "Grown"\nversion = "1"\nreview = "draft"\nmain = ["a0"]\n[source]\ntitle = "none"\n'


def process(*arguments: str) -> float:
    """Seconds that a command takes as a whole process; the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        code = "from guidelog.cli import main; main()"
        subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)  # noqa: S603
        best = min(best, time.perf_counter() - start)
    return best


def grown(rules: int) -> str:
    """A sound program of that many rules."""
    findings, concepts = max(2, rules // 10), max(1, rules // 4)
    steps = max(1, rules // 20)
    lines = [f'.finding f{i} "finding {i}" true("f {i}") false("not f {i}")' for i in range(findings)]
    lines += [f'.intervention a{i} "step {i}"' for i in range(steps)]
    lines += ['.statement S1 "all" kind(do) cites()', '.measure m "waiting" unit(week) range(0, 100)']
    lines += ['.concept in_scope(P: patient) true("in") false("out")', '#[id = "SC", statements = ["S1"]]']
    lines += ["in_scope(P) :- finding(P, f0)."]
    for i in range(rules):
        if i < concepts:
            lines += [
                f'.concept c{i}(P: patient) true("c {i}") false("not c {i}")',
                f'#[id = "C{i}", statements = ["S1"]]',
            ]
            lines.append(f"c{i}(P) :- finding(P, f{i % findings}), measure(P, m, W), W >= {i % 50}.")
        else:
            lines.append(f'#[id = "A{i}", statements = ["S1"], cites = [], strength = strong, says = "do {i}"]')
            lines.append(
                f"advise(P, a{i % steps}, do) :- in_scope(P), c{i % concepts}(P), !finding(P, f{i * 7 % findings})."
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table."""
    check, test = process("check", "-g", str(KB)), process("test", "-g", str(KB))
    print(f"bundled guideline: check {check:.2f} s, test {test:.2f} s, together {check + test:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "guideline.toml").write_text(TOML, encoding="utf-8")
        for rules in (100, 500, 1000, 2000):
            Path(folder, "rules.dl").write_text(grown(rules), encoding="utf-8")
            without, with_advice = process("check", "-g", folder, "--no-lint"), process("check", "-g", folder)
            print(f"{rules:>5} rules: check --no-lint {without:.2f} s, check {with_advice:.2f} s")


if __name__ == "__main__":
    main()
