"""What a resource may be about whose codes the guideline does not list: by the family of a code, by its words.

A code of another chapter, with words that speak of something else, says nothing. One that falls into a net of the
mapping, or whose words do, leaves open what the net is about. A diagnosis or a positive finding without any word and
without a code of a system that can be told apart may be about all that resources of its kind can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..terminology.mapping import Code, Net
from .bundle import Entry
from .dates import When
from .evidence import Evidence, safe
from .words import codings, texts_of

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
    display: str = "",
) -> bool:
    """Leave open what unlisted codes and words may be about; whether there was anything.

    `texts` are further words. `wordless`: whether something without any words leaves open all that its kind can say.
    `source` and `display` stand for a part of the resource.
    """
    listed = list(concepts)
    said = " ; ".join((*(texts_of(c) for c in listed), *(t for t in texts if isinstance(t, str))))
    names: dict[str, None] = {}
    whys: list[str] = []
    placed = False
    for concept in listed:
        for system, code, shown in codings(concept):
            known = evidence.mapping.systems.get(system)
            placed = placed or ((known or "").startswith("icd") and _ICD.fullmatch(code) is not None)
            for net in evidence.mapping.nets_of_code(system, code):
                if _counts(net, entry, when, evidence):
                    names |= dict.fromkeys(net.names)
                    called = f"{safe(code)} ({safe(shown)})" if shown else safe(code)
                    whys.append(f"its code {called} is not listed, and belongs to {net.name}")
    if not names:
        for net in evidence.mapping.nets_of_text(said):
            if _counts(net, entry, when, evidence):
                names |= dict.fromkeys(net.names)
                whys.append(f"its code is not listed, and its words speak of {net.name}")
    if not names and wordless and not placed and not any(c.isalnum() for c in said):
        names = dict.fromkeys(evidence.mapping.names_of_kind(entry.type))
        whys.append("its code is not listed, and it has no words that say what it is")
    if not names:
        return False
    evidence.not_understood(
        source or entry.reference,
        display or evidence.called(entry),
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
