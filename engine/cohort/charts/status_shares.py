"""The shares of each status as bars, in SVG: what a hospital hangs up, so every number can be read without colours.

Everything comes from the counts of the account. A share that is too narrow for its number has it in the bar's title,
which a browser shows, and at the end of the line, where the shares that are not written into the bar are listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from guidelog.diagrams.drawing.palette import BAND_LINE, FAINT, INK, PAPER
from guidelog.semantics.status import Because, Status

COLOURS: Mapping[Status, tuple[str, str]] = {
    Status.URGENT: ("#a61e22", PAPER),
    Status.EMERGENCY_PATHWAY: ("#6a1b9a", PAPER),
    Status.CONFLICT: ("#c2185b", PAPER),
    Status.RECOMMENDED: ("#1d7044", PAPER),
    Status.CONSIDER: ("#9ccc65", INK),
    Status.NOT_NOW: ("#5f7280", PAPER),
    Status.AVOID: ("#6d4c41", PAPER),
    Status.UNDETERMINED: ("#f9b233", INK),
    Status.OUTSIDE_GUIDELINE: ("#dde3e7", INK),
}
"""What a status is filled with, and what is written on it."""
_LEFT, _WIDTH, _RIGHT, _HEIGHT, _GAP, _TOP = 290, 640, 270, 22, 8, 78
_ROOM = 44
"""What a share needs to be written into its bar, in points."""
_LETTER = 7.2


def render_svg(account: Mapping[str, Any], interventions: Sequence[str] = ()) -> str:
    """A bar of statuses for each intervention."""
    names = [n for n in interventions or account["answers"] if n in account["answers"]]
    used = [s for s in Status if any(account["answers"][n].get(s.value) for n in names)]
    legend, rows = _legend(used)
    bottom = _TOP + len(names) * (_HEIGHT + _GAP)
    whole, tall = _LEFT + _WIDTH + _RIGHT, bottom + 40 + 22 * rows
    guideline = account["guideline"]
    title = f"{guideline['title']}: {account['patients']:,} patients"
    facts = f"guideline {guideline['id']} {guideline['version']}, review status: {guideline['review']}; " + (
        f"{account['rejected']:,} rows were set aside and are not counted" if account["rejected"] else "none set aside"
    )
    size = f'width="{whole}" height="{tall}" viewBox="0 0 {whole} {tall}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{whole}" height="{tall}" fill="{PAPER}"/>',
            f'<text x="16" y="28" font-size="17" font-weight="bold" fill="{INK}">{escape(title)}</text>',
            f'<text x="16" y="48" fill="{FAINT}">{escape(facts)}</text>',
            *_scale(bottom),
            *(part for row, name in enumerate(names) for part in _bar(account, name, _TOP + row * (_HEIGHT + _GAP))),
            f'<g transform="translate(16 {bottom + 30})">',
            *legend,
            "</g>",
            "</svg>\n",
        )
    )


def _scale(bottom: int) -> list[str]:
    """Lines at every quarter."""
    parts = []
    for quarter in range(5):
        x = _LEFT + _WIDTH * quarter / 4
        parts.append(f'<line x1="{x:g}" y1="{_TOP - 6}" x2="{x:g}" y2="{bottom}" stroke="{BAND_LINE}"/>')
        parts.append(f'<text x="{x:g}" y="{_TOP - 10}" {_MIDDLE} font-size="11" fill="{FAINT}">{quarter * 25}%</text>')
    return parts


_MIDDLE = 'text-anchor="middle"'


def _bar(account: Mapping[str, Any], name: str, top: int) -> list[str]:
    found, total, x = account["answers"][name], max(account["patients"], 1), float(_LEFT)
    label = account.get("labels", {}).get(name, name)
    parts = [f'<text x="{_LEFT - 10}" y="{top + 16}" text-anchor="end" fill="{INK}">{escape(label)}</text>']
    narrow = []
    for status in Status:
        number = found.get(status.value, 0)
        if not number:
            continue
        width, (fill, ink) = _WIDTH * number / total, COLOURS[status]
        says = f"{number / total:.1%}"
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" fill="{fill}" stroke="{PAPER}">'
            f"<title>{escape(label)}, {_word(status)}: {number:,} ({says}){_reasons(status, found)}</title></rect>"
        )
        if width >= _ROOM:
            parts.append(f'<text x="{x + width / 2:.1f}" y="{top + 16}" {_MIDDLE} fill="{ink}">{says}</text>')
        else:
            narrow.append(f"{_word(status)} {says if number / total >= 0.0005 else f'{number:,}'}")
        x += width
    if narrow:
        right = _LEFT + _WIDTH + 10
        parts.append(f'<text x="{right}" y="{top + 16}" font-size="11" fill="{FAINT}">{"; ".join(narrow)}</text>')
    return parts


def _reasons(status: Status, found: Mapping[str, int]) -> str:
    if status is not Status.UNDETERMINED:
        return ""
    listed = [f"{found[b.value]:,} {b.value.replace('_', ' ')}" for b in Because if found.get(b.value)]
    return f": {', '.join(listed)}" if listed else ""


def _legend(used: Sequence[Status]) -> tuple[list[str], int]:
    """The colours with their words, and how many lines they take."""
    parts, x, row = [], 0.0, 0
    for status in used:
        width = 30 + _LETTER * len(status.value)
        if x + width > _LEFT + _WIDTH + _RIGHT - 32:
            x, row = 0.0, row + 1
        y = row * 22
        parts.append(f'<rect x="{x:g}" y="{y}" width="12" height="12" fill="{COLOURS[status][0]}"/>')
        parts.append(f'<text x="{x + 17:g}" y="{y + 11}" fill="{INK}">{_word(status)}</text>')
        x += width
    return parts, row + 1


def _word(status: Status) -> str:
    return status.value.replace("_", " ")
