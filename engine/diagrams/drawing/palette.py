"""Colours, and what a status looks like: always a word, a line style and a colour together.

Dark red is spent on emergencies and on nothing else; `look_of` says how the tone of a status is drawn.

tests/diagrams/test_palette.py holds these to contrast (4.5:1 for text, 3:1 for borders) and to a distance of at least
20 in Lab between any two statuses under three kinds of colour blindness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from guidelog.wording.presentation import Tone

PAPER: Final = "#ffffff"
INK: Final = "#16212c"
SOFT: Final = "#4b5a69"
FAINT: Final = "#5f6d7a"
RULE: Final = "#98a4b0"
BAND: Final = "#f4f6f8"
BAND_LINE: Final = "#c9d1d9"
HEADER: Final = "#4f5f6e"
NAVY: Final = "#0b3f7a"
MAROON: Final = "#7c0a14"
AMBER: Final = "#eda507"
AMBER_LINE: Final = "#b06000"
AMBER_TEXT: Final = "#7a4300"
GREEN: Final = "#1d8650"
STEEL: Final = "#1f5785"
BROWN: Final = "#8c5a00"
PLUM: Final = "#8a10d0"
_GREY: Final = "#eceff2"


@dataclass(frozen=True, slots=True)
class Look:
    """How a box is drawn; `word` stands on its chip (none when empty)."""

    word: str
    line: str
    fill: str
    chip: str
    chip_text: str
    weight: float = 1.4
    dash: str = "solid"
    text: str = INK


# What a box is.
STATE: Final = Look("", HEADER, PAPER, HEADER, PAPER)
DECISION: Final = Look("", "#7d5c00", "#fff8e1", HEADER, PAPER)
ACTION: Final = Look("", STEEL, "#eaf2fa", HEADER, PAPER)
URGENT: Final = Look("", MAROON, "#fce9e7", MAROON, PAPER, 3.2)
TABLE: Final = Look("", HEADER, PAPER, HEADER, PAPER)
RULE_BOX: Final = Look("", HEADER, BAND, HEADER, PAPER, 1.0)

# What holds for a patient.
EMERGENCY: Final = Look("EMERGENCY", MAROON, "#fce9e7", MAROON, PAPER, 3.2)
REACHED: Final = Look("REACHED", GREEN, "#e3f3ea", GREEN, PAPER, 1.8)
DO_NOW: Final = Look("DO NOW", NAVY, "#e0edf9", NAVY, PAPER, 3.2)
CONSIDER: Final = Look("CONSIDER", NAVY, "#eef5fc", NAVY, PAPER, 2.2)
UNKNOWN: Final = Look("NOT KNOWN", AMBER_LINE, "#fff4d8", AMBER, INK, 1.8, "dashed")
BLOCKED: Final = Look("BLOCKED", INK, _GREY, INK, PAPER, 1.8)
NOT_NOW: Final = Look("NOT NOW", INK, _GREY, INK, PAPER, 1.8)
AVOID: Final = Look("AVOID", BROWN, "#faf2e3", BROWN, PAPER, 2.2)
CONFLICT: Final = Look("CONFLICT", PLUM, "#f6ecfc", PLUM, PAPER, 2.6)
NOT_REACHED: Final = Look("NOT REACHED", "#7b8894", PAPER, "#dfe5ea", INK, 1.2, "dotted", FAINT)

# What holds in a proof.
HOLDS: Final = Look("HOLDS", NAVY, "#e0edf9", NAVY, PAPER, 3.0)
DERIVED: Final = Look("DERIVED", NAVY, PAPER, NAVY, PAPER, 1.6)
RECORDED: Final = Look("RECORDED", GREEN, "#e3f3ea", GREEN, PAPER, 1.8)
ASSUMED: Final = Look("ASSUMED", "#6a4a9c", "#f4effb", "#cdbbec", INK, 1.8, "dashed")
BACKGROUND: Final = Look("BACKGROUND", HEADER, PAPER, HEADER, PAPER, 1.4)
NOT_MET: Final = Look("NOT MET", INK, _GREY, INK, PAPER, 1.8)
MET: Final = Look("MET", GREEN, "#e3f3ea", GREEN, PAPER, 1.8)
NOT_REQUIRED: Final = Look("NOT REQUIRED", "#7b8894", PAPER, "#dfe5ea", INK, 1.2, "dotted", FAINT)

# What changed between two versions.
CHANGED: Final = Look("CHANGED", NAVY, PAPER, NAVY, PAPER, 3.0)
ADDED: Final = Look("ADDED", GREEN, "#e3f3ea", GREEN, PAPER, 2.6)
REMOVED: Final = Look("REMOVED", BROWN, PAPER, BROWN, PAPER, 2.2, "dashed")
KNOCK_ON: Final = Look("KNOCK-ON", AMBER_LINE, PAPER, "#dfe5ea", INK, 1.6, "dashed")
UNCHANGED: Final = Look("", RULE, "#fbfcfd", HEADER, PAPER, 1.0, "solid", FAINT)

DISTINCT: Final = (REACHED, DO_NOW, UNKNOWN, BLOCKED, AVOID, CONFLICT, NOT_REACHED, EMERGENCY)
"""The statuses of one page that must never be taken for each other."""
CHANGES: Final = (CHANGED, ADDED, REMOVED, KNOCK_ON)


def look_of(tone: Tone) -> Look:
    """How a status of a tone is drawn, on every picture and page."""
    match tone:
        case Tone.EMERGENCY:
            return EMERGENCY
        case Tone.FOR:
            return DO_NOW
        case Tone.OPTION:
            return CONSIDER
        case Tone.LATER:
            return NOT_NOW
        case Tone.AGAINST:
            return AVOID
        case Tone.OPEN:
            return UNKNOWN
        case Tone.FAULT:
            return CONFLICT
        case Tone.OUTSIDE:
            return NOT_REACHED
        case _:
            assert_never(tone)
