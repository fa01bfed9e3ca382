"""Requests about the text of a rule file: what may come next, its outline, its colours, its layout."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from guidelog.language import tree
from guidelog.language.formatter import format_source
from guidelog.source import Source

from .colours import MODIFIERS, TYPES, semantic_tokens
from .completion import completions
from .folders import Server
from .positions import Encoding, offset_of, position_of, whole
from .snapshot import File

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


FEATURES = (
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
