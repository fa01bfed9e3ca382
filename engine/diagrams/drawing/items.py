"""Lists of lines made shorter and more even: short lists as one sentence, two columns, small print beside a remark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..pathway.model import Item
from . import palette
from .fonts import Run
from .scene import SMALL, Line, height_of

MOST_JOINED = 240


def beside(said: list[Line], small: list[Line], room: float) -> list[Line]:
    """The small print in the line of the last remark, where both fit."""
    if not said or len(small) != 1 or said[-1].width + small[0].width + 12 > room:
        return [*said, *small]
    runs = (*said[-1].runs, Run(" · ", SMALL, palette.SOFT), *small[0].runs)
    return [*said[:-1], replace(said[-1], runs=runs)]


def halves(blocks: Sequence[Sequence[Line]]) -> tuple[list[Line], list[Line]]:
    """Two columns as even as whole blocks make them."""
    heights = [height_of(list(block)) for block in blocks]
    best = min(range(1, len(blocks) + 1), key=lambda cut: max(sum(heights[:cut]), sum(heights[cut:])))
    first, second = ([line for block in part for line in block] for part in (blocks[:best], blocks[best:]))
    return first, second


def compact(items: Sequence[Item], laid: Sequence[str]) -> list[tuple[int, Item]]:
    """Items with the short lists below them as one sentence each, with their old places.

    Not where one of the list has another status than the whole (`laid`).
    """
    found: list[tuple[int, Item]] = []
    place = 0
    while place < len(items):
        item = items[place]
        end = place + 1
        while end < len(items) and items[end].level > item.level:
            end += 1
        below = items[place + 1 : end]
        same = all(word in ("", laid[place]) for word in laid[place + 1 : end])
        if below and same and all(i.level == item.level + 1 for i in below):
            text = _joined(item.text, [i.text for i in below])
            if len(text) <= MOST_JOINED:
                rules = tuple({id(r): r for i in (item, *below) for r in i.rules}.values())
                found.append((place, replace(item, text=text, rules=rules)))
                place = end
                continue
        found.append((place, item))
        place += 1
    return found


def _joined(text: str, below: Sequence[str]) -> str:
    lead, _, mode = text.rpartition(", ")
    any_of, all_of = mode == "any of:", mode == "all of:"
    words = [w[:1].lower() + w[1:] if w[1:2].islower() or w[1:2] == " " else w for w in below]
    if not mode.endswith("of:") and not text.endswith("of:"):
        return f"{text}. Includes: {'; '.join(words)}"
    start = lead if any_of or all_of else text.rstrip(":")
    joined = f"{', '.join(words[:-1])} or {words[-1]}" if any_of and len(words) > 1 else "; ".join(words)
    return f"{start}: {joined}"
