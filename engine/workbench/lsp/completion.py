"""What can stand where the cursor is: declared names of the right kind, stances, keys, declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable

from guidelog.checks.attribute_schema import ATTRIBUTES
from guidelog.language.names import TYPES, Names
from guidelog.language.stances import STANCES

_LIST = re.compile(r"([a-z_]+)\s*=\s*\[[^\]]*$")
_KEY = re.compile(r"[\[,]\s*[a-z_]*$")
_CALL = re.compile(r"([a-z][A-Za-z0-9_]*)\(([^()]*)$")
_ATTRIBUTE = re.compile(r"\b(screen|decision|silent|chosen)\(\s*\"?[A-Za-z0-9_]*$")
_WORD = re.compile(r"[A-Za-z0-9_]*$")
KEYS = (
    "id",
    "statements",
    "cites",
    "strength",
    "says",
    "decisions",
    "reading",
    "option",
    "not_required",
    "everyone",
    "title",
    "unsettled",
    "remark",
)

Item = tuple[str, str, str]
"""A word, what kind of thing it is, and a detail to show."""


def completions(before: str, names: Names) -> list[Item]:
    """What can follow the text of a statement up to the cursor."""
    word = _WORD.search(before)
    head = before[: word.start()] if word else before
    vocabulary = names.vocabulary
    if head.lstrip().startswith(".") or re.fullmatch(r"\s*\.", head):
        if re.fullmatch(r"\s*\.", head):
            return [(k, "keyword", "declaration") for k in ATTRIBUTES]
        return _declaration(head, names)
    if "#[" in head and "]" not in _outside_lists(head[head.rindex("#[") + 2 :]):
        return _annotation(head[head.rindex("#[") + 1 :], names)
    call = _CALL.search(head)
    if call is None:
        return [(p.name, "function", p.when_true or ", ".join(p.types)) for p in names.predicates.values()] + [
            ("atleast", "keyword", "atleast N { literal : condition }")
        ]
    predicate = names.predicates.get(call[1])
    column = call[2].count(",")
    type_ = predicate.types[column] if predicate and column < predicate.arity else ""
    match type_:
        case "finding":
            return [(f.name, "value", f.label) for f in vocabulary.findings.values()]
        case "measure":
            return [(m.name, "value", f"{m.label} ({m.unit})") for m in vocabulary.measures.values()]
        case "intervention":
            return [(i.name, "value", i.label) for i in vocabulary.interventions.values()]
        case "stance":
            return [(s, "value", "stance") for s in STANCES]
        case "patient":
            return [("P", "variable", "the patient")]
    return []


def _declaration(head: str, names: Names) -> list[Item]:
    keyword = re.match(r"\s*\.([a-z_]+)", head)
    inside = _ATTRIBUTE.search(head)
    if inside:
        match inside[1]:
            case "screen":
                return [(s.name, "value", s.label) for s in names.vocabulary.screens.values()]
            case "decision" | "silent":
                return _decisions(names)
    if re.search(r":\s*$", head):
        return [(t, "type", "type of a column") for t in TYPES]
    return [(a, "property", "attribute") for a in ATTRIBUTES.get(keyword[1] if keyword else "", ())]


def _annotation(head: str, names: Names) -> list[Item]:
    inside = _LIST.search(head)
    if inside:
        match inside[1]:
            case "statements":
                return [(s.id, "reference", s.says) for s in names.statements.values()]
            case "decisions":
                return _decisions(names)
            case "not_required":
                return [(f.name, "value", f.label) for f in names.vocabulary.findings.values()]
        return []
    value = re.search(r"\b([a-z_]+)\s*=\s*$", head)
    if value:
        words: Iterable[str] = {
            "strength": ("strong", "conditional"),
            "everyone": ("true",),
            "reading": tuple(names.readings),
            "option": tuple(o for r in names.readings.values() for o in r.options),
        }.get(value[1], ())
        return [(w, "value", value[1]) for w in words]
    return [(k, "property", "annotation") for k in KEYS] if _KEY.search(head) else []


def _decisions(names: Names) -> list[Item]:
    return [(d.id, "reference", d.point) for d in names.decisions.values()]


def _outside_lists(text: str) -> str:
    """The text without strings and complete lists."""
    return re.sub(r"\[[^\]\[]*\]", "", re.sub(r'"(?:[^"\\\n]|\\.)*"', "", text))
