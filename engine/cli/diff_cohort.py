"""`guidelog diff --cohort`: how many people of a table get another answer from the new version.

Both versions answer the table as `guidelog cohort` does, a sample checked through `ask` each, and the results are
compared as `guidelog cohort diff` does. A column that only one version declares is passed over by the other one.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.semantics.status import Status

from .cohort import NEEDED

if TYPE_CHECKING:
    from guidelog.cohort.results.diff import Flow


@dataclass(frozen=True, slots=True)
class Counted:
    """People by change. `people` were answered by both versions, `set_aside` by version were refused as records."""

    data: str
    people: int
    changed: int
    flows: tuple[Flow, ...]
    set_aside: tuple[int, int]

    def lines(self) -> Iterator[str]:
        """For people to read."""
        share = f" ({100 * self.changed / self.people:.1f} %)" if self.people else ""
        yield f"{self.changed:,} of {self.people:,} people get another answer{share}"
        for flow in self.flows:
            yield f"{flow.intervention}: {_words(flow.old)} -> {_words(flow.new)}: {flow.patients:,}"
        old, new = self.set_aside
        if old or new:
            yield f"set aside as records that contradict themselves or cannot be read: {old:,} by old, {new:,} by new"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "people": self.people,
            "changed": self.changed,
            "set_aside": {"old": self.set_aside[0], "new": self.set_aside[1]},
            "flows": [
                {"intervention": f.intervention, "old": f.old, "new": f.new, "people": f.patients} for f in self.flows
            ],
        }


def count_changes(old: Compiled, new: Compiled, data: str, scratch: Path) -> Counted:
    """Answer the table by both versions and compare. Raises InputError, AuditError."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise InputError.of(
            "GL700", f"`--cohort` needs {', '.join(missing)}", hint="install the extra: pip install 'guidelog[cohort]'"
        )
    from guidelog.cohort.results.diff import diff
    from guidelog.cohort.run import Options, run

    if data == "-":  # it is read twice
        (scratch / "stdin.csv").write_bytes(sys.stdin.buffer.read())
        data = str(scratch / "stdin.csv")
    results = []
    for which, compiled, other in (("old", old, new), ("new", new, old)):
        strangers = tuple(_columns(other) - _columns(compiled))
        run(compiled, data, str(scratch / f"cohort-{which}"), Options(ignore=strangers))
        results.append(scratch / f"cohort-{which}")
    found = diff(*map(str, results))
    flows = [f for f in found.flows if f.old != f.new and f.old is not None and f.new is not None]
    first = found.flows[0].intervention if found.flows else None
    people = sum(f.patients for f in found.flows if f.intervention == first and f.old is not None and f.new is not None)
    accounts = [json.loads((result / "run.json").read_text(encoding="utf-8")) for result in results]
    return Counted(
        "the table" if data.endswith("stdin.csv") else data,
        people,
        found.changed,
        tuple(flows),
        (int(accounts[0]["rejected"]), int(accounts[1]["rejected"])),
    )


def _columns(compiled: Compiled) -> set[str]:
    vocabulary = compiled.names.vocabulary
    bounds = {f"{name}.{end}" for name in vocabulary.measures for end in ("low", "high", "since")}
    return {*vocabulary.findings, *vocabulary.measures, *vocabulary.screens, *bounds}


def _words(status: str | None) -> str:
    """`undetermined (missing_data)` as people say it."""
    name, _, because = (status or "").partition(" ")
    return f"{wording.STATUS[Status(name)]}{' ' + because.replace('_', ' ') if because else ''}"
