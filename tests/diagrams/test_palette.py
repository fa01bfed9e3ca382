"""The palette: enough contrast, and no two statuses alike for a colour-blind reader.

Simulation by the matrices of Machado, Oliveira and Fernandes (2009) at full severity; distance as in CIE Lab (1976).
"""

from __future__ import annotations

import itertools

import pytest

from guidelog.diagrams.drawing import palette
from guidelog.diagrams.drawing.palette import Look
from guidelog.wording.presentation import Tone

_MACHADO = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
_GROUPS = {
    "a patient's statuses": palette.DISTINCT,
    "changes": palette.CHANGES,
    "a proof": (palette.DERIVED, palette.RECORDED, palette.ASSUMED, palette.UNKNOWN, palette.NOT_MET),
    "criteria": (palette.MET, palette.NOT_MET, palette.UNKNOWN, palette.NOT_REQUIRED),
}
_LOOKS = [look for look in vars(palette).values() if isinstance(look, Look)]


def _linear(colour: str) -> tuple[float, float, float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return r, g, b


def _luminance(colour: str) -> float:
    r, g, b = _linear(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _lab(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
    r, g, b = (min(1.0, max(0.0, v)) for v in rgb)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one: str, other: str, kind: str) -> float:
    """The Lab distance of two colours as seen with a kind of colour blindness."""
    matrix = _MACHADO[kind]
    seen = []
    for colour in (one, other):
        rgb = _linear(colour)
        r, g, b = (sum(m * v for m, v in zip(row, rgb, strict=True)) for row in matrix)
        seen.append(_lab((r, g, b)))
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


def test_the_measures_are_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=0.01)
    assert difference("#777777", "#777777", "protanopia") == 0
    # The classic confusion: this red and green are told apart by almost nobody with deuteranopia.
    assert difference("#b07000", "#6f8f00", "deuteranopia") < 20


@pytest.mark.parametrize("kind", _MACHADO)
@pytest.mark.parametrize("group", _GROUPS)
def test_statuses_differ_for_every_reader(group: str, kind: str) -> None:
    for one, other in itertools.combinations(_GROUPS[group], 2):
        assert difference(one.chip, other.chip, kind) >= 20, f"{one.word} and {other.word}"


@pytest.mark.parametrize("group", _GROUPS)
def test_statuses_differ_by_word_and_by_line(group: str) -> None:
    looks = _GROUPS[group]
    assert len({look.word for look in looks}) == len(looks)
    for look in looks:
        assert look.word, "a status has a word"


@pytest.mark.parametrize("look", _LOOKS, ids=lambda look: look.word or look.line)
def test_contrast(look: Look) -> None:
    if look.chip and look.chip_text:
        assert contrast(look.chip, look.chip_text) >= 4.5
    assert contrast(look.text, look.fill) >= 4.5
    if look.line != look.fill and look is not palette.UNCHANGED:
        assert contrast(look.line, palette.PAPER) >= 3


def test_text_colours() -> None:
    for colour in (
        palette.INK,
        palette.SOFT,
        palette.FAINT,
        palette.MAROON,
        palette.BROWN,
        palette.PLUM,
        palette.NAVY,
        palette.AMBER_TEXT,
    ):
        for ground in (palette.PAPER, palette.BAND):
            assert contrast(colour, ground) >= 4.5, colour


def test_dark_red_is_an_emergency_and_nothing_else() -> None:
    red = {
        name for name, look in vars(palette).items() if isinstance(look, Look) and palette.MAROON in look_colours(look)
    }
    assert red == {"EMERGENCY", "URGENT"}
    assert [tone for tone in Tone if palette.look_of(tone) is palette.EMERGENCY] == [Tone.EMERGENCY]


def look_colours(look: Look) -> set[str]:
    """Every colour of a look."""
    return {look.line, look.fill, look.chip, look.chip_text, look.text}
