"""`--set NAME=VALUE`: the record with what was typed, and what is wrong with it shown at what was typed.

The changed record exists in no file, so an error about it points at the option where a value was set, and at the
patient file where it comes from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import click

from guidelog.diagnostics import Diagnostic, InputError, Label
from guidelog.explain.changes.what_if import apply
from guidelog.language.names import Names
from guidelog.patients import MapNode, Patient, patient_from_content
from guidelog.patients.document import Problems, compose
from guidelog.source import Source, Span

_OPTION = "--set "
_NAME = "<command line>"


@dataclass(frozen=True, slots=True)
class Setting:
    """One `--set`: what is set to what, and where that was typed."""

    name: str
    value: str
    place: Span

    @property
    def whole(self) -> Span:
        """The place of name and value."""
        return Span(self.place.source, self.place.start - len(self.name) - 1, self.place.end)


def parsed(typed: Sequence[str]) -> tuple[Setting, ...]:
    """The settings of a command line. Raises UsageError for what is not NAME=VALUE, or set twice."""
    source = Source(_NAME, "\n".join(_OPTION + _printable(item) for item in typed))
    found: dict[str, Setting] = {}
    start = 0
    for item in typed:
        name, separator, value = item.partition("=")
        if not separator or not name or not value:
            raise click.UsageError(f"`--set {item}`: write NAME=VALUE")
        if name in found:
            raise click.UsageError(f"`{name}` is set twice: `--set {name}={found[name].value}`, `--set {item}`")
        begin = start + len(_OPTION) + len(name) + 1
        found[name] = Setting(name, value, Span(source, begin, begin + len(value)))
        start += len(_OPTION) + len(item) + 1
    return tuple(found.values())


def _printable(text: str) -> str:
    """As long as the text, and nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def changed(record: Patient, settings: Sequence[Setting], names: Names) -> Patient:
    """The record with the settings. Raises InputError that points at them."""
    content = dict(record.content)
    for setting in settings:
        try:
            content = apply(content, {setting.name: setting.value}, names)
        except InputError as error:  # GL430 has no place: it knows only this one setting
            place = setting.place if _is_declared(setting.name, names) else setting.whole
            raise InputError(replace(d, labels=(Label(place),)) for d in error.diagnostics) from None
    with pointing_at(settings, record):
        return patient_from_content(content, names.vocabulary)


def _is_declared(name: str, names: Names) -> bool:
    vocabulary = names.vocabulary
    declared = (*vocabulary.findings, *vocabulary.measures, *vocabulary.screens)
    return name.removeprefix("screen:") in declared


@contextmanager
def pointing_at(settings: Sequence[Setting], record: Patient) -> Iterator[None]:
    """Errors about a changed record, raised inside, point at the settings or at the file of the record."""
    try:
        yield
    except InputError as error:
        typed = {s.name.removeprefix("screen:"): s for s in settings}
        raise InputError(_pointing(d, typed, record) for d in error.diagnostics) from None


def _pointing(diagnostic: Diagnostic, typed: Mapping[str, Setting], record: Patient) -> Diagnostic:
    labels, notes = [], list(diagnostic.notes)
    for label in diagnostic.labels:
        name = _entry_at(label.span)
        if name in typed:
            labels.append(Label(typed[name].place, label.text))
        elif name in record.spans:
            labels.append(Label(record.spans[name], label.text))
        elif label.text:
            text = label.span.source.text[label.span.start : label.span.end]
            notes.append(f"{label.text}: {text}")
    return replace(diagnostic, labels=tuple(dict.fromkeys(labels)), notes=tuple(notes))


def _entry_at(span: Span) -> str:
    """The finding, measure or screen whose entry in a record is, or holds, a place; nothing where none does."""
    record = compose(span.source, Problems())  # what is wrong with the text has been said
    parts = [e.value for e in record.entries if isinstance(e.value, MapNode)] if isinstance(record, MapNode) else []
    entries = [e for part in parts for e in part.entries]
    return next((e.key.text for e in entries if e.span.start <= span.start and span.end <= e.span.end), "")
