"""A guideline with one file changed, in memory: what is wrong with it, and what it answers for a vignette.

A task of the workroom: bounded in time by its worker, in memory by a limit that the worker puts on itself. The files of
the guideline are read and never written; rules are data and nothing in them is executed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import CertificateError, Diagnostic, InputError, Severity, render
from guidelog.pipeline import ask
from guidelog.semantics.status import Status
from guidelog.workbench.lsp.analysis import Folder
from guidelog.workbench.lsp.snapshot import Snapshot
from guidelog.workbench.vignettes.vignette import read_vignette, vignette_files

MOST_MEMORY = 2 << 30
MOST_SHOWN = 100
FAILING, SILENT = "GL926", "GL911"


@dataclass(frozen=True, slots=True)
class Said:
    """One diagnostic: where, what, and drawn with the author's line. `here` when it is in the edited file."""

    severity: str
    code: str
    message: str
    file: str
    line: int
    here: bool
    drawn: str


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer under the published rules and under the copy; None where there is none."""

    intervention: str
    label: str
    before: Status | None
    after: Status | None
    says: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a copy. `answers` is empty while there are errors; `trouble` says why there is no answer.

    `failing` counts what is not as the guideline's vignettes expect.
    """

    said: tuple[Said, ...]
    errors: int
    more: int
    answers: tuple[Compared, ...]
    trouble: str
    vignette: str
    failing: int


def check_copy(compiled: Compiled, file: str, text: str, vignette: str, limit: bool) -> Checked:
    """The guideline with `text` for one of its files."""
    if limit:
        _limit_memory()
    folder = Folder(compiled.guideline.folder)
    folder.load()
    folder.open_texts = {file: text}
    snapshot = folder.snapshot()
    findings, changed = folder.full(snapshot)
    errors = sum(d.severity is Severity.ERROR for d in findings.diagnostics)
    failing = 0
    if changed is not None and not errors:
        findings, _ = folder.evaluate(changed, findings)
        failing = sum(d.code == FAILING for d in findings.elsewhere)
    # With errors not every advice is worked out, so that nothing can be said about what silences it.
    found = [_placed(snapshot, d) for d in findings.diagnostics if not (errors and d.code == SILENT)]
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    said = sorted((_said(d, file) for d in found), key=lambda s: (not s.here, s.file, s.line))
    said.sort(key=lambda s: order[Severity(s.severity)])
    answers: tuple[Compared, ...] = ()
    trouble = ""
    if changed is not None and not errors:
        try:
            answers = _answers(compiled, changed, vignette)
        except InputError as error:
            trouble = "; ".join(d.message for d in error.diagnostics)
        except CertificateError:
            trouble = "the independent checker did not accept an answer of the copy"
    more = max(0, len(said) - MOST_SHOWN)
    return Checked(tuple(said[:MOST_SHOWN]), errors, more, answers, trouble, vignette, failing)


def vignette_names(compiled: Compiled) -> tuple[str, ...]:
    """The vignettes that can be chosen."""
    try:
        return tuple(p.stem for p in vignette_files(compiled.guideline))
    except InputError:
        return ()


def _answers(compiled: Compiled, changed: Compiled, vignette: str) -> tuple[Compared, ...]:
    path = next((p for p in vignette_files(compiled.guideline) if p.stem == vignette), None)
    if path is None:
        return ()
    old = {a.intervention: a for a in ask(compiled, read_vignette(path, compiled.names).patient).answers}
    new = {a.intervention: a for a in ask(changed, read_vignette(path, changed.names).patient).answers}
    names = dict.fromkeys((*new, *old))
    return tuple(
        Compared(
            name,
            wording.sentence((new.get(name) or old[name]).label),
            old[name].status if name in old else None,
            new[name].status if name in new else None,
            new[name].says if name in new else "",
        )
        for name in names
    )


def _placed(snapshot: Snapshot, diagnostic: Diagnostic) -> Diagnostic:
    """With places in the files, where the reader had those of single statements."""
    labels = (replace(label, span=snapshot.place(label.span) or label.span) for label in diagnostic.labels)
    return replace(diagnostic, labels=tuple(labels))


def _said(diagnostic: Diagnostic, file: str) -> Said:
    span = diagnostic.span
    name = span.source.name.replace("\\", "/").rsplit("/", 1)[-1] if span else ""
    line = span.source.position(span.start)[0] if span else 0
    return Said(
        diagnostic.severity.value, diagnostic.code, diagnostic.message, name, line, name == file, render(diagnostic)
    )


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
