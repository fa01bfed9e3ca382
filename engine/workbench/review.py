"""Everything there is to say about a guideline: the checks, the advice, and what authors have silenced taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..compiled import Compiled
from ..diagnostics import InputError
from ..guideline import Guideline
from ..names import names_of
from ..pipeline import check, compile_guideline
from .cases import case_of
from .evaluation import with_ground_evaluation
from .lints import Advice, lint
from .register import Register, holds
from .silencing import silence
from .vignettes import read_vignette, vignette_files


def review(guideline: Guideline, *, lints: bool = True) -> list[Advice]:
    """All diagnostics of a guideline, with fixes where they are mechanical.

    What is wrong with a vignette is for `test` to say.
    """
    program, report = check(guideline)
    found = [Advice(d) for d in report.sorted()]
    if lints:
        if report.errors:
            found += lint(program, names_of(program), None, None)
        else:
            compiled = compile_guideline(guideline)
            found += lint(program, compiled.names, compiled.ground, seen_to_hold(compiled))
    return silence(found, guideline.sources)


def seen_to_hold(compiled: Compiled) -> Mapping[str, Sequence[str]] | None:
    """For each rule that holds in some vignette, one in which it does; None when there are no vignettes.

    Vignettes are read until every rule has one, those that say most first.
    """
    try:
        files = sorted(vignette_files(compiled.guideline), key=lambda path: -path.stat().st_size)
    except (InputError, OSError):
        return None
    quick = with_ground_evaluation(compiled)
    register = Register(compiled.ground)
    open_ = {c.rule.id for c in compiled.ground.clauses if c.rule.head is not None and c.rule.body}
    found: dict[str, list[str]] = {}
    for path in files:
        if not open_:
            break
        try:
            vignette = read_vignette(path, compiled.names)
            world = case_of(quick, vignette.patient, register).world
        except InputError:
            continue
        for rules in compiled.ground.instances.values():
            for rule in rules:
                if rule.rule.id in open_ and rule.rule.id is not None and holds(world, rule) is True:
                    found[rule.rule.id] = [vignette.name]
                    open_.discard(rule.rule.id)
    return found
