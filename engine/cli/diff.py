"""`guidelog diff`: what changes between two versions of a guideline, and for which patients."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from guidelog import wording
from guidelog.diagnostics import InputError
from guidelog.fhir.terminology.code_file import FILE
from guidelog.files import make_folder, scratch, write_text
from guidelog.pipeline import compile_guideline
from guidelog.solver.literals import Budget
from guidelog.verify.diff.beyond import PromiseEdit, not_compared, promises
from guidelog.verify.diff.compare import compare
from guidelog.verify.diff.declared import CHANGES, Announcement, announced_edits, new_announcements, unknown_names
from guidelog.verify.diff.edits import Edit, lines, metadata
from guidelog.verify.diff.result import Change, Difference, Reason
from guidelog.verify.diff.revisions import Version, read_version
from guidelog.workbench.code_changes import CodeDifference, compare_codes

from .diff_cohort import Counted, count_changes
from .main import use_colour
from .support.files import writing
from .support.options import budget_option, write_json
from .support.progress import progress

_MOST_EDITS = 6
"""How many edits are named at one change."""

_ICON = {"added": "+", "removed": "-", "changed": "~"}


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="Output for people, for programs, or for a pull request.",
)
@click.option(
    "--witnesses",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each patient whose answer changes into this folder.",
)
@budget_option
@click.option("--lines", "show_lines", is_flag=True, help="Show the edited lines as well.")
@click.option(
    "--cohort",
    "cohort",
    metavar="FILE",
    help="Also count whose answers change in this table of patients (docs/cohorts.md).",
)
def diff(
    old: str,
    new: str,
    format_: str,
    witnesses: Path | None,
    budget: float | None,
    show_lines: bool,
    cohort: str | None,
) -> None:
    """Which answers differ between OLD and NEW, for which patients, and because of which edit.

    OLD and NEW are guideline folders, names in kb/, or git revisions `REV[:folder]`. Each change comes with the
    smallest patient who is answered differently, certified by both versions; an intervention without one is proved
    unchanged. Where answers stay, other rules may be behind them; that is said too. Exit code 1 when an answer changes
    that the CHANGES.md of NEW does not announce, or when something was not decided.

    \b
    Examples:
      guidelog diff kb/lumbar_radiculopathy lumbar_radiculopathy
      guidelog diff HEAD~1:kb/lumbar_radiculopathy HEAD --format markdown  # git revisions
    """
    with scratch() as folder:
        versions = [read_version(what, folder / str(index)) for index, what in enumerate((old, new))]
        first, second = (compile_guideline(v.guideline) for v in versions)
        announced = new_announcements(versions[0].folder, versions[1].folder)
        known = [*second.names.vocabulary.interventions, *first.names.vocabulary.interventions]
        if wrong := unknown_names(announced, known):
            raise InputError(wrong)
        counted = None if cohort is None else count_changes(first, second, cohort, folder)
        time = Budget(budget)
        found = compare(first, second, budget=time, progress=progress())
        codes = compare_codes(first, second, budget=time, progress=progress())
        promised, open_promises = promises(first, second, budget=time)
        left = (*codes.undecided, *open_promises, *not_compared(first, second, found.edits))
        edited = announced_edits(versions[0].folder, versions[1].folder)
        beyond = _Beyond(codes, promised, tuple(one for one in left if one[0].split(",")[0] not in edited), edited)
        unannounced = [c for c in found.changes if not any(a.covers(c) for a in announced)]
        stale = [a for a in announced if not any(a.covers(c) for c in found.changes)]
        if witnesses is not None:
            _write(witnesses, found.changes)
        if format_ == "json":
            write_json(
                {
                    "old": _identity(versions[0]),
                    "new": _identity(versions[1]),
                    "metadata": metadata(first, second),
                    **found.to_json(),
                    **beyond.to_json(),
                    "lines": list(lines(versions[0].guideline, versions[1].guideline)),
                    "unannounced": [_key(c) for c in unannounced],
                    "announced_and_not_found": [str(a) for a in stale],
                    **({} if counted is None else {"cohort": counted.to_json()}),
                }
            )
        else:
            page = _Page(versions, found, announced, unannounced, stale, beyond, format_ == "markdown")
            page.head(metadata(first, second))
            page.edits(lines(versions[0].guideline, versions[1].guideline) if show_lines else ())
            page.body()
            if counted is not None:
                page.cohort(counted)
            page.verdict()
            colour = use_colour(sys.stdout) and format_ == "text"
            click.echo("\n".join(page.lines), color=colour)
    beyond_failed = beyond.failed(announced)
    sys.exit(1 if unannounced or found.undecided or _unannounced_shape(found) or beyond_failed else 0)


def _unannounced_shape(found: Difference) -> bool:
    """Records that one version refuses get no answer there, which nobody can announce line by line."""
    return bool(found.refused)


@dataclass(frozen=True)
class _Beyond:
    """What was edited beside the rules: codes, promises, and what is not compared and not announced."""

    codes: CodeDifference
    promises: list[PromiseEdit]
    undecided: tuple[tuple[str, str], ...]
    announced: set[str]

    @property
    def any(self) -> bool:
        return bool(self.codes.edited or self.promises or self.undecided)

    def failed(self, announced: Iterable[Announcement]) -> bool:
        """Whether something changes, or may change, that nobody announced."""
        answers = [change.answer for change in self.codes.changes]
        unannounced = any(
            not any(a.fits(one.intervention, one.old, one.new) for a in announced)
            if one
            else FILE not in self.announced
            for one in answers
        )
        return bool(self.undecided) or unannounced or any(p.broken for p in self.promises)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "codes": [change.to_json() for change in self.codes.changes],
            "promises": [promise.to_json() for promise in self.promises],
            "not_compared": [{"about": name, "why": why} for name, why in self.undecided],
        }


class _Page:
    """The findings as text or Markdown."""

    def __init__(
        self,
        versions: list[Version],
        found: Difference,
        announced: list[Announcement],
        unannounced: list[Change],
        stale: list[Announcement],
        beyond: _Beyond,
        markdown: bool,
    ) -> None:
        self.beyond = beyond
        self.versions, self.found, self.markdown = versions, found, markdown
        self.announced, self.unannounced, self.stale = announced, unannounced, stale
        self.lines: list[str] = []
        self.patients: dict[str, Change] = {}

    def head(self, changed: dict[str, tuple[str, str]]) -> None:
        old, new = self.versions
        self.title(f"{new.guideline.title}: {old.name} to {new.name}", 2)
        for key, (before, after) in changed.items():
            self.lines.append(f"{self.bullet}{key}: {before}, now {after}")
        found = self.found
        concerned = len({c.intervention for c in found.changes})
        answers = f"{_count(len(found.changes), 'change')} of answers in {_count(concerned, 'intervention')}"
        proof = (
            f"{_count(len(found.same), 'intervention')} proved to be answered alike for every record"
            f" ({len(found.shared)} of them defined alike)"
        )
        self.lines.append(f"{answers}; {proof}; {found.seconds:.2f} s.")
        if found.otherwise_reasoned:
            self.lines.append(f"Reasons change, answers do not: {', '.join(found.otherwise_reasoned)}.")
        if found.edits and not any(e.matters for e in found.edits) and not self.beyond.any:
            self.lines.append("Only words were edited: no answer and no reason rests on them.")

    def edits(self, diff: Iterable[str]) -> None:
        if self.found.edits:
            self.title("Edits", 3)
        for edit in self.found.edits:
            what = f" ({', '.join(edit.parts)})" if edit.parts else ""
            where = f", {edit.place}" if edit.place else ""
            self.lines.append(f"{self.bullet}{_ICON[edit.kind]} {self.code(_short(edit))} {edit.kind}{what}{where}")
        shown = list(diff)
        if shown:
            self.lines += ["", "```diff", *shown, "```"] if self.markdown else ["", *(f"    {line}" for line in shown)]

    def body(self) -> None:
        by_name: dict[str, list[Change]] = {}
        for change in self.found.changes:
            by_name.setdefault(change.intervention, []).append(change)
        for name, changes in by_name.items():
            self.title(name, 3)
            for change in changes:
                self.change(change)
        if self.found.reasons:
            self.title("Reasons that change where the answer does not", 3)
            for reason in self.found.reasons:
                self.lines.append(f"{self.bullet}{self.reason(reason)}")
        if self.found.shown:
            self.title("Included items, notes and cautions", 3)
            for shown in self.found.shown:
                what = f"{shown.atom[0]}({', '.join(map(str, shown.atom[1:]))})"
                some = "now shown to" if shown.gained else "no longer shown to"
                self.lines.append(
                    f"{self.bullet}{self.code(what)} of {self.code(shown.rule)} {some} some patients, for example "
                    f"{_inline(shown.content)}"
                )
        for title, names in (("New interventions", self.found.added), ("Removed interventions", self.found.removed)):
            if names:
                self.title(title, 3)
                self.lines.append(f"{self.bullet}{', '.join(names)}")
        for by, content in self.found.refused:
            self.title(f"Records that only the {by} version refuses", 3)
            self.lines.append(f"{self.bullet}for example {_inline(content)}")
        self.codes()
        self.promises()
        if self.found.undecided or self.beyond.undecided:
            self.title("Not decided", 3)
        open_: dict[str, list[str]] = {}
        for name, why in (*self.found.undecided, *self.beyond.undecided):
            open_.setdefault(name, []).append(why)
        for name, reasons in open_.items():
            more = f"; and {len(reasons) - 1} more of that kind" if len(reasons) > 1 else ""
            self.lines.append(f"{self.bullet}{name}: {reasons[0]}{more}")

    def codes(self) -> None:
        if self.beyond.codes.changes:
            self.title("Health records that are read differently (codes.toml)", 3)
        for change in self.beyond.codes.changes:
            said = "; ".join(f"{name}: {a}, now {b}" for name, (a, b) in change.said.items())
            self.lines.append(f"{self.bullet}{change.concept}: {said}")
            indent = "  " if self.markdown else "      "
            if change.answer is not None:
                words = f"{wording.STATUS[change.answer.old]} -> {wording.STATUS[change.answer.new]}"
                self.lines.append(f"{indent}{change.answer.intervention}: {words}, for example by this record:")
            else:
                self.lines.append(f"{indent}No answer was found that changes by it; for example this record:")
            for resource in (change.answer or change).bundle["entry"][1:]:
                self.lines.append(f"{indent}  {_resource(resource['resource'])}")

    def promises(self) -> None:
        if self.beyond.promises:
            self.title("Promises (properties.dl)", 3)
        for one in self.beyond.promises:
            became = (
                ""
                if one.verdict is None
                else {"proved": "; it still holds", "broken": "; it no longer holds", "not decided": ""}[
                    one.verdict.result.value
                ]
            )
            self.lines.append(f"{self.bullet}{_ICON[one.kind]} {self.code(one.id)} {one.kind}{became}: {one.says}")
            if one.broken and one.verdict is not None and one.verdict.witness is not None:
                self.lines.append(f"{'  ' if self.markdown else '      '}{_inline(dict(one.verdict.witness.content))}")

    def cohort(self, counted: Counted) -> None:
        self.title(f"In {counted.data}", 3)
        self.lines.extend(f"{self.bullet}{line}" for line in counted.lines())

    def change(self, change: Change) -> None:
        news = "" if change not in self.unannounced else " (unannounced)"
        words = f"{wording.STATUS[change.old]} -> {wording.STATUS[change.new]}"
        self.lines.append(f"{self.bullet}{'**' if self.markdown else ''}{words}{'**' if self.markdown else ''}{news}")
        indent = "  " if self.markdown else "      "
        first = self.patients.setdefault(change.content["patient"], change)
        if first is not change:
            self.lines.append(f"{indent}By the patient of {self.code(_key(first))}.")
        elif self.markdown:
            self.lines += ["", "  ```yaml", *(f"  {line}" for line in change.text.splitlines()[1:]), "  ```", ""]
        else:
            self.lines += [f"      | {line}" for line in change.text.splitlines()[1:]]
        if change.needed is not None:
            listed = change.sketch.entries()
            free = [n for n in listed if n not in {entry.split(":")[0] for entry in change.needed}]
            self.lines.append(
                f"{indent}Every such patient has all of this{' but perhaps ' + ', '.join(free) if free else ''}."
            )
        if change.edits:
            names = ", ".join(self.code(_short(e)) for e in change.edits[:_MOST_EDITS])
            if len(change.edits) > _MOST_EDITS:
                names += f" and {len(change.edits) - _MOST_EDITS} more of the edits (--format json names them)"
            self.lines.append(f"{indent}{'Because of' if change.alone else 'It takes'} {names}.")
        if change.spare and first is change:
            self.lines.append(f"{indent}Shows several changes; for one of them fewer entries may do.")
        elif not change.spare and not change.smallest:
            self.lines.append(f"{indent}Nothing can be left out; another patient may be smaller.")

    def reason(self, reason: Reason) -> str:
        answer = f"{reason.intervention}, {wording.STATUS[reason.status]} as before"
        example = f"for example {_inline(reason.content)}"
        by = f" (because of {', '.join(self.code(_short(e)) for e in reason.edits)})" if reason.edits else ""
        if reason.rule is None:
            return f"{answer}: it would settle on something else at an end of the guideline's range, {example}{by}"
        what = "is now behind it" if reason.gained else "is no longer behind it"
        return f"{answer}: {self.code(reason.rule)} {what}, {example}{by}"

    def verdict(self) -> None:
        self.lines.append("")
        if self.unannounced:
            self.lines.append(f"Not announced in {CHANGES}:")
            self.lines.extend(f"- {_key(c)}" for c in self.unannounced)
        elif self.found.changes:
            self.lines.append(f"All changes are announced in {CHANGES}.")
        elif not self.found.undecided and not self.beyond.codes.changes:
            self.lines.append("No answer changes for any record that both versions accept.")
            if self.found.reasons:
                self.lines.append("Some answers have other reasons (above); that needs no announcement.")
        if self.found.refused:
            self.lines.append("One version refuses records that the other one takes (above).")
        if any(change.answer for change in self.beyond.codes.changes):
            self.lines.append("Answers change for health records that are read differently (above).")
        if self.found.undecided or self.beyond.undecided:
            self.lines.append("Not everything was decided (above).")
        self.lines.extend(f"Announced in {CHANGES}, but no patient changes so: {a}" for a in self.stale)

    def title(self, text: str, level: int) -> None:
        self.lines += ["", f"{'#' * level} {text}", ""] if self.markdown else ["", text] if self.lines else [text]

    @property
    def bullet(self) -> str:
        return "- " if self.markdown else "  "

    def code(self, text: str) -> str:
        return f"`{text}`" if self.markdown else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _key(change: Change) -> str:
    return f"{change.intervention}: {change.old.value} -> {change.new.value}"


def _short(edit: Edit) -> str:
    return edit.name if len(edit.name) <= 60 else edit.name[:59] + "…"


def _inline(content: dict[str, Any]) -> str:
    entries = [f"{k}: {v}" for part in ("findings", "measures", "screens") for k, v in content.get(part, {}).items()]
    return "{" + ", ".join(entries) + "}" if entries else "one of whom nothing is known"


def _resource(resource: dict[str, Any]) -> str:
    """A resource in a line: its kind, its code, its day; of a form what it says."""
    kind = str(resource["resourceType"])
    if kind == "QuestionnaireResponse":
        items = [f"{i['linkId']}: {_answered(i['answer'][0])}" for i in resource["item"]]
        return f"form: {', '.join(items) or 'nothing'}"
    concept = resource.get("code") or resource.get("medicationCodeableConcept") or {}
    coding = (concept.get("coding") or [{}])[0]
    period = resource.get("performedPeriod") or resource.get("effectivePeriod")
    day = next((resource[k] for k in ("onsetDateTime", "authoredOn", "effectiveDateTime") if k in resource), "")
    when = f"{period['start']} to {period['end']}" if period else day
    value = next((f", {_answered(resource)}" for key in resource if key.startswith("value")), "")
    return f"{kind} {coding.get('code', '')}, {when}{value}"


def _answered(answer: dict[str, Any]) -> str:
    value = next(v for key, v in answer.items() if key.startswith("value"))
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return f"{value.get('comparator', '')}{value['value']}"
        case _:
            return str(value)


def _identity(version: Version) -> dict[str, str]:
    guideline = version.guideline
    return {"name": version.name, "id": guideline.id, "version": guideline.version, "sha256": guideline.sha256}


def _write(folder: Path, changes: Iterable[Change]) -> None:
    with writing(folder):
        make_folder(folder)
        for change in changes:
            write_text(folder / f"{change.content['patient']}.yaml", change.text)
