"""What a source said and nobody understood: the part `not_read` of a record.

A reader of health records or tables notes here what may speak of a finding and could not be read (a code that nobody
knows, an answer in free text, a unit, a page that was not sent). What an entry speaks of is unknown: no completed
screen closes over it, in `facts.close` and again in the independent checker. Everything that shows an answer names the
entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .node import ListNode, MapNode, Node, Problems, ScalarNode, did_you_mean, quoted, suggestion

MOST = 200
"""How many entries a record may have; `limited` puts what is over into one."""

_PARTS = ("source", "display", "speaks_of", "reason")


@dataclass(frozen=True, slots=True)
class NotRead:
    """One thing that was not understood.

    `source` says where it stands (`Condition/123`, `QuestionnaireResponse/q#saddle_anesthesia`, a row and its column),
    `display` what it calls itself (empty where it does not), `reason` why it was not understood. `speaks_of` are the
    findings, measures and screens that it may be about; an empty tuple is anything at all.
    """

    source: str
    display: str
    speaks_of: tuple[str, ...]
    reason: str

    def speaks_of_name(self, name: str) -> bool:
        """Whether it may be about this finding, measure or screen."""
        return not self.speaks_of or name in self.speaks_of

    def to_json(self) -> dict[str, Any]:
        """As a record writes it: parts that say nothing are left out."""
        made: dict[str, Any] = {"source": self.source}
        if self.display:
            made["display"] = self.display
        if self.speaks_of:
            made["speaks_of"] = list(self.speaks_of)
        return made | {"reason": self.reason}

    def __str__(self) -> str:
        return f"{self.source} ({self.display}): {self.reason}" if self.display else f"{self.source}: {self.reason}"


def limited(found: Iterable[NotRead]) -> tuple[NotRead, ...]:
    """Each entry once, at most `MOST` of them: what is over stands in a last one that speaks of all that they do."""
    listed = tuple(dict.fromkeys(found))
    if len(listed) <= MOST:
        return listed
    kept, over = listed[: MOST - 1], listed[MOST - 1 :]
    names = () if any(not n.speaks_of for n in over) else tuple(sorted({s for n in over for s in n.speaks_of}))
    return (*kept, NotRead(f"{len(over):,} more entries", "", names, "they were not read either"))


def read_not_read(node: Node | None, known: Mapping[str, Sequence[str]], problems: Problems) -> tuple[NotRead, ...]:
    """The entries of a record's part `not_read`; `known` has the names of the guideline by kind."""
    match node:
        case None:
            return ()
        case ListNode(items=items):
            if len(items) > MOST:
                problems.add("GL410", f"`not_read` has {len(items):,} entries; at most {MOST} are read", node.span)
            return tuple(read for item in items[:MOST] if (read := _entry(item, known, problems)) is not None)
    hint = "write one entry a line: `- {source: …, reason: …, speaks_of: [NAME]}`"
    problems.add("GL410", "`not_read` is a list of what was not understood", node.span, hint=hint)
    return ()


def _entry(node: Node, known: Mapping[str, Sequence[str]], problems: Problems) -> NotRead | None:
    if not isinstance(node, MapNode):
        problems.add("GL410", "an entry of `not_read` has a `source` and a `reason`", node.span)
        return None
    for key in (entry.key for entry in node.entries if entry.key.text not in _PARTS):
        hint = did_you_mean(suggestion(key.text, _PARTS)) or f"the parts are {', '.join(_PARTS)}"
        problems.add("GL411", f"an entry of `not_read` has no part {quoted(key.text)}", key.span, hint=hint)
    texts = {part: _text(node, part, problems, needed=part != "display") for part in ("source", "display", "reason")}
    names: list[str] = []
    listed = node.get("speaks_of")
    match None if listed is None else listed.value:
        case None:
            pass
        case ListNode(items=items, span=span):
            if not items:
                hint = "leave `speaks_of` out where it may be about anything"
                problems.add("GL410", "`speaks_of` has no names", span, hint=hint)
            for item in items:
                if not isinstance(item, ScalarNode):
                    problems.add("GL420", "`speaks_of` is a list of names", item.span)
                elif not any(item.text in group for group in known.values()):
                    near = did_you_mean(suggestion(item.text, *(tuple(group) for group in known.values())))
                    message = f"there is no finding, measure or screen {quoted(item.text)} in this guideline"
                    problems.add("GL412", message, item.span, hint=near or "`guidelog names` lists what it has")
                else:
                    names.append(item.text)
        case wrong:
            problems.add("GL420", "`speaks_of` is a list of names", wrong.span)
    if texts["source"] is None or texts["reason"] is None:
        return None
    return NotRead(texts["source"], texts["display"] or "", tuple(names), texts["reason"])


def _text(node: MapNode, part: str, problems: Problems, *, needed: bool) -> str | None:
    entry = node.get(part)
    if entry is None:
        if needed:
            problems.add("GL410", f"an entry of `not_read` has no `{part}`", node.span)
        return None
    if not isinstance(entry.value, ScalarNode) or not entry.value.text.strip():
        problems.add("GL420", f"`{part}` of `not_read` is text", entry.value.span)
        return None
    return entry.value.text
