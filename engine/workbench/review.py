"""Everything there is to say about a guideline: the checks, the advice, and what authors have silenced taken out."""

from __future__ import annotations

from ..diagnostics import InputError
from ..guideline import Guideline
from ..names import names_of
from ..pipeline import check, compile_guideline
from .cases import case_of
from .evaluation import with_ground_evaluation
from .lints import Advice, lint
from .register import Register, holds
from .silencing import silence
from .vignettes import read_vignettes, vignette_files


def review(guideline: Guideline, *, lints: bool = True) -> list[Advice]:
    """All diagnostics of a guideline, those of its vignette files among them, with fixes where they are mechanical."""
    program, report = check(guideline)
    found = [Advice(d) for d in report.sorted()]
    if lints:
        if report.errors:
            found += lint(program, names_of(program), None, None)
        else:
            compiled = with_ground_evaluation(compile_guideline(guideline))
            holding: dict[str, list[str]] | None = {}
            try:
                vignettes = read_vignettes(vignette_files(guideline), compiled.names)
            except InputError as error:
                missing = all(d.code == "GL921" for d in error.diagnostics)
                found += [] if missing else [Advice(d) for d in error.diagnostics]
                vignettes, holding = [], None
            for vignette in vignettes:
                assert holding is not None
                try:
                    world = case_of(compiled, vignette.patient, Register(compiled.ground)).world
                except InputError as error:
                    found += [Advice(d) for d in error.diagnostics]
                    continue
                for rules in compiled.ground.instances.values():
                    for rule in rules:
                        if rule.rule.id and holds(world, rule) is True:
                            holding.setdefault(rule.rule.id, []).append(vignette.name)
            found += lint(compiled.program, compiled.names, compiled.ground, holding)
    return silence(found, guideline.sources)
