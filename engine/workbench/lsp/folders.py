"""The guideline folders that an editor has open: their rules as they are now, and what is wrong with them.

An edit is answered with what is quick to see after a short pause in typing; all checks and the vignettes follow in a
thread of their own, and what is outdated by then is dropped. Knows no request but the changes of documents.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from guidelog import __version__
from guidelog.diagnostics import Diagnostic, Severity
from guidelog.source import Span

from .analysis import Findings, Folder, folder_of
from .occurrences import Occurrence, occurrences
from .positions import offset_of, range_of
from .snapshot import File, Snapshot

_LOG = logging.getLogger(__name__)

PAUSE, LONG_PAUSE = 0.03, 0.4
"""Seconds after the last edit until the quick look and until all checks."""

LONGEST_WAIT = 0.2
"""The quick look comes at least this often while somebody types on."""

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


class Server(LanguageServer):
    """Guideline folders by path, each with its timers."""

    def __init__(self) -> None:
        super().__init__("guidelog", __version__)
        self.folders: dict[Path, Folder] = {}
        self.quick: dict[Path, asyncio.TimerHandle] = {}
        self.slow: dict[Path, asyncio.TimerHandle] = {}
        self.waiting: dict[Path, float] = {}
        self.versions: dict[Path, int] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.told: dict[Path, set[Path]] = {}

    @property
    def encoding(self) -> types.PositionEncodingKind | str:
        return self.workspace.position_encoding or types.PositionEncodingKind.Utf16

    def folder(self, uri: str) -> tuple[Folder, str] | None:
        """The guideline folder of a document and the document's name in it."""
        name = to_fs_path(uri)
        if name is None:
            return None
        path = Path(name)
        home = folder_of(path) or (path.parent if path.suffix == ".dl" else None)
        if home is None:
            return None
        if home not in self.folders:
            self.folders[home] = Folder(home)
            self.folders[home].load()
        return self.folders[home], str(path.relative_to(home))

    def text_of(self, path: Path) -> str:
        """The text of a file, from the editor where it is open. Raises OSError, UnicodeDecodeError."""
        document = self.workspace.text_documents.get(from_fs_path(str(path)) or "")
        return path.read_text(encoding="utf-8") if document is None else document.source

    def look(self, uri: str) -> tuple[Folder, Snapshot, File] | None:
        """The rules as they are now, and the file of a document among them."""
        found = self.folder(uri)
        if found is None:
            return None
        folder, name = found
        snapshot = folder.snapshot()
        file = snapshot.file(name)
        return None if file is None else (folder, snapshot, file)

    def under(self, uri: str, position: types.Position) -> tuple[Folder, Snapshot, File, Occurrence, int] | None:
        """What stands at a position, and where its statement starts."""
        found = self.look(uri)
        if found is None:
            return None
        folder, snapshot, file = found
        offset = offset_of(file.source, position, self.encoding)
        piece = file.piece_at(offset)
        if piece is None or isinstance(piece[0].parsed, Diagnostic):
            return None
        inside = offset - piece[1]
        for occurrence in occurrences(piece[0].parsed, snapshot.names):
            if occurrence.span.start <= inside <= occurrence.span.end:
                return folder, snapshot, file, occurrence, piece[1]
        return None

    # diagnostics
    def changed(self, uri: str, text: str | None) -> None:
        """A document has another text, or is closed."""
        found = self.folder(uri)
        if found is None:
            return
        folder, name = found
        if not name.endswith(".dl"):
            if name.startswith("vignettes"):
                folder.current = Path(name).stem
            return
        if text is None:
            folder.open_texts.pop(name, None)
            folder.load()
        else:
            folder.open_texts[name] = text
        self.schedule(folder)

    def schedule(self, folder: Folder) -> None:
        """Look soon, and thoroughly a little later."""
        loop = asyncio.get_running_loop()
        home = folder.path
        self.versions[home] = self.versions.get(home, 0) + 1
        for timers in (self.quick, self.slow):
            if home in timers:
                timers[home].cancel()
        first = self.waiting.setdefault(home, loop.time())
        soon = min(PAUSE, max(0.0, first + LONGEST_WAIT - loop.time()))
        self.quick[home] = loop.call_later(soon, self.look_quickly, folder)
        self.slow[home] = loop.call_later(LONG_PAUSE, self.look_thoroughly, folder)

    def look_quickly(self, folder: Folder) -> None:
        self.waiting.pop(folder.path, None)
        findings = folder.quick(folder.snapshot())
        folder.checked = findings
        self.publish(folder, findings)

    def look_thoroughly(self, folder: Folder) -> None:
        task = asyncio.get_running_loop().create_task(self.thorough(folder, self.versions[folder.path]))
        self.tasks.add(task)
        task.add_done_callback(self.looked)

    def looked(self, task: asyncio.Task[None]) -> None:
        """Log a look that failed, which is a defect of the server; the next edit starts another one."""
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a look at the rules failed", exc_info=error)

    async def thorough(self, folder: Folder, version: int) -> None:
        """All checks, advice and the vignettes, in a thread; given up where there was an edit meanwhile."""
        findings, compiled = await asyncio.to_thread(folder.full, folder.snapshot())
        if self.versions[folder.path] != version:
            return
        if compiled is not None:
            findings, evaluated = await asyncio.to_thread(folder.evaluate, compiled, findings)
            if self.versions[folder.path] != version:
                return
            folder.evaluated = evaluated
            if _wants_lenses(self.client_capabilities):
                self.workspace_code_lens_refresh(None, lambda _: None)
        folder.checked = findings
        self.publish(folder, findings)

    def publish(self, folder: Folder, findings: Findings) -> None:
        """Send the diagnostics of every file, empty lists included."""
        by_file: dict[str, list[types.Diagnostic]] = {f.name: [] for f in findings.snapshot.files}
        for diagnostic in findings.diagnostics:
            made = self.diagnostic(folder, findings.snapshot, diagnostic)
            if made is not None:
                by_file[made[0]].append(made[1])
        by_path = {folder.path / name: found for name, found in by_file.items()}
        by_path |= {path: [] for path in self.told.get(folder.path, ())}
        self.told[folder.path] = set()
        for diagnostic in findings.elsewhere:
            for label in diagnostic.labels[:1]:
                path = Path(label.span.source.name).absolute()
                self.told[folder.path].add(path)
                by_path.setdefault(path, []).append(self.shown(diagnostic, label.span, []))
        for path, found in by_path.items():
            uri = from_fs_path(str(path))
            if uri is not None:
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))

    def diagnostic(
        self, folder: Folder, snapshot: Snapshot, diagnostic: Diagnostic
    ) -> tuple[str, types.Diagnostic] | None:
        places = [(label, snapshot.place(label.span)) for label in diagnostic.labels]
        if not places or places[0][1] is None:
            return None
        first = places[0][1]
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(from_fs_path(str(folder.path / span.source.name)) or "", range_of(span, self.encoding)),
                label.text or "see here",
            )
            for label, span in places[1:]
            if span is not None
        ]
        return first.source.name, self.shown(diagnostic, first, related)

    def shown(
        self, diagnostic: Diagnostic, place: Span, related: list[types.DiagnosticRelatedInformation]
    ) -> types.Diagnostic:
        """A diagnostic as the protocol has it, notes and hint in its message."""
        parts = [diagnostic.message, *([diagnostic.labels[0].text] if diagnostic.labels[0].text else [])]
        parts += [*diagnostic.notes, *([diagnostic.hint] if diagnostic.hint else [])]
        return types.Diagnostic(
            range=range_of(place, self.encoding),
            message="\n".join(parts),
            severity=_SEVERITIES[diagnostic.severity],
            code=diagnostic.code,
            source="guidelog",
            related_information=related or None,
        )


def _wants_lenses(capabilities: types.ClientCapabilities) -> bool:
    workspace = capabilities.workspace
    return bool(workspace and workspace.code_lens and workspace.code_lens.refresh_support)
