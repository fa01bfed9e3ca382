"""Who goes from which answer to which, as ribbons in SVG: the old answers at the left, the new ones at the right.

One panel for each intervention about which anybody changes. Who stays is grey and who changes has the colour of the new
answer; every answer and every change has its number in words beside it. Thin ribbons are drawn thicker than they are,
so that one patient can be seen; the numbers say how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from guidelog.diagrams.drawing.palette import BAND_LINE, FAINT, INK, PAPER, RULE
from guidelog.semantics.status import Status

from ..results.diff import Differences, Flow
from .status_shares import COLOURS

_LEFT, _WIDTH, _BOX, _PANEL, _TOP, _GAP = 300, 360, 14, 200, 66, 26
_LEAST = 16
"""The least height of an answer, so that its words fit beside it."""
_THIN = 2.0
_NOBODY = "not there"
_MOST_LISTED = 6


def render_moves(found: Differences, old: str, new: str, labels: Mapping[str, str]) -> str:
    """The picture; `old` and `new` are what the two results are called."""
    panels: list[str] = []
    top = _TOP
    for name in dict.fromkeys(f.intervention for f in found.flows):
        flows = [f for f in found.flows if f.intervention == name]
        if any(f.old != f.new for f in flows):
            drawn, height = _panel(labels.get(name, name), flows, top)
            panels += drawn
            top += height + _GAP
    whole = 2 * _LEFT + _WIDTH
    title = f"{found.changed:,} patient{'' if found.changed == 1 else 's'} with another answer"
    more = [f"{n:,} only in {where}" for n, where in ((found.only_old, old), (found.only_new, new)) if n]
    facts = f"from {old} to {new}" + "".join(f"; {text}" for text in more)
    size = f'width="{whole}" height="{top}" viewBox="0 0 {whole} {top}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{whole}" height="{top}" fill="{PAPER}"/>',
            f'<text x="16" y="28" font-size="17" font-weight="bold" fill="{INK}">{escape(title)}</text>',
            f'<text x="16" y="48" fill="{FAINT}">{escape(facts)}</text>',
            *panels,
            "</svg>\n",
        )
    )


def _panel(label: str, flows: Sequence[Flow], top: int) -> tuple[list[str], int]:
    """An intervention: its answers before and after, and the ribbons between them; and how tall it is."""
    total = sum(f.patients for f in flows)
    sides = [_heights(flows, total, lambda f: f.old), _heights(flows, total, lambda f: f.new)]
    parts = [f'<text x="16" y="{top + 14}" font-weight="bold" fill="{INK}">{escape(label)}</text>']
    listed = sorted((f for f in flows if f.old != f.new), key=lambda f: -f.patients)
    start = top + 24
    places = [_places(side, start) for side in sides]
    used: list[dict[str, float]] = [dict.fromkeys(side, 0.0) for side in sides]
    order = sorted(flows, key=lambda f: (_rank(f.old), _rank(f.new)))
    for flow in sorted(order, key=lambda f: f.old != f.new):  # who changes is drawn over who stays
        ends = []
        for side, word in enumerate((_word(flow.old), _word(flow.new))):
            whole = sum(f.patients for f in flows if _word((f.old, f.new)[side]) == word)
            height = max(sides[side][word] * flow.patients / whole, _THIN if flow.old != flow.new else 0.0)
            offset = min(used[side][word], max(sides[side][word] - height, 0.0))
            used[side][word] += height
            ends.append((places[side][word] + offset, height))
        parts.append(_ribbon(flow, *ends))
    for side, x in enumerate((_LEFT, _LEFT + _WIDTH - _BOX)):
        for word, height in sides[side].items():
            y = places[side][word]
            number = sum(f.patients for f in flows if _word((f.old, f.new)[side]) == word)
            parts.append(
                f'<rect x="{x}" y="{y:.1f}" width="{_BOX}" height="{height:.1f}" fill="{_colour(word)}" '
                f'stroke="{INK}" stroke-width="0.4"/>'
            )
            at, anchor = (x - 8, "end") if side == 0 else (x + _BOX + 8, "start")
            middle = y + height / 2 + 4.5
            text = f"{word.replace('_', ' ')}: {number:,}"
            parts.append(f'<text x="{at}" y="{middle:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>')
    bottom = max(places[s][w] + h for s in (0, 1) for w, h in sides[s].items())
    for row, flow in enumerate(listed[:_MOST_LISTED]):
        text = f"{flow.patients:,}: {_word(flow.old)} to {_word(flow.new)}".replace("_", " ")
        parts.append(f'<text x="{_LEFT}" y="{bottom + 20 + 17 * row:.1f}" fill="{FAINT}">{escape(text)}</text>')
    if len(listed) > _MOST_LISTED:
        rest = sum(f.patients for f in listed[_MOST_LISTED:])
        below = bottom + 20 + 17 * _MOST_LISTED
        parts.append(f'<text x="{_LEFT}" y="{below:.1f}" fill="{FAINT}">{rest:,} in other ways</text>')
    tall = bottom + 24 + 17 * min(len(listed), _MOST_LISTED + 1) - top
    parts.append(f'<line x1="16" y1="{top + tall:.1f}" x2="{2 * _LEFT + _WIDTH - 16}" y2="{top + tall:.1f}" {_LINE}/>')
    return parts, round(tall)


_LINE = f'stroke="{BAND_LINE}"'


def _heights(flows: Iterable[Flow], total: int, side: Callable[[Flow], str | None]) -> dict[str, float]:
    counted: dict[str, int] = {}
    for flow in sorted(flows, key=lambda f: _rank(side(f))):
        word = _word(side(flow))
        counted[word] = counted.get(word, 0) + flow.patients
    return {word: max(_PANEL * number / max(total, 1), _LEAST) for word, number in counted.items()}


def _places(heights: Mapping[str, float], start: float) -> dict[str, float]:
    found, y = {}, float(start)
    for word, height in heights.items():
        found[word] = y
        y += height + 4
    return found


def _ribbon(flow: Flow, left: tuple[float, float], right: tuple[float, float]) -> str:
    changes = flow.old != flow.new
    x1, x2 = _LEFT + _BOX, _LEFT + _WIDTH - _BOX
    middle = (x1 + x2) / 2
    (y1, h1), (y2, h2) = left, right
    path = (
        f"M{x1} {y1:.1f} C{middle} {y1:.1f} {middle} {y2:.1f} {x2} {y2:.1f} L{x2} {y2 + h2:.1f} "
        f"C{middle} {y2 + h2:.1f} {middle} {y1 + h1:.1f} {x1} {y1 + h1:.1f} Z"
    )
    fill, depth = (_colour(_word(flow.new)), 0.8) if changes else (BAND_LINE, 0.5)
    says = f"{_word(flow.old)} to {_word(flow.new)}: {flow.patients:,}".replace("_", " ")
    return f'<path d="{path}" fill="{fill}" fill-opacity="{depth}"><title>{escape(says)}</title></path>'


def _word(answer: str | None) -> str:
    return answer or _NOBODY


def _status(answer: str | None) -> Status | None:
    name = _word(answer).split(" ")[0]
    return next((s for s in Status if s.value == name), None)


def _rank(answer: str | None) -> tuple[int, str]:
    status = _status(answer)
    return (len(Status) if status is None else list(Status).index(status)), _word(answer)


def _colour(word: str) -> str:
    """Of a ribbon and of a box; what is pale as a bar would not be seen as a line."""
    status = _status(word)
    return INK if status is None else RULE if status is Status.OUTSIDE_GUIDELINE else COLOURS[status][0]
