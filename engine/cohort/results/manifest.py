"""The account of a run, which is written beside its answers: the same whichever engine answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from guidelog.compiled import Compiled

from ..rows.batch import Reject
from ..rows.tables import Table
from .folder import FORMAT


def account(
    compiled: Compiled,
    tables: Iterable[Table],
    counts: Mapping[str, Any],
    rejects: Iterable[Reject],
    audited: Mapping[str, int],
    dictionary: Mapping[str, Any],
    not_read: Mapping[str, int],
) -> dict[str, Any]:
    """Which rules, which data, how many, set aside by which code, how many were answered again, what the masks mean.

    `not_read`: how many things that resources said were not understood, and of how many patients.
    """
    guideline, vocabulary = compiled.guideline, compiled.names.vocabulary
    return {
        "format": FORMAT,
        "guideline": {
            "id": guideline.id,
            "version": guideline.version,
            "sha256": guideline.sha256,
            "title": guideline.title,
            "review": guideline.review,
            "readings": dict(compiled.readings),
        },
        "data": [table.name for table in tables],
        "main": list(guideline.main),
        "inputs": {
            name: declared.label
            for kind in (vocabulary.findings, vocabulary.measures, vocabulary.screens)
            for name, declared in kind.items()
        },
        "labels": {name: declared.label for name, declared in compiled.names.vocabulary.interventions.items()},
        **counts,
        "reasons": dict(Counter(reject.code for reject in rejects)),
        "audit": audited,
        "not_read": dict(not_read),
        "dictionary": dictionary,
    }
