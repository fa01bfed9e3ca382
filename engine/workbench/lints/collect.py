"""Everything there is to say about a guideline: the checks, the advice, and what authors have silenced taken out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, Severity
from guidelog.fhir import read_mapping
from guidelog.fhir.hooks_config import read_hooks_config
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Names, names_of
from guidelog.language.vocabulary import Vocabulary
from guidelog.pipeline import check, compile_guideline
from guidelog.semantics.kleene import KleeneEngine
from guidelog.signoff.standing import diagnostics as signoffs

from ..trace.statement_rules import Register, holds
from ..vignettes.cases import case_of
from ..vignettes.vignette import read_vignette, readable_vignettes, vignette_files
from .advice import Advice, lint
from .suppressions import silence


def review(guideline: GuidelineFolder, *, lints: bool = True) -> list[Advice]:
    """All diagnostics of a guideline, with fixes where they are mechanical.

    Vignettes are read, too; whether they come out as expected is for `test` to say. Where rules cannot be read nothing
    is said of what they do not seem to use.
    """
    program, report = check(guideline)
    unreadable = any(d.code in _SYNTAX for d in report.sorted())
    found = [Advice(d) for d in report.sorted()]
    found += [Advice(d) for d in _records(guideline, names_of(program).vocabulary)]
    if not unreadable:
        found += [Advice(d) for d in _vignettes(guideline, names_of(program))]
    if lints and not unreadable:
        if report.errors:
            found += lint(program, names_of(program), None, None)
        else:
            compiled = compile_guideline(guideline, program=program)
            found += [Advice(d) for d in signoffs(compiled)]
            found += lint(program, compiled.names, compiled.ground, seen_to_hold(compiled))
    return silence(found, guideline.sources)


_SYNTAX = frozenset({"GL001", "GL002", "GL003", "GL004", "GL005"})


def _vignettes(guideline: GuidelineFolder, names: Names) -> Sequence[Diagnostic]:
    """What cannot be read in the vignettes of a guideline; nothing where it has none."""
    try:
        files = vignette_files(guideline)
    except InputError:
        return ()
    return readable_vignettes(files, names)[1]


def _records(guideline: GuidelineFolder, vocabulary: Vocabulary) -> Sequence[Diagnostic]:
    """What is wrong in codes.toml, and, when that is right, the first thing that is wrong in hooks.toml."""
    found = read_mapping(guideline, vocabulary, siblings=True)[1]
    if any(d.severity is Severity.ERROR for d in found):
        return found
    try:
        read_hooks_config(guideline, vocabulary)
    except InputError as error:
        return [*found, *error.diagnostics]
    return found


def seen_to_hold(compiled: Compiled) -> Mapping[str, Sequence[str]] | None:
    """For each rule that holds in some vignette, one in which it does; None when there are no vignettes.

    Vignettes are read until every rule has one, so first those that mention the statements of rules without one.
    """
    try:
        files = vignette_files(compiled.guideline)
        mentioned = {path: _mentioned(path, compiled) for path in files}
    except (InputError, OSError):
        return None
    quick = compiled.on(KleeneEngine)
    register = Register(compiled.ground)
    open_ = {c.rule.id for c in compiled.ground.clauses if c.rule.head is not None and c.rule.body}
    found: dict[str, list[str]] = {}
    while open_ and mentioned:
        path = max(mentioned, key=lambda p: len(mentioned[p] & open_))
        del mentioned[path]
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


def _mentioned(path: Path, compiled: Compiled) -> set[str | None]:
    """The rules that encode a statement whose id stands in a file."""
    words = set(_WORD.findall(path.read_text(encoding="utf-8", errors="replace")))
    return {c.rule.id for c in compiled.ground.clauses if not words.isdisjoint(c.rule.listed("statements"))}


_WORD = re.compile(r"[A-Za-z0-9_-]+")
