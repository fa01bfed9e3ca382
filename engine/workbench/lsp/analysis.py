"""What the server knows about one guideline folder: texts, diagnostics, and vignettes evaluated on the rules.

After an edit `quick` looks at what changed, in time for the next key; `full` runs all checks, grounds, stratifies and
evaluates the vignettes, and runs beside the editing on a snapshot of its own. Both only report; neither raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ... import tree
from ...backends.pydatalog import PyDatalog
from ...checks import References, check_program
from ...diagnostics import Diagnostic, InputError, Severity
from ...ground import GroundProgram, ground
from ...guideline import METADATA, PROPERTIES, Guideline, read_guideline
from ...strata import StratifiedProgram, stratify
from ...values import World
from ..cases import case_of
from ..evaluation import GroundCompiled
from ..register import Register, holds
from ..vignettes import Vignette, read_vignette, vignette_files
from .snapshot import Reader, Snapshot


@dataclass(frozen=True)
class Evaluated:
    """The vignettes' worlds under the last rules without errors; `holding` maps a rule's id to vignettes."""

    program: GroundProgram
    worlds: Mapping[str, World]
    holding: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Findings:
    """All diagnostics of a snapshot; `complete` when every check has run."""

    snapshot: Snapshot
    diagnostics: tuple[Diagnostic, ...]
    complete: bool


@dataclass
class Folder:
    """One guideline folder: `open_texts` are buffers that stand for the files of the same name."""

    path: Path
    reader: Reader = field(default_factory=Reader)
    open_texts: dict[str, str] = field(default_factory=dict)
    disk: dict[str, str] = field(default_factory=dict)
    guideline: Guideline | None = None
    checked: Findings | None = None
    evaluated: Evaluated | None = None
    current: str | None = None

    def load(self) -> None:
        """Read the folder from the disk; a folder that is not (yet) a guideline is read as far as it goes."""
        try:
            self.guideline = read_guideline(self.path)
        except InputError:
            self.guideline = None
        self.disk = {}
        for file in sorted(self.path.glob("*.dl")):
            if file.name != PROPERTIES:
                try:
                    self.disk[file.name] = file.read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError):
                    continue

    def snapshot(self) -> Snapshot:
        """The files as they are now, open ones from the editor."""
        texts = {**self.disk, **{n: t for n, t in self.open_texts.items() if n.endswith(".dl") and n != PROPERTIES}}
        return self.reader.snapshot(texts)

    @property
    def references(self) -> References:
        if self.guideline is None:
            return References()
        return References(frozenset(self.guideline.references), self.guideline.unresolved)

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
            found = [d for d in check_program(some, snapshot.names, self.references) if d.severity is Severity.ERROR]
        return Findings(snapshot, (*snapshot.syntax, *kept, *found), complete=False)

    def full(self, snapshot: Snapshot) -> tuple[Findings, GroundCompiled | None]:
        """Everything, and the compiled rules when there are no errors."""
        program, names = snapshot.program, snapshot.names
        found = [*snapshot.syntax, *check_program(program, names, self.references)]
        if any(d.severity is Severity.ERROR for d in found):
            return Findings(snapshot, tuple(found), complete=True), None
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
            compiled = GroundCompiled(
                guideline=guideline,
                program=program,
                names=names,
                readings=readings,
                ground=grounded,
                stratified=stratified,
                backend=PyDatalog(),
            )
        return Findings(snapshot, tuple(found), complete=True), compiled

    def evaluate(self, compiled: GroundCompiled) -> Evaluated:
        """All vignettes on the rules; those that cannot be read or contradict themselves are left out."""
        worlds: dict[str, World] = {}
        holding: dict[str, list[str]] = {}
        register = Register(compiled.ground)
        for vignette in self.vignettes(compiled):
            try:
                world = case_of(compiled, vignette.patient, register).world
            except InputError:
                continue
            worlds[vignette.name] = world
            for rule in _held(world):
                holding.setdefault(rule, []).append(vignette.name)
        return Evaluated(compiled.ground, worlds, {rule: tuple(names) for rule, names in holding.items()})

    def vignettes(self, compiled: GroundCompiled) -> list[Vignette]:
        """The vignettes of the folder that can be read."""
        found = []
        try:
            files = vignette_files(compiled.guideline)
        except InputError:
            return []
        for file in files:
            try:
                found.append(read_vignette(file, compiled.names))
            except InputError:
                continue
        return found


_MOST_QUICK = 200


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
