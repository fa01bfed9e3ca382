"""Requests about the name under the cursor: what it is, where it stands, another name for it."""

from __future__ import annotations

import re

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.uris import from_fs_path

from .describe import describe
from .folders import Server
from .occurrences import Occurrence
from .places import all_of, every, heads, location, range_in
from .positions import range_of
from .renaming import NAMES, beside_the_rules
from .snapshot import Snapshot


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


FEATURES = (
    (types.TEXT_DOCUMENT_HOVER, hover, None),
    (types.TEXT_DOCUMENT_DEFINITION, definition, None),
    (types.TEXT_DOCUMENT_REFERENCES, references, None),
    (types.TEXT_DOCUMENT_PREPARE_RENAME, prepare_rename, None),
    (types.TEXT_DOCUMENT_RENAME, rename, types.RenameOptions(prepare_provider=True)),
)
