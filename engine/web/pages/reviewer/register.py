"""What reviewers look at, as plain data: rules in words with their text, statements, decisions, vignettes, coverage.

Tasks of the workroom. Vignettes in lists are evaluated on the ground rules and not certified, which the pages say; a
vignette's own page has certified answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing.paint import PaintError
from guidelog.diagrams.pathway.criteria import SCOPE, Criteria, atom_wording
from guidelog.diagrams.pathway.overlay import Links
from guidelog.diagrams.pictures import pathway_picture
from guidelog.diagrams.versions.page import diff_picture
from guidelog.ground.program import Atom, GroundLiteral, GroundRule
from guidelog.language import tree
from guidelog.language.names import in_force
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.status import Status
from guidelog.solver.literals import Budget
from guidelog.verify.diff.compare import compare
from guidelog.verify.diff.edits import metadata
from guidelog.verify.diff.revisions import read_version
from guidelog.workbench.trace.build import DecisionRow, StatementRow, trace
from guidelog.workbench.vignettes.coverage import BACKGROUND, CRITERION, RULE, THRESHOLD, coverage
from guidelog.workbench.vignettes.reports import mismatch_lines
from guidelog.workbench.vignettes.runner import run
from guidelog.workbench.vignettes.vignette import Vignette, read_vignette, read_vignettes, vignette_files

from ..clinician.entry import Entry, entry_of
from ..picture import inline_pages
from .desk import patient_words

FILES = "/review/files"
MOST_INSTANCES = 12
KINDS = ((RULE, "rules"), (CRITERION, "criteria"), (THRESHOLD, "thresholds"), (BACKGROUND, "background rules"))


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule as a committee reads it, beside its text. `ways` are the conditions, each a list that must all hold."""

    id: str
    gives: str
    says: str
    strength: str
    title: str
    ways: tuple[tuple[str, ...], ...]
    more_ways: int
    text: str
    file: str
    line: int
    statements: tuple[str, ...]
    cites: tuple[int, ...]
    decisions: tuple[str, ...]
    vignettes: tuple[str, ...]
    reading: str
    counts: bool
    about: str


@dataclass(frozen=True, slots=True)
class VignetteRow:
    """A vignette in the list: the statuses of the main interventions, and what is not as expected."""

    name: str
    id: str
    why: str
    about: tuple[str, ...]
    statuses: tuple[Status | None, ...]
    wrong: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class Register:
    """Everything about the guideline that the review pages show."""

    statements: tuple[StatementRow, ...]
    rules: dict[str, RuleWords]
    decisions: tuple[DecisionRow, ...]
    vignettes: tuple[VignetteRow, ...]
    gaps: tuple[tuple[str, tuple[str, ...]], ...]
    problems: tuple[str, ...]

    def statement(self, name: str) -> StatementRow | None:
        """The statement of that name."""
        return next((s for s in self.statements if s.id == name), None)


def register(compiled: Compiled) -> Register:
    """The guideline for its reviewers."""
    vignettes, problems = _vignettes(compiled)
    found = trace(compiled, vignettes)
    holding = {row.id: row for row in found.rules}
    instances: dict[str, list[GroundRule]] = {}
    for rules in compiled.ground.instances.values():
        for instance in rules:
            instances.setdefault(instance.rule.id or "", []).append(instance)
    for denial in compiled.ground.denials:
        instances.setdefault(denial.rule.id or "", []).append(denial)
    criteria = Criteria(compiled.ground)
    words = {
        rule.id: _words(compiled, criteria, rule, instances.get(rule.id, []), holding[rule.id].vignettes)
        for rule in compiled.program.rules
        if rule.body and rule.id
    }
    rows = tuple(_rows(compiled, vignettes))
    gaps = tuple((name, tuple(items)) for name, items in found.gaps)
    return Register(found.statements, words, found.decisions, rows, gaps, problems)


def pathway(compiled: Compiled) -> str:
    """The pathway with its rules linked to their text; empty where it cannot be painted."""
    try:
        return "".join(inline_pages(pathway_picture(compiled, Links(FILES)), "pathway"))
    except PaintError:
        return ""


def vignette_entry(compiled: Compiled, name: str) -> tuple[Entry, tuple[str, ...], str, str] | None:
    """A vignette as a form, what is not as expected under certified answers, why it was written, its file's text."""
    path = next((p for p in _files(compiled) if p.stem == name), None)
    if path is None:
        return None
    vignette = read_vignette(path, compiled.names)
    (outcome,) = run(compiled, [vignette])
    wrong = [line for m in outcome.mismatches for line in mismatch_lines(m)] + [d.message for d in outcome.problems]
    return entry_of(vignette.patient), tuple(wrong), vignette.expected.why, path.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the rules the vignettes exercise: kind, covered, all; and what is missing, by rule."""

    percent: float
    counts: tuple[tuple[str, int, int], ...]
    missing: tuple[tuple[str, str, str], ...]
    rules: tuple[tuple[str, int, int], ...]
    idle: tuple[str, ...]
    vignettes: int


def covered(compiled: Compiled) -> Coverage:
    """The coverage of the guideline by its vignettes."""
    vignettes, _ = _vignettes(compiled)
    outcomes = list(run(compiled, vignettes, certified=False))
    found = coverage(compiled.ground, compiled.program.rules, outcomes, witnesses=False)
    by_rule: dict[str, list[bool]] = {}
    for unit in found.counted:
        by_rule.setdefault(unit.rule.id or "", []).append(unit.covered)
    return Coverage(
        found.percent(),
        tuple((words, *found.counts(kind)) for kind, words in KINDS),
        tuple((u.rule.id or "", u.what.replace("`", ""), u.place) for u in found.missing),
        tuple((rule, sum(units), len(units)) for rule, units in by_rule.items()),
        tuple(r.id or "" for r in found.not_in_force),
        len(vignettes),
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """An answer that differs: intervention, statuses before and after, the smallest patient, the edits behind it."""

    intervention: str
    label: str
    before: Status
    after: Status
    patient: tuple[str, ...]
    edits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between the older version and the one that is served."""

    older: str
    metadata: tuple[tuple[str, str, str], ...]
    edits: tuple[tuple[str, str, str], ...]
    changes: tuple[Changed, ...]
    same: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    undecided: tuple[tuple[str, str], ...]
    refused: int
    picture: str


def differences(compiled: Compiled, older: str, scratch: str, seconds: float) -> Differences:
    """What changes from an older version to this one, for which patients. Raises InputError."""
    version = read_version(older, Path(scratch))
    old = compile_guideline(version.guideline)
    found = compare(old, compiled, ask, budget=Budget(seconds))
    try:
        picture = "".join(inline_pages(diff_picture(old, compiled, found), "diff"))
    except PaintError:
        picture = ""
    label = {n: i.label for c in (old, compiled) for n, i in c.names.vocabulary.interventions.items()}
    return Differences(
        older,
        tuple((key, before, after) for key, (before, after) in metadata(old, compiled).items()),
        tuple((e.kind, e.name, ", ".join(e.parts)) for e in found.edits),
        tuple(
            Changed(
                c.intervention,
                label[c.intervention],
                c.old,
                c.new,
                patient_words(c.content, compiled.names),
                tuple(e.name for e in c.edits),
            )
            for c in found.changes
        ),
        tuple(label.get(n, n) for n in found.same),
        tuple(label.get(n, n) for n in found.added),
        tuple(label.get(n, n) for n in found.removed),
        tuple(found.undecided),
        len(found.refused),
        picture,
    )


def _files(compiled: Compiled) -> list[Path]:
    try:
        return vignette_files(compiled.guideline)
    except InputError:
        return []


def _vignettes(compiled: Compiled) -> tuple[list[Vignette], tuple[str, ...]]:
    try:
        return read_vignettes(_files(compiled), compiled.names), ()
    except InputError as error:
        return [], tuple(d.message for d in error.diagnostics)


def _rows(compiled: Compiled, vignettes: Iterable[Vignette]) -> Iterable[VignetteRow]:
    main = compiled.guideline.main or tuple(compiled.names.vocabulary.interventions)
    for outcome in run(compiled, vignettes, certified=False):
        vignette = outcome.vignette
        yield VignetteRow(
            vignette.name,
            vignette.patient.id,
            vignette.expected.why,
            tuple(n.name for n in vignette.expected.about),
            tuple(None if outcome.case is None else outcome.case.status(name) for name in main),
            tuple(f"{m.what}: expected {m.expected}, got {m.got}" for m in outcome.mismatches)
            + tuple(d.message for d in outcome.problems),
            Path(vignette.path).parent.name,
        )


def _words(
    compiled: Compiled, criteria: Criteria, rule: tree.Rule, instances: list[GroundRule], vignettes: tuple[str, ...]
) -> RuleWords:
    scope = wording.sentence(atom_wording(SCOPE, True, compiled.names))
    ways = dict.fromkeys(
        (
            *((scope,) if GroundLiteral(SCOPE, False) in i.elements else ()),
            *(wording.sentence(criteria.text(e)) for e in criteria.conditions(i)),
        )
        for i in instances
    )
    head = instances[0].head if instances else None
    assert rule.span is not None
    source, line = rule.span.source, rule.span.source.position(rule.span.start)[0]
    return RuleWords(
        id=rule.id or "",
        gives=_gives(compiled, rule, head),
        says=_text(rule, "says"),
        strength=_text(rule, "strength"),
        title=_text(rule, "title"),
        ways=tuple(ways)[:MOST_INSTANCES],
        more_ways=max(0, len(ways) - MOST_INSTANCES),
        text=source.text[rule.span.start : rule.span.end],
        file=source.name.replace("\\", "/").rsplit("/", 1)[-1],
        line=line,
        statements=rule.listed("statements"),
        cites=tuple(int(c) for c in rule.listed("cites")),
        decisions=rule.listed("decisions"),
        vignettes=vignettes,
        reading=_reading(compiled, rule),
        counts=in_force(rule, compiled.readings),
        about=str(head[1]) if head and head[0] in ("advise", "include", "note") and len(head) > 1 else "",
    )


def _gives(compiled: Compiled, rule: tree.Rule, head: Atom | None) -> str:
    names = compiled.names
    if rule.head is None:
        return "No patient has all of this"
    if head is None:
        return rule.head.predicate.replace("_", " ")
    match head:
        case ("advise", intervention, stance):
            return f"{wording.sentence(wording.label_of(intervention, names))}: {wording.STANCE[str(stance)]}"
        case ("include", intervention, item):
            return f"With {wording.label_of(intervention, names)}: {wording.label_of(item, names)}"
        case ("note", topic):
            return f"A note on {wording.label_of(topic, names)}"
        case _:
            return wording.sentence(atom_wording(head, True, names))


def _reading(compiled: Compiled, rule: tree.Rule) -> str:
    name, option = rule.annotation("reading"), rule.annotation("option")
    if name is None or option is None:
        return ""
    declared = compiled.names.readings.get(tree.plain(name))
    return f"{tree.plain(name)} = {tree.plain(option)}" + (
        f": {declared.options.get(tree.plain(option), '')}" if declared else ""
    )


def _text(rule: tree.Rule, key: str) -> str:
    value = rule.annotation(key)
    return tree.plain(value) if value is not None else ""
