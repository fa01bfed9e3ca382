"""The language server: every request that it answers, by kind, and the commands behind the lines above a rule.

First what an editor does with its documents, then requests about the name under the cursor, about the text of a rule
file, and about what rules do on the vignettes. Nothing an editor sends stops the server: a request that fails is
answered with an error, and the next one is served.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.uris import from_fs_path

from guidelog.language import tree
from guidelog.language.formatter import format_source
from guidelog.source import Source

from .analysis import Evaluated
from .colours import MODIFIERS, TYPES, semantic_tokens
from .completion import completions
from .describe import describe
from .folders import Server
from .occurrences import NAMES, Occurrence, beside_the_rules
from .positions import Encoding, all_of, every, heads, location, offset_of, position_of, range_in, range_of, whole
from .snapshot import File, Snapshot


def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """A document is shown: its text is the editor's from now on."""
    ls.changed(params.text_document.uri, params.text_document.text)


def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    """A document has another text."""
    uri = params.text_document.uri
    ls.changed(uri, ls.workspace.get_text_document(uri).source)


def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """A document is put away: its file counts again."""
    ls.changed(params.text_document.uri, None)


def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    """A file was written: what stands beside the rules may be different."""
    found = ls.folder(params.text_document.uri)
    if found is not None:
        found[0].load()
        ls.schedule(found[0])


def did_change_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    """Files were changed by another program."""
    for folder in {id(f[0]): f[0] for c in params.changes if (f := ls.folder(c.uri))}.values():
        folder.load()
        ls.schedule(folder)


_ON_DOCUMENTS = (
    (types.TEXT_DOCUMENT_DID_OPEN, did_open, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, did_change, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, did_close, None),
    (types.TEXT_DOCUMENT_DID_SAVE, did_save, None),
    (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, did_change_files, None),
)


def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    """What a name is, and what it does on the current vignette."""
    found = ls.under(params.text_document.uri, params.position)
    if found is None:
        return None
    folder, snapshot, file, occurrence, start = found
    text = describe(occurrence, snapshot.names, folder.guideline, folder.shown(), snapshot.program)
    return (
        None
        if text is None
        else types.Hover(
            types.MarkupContent(types.MarkupKind.Markdown, text), range_in(ls.encoding, file, occurrence, start)
        )
    )


def definition(ls: Server, params: types.DefinitionParams) -> list[types.Location]:
    """Where a name is declared."""
    found = ls.under(params.text_document.uri, params.position)
    if found is None:
        return []
    folder, snapshot, _, occurrence, _ = found
    places = [location(ls.encoding, folder, f, o, s) for f, o, s in all_of(snapshot, occurrence) if o.declares]
    if not places and occurrence.kind == "predicate":
        # A built-in one has no declaration: its rules are what defines it.
        places = [location(ls.encoding, folder, f, o, s) for f, o, s in all_of(snapshot, occurrence) if heads(f, o, s)]
    return places


def references(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
    """Everywhere that a name is used."""
    found = ls.under(params.text_document.uri, params.position)
    if found is None:
        return []
    folder, snapshot, _, occurrence, _ = found
    wanted = params.context.include_declaration
    return [
        location(ls.encoding, folder, f, o, s) for f, o, s in all_of(snapshot, occurrence) if wanted or not o.declares
    ]


def prepare_rename(ls: Server, params: types.PrepareRenameParams) -> types.Range | None:
    """The range of a name that can be renamed."""
    found = ls.under(params.text_document.uri, params.position)
    if found is None or not _may_rename(found[1], found[3]):
        return None
    return range_in(ls.encoding, found[2], found[3], found[4])


def rename(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit:
    """Another name, in the rules and in what stands beside them."""
    found = ls.under(params.text_document.uri, params.position)
    if found is None or not _may_rename(found[1], found[3]):
        raise JsonRpcInvalidParams("only declared names can be renamed")
    folder, snapshot, _, occurrence, _ = found
    new = params.new_name
    if not re.fullmatch(NAMES[occurrence.kind], new):
        raise JsonRpcInvalidParams(f"`{new}` is not a name for a {occurrence.kind}")
    if new != occurrence.name and _is_taken(snapshot, occurrence.kind, new):
        raise JsonRpcInvalidParams(f"`{new}` is already declared")
    changes: dict[str, list[types.TextEdit]] = {}
    for file, place, start in all_of(snapshot, occurrence):
        spot = location(ls.encoding, folder, file, place, start)
        changes.setdefault(spot.uri, []).append(types.TextEdit(spot.range, new))
    for path, span in beside_the_rules(folder.path, occurrence, ls.text_of):
        uri = from_fs_path(str(path)) or ""
        changes.setdefault(uri, []).append(types.TextEdit(range_of(span, ls.encoding), new))
    return types.WorkspaceEdit(changes=changes)


def _may_rename(snapshot: Snapshot, occurrence: Occurrence) -> bool:
    return occurrence.kind in NAMES and any(o.declares for _, o, _ in all_of(snapshot, occurrence))


def _is_taken(snapshot: Snapshot, kind: str, name: str) -> bool:
    kinds = {"finding", "measure"} if kind in ("finding", "measure") else {kind}
    if kind == "predicate" and name in snapshot.names.predicates:
        return True
    return any(o.declares and o.name == name and o.kind in kinds for _, o, _ in every(snapshot))


_ON_NAMES = (
    (types.TEXT_DOCUMENT_HOVER, hover, None),
    (types.TEXT_DOCUMENT_DEFINITION, definition, None),
    (types.TEXT_DOCUMENT_REFERENCES, references, None),
    (types.TEXT_DOCUMENT_PREPARE_RENAME, prepare_rename, None),
    (types.TEXT_DOCUMENT_RENAME, rename, types.RenameOptions(prepare_provider=True)),
)


_COMPLETION_KINDS = {
    "keyword": types.CompletionItemKind.Keyword,
    "value": types.CompletionItemKind.EnumMember,
    "variable": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "property": types.CompletionItemKind.Property,
    "reference": types.CompletionItemKind.Reference,
    "type": types.CompletionItemKind.TypeParameter,
}


def completion(ls: Server, params: types.CompletionParams) -> types.CompletionList:
    """What may stand at a position."""
    found = ls.look(params.text_document.uri)
    if found is None:
        return types.CompletionList(is_incomplete=False, items=[])
    _, snapshot, file = found
    offset = offset_of(file.source, params.position, ls.encoding)
    index = max((i for i, s in enumerate(file.starts) if s <= offset), default=None)
    start = 0 if index is None else file.starts[index]
    before = file.source.text[start:offset]
    if index is not None and before[: len(file.pieces[index].source.text)].rstrip().endswith(".") and "\n" in before:
        before = before.rsplit("\n", 1)[-1]  # after a complete statement something new begins
    items = [
        types.CompletionItem(label=word, kind=_COMPLETION_KINDS[kind], detail=detail)
        for word, kind, detail in completions(before, snapshot.names)
    ]
    return types.CompletionList(is_incomplete=False, items=items)


def symbols(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    """The declarations and rules of a file."""
    found = ls.look(params.text_document.uri)
    return [] if found is None else list(_symbols(ls.encoding, found[2]))


def _symbols(encoding: Encoding, file: File) -> Iterator[types.DocumentSymbol]:
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
        extent = types.Range(position_of(source, start, encoding), position_of(source, end, encoding))
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


def tokens(ls: Server, params: types.SemanticTokensParams) -> types.SemanticTokens:
    """The colours of a file's words."""
    found = ls.look(params.text_document.uri)
    return types.SemanticTokens([] if found is None else semantic_tokens(found[2], found[1].names, ls.encoding))


def formatting(ls: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    """A file in the canonical layout."""
    text = ls.workspace.get_text_document(params.text_document.uri).source
    source = Source("document", text)
    formatted = format_source(source)
    return [types.TextEdit(whole(source, ls.encoding), formatted.text)] if formatted.changed else []


_ON_TEXT = (
    (
        types.TEXT_DOCUMENT_COMPLETION,
        completion,
        types.CompletionOptions(trigger_characters=[".", '"', "(", ",", " "]),
    ),
    (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, symbols, None),
    (
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        tokens,
        types.SemanticTokensLegend(list(TYPES), list(MODIFIERS)),
    ),
    (types.TEXT_DOCUMENT_FORMATTING, formatting, None),
)


def lenses(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
    """For each rule, in how many vignettes it holds."""
    found = ls.look(params.text_document.uri)
    if found is None or found[0].evaluated is None:
        return []
    return list(_lenses(ls.encoding, found[0].evaluated, found[2], params.text_document.uri))


def _lenses(encoding: Encoding, evaluated: Evaluated, file: File, uri: str) -> Iterator[types.CodeLens]:
    for piece, start in zip(file.pieces, file.starts, strict=True):
        rule = piece.parsed
        if isinstance(rule, tree.Rule) and rule.body and rule.head is not None and rule.id:
            count = len(evaluated.holding.get(rule.id, ()))
            title = f"{count} vignette{'' if count == 1 else 's'}, why" if count else "no vignette, why"
            place = position_of(file.source, start, encoding)
            yield types.CodeLens(
                types.Range(place, place), types.Command(title, "guidelog.why", arguments=[uri, rule.id])
            )


def why(ls: Server, uri: str, rule: str) -> dict[str, Any]:
    """In which vignettes a rule holds, and what it does on the current one."""
    found = ls.folder(uri)
    if found is None or found[0].evaluated is None:
        return {"rule": rule, "vignettes": [], "text": "the vignettes have not been evaluated yet"}
    folder, evaluated = found[0], found[0].evaluated
    names = list(evaluated.holding.get(rule, ()))
    snapshot = folder.snapshot()
    occurrence = next((o for _, o, _ in every(snapshot) if (o.kind, o.name) == ("rule", rule)), None)
    text = (
        ""
        if occurrence is None
        else (describe(occurrence, snapshot.names, folder.guideline, folder.shown(), snapshot.program) or "")
    )
    return {"rule": rule, "vignettes": names, "text": text}


def use_vignette(ls: Server, uri: str, name: str) -> bool:
    """Evaluate hovers on this vignette from now on."""
    found = ls.folder(uri)
    if found is None or found[0].evaluated is None or name not in found[0].evaluated.worlds:
        return False
    found[0].current = name
    return True


_ON_VIGNETTES = ((types.TEXT_DOCUMENT_CODE_LENS, lenses, types.CodeLensOptions(resolve_provider=False)),)
COMMANDS = (("guidelog.why", why), ("guidelog.useVignette", use_vignette))


FEATURES = (*_ON_DOCUMENTS, *_ON_NAMES, *_ON_TEXT, *_ON_VIGNETTES)


def make_server() -> Server:
    """A server with all features, not yet started."""
    server = Server()
    for method, answer, options in FEATURES:
        server.feature(method, options)(answer)
    for name, command in COMMANDS:
        server.command(name)(command)
    return server
