"""Check: the keys of annotations, their values, those that a rule must have, and its own id (GL301-GL305)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guidelog.diagnostics import Diagnostic
from guidelog.language.tree import Attribute, Key, ListValue, Number, Text, Value, plain

from ..attribute_schema import Kinds
from ..codes import Code, first_characters, joined, place
from ..context import Context, Layout

UNKNOWN_KEY = Code("GL301")
REPEATED_KEY = Code("GL302")
WRONG_VALUE = Code("GL303")
MISSING_KEY = Code("GL304")

ID_TAKEN = Code("GL305")
_FACT = "fact"

CODES = (UNKNOWN_KEY, REPEATED_KEY, WRONG_VALUE, MISSING_KEY, ID_TAKEN)


@dataclass(frozen=True, slots=True)
class _Form:
    """What the value of a key looks like; `words` are the only ones allowed."""

    phrase: str
    kinds: Kinds
    listed: bool = False
    words: tuple[str, ...] = ()

    def wrong(self, value: Value) -> Value | None:
        """The value, or the item of a list, that does not fit."""
        items = value.items if self.listed and isinstance(value, ListValue) else (value,)
        for item in items:
            if not isinstance(item, self.kinds) or (self.words and plain(item) not in self.words):
                return item
        return None


_SENTENCE = _Form("a text in quotes", (Text,))
_NAME = _Form("a name", (Key, Text))
_NAMES = _Form("a list of names", (Key, Text), listed=True)

KEYS: Mapping[str, _Form] = {
    "id": _SENTENCE,
    "title": _SENTENCE,
    "says": _SENTENCE,
    "unsettled": _SENTENCE,
    "remark": _SENTENCE,
    "statements": _NAMES,
    "cites": _Form("a list of numbers", (Number,), listed=True),
    "strength": _Form("`strong` or `conditional`", (Key, Text), words=("strong", "conditional")),
    "decisions": _NAMES,
    "reading": _NAME,
    "option": _NAME,
    "not_required": _NAMES,
    "everyone": _Form("`true`", (Key,), words=("true", "false")),
}
"""All keys of annotations."""

_SOURCED = {
    "advise": ("statements", "cites", "says"),
    "include": ("statements", "cites", "says"),
    "note": ("statements", "cites", "says"),
}
_EXAMPLES = {
    "id": 'id = "…"',
    "statements": 'statements = ["…"]',
    "cites": "cites = […]",
    "says": 'says = "…"',
}


def check_keys(context: Context) -> Iterator[Diagnostic]:
    """What is wrong with annotations as such."""
    for layout in context.layouts:
        first: dict[str, Attribute] = {}
        close: set[str] = set()
        for attribute in layout.rule.annotations:
            key = first_characters(attribute.span, len(attribute.name))
            form = KEYS.get(attribute.name)
            if form is None:
                near = context.near(attribute.name, KEYS)
                close.add(near or "")
                yield UNKNOWN_KEY.report(
                    f"unknown key `{attribute.name}`",
                    place(key, f"did you mean `{near}`?" if near else ""),
                    hint=None if near else f"keys are {joined(KEYS)}",
                )
            elif attribute.name in first:
                yield REPEATED_KEY.report(
                    f"key `{attribute.name}` is given twice",
                    place(key, "given again here"),
                    place(first[attribute.name].span, "first given here"),
                )
            else:
                first[attribute.name] = attribute
                yield from _value(context, attribute, form)
        yield from _missing(layout, set(first) | close)


def _value(context: Context, attribute: Attribute, form: _Form) -> Iterator[Diagnostic]:
    wrong = form.wrong(attribute.values[0]) if attribute.values else None
    if wrong is None:
        return
    near = context.near(plain(wrong), form.words) if form.words else None
    text = (
        f"did you mean `{near}`?"
        if near
        else "write it in quotes"
        if form.kinds == (Text,) and isinstance(wrong, Key)
        else ""
    )
    yield WRONG_VALUE.report(f"`{attribute.name}` is {form.phrase}", place(wrong.span, text))


def _missing(layout: Layout, present: set[str]) -> Iterator[Diagnostic]:
    rule = layout.rule
    if not rule.body:
        return
    kind = rule.head.predicate if rule.head is not None else "denial"
    needed = ("id", *_SOURCED.get(kind, ()))
    missing = [key for key in needed if key not in present]
    statements = rule.annotation("statements")
    if "statements" in needed and isinstance(statements, ListValue) and not statements.items:
        yield MISSING_KEY.report(
            "a rule for `" + kind + "` names no statement", place(statements.span, "name at least one")
        )
    if missing:
        what = "denial" if rule.head is None else f"rule for `{kind}`"
        span = rule.head.span if rule.head is not None else rule.body[0].span
        yield MISSING_KEY.report(
            f"{what} has no {joined(missing, 'or')}",
            place(span),
            hint=f"write `{', '.join(_EXAMPLES[key] for key in missing)}` in `#[…]` above it",
        )


def check_rule_ids(context: Context) -> Iterator[Diagnostic]:
    """Ids that two rules share, empty ids, and the reserved one."""
    first: dict[str, Value | None] = {}
    for rule in context.program.rules:
        if rule.id is None:
            continue
        value = rule.annotation("id")
        span = value.span if value else None
        if not rule.id.strip():
            yield ID_TAKEN.report("rule with an empty id", place(span, "give it a name"))
        elif rule.id == _FACT:
            yield ID_TAKEN.report(f"a rule cannot be called `{_FACT}`", place(span, "certificates call facts so"))
        elif rule.id in first:
            before = first[rule.id]
            yield ID_TAKEN.report(
                f"two rules have the id `{rule.id}`",
                place(span, "again here"),
                place(before.span if before else None, "first here"),
            )
        else:
            first[rule.id] = value
