"""Certificates made by hand: records, steps, claims and whole documents, as docs/certificates.md has them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from guidelog.checker import Rulebook, read_rules

Json = Any


def with_hash(files: Mapping[str, str]) -> str:
    content = b"".join(
        name.encode() + b"\0" + str(len(files[name].encode())).encode() + b"\0" + files[name].encode()
        for name in sorted(files)
    )
    return hashlib.sha256(content).hexdigest()


def record(**sections: Json) -> Json:
    return {"patient": "pat-1", "as_of": "2025-11-13", **sections}


def step(atom: str, value: str, rule: str = "", subst: Json = None, using: Json = None, fails: Json = None) -> Json:
    made: Json = {"atom": atom, "value": value}
    if rule:
        made |= {"rule": rule, "subst": subst or {}, "from": using or []}
    if fails is not None:
        made["fails"] = fails
    return made


def holds(atom: str, rule: str, *blocks: Json) -> Json:
    return {"claim": {"holds": atom, "rule": rule}, "proofs": [{"ranges": "kept", "blocks": list(blocks)}]}


def answers(intervention: str, status: str, because: str | None, **blocks: Json) -> Json:
    claim = {"intervention": intervention, "status": status, "because": because}
    return {"claim": claim, "proofs": [{"ranges": ranges, "blocks": content} for ranges, content in blocks.items()]}


@functools.cache
def book_of(files: tuple[tuple[str, str], ...], readings: tuple[tuple[str, str], ...]) -> Rulebook:
    return read_rules(dict(files), dict(readings))


def document(
    patient: Json,
    *certificates: Json,
    files: Mapping[str, str],
    readings: Json = None,
    closed: Json = None,
    propagated: Json = None,
) -> Json:
    content = {key: value for key, value in patient.items() if key != "expect"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    book = book_of(tuple(files.items()), tuple((readings or {}).items()))
    return {
        "format": "guidelog-certificate/2",
        "guideline": {
            "id": "small",
            "version": "1.0.0",
            "sha256": with_hash(files),
            "program_sha256": book.program_sha256,
            "readings": dict(book.readings) if readings is None else readings,
        },
        "patient": {"id": "pat-1", "as_of": "2025-11-13", "sha256": hashlib.sha256(text.encode()).hexdigest()},
        "closed": closed or {},
        "propagated": propagated or [],
        "certificates": list(certificates),
    }
