"""Check digits of codes, so that a mistyped one is found before it means something else.

SNOMED CT identifiers end in a Verhoeff digit (J. Verhoeff, 1969; SNOMED CT Technical Implementation Guide,
"Check-digit"), LOINC codes in a modulus 10 digit behind a hyphen (LOINC Users' Guide, appendix). Other systems have
none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_SNOMED = re.compile(r"[1-9][0-9]{5,17}")
_LOINC = re.compile(r"([0-9]{1,7})-([0-9])")
_PERMUTED = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4))


def right_digits(system: str, code: str) -> bool:
    """Whether a code can be one of its system; True for systems without check digits."""
    check = _CHECKS.get(system)
    return check is None or check(code)


def _snomed(code: str) -> bool:
    return _SNOMED.fullmatch(code) is not None and _verhoeff(code) == 0


def _verhoeff(digits: str) -> int:
    """The dihedral group's product of the digits, each permuted by its place from the right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = _PERMUTED[1][value]
        total = _product(total, value)
    return total


def _product(a: int, b: int) -> int:
    """In the group of the ten symmetries of a pentagon: 0-4 turn it, 5-9 turn it over."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b - 5) % 5 + 5
    return (a - 5 - b) % 5 + 5 if b < 5 else (a - b) % 5


def _loinc(code: str) -> bool:
    found = _LOINC.fullmatch(code)
    if found is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(found[1])):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10 == int(found[2])


_CHECKS: Mapping[str, Callable[[str], bool]] = {"snomed": _snomed, "loinc": _loinc}
