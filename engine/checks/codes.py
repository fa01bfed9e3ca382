"""What a code such as `GL201` means.

A `Code` is one kind of mistake; its words and its two examples stand on its page in docs/codes. Each check keeps its
codes beside the function that reports them; `checks.CODES` collects them. Nothing is checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from guidelog.diagnostics import Diagnostic, Label, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guidelog.source import Span

EXAMPLE_BASE = """\
.screen signs "the signs"
.finding sign_a "sign A" screen(signs)
.finding sign_b "sign B" screen(signs)
.measure waiting_weeks "weeks of waiting" unit(week) range(0, 520)
.measure waiting_days "days of waiting" unit(day) range(0, 3640)
.measure weight "weight" unit(kg) range(0, 300)
.intervention step_a "step A"
.intervention step_b "step B"
.decision Q1 "an open point" decided("what we decided")
.reading cutoff "where the line is" decision(Q1) option(kept, "as written") option(early, "at the low end") chosen(kept)
.statement S1 "what the source says" kind(do) cites(1)
.decl group(F: finding)
.decl level(N: number)
.concept in_scope(P: patient) true("in scope") false("not in scope")
.concept alarm(P: patient) true("there is an alarm") false("there is no alarm")
group(sign_a).
level(1).
#[id = "SCOPE"]
in_scope(P) :- finding(P, sign_a).
#[id = "ALARM"]
alarm(P) :- finding(P, sign_b).
"""
"""What the examples of all codes stand on, so that each shows only what matters."""

EXAMPLE_KNOWN, EXAMPLE_UNRESOLVED = frozenset({1, 2}), frozenset({3})
"""The references of the examples."""


@dataclass(frozen=True, slots=True)
class Page:
    """The words and examples of a code, from its page in docs/codes; examples are empty where it has none."""

    title: str
    text: str
    bad: str = ""
    good: str = ""


_PAGE = re.compile(
    r"# (?P<code>GL[0-9]{3}): (?P<title>[^\n]+)\n\n(?P<text>[^\n]+)\n"
    r"(?:\nReported for:\n\n```prolog\n(?P<bad>.*?)\n```\n\nBetter:\n\n```prolog\n(?P<good>.*?)\n```\n)?",
    re.DOTALL,
)


def codes_with_pages() -> list[str]:
    """Every code that docs/codes has a page for, in order."""
    folder = resources.files("guidelog.codes")
    return sorted(entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md"))


@cache
def page_of(code: str) -> Page:
    """The page of a code. Raises ValueError for a page that is not of the form that the others have."""
    text = resources.files("guidelog.codes").joinpath(f"{code}.md").read_text(encoding="utf-8")
    found = _PAGE.fullmatch(text)
    if found is None or found["code"] != code:
        raise ValueError(f"docs/codes/{code}.md: title, a paragraph, and both examples or none are expected")
    return Page(found["title"], found["text"], found["bad"] or "", found["good"] or "")


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of mistake. Both examples stand after `EXAMPLE_BASE`, unless they stand `alone`."""

    code: str
    severity: Severity = Severity.ERROR
    alone: bool = False

    @property
    def title(self) -> str:
        """What it is called."""
        return page_of(self.code).title

    @property
    def text(self) -> str:
        """What it means, and why it matters."""
        return page_of(self.code).text

    @property
    def bad(self) -> str:
        """Rules for which it is reported; empty where there are none to show."""
        return page_of(self.code).bad

    @property
    def good(self) -> str:
        """The same as they should be."""
        return page_of(self.code).good

    def report(
        self, message: str, *labels: Label | None, notes: Iterable[str] = (), hint: str | None = None
    ) -> Diagnostic:
        """A diagnostic of this kind; labels without a place are left out."""
        placed = tuple(label for label in labels if label is not None)
        return Diagnostic(self.code, message, placed, self.severity, tuple(notes), hint)


def place(span: Span | None, text: str = "") -> Label | None:
    """A label, or None where a tree carries no place."""
    return None if span is None else Label(span, text)


def first_characters(span: Span | None, length: int, skip: int = 0) -> Span | None:
    """The part of a span that is `length` characters long, after `skip`."""
    return None if span is None else type(span)(span.source, span.start + skip, span.start + skip + length)


def last_characters(span: Span | None, length: int) -> Span | None:
    """The last `length` characters of a span."""
    return None if span is None else type(span)(span.source, span.end - length, span.end)


def joined(words: Iterable[str], last: str = "and") -> str:
    """`a`, `b` and `c`, each in backticks."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) <= 1:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def elsewhere(count: int) -> tuple[str, ...]:
    """A note that the same mistake stands in `count` more places."""
    if count <= 0:
        return ()
    return ("the same stands in 1 more place",) if count == 1 else (f"the same stands in {count} more places",)
