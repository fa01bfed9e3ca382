"""`guidelog names`: what a patient file may name, and what can be asked about."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import click

from guidelog.language.vocabulary import Vocabulary
from guidelog.text.page import Lines
from guidelog.wording import sentence

from .support.options import format_option, guideline_option, load, write_json

_TITLES = {
    "finding": "Findings (present, absent or unknown)",
    "measure": "Measures (a number, unknown, {at_least: 6}, {at_most: 6}, {between: [4, 8]} or {since: 2025-06-01})",
    "screen": "Screens (complete or incomplete)",
    "intervention": "Interventions (what can be asked about)",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A name with its meaning; `details` are its unit and range, its screen, or a screen's members."""

    kind: str
    name: str
    label: str
    details: str = ""
    ask: str = ""

    def is_about(self, words: tuple[str, ...]) -> bool:
        """Whether every word is in the name, its meaning or its question."""
        text = f"{self.name} {self.label} {self.details} {self.ask}".lower()
        return all(word.lower() in text for word in words)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"kind": self.kind, "name": self.name, "label": self.label, "details": self.details, "ask": self.ask}


@click.command()
@click.argument("words", nargs=-1, metavar="[WORD]...")
@guideline_option
@format_option
def names(words: tuple[str, ...], guideline: str | None, format_: str) -> None:
    """The names that a patient file may use, and what they mean; with WORDs those about all of them.

    Exit code 1 when no name is about them.

    \b
    Examples:
      guidelog names
      guidelog names weeks
    """
    found = [entry for entry in entries(load(guideline).names.vocabulary) if entry.is_about(words)]
    if format_ == "json":
        write_json([entry.to_json() for entry in found])
    elif found:
        click.echo(_text(found))
    else:
        click.echo(f"no name is about `{' '.join(words)}`; without words all are listed", err=True)
    sys.exit(0 if found else 1)


def entries(vocabulary: Vocabulary) -> list[Entry]:
    """All names, by kind, in order of declaration."""
    found = [
        Entry("finding", f.name, f.label, f"screen {f.screen}" if f.screen else "", f.ask or "")
        for f in vocabulary.findings.values()
    ]
    for measure in vocabulary.measures.values():
        screen = f", screen {measure.screen}" if measure.screen else ""
        details = f"unit {measure.unit}, {measure.low} to {measure.high}{screen}"
        found.append(Entry("measure", measure.name, measure.label, details, measure.ask or ""))
    found += [Entry("screen", s.name, s.label, ", ".join(s.members), s.ask or "") for s in vocabulary.screens.values()]
    return found + [Entry("intervention", i.name, i.label) for i in vocabulary.interventions.values()]


def _text(found: list[Entry]) -> str:
    page = Lines()
    width = max(len(entry.name) for entry in found)
    for kind, title in _TITLES.items():
        listed = [entry for entry in found if entry.kind == kind]
        if listed and page.lines:
            page.blank()
        if listed:
            page.add(title)
        for entry in listed:
            details = f" ({entry.details})" if entry.details else ""
            page.add(f"{entry.name:{width}}  {sentence(entry.label)}{details}", 2, width + 4)
    return page.text()
