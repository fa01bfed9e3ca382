"""`guidelog test`: vignettes against the rules, with coverage and mutants."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, render
from guidelog.files import write_text
from guidelog.workbench.mutation.survivors import EQUIVALENT, INVALID, KILLED, SURVIVED, Mutation, mutate
from guidelog.workbench.trace.readings import shortly
from guidelog.workbench.vignettes.coverage import BACKGROUND, CRITERION, RULE, THRESHOLD, Coverage, coverage
from guidelog.workbench.vignettes.reports import coverage_page, junit, mismatch_lines, outcomes_json
from guidelog.workbench.vignettes.runner import Outcome, run, run_shared
from guidelog.workbench.vignettes.vignette import Vignette, readable_vignettes, vignette_files

from .main import show_errors, use_colour
from .support.again import again
from .support.files import writing
from .support.options import format_option, guideline_option, load, reading_option, write_json

_KINDS = ((RULE, "rules"), (CRITERION, "criteria"), (THRESHOLD, "thresholds"), (BACKGROUND, "background rules"))
_MOST = 20


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE|FOLDER]...")
@guideline_option
@reading_option
@format_option
@click.option("-k", "words", metavar="WORDS", help="Only vignettes with these words in file name, id or statements.")
@click.option("--quick", is_flag=True, help="Without certificates: faster, and for a first look only.")
@click.option("--coverage", "with_coverage", is_flag=True, help="What the vignettes exercise, and what they do not.")
@click.option("--min", "least", type=click.FloatRange(0, 100), metavar="PERCENT", help="Fail below this coverage.")
@click.option("--mutate", "with_mutants", is_flag=True, help="Try small mistakes in the rules; show those that pass.")
@click.option("--min-mutants", type=click.FloatRange(0, 100), metavar="PERCENT", help="Fail below this share noticed.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML.")
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the coverage page.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Processes. [default: one a processor, up to 4]")
@click.option("--watch", is_flag=True, help="Run again whenever a file of the guideline changes.")
def test(
    paths: tuple[str, ...],
    guideline: str | None,
    readings: tuple[str, ...],
    format_: str,
    words: str | None,
    quick: bool,
    with_coverage: bool,
    least: float | None,
    with_mutants: bool,
    min_mutants: float | None,
    junit_file: Path | None,
    html_file: Path | None,
    jobs: int | None,
    watch: bool,
) -> None:
    """Run the vignettes of a guideline; exit code 1 when one does not come out as expected.

    \b
    Examples:
      guidelog test
      guidelog test -k surgery --coverage
      guidelog test --mutate --min-mutants 95
    """
    wanted = _Wanted(paths, words, quick, with_coverage, least, with_mutants, min_mutants, junit_file, html_file, jobs)
    if watch:
        again(guideline, lambda: wanted.run(load(guideline, readings), format_))
    sys.exit(0 if wanted.run(load(guideline, readings), format_) else 1)


class _Wanted:
    """What was asked for on the command line."""

    def __init__(
        self,
        paths: Sequence[str],
        words: str | None,
        quick: bool,
        with_coverage: bool,
        least: float | None,
        with_mutants: bool,
        min_mutants: float | None,
        junit_file: Path | None,
        html_file: Path | None,
        jobs: int | None,
    ) -> None:
        self.paths, self.words, self.quick, self.jobs = paths, words, quick, jobs
        self.with_coverage = with_coverage or least is not None or html_file is not None
        self.least, self.min_mutants = least, min_mutants
        self.with_mutants = with_mutants or min_mutants is not None
        self.junit_file, self.html_file = junit_file, html_file

    def run(self, compiled: Compiled, format_: str) -> bool:
        """Run, show, and say whether everything is as it should be."""
        vignettes, unread = self.vignettes(compiled)
        start = time.perf_counter()
        if self.quick:
            outcomes = list(run(compiled, vignettes, certified=False))
        else:
            outcomes = run_shared(compiled, vignettes, jobs=self.jobs, cases=self.with_coverage)
        seconds = time.perf_counter() - start
        covered = coverage(compiled.ground, compiled.program.rules, outcomes) if self.with_coverage else None
        passing = [o.vignette for o in outcomes if o.passed]
        mutation = Mutation(tuple(mutate(compiled, passing))) if self.with_mutants else None
        if self.junit_file:
            _write(self.junit_file, junit(outcomes, compiled.guideline))
        if self.html_file and covered:
            _write(self.html_file, coverage_page(covered, outcomes, compiled.guideline))
        if format_ == "json":
            data = outcomes_json(outcomes)
            data |= {"coverage": covered.to_json()} if covered else {}
            write_json(data | ({"mutants": mutation.to_json()} if mutation else {}))
        else:
            click.echo(_text(outcomes, seconds, covered, mutation, colour=use_colour(sys.stdout)), color=True)
        enough = covered is None or self.least is None or covered.percent() >= self.least
        noticed = mutation is None or self.min_mutants is None or mutation.score >= self.min_mutants
        if unread:  # the others were run all the same
            show_errors(InputError(unread))
        return all(o.passed for o in outcomes) and enough and noticed and not unread

    def vignettes(self, compiled: Compiled) -> tuple[list[Vignette], list[Diagnostic]]:
        found, unread = readable_vignettes(vignette_files(compiled.guideline, self.paths), compiled.names)
        chosen = [v for v in found if self.words is None or v.matches(self.words)]
        if not chosen and unread:
            raise InputError(unread)
        if not chosen:
            raise InputError.of("GL921", f"none of {len(found)} vignettes matches `{self.words}`")
        return chosen, unread


def _write(path: Path, text: str) -> None:
    with writing(path):
        write_text(path, text, private=False)


def _text(
    outcomes: Sequence[Outcome], seconds: float, covered: Coverage | None, mutation: Mutation | None, *, colour: bool
) -> str:
    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    lines: list[str] = []
    for outcome in outcomes:
        if outcome.passed:
            continue
        lines.append(paint("1;31", f"FAILED {outcome.vignette.path}"))
        if outcome.vignette.expected.why:
            lines.append(f"  {outcome.vignette.expected.why}")
        lines += [f"  {line}" for m in outcome.mismatches for line in mismatch_lines(m)]
        lines += ["  " + render(d, colour=colour).replace("\n", "\n  ") for d in outcome.problems]
        lines.append("")
    if covered is not None:
        lines += [*_coverage(covered), ""]
    if mutation is not None:
        lines += [*_mutation(mutation), ""]
    failed = sum(not o.passed for o in outcomes)
    said = f"{len(outcomes)} vignettes, {len(outcomes) - failed} as expected, {failed} not ({seconds:.2f} s)"
    return "\n".join([*lines, paint("1;31" if failed else "1;32", said)])


def _coverage(covered: Coverage) -> list[str]:
    counts = ", ".join(f"{words} {'/'.join(map(str, covered.counts(kind)))}" for kind, words in _KINDS)
    lines = [f"coverage {covered.percent():.1f}%: {counts}"]
    lines += [
        f"  {u.rule.id}: no vignette where {'it ' if u.kind == RULE else ''}{u.what}  ({u.place})"
        for u in covered.missing[:_MOST]
    ]
    if len(covered.missing) > _MOST:
        lines.append(
            f"  and {len(covered.missing) - _MOST} more (--format json or --html shows all, with a patient for each)"
        )
    if covered.not_in_force:
        idle = ", ".join(r.id or "" for r in covered.not_in_force)
        lines.append(f"  not in force under these readings: {idle}")
    return lines


def _mutation(mutation: Mutation) -> list[str]:
    counts = {name: len(mutation.of(name)) for name in (KILLED, SURVIVED, EQUIVALENT, INVALID)}
    lines = [f"mutants noticed {mutation.score:.1f}%: " + ", ".join(f"{n} {name}" for name, n in counts.items())]
    for verdict in mutation.of(SURVIVED)[:_MOST]:
        lines.append(f"  {verdict.mutant.rule.id}: {verdict.mutant.says}  ({verdict.mutant.place})")
        lines += [f"    {verdict.how}"] if verdict.how else []
        lines += [f"    for example {shortly(verdict.patient)}"] if verdict.patient else []
    if counts[SURVIVED] > _MOST:
        lines.append(f"  and {counts[SURVIVED] - _MOST} more (--format json shows all, with a patient for each)")
    lines += [f"  proved, no patient tells: {v.mutant.rule.id}: {v.mutant.says}" for v in mutation.of(EQUIVALENT)]
    return lines
