"""Check: statements, decisions, readings and findings that annotations name (GL306-GL309)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Reading
from guidelog.language.tree import Key, ListValue, Rule, Text, Value, plain

from ..codes import Code, joined, place
from ..context import Context

UNKNOWN_STATEMENT = Code("GL306")
UNKNOWN_DECISION = Code("GL307")
UNKNOWN_READING = Code("GL308")
UNKNOWN_FINDING = Code("GL309")
CODES = (UNKNOWN_STATEMENT, UNKNOWN_DECISION, UNKNOWN_READING, UNKNOWN_FINDING)

_ATTRIBUTES = {"statement": " kind(…)", "decision": ' decided("…")', "finding": ""}


def check_sources(context: Context) -> Iterator[Diagnostic]:
    """Annotations that name what is not declared."""
    names = context.names
    for rule in context.program.rules:
        yield from _undeclared(context, rule, "statements", "statement", names.statements, UNKNOWN_STATEMENT)
        yield from _undeclared(context, rule, "decisions", "decision", names.decisions, UNKNOWN_DECISION)
        yield from _undeclared(context, rule, "not_required", "finding", names.vocabulary.findings, UNKNOWN_FINDING)
        yield from _reading(context, rule)


def items_of(rule: Rule, key: str) -> Iterator[Value]:
    """The values of a list annotation, or the one value without brackets."""
    value = rule.annotation(key)
    if value is not None:
        yield from value.items if isinstance(value, ListValue) else (value,)


def _undeclared(
    context: Context, rule: Rule, key: str, keyword: str, known: Collection[str], code: Code
) -> Iterator[Diagnostic]:
    for item in items_of(rule, key):
        if not isinstance(item, Key | Text):
            continue
        name = plain(item)
        if name in known or name in context.half_declared:
            continue
        near = context.near(name, known)
        yield code.report(
            f"{keyword} `{name}` is not declared",
            place(item.span, f"did you mean `{near}`?" if near else ""),
            context.declared(near, keyword),
            hint=None if near else f'declare it: `.{keyword} {name} "…"{_ATTRIBUTES[keyword]}`',
        )


def _reading(context: Context, rule: Rule) -> Iterator[Diagnostic]:
    reading, option = rule.annotation("reading"), rule.annotation("option")
    if reading is None and option is None:
        return
    if reading is None or option is None:
        given, lacks = ("option", "reading") if reading is None else ("reading", "option")
        value = reading or option
        yield UNKNOWN_READING.report(
            f"`{given}` without `{lacks}`", place(value.span if value else None, f"add `{lacks} = …`")
        )
        return
    if not isinstance(reading, Key | Text) or not isinstance(option, Key | Text):
        return
    name = plain(reading)
    declared = context.names.readings.get(name)
    if declared is not None:
        yield from _option(context, declared, option)
    elif name not in context.half_declared:
        near = context.near(name, context.names.readings)
        yield UNKNOWN_READING.report(
            f"reading `{name}` is not declared",
            place(reading.span, f"did you mean `{near}`?" if near else ""),
            context.declared(near, "reading"),
            hint=None if near else f'declare it: `.reading {name} "…" option(…, "…") option(…, "…") chosen(…)`',
        )


def _option(context: Context, reading: Reading, option: Key | Text) -> Iterator[Diagnostic]:
    name = plain(option)
    if name in reading.options or not reading.options:
        return
    near = context.near(name, reading.options)
    yield UNKNOWN_READING.report(
        f"`{name}` is not an option of `{reading.name}`",
        place(option.span, f"did you mean `{near}`?" if near else f"options are {joined(reading.options)}"),
        context.declared(reading.name, "reading", text="options are declared here"),
    )
