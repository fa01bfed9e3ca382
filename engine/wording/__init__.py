"""Everything that puts an answer into words, under one name.

`wording.STATUS[status]`, `wording.finding(...)`, `wording.verdict(...)`; and every plain phrase of the table by its
name, `wording.NOTHING_MISSING` for `nothing_missing`. The phrases themselves are in `words`, what fills them in
`sentences` (values) and `phrases` (lines of explanations).
"""

from __future__ import annotations

from . import english as words
from .phrases import *  # noqa: F403 - this module is those two under one name
from .sentences import *  # noqa: F403

say = words.say


def __getattr__(name: str) -> str:
    """A phrase without holes, in the language in use when it is looked up."""
    if name.isupper() and name.lower() in words.PHRASES:
        return say(name.lower())
    raise AttributeError(f"there is no phrase `{name}`")
