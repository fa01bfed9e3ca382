"""The server itself: protocol messages in, answers of the modules beside it out.

An edit is answered with what is quick to see after a short pause in typing; all checks and the vignettes follow in a
thread of their own, and what is outdated by then is dropped. Nothing an editor sends stops the server: a request that
fails is answered with an error, and the next one is served.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from ... import __version__, tree
from ...diagnostics import Diagnostic, Severity
from ...source import Source, Span
from ..layout import format_source
from .analysis import Evaluated, Findings, Folder, folder_of
from .colours import MODIFIERS, TYPES, semantic_tokens
from .completion import completions
from .describe import describe
from .occurrences import Occurrence, occurrences
from .positions import offset_of, position_of, range_of, whole
from .renaming import NAMES, beside_the_rules
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
_COMPLETION_KINDS = {
    "keyword": types.CompletionItemKind.Keyword,
    "value": types.CompletionItemKind.EnumMember,
    "variable": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "property": types.CompletionItemKind.Property,
    "reference": types.CompletionItemKind.Reference,
    "type": types.CompletionItemKind.TypeParameter,
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


def make_server() -> Server:
    """A server with all features, not yet started."""
    server = Server()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.changed(params.text_document.uri, params.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.changed(uri, server.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.changed(params.text_document.uri, None)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        found = server.folder(params.text_document.uri)
        if found is not None:
            found[0].load()
            server.schedule(found[0])

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        for folder in {id(f[0]): f[0] for c in params.changes if (f := server.folder(c.uri))}.values():
            folder.load()
            server.schedule(folder)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        found = server.under(params.text_document.uri, params.position)
        if found is None:
            return None
        folder, snapshot, file, occurrence, start = found
        text = describe(occurrence, snapshot.names, folder.guideline, _current(folder), snapshot.program)
        return (
            None
            if text is None
            else types.Hover(
                types.MarkupContent(types.MarkupKind.Markdown, text), _range(server, file, occurrence, start)
            )
        )

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> list[types.Location]:
        found = server.under(params.text_document.uri, params.position)
        if found is None:
            return []
        folder, snapshot, _, occurrence, _ = found
        places = [_location(server, folder, f, o, s) for f, o, s in _all(snapshot, occurrence) if o.declares]
        if not places and occurrence.kind == "predicate":
            # A built-in one has no declaration: its rules are what defines it.
            places = [_location(server, folder, f, o, s) for f, o, s in _all(snapshot, occurrence) if _heads(f, o, s)]
        return places

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(params: types.ReferenceParams) -> list[types.Location]:
        found = server.under(params.text_document.uri, params.position)
        if found is None:
            return []
        folder, snapshot, _, occurrence, _ = found
        wanted = params.context.include_declaration
        return [
            _location(server, folder, f, o, s) for f, o, s in _all(snapshot, occurrence) if wanted or not o.declares
        ]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare_rename(params: types.PrepareRenameParams) -> types.Range | None:
        found = server.under(params.text_document.uri, params.position)
        if found is None or not _may_rename(found[1], found[3]):
            return None
        return _range(server, found[2], found[3], found[4])

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def rename(params: types.RenameParams) -> types.WorkspaceEdit:
        found = server.under(params.text_document.uri, params.position)
        if found is None or not _may_rename(found[1], found[3]):
            raise JsonRpcInvalidParams("only declared names can be renamed")
        folder, snapshot, _, occurrence, _ = found
        new = params.new_name
        if not re.fullmatch(NAMES[occurrence.kind], new):
            raise JsonRpcInvalidParams(f"`{new}` is not a name for a {occurrence.kind}")
        if new != occurrence.name and _is_taken(snapshot, occurrence.kind, new):
            raise JsonRpcInvalidParams(f"`{new}` is already declared")
        changes: dict[str, list[types.TextEdit]] = {}
        for file, place, start in _all(snapshot, occurrence):
            location = _location(server, folder, file, place, start)
            changes.setdefault(location.uri, []).append(types.TextEdit(location.range, new))
        for path, span in beside_the_rules(folder.path, occurrence, server.text_of):
            uri = from_fs_path(str(path)) or ""
            changes.setdefault(uri, []).append(types.TextEdit(range_of(span, server.encoding), new))
        return types.WorkspaceEdit(changes=changes)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", '"', "(", ",", " "])
    )
    def completion(params: types.CompletionParams) -> types.CompletionList:
        found = server.look(params.text_document.uri)
        if found is None:
            return types.CompletionList(is_incomplete=False, items=[])
        _, snapshot, file = found
        offset = offset_of(file.source, params.position, server.encoding)
        index = max((i for i, s in enumerate(file.starts) if s <= offset), default=None)
        start = 0 if index is None else file.starts[index]
        before = file.source.text[start:offset]
        if (
            index is not None
            and before[: len(file.pieces[index].source.text)].rstrip().endswith(".")
            and "\n" in before
        ):
            before = before.rsplit("\n", 1)[-1]  # after a complete statement something new begins
        items = [
            types.CompletionItem(label=word, kind=_COMPLETION_KINDS[kind], detail=detail)
            for word, kind, detail in completions(before, snapshot.names)
        ]
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        found = server.look(params.text_document.uri)
        return [] if found is None else list(_symbols(server, found[2]))

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, types.SemanticTokensLegend(list(TYPES), list(MODIFIERS)))
    def tokens(params: types.SemanticTokensParams) -> types.SemanticTokens:
        found = server.look(params.text_document.uri)
        return types.SemanticTokens([] if found is None else semantic_tokens(found[2], found[1].names, server.encoding))

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        text = server.workspace.get_text_document(params.text_document.uri).source
        source = Source("document", text)
        formatted = format_source(source)
        return [types.TextEdit(whole(source, server.encoding), formatted.text)] if formatted.changed else []

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
    def lenses(params: types.CodeLensParams) -> list[types.CodeLens]:
        found = server.look(params.text_document.uri)
        if found is None or found[0].evaluated is None:
            return []
        return list(_lenses(server, found[0].evaluated, found[2], params.text_document.uri))

    @server.command("guidelog.why")
    def why(uri: str, rule: str) -> dict[str, Any]:
        """In which vignettes a rule holds, and what it does on the current one."""
        found = server.folder(uri)
        if found is None or found[0].evaluated is None:
            return {"rule": rule, "vignettes": [], "text": "the vignettes have not been evaluated yet"}
        folder, evaluated = found[0], found[0].evaluated
        names = list(evaluated.holding.get(rule, ()))
        snapshot = folder.snapshot()
        occurrence = next((o for _, o, _ in _every(snapshot) if (o.kind, o.name) == ("rule", rule)), None)
        text = (
            ""
            if occurrence is None
            else (describe(occurrence, snapshot.names, folder.guideline, _current(folder), snapshot.program) or "")
        )
        return {"rule": rule, "vignettes": names, "text": text}

    @server.command("guidelog.useVignette")
    def use_vignette(uri: str, name: str) -> bool:
        """Evaluate hovers on this vignette from now on."""
        found = server.folder(uri)
        if found is None or found[0].evaluated is None or name not in found[0].evaluated.worlds:
            return False
        found[0].current = name
        return True

    return server


def _current(folder: Folder) -> tuple[str, Any] | None:
    """The vignette that the author looked at last, evaluated; else the first."""
    if folder.evaluated is None or not folder.evaluated.worlds:
        return None
    worlds = folder.evaluated.worlds
    name = folder.current
    if name is None or name not in worlds:
        name = next(iter(worlds))
    return name, worlds[name]


def _every(snapshot: Snapshot) -> Iterator[tuple[File, Occurrence, int]]:
    for file in (*snapshot.files, *snapshot.beside):
        for piece, start in zip(file.pieces, file.starts, strict=True):
            if isinstance(piece.parsed, (tree.Declaration, tree.Rule)):
                for occurrence in occurrences(piece.parsed, snapshot.names):
                    yield file, occurrence, start


def _all(snapshot: Snapshot, wanted: Occurrence) -> Iterator[tuple[File, Occurrence, int]]:
    """All places of the same thing; a variable is the same only in its own statement."""
    for file, occurrence, start in _every(snapshot):
        if (occurrence.kind, occurrence.name) == (wanted.kind, wanted.name):
            if wanted.kind == "variable" and occurrence.span.source is not wanted.span.source:
                continue
            yield file, occurrence, start


def _heads(file: File, occurrence: Occurrence, start: int) -> bool:
    piece = file.piece_at(start)
    rule = piece[0].parsed if piece else None
    return isinstance(rule, tree.Rule) and rule.head is not None and rule.head is occurrence.atom


def _may_rename(snapshot: Snapshot, occurrence: Occurrence) -> bool:
    return occurrence.kind in NAMES and any(o.declares for _, o, _ in _all(snapshot, occurrence))


def _is_taken(snapshot: Snapshot, kind: str, name: str) -> bool:
    kinds = {"finding", "measure"} if kind in ("finding", "measure") else {kind}
    if kind == "predicate" and name in snapshot.names.predicates:
        return True
    return any(o.declares and o.name == name and o.kind in kinds for _, o, _ in _every(snapshot))


def _range(server: Server, file: File, occurrence: Occurrence, start: int) -> types.Range:
    source = file.source
    return types.Range(
        position_of(source, start + occurrence.span.start, server.encoding),
        position_of(source, start + occurrence.span.end, server.encoding),
    )


def _location(server: Server, folder: Folder, file: File, occurrence: Occurrence, start: int) -> types.Location:
    uri = from_fs_path(str(folder.path / file.name)) or ""
    return types.Location(uri, _range(server, file, occurrence, start))


def _symbols(server: Server, file: File) -> Iterator[types.DocumentSymbol]:
    kinds = {
        "finding": types.SymbolKind.EnumMember,
        "measure": types.SymbolKind.Number,
        "screen": types.SymbolKind.Enum,
        "intervention": types.SymbolKind.Event,
        "concept": types.SymbolKind.Function,
        "decl": types.SymbolKind.Function,
        "statement": types.SymbolKind.String,
        "decision": types.SymbolKind.Key,
        "reading": types.SymbolKind.Enum,
    }
    for piece, start in zip(file.pieces, file.starts, strict=True):
        source = file.source
        end = start + len(piece.source.text.rstrip())
        extent = types.Range(position_of(source, start, server.encoding), position_of(source, end, server.encoding))
        match piece.parsed:
            case tree.Declaration(keyword, name, label=label):
                yield types.DocumentSymbol(name, kinds.get(keyword, types.SymbolKind.Variable), extent, extent, label)
            case tree.Rule() as rule if rule.body:
                title = rule.annotation("title") or rule.annotation("says")
                head = rule.head.predicate if rule.head else "background"
                said = tree.plain(title) if title else head
                yield types.DocumentSymbol(rule.id or head, types.SymbolKind.Method, extent, extent, said)
            case _:
                pass


def _lenses(server: Server, evaluated: Evaluated, file: File, uri: str) -> Iterator[types.CodeLens]:
    for piece, start in zip(file.pieces, file.starts, strict=True):
        rule = piece.parsed
        if isinstance(rule, tree.Rule) and rule.body and rule.head is not None and rule.id:
            count = len(evaluated.holding.get(rule.id, ()))
            title = f"{count} vignette{'' if count == 1 else 's'}, why" if count else "no vignette, why"
            place = position_of(file.source, start, server.encoding)
            yield types.CodeLens(
                types.Range(place, place), types.Command(title, "guidelog.why", arguments=[uri, rule.id])
            )
