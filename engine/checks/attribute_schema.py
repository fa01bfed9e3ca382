"""Which attributes each declaration takes, and what stands in their brackets.

The table behind the attribute checks and behind the help lines. Nothing is reported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from guidelog.language.tree import Attribute, Declaration, Key, Number, Text, Value

Kinds: TypeAlias = tuple[type[Key] | type[Number] | type[Text], ...]
_NAME: Kinds = (Key, Text)
_WORDS: Kinds = (Text,)
_WHOLE: Kinds = (Number,)


@dataclass(frozen=True, slots=True)
class Shape:
    """The values of an attribute: one for each of `columns`, or with `many` `least` or more of the only column."""

    phrase: str
    columns: tuple[Kinds, ...]
    many: bool = False
    least: int = 1
    required: bool = False
    repeats: bool = False

    def fits(self, values: tuple[Value, ...]) -> bool:
        """Whether the values have this shape."""
        if self.many:
            return len(values) >= self.least and all(isinstance(value, self.columns[0]) for value in values)
        return len(values) == len(self.columns) and all(map(isinstance, values, self.columns))


_SENTENCE = Shape("one text in quotes", (_WORDS,))
_ONE_NAME = Shape("one name", (_NAME,))

ATTRIBUTES: Mapping[str, Mapping[str, Shape]] = {
    "finding": {
        "group": _SENTENCE,
        "screen": _ONE_NAME,
        "true": _SENTENCE,
        "false": _SENTENCE,
        "ask": _SENTENCE,
        "doable": _SENTENCE,
    },
    "measure": {
        "unit": Shape("one name", (_NAME,), required=True),
        "range": Shape("two whole numbers", (_WHOLE, _WHOLE), required=True),
        "group": _SENTENCE,
        "screen": _ONE_NAME,
        "unlisted": Shape("one whole number", (_WHOLE,)),
        "ask": _SENTENCE,
        "clock": _SENTENCE,
        "doable": _SENTENCE,
    },
    "intervention": {
        "group": _SENTENCE,
        "phase": _SENTENCE,
        "silent": Shape("one or more decisions", (_NAME,), many=True),
    },
    "screen": {"ask": _SENTENCE},
    "decl": {},
    "concept": {"true": _SENTENCE, "false": _SENTENCE, "title": _SENTENCE},
    "reading": {
        "decision": _ONE_NAME,
        "option": Shape("a name and a text in quotes", (_NAME, _WORDS), repeats=True),
        "chosen": Shape("one name", (_NAME,), required=True),
    },
    "statement": {
        "kind": Shape("one or more kinds", (_NAME,), many=True, required=True),
        "cites": Shape("whole numbers", (_WHOLE,), many=True, least=0),
        "norule": _SENTENCE,
        "locator": _SENTENCE,
    },
    "decision": {"decided": Shape("one text in quotes", (_WORDS,), required=True)},
}
"""Keyword to attribute to shape."""


def attribute_of(declaration: Declaration, name: str) -> Attribute | None:
    """The attribute of that name, where it stands once or first and its values have their shape."""
    shape = ATTRIBUTES.get(declaration.keyword, {}).get(name)
    for attribute in declaration.attributes:
        if attribute.name == name:
            return attribute if shape is not None and shape.fits(attribute.values) else None
    return None
