"""What the server knows about one guideline folder: texts, diagnostics, and vignettes evaluated on the rules.

After an edit `quick` looks at what changed, in time for the next key; `full` runs all checks, grounds, stratifies and
evaluates the vignettes, and runs beside the editing on a snapshot of its own. Both only report; neither raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from guidelog.checks import References, check_program
from guidelog.checks.rules import definitions
from guidelog.compiled import Compiled
from guidelog.datalog.pydatalog import PyDatalog
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.diagnostics import Diagnostic, InputError, Label, Severity
from guidelog.ground.digest import digest
from guidelog.ground.grounder import ground
from guidelog.ground.program import GroundProgram
from guidelog.language import tree
from guidelog.language.guideline import METADATA, PROPERTIES, GuidelineFolder, read_guideline
from guidelog.semantics.kleene import KleeneEngine, World
from guidelog.verify.properties.language import read_properties

from ..lints.advice import Advice, lint
from ..lints.suppressions import silence
from ..trace.statement_rules import holds
from ..vignettes.runner import Mismatch, run
from ..vignettes.vignette import Vignette, read_vignette, vignette_files
from .snapshot import Reader, Snapshot


@dataclass(frozen=True)
class Evaluated:
    """The vignettes' worlds under the last rules without errors; `holding` maps a rule's id to vignettes."""

    program: GroundProgram
    worlds: Mapping[str, World]
    holding: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Findings:
    """All diagnostics of a snapshot; `complete` when every check has run.

    `elsewhere` are those of vignettes and properties.
    """

    snapshot: Snapshot
    diagnostics: tuple[Diagnostic, ...]
    complete: bool
    elsewhere: tuple[Diagnostic, ...] = ()


@dataclass
class Folder:
    """One guideline folder: `open_texts` are buffers that stand for the files of the same name."""

    path: Path
    reader: Reader = field(default_factory=Reader)
    open_texts: dict[str, str] = field(default_factory=dict)
    disk: dict[str, str] = field(default_factory=dict)
    guideline: GuidelineFolder | None = None
    checked: Findings | None = None
    evaluated: Evaluated | None = None
    current: str | None = None
    kept: dict[Path, tuple[tuple[object, ...], Vignette | InputError]] = field(default_factory=dict)

    def load(self) -> None:
        """Read the folder from the disk; a folder that is not (yet) a guideline is read as far as it goes."""
        try:
            self.guideline = read_guideline(self.path)
        except InputError:
            self.guideline = None
        self.disk = {}
        for file in sorted(self.path.glob("*.dl")):
            try:
                self.disk[file.name] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue

    def snapshot(self) -> Snapshot:
        """The files as they are now, open ones from the editor."""
        texts = {**self.disk, **{n: t for n, t in self.open_texts.items() if n.endswith(".dl")}}
        beside = {PROPERTIES: texts.pop(PROPERTIES)} if PROPERTIES in texts else {}
        return self.reader.snapshot(texts, beside)

    @property
    def references(self) -> References:
        if self.guideline is None:
            return References()
        return References(frozenset(self.guideline.references), self.guideline.unresolved)

    def shown(self) -> tuple[str, World] | None:
        """The vignette that the author looked at last, evaluated; else the first."""
        if self.evaluated is None or not self.evaluated.worlds:
            return None
        worlds = self.evaluated.worlds
        name = self.current
        if name is None or name not in worlds:
            name = next(iter(worlds))
        return name, worlds[name]

    def quick(self, snapshot: Snapshot) -> Findings:
        """What cannot be read and what is wrong with changed rules, beside what was known about the others."""
        before = self.checked
        kept: list[Diagnostic] = []
        changed = snapshot.changed_rules(before.snapshot if before else None)
        if before is not None:
            syntax = {id(d) for d in before.snapshot.syntax}
            kept = [
                d
                for d in before.diagnostics
                if id(d) not in syntax and all(snapshot.place(label.span) is not None for label in d.labels)
            ]
        found: list[Diagnostic] = []
        if changed and len(changed) <= _MOST_QUICK:
            some = tree.Program(changed, tuple(r.span.source for r in changed if r.span is not None))
            found = [
                d
                for d in check_program(some, snapshot.names, self.references)
                if d.severity is Severity.ERROR and d.code not in _WHOLE
            ]
        elsewhere = before.elsewhere if before else ()
        return Findings(snapshot, (*snapshot.syntax, *kept, *found), complete=False, elsewhere=elsewhere)

    def full(self, snapshot: Snapshot) -> tuple[Findings, Compiled | None]:
        """Everything, and the compiled rules when there are no errors."""
        program, names = snapshot.program, snapshot.names
        found = [*snapshot.syntax, *check_program(program, names, self.references)]
        if any(d.severity is Severity.ERROR for d in found):
            found += [a.diagnostic for a in lint(program, names, None, None)]
            return Findings(snapshot, unsilenced(snapshot, found), complete=True), None
        readings = {name: r.chosen for name, r in names.readings.items()}
        try:
            grounded = ground(program, names, readings)
            stratified = stratify(grounded)
        except InputError as error:
            return Findings(snapshot, (*found, *error.diagnostics), complete=True), None
        if not isinstance(stratified, StratifiedProgram):
            return Findings(snapshot, (*found, *stratified), complete=True), None
        compiled = None
        if self.guideline is not None:
            guideline = replace(self.guideline, files={f.name: f.source.text for f in snapshot.files})
            compiled = Compiled(
                guideline=guideline,
                program=program,
                names=names,
                readings=readings,
                ground=grounded,
                stratified=stratified,
                backend=PyDatalog(),
                program_sha256=digest(program, grounded),
            ).on(KleeneEngine)
        return Findings(snapshot, tuple(found), complete=True), compiled

    def evaluate(self, compiled: Compiled, findings: Findings) -> tuple[Findings, Evaluated]:
        """All vignettes on the rules: which rules hold in which, and what does not come out as it should.

        The findings come back with advice (GL9xx) and with the vignettes that fail or cannot be read.
        """
        worlds: dict[str, World] = {}
        holding: dict[str, list[str]] = {}
        vignettes, problems = self.vignettes(compiled, findings.snapshot)
        for outcome in run(compiled, vignettes, certified=False):
            problems += [*map(failing, outcome.mismatches), *outcome.problems]
            if outcome.case is None:
                continue
            worlds[outcome.vignette.name] = outcome.case.world
            for rule in _held(outcome.case.world):
                holding.setdefault(rule, []).append(outcome.vignette.name)
        problems += self.properties(compiled, findings.snapshot)
        seen = holding if vignettes else None
        advice = [a.diagnostic for a in lint(compiled.program, compiled.names, compiled.ground, seen)]
        told = unsilenced(findings.snapshot, (*findings.diagnostics, *advice))
        evaluated = Evaluated(compiled.ground, worlds, {rule: tuple(names) for rule, names in holding.items()})
        return replace(findings, diagnostics=told, elsewhere=tuple(problems)), evaluated

    def properties(self, compiled: Compiled, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
        """What is wrong in `properties.dl`; whether the properties hold is for `guidelog verify` to say."""
        try:
            for file in snapshot.beside:
                read_properties(compiled, file.source.text)
        except InputError as error:
            return error.diagnostics
        return ()

    def vignettes(self, compiled: Compiled, snapshot: Snapshot) -> tuple[list[Vignette], list[Diagnostic]]:
        """The vignettes of the folder, and what is wrong with those that cannot be read.

        A file is read again when it or a declaration has changed.
        """
        try:
            files = vignette_files(compiled.guideline)
        except InputError:
            return [], []
        declared = snapshot.declared
        kept, self.kept = self.kept, {}
        for file in files:
            try:
                status = file.stat()
                key = (status.st_mtime_ns, status.st_size, declared)
                before = kept.get(file)
                self.kept[file] = before if before and before[0] == key else (key, _read(file, compiled))
            except OSError:  # removed while we look
                continue
        read = [found for _, found in self.kept.values()]
        problems = [d for found in read if isinstance(found, InputError) for d in found.diagnostics]
        return [found for found in read if isinstance(found, Vignette)], problems


def unsilenced(snapshot: Snapshot, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What is left when silenced warnings are taken out, with what is wrong with the comments themselves."""
    placed: dict[int, Diagnostic] = {}
    advice: list[Advice] = []
    for diagnostic in diagnostics:
        labels = tuple(replace(label, span=span) for label in diagnostic.labels if (span := snapshot.place(label.span)))
        advice.append(Advice(replace(diagnostic, labels=labels)))
        placed[id(advice[-1].diagnostic)] = diagnostic
    left = silence(advice, (file.source for file in snapshot.files))
    return tuple(placed.get(id(a.diagnostic), a.diagnostic) for a in left)


def failing(mismatch: Mismatch) -> Diagnostic:
    """What does not come out as a vignette expects, at the place of the expectation."""
    message = f"{mismatch.what}: expected {mismatch.expected}, got {mismatch.got}"
    return Diagnostic("GL926", message, (Label(mismatch.span),), notes=mismatch.reasons)


def _read(file: Path, compiled: Compiled) -> Vignette | InputError:
    try:
        return read_vignette(file, compiled.names)
    except InputError as error:
        return error


_MOST_QUICK = 200
_WHOLE = frozenset(code.code for code in definitions.CODES)
"""What is missing from a program as a whole; nothing can be said about it from the rules that changed."""


def _held(world: World) -> dict[str, None]:
    return {
        rule.rule.id: None
        for rules in world.program.instances.values()
        for rule in rules
        if rule.rule.id and holds(world, rule) is True
    }


def folder_of(path: Path) -> Path | None:
    """The guideline folder that a file belongs to: the nearest one above it with metadata."""
    return next((p for p in path.parents if (p / METADATA).is_file()), None)
