"""Requests that say what an editor does with its documents: opened, changed, closed, saved, changed on disk."""

from __future__ import annotations

from lsprotocol import types

from .folders import Server


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


FEATURES = (
    (types.TEXT_DOCUMENT_DID_OPEN, did_open, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, did_change, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, did_close, None),
    (types.TEXT_DOCUMENT_DID_SAVE, did_save, None),
    (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, did_change_files, None),
)
