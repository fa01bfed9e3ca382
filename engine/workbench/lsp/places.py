"""Where the names of a guideline stand in its files, as the protocol says places."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types
from pygls.uris import from_fs_path

from guidelog.language import tree

from .analysis import Folder
from .occurrences import Occurrence, occurrences
from .positions import Encoding, position_of
from .snapshot import File, Snapshot


def every(snapshot: Snapshot) -> Iterator[tuple[File, Occurrence, int]]:
    """Every name in every statement that can be read: its file, itself, where its statement starts."""
    for file in (*snapshot.files, *snapshot.beside):
        for piece, start in zip(file.pieces, file.starts, strict=True):
            if isinstance(piece.parsed, (tree.Declaration, tree.Rule)):
                for occurrence in occurrences(piece.parsed, snapshot.names):
                    yield file, occurrence, start


def all_of(snapshot: Snapshot, wanted: Occurrence) -> Iterator[tuple[File, Occurrence, int]]:
    """All places of the same thing; a variable is the same only in its own statement."""
    for file, occurrence, start in every(snapshot):
        if (occurrence.kind, occurrence.name) == (wanted.kind, wanted.name):
            if wanted.kind == "variable" and occurrence.span.source is not wanted.span.source:
                continue
            yield file, occurrence, start


def heads(file: File, occurrence: Occurrence, start: int) -> bool:
    """Whether a name is the predicate that its rule defines."""
    piece = file.piece_at(start)
    rule = piece[0].parsed if piece else None
    return isinstance(rule, tree.Rule) and rule.head is not None and rule.head is occurrence.atom


def range_in(encoding: Encoding, file: File, occurrence: Occurrence, start: int) -> types.Range:
    """The range of a name in its file."""
    source = file.source
    return types.Range(
        position_of(source, start + occurrence.span.start, encoding),
        position_of(source, start + occurrence.span.end, encoding),
    )


def location(encoding: Encoding, folder: Folder, file: File, occurrence: Occurrence, start: int) -> types.Location:
    """The range of a name and the address of its file."""
    uri = from_fs_path(str(folder.path / file.name)) or ""
    return types.Location(uri, range_in(encoding, file, occurrence, start))
