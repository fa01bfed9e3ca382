"""Requests about what rules do on the vignettes: the line above a rule, and the commands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsprotocol import types

from guidelog.language import tree

from .analysis import Evaluated
from .describe import describe
from .folders import Server
from .places import every
from .positions import Encoding, position_of
from .snapshot import File


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


FEATURES = ((types.TEXT_DOCUMENT_CODE_LENS, lenses, types.CodeLensOptions(resolve_provider=False)),)
COMMANDS = (("guidelog.why", why), ("guidelog.useVignette", use_vignette))
