"""What a resource may be about whose codes the guideline does not list: by the family of a code, by its words.

A code of another chapter, with words that speak of something else, says nothing. One that falls into a net of the
mapping, or whose words do, leaves open what the net is about. A diagnosis or a positive finding without any word and
without a code of a system that can be told apart may be about all that resources of its kind can say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..terminology.mapping import Code, Net
from .bundle import Entry
from .dates import When
from .evidence import Evidence, safe
from .words import codings

_ICD = re.compile(r"[A-Za-z][0-9][0-9A-Za-z](?:\.?[0-9A-Za-z]{1,4})?")
"""A code of ICD-10 says by its beginning what it is about, so that it needs no words."""


def note_unlisted(  # noqa: PLR0913 - parts of a resource have a name and words of their own
    entry: Entry,
    evidence: Evidence,
    concepts: Iterable[Any],
    *,
    texts: Iterable[Any] = (),
    when: When | None = None,
    standing: bool = False,
    wordless: bool = True,
    source: str = "",
    called: Callable[[Entry], str] | None = None,
) -> bool:
    """Leave open what unlisted codes and words may be about; whether there was anything.

    `texts` are further words. `wordless`: whether something without any words leaves open all that its kind can say.
    `source` and `called` are where a part of the resource stands, and what it calls itself.
    """
    mapping = evidence.mapping
    words: list[str] = [t for t in texts if isinstance(t, str)]
    names: dict[str, None] = {}
    whys: list[str] = []
    placed = False
    for concept in concepts:
        if not isinstance(concept, dict):
            continue
        if isinstance(text := concept.get("text"), str):
            words.append(text)
        for system, code, shown in codings(concept):
            if shown:
                words.append(shown)
            placed = placed or (mapping.systems.get(system, "").startswith("icd") and _ICD.fullmatch(code) is not None)
            for net in mapping.nets_of_code(system, code):
                if _counts(net, entry, when, evidence):
                    names |= dict.fromkeys(net.names)
                    told = f"{safe(code)} ({safe(shown)})" if shown else safe(code)
                    whys.append(f"its code {told} is not listed, and belongs to {net.name}")
    if not names and words:
        for net in mapping.nets_of_text(" ; ".join(words)):
            if _counts(net, entry, when, evidence):
                names |= dict.fromkeys(net.names)
                whys.append(f"its code is not listed, and its words speak of {net.name}")
    if not names and wordless and not placed and not any(c.isalnum() for word in words for c in word):
        names = dict.fromkeys(mapping.names_of_kind(entry.type))
        whys.append("its code is not listed, and it has no words that say what it is")
    if not names:
        return False
    evidence.not_understood(
        source or entry.reference,
        (called or evidence.called)(entry),
        names,
        "; ".join(dict.fromkeys(whys)),
        of=entry.reference,
        when=when,
        standing=standing,
    )
    return True


def note_unverified(
    entry: Entry, evidence: Evidence, loose: Sequence[Code], *, when: When | None = None, standing: bool = False
) -> bool:
    """Leave open what codes that nobody verified would say; whether there are any."""
    names = dict.fromkeys(n for code in loose for n in evidence.mapping.names_of(code.concept))
    if names:
        listed = ", ".join(dict.fromkeys(f"{c.system} {c.code}" for c in loose))
        reason = f"its code {listed} is not verified (--unverified-codes uses it)"
        evidence.not_understood(entry.reference, evidence.called(entry), names, reason, when=when, standing=standing)
    return bool(names)


def _counts(net: Net, entry: Entry, when: When | None, evidence: Evidence) -> bool:
    return net.of_kind(entry.type) and not (when is not None and evidence.older(when, net.weeks))
