"""What a form of the clinician's page asks for, as data: which record, which button; and what its page is made of.

Shared by the service and by the edition that runs in a browser alone, so nothing here knows of requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from guidelog import wording
from guidelog.compiled import Compiled

from .answer_cards import read_statuses
from .entry import FINDING_VALUES, BadForm, Entry, cleared, read_form, reopened, said
from .examples import Example
from .form import members
from .upload import Loaded
from .view import View


@dataclass(frozen=True)
class Posted:
    """A form that was sent: what stands in it, the statuses that were on the page, the button, what is to be shown."""

    entry: Entry
    before: dict[str, str] = field(default_factory=dict)
    button: str = ""
    pathway: bool = False
    explain: str = ""
    front: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What one click recorded: a screen as complete, and what that makes absent."""

    screen: str
    label: str
    absent: tuple[str, ...]


def posted_of(fields: Iterable[tuple[str, str]], compiled: Compiled) -> Posted:
    """A form's fields as what they ask for. Raises BadForm."""
    listed = list(fields)
    single = dict(listed)
    return Posted(
        read_form(listed, compiled.names.vocabulary),
        read_statuses(single.get("before", "")),
        single.get("press", ""),
        single.get("pathway") == "show",
        single.get("explain", ""),
        single.get("front", ""),
    )


def pressed(compiled: Compiled, posted: Posted) -> Posted:
    """The form after its button: a question answered, a group cleared, or nothing. Raises BadForm."""
    kind, _, rest = posted.button.partition(" ")
    name, _, value = rest.rpartition("=") if kind == "say" else (rest, "", "")
    vocabulary = compiled.names.vocabulary
    screen = name.removeprefix("screen:")
    match kind:
        case "":
            return posted
        case "say" if name in vocabulary.findings and value in FINDING_VALUES:
            entry = said(posted.entry, name, value)
        case "say" if name.startswith("screen:") and screen in vocabulary.screens and value == "complete":
            entry = said(posted.entry, name, value)
        case "reopen" if name in vocabulary.screens:
            entry = reopened(posted.entry, name)
        case "clear" if name in (groups := members(compiled)):
            entry = cleared(posted.entry, (*groups[name], screen))
        case _:
            raise BadForm("the page has no such button")
    return Posted(entry, posted.before, "", posted.pathway)


def recorded_now(compiled: Compiled, posted: Posted) -> Done | None:
    """What the button that completes a screen has made of the unanswered questions in it."""
    kind, _, rest = posted.button.partition(" ")
    name = rest.rpartition("=")[0].removeprefix("screen:")
    screen = compiled.names.vocabulary.screens.get(name)
    if kind != "say" or screen is None or not rest.startswith("screen:"):
        return None
    answered = {*posted.entry.findings, *posted.entry.measures}
    absent = tuple(wording.label_of(m, compiled.names) for m in screen.members if m not in answered)
    return Done(name, screen.label, absent)


def page_values(
    posted: Posted,
    found: View,
    template: str,
    loaded: Loaded | None,
    done: Done | None,
    offered: tuple[Example, ...],
) -> dict[str, Any]:
    """The values of the page's template that are about the record."""
    return {
        "entry": posted.entry,
        "done": done,
        "examples": offered,
        "view": found,
        "loaded": loaded,
        "pathway": posted.pathway,
        "oob": template == "live.html",
        "onward": found.front.title if found.front and found.front.key != posted.front else "",
    }


def hidden_fields(entry: Entry) -> list[tuple[str, str]]:
    """A form as fields that a page carries along unseen, so that one comes back to the same record."""
    fields = [("patient", entry.patient), ("as_of", entry.as_of)]
    fields += [(f"f:{name}", value) for name, value in entry.findings.items()]
    fields += [(f"s:{name}", "complete") for name in sorted(entry.screens)]
    fields += [(f"source:{name}", text) for name, text in entry.sources.items()]
    fields += [("not_read", text) for text in entry.not_read]
    for name, amount in entry.measures.items():
        fields += [
            (f"m:{name}:{part}", getattr(amount, part))
            for part in ("mode", "low", "high", "first", "last")
            if getattr(amount, part)
        ]
    return fields
